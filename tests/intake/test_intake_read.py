"""Is every body read by the family of its shape, and every item of a batch by itself?"""

import pytest

from remediation.intake.limits import MAX_ITEM, MAX_ITEMS, MAX_STRING
from remediation.intake.read import FAMILIES, is_heartbeat, key_of, read
from remediation.intake.rejection import Code
from tests.intake.bodies import KNOWN, a_health_event, a_target, an_alert_body, encode, know, rejected, shop


def test_a_body_is_read_by_the_family_of_its_shape() -> None:
    """The table names each family once, and its bodies carry its name."""
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert names[:2] == ["health-event", "azure-monitor"]
    assert read(encode(a_health_event(traceparent="00")), KNOWN).family == "health-event"
    assert read(encode(an_alert_body()), KNOWN).family == "azure-monitor"


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"data": {}},
        {"data": {"essentials": []}},
        {"data": None},
        {"type": "health.state.changed.v2"},
        {"type": []},
    ],
)
def test_a_shape_that_nobody_knows_is_of_no_family(value: object) -> None:
    """The sentence lists the families that there are."""
    rejection = rejected(lambda: read(encode(value), KNOWN))
    assert rejection.code is Code.UNKNOWN_FAMILY
    assert "health-event, azure-monitor" in rejection.reason


@pytest.mark.parametrize("body", [b"null", b"7", b'"text"', b"true"])
def test_what_is_no_object_is_rejected(body: bytes) -> None:
    """A single value says nothing about anything."""
    assert rejected(lambda: read(body, KNOWN)).code is Code.NOT_AN_OBJECT


def test_a_bad_item_does_not_stop_its_batch() -> None:
    """The others are read; the bad ones are handed back with their bytes, code and reason."""
    bad = a_health_event(state="purple")
    reading = read(encode([a_health_event(id="1"), bad, 7, [], a_health_event(id="2")]), KNOWN)
    assert [signal.id for signal in reading.signals] == ["/health-models/shop#1", "/health-models/shop#2"]
    assert [item.code for item in reading.rejected] == [
        Code.WRONG_SHAPE,
        Code.NOT_AN_OBJECT,
        Code.NOT_AN_OBJECT,
    ]
    assert b"purple" in reading.rejected[0].body
    assert reading.rejected[0].reason


def test_a_batch_has_the_family_of_its_items() -> None:
    """One family, several, or none that could be read."""
    event, alert = a_health_event(), an_alert_body()
    assert read(encode([event, event]), KNOWN).family == "health-event"
    assert read(encode([event, alert]), KNOWN).family == "mixed"
    assert read(encode([{}]), KNOWN).family == "none"
    assert read(b"[]", KNOWN).family == "none"


def test_a_batch_is_bounded_in_number() -> None:
    """Else one body could fill the store with dead letters."""
    assert len(read(encode([{}] * MAX_ITEMS), KNOWN).rejected) == MAX_ITEMS
    assert rejected(lambda: read(encode([{}] * (MAX_ITEMS + 1)), KNOWN)).code is Code.TOO_MANY


FAULTS = {
    Code.NOT_FINITE: b'{"a": NaN}',
    Code.DUPLICATE_KEY: b'{"a": 1, "a": 2}',
    Code.LONE_SURROGATE: b'{"a": "\\ud800"}',
    Code.NUMBER_TOO_LONG: b'{"a": 123456789012345678901234567890}',
    Code.STRING_TOO_LONG: b'{"a": "' + b"x" * (MAX_STRING + 1) + b'"}',
    Code.TOO_DEEP: b"[" * 40 + b"]" * 40,
}


@pytest.mark.parametrize("around", [b"[%s]", b' {"records" : [%s], "more": 1}', b"\xef\xbb\xbf[ %s ]"])
@pytest.mark.parametrize("code", FAULTS)
def test_an_item_that_cannot_be_parsed_does_not_stop_its_batch(code: Code, around: bytes) -> None:
    """It is handed back as it came, with its own code, and the facts before and behind it are read (P7)."""
    events = [encode(a_health_event(id=each)) for each in ("1", "2")]
    reading = read(around % b" , ".join((events[0], FAULTS[code], events[1])), KNOWN)
    assert [signal.id for signal in reading.signals] == ["/health-models/shop#1", "/health-models/shop#2"]
    assert [(item.code, item.body) for item in reading.rejected] == [(code, FAULTS[code])]


def test_a_batch_that_cannot_be_taken_apart_is_rejected_whole() -> None:
    """Cut off in the middle, nested beyond all bounds, or no batch at all: with the fault that was met."""
    event = encode(a_health_event())
    for body, code in (
        (b"[" + FAULTS[Code.NOT_FINITE] + b"," + event[:-9], Code.NOT_FINITE),
        (b"[" * 90_000, Code.TOO_DEEP),
        (FAULTS[Code.DUPLICATE_KEY], Code.DUPLICATE_KEY),
        (b'{"other": [NaN]}', Code.NOT_FINITE),
        (b"[" + b",".join([FAULTS[Code.NOT_FINITE]] * (MAX_ITEMS + 5)) + b"]", Code.TOO_MANY),
    ):
        assert rejected(lambda body=body: read(body, KNOWN)).code is code  # type: ignore[misc]


def test_a_batch_of_any_kind_may_be_larger_than_an_item() -> None:
    """An array, a stream of records, a relay of either: else a busy stream would lose its facts (P7)."""
    filler = "x" * 1000
    items = [a_health_event(id=str(number), other=filler) for number in range(300)]
    for batch in (items, {"records": items}, {"headers": {}, "body": items}):
        assert len(encode(batch)) > MAX_ITEM
        assert len(read(encode(batch), KNOWN).signals) == 300
    alone = rejected(lambda: read(encode(a_health_event(other=[filler] * 300)), KNOWN))
    assert alone.code is Code.TOO_LARGE


def test_an_item_of_a_batch_is_bounded_in_size() -> None:
    """A batch may be larger than an item; no item of it may."""
    large = a_health_event(other=["x" * 1000] * (MAX_ITEM // 1000))
    reading = read(encode([large, a_health_event()]), KNOWN)
    assert [item.code for item in reading.rejected] == [Code.TOO_LARGE]
    assert len(reading.signals) == 1


def test_an_array_that_was_forwarded_is_its_items_in_a_batch_too() -> None:
    """Alone or beside others, as an object or in a string, and so are forwarded records."""
    array = [a_health_event(id="1"), a_health_event(id="2")]
    forwarded = [{"headers": {}, "body": array}, {"headers": {}, "body": encode(array).decode()}]
    for body in (*forwarded, *([each] for each in forwarded), [{"headers": {}, "body": {"records": array}}]):
        assert len(read(encode(body), KNOWN).signals) == 2
    reading = read(encode([[a_health_event()], {"headers": {}, "body": "{"}]), KNOWN)
    assert [item.code for item in reading.rejected] == [Code.NOT_AN_OBJECT, Code.NOT_JSON]


def test_a_body_about_one_workload_is_keyed_by_it() -> None:
    """The key keeps a workload's facts together in the hub; without a single workload there is none."""
    both = know(shop(), shop(name="pay", stamps=(), resource_groups=("pay-rg",)))
    alert = an_alert_body(alertTargetIDs=[a_target("pay-rg")])
    assert key_of(read(encode([a_health_event(), a_health_event(id="2")]), both)) == "shop"
    assert key_of(read(encode([a_health_event(), alert]), both)) is None
    assert key_of(read(b"[]", both)) is None


@pytest.mark.parametrize(
    "properties",
    [
        {"HEALTHCHECK": "TRUE"},
        {"HEALTHCHECK": "true", "other": 1},
        {"HealthCheck": True},
        {"HEALTHCHECK": b"TRUE"},
        {"healthcheck": " True "},
    ],
)
def test_a_heartbeat_is_marked_by_its_property(properties: dict[str, object]) -> None:
    """In any case, as text, bytes or boolean."""
    assert is_heartbeat(properties)


def test_a_heartbeat_is_known_by_bytes_too() -> None:
    """Event Hubs clients give names and values as bytes."""
    assert is_heartbeat({b"HEALTHCHECK": b"TRUE"})


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"HEALTHCHECK": "FALSE"},
        {"HEALTHCHECK": None},
        {"HEALTHCHECK": b"\xff"},
        {"HEALTHCHECK": 1},
        {"X": "TRUE"},
    ],
)
def test_anything_else_is_no_heartbeat(properties: dict[str, object]) -> None:
    """Other values and other properties leave a message a message."""
    assert not is_heartbeat(properties)
