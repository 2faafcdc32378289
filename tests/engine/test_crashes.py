"""What is left when a worker dies, or sleeps, at any moment? The next one finishes or holds."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from remediation.engine import Engine, Ports
from remediation.ledger.intent import IntentState, Outcome, OutcomeKind
from rules.signals import AlertState
from tests.world import FakeHealthServices, FakeLever, FakeTeller, World


class CrashedError(BaseException):
    """The process is gone. Nothing in the worker catches it."""


class Doom:
    """Counts the calls through every port, and ends the process at one of them."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.calls = 0
        self._at = at
        self._after = after

    def over(self, port: object) -> Any:
        """The port, watched."""
        return _Doomed(port, self)

    async def call(self, method: Callable[..., Awaitable[object]], *args: object) -> object:
        """Make the call, unless the process ends before it; return, unless it ends after."""
        self.calls += 1
        doomed = self.calls == self._at
        if doomed and not self._after:
            raise CrashedError
        result = await method(*args)
        if doomed:
            raise CrashedError
        return result


class _Doomed:
    def __init__(self, port: object, doom: Doom) -> None:
        self._port = port
        self._doom = doom

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        method = getattr(self._port, name)

        async def call(*args: object) -> object:
            return await self._doom.call(method, *args)

        return call


def a_doomed_worker(world: World, doom: Doom) -> Engine:
    """A worker that will die."""
    ports = Ports(
        clock=world.clock,
        ledger=doom.over(world.ledger),
        lever=doom.over(FakeLever(world)),
        health_services=doom.over(FakeHealthServices(world)),
        pager=doom.over(FakeTeller(world)),
        notifier=doom.over(FakeTeller(world)),
    )
    return Engine({world.workload.name: world.charge}, ports, "doomed")


async def drain_and_rejoin(world: World) -> None:
    """The whole life of one drain; a worker that dies is followed by another, as a host would."""
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(6)
    assert world.out() == {"weu"}
    await world.alert("weu", AlertState.RESOLVED)
    await world.run(16)


class Survivor(World):
    """A world whose first worker is doomed; when it dies, worker 2 takes every call from then on."""

    def __init__(self, doom: Doom) -> None:
        super().__init__()
        self.heir = self.a_worker("worker-2")
        self.engine = a_doomed_worker(self, doom)

    async def run(self, minutes: float, *, tick: float = 30) -> None:
        """Let time pass; the tick in which a worker dies is lost, as is the rest of that worker."""
        passed = 0.0
        while passed < minutes * 60:
            try:
                await super().run(tick / 60, tick=tick)
            except CrashedError:
                self.engine = self.heir
            passed += tick

    async def says(self, *signals: Any) -> dict[str, str]:
        """The hub delivers again what a dead worker did not take in."""
        try:
            return await super().says(*signals)
        except CrashedError:
            self.engine = self.heir
            return await super().says(*signals)


async def calls_of_a_whole_life() -> int:
    """How many calls go through the ports when nobody dies."""
    doom = Doom(at=-1, after=False)
    await drain_and_rejoin(Survivor(doom))
    return doom.calls


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before-the-call", "after-the-call"])
async def test_a_crash_at_any_call_changes_nothing_in_the_end(after: bool) -> None:  # noqa: FBT001 - pytest gives it
    """P4, P5, P8, P10: one drain, one rejoin, page and resolve delivered, wherever the first worker died."""
    calls = await calls_of_a_whole_life()
    assert calls > 100
    for at in range(1, calls + 1):
        world = Survivor(Doom(at, after=after))
        await drain_and_rejoin(world)
        assert [what for _, what in world.effects] == ["drained weu", "rejoined weu"], f"died at call {at}"
        assert world.pages(), f"nobody was paged: died at call {at}"
        record = await world.record()
        assert not record.incidents, f"died at call {at}"
        assert not record.in_flight(), f"died at call {at}"
        assert record.outbox == (), f"died at call {at}"


class SleepyLever(FakeLever):
    """The lever of a worker that is paused just before its delete, and wakes much later."""

    asleep = True

    async def take_out(self, stamp: Any, tag: str) -> Any:
        """Sleep instead; the test wakes us."""
        if self.asleep:
            self.late = (stamp, tag)
            raise CrashedError
        return await super().take_out(stamp, tag)


async def test_a_paused_workers_late_delete_is_fenced_off() -> None:
    """P10: taken over and given up, the intent of a paused worker can no longer take effect."""
    world = World()
    lever = SleepyLever(world)
    world.engine = world.a_worker("paused", lever)
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    with pytest.raises(CrashedError):
        await world.run(2)
    world.engine = world.a_worker("heir")
    await world.alert("weu", AlertState.RESOLVED)
    await world.run(3)
    assert world.out() == set()
    lever.asleep = False
    await lever.take_out(*lever.late)
    assert world.out() == set()


class UnheardLever(FakeLever):
    """The lever of a worker that gets no answer to its first delete, which lands at once or much later."""

    lands = True
    late: tuple[Any, str] | None = None

    async def take_out(self, stamp: Any, tag: str) -> Any:
        """Time out once."""
        if self.late is not None:
            return await super().take_out(stamp, tag)
        self.late = (stamp, tag)
        if self.lands:
            await super().take_out(stamp, tag)
        return Outcome(OutcomeKind.UNKNOWN, "timed out")


async def test_a_delete_without_an_answer_that_is_seen_to_have_landed_is_made_once() -> None:
    """P5: a time-out is no failure: the worker looks, and the drain is its own at the first attempt."""
    world = World()
    world.engine = world.a_worker("worker", UnheardLever(world))
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    while not world.effects:
        await world.run(0.5)
    (intent,) = (await world.record()).intents.values()
    assert (intent.state, intent.attempts) == (IntentState.VERIFIED, 1)
    assert (await world.record()).stamp("weu").drain is not None


async def test_a_delete_without_an_answer_that_has_not_landed_cannot_land_any_more() -> None:
    """P5: it is no success either: before anything else is tried, the late request is made worthless."""
    world = World()
    lever = UnheardLever(world)
    lever.lands = False
    world.engine = world.a_worker("worker", lever)
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    while lever.late is None:
        await world.run(0.5)
    await lever.take_out(*lever.late)
    assert world.effects == []
    await world.run(2)
    assert [what for _, what in world.effects] == ["drained weu"]


async def an_heir_of_a_dead_worker(ahead: timedelta) -> World:
    """A worker died in the act, its clock so far ahead of that of the worker that is there now."""
    world = World()
    world.engine = world.a_worker("dead", SleepyLever(world))
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    with pytest.raises(CrashedError):
        await world.run(2)
    world.clock.turn(-ahead)
    world.engine = world.a_worker("heir")
    return world


async def test_a_stuck_lease_is_taken_over_even_when_its_clock_was_far_ahead() -> None:
    """P11: the dead worker's clock was five minutes ahead; its lease is over in time all the same."""
    world = await an_heir_of_a_dead_worker(timedelta(minutes=5))
    lease = world.workload.policy.lease + 2 * timedelta(seconds=30)
    await world.run(lease.total_seconds() / 60)
    states = [intent.state for intent in (await world.record()).intents.values()]
    assert IntentState.ACTING not in states


async def test_a_lease_that_is_over_by_its_own_word_is_not_watched_for_its_whole_length() -> None:
    """P11: the dead worker's clock was five minutes behind; it is taken over at the first tick."""
    world = await an_heir_of_a_dead_worker(timedelta(minutes=-5))
    await world.run(0.5)
    states = [intent.state for intent in (await world.record()).intents.values()]
    assert states
    assert IntentState.ACTING not in states
