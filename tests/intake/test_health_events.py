"""Does a health-state change event say what its sender meant?"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import from_structured_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from jsonschema import Draft202012Validator

from remediation.intake.health_events import FAMILY, MAX_REASON, MAX_REASONS, health_event_schema, read_plain
from remediation.intake.identity import MAX_ID
from remediation.intake.read import read
from remediation.intake.rejection import Code
from rules.signals import Health, Signal, Subject
from tests.intake.bodies import BODIES, KNOWN, a_health_event, encode, know, rejected, shop


def the_signal(event: dict[str, Any]) -> Signal:
    """The one signal of an event."""
    (signal,) = read(encode(event), KNOWN).signals
    return signal


def test_an_event_becomes_a_signal_of_its_node() -> None:
    """Identity, source, subject, moment, order and state are the sender's."""
    assert the_signal(a_health_event(reasons=["no reads"])) == Signal(
        id="/health-models/shop#e-1",
        subject=Subject("shop", "weu", "BackgroundProcessor"),
        source="/health-models/shop",
        observed_at=datetime(2026, 3, 1, 3, tzinfo=UTC),
        order=7,
        health=Health.RED,
        reasons=("no reads",),
    )


@pytest.mark.parametrize("state", list(Health))
def test_every_state_is_read(state: Health) -> None:
    """Green, yellow, red and unknown are the four words."""
    assert the_signal(a_health_event(state=str(state))).health is state


@pytest.mark.parametrize("stamp", [None, ...])
def test_no_stamp_is_a_global_node(stamp: object) -> None:
    """A null stamp is the workload's own node, and so is one that a serialiser left out."""
    assert the_signal(a_health_event(stamp=stamp, node="CosmosDB")).subject == Subject(
        "shop", None, "CosmosDB"
    )


def test_a_stamp_named_only_by_the_subject_is_refused() -> None:
    """An event that speaks of a stamp and names none is ambiguous: it must not become a global fact."""
    event = a_health_event(stamp=..., subject="stamps/weu/nodes/BackgroundProcessor")
    assert rejected(lambda: read(encode(event), KNOWN)).code is Code.WRONG_SHAPE
    assert the_signal(a_health_event(stamp=None, subject="nodes/CosmosDB")).subject.stamp is None


@pytest.mark.parametrize("node", [..., None, "shop-weu"])
def test_a_root_is_the_root_of_the_workload_whatever_its_name(node: object) -> None:
    """`root: true` makes it the node that the workload's rules and scope call the root."""
    known = know(shop(root_node="Top"))
    (signal,) = read(encode(a_health_event(root=True, node=node)), known).signals
    assert signal.subject.node == "Top"


@pytest.mark.parametrize(
    ("changes", "moment"),
    [
        (
            {"observed_at": "2026-03-01T03:00:00.1234567+01:00"},
            datetime(2026, 3, 1, 2, 0, 0, 123456, tzinfo=UTC),
        ),
        ({"observed_at": "2026-03-01T03:00:00"}, datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ({"observed_at": None}, datetime(2026, 3, 1, 3, 0, 5, tzinfo=UTC)),
        ({"observed_at": ...}, datetime(2026, 3, 1, 3, 0, 5, tzinfo=UTC)),
    ],
)
def test_it_was_so_when_it_was_observed(changes: dict[str, Any], moment: datetime) -> None:
    """`observed_at` counts; without it, the time of the event does."""
    assert the_signal(a_health_event(**changes)).observed_at == moment


@pytest.mark.parametrize(
    "changes",
    [
        {"observed_at": ..., "time": ...},
        {"observed_at": "", "time": None},
        {"observed_at": "noon"},
        {"observed_at": ..., "time": "2026-03-01"},
    ],
)
def test_without_a_moment_it_is_rejected(changes: dict[str, Any]) -> None:
    """No moment, no place in the order of facts; a wrong `observed_at` is not replaced by `time`."""
    rejection = rejected(lambda: read(encode(a_health_event(**changes)), KNOWN))
    assert rejection.code is Code.BAD_TIME
    assert "2026-03-01T03:00:00Z" in rejection.reason


@pytest.mark.parametrize("sequence", [..., None])
def test_no_sequence_is_order_zero(sequence: object) -> None:
    """A sender without a sequence number is ordered by time alone."""
    assert the_signal(a_health_event(sequence=sequence)).order == 0


def test_reasons_are_bounded() -> None:
    """Of many and long reasons, the first few and their beginnings are kept."""
    reasons = the_signal(a_health_event(reasons=["x" * 1000] * 20)).reasons
    assert [len(reason) for reason in reasons] == [MAX_REASON] * MAX_REASONS
    assert the_signal(a_health_event(reasons=None)).reasons == ()


def test_a_long_identity_is_bounded() -> None:
    """Source and id of the longest kind give a short identity that is still their own."""
    first, second = (the_signal(a_health_event(source="s" * 256, id="i" * 255 + end)) for end in "12")
    assert len(first.id) == MAX_ID
    assert first.id != second.id


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": ...}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"source": ...}, "source"),
        ({"source": "s" * 257}, "source"),
        ({"state": "Unhealthy"}, "data.state"),
        ({"state": "RED"}, "data.state"),
        ({"state": ...}, "data.state"),
        ({"workload": ...}, "data.workload"),
        ({"stamp": ""}, "data.stamp"),
        ({"node": ...}, "data.node"),
        ({"node": "n" * 129}, "data.node"),
        ({"root": "yes"}, "data.root"),
        ({"sequence": "7"}, "data.sequence"),
        ({"sequence": True}, "data.sequence"),
        ({"sequence": 2**63}, "data.sequence"),
        ({"reasons": "no reads"}, "data.reasons"),
        ({"observed_at": 1772334000}, "data.observed_at"),
    ],
)
def test_a_wrong_shape_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    """The sentence names the field, and not what was in it."""
    rejection = rejected(lambda: read(encode(a_health_event(**changes)), KNOWN))
    assert rejection.code is Code.WRONG_SHAPE
    assert rejection.reason.startswith(f"{path}: ")


def test_a_rejection_does_not_show_values() -> None:
    """What stood in a wrong field stays out of the sentence."""
    assert "hunter2" not in rejected(lambda: read(encode(a_health_event(state="hunter2")), KNOWN)).reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workload": "pay"}, "data.workload 'pay' is not known; known are: shop"),
        ({"workload": "Shop"}, "case matters"),
        ({"stamp": "cus"}, "data.stamp 'cus' of workload shop is not known; known are: eus, neu, weu"),
    ],
)
def test_an_event_about_nothing_of_ours_is_not_ours(changes: dict[str, Any], words: str) -> None:
    """An unknown workload or stamp is never guessed; the sentence lists those that are known."""
    rejection = rejected(lambda: read(encode(a_health_event(**changes)), KNOWN))
    assert rejection.code is Code.NOT_OURS
    assert words in rejection.reason


def test_an_event_is_read_alike_on_both_ways() -> None:
    """Blanks, extensions, other keys in `data` and escapes change the way, never the signal."""
    plain = encode(a_health_event())
    (signal,) = read(plain, KNOWN).signals
    extended = {**a_health_event(), "traceparent": "00-1-2-01"}
    nested = a_health_event(dependencies=[{"name": "AKSCluster"}])
    spelled = plain.replace(b'"state":', b'"st\\u0061te" :').replace(b"health.state", b"h\\u0065alth.state")
    large = encode(a_health_event()) + b" " * 20_000
    for body in (
        plain,
        json.dumps(a_health_event(), indent=1).encode(),
        encode(extended),
        encode(nested),
        spelled,
        large,
    ):
        assert read(body, KNOWN).signals == (signal,)
    assert read_plain(plain, KNOWN) == signal
    assert read_plain(json.dumps(a_health_event(), indent=1).encode(), KNOWN) == signal
    for body in (encode(extended), encode(nested), spelled, large):
        assert read_plain(body, KNOWN) is None


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'"state": "red"', b'"state": "green", "state": "red"', Code.DUPLICATE_KEY),
        (b'"state": "red"', b'"state" : "green", "state": "red"', Code.DUPLICATE_KEY),
        (b'"state": "red"', b'"state"\n\t:"green", "state": "red"', Code.DUPLICATE_KEY),
        (b'"id": "e-1"', b'"id": "e-1", "id"\r: "e-2"', Code.DUPLICATE_KEY),
        (b'"state": "red"', b'"state": "red", "score": NaN', Code.NOT_FINITE),
        (b'"state": "red"', b'"state": "red", "score": 1e999', Code.NOT_FINITE),
        (b'"state": "red"', b'"state": "red", "other": Infinity', Code.NOT_FINITE),
        (b'"node": "Back', b'"node": "\\ud800Back', Code.LONE_SURROGATE),
        (b'"node": "Back', b'"node": "\xffBack', Code.NOT_UTF8),
    ],
)
def test_the_fast_way_lets_nothing_past_that_the_limits_forbid(old: bytes, new: bytes, code: Code) -> None:
    """What pydantic alone would pass over is rejected as in any other body."""
    body = encode(a_health_event())
    assert body.count(old) == 1
    assert rejected(lambda: read(body.replace(old, new), KNOWN)).code is code


def test_the_schema_is_a_schema() -> None:
    """It is valid JSON Schema 2020-12, says so, and describes every field of `data` but the enum's."""
    schema = health_event_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema


HEALTH_EVENTS = [path for path in BODIES if path.name.startswith("health_event") and "batch" not in path.name]


@pytest.mark.parametrize("path", HEALTH_EVENTS, ids=lambda path: path.stem)
def test_the_corpus_satisfies_the_schema(path: Any) -> None:
    """Each event of the corpus is one that the schema allows, extensions included."""
    Draft202012Validator(health_event_schema()).validate(json.loads(path.read_text()))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "Healthy"},
        {"workload": ...},
        {"node": ...},
        {"node": None, "root": False},
        {"observed_at": ..., "time": ...},
        {"observed_at": None, "time": None},
        {"observed_at": "noon"},
        {"specversion": "0.3"},
        {"type": "health.state.changed.v2"},
        {"sequence": "7"},
        {"reasons": [1]},
    ],
)
def test_the_schema_warns_a_sender_of_what_would_be_rejected(changes: dict[str, Any]) -> None:
    """What the reader rejects for its shape or time, the schema rejects as well."""
    event = a_health_event(**changes)
    assert not Draft202012Validator(health_event_schema()).is_valid(event)
    assert rejected(lambda: read(encode(event), KNOWN)).code in {
        Code.WRONG_SHAPE,
        Code.BAD_TIME,
        Code.UNKNOWN_FAMILY,
    }


@pytest.mark.parametrize(
    "changes", [{"root": True, "node": ...}, {"observed_at": ...}, {"time": ...}, {"stamp": None}]
)
def test_the_schema_allows_what_may_be_left_out(changes: dict[str, Any]) -> None:
    """A root needs no name, one of the two times is enough, and a stamp may be null."""
    event = a_health_event(**changes)
    assert Draft202012Validator(health_event_schema()).is_valid(event)
    assert read(encode(event), KNOWN).family == FAMILY


def test_an_event_made_by_the_cloudevents_sdk_is_read() -> None:
    """The SDK's structured form, with the attributes that it adds, gives the signal."""
    ours = a_health_event()
    attributes = {key: value for key, value in ours.items() if key != "data"}
    attributes |= {"time": datetime(2026, 3, 1, 3, 0, 5, tzinfo=UTC), "datacontenttype": "application/json"}
    message = to_structured_event(CloudEvent(attributes, ours["data"]), JSONFormat())
    assert read(message.body, KNOWN).signals == read(encode(ours), KNOWN).signals


def test_the_cloudevents_sdk_reads_our_events() -> None:
    """An event that we read is one for the SDK too, with the same parts."""
    path = next(path for path in HEALTH_EVENTS if path.stem == "health_event_snapshot")
    ours = json.loads(path.read_text())
    message = to_structured_event(
        CloudEvent({"id": "1", "source": "x", "type": "y", "specversion": "1.0"}), JSONFormat()
    )
    event = from_structured_event(type(message)(message.headers, path.read_bytes()))
    assert event.get_data() == ours["data"]
    assert (event.get_id(), event.get_source(), event.get_type()) == (
        ours["id"],
        ours["source"],
        ours["type"],
    )
