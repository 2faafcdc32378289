"""Was a promise broken at the moment of an effect, in a world in which everything moves?

The truth of the world is compared with what is done; what is known of the worker is its record alone.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from remediation.ledger.intent import Intent, LeverKind, Outcome, OutcomeKind, Verb
from rules.policy import Mode
from tests.engine.witness import Witness, WitnessedLever, WitnessedOrigin
from tests.world import Truth, World

APART = timedelta(minutes=5)
"""So far the clocks of the workers may be from the true time, behind it or ahead."""


class StrictWitness(Witness):
    """Sees every effect, and compares it with the truth."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.begun: list[datetime] = []
        self._done: Counter[tuple[str, str]] = Counter()

    def other_hands(self, stamp: str) -> None:
        """Somebody else moved it: what was done may have to be done once more."""
        for stamp_and_intent in [each for each in self._done if each[0] == stamp]:
            del self._done[stamp_and_intent]

    async def sees(self, verb: Verb, stamp: str, lever: LeverKind) -> None:
        """The effect is about to be."""
        await super().sees(verb, stamp, lever)
        record, workload = await self.world.record(), self.world.workload
        acting = [
            each
            for each in record.in_flight()
            if (each.verb, each.stamp, each.lever) == (verb, stamp, lever) and each.lease is not None
        ]
        if not acting:
            return  # it has been said already
        (intent,) = acting
        self._judge_any(intent)
        if workload.mode is Mode.OBSERVE or (workload.mode is Mode.APPROVE and not intent.approved_by):
            self._say(f"P17, P18: {verb} of {stamp} in mode {workload.mode}")
        if verb is Verb.DRAIN:
            self._judge_drain(intent, record.out())
        elif not intent.author:
            self._judge_rejoin(stamp, self.world.truth[stamp], (record.stamp(stamp).drain or intent))

    def _judge_any(self, intent: Intent) -> None:
        world, what = self.world, f"{intent.verb} of {intent.stamp}"
        now = world.clock.now()
        self._done[intent.stamp, intent.id] += 1
        if self._done[intent.stamp, intent.id] > 1:
            self._say(f"P5: {what} for the second time by {intent.id}")
        if intent.approved_by and intent.approved_by == intent.author:
            self._say(f"P18: {what} asked for and approved by {intent.author}")
        if world.shelf.markers:
            self._say(f"P17: {what} while a marker says hold")
        for window in world.workload.maintenance:
            if window.stamp in (None, intent.stamp) and window.since + APART <= now < window.until - APART:
                self._say(f"P12: {what} in its maintenance")

    def _judge_drain(self, intent: Intent, out: set[str]) -> None:
        world, stamp = self.world, intent.stamp
        if "MAINTENANCE" in (world.truth[stamp].file or ""):
            self._say(f"P12: drain of {stamp}, which says MAINTENANCE")
        if any(not truth.settled for name, truth in world.truth.items() if name != stamp):
            self._say(f"P1: drain of {stamp} while an origin is being changed")
        if not intent.second:
            self.begun.append(world.clock.now())
        if intent.author:
            return
        if not world.edge_open and world.workload.front_door_url:
            self._say(f"P3: drain of {stamp} while the edge is closed")
        in_rotation = [name for name in world.truth if name not in out or name == stamp]
        bad = {name for name in in_rotation if not world.serves(name)} | {stamp}
        if 2 * len(bad) > len(in_rotation):
            self._say(f"P3: drain of {stamp}; of {in_rotation} these fail: {sorted(bad)}")

    def _judge_rejoin(self, stamp: str, truth: Truth, drain: Any) -> None:
        marks = getattr(drain, "marks", {})
        if not truth.reachable or truth.failing or any(truth.read < mark for mark in marks.values()):
            self._say(f"P12: rejoin of {stamp} without proof: {truth}, {dict(marks)}")


class LivingLever(WitnessedLever):
    """State files that cannot be moved where the storage is gone, and answers that get lost."""

    async def take_out(self, stamp: Any, tag: str) -> Outcome:
        """See `Lever`."""
        if not self._world.truth[stamp.name].storage:
            return Outcome(OutcomeKind.TRANSIENT, "refused")
        return self._answered(await super().take_out(stamp, tag))

    async def bring_back(self, stamp: Any, content: str) -> Outcome:
        """See `Lever`."""
        if not self._world.truth[stamp.name].storage:
            return Outcome(OutcomeKind.TRANSIENT, "refused")
        return self._answered(await super().bring_back(stamp, content))

    def _answered(self, outcome: Outcome) -> Outcome:
        lost: list[bool] = getattr(self._world, "answers_lost", [])
        return Outcome(OutcomeKind.UNKNOWN, "no answer") if lost and lost.pop() else outcome


class LivingOrigin(WitnessedOrigin):
    """An origin whose return takes its time as well."""

    async def bring_back(self, stamp: Any, content: str) -> Outcome:
        """See `Lever`."""
        truth = self._world.truth[stamp.name]
        was = truth.enabled
        outcome = await super().bring_back(stamp, content)
        if not was:
            truth.settled = not truth.slow
        return outcome
