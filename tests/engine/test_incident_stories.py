"""Stories of what people are told: one fault, one page, whatever else is red, silent or restless."""

from dataclasses import replace
from datetime import timedelta

from remediation.decide.draft import Draft
from remediation.decide.orders import SilenceOrder, silence
from remediation.engine.book import Book
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.told import Channel, Message, MessageKind
from rules.conditions import HeldFor, NodeIs
from rules.policy import Mode
from rules.rule import Playbook, Rule
from rules.signals import AlertState, Health, Severity
from tests.builders import a_workload, seconds
from tests.world import CANNOT_READ_RULE, ROOT_RED, World

ROOT = "shop/weu/root-node-red"
VAULT = "shop/weu/key-vault-red"
READS = "shop/weu/background-processor-cannot-read"

VAULT_RED = Rule(
    "key-vault-red",
    "The key vault fails.",
    NodeIs("Keyvault", frozenset({Health.RED})),
    Severity.ERROR,
    Playbook.PAGE,
    runbook="https://example.org/key-vault",
)
ROOT_PAGES = replace(ROOT_RED, playbook=Playbook.PAGE, when=HeldFor(ROOT_RED.when, seconds(30)))


def a_world(*rules: Rule, mode: Mode = Mode.AUTO) -> World:
    """A world in which the root wakes people, and so does the key vault."""
    return World(a_workload(mode=mode), rules or (ROOT_PAGES, VAULT_RED, CANNOT_READ_RULE))


async def silenced(world: World, minutes: float, stamp: str | None = "weu", family: str = "*") -> None:
    """Ada wants silence from now on."""
    until = world.clock.now() + timedelta(minutes=minutes)

    def change(record: WorkloadRecord) -> WorkloadRecord | None:
        draft = Draft(record, world.clock.now())
        assert not silence(draft, SilenceOrder("ada", "deploying", until, stamp, family)).refused
        return draft.finish(Cause.PERSON)

    await Book(world.ledger, world.tally).write("shop", change)


def titles(messages: list[Message]) -> list[str]:
    """The lines that are read first."""
    return [message.title for message in messages]


async def everything_well(world: World) -> None:
    """The key vault is green again, and then every root."""
    await world.node("weu", "Keyvault", Health.GREEN)
    for stamp in world.truth:
        await world.node(stamp, "Stamp", Health.GREEN)


def every_page_has_its_end(world: World) -> bool:
    """P8: as many ends as incidents that woke someone, and the last word of each is its end."""
    pages = [m for m in world.told if m.channel is Channel.PAGE]
    last = {m.incident: m.kind for m in pages}
    return bool(pages) and set(last.values()) == {MessageKind.RESOLVE}


async def test_a_root_that_is_red_for_its_key_vault_is_one_page_that_names_it() -> None:
    """P8: the way from the root to the cause stands in the page; the cause has no page of its own."""
    world = a_world(ROOT_PAGES, VAULT_RED)
    await world.run(1)
    await world.node("weu", "Stamp", Health.RED)
    await world.run(1)
    await world.node("weu", "Keyvault", Health.RED)
    await world.run(1)
    assert [page.incident for page in world.pages()] == [ROOT]
    card = [m for m in world.told if m.channel is Channel.NOTIFY][-1]
    assert card.incident == ROOT
    way = "Stamp -> AddCommentUserFlow -> CatalogService -> Keyvault (red since 03:02:00)"
    assert dict(card.facts)["Path"] == way
    await everything_well(world)
    await world.run(1)
    assert every_page_has_its_end(world)
    assert {message.incident for message in world.told} == {ROOT}
    assert not (await world.record()).incidents


async def test_when_the_root_is_well_again_the_key_vault_speaks_for_itself() -> None:
    """P8: nothing that stands is forgotten with the page that has told of it."""
    world = a_world(ROOT_PAGES, VAULT_RED)
    await world.run(1)
    await world.node("weu", "Stamp", Health.RED)
    await world.run(1)
    await world.node("weu", "Keyvault", Health.RED)
    await world.run(1)
    await world.node("weu", "Stamp", Health.GREEN)
    await world.run(1)
    assert [page.incident for page in world.pages()] == [ROOT, VAULT]
    assert [page.incident for page in world.pages(MessageKind.RESOLVE)] == [ROOT]
    assert dict(world.pages()[-1].facts)["Runbook"] == "https://example.org/key-vault"
    await everything_well(world)
    assert every_page_has_its_end(world)


async def test_what_asks_for_a_drain_is_paged_beside_a_red_root() -> None:
    """Whoever is woken must know what the worker is about to drain, and why."""
    world = a_world(replace(ROOT_PAGES, when=ROOT_RED.when), CANNOT_READ_RULE)
    await world.run(1)
    await world.node("weu", "Stamp", Health.RED)
    await world.node("weu", "BackgroundProcessor", Health.RED)
    assert [page.incident for page in world.pages()] == [ROOT, READS]


async def test_a_page_that_stands_is_sent_once_more_and_louder() -> None:
    """Nobody has helped for half an hour: once more, and then not again."""
    world = a_world(VAULT_RED)
    await world.run(1)
    await world.node("weu", "Keyvault", Health.RED)
    await world.run(29.5)
    assert len(world.pages()) == 1
    await world.run(60)
    first, second = world.pages()
    assert second.title == "STILL RED after 30m: shop/weu: The key vault fails."
    assert (first.severity, second.severity) == (Severity.ERROR, Severity.CRITICAL)
    await everything_well(world)
    assert every_page_has_its_end(world)


async def test_a_drained_stamp_does_not_wake_people_every_half_hour() -> None:
    """The drain has helped: the traffic is elsewhere."""
    world = World()
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(90)
    assert world.out() == {"weu"}
    assert not [title for title in titles(world.pages()) if "STILL RED" in title]


async def test_a_silence_mutes_the_page_and_its_end_wakes_who_must_know() -> None:
    """The worker acts all the same; what is still red at its end is paged, by its author's name."""
    world = World()
    await world.run(1)
    await silenced(world, 15)
    await world.alert("weu", AlertState.FIRED)
    await world.run(14)
    assert (world.out(), world.told) == ({"weu"}, [])
    await world.run(1.5)
    (page,) = world.pages()
    assert page.title.endswith("Drained. (still red after a silence by ada)")


async def test_what_begins_and_ends_in_a_silence_is_heard_by_nobody() -> None:
    """Neither a page nor an end of one; the journal has it all."""
    world = a_world(VAULT_RED)
    await world.run(1)
    await silenced(world, 15)
    await world.node("weu", "Keyvault", Health.RED)
    await world.run(5)
    await everything_well(world)
    await world.run(20)
    assert world.told == []


async def test_a_page_that_is_silenced_later_still_ends() -> None:
    """P8: ada has seen it and wants quiet; that it is over reaches everyone."""
    world = a_world(VAULT_RED)
    await world.run(1)
    await world.node("weu", "Keyvault", Health.RED)
    await silenced(world, 60)
    await world.run(40)
    assert len(world.pages()) == 1
    await everything_well(world)
    assert every_page_has_its_end(world)


async def test_a_drain_that_gets_stuck_wakes_people_through_a_silence() -> None:
    """Nobody else knows that the worker could not do it."""
    world = World()
    await world.run(1)
    await silenced(world, 60)
    await world.alert("weu", AlertState.FIRED)
    world.truth["weu"].reachable = False
    await world.run(10)
    assert [title for title in titles(world.pages()) if "STUCK" in title]


async def test_the_silence_of_a_stamp_does_not_hide_an_outage() -> None:
    """P3: two stamps at once are another matter than the one that ada knows of."""
    world = World(rules=(CANNOT_READ_RULE,))
    await world.run(1)
    await silenced(world, 60)
    await world.node("weu", "BackgroundProcessor", Health.RED)
    assert world.told == []
    await world.node("neu", "BackgroundProcessor", Health.RED)
    (page,) = world.pages()
    assert "[global]" in page.title
    assert len(dict(page.facts)["Differs by"].splitlines()) == 3


async def test_a_stamp_that_flaps_is_one_page_until_it_is_quiet() -> None:
    """The fourth turn within an hour says so, the next ones nothing; it ends when all is quiet."""
    world = World(rules=(replace(ROOT_RED, mode=Mode.APPROVE),))
    await world.run(1)
    for _ in range(7):
        await world.node("weu", "Stamp", Health.RED)
        await world.run(2)
        await world.node("weu", "Stamp", Health.GREEN)
        await world.run(3)
    pages = [m for m in world.told if m.channel is Channel.PAGE]
    assert [m.kind for m in pages].count(MessageKind.RESOLVE) == 3
    restless = [m for m in pages if "flapping: red 4 times within 1h" in m.title]
    assert [m.kind for m in restless] == [MessageKind.TRIGGER]
    assert pages[-1] is restless[0]
    await world.run(9)
    assert world.told[-1].kind is not MessageKind.RESOLVE
    await world.run(3)
    assert every_page_has_its_end(world)
