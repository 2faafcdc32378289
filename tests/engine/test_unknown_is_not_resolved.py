"""Is anybody told that a fault is over while nobody says that it is well?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.case import Guardrail
from remediation.decide.plan import Charge
from remediation.ledger.told import MessageKind
from rules.conditions import NodeIs
from rules.policy import Mode, Policy
from rules.rule import AskedOf, Playbook, Rule
from rules.signals import Health, Severity
from tests.builders import a_signal, a_workload
from tests.engine.test_guarded_drain import CANNOT_READ, EDGE, effects, watched
from tests.world import CANNOT_READ_RULE, ROOT_RED, ROOT_YELLOW, World

pytestmark = pytest.mark.slow

OBSERVED: dict[str, Any] = {"mode": Mode.AUTO, "policy": Policy(min_serving=3)}
"""Three must serve besides: nothing is ever drained, so that incidents alone are looked at."""

DATABASE = Rule(
    "database-red",
    "The database is red.",
    NodeIs("CosmosDB", frozenset({Health.RED})),
    Severity.CRITICAL,
    Playbook.PAGE,
    asked_of=AskedOf.WORKLOAD,
)


def ends(world: World) -> list[str]:
    """The titles of what was told to be over, to whomever."""
    return [message.title for message in world.told if message.kind is MessageKind.RESOLVE]


def under(world: World, **changes: Any) -> None:
    """Other workload files are in force from now on."""
    world.workload = replace(world.workload, **changes)
    world.charge = Charge(world.workload, world.charge.rules)
    world.engine = world.a_worker("worker-1")


@pytest.mark.parametrize("place", [("weu", "Stamp"), ("weu", "BackgroundProcessor"), (None, "CosmosDB")])
async def test_a_page_does_not_end_because_its_source_does_not_know_any_more(
    place: tuple[str | None, str],
) -> None:
    """Unknown is not green: it ends when the source says so (P8)."""
    world = World(a_workload(**OBSERVED), (ROOT_RED, CANNOT_READ_RULE, DATABASE))
    await world.node(*place, Health.RED)
    await world.run(1)
    for _ in range(30):
        await world.node(*place, Health.UNKNOWN)
        await world.run(2)
    assert world.pages()
    assert ends(world) == []
    await world.node(*place, Health.GREEN)
    await world.run(1)
    assert all(title.endswith("(has ended)") for title in ends(world))
    assert len(world.pages(MessageKind.RESOLVE)) == 1


async def test_a_page_does_not_end_because_its_source_is_silent_for_days() -> None:
    """Telemetry was once lost for three days (I1). After a week it is closed, and says that nobody knows."""
    world = World(a_workload(**OBSERVED), (ROOT_RED,))
    await world.node("weu", "Stamp", Health.RED)
    await world.run(60 * 24 * 6, tick=3600)
    assert ends(world) == []
    await world.run(60 * 24 * 2, tick=3600)
    closed = "(closed, and not known to be well: /health-models/shop no longer tells)"
    assert all(title.endswith(closed) for title in ends(world))
    assert len(ends(world)) == 2
    assert (await world.record()).incidents == {}


async def test_what_was_yellow_and_is_unknown_now_is_not_told_to_be_well() -> None:
    """The team was told that it is slow. Whether it still is nobody knows."""
    world = World(a_workload(**OBSERVED), (ROOT_YELLOW,))
    await world.node("weu", "Stamp", Health.YELLOW)
    await world.run(1)
    await world.node("weu", "Stamp", Health.UNKNOWN)
    (end,) = ends(world)
    assert end.endswith("(closed, and not known to be well: /health-models/shop no longer tells)")


async def test_a_red_that_came_to_be_doubted_drains_nothing() -> None:
    """Its source has said since that it does not know: who cannot see does not act; people know already."""
    world = World(a_workload(mode=Mode.AUTO), (CANNOT_READ_RULE,))
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(0.5)
    await world.node("weu", "BackgroundProcessor", Health.UNKNOWN)
    await world.run(10)
    assert effects(world) == []
    held = {hold.guardrail: hold.reason for hold in (await world.record()).held}
    assert held == {Guardrail.FRESH_SIGNALS: "/health-models/shop has said since that it does not know"}
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(1)
    assert effects(world) == ["drained weu"]


async def test_what_all_stamps_share_stays_red_until_it_is_known_to_be_well() -> None:
    """P3: a database that was red and is unknown now still holds the drain of a stamp."""
    world = World(a_workload(mode=Mode.AUTO), (ROOT_RED, CANNOT_READ_RULE, DATABASE))
    await world.node(None, "CosmosDB", Health.RED)
    await world.run(1)
    await world.node(None, "CosmosDB", Health.UNKNOWN)
    for _ in range(10):
        await world.node("weu", "BackgroundProcessor", Health.RED)
        await world.run(1)
    assert effects(world) == []
    assert Guardrail.ONLY_A_STAMP_FAULT in await world.holds()


async def test_telemetry_that_was_red_and_is_unknown_now_proves_no_recovery() -> None:
    """P12: the green of a health model that may be blind brings nothing back."""
    world = World(a_workload(mode=Mode.AUTO), (CANNOT_READ_RULE,))
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(3)
    assert effects(world) == ["drained weu"]
    await world.node(None, "AzureTelemetry", Health.RED)
    await world.run(1)
    await world.node(None, "AzureTelemetry", Health.UNKNOWN)
    for _ in range(30):
        await world.node("weu", "BackgroundProcessor", Health.GREEN)
        await world.run(1)
    assert effects(world) == ["drained weu"]
    assert await world.holds() == {Guardrail.FRESH_SIGNALS}


async def test_a_drained_stamp_of_which_nothing_is_known_stays_out_and_its_page_open() -> None:
    """P12, P14: nor does a green prove anything that its own source has come to doubt."""
    world = World(a_workload(mode=Mode.AUTO), (CANNOT_READ_RULE,))
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(3)
    for health in (Health.UNKNOWN, Health.GREEN, Health.UNKNOWN):
        await world.node("weu", "BackgroundProcessor", health)
        await world.run(9)
    await world.run(60)
    assert (effects(world), ends(world)) == (["drained weu"], [])
    for _ in range(12):
        await world.node("weu", "BackgroundProcessor", Health.GREEN)
        await world.run(1)
    assert effects(world) == ["drained weu", "rejoined weu"]
    assert len(world.pages(MessageKind.RESOLVE)) == 1


async def test_a_page_is_told_to_its_end_though_the_mode_was_changed_in_the_middle() -> None:
    """In `observe` nothing new is told; what people were woken for goes on, and ends when it is over (P8)."""
    world = World(watched(), (ROOT_RED, ROOT_YELLOW, CANNOT_READ))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(4)
    assert len(world.pages()) == 1
    under(world, mode=Mode.OBSERVE)
    await world.run(10)
    await world.node("neu", "Stamp", Health.YELLOW)
    await world.run(10)
    assert effects(world) == []
    assert {message.incident for message in world.told} == {"shop/weu/background-processor-cannot-read"}
    assert ends(world) == []
    world.reads.add("weu")
    await world.run(2)
    assert len(world.pages(MessageKind.RESOLVE)) == 1


async def test_a_stamp_that_is_taken_from_the_files_while_drained_is_not_told_to_be_well() -> None:
    """People took it away; that it is out by our hand they may not know."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(8)
    under(world, stamps=world.workload.stamps[1:])
    await world.run(1)
    closed = "closed: weu is no longer part of the workload, and was left out of rotation by the worker"
    assert all(closed in title for title in ends(world))
    assert len(ends(world)) == 2


async def test_a_way_that_is_no_longer_looked_at_holds_nothing_and_is_not_told_to_be_well() -> None:
    """`front_door_url` is taken from the file while the way is red: nobody else could take that back."""
    world = World(watched(), (ROOT_RED, CANNOT_READ, EDGE))
    await world.run(2)
    world.edge_open = False
    world.reads.discard("weu")
    await world.run(10)
    assert effects(world) == []
    under(world, front_door_url=None)
    await world.run(3)
    assert effects(world) == ["drained weu"]
    assert {title.partition("(")[2] for title in ends(world)} == {
        "closed, and not known to be well: front-door no longer tells)"
    }


async def test_a_hub_that_is_no_longer_looked_at_is_not_told_to_be_well() -> None:
    """`event_hub` is taken from the file while the processor stands."""
    world = World(watched(**OBSERVED), (ROOT_RED, CANNOT_READ))
    await world.run(2)
    world.reads.discard("weu")
    await world.run(6)
    under(world, stamps=tuple(replace(stamp, event_hub=None) for stamp in world.workload.stamps))
    await world.run(1)
    assert all("not known to be well: consumer-lag no longer tells" in title for title in ends(world))
    assert len(ends(world)) == 2


async def test_doubt_that_arrives_late_or_before_changes_nothing() -> None:
    """P15: whichever of the two came first, red stays red."""
    for order in ((0, 1), (1, 0)):
        world = World(a_workload(**OBSERVED), (ROOT_RED,))
        now = world.clock.now()
        red = a_signal("weu", "Stamp", Health.RED, id="red", observed_at=now)
        doubt = a_signal("weu", "Stamp", Health.UNKNOWN, id="doubt", observed_at=now, order=1)
        for place in order:
            await world.says((red, doubt)[place])
        await world.run(1)
        assert list((await world.record()).incidents) == ["shop/weu/root-node-red"]
