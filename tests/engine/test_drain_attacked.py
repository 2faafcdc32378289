"""Does anything hold a drain, or a return, for longer than it should? What a hostile reviewer tried."""

from dataclasses import replace

import pytest

from remediation.decide.case import Guardrail
from remediation.decide.plan import Charge
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.told import Channel, MessageKind
from rules.conditions import NodeIs
from rules.evaluate import RuleSet
from rules.policy import Mode, Policy
from rules.rule import Playbook, Rule
from rules.signals import AlertState, Health, Severity
from rules.topology import Deployment, Endpoint, Window, Workload
from tests.builders import a_workload, at
from tests.engine.test_guarded_drain import CANNOT_READ, EDGE, effects, watched
from tests.world import ROOT_RED, FakeLever, FakeSteps, World

pytestmark = pytest.mark.slow

RULES: tuple[Rule, ...] = (ROOT_RED, CANNOT_READ, EDGE)


def a_step(playbook: Playbook) -> Rule:
    """A rule that asks for a step where the catalog service is red."""
    red = NodeIs("CatalogService", frozenset({Health.RED}))
    return Rule("catalog-red", "The catalog is red.", red, Severity.WARNING, playbook, target="catalog")


def configure(world: World, workload: Workload, rules: tuple[Rule, ...] = RULES) -> None:
    """The files change while the worker runs."""
    world.workload = workload
    world.charge = Charge(workload, RuleSet(rules))
    world.engine = world.a_worker("worker-1")


class DeafSteps(FakeSteps):
    """The other side answers thus."""

    def __init__(self, world: World, outcome: Outcome) -> None:
        super().__init__(world)
        self._outcome = outcome

    async def take(self, workload: Workload, intent: object) -> Outcome:  # noqa: ARG002 - the answer is fixed
        """See `Steps`."""
        return self._outcome


def with_steps() -> Workload:
    """The watched workload, with a deployment and an endpoint that rules may name."""
    deployment = Deployment("https://k.example", "shop", "catalog", name="catalog", stamp="weu")
    return watched(deployments=(deployment,), webhooks=(Endpoint("https://x.example", name="catalog"),))


async def test_a_restart_that_is_refused_says_nothing_about_the_stamp_s_levers() -> None:
    """The cluster gives no right to restart: people are told so, and the drain goes on by the state file."""
    world = World(with_steps(), (*RULES, a_step(Playbook.RESTART)))
    refusal = Outcome(OutcomeKind.REFUSED, "403: no right to patch")
    world.engine = world.a_worker("worker-1", steps=DeafSteps(world, refusal))
    await world.run(2)
    await world.node("weu", "CatalogService", Health.RED)
    await world.run(3)
    assert any("403: no right to patch" in held.reason for held in (await world.record()).held)
    about = [told for told in world.told if told.incident == "shop/weu/catalog-red"]
    assert any("403: no right to patch" in dict(told.facts).get("Worker", "") for told in about)
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["drained weu"]


async def test_a_receiver_that_never_answers_does_not_hold_the_drains_for_ever() -> None:
    """P14: asked five times in vain it is given up; until then the drain of the other stamp waits."""
    world = World(with_steps(), (*RULES, a_step(Playbook.WEBHOOK)))
    silence = Outcome(OutcomeKind.UNKNOWN, "no answer within 5s")
    world.engine = world.a_worker("worker-1", steps=DeafSteps(world, silence))
    await world.run(2)
    world.reads.discard("neu")
    await world.run(3)
    await world.node("weu", "CatalogService", Health.RED)
    await world.run(3)
    assert effects(world) == []
    assert Guardrail.ONE_AT_A_TIME in await world.holds()
    await world.run(6)
    assert effects(world) == ["drained neu"]


async def test_a_restart_of_which_nothing_is_ever_seen_does_not_hold_the_drains_for_ever() -> None:
    """P14: it is stuck and told after `verify_within`; after a cooldown more it is given up."""
    world = World(with_steps(), (*RULES, a_step(Playbook.RESTART)))
    await world.run(2)
    await world.node("weu", "CatalogService", Health.RED)
    await world.run(3)
    assert effects(world) == ["restart catalog"]
    world.reads.discard("neu")
    await world.run(20)
    assert effects(world) == ["restart catalog"]
    assert Guardrail.STUCK_STEP in await world.holds()
    await world.run(20)
    assert effects(world) == ["restart catalog", "drained neu"]


def draining(name: str, node: str) -> Rule:
    """A rule that asks for a drain where that node is red."""
    red = NodeIs(node, frozenset({Health.RED}))
    return Rule(name, "It is red.", red, Severity.CRITICAL, Playbook.DRAIN)


async def test_one_fault_that_many_rules_see_one_after_another_does_not_flap() -> None:
    """The stamp turned bad once, however many nodes of it followed."""
    nodes = ("CatalogService", "Keyvault", "CheckoutUserFlow", "AddCommentUserFlow")
    world = World(watched(), (*RULES, *(draining(node.lower(), node) for node in nodes)))
    await world.run(2)
    for node in nodes:
        await world.node("weu", node, Health.RED)
        await world.run(0.25, tick=15)
    await world.run(2)
    assert effects(world) == ["drained weu"]


async def test_a_flapping_stamp_that_comes_to_rest_is_brought_back() -> None:
    """P14: what came and went while it was out holds its return for `flaps_within`, and no longer."""
    world = World(watched(), RULES)
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    for _ in range(5):
        await world.node("weu", "BackgroundProcessor", Health.RED)
        await world.run(1)
        await world.node("weu", "BackgroundProcessor", Health.GREEN)
        world.reads.add("weu")
        await world.run(1)
    for _ in range(25):
        await world.node("weu", "BackgroundProcessor", Health.GREEN)
        await world.run(1)
    assert effects(world) == ["drained weu"]
    assert Guardrail.FLAPPING in await world.holds()
    for _ in range(50):
        await world.node("weu", "BackgroundProcessor", Health.GREEN)
        await world.run(1)
    assert effects(world) == ["drained weu", "rejoined weu"]


async def test_a_relapse_that_begins_on_probation_stays_out_however_late_it_is_drained() -> None:
    """It failed again within `probation`; that settling or a budget held the drain makes it no better."""
    policy = Policy(drains_per_hour=1, drains_per_day=4)
    world = World(watched(policy=policy), RULES)
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    world.reads.add("weu")
    await world.run(12)
    assert effects(world) == ["drained weu", "rejoined weu"]
    world.reads.discard("weu")
    await world.run(30)
    assert effects(world) == ["drained weu", "rejoined weu"]
    assert Guardrail.BUDGET in await world.holds()
    await world.run(30)
    assert effects(world)[2:] == ["drained weu"]
    world.reads.add("weu")
    await world.run(120)
    assert effects(world)[2:] == ["drained weu"]
    assert Guardrail.PROBATION in await world.holds()


class Overtaken(FakeLever):
    """Somebody else deletes the state file a moment before we do."""

    async def take_out(self, stamp: object, tag: str) -> Outcome:
        """See `Lever`."""
        self._world.truth[stamp.name].file = None  # type: ignore[attr-defined]
        return await super().take_out(stamp, tag)  # type: ignore[arg-type]


async def test_a_drain_in_which_other_hands_were_faster_is_counted_once() -> None:
    """P13: there was one drain, and it was theirs."""
    world = World(watched(), RULES)
    world.engine = world.a_worker("worker-1", Overtaken(world))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(8)
    record = await world.record()
    assert record.stamp("weu").adopted_at is not None
    assert [made.stamp for made in record.drains] == ["weu"]


async def test_a_drain_that_came_to_nothing_takes_no_budget() -> None:
    """P13: the store asked us to come again, and by then the finding had ended. No stamp was drained."""
    world = World(watched(), RULES)
    await world.run(2)
    world.lever_answers = [Outcome(OutcomeKind.TRANSIENT, "503", retry_after_seconds=120)]
    world.reads.discard("weu")
    await world.run(5.5)
    assert len((await world.record()).drains) == 1
    world.reads.add("weu")
    await world.run(3)
    record = await world.record()
    assert (effects(world), record.in_flight(), record.drains) == ([], [], ())


async def test_the_way_through_front_door_that_is_looked_at_no_more_holds_no_drain() -> None:
    """P3: its last word was red, and nobody will ever take that back; the files say that it is not asked."""
    world = World(watched(), RULES)
    await world.run(2)
    world.edge_open = False
    await world.run(5)
    assert any(page.incident == "shop/global/front-door-red" for page in world.pages())
    configure(world, watched(front_door_url=None))
    world.reads.discard("weu")
    await world.run(8)
    assert effects(world) == ["drained weu"]
    assert any(page.incident == "shop/global/front-door-red" for page in world.pages(MessageKind.RESOLVE))


async def test_a_hub_that_is_looked_at_no_more_keeps_no_finding_open() -> None:
    """What only we could take back ends with our looking; a stamp that it drained is asked about (P14)."""
    world = World(watched(), RULES)
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["drained weu"]
    stamps = tuple(replace(stamp, event_hub=None) for stamp in world.workload.stamps)
    configure(world, replace(watched(), stamps=stamps))
    await world.run(2)
    assert (await world.record()).findings == {}
    await world.run(12 * 60, tick=120)
    assert effects(world) == ["drained weu"]
    pages = [page for page in world.pages() if page.incident == "shop/weu/background-processor-cannot-read"]
    assert any("still drained" in page.title for page in pages)


async def test_a_stamp_whose_hub_is_made_anew_while_it_is_drained_comes_back_by_the_new_one() -> None:
    """P12, P14: the old numbers can never be passed again; what the new hub held at first sight can."""
    world = World(watched(), RULES)
    await world.run(2)
    world.truth["weu"].sent = world.truth["weu"].read = 1_000_000
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["drained weu"]
    truth = world.truth["weu"]
    truth.hub_made, truth.sent, truth.read = world.clock.now(), 50, 10
    await world.run(15)
    assert effects(world) == ["drained weu"]
    world.reads.add("weu")
    await world.run(13)
    assert effects(world) == ["drained weu", "rejoined weu"]


async def test_a_return_that_is_never_seen_to_serve_gives_way_to_what_is_found() -> None:
    """P14: it fails as soon as it is back; that is paged, and holds up no other stamp."""
    world = World(a_workload(stamps=("weu", "neu", "eus", "sea"), mode=Mode.AUTO))
    await world.run(2)
    await world.alert("weu", AlertState.FIRED)
    await world.run(3)
    await world.alert("weu", AlertState.RESOLVED)
    await world.run(9.5)

    class FailsOnReturn(FakeLever):
        async def bring_back(self, stamp: object, content: str) -> Outcome:
            """The stamp falls ill with the first request."""
            self._world.truth["weu"].failing.add("Database")
            return await super().bring_back(stamp, content)  # type: ignore[arg-type]

    world.engine = world.a_worker("worker-1", FailsOnReturn(world))
    await world.run(2)
    assert effects(world) == ["drained weu", "rejoined weu"]
    await world.run(30)
    assert (await world.record()).in_flight() == []
    assert any(page.incident == "shop/weu/root-node-red" for page in world.pages())
    await world.alert("neu", AlertState.FIRED)
    await world.run(3)
    assert effects(world) == ["drained weu", "rejoined weu", "drained neu"]


async def test_while_a_marker_holds_a_chatty_health_model_makes_no_news() -> None:
    """P17, P20: what is planned between two ticks and withdrawn at the next is nothing to tell anybody."""
    world = World(watched(), RULES)
    await world.run(2)
    world.shelf.markers["hold"] = b"the network is being moved"
    await world.run(0.5)
    for _ in range(6):
        await world.node("weu", "BackgroundProcessor", Health.RED)
        await world.run(0.5)
    told, entries = len(world.told), len(await world.ledger.journal("shop", 1000))
    for _ in range(40):
        await world.node("weu", "BackgroundProcessor", Health.RED)
        await world.run(0.5)
    assert len(world.told) == told
    planned = [
        each for each in await world.ledger.journal("shop", 1000) if any("planned" in e for e in each.events)
    ]
    assert planned == []
    assert len(await world.ledger.journal("shop", 1000)) - entries <= 40


async def test_hands_that_take_a_stamp_out_every_minute_do_not_fill_the_record() -> None:
    """P19: a job that fights a tool deletes the file again and again, for a day."""
    world = World(watched(policy=Policy(drains_per_day=24, drains_per_hour=24)), RULES)
    await world.run(2)
    for _ in range(210):
        world.truth["weu"].file = None
        await world.run(1, tick=60)
        world.truth["weu"].file = ""
        await world.run(1, tick=60)
    record = await world.record()
    assert 24 <= len(record.drains) <= 200


async def test_an_approval_that_nobody_gives_is_asked_for_without_end_and_without_noise() -> None:
    """P18, P20: each tick asks the same question: nothing is written for it but when its time is over."""
    world = World(watched(mode=Mode.APPROVE), RULES)
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    told, entries = len(world.told), len(await world.ledger.journal("shop", 1000))
    await world.run(10)
    assert len(await world.ledger.journal("shop", 1000)) == entries
    assert len(world.told) == told
    await world.run(110)
    assert len(await world.ledger.journal("shop", 1000)) - entries <= 2 * 8 + 2
    assert len((await world.record()).approvals) == 1
    # Once more, for it is still red after `escalate_after`.
    assert len([each for each in world.told[told:] if each.channel is Channel.PAGE]) <= 1


async def test_a_window_over_the_whole_workload_stops_drains_and_returns_and_ends() -> None:
    """Planned work everywhere: nobody serves for sure, nothing is touched; afterwards it goes on (P14)."""
    world = World(watched(maintenance=(Window(at(900), at(5400), "an upgrade of everything"),)), RULES)
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    assert effects(world) == ["drained weu"]
    world.reads.add("weu")
    await world.run(60)
    assert effects(world) == ["drained weu"]
    assert Guardrail.MAINTENANCE in await world.holds()
    await world.run(30)
    assert effects(world) == ["drained weu", "rejoined weu"]


async def test_a_workload_that_is_only_watched_from_now_on_is_touched_no_more_and_asked_about() -> None:
    """P14, P17: the stamp that we drained stays out, is not forgotten, and comes back when we may again."""
    world = World(watched(), RULES)
    await world.run(2)
    world.reads.discard("weu")
    await world.run(7)
    configure(world, watched(mode=Mode.OBSERVE))
    world.reads.add("weu")
    await world.run(13 * 60, tick=120)
    assert effects(world) == ["drained weu"]
    assert any("still drained" in page.title for page in world.pages())
    configure(world, watched())
    await world.run(13)
    assert effects(world) == ["drained weu", "rejoined weu"]
