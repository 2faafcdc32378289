"""Do Event Grid's events about health become facts, and the others a plain no?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from remediation.intake import event_grid
from remediation.intake.rejection import Code
from remediation.intake.resource_health import ON_PURPOSE
from rules.signals import AlertState, Health, Signal, Subject
from tests.intake.bodies import KNOWN, rejected
from tests.intake.legacy_bodies import NEU, present, resource_id

TYPES = "Microsoft.ResourceNotifications.HealthResources."
MACHINE = resource_id("Microsoft.Compute/virtualMachines", "vm0")
OCCURRED_AT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def of_cloud_events(kind: str, **properties: Any) -> dict[str, Any]:
    """An event in CloudEvents about a machine of stamp weu. `...` takes a property out."""
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/subscriptions/6f1d",
        "type": f"{TYPES}{kind}",
        "subject": MACHINE,
        "time": "2026-03-01T03:00:27Z",
        "data": data(**properties),
    }


def of_event_grid(kind: str, **properties: Any) -> dict[str, Any]:
    """The same in Event Grid's own schema."""
    return {
        "id": "e-1",
        "topic": "/subscriptions/6f1d",
        "eventType": f"{TYPES}{kind}",
        "subject": MACHINE,
        "eventTime": "2026-03-01T03:00:27Z",
        "dataVersion": "1",
        "data": data(**properties),
    }


def data(**properties: Any) -> dict[str, Any]:
    """What both schemas carry."""
    fields = {"targetResourceId": MACHINE, "occurredTime": "2026-03-01T03:00:00Z", **properties}
    return {"resourceInfo": {"name": "current", "properties": present(fields)}, "operationalInfo": {}}


SCHEMAS = pytest.mark.parametrize("schema", [of_cloud_events, of_event_grid])


def available(state: object = "Unavailable", **properties: Any) -> dict[str, Any]:
    """A machine's availability has changed."""
    return of_cloud_events("AvailabilityStatusChanged", availabilityState=state, **properties)


def annotated(name: object = "VirtualMachineHostRebootedForRepair", **properties: Any) -> dict[str, Any]:
    """Azure remarks on a machine."""
    return of_cloud_events("ResourceAnnotated", annotationName=name, **properties)


def the_signal(body: dict[str, Any]) -> Signal:
    """The one signal of an event that the family claims."""
    assert event_grid.claims(body)
    (signal,) = event_grid.read(body, KNOWN)
    return signal


@SCHEMAS
@pytest.mark.parametrize(
    ("state", "health"),
    [
        ("Unavailable", Health.RED),
        ("Degraded", Health.YELLOW),
        ("Available", Health.GREEN),
        ("Unknown", Health.UNKNOWN),
        (None, Health.UNKNOWN),
        ("Splendid", Health.UNKNOWN),
    ],
)
def test_availability_becomes_health(schema: Any, state: object, health: Health) -> None:
    """In either schema; a word that Azure does not know yet is unknown, never green."""
    signal = the_signal(schema("AvailabilityStatusChanged", availabilityState=state))
    assert (signal.subject, signal.health) == (Subject("shop", "weu", "AKSCluster"), health)


def test_it_was_so_when_it_occurred_and_not_when_it_was_sent() -> None:
    """Half a minute lies between; the resource's own time is nearly as good, the event's a last resort."""
    assert the_signal(available()).observed_at == OCCURRED_AT
    late = available(occurredTime=...)
    assert the_signal(late).observed_at == OCCURRED_AT.replace(second=27)
    late["data"]["operationalInfo"]["resourceEventTime"] = "2026-03-01T03:00:00.1+00:00"
    assert the_signal(late).observed_at == OCCURRED_AT.replace(microsecond=100_000)


def test_both_schemas_say_the_same() -> None:
    """A subscription in either schema gives the same fact, with the same identity."""
    for kind in ("AvailabilityStatusChanged", "ResourceAnnotated"):
        said = {"availabilityState": "Unavailable", "annotationName": "X", "summary": "moved"}
        assert the_signal(of_cloud_events(kind, **said)) == the_signal(of_event_grid(kind, **said))


def test_all_events_of_one_machine_write_into_one_register() -> None:
    """The recovery takes back the outage, and no other machine's."""
    down, up = the_signal(available()), the_signal(available("Available"))
    other = the_signal(available(targetResourceId=MACHINE.replace("vm0", "vm1")))
    assert down.key == up.key
    assert other.key != down.key


def test_the_words_before_and_after_are_the_reason() -> None:
    """Short, and for people."""
    assert the_signal(available(previousAvailabilityState="Available")).reasons == (
        "Unavailable, before it Available",
    )
    assert the_signal(available(None)).reasons == ("no state given",)


def test_the_subject_stands_in_for_a_missing_target() -> None:
    """Both name the machine; one is enough."""
    body = available(targetResourceId=...)
    assert the_signal(body).subject.stamp == "weu"
    body["subject"] = resource_id("Microsoft.Compute/virtualMachines", "vm0", NEU)
    assert the_signal(body).subject.stamp == "neu"


def test_an_annotation_is_an_alert_that_a_rule_can_name() -> None:
    """Named by Azure's word for it; it fires and is never resolved."""
    signal = the_signal(annotated(reason="Host repair", summary="It reboots.", context="Platform Initiated"))
    assert signal.alert == "resource-annotated:VirtualMachineHostRebootedForRepair"
    assert signal.condition is AlertState.FIRED
    assert signal.observed_at == OCCURRED_AT
    assert signal.reasons == ("Host repair", "It reboots.")
    assert signal.may_act


@pytest.mark.parametrize(
    "properties",
    [
        {"context": "Customer Initiated"},
        {"context": "customer initiated "},
        {"context": "CustomerInitiated"},
        {"context": "User Initiated"},
        {"context": "Not Applicable", "category": "User Initiated"},
        {"category": "Customer"},
    ],
)
def test_what_people_did_on_purpose_never_acts(properties: dict[str, Any]) -> None:
    """In whichever field and spelling Azure says so."""
    signal = the_signal(annotated(**properties))
    assert (signal.may_act, signal.why) == (False, ON_PURPOSE)


def test_annotations_of_one_moment_and_machine_are_told_apart() -> None:
    """By their name; a delivery again is the same fact."""
    assert the_signal(annotated("A")).id != the_signal(annotated("B")).id
    assert the_signal(annotated("A")).id == the_signal(annotated("A", summary="again")).id
    assert the_signal(annotated(None)).alert == "resource-annotated:unnamed"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({**available(), "type": "Microsoft.Storage.BlobCreated"}, "BlobCreated"),
        ({"eventType": "Microsoft.AppConfiguration.KeyValueModified"}, "KeyValueModified"),
        ({"specversion": "1.0", "type": "health.state.changed.v2"}, "health.state.changed.v2"),
        ({"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent"}, "handshake"),
    ],
)
def test_events_of_other_types_are_refused_by_name(body: dict[str, Any], named: str) -> None:
    """The sentence says which type it was, and which are read."""
    assert event_grid.claims(body)
    rejection = rejected(lambda: event_grid.read(body, KNOWN))
    assert rejection.code is Code.UNKNOWN_FAMILY
    assert named in rejection.reason


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (available(targetResourceId=MACHINE.replace("aoprod7745", "other")), Code.NOT_OURS),
        (annotated(targetResourceId=MACHINE.replace("aoprod7745", "other")), Code.NOT_OURS),
        ({**available(occurredTime="soon"), "time": None}, Code.BAD_TIME),
        ({**annotated(), "data": None, "time": None}, Code.BAD_TIME),
        ({**available(), "data": 7, "subject": None}, Code.NOT_OURS),
    ],
)
def test_what_cannot_be_made_out_is_rejected(body: dict[str, Any], code: Code) -> None:
    """Nothing of ours, or no moment at all."""
    assert rejected(lambda: event_grid.read(body, KNOWN)).code is code


@pytest.mark.parametrize("body", [{}, {"specversion": "1.0"}, {"type": "x"}, {"eventType": 7}])
def test_what_is_no_event_is_not_claimed(body: dict[str, Any]) -> None:
    """A version with a type, or Event Grid's own type, makes an event."""
    assert not event_grid.claims(body)
