"""Do bodies of every family, by whatever way and in whatever order, come to the same registers?"""

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.intake.read import FAMILIES, read
from remediation.intake.rejection import Code, Rejection
from rules.health import Registers, fold
from rules.signals import Signal
from tests.intake.bodies import BODIES, KNOWN, a_health_event, encode
from tests.intake.hostile import ODD, places

VALUES: list[Any] = [json.loads(path.read_bytes()) for path in BODIES]
NAMES = [path.stem for path in BODIES]


def signals_of(body: object) -> tuple[Signal, ...]:
    """The signals in a body; none where it is rejected."""
    try:
        return read(encode(body), KNOWN).signals
    except Rejection:
        return ()


def family_of(body: object) -> str:
    """Its family; none where it is rejected."""
    try:
        return read(encode(body), KNOWN).family
    except Rejection:
        return "none"


SIGNALS = [signal for value in VALUES for signal in signals_of(value)]
REGISTERS = fold({}, SIGNALS)


def registers_of(bodies: list[Any]) -> Registers:
    """What is known after these bodies, one by one."""
    registers: Registers = {}
    for body in bodies:
        registers = fold(registers, signals_of(body))
    return registers


def test_every_family_says_something_here() -> None:
    """Else the properties below would hold for nothing."""
    said = {family_of(value) for value in VALUES if signals_of(value)}
    assert said >= {family.name for family in FAMILIES}
    sources = {signal.source.partition(":")[0] for signal in SIGNALS}
    assert sources >= {
        "alert",
        "activity-log",
        "service-health",
        "resource-health",
        "autoscale",
        "/health-models/shop",
    }


@pytest.mark.slow
@given(st.permutations(VALUES), st.lists(st.sampled_from(VALUES), max_size=20))
def test_p15_any_order_and_duplication_of_bodies_gives_the_same_registers(
    order: list[Any], again: list[Any]
) -> None:
    """All bodies of all families, shuffled and repeated: Service Health, legacy bodies and streams too."""
    assert registers_of([*order, *again]) == REGISTERS


@given(st.lists(st.sampled_from(VALUES), max_size=12), st.integers(0, 12))
def test_p15_batches_and_single_bodies_give_the_same(bodies: list[Any], cut: int) -> None:
    """However senders group them: an array is its items."""
    plain = [body for body in bodies if not isinstance(body, list)]
    assert fold(registers_of([plain[:cut]]), signals_of(plain[cut:])) == registers_of(plain)


WAYS: dict[str, Callable[[Any], Any]] = {
    "in an array": lambda body: [body],
    "relayed": lambda body: {"headers": {"Authorization": "Bearer x"}, "body": body},
    "relayed as a string": lambda body: {"headers": {}, "body": json.dumps(body)},
    "relayed as base64": lambda body: {
        "headers": {},
        "body": {"$content-type": "x", "$content": b64encode(encode(body)).decode()},
    },
    "in an array, relayed": lambda body: [{"headers": {}, "body": json.dumps(body)}],
    "with other keys beside": lambda body: {**body, "addedByAProxy": {"at": 1}},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_way_of_a_body_changes_nothing_of_what_it_says(way: str) -> None:
    """The same facts with the same identities, whoever forwarded them."""
    for name, value in zip(NAMES, VALUES, strict=True):
        if isinstance(value, dict) and "headers" not in value and "records" not in value:
            assert signals_of(WAYS[way](value)) == signals_of(value), name


def test_no_two_signals_of_one_register_are_equally_new_and_differ() -> None:
    """One fact by several ways is one fact: else which of two ways came first would decide."""
    said: dict[Any, list[Signal]] = defaultdict(list)
    for signal in SIGNALS:
        said[signal.subject.workload, signal.key, signal.newness].append(signal)
    for same in said.values():
        assert all(signal == same[0] for signal in same), [asdict(signal) for signal in same]
    assert any(len(same) > 1 for same in said.values())


def test_one_identity_is_one_fact() -> None:
    """Two signals of one id are the same, and about the same; a delivery more is not a fact more."""
    said: dict[str, list[Signal]] = defaultdict(list)
    for signal in SIGNALS:
        said[signal.id].append(signal)
    for same in said.values():
        assert len({(each.key, each.observed_at, each.says) for each in same}) == 1, same[0].id


@given(st.sampled_from(VALUES), st.sampled_from(VALUES), st.data())
def test_a_body_with_a_field_of_another_is_read_or_rejected(
    one: Any, other: Any, data: st.DataObject
) -> None:
    """Between any two families; what comes of it is whole signals, or a code and a short sentence."""
    changed = json.loads(json.dumps(one))
    theirs = places(other)
    for _ in range(data.draw(st.integers(1, 3))):
        ours = places(changed)
        if not ours:
            break
        container, key = data.draw(st.sampled_from(ours))
        taken = data.draw(st.sampled_from(theirs)) if theirs else None
        new = taken[0][taken[1]] if taken and data.draw(st.booleans()) else data.draw(st.sampled_from(ODD))
        container[key] = json.loads(json.dumps(new))
    try:
        reading = read(encode(changed), KNOWN)
    except Rejection as why:
        rejections = [(why.code, why.reason)]
    else:
        rejections = [(item.code, item.reason) for item in reading.rejected]
        assert fold({}, reading.signals) == fold({}, reversed(reading.signals))
    for code, reason in rejections:
        assert code not in (Code.FAULT, Code.PARKED)
        assert 0 < len(reason) < 600


def test_a_snapshot_of_the_same_moment_with_another_id_is_decided_by_content() -> None:
    """Two events of one moment and order: red wins, whichever came first."""
    red, green = (a_health_event(id=state, state=state) for state in ("red", "green"))
    assert registers_of([red, green]) == registers_of([green, red])
    [kept] = registers_of([red, green]).values()
    assert kept.says == "red"
