"""Does the second lever do its part when people, clocks and paused workers do their worst?"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediation.decide.looks import HealthLook
from remediation.decide.orders import ApproveOrder
from remediation.decide.wanted import DRAINED_BY_OTHERS
from remediation.engine import Engine, Ports
from remediation.ledger.intent import LeverKind, Outcome
from remediation.ledger.told import Channel
from rules.policy import Mode
from rules.rule import Rule
from tests.engine.test_guarded_drain import CANNOT_READ, EDGE, effects, watched
from tests.test_desk import a_desk
from tests.world import ROOT_RED, FakeHealthServices, FakeLever, FakeOrigin, FakeQueues, FakeTeller, World

pytestmark = pytest.mark.slow

RULES: tuple[Rule, ...] = (ROOT_RED, CANNOT_READ, EDGE)


async def a_stuck_drain(mode: Mode = Mode.AUTO, *, origins: bool = True) -> World:
    """The state file of weu is gone, and its HealthService does not notice; the alarm comes next."""
    workload = watched(mode=mode)
    if not origins:
        stamps = tuple(replace(stamp, front_door_origin=None) for stamp in workload.stamps)
        workload = replace(workload, stamps=stamps)
    world = World(workload, RULES)
    await world.run(2)
    world.truth["weu"].notices = False
    world.reads.discard("weu")
    await world.run(6)
    if world.workload.mode is Mode.APPROVE:
        (asked,) = (await world.record()).approvals
        assert (await a_desk(world).give("shop", ApproveOrder("ada", asked.id))).answer.follows
        await world.run(0.5)
    assert effects(world) == ["drained weu"]
    return world


async def test_what_a_person_approved_may_take_the_second_lever_where_the_first_does_not_help() -> None:
    """P18: it is the same drain of the same stamp, so the word that was given for it still counts."""
    world = await a_stuck_drain(Mode.APPROVE)
    await world.run(6)
    assert effects(world) == ["drained weu", "disabled weu"]
    assert (await world.record()).approvals == ()


class SeesSurvivorsFail(FakeHealthServices):
    """For as long as a second lever is about to be moved, no other stamp is seen to serve."""

    async def look(self, stamp: Any) -> HealthLook:
        """See `HealthServices`."""
        seen = await super().look(stamp)
        about_to = any(intent.second for intent in (await self._world.record()).in_flight())
        return replace(seen, status=503) if about_to and stamp.name != "weu" else seen


async def test_what_holds_the_second_lever_for_a_moment_does_not_end_the_fallback() -> None:
    """P2, P14: it goes on when that lets go; the stamp is not left with a drain that helps nobody."""
    world = await a_stuck_drain()
    plain = world.engine
    world.engine = a_worker(world, health_services=SeesSurvivorsFail(world))
    await world.run(6)
    assert effects(world) == ["drained weu"]
    world.engine = plain
    await world.run(2)
    assert effects(world) == ["drained weu", "disabled weu"]


def a_worker(world: World, name: str = "worker", **changes: Any) -> Engine:
    """A worker with other ports."""
    ports = Ports(
        clock=world.clock,
        ledger=world.ledger,
        lever=FakeLever(world),
        health_services=FakeHealthServices(world),
        pager=FakeTeller(world),
        notifier=FakeTeller(world),
        tally=world.tally,
        origin=FakeOrigin(world),
        queues=FakeQueues(world),
    )
    return Engine({world.workload.name: world.charge}, replace(ports, **changes), name)


class AsleepError(BaseException):
    """The process does nothing for a long time."""


class PausedOrigin(FakeOrigin):
    """The second lever of a worker that sleeps with its change on the way; `wake` lets it land."""

    wake: Callable[[], Awaitable[Outcome]]

    async def take_out(self, stamp: Any, tag: str) -> Outcome:
        """Fall asleep."""
        take_out = super().take_out
        self.wake = lambda: take_out(stamp, tag)
        raise AsleepError


async def a_world_with_a_change_on_its_way(*, fallback: bool) -> tuple[World, PausedOrigin]:
    """Worker 1 sleeps with a change of weu's origin on the way; worker 2 has just taken its place."""
    world = await a_stuck_drain() if fallback else World(watched(), RULES)
    origin = PausedOrigin(world)
    world.engine = a_worker(world, "paused", origin=origin)
    if not fallback:
        await world.run(2)
        world.truth["weu"].lever_works = False
        world.reads.discard("weu")
    with pytest.raises(AsleepError):
        await world.run(10)
    world.engine = a_worker(world, "heir")
    return world, origin


def asked_about(world: World, stamp: str) -> bool:
    """Whether somebody was woken about a drain of that stamp which is not ours."""
    key = f"shop/{stamp}/{DRAINED_BY_OTHERS}"
    return any(told.incident == key and told.channel is Channel.PAGE for told in world.told)


async def test_p10_a_late_change_of_an_origin_is_found_on_taking_over_and_is_ours() -> None:
    """P5, P10: it lands while the lease still runs, counts as our drain, and is undone by proof."""
    world, origin = await a_world_with_a_change_on_its_way(fallback=False)
    await origin.wake()
    await world.run(3)
    drain = (await world.record()).stamp("weu").drain
    assert drain
    assert [moved.lever for moved in drain.levers] == [LeverKind.FRONT_DOOR]
    world.reads.add("weu")
    await world.run(15)
    assert effects(world) == ["disabled weu", "enabled weu"]


@pytest.mark.parametrize("fallback", [False, True])
async def test_p10_a_late_change_that_lands_after_it_was_given_up_is_paged_at_once(fallback: bool) -> None:  # noqa: FBT001
    """P10, P14: Front Door has no ETag, so it cannot be fenced off; it is adopted, and people are woken."""
    world, origin = await a_world_with_a_change_on_its_way(fallback=fallback)
    world.reads.add("weu")
    await world.run(20)
    record = await world.record()
    assert record.in_flight() == []
    assert record.stamp("weu").drain is None
    assert not asked_about(world, "weu")
    await origin.wake()
    await world.run(1)
    stamp = (await world.record()).stamp("weu")
    assert stamp.adopted_at is not None
    assert asked_about(world, "weu")
    # Whoever brings it back does it by hand, and is not asked again.
    world.truth["weu"].enabled = True
    await world.run(1)
    assert (await world.record()).stamp("weu").adopted_at is None
    assert (await world.record()).incidents == {}


async def test_a_stamp_that_others_drain_is_no_reason_to_wake_anybody_at_once() -> None:
    """Nothing of ours could have done it: people are told, and asked again after `remind_after`."""
    world = World(watched(), RULES)
    await world.run(2)
    world.truth["weu"].enabled = False
    await world.run(10)
    assert not asked_about(world, "weu")
    await world.run(12 * 60, tick=120)
    assert asked_about(world, "weu")


async def test_a_drain_that_is_stuck_is_undone_when_its_cause_is_proven_to_be_over() -> None:
    """P14: there is no second lever and HealthService never notices; it comes back by the same proof."""
    world = await a_stuck_drain(origins=False)
    await world.run(6)
    assert effects(world) == ["drained weu"]
    assert any("STUCK" in page.title for page in world.pages())
    world.reads.add("weu")
    await world.run(14)
    assert effects(world) == ["drained weu", "rejoined weu"]
    assert (await world.record()).in_flight() == []
    assert (await world.record()).incidents == {}


async def test_a_worker_without_the_second_lever_leaves_alone_what_another_began_with_it() -> None:
    """P10: it can neither look nor fence, so the intent stays in flight; nothing else breaks by it."""
    world, _ = await a_world_with_a_change_on_its_way(fallback=False)
    world.engine = a_worker(world, "one-handed", origin=None)
    await world.run(5)
    (intent,) = (await world.record()).in_flight()
    assert intent.lever is LeverKind.FRONT_DOOR
    assert effects(world) == []
    world.clock.turn(timedelta(minutes=1))
    world.engine = a_worker(world, "heir")
    await world.run(3)
    assert effects(world) == ["disabled weu"]


async def test_a_return_by_one_lever_is_over_where_other_hands_hold_the_stamp_by_the_other() -> None:
    """P1, P14: it will not serve, for that is theirs: it is adopted, and holds up no other step."""
    world = World(watched(), RULES)
    await world.run(2)
    world.truth["weu"].lever_works = False
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["disabled weu"]
    world.truth["weu"].file = None
    world.reads.add("weu")
    await world.run(15)
    assert effects(world) == ["disabled weu", "enabled weu"]
    record = await world.record()
    assert record.in_flight() == []
    assert record.stamp("weu").adopted_at is not None
