"""Does what `bounded` leaves of the registers really fit into a record, whatever was said?"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediation.ledger.codec import MAX_RECORD_BYTES, encode
from rules.health import REGISTER_BYTES_MOST, bounded
from rules.signals import AlertState, Health, Severity, Signal, Subject
from tests.builders import NOW, a_record, a_signal, an_alert, registers
from tests.rules.test_bounds import a_flood

ENVELOPE = len(encode(a_record(), "w")) + len(',"sources":[],"registers":[]')
ROOM_FOR_THE_REST = 100 * 1024

CHINESE, UMLAUT, CONTROL, QUOTE, FACE = '漢ü\x01"🔥'


def fat(count: int, text: str, reasons: int = 0, **changes: Any) -> list[Signal]:
    """So many registers with every text as long as the intake lets in, of this character alone."""
    return [
        a_signal(
            node=f"{i:04}{text * 124}",
            id=f"{i:04}{text * 252}",
            source=f"{i:04}{text * 252}",
            order=10**19,
            reasons=(text * 300,) * reasons,
            **changes,
        )
        for i in range(count)
    ]


WORST: dict[str, Callable[[], list[Signal]]] = {
    "alerts": a_flood,
    "alerts with all there is": lambda: a_flood(
        severity=Severity.CRITICAL, reasons=("x" * 300,) * 5, may_act=False, why="a test alert"
    ),
    "few with long reasons": lambda: fat(100, "x", reasons=5),
    "few in Chinese": lambda: fat(100, CHINESE, reasons=5),
    "some in Chinese": lambda: fat(290, CHINESE, reasons=5),
    "umlauts": lambda: fat(3000, UMLAUT, reasons=1),
    "control characters": lambda: fat(3000, CONTROL, health=Health.UNKNOWN),
    "quotation marks": lambda: fat(3000, QUOTE, reasons=5),
    "faces": lambda: fat(3000, FACE, reasons=5),
    "bare nodes": lambda: [a_signal(node=str(i), source="s", id=str(i)) for i in range(9000)],
}


@pytest.mark.parametrize("worst", WORST)
def test_p19_whatever_is_said_the_registers_leave_room_for_the_rest(worst: str) -> None:
    """The bytes are counted as they are stored: in UTF-8, with what JSON escapes, each source once."""
    kept = bounded(registers(WORST[worst]()))
    taken = len(encode(a_record(registers=kept), "w")) - ENVELOPE
    assert taken <= REGISTER_BYTES_MOST <= MAX_RECORD_BYTES - ROOM_FOR_THE_REST
    assert kept


@pytest.mark.parametrize("worst", ["alerts", "umlauts", "control characters", "faces", "bare nodes"])
def test_no_more_is_let_go_than_must_be(worst: str) -> None:
    """What is kept of too much fills nearly all of the room."""
    kept = bounded(registers(WORST[worst]()))
    assert len(encode(a_record(registers=kept), "w")) > 0.75 * REGISTER_BYTES_MOST


texts = st.text(max_size=12)
health_words = st.builds(
    a_signal,
    stamp=st.none() | texts,
    node=st.none() | texts,
    health=st.sampled_from(Health),
    id=texts,
    source=texts,
    order=st.integers(0, 10**20),
    observed_at=st.sampled_from([NOW, NOW.replace(microsecond=1)]),
    severity=st.none() | st.sampled_from(Severity),
    reasons=st.lists(texts, max_size=2).map(tuple),
)
alert_words = st.builds(
    an_alert,
    alert=texts,
    condition=st.sampled_from(AlertState),
    id=texts,
    instance=texts,
    severity=st.none() | st.sampled_from(Severity),
    reasons=st.lists(texts, max_size=2).map(tuple),
    may_act=st.booleans(),
    why=st.sampled_from(["", "a test alert"]),
)


def multiplied(word: Signal, count: int) -> list[Signal]:
    """The same word for so many nodes."""
    workload, stamp, node = word.subject
    return [replace(word, subject=Subject(workload, stamp, f"{node}{i:05}")) for i in range(count)]


@settings(max_examples=30, deadline=None)
@given(health_words | alert_words)
@pytest.mark.slow
def test_p19_no_kind_of_word_takes_more_than_it_is_counted_for(word: Signal) -> None:
    """Five thousand of a kind are kept as far as they fit, and what is kept fits."""
    kept = bounded(registers(multiplied(word, 5000)))
    assert len(encode(a_record(registers=kept), "w")) - ENVELOPE <= REGISTER_BYTES_MOST
