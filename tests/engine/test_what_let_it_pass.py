"""Can it be told afterwards by what numbers a stamp was drained, when planned and right before the act?"""

from remediation.ledger.intent import Verb
from remediation.ledger.record import Cause, JournalEntry
from rules.policy import Mode
from rules.signals import Health
from tests.builders import a_workload
from tests.test_desk import DRAIN, a_desk
from tests.world import ROOT_RED, World


async def drains_of(world: World) -> list[JournalEntry]:
    """The decisions in which a drain passed guardrails."""
    entries = [entry async for entry in world.ledger.history("shop")]
    return [entry for entry in reversed(entries) if any(verb == Verb.DRAIN for verb, *_ in entry.passed)]


async def test_a_persons_drain_tells_what_let_it_pass_when_ordered_and_when_done() -> None:
    """Twice every guardrail was asked, and twice the journal has its numbers."""
    world = World(a_workload(mode=Mode.AUTO), (ROOT_RED,))
    await world.run(2)
    await a_desk(world).give("shop", DRAIN)
    await world.run(1)
    ordered, done = await drains_of(world)
    assert (ordered.cause, done.cause) == (Cause.PERSON, Cause.ACT)
    for entry in (ordered, done):
        [(_, stamp, rule, said)] = entry.passed
        assert (stamp, rule) == ("weu", "by-hand")
        assert "people_may" in said.split("\n")
        assert "keeps_enough_serving: eus, neu would serve, and 1 must" in said.split("\n")


async def test_a_rules_drain_tells_what_let_it_pass_when_planned_and_when_done() -> None:
    """While it settles the others have passed already; then all have, and again by the live look."""
    world = World()
    await world.run(1)
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(2)
    settling, planned, done = await drains_of(world)
    assert [said.count("settled: ") for entry in (settling, planned, done) for *_, said in entry.passed] == [
        0,
        1,
        1,
    ]
    assert (planned.cause, done.cause) == (Cause.TIMER, Cause.ACT)
    for entry in (settling, planned, done):
        [(*_, said)] = entry.passed
        assert "within_budget: 0 of 2 drains in the last hour, 0 of 4 in the last 24 hours" in said
