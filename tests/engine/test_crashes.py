"""Does every kind of step survive a death before or after each call that changes anything?"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from remediation.decide.orders import ApproveOrder, DrainOrder, RejoinOrder
from remediation.engine import Engine, Ports
from remediation.ledger.intent import Outcome, OutcomeKind
from rules.policy import Mode
from rules.signals import AlertState, Health
from rules.topology import Workload
from tests.builders import STAMPS, a_stamp, a_workload
from tests.engine.mortal import CrashedError, Life
from tests.engine.test_guarded_drain import ORIGINS, PROCESSOR, SLOW
from tests.engine.witness import Witness, the_desk
from tests.world import (
    CANNOT_READ_RULE,
    ROOT_RED,
    FakeHealthServices,
    FakeSteps,
    FakeTeller,
    World,
)


class Survivor(World):
    """A world whose first worker may die; when it does, worker 2 takes every call from then on."""

    def __init__(self, workload: Workload, life: Life) -> None:
        super().__init__(workload, (ROOT_RED, CANNOT_READ_RULE, SLOW))
        self.witness = Witness(self)
        self.heir = self.a_worker("worker-2", self.witness.lever(), origin=self.witness.origin())
        self.engine = self._mortal(life)

    def _mortal(self, life: Life) -> Engine:
        ports = Ports(
            clock=self.clock,
            ledger=life.through(self.ledger),
            lever=life.through(self.witness.lever()),
            health_services=FakeHealthServices(self),
            pager=life.through(FakeTeller(self)),
            notifier=life.through(FakeTeller(self)),
            origin=life.through(self.witness.origin()),
            steps=life.through(FakeSteps(self)),
        )
        return Engine({self.workload.name: self.charge}, ports, "mortal")

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


async def drain_and_rejoin(world: Survivor) -> None:
    """An alert fires for a while."""
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(10)
    await world.alert("weu", AlertState.RESOLVED)
    await world.run(20)


async def by_the_second_lever(world: Survivor) -> None:
    """The state file cannot be deleted."""
    world.truth["weu"].lever_works = False
    await drain_and_rejoin(world)


async def by_both_levers(world: Survivor) -> None:
    """HealthService never notices that the state file is gone."""
    world.truth["weu"].notices = False
    await drain_and_rejoin(world)


async def approved(world: Survivor) -> None:
    """Whoever is asked says yes, each time."""
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    for minute in range(40):
        await world.run(1)
        if minute == 12:
            await world.alert("weu", AlertState.RESOLVED)
        for asked in (await world.record()).approvals:
            if not asked.approved_by:
                assert (await the_desk(world).give("shop", ApproveOrder("ada", asked.id))).answer.follows


async def by_hand(world: Survivor) -> None:
    """A person wants a stamp out that is well, and back again, though it never looked to be out."""
    world.truth["weu"].notices = False
    await world.run(1)
    for stamp in STAMPS:
        await world.node(stamp, "Stamp", Health.GREEN)
    assert (await the_desk(world).give("shop", DrainOrder("ada", "a test", "weu"))).answer.follows
    await world.run(10)
    # While a dead worker's lease still runs, the answer is no; the person asks again.
    for _ in range(5):
        answer = (await the_desk(world).give("shop", RejoinOrder("ada", "over", "weu", unproven=True))).answer
        if answer.follows:
            break
        await world.run(1)
    await world.run(8)


async def restarted(world: Survivor) -> None:
    """The processor is slow until it has been restarted and is seen to be back."""
    await world.run(1)
    await world.node("weu", "BackgroundProcessor", Health.YELLOW)
    await world.run(5)
    world.steps["processor"] = Outcome(OutcomeKind.APPLIED, "rolled out")
    await world.run(3)
    await world.node("weu", "BackgroundProcessor", Health.GREEN)
    await world.run(3)


@dataclass(frozen=True)
class Story:
    """What is lived through, and what must have been done in the end, in that order."""

    lived: Callable[[Survivor], Awaitable[None]]
    effects: tuple[str, ...]
    mode: Mode = Mode.AUTO
    paged: bool = True

    def workload(self) -> Workload:
        """Three stamps with origins, of which one has a deployment."""
        stamps = tuple(a_stamp(name, front_door_origin=f"{ORIGINS}/{name}") for name in STAMPS)
        return replace(a_workload(mode=self.mode), stamps=stamps, deployments=(PROCESSOR,))


STORIES = (
    Story(drain_and_rejoin, ("drained weu", "rejoined weu")),
    Story(by_the_second_lever, ("disabled weu", "enabled weu")),
    Story(by_both_levers, ("drained weu", "disabled weu", "enabled weu", "rejoined weu")),
    Story(approved, ("drained weu", "rejoined weu"), Mode.APPROVE),
    Story(by_hand, ("drained weu", "disabled weu", "enabled weu", "rejoined weu"), paged=False),
    Story(restarted, ("restart processor",), paged=False),
)


async def calls_of(story: Story) -> int:
    """How many calls change anything when nobody dies."""
    life = Life()
    world = Survivor(story.workload(), life)
    await story.lived(world)
    assert [what for _, what in world.effects] == list(story.effects)
    return life.calls


async def dead_at(call: int, story: Story, *, after: bool) -> Survivor:
    """The world at the end of a story in which the worker died at that call."""
    life = Life()
    life.ends(call, after=after)
    world = Survivor(story.workload(), life)
    await story.lived(world)
    return world


async def words_used(world: World) -> list[str]:
    """The approvals that were used, by the journal: id and moment of the request."""
    entries = await world.ledger.journal("shop", 1000)
    said = [event for entry in entries for event in entry.events]
    return [found[1] for event in said if (found := re.match(r"approval (\w+) of \w+ used", event))]


@pytest.mark.slow
@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("after", [False, True], ids=["before-the-call", "after-the-call"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.lived.__name__)
async def test_a_crash_at_any_change_changes_nothing_in_the_end(story: Story, after: bool) -> None:  # noqa: FBT001
    """P1, P2, P4, P5, P10, P12, P13, P18: each effect once, in order, told, and nothing is left open."""
    calls = await calls_of(story)
    assert calls > 10
    for at in range(1, calls + 1):
        world = await dead_at(at, story, after=after)
        died = f"died at call {at} of {calls}"
        assert [what for _, what in world.effects] == list(story.effects), died
        assert world.witness.broken == [], died
        record = await world.record()
        assert not record.in_flight(), died
        assert not record.out(), died
        assert not record.incidents, died
        assert record.outbox == (), died
        assert world.pages() or not story.paged, died
        drains = [made.stamp for made in record.drains]
        assert drains == ["weu"] * ("restart processor" not in story.effects), died
        used = Counter(await words_used(world))
        # One word each for the drain and for its return.
        assert sorted(used.values()) == ([1, 1] if story.mode is Mode.APPROVE else []), died
