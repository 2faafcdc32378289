"""Was a promise broken at the very moment of an effect? Levers that look on, by the world's own truth."""

from typing import Any

from remediation.desk import Desk
from remediation.engine import Ports
from remediation.ledger.intent import IntentState, LeverKind, Outcome, Verb
from tests.world import (
    FakeHealthServices,
    FakeLever,
    FakeOrigin,
    FakeTeller,
    World,
)


class Witness:
    """Sees every effect, and keeps what ought not to have been."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.broken: list[str] = []

    async def sees(self, verb: Verb, stamp: str, lever: LeverKind) -> None:
        """The effect is about to be."""
        world, now = self.world, self.world.clock.now()
        record = await world.record()
        acting = [each for each in record.in_flight() if each.state is IntentState.ACTING]
        if not any((each.verb, each.stamp, each.lever) == (verb, stamp, lever) for each in acting):
            self._say(f"P4: {verb} of {stamp} by {lever} without an intent that says so")
        if verb is Verb.DRAIN:
            serving = [name for name in world.truth if name != stamp and world.serves(name)]
            if len(serving) < max(1, world.workload.policy.min_serving):
                self._say(f"P2: drain of {stamp} leaves {serving}")
        else:
            drain = record.stamp(stamp).drain
            if drain is None or lever not in {moved.lever for moved in drain.levers}:
                self._say(f"P12: {verb} of {stamp} by {lever}, which we did not move")
        if record.hold is not None and (record.hold.until is None or record.hold.until > now):
            self._say(f"P17: {verb} of {stamp} while it is held")

    def _say(self, what: str) -> None:
        self.broken.append(f"{self.world.clock.now():%H:%M:%S} {what}")

    def lever(self) -> "WitnessedLever":
        """The state files, seen by this witness."""
        return WitnessedLever(self.world, self)

    def origin(self) -> "WitnessedOrigin":
        """The origins, seen by this witness."""
        return WitnessedOrigin(self.world, self)


class WitnessedLever(FakeLever):
    """The state files; each effect is seen."""

    def __init__(self, world: World, witness: Witness) -> None:
        super().__init__(world)
        self._witness = witness

    async def take_out(self, stamp: Any, tag: str) -> Outcome:
        """See `Lever`."""
        truth = self._world.truth[stamp.name]
        works = truth.lever_works and not self._world.lever_answers
        if truth.file is not None and works and tag == str(truth.version):
            await self._witness.sees(Verb.DRAIN, stamp.name, LeverKind.STATE_FILE)
        return await super().take_out(stamp, tag)

    async def bring_back(self, stamp: Any, content: str) -> Outcome:
        """See `Lever`."""
        if self._world.truth[stamp.name].file is None:
            await self._witness.sees(Verb.REJOIN, stamp.name, LeverKind.STATE_FILE)
        return await super().bring_back(stamp, content)


class WitnessedOrigin(FakeOrigin):
    """The origins; each effect is seen."""

    def __init__(self, world: World, witness: Witness) -> None:
        super().__init__(world)
        self._witness = witness

    async def take_out(self, stamp: Any, tag: str) -> Outcome:
        """See `Lever`."""
        if self._world.truth[stamp.name].enabled:
            await self._witness.sees(Verb.DRAIN, stamp.name, LeverKind.FRONT_DOOR)
        return await super().take_out(stamp, tag)

    async def bring_back(self, stamp: Any, content: str) -> Outcome:
        """See `Lever`."""
        if not self._world.truth[stamp.name].enabled:
            await self._witness.sees(Verb.REJOIN, stamp.name, LeverKind.FRONT_DOOR)
        return await super().bring_back(stamp, content)


def the_desk(world: World) -> Desk:
    """The desk of the world's workload, with both levers."""
    ports = Ports(
        clock=world.clock,
        ledger=world.ledger,
        lever=FakeLever(world),
        health_services=FakeHealthServices(world),
        pager=FakeTeller(world),
        notifier=FakeTeller(world),
        tally=world.tally,
        origin=FakeOrigin(world),
    )
    return Desk({world.workload.name: world.charge}, ports)
