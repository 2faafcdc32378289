"""Does the worker stay safe and audible when the world does its worst? What a reviewer thought of."""

from datetime import timedelta

import pytest

from remediation.decide.case import Guardrail
from remediation.decide.looks import HealthLook
from remediation.engine import Engine, Ports
from remediation.ledger.intent import IntentState
from remediation.ledger.memory import MemoryLedger, Shelf
from remediation.ledger.record import WorkloadRecord
from rules.policy import Mode, Policy
from rules.signals import AlertState, Health
from rules.topology import Stamp
from tests.builders import a_workload, an_alert
from tests.world import FakeHealthServices, FakeLever, FakeTeller, TestClock, World

PROCESSOR = "BackgroundProcessor"
FIVE = ("weu", "neu", "eus", "sea", "jpe")
FAMILY = "background-processor-cannot-read"


def a_world_of_five(policy: Policy | None = None) -> World:
    """Five stamps in `auto`."""
    return World(a_workload(stamps=FIVE, mode=Mode.AUTO, policy=policy or Policy()))


@pytest.mark.parametrize("half_period", [30, 45])
async def test_while_a_second_stamp_flickers_the_first_is_not_drained(half_period: float) -> None:
    """P3: a fault that keeps coming back elsewhere is not one stamp's own, however long the first stands."""
    world = a_world_of_five()
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(0.5)
    for _ in range(20):
        for condition in AlertState:
            await world.alert("neu", condition)
            await world.run(half_period / 60, tick=15)
    assert world.effects == []
    assert f"shop/global/{FAMILY}" in {page.incident for page in world.pages()}
    await world.run(2)
    assert world.out() == {"weu"}


async def test_a_second_stamp_that_joins_long_after_holds_the_first() -> None:
    """P3: the first was held by other reasons; by the time they let go, it is no longer alone."""
    world = a_world_of_five()
    world.truth["weu"].file = "MAINTENANCE"
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(10)
    await world.alert("neu", AlertState.FIRED)
    world.truth["weu"].file = ""
    await world.run(20)
    assert world.effects == []
    assert Guardrail.ONLY_A_STAMP_FAULT in await world.holds()


@pytest.mark.parametrize("stamps", [("weu", "neu", "eus"), FIVE])
async def test_two_stamps_whose_storage_dies_are_paged(stamps: tuple[str, ...]) -> None:
    """P3: HealthService says only that the state file fails, and it cannot be reached: that is no drain."""
    world = World(a_workload(stamps=stamps, mode=Mode.AUTO))
    await world.run(1)
    world.truth["weu"].storage = world.truth["neu"].storage = False
    await world.run(10)
    assert world.effects == []
    assert {page.incident for page in world.pages()} == {"shop/global/root-node-red"}


async def test_one_stamp_whose_storage_dies_is_paged_as_its_own() -> None:
    """It is out by itself, and its lever cannot be reached: someone is woken, and nothing is touched."""
    world = World()
    await world.run(1)
    world.truth["weu"].storage = False
    await world.run(10)
    assert world.effects == []
    assert {page.incident for page in world.pages()} == {"shop/weu/root-node-red"}
    assert Guardrail.LEVER_WORKS in await world.holds()


class FailsBeforeTheAct(FakeHealthServices):
    """Three survivors begin to fail in the very look that comes between the plan and the act."""

    def __init__(self, world: World, *failing: str) -> None:
        super().__init__(world)
        self._failing = failing

    async def look(self, stamp: Stamp) -> HealthLook:
        """See `HealthServices`."""
        if (await self._world.record()).in_flight() and stamp.name in self._failing:
            self._world.truth[stamp.name].failing = {"Database"}
        return await super().look(stamp)


@pytest.mark.parametrize(
    ("failing", "out"),
    [(("neu",), {"weu"}), (("neu", "eus"), set()), (("neu", "eus", "sea"), set())],
)
async def test_survivors_that_fail_right_before_the_act_hold_the_drain(
    failing: tuple[str, ...], out: set[str]
) -> None:
    """P3: with the target they are more than half: no fault of one stamp, though enough others serve."""
    world = a_world_of_five()
    ports = Ports(
        clock=world.clock,
        ledger=world.ledger,
        lever=FakeLever(world),
        health_services=FailsBeforeTheAct(world, *failing),
        pager=FakeTeller(world),
        notifier=FakeTeller(world),
        tally=world.tally,
    )
    world.engine = Engine({world.workload.name: world.charge}, ports, "worker-1")
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(3)
    assert world.out() == out
    states = [intent.state for intent in (await world.record()).intents.values()]
    assert states == ([IntentState.VERIFIED] if out else [IntentState.SUPERSEDED])
    assert out or Guardrail.ONLY_A_STAMP_FAULT in await world.holds()
    assert Guardrail.KEEPS_ENOUGH_SERVING not in await world.holds()


class SlowLedger(MemoryLedger):
    """A ledger that takes six seconds for the first lease: longer than a look counts."""

    clock: TestClock

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        begun = [intent for intent in record.in_flight() if intent.lease and intent.attempts == 1]
        if begun and self.clock.now() == begun[0].planned_at:
            self.clock.turn(timedelta(seconds=6))
        return await super().save(record, version)


async def test_a_look_that_grows_old_before_the_act_puts_the_drain_back() -> None:
    """P2: what was seen six seconds ago is not acted upon; the next attempt looks again."""
    ledger = SlowLedger(Shelf())
    world = World(ledger=ledger)
    ledger.clock = world.clock
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    while not (begun := [each for each in (await world.record()).intents.values() if each.outcome]):
        assert world.effects == []
        await world.run(0.5)
    assert world.out() == set()
    assert begun[0].outcome == "the look at the stamps grew old before the act"
    await world.run(1)
    assert world.out() == {"weu"}


async def test_an_idle_world_is_written_only_to_keep_good_news_fresh() -> None:
    """P20: one write for each half of `fresh_for`, however often the timer ticks, and no journal entry."""
    world = World()
    await world.run(1)
    begun = world.tally.counts()["ledger.writes"]
    entries = len(await world.ledger.journal("shop"))
    await world.run(50)
    assert (
        world.tally.counts()["ledger.writes"] - begun
        == 50 * 60 / (world.workload.policy.fresh_for / 2).seconds
    )
    assert len(await world.ledger.journal("shop")) == entries
    assert world.told == []


async def test_whatever_is_to_be_done_now_is_done_by_one_reconcile() -> None:
    """P20: asked again at the same moment, with no news, it writes nothing; be it a drain or a rejoin."""
    world = World()
    await world.run(1)
    for condition in (AlertState.FIRED, AlertState.RESOLVED):
        await world.alert("weu", condition)
        for _ in range(60):
            await world.run(0.5)
            begun = world.tally.counts()["ledger.writes"]
            await world.engine.reconcile("shop")
            assert world.tally.counts()["ledger.writes"] == begun
    assert [said for _, said in world.effects] == ["drained weu", "rejoined weu"]


async def test_two_workers_write_an_idle_world_no_oftener_than_one() -> None:
    """P20: what one has just written is no news to the other."""
    world = World()
    other = world.a_worker("worker-2")
    await world.run(1)
    begun = world.tally.counts()["ledger.writes"]
    for _ in range(50):
        await world.run(0.5)
        await other.reconcile("shop")
    assert world.tally.counts()["ledger.writes"] - begun == 10


@pytest.mark.slow
async def test_after_a_flood_of_alerts_a_red_processor_is_drained() -> None:
    """P6, P19: five thousand instances of one alert rule are taken in, and so is what comes after them."""
    world = World()
    await world.run(1)
    now = world.clock.now()
    alerts = "/subscriptions/8a203044-2c0c-44df-a99b-f12e5eb12cd6/providers/Microsoft.AlertsManagement/alerts"
    parked = await world.says(
        *(
            an_alert(
                "Pod restarts",
                id=f"alert:{i:032x}",
                instance=f"{alerts}/{i:08x}-0000-4000-8000-000000000000",
                observed_at=now,
                reasons=("kube_pod_status_ready < 0.8, in the last 5 minutes" * 5,),
            )
            for i in range(5000)
        )
    )
    assert parked == {}
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(3)
    assert world.out() == {"weu"}
    assert f"shop/weu/{FAMILY}" in {page.incident for page in world.pages()}


async def test_a_stuck_drain_that_holds_another_is_told() -> None:
    """P1: it does not let go by itself, so whoever is paged for neu reads that weu stands in the way."""
    world = a_world_of_five(Policy(cooldown=timedelta()))
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    world.truth["weu"].reachable = False
    await world.run(7)
    assert world.out() == {"weu"}
    await world.alert("neu", AlertState.FIRED)
    await world.run(3)
    assert world.out() == {"weu"}
    assert await world.holds() == {Guardrail.STUCK_STEP}
    last = [page for page in world.pages() if page.incident == f"shop/neu/{FAMILY}"][-1]
    assert "drain of weu is applied (stuck_step)" in dict(last.facts)["Worker"]
