"""What is let go when there are more registers than a record can hold, and what never?

That what is left really fits into a record is held by `tests/ledger/test_room_for_registers.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.health import REGISTERS_WITH_TEXTS, TEXT_MOST, bounded
from rules.signals import AlertState, Health, RegisterKey, Signal
from tests.builders import NODE, a_signal, an_alert, at, registers

LONG = "x" * 200
"""A thousand registers with such an id are more than fit."""


def many(count: int, health: Health = Health.GREEN, **changes: Any) -> list[Signal]:
    """That many nodes, each with a word of the same moment."""
    return [a_signal(node=f"n{i:04}", health=health, id=f"{i:04}", **changes) for i in range(count)]


def a_flood(count: int = 5000, condition: AlertState = AlertState.FIRED, **changes: Any) -> list[Signal]:
    """As many instances of one alert rule, with ids as Azure Monitor gives them, each newer than the last."""
    alerts = "/subscriptions/8a203044-2c0c-44df-a99b-f12e5eb12cd6/providers/Microsoft.AlertsManagement/alerts"
    return [
        an_alert(
            "Pod restarts",
            condition,
            id=f"alert:{i:032x}",
            instance=f"{alerts}/{i:08x}-0000-4000-8000-000000000000",
            observed_at=at(i / 10),
            **changes,
        )
        for i in range(count)
    ]


def kept_of(signals: Iterable[Signal], *floods: Iterable[Signal], **limits: Any) -> set[RegisterKey]:
    """Which of the signals are kept, when these floods come as well."""
    known = registers(signals)
    flood = [signal for part in floods for signal in part]
    return bounded(registers([*known.values(), *flood]), **limits).keys() & known.keys()


def test_two_thousand_green_nodes_are_all_kept() -> None:
    """P19: with ids, names and reasons as long as they are."""
    nodes = [
        a_signal(
            stamp=f"westeurope-{place // 40:02d}",
            node=f"CatalogService{place % 40:02d}",
            id=f"/health-models/shop#8a203044-2c0c-44df-a99b-{place:012d}",
            observed_at=at(place / 7),
            order=10_000_000 + place,
            reasons=("response time 1,234 ms above 1,000 ms for 5 m",),
        )
        for place in range(2000)
    ]
    known = registers(nodes)
    assert bounded(known).keys() == known.keys()


LESS_WORTHY: dict[str, Callable[[], list[Signal]]] = {
    "alerts that are over": lambda: a_flood(condition=AlertState.RESOLVED),
    "test alerts": lambda: a_flood(may_act=False, why="a test alert"),
    "reds that may not act": lambda: many(2000, Health.RED, source=LONG, reasons=(LONG,), may_act=False),
}


@pytest.mark.parametrize("flood", LESS_WORTHY)
def test_what_can_cause_nothing_goes_first(flood: str) -> None:
    """P19: before any green that a survivor is judged by, however much newer it is."""
    greens = many(100, observed_at=at(-200))
    assert kept_of(greens, LESS_WORTHY[flood]()) == registers(greens).keys()


def test_then_goes_what_is_green() -> None:
    """P19: before alerts that fire, and those before what is red, yellow or unknown."""
    bad = [
        word for health in list(Health)[1:] for word in many(50, health, source=health, observed_at=at(-9))
    ]
    firing = a_flood(300)
    greens = many(2500, source="model", observed_at=at(9))
    assert kept_of([*bad, *firing], greens) == registers([*bad, *firing]).keys()
    assert kept_of(bad, a_flood()) == registers(bad).keys()
    assert kept_of(greens, a_flood(), bad) == set()


def test_of_equals_the_oldest_go_first() -> None:
    """P19: they would be the first to go stale anyway."""
    flood = a_flood()
    kept = bounded(registers(flood))
    left = [signal for signal in flood if signal.key in kept]
    assert 800 < len(left) < 2000
    assert left == flood[-len(left) :]


def test_what_is_said_of_roots_goes_last() -> None:
    """P2, P3: by them it is judged who serves and whether the fault is one stamp's own."""
    roots = [a_signal(f"s{n}", "Root", health, id=f"{n}") for n, health in enumerate(Health)]
    old = [replace(root, observed_at=at(-9999)) for root in roots]
    reds = many(3000, Health.RED, reasons=(LONG,), source="probe")
    assert kept_of(old, a_flood(), reds, roots={"Root"}) == registers(old).keys()
    assert kept_of(old, a_flood(), reds) != registers(old).keys()


def test_what_a_drain_waits_for_goes_last() -> None:
    """P12: else no source could ever take back what it was drained for."""
    over = an_alert("Lag", AlertState.RESOLVED, observed_at=at(-9999))
    assert kept_of([over], a_flood(), precious={over.key}) == {over.key}
    assert kept_of([over], a_flood()) == set()


def test_what_is_lost_does_not_depend_on_the_order_of_arrival() -> None:
    """P15: even where all was said at the same moment."""
    signals = many(6000)
    kept = bounded(registers(signals))
    assert len(kept) < len(signals)
    assert kept == bounded(registers(reversed(signals)))


def test_what_was_bounded_once_is_left_alone() -> None:
    """P20: nothing more is lost by asking again."""
    for signals in (a_flood(), many(2000, Health.RED, reasons=(LONG, LONG)), many(60, reasons=(LONG,) * 50)):
        kept = bounded(registers(signals))
        assert bounded(kept) == kept


def test_many_registers_are_kept_without_their_long_texts() -> None:
    """P19: the first reason stays, cut short; of few registers every word stays."""
    wordy = ("a" * (TEXT_MOST + 1), "b")
    few = registers(many(REGISTERS_WITH_TEXTS, reasons=wordy))
    assert bounded(few) == few
    short = registers(many(1, source="s", reasons=("a" * TEXT_MOST,)))
    light = bounded({**few, **short})
    assert {signal.reasons for signal in light.values()} == {("a" * TEXT_MOST,)}
    assert light.items() >= short.items()


def test_texts_go_before_any_register_does() -> None:
    """P19: also of few registers with very long ones, and of very many with short ones."""
    few = registers(many(60, reasons=(LONG,) * 50))
    assert {signal.reasons for signal in bounded(few).values()} == {(LONG[:TEXT_MOST],)}
    full = registers(many(2200, Health.RED, reasons=("x" * TEXT_MOST,)))
    bare = bounded(full)
    assert bare.keys() == full.keys()
    assert {signal.reasons for signal in bare.values()} == {()}


@given(st.lists(st.sampled_from([NODE, "Stamp"]), max_size=5), st.integers(0, 3))
def test_little_is_left_as_it_is(nodes: list[str], alerts: int) -> None:
    """Where there is room, nothing is changed."""
    known = registers([*(a_signal(node=node, reasons=("a", "b")) for node in nodes), *a_flood(alerts)])
    assert bounded(known) == known
