"""Whatever arrives, in whatever order: is it read or rejected, and does it come to the same?"""

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from remediation.intake.health_events import read_plain
from remediation.intake.read import read
from remediation.intake.rejection import Code, Rejection
from rules.health import fold
from rules.signals import Signal
from tests.intake.bodies import BODIES, KNOWN, a_health_event, an_alert_body, encode

CORPUS = [path.read_bytes() for path in BODIES]
VALUES = [json.loads(body) for body in CORPUS]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
)


def outcome(body: bytes) -> tuple[Signal, ...] | Code:
    """What becomes of a body. Anything but a reading or a rejection fails the test that asks."""
    found: tuple[Signal, ...] | Code
    try:
        reading = read(body, KNOWN)
    except Rejection as rejection:
        reasons, found = [rejection.reason], rejection.code
    else:
        reasons, found = [item.reason for item in reading.rejected], reading.signals
    assert all(0 < len(reason) < 600 for reason in reasons)
    return found


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_rejected(body: bytes) -> None:
    """Nothing else can come of them."""
    outcome(body)


@given(values)
def test_any_json_is_read_or_rejected(value: object) -> None:
    """Nothing else can come of it, be it odd at its top or in place of essentials and data."""
    outcome(encode(value))
    outcome(encode({"data": {"essentials": value, "alertContext": value}}))
    outcome(encode({**a_health_event(), "data": value}))


@given(st.sampled_from(CORPUS), st.data())
def test_any_change_of_bytes_is_read_or_rejected(body: bytes, data: st.DataObject) -> None:
    """A body cut off, with bytes put in or taken out, never breaks the reader."""
    at = data.draw(st.integers(0, len(body)))
    out = data.draw(st.integers(0, 20))
    outcome(body[:at] + data.draw(st.binary(max_size=10)) + body[at + out :])
    outcome(body[:at])


def places(value: object) -> list[tuple[Any, Any]]:
    """Every container in a value with every key or index in it."""
    if isinstance(value, dict | list):
        keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]
    return []


@given(st.sampled_from(VALUES), st.randoms(use_true_random=False), values)
def test_any_change_of_a_field_is_read_or_rejected(
    value: object, chance: random.Random, other: object
) -> None:
    """A field of another type, or none, never breaks the reader."""
    changed = json.loads(json.dumps(value))
    container, key = chance.choice(places(changed))
    container[key] = other
    outcome(encode(changed))
    del container[key]
    outcome(encode(changed))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            key: scalars | st.lists(scalars, max_size=3)
            for key in (
                "id",
                "time",
                "stamp",
                "node",
                "root",
                "state",
                "sequence",
                "score",
                "reasons",
                "other",
            )
        },
    ),
    st.sampled_from([None, 1]),
)
def test_the_fast_way_and_the_long_way_agree(changes: dict[str, Any], indent: int | None) -> None:
    """Where the fast way gives a signal, the long way gives the same; it never rejects alone."""
    plain = json.dumps(a_health_event(**changes), indent=indent).encode()
    # An extension is nothing to either, and keeps an event from the fast way.
    long = json.dumps({**a_health_event(**changes), "traceparent": "00"}, indent=indent).encode()
    assert outcome(plain) == outcome(long)


def test_the_corpus_takes_the_fast_way() -> None:
    """Events as they are sent are plain: otherwise the fast way would be there for nothing."""
    plain = [body for body in CORPUS if b'"health.state.changed.v1"' in body and b"traceparent" not in body]
    taken = [outcome(body) for body in plain if not isinstance(outcome(body), Code)]
    assert len(taken) >= 4
    assert read_plain(encode(a_health_event()), KNOWN)


def all_signals() -> list[Signal]:
    """Every signal of the corpus, and a firing again after its end."""
    found = [signals for body in CORPUS if not isinstance(signals := outcome(body), Code)]
    again = outcome(encode(an_alert_body(firedDateTime="2026-03-01T05:00:00Z")))
    assert not isinstance(again, Code)
    return [signal for signals in [*found, again] for signal in signals]


SIGNALS = all_signals()


@given(st.permutations(SIGNALS), st.lists(st.sampled_from(SIGNALS)))
def test_any_order_and_any_repetition_come_to_the_same(order: list[Signal], again: list[Signal]) -> None:
    """The registers depend on what was said, never on when or how often it arrived (P15)."""
    assert fold({}, [*order, *again]) == fold({}, SIGNALS)
    assert fold(fold({}, again), order) == fold({}, SIGNALS)
