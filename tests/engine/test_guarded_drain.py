"""Does the drain machine hold, fall back, prove, return and stay out as it should, hour after hour?"""

from dataclasses import replace

import pytest

from remediation.decide.case import Guardrail
from remediation.decide.orders import ApproveOrder, RejoinOrder
from remediation.ledger.intent import LeverKind, Outcome, OutcomeKind
from remediation.ledger.told import MessageKind
from rules.conditions import NodeIs
from rules.policy import Mode, Policy
from rules.rule import AskedOf, Playbook, Proof, Rule
from rules.signals import Health, Severity
from rules.topology import BlobContainer, Deployment, Endpoint, EventHub, Window, Workload
from tests.builders import NOW, a_stamp, a_workload, at
from tests.test_desk import a_desk
from tests.world import ROOT_RED, World

HUB = EventHub("backendqueue-eh", "backendworker-cs", BlobContainer("ehcheckpoints"), namespace="shop")
ORIGINS = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Cdn/profiles/p/originGroups/o/origins"
SLOW = Rule(
    "restart-the-processor",
    "The processor is slow.",
    NodeIs("BackgroundProcessor", frozenset({Health.YELLOW})),
    Severity.WARNING,
    Playbook.RESTART,
    target="processor",
)
PROCESSOR = Deployment("https://k.example", "shop", "processor", name="processor", stamp="weu")

CANNOT_READ = Rule(
    "background-processor-cannot-read",
    "BackgroundProcessor cannot read.",
    NodeIs("BackgroundProcessor", frozenset({Health.RED})),
    Severity.CRITICAL,
    Playbook.DRAIN,
    proof=Proof.BACKLOG,
)
EDGE = Rule(
    "front-door-red",
    "The way through Front Door fails.",
    NodeIs("FrontDoor", frozenset({Health.RED})),
    Severity.CRITICAL,
    Playbook.PAGE,
    asked_of=AskedOf.WORKLOAD,
)


def watched(**changes: object) -> Workload:
    """Three stamps whose hubs are looked at, each with an origin in Front Door."""
    stamps = tuple(
        a_stamp(name, event_hub=HUB, front_door_origin=f"{ORIGINS}/{name}") for name in ("weu", "neu", "eus")
    )
    told: dict[str, object] = {"mode": Mode.AUTO, "front_door_url": "http://shop.example/health", **changes}
    return replace(a_workload(), stamps=stamps, **told)  # type: ignore[arg-type]


def effects(world: World) -> list[str]:
    """What was done, in order."""
    return [what for _, what in world.effects]


async def test_the_lag_alone_drains_a_stamp_and_its_backlog_brings_it_back() -> None:
    """F21: no alert and no health model speaks; the processor stands, and that is seen (P12)."""
    world = World(watched(), (ROOT_RED, CANNOT_READ, EDGE))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(3)
    assert effects(world) == []
    await world.run(3)
    assert effects(world) == ["drained weu"]
    assert [page.incident for page in world.pages()] == ["shop/weu/background-processor-cannot-read"]
    at_the_drain = world.truth["weu"].sent
    # It reads again, but has not reached what was there when it was drained.
    world.truth["weu"].read = at_the_drain - 10
    await world.run(20)
    assert effects(world) == ["drained weu"]
    world.reads.add("weu")
    await world.run(12)
    assert effects(world) == ["drained weu", "rejoined weu"]
    assert len(world.pages(MessageKind.RESOLVE)) == 1


async def test_a_stall_on_two_stamps_is_global_and_nothing_is_drained() -> None:
    """F21 on more than one stamp: what they share is broken, and a drain would help nobody (P3)."""
    world = World(watched(), (ROOT_RED, CANNOT_READ, EDGE))
    await world.run(2)
    world.reads -= {"weu", "neu"}
    await world.run(30)
    assert effects(world) == []
    assert any("[global]" in page.title for page in world.pages())


async def test_a_processor_that_waits_for_its_database_is_not_drained() -> None:
    """While the database fails the processor tries again by itself, for up to 275 s."""
    world = World(watched(), (CANNOT_READ,))
    await world.run(2)
    world.reads.discard("weu")
    world.truth["weu"].failing.add("Database")
    await world.run(4)
    world.truth["weu"].failing.clear()
    world.reads.add("weu")
    await world.run(10)
    assert effects(world) == []


async def test_a_hub_that_cannot_be_looked_at_is_no_reason_to_drain() -> None:
    """Who cannot see takes nothing back and causes nothing."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.truth["weu"].hub = False
    world.reads.discard("weu")
    await world.run(30)
    assert effects(world) == []


async def test_where_the_state_file_cannot_be_deleted_front_door_takes_the_stamp_out() -> None:
    """The second lever stands in for the first, and is the one that is moved back."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.truth["weu"].lever_works = False
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["disabled weu"]
    world.reads.add("weu")
    await world.run(14)
    assert effects(world) == ["disabled weu", "enabled weu"]


async def test_where_the_first_lever_does_not_help_the_second_is_moved_too_and_both_are_moved_back() -> None:
    """HealthService never notices the drain: stuck, paged, and Front Door takes it out all the same."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.truth["weu"].notices = False
    world.reads.discard("weu")
    await world.run(12)
    assert effects(world) == ["drained weu", "disabled weu"]
    drain = (await world.record()).stamp("weu").drain
    assert drain
    assert [moved.lever for moved in drain.levers] == [LeverKind.STATE_FILE, LeverKind.FRONT_DOOR]
    assert any("STUCK" in page.title for page in world.pages())
    world.reads.add("weu")
    await world.run(20)
    assert effects(world) == ["drained weu", "disabled weu", "enabled weu", "rejoined weu"]
    assert (await world.record()).stamp("weu").drain is None


async def test_a_change_that_is_still_rolled_out_keeps_the_drain_in_flight() -> None:
    """Front Door has no ETag: until its operation has ended, nothing else is begun (P1)."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.truth["weu"].lever_works = False
    world.truth["weu"].slow = True
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["disabled weu"]
    assert [intent.stamp for intent in (await world.record()).in_flight()] == ["weu"]
    await world.node("neu", "BackgroundProcessor", Health.RED)
    await world.run(1)
    assert effects(world) == ["disabled weu"]
    assert Guardrail.ONE_AT_A_TIME in await world.holds()
    await world.node("neu", "BackgroundProcessor", Health.GREEN)
    world.truth["weu"].settled = True
    await world.run(1)
    assert (await world.record()).in_flight() == []


async def test_a_stamp_that_relapses_on_probation_is_drained_again_and_stays_out() -> None:
    """Once more after the rejoin it fails: out it goes, until a person decides (P12)."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    world.reads.add("weu")
    await world.run(12)
    assert effects(world) == ["drained weu", "rejoined weu"]
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["drained weu", "rejoined weu", "drained weu"]
    world.reads.add("weu")
    await world.run(180)
    assert effects(world)[3:] == []
    assert Guardrail.PROBATION in await world.holds()


async def test_a_stamp_that_is_out_by_itself_is_drained_only_when_it_comes_back_and_fails_again() -> None:
    """F20: HealthService answers 503 by itself; returning and failing within half an hour, it is kept out."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.truth["weu"].failing.add("MessageProducer")
    await world.run(10)
    assert effects(world) == []
    assert [page.incident for page in world.pages()] == ["shop/weu/root-node-red"]
    world.truth["weu"].failing.clear()
    await world.run(3)
    world.truth["weu"].failing.add("MessageProducer")
    await world.run(4)
    assert effects(world) == ["drained weu"]


async def test_where_front_door_fails_and_the_stamps_do_not_people_are_paged_and_nothing_is_drained() -> None:
    """F03 to F05: the way is broken, not a stamp (P3)."""
    world = World(watched(), (ROOT_RED, CANNOT_READ, EDGE))
    await world.run(2)
    world.edge_open = False
    world.reads.discard("weu")
    await world.run(15)
    assert effects(world) == []
    assert Guardrail.ONLY_A_STAMP_FAULT in await world.holds()
    assert {page.incident for page in world.pages()} >= {"shop/global/front-door-red"}
    assert any("[edge]" in page.title for page in world.pages())


async def test_other_hands_that_move_one_of_two_levers_back_leave_the_stamp_out() -> None:
    """The other lever still holds it; what they moved is theirs now."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.truth["weu"].notices = False
    world.reads.discard("weu")
    await world.run(12)
    world.truth["weu"].enabled = True
    await world.run(1)
    drain = (await world.record()).stamp("weu").drain
    assert drain
    assert [moved.lever for moved in drain.levers] == [LeverKind.STATE_FILE]


async def test_a_stamp_in_a_maintenance_window_neither_moves_nor_counts() -> None:
    """Planned work on neu leaves only one stamp that may serve beside weu."""
    windows = (Window(NOW, at(7200), "an upgrade", "neu"), Window(NOW, at(7200), "a test", "eus"))
    world = World(watched(maintenance=windows), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(30)
    assert effects(world) == []
    assert Guardrail.KEEPS_ENOUGH_SERVING in await world.holds()


async def test_in_approve_mode_a_drain_waits_for_a_word_and_is_not_taken_without_it() -> None:
    """P18: people are asked, and nothing is done meanwhile."""
    world = World(watched(mode=Mode.APPROVE), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(10)
    assert effects(world) == []
    (asked,) = (await world.record()).approvals
    assert (asked.stamp, asked.rule) == ("weu", "background-processor-cannot-read")


async def test_an_approved_drain_is_taken_once() -> None:
    """P18: by somebody else than who asked, and the word is used up by it."""
    world = World(watched(mode=Mode.APPROVE), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    (asked,) = (await world.record()).approvals
    assert any(asked.id in dict(page.facts)["Worker"] for page in world.pages())
    given = await a_desk(world).give("shop", ApproveOrder("ada", asked.id))
    assert given.answer.follows
    await world.run(1)
    assert effects(world) == ["drained weu"]
    assert (await world.record()).approvals == ()
    # Somebody brings it back by hand; the old word is worth nothing any more.
    world.truth["weu"].file, world.truth["weu"].version = "", 99
    await world.run(60)
    assert effects(world) == ["drained weu"]


async def test_a_person_undoes_a_drain_that_is_stuck_and_the_worker_leaves_it_so() -> None:
    """At any point: the lever is moved back, and the finding that still stands drains it no more."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.truth["weu"].notices = False
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["drained weu"]
    assert (await world.record()).in_flight()
    order = RejoinOrder("ada", "the users need it", "weu", unproven=True)
    assert (await a_desk(world).give("shop", order)).answer.follows
    await world.run(60)
    assert effects(world) == ["drained weu", "rejoined weu"]


async def test_a_webhook_is_asked_once_for_a_finding() -> None:
    """However long it stands; its receiver does the rest (P5)."""
    rule = Rule(
        "ask-for-capacity",
        "The cluster is short of room.",
        NodeIs("AKSCluster", frozenset({Health.RED})),
        Severity.WARNING,
        Playbook.WEBHOOK,
        target="capacity",
    )
    world = World(watched(webhooks=(Endpoint("https://x.example", name="capacity"),)), (rule,))
    await world.run(2)
    for _ in range(15):
        await world.node("weu", "AKSCluster", Health.RED)
        await world.run(1)
    assert effects(world) == ["webhook capacity"]


async def test_a_webhook_may_be_about_the_workload_as_a_whole() -> None:
    """No stamp is named, and none is touched."""
    rule = Rule(
        "tell-the-owner",
        "The database is red.",
        NodeIs("CosmosDB", frozenset({Health.RED})),
        Severity.WARNING,
        Playbook.WEBHOOK,
        target="owner",
        asked_of=AskedOf.WORKLOAD,
    )
    world = World(watched(webhooks=(Endpoint("https://x.example", name="owner"),)), (rule,))
    await world.run(2)
    for _ in range(4):
        await world.node(None, "CosmosDB", Health.RED)
        await world.run(1)
    assert effects(world) == ["webhook owner"]
    assert (await world.record()).in_flight() == []


async def test_a_restart_is_taken_once_and_is_over_when_it_is_seen_to_be_done() -> None:
    """It is verified by looking; until then nothing else is begun (P1, P5)."""
    world = World(watched(deployments=(PROCESSOR,)), (SLOW,))
    await world.run(2)
    for _ in range(3):
        await world.node("weu", "BackgroundProcessor", Health.YELLOW)
        await world.run(1)
    assert effects(world) == ["restart processor"]
    assert len((await world.record()).in_flight()) == 1
    world.steps["processor"] = Outcome(OutcomeKind.APPLIED, "rolled out")
    await world.run(1)
    assert (await world.record()).in_flight() == []


async def test_the_marker_beside_the_ledger_stops_all_acting_within_one_tick() -> None:
    """P17: pages go on, and what was planned is not begun."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.reads.discard("weu")
    world.shelf.markers["hold"] = b"the network is being moved"
    await world.run(20)
    assert effects(world) == []
    assert len(world.pages()) >= 1
    assert Guardrail.HOLD_SWITCH in await world.holds()
    del world.shelf.markers["hold"]
    await world.run(2)
    assert effects(world) == ["drained weu"]


async def test_a_hub_that_is_down_is_asked_less_and_less_often() -> None:
    """I1: a loop that asks must not become what keeps down what it watches."""
    world = World(watched(), (ROOT_RED,))
    await world.run(2)
    before = world.asked_queues["weu"]
    world.truth["weu"].hub = False
    await world.run(60)
    assert world.asked_queues["weu"] - before < 20
    world.truth["weu"].hub = True
    await world.run(6)
    assert (await world.record()).stamp("weu").queue.blind == ""  # type: ignore[union-attr]


@pytest.mark.slow
async def test_what_is_usual_is_learned_and_what_is_slower_is_stuck() -> None:
    """The alarm comes when a drain takes longer than three of four did, not at the end of all patience."""
    policy = Policy(drains_per_day=50, drains_per_hour=50)
    world = World(watched(policy=policy), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    for _ in range(6):
        world.reads.discard("weu")
        await world.run(7)
        world.reads.add("weu")
        await world.run(120)
    assert effects(world)[-1] == "rejoined weu"
    record = await world.record()
    assert [took <= 30 for took in record.took[next(iter(record.took))]].count(True) >= 5
    world.truth["weu"].notices = False
    world.reads.discard("weu")
    await world.run(6.5)
    assert any("STUCK" in page.title for page in world.pages())
