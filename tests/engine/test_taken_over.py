"""What becomes of a drain whose worker died or slept in the act? The next one finishes it, or holds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediation.ledger.intent import IntentState, Outcome, OutcomeKind
from rules.evaluate import RuleSet
from rules.signals import AlertState
from tests.engine.mortal import CrashedError
from tests.world import ROOT_RED, FakeLever, World


class PausedLever(FakeLever):
    """The lever of a worker that sleeps with its delete on the way; `wake` lets the delete land."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.wake: Callable[[], Awaitable[Outcome]] | None = None

    async def take_out(self, stamp: Any, tag: str) -> Outcome:
        """Fall asleep."""
        take_out = super().take_out
        self.wake = lambda: take_out(stamp, tag)
        raise CrashedError


async def a_world_with_a_delete_on_its_way(ahead: timedelta = timedelta()) -> tuple[World, PausedLever]:
    """Worker 1, its clock so far ahead, sleeps with its delete on the way; worker 2 has taken its place."""
    world = World()
    lever = PausedLever(world)
    world.engine = world.a_worker("paused", lever)
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    with pytest.raises(CrashedError):
        await world.run(2)
    world.clock.turn(-ahead)
    world.engine = world.a_worker("heir")
    return world, lever


async def test_p10_the_late_delete_of_a_paused_worker_is_fenced_off() -> None:
    """P10: taken over and given up, the intent of a paused worker can no longer take effect."""
    world, lever = await a_world_with_a_delete_on_its_way()
    await world.alert("weu", AlertState.RESOLVED)
    await world.run(3)
    assert world.out() == set()
    assert lever.wake is not None
    await lever.wake()
    assert world.effects == []


async def test_p10_a_drain_is_not_given_up_while_its_file_cannot_be_fenced() -> None:
    """P1, P10: where the storage cannot be reached, a late delete could land: it stays in flight."""
    world, lever = await a_world_with_a_delete_on_its_way()
    world.truth["weu"].storage = False
    await world.run(5)
    assert (await world.record()).in_flight()
    await world.alert("weu", AlertState.RESOLVED)
    world.truth["weu"].storage = True
    await world.run(3)
    assert not (await world.record()).in_flight()
    assert lever.wake is not None
    await lever.wake()
    assert world.effects == []


async def test_p10_a_late_delete_that_lands_before_the_storage_answers_again_is_ours() -> None:
    """P10, P14: it is found on taking over, counts as our drain, and is undone when recovery is proven."""
    world, lever = await a_world_with_a_delete_on_its_way()
    world.truth["weu"].storage = False
    await world.run(2)
    assert lever.wake is not None
    await lever.wake()
    world.truth["weu"].storage = True
    await world.run(3)
    assert (await world.record()).stamp("weu").drain is not None
    await world.alert("weu", AlertState.RESOLVED)
    await world.run(14)
    assert [what for _, what in world.effects] == ["drained weu", "rejoined weu"]


async def test_p10_a_drain_whose_rule_is_gone_is_given_up_by_the_next_worker() -> None:
    """P10: a deployment may rename a rule while a drain is under way; the next one fences, and withdraws."""
    world, lever = await a_world_with_a_delete_on_its_way()
    world.charge = replace(world.charge, rules=RuleSet([ROOT_RED]))
    world.engine = world.a_worker("deployed")
    await world.run(4)
    assert not (await world.record()).in_flight()
    assert lever.wake is not None
    await lever.wake()
    assert world.effects == []


async def test_p11_a_stuck_lease_is_taken_over_even_when_its_clock_was_far_ahead() -> None:
    """P11: the dead worker's clock was five minutes ahead; its lease is over in time all the same."""
    world, _ = await a_world_with_a_delete_on_its_way(timedelta(minutes=5))
    lease = world.workload.policy.lease + 2 * timedelta(seconds=30)
    await world.run(lease.total_seconds() / 60)
    states = [intent.state for intent in (await world.record()).intents.values()]
    assert IntentState.ACTING not in states


async def test_p11_a_lease_that_is_over_by_its_own_word_is_not_watched_for_its_whole_length() -> None:
    """P11: the dead worker's clock was five minutes behind; it is taken over at the first tick."""
    world, _ = await a_world_with_a_delete_on_its_way(timedelta(minutes=-5))
    await world.run(0.5)
    states = [intent.state for intent in (await world.record()).intents.values()]
    assert states
    assert IntentState.ACTING not in states


class SlowLever(FakeLever):
    """The lever of a worker whose delete takes as long as the test wants."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def take_out(self, stamp: Any, tag: str) -> Outcome:
        """Wait, then do it."""
        self.asked.set()
        await self.go_on.wait()
        return await super().take_out(stamp, tag)


async def test_p10_the_outcome_of_a_worker_that_was_taken_over_is_not_written() -> None:
    """P5, P10: it fails by the fence while the other one acts; the other one's lease and outcome stand."""
    world = World()
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    late, now = SlowLever(world), SlowLever(world)
    world.clock.turn(world.workload.policy.settle)
    sleeping = asyncio.create_task(world.a_worker("late", late).reconcile("shop"))
    await asyncio.wait_for(late.asked.wait(), 5)
    world.clock.turn(world.workload.policy.lease)
    acting = asyncio.create_task(world.a_worker("heir", now).reconcile("shop"))
    await asyncio.wait_for(now.asked.wait(), 5)
    late.go_on.set()
    await sleeping
    (intent,) = (await world.record()).in_flight()
    assert (intent.state, intent.lease and intent.lease.owner) == (IntentState.ACTING, "heir")
    now.go_on.set()
    await acting
    assert [what for _, what in world.effects] == ["drained weu"]
    assert (await world.record()).stamp("weu").drain is not None


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


async def test_p5_a_delete_without_an_answer_that_is_seen_to_have_landed_is_made_once() -> None:
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


async def test_p5_a_delete_without_an_answer_that_has_not_landed_cannot_land_any_more() -> None:
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
