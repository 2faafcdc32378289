"""Is the stream of the activity log read record by record, to the same facts as its alerts?"""

import json
from typing import Any

import pytest

from remediation.intake import records
from remediation.intake.activity_log import read_entry
from remediation.intake.rejection import Code
from rules.signals import AlertState, Health, Severity, Signal, Subject
from tests.intake.bodies import KNOWN, rejected

GROUP = "/subscriptions/6f1d/resourceGroups/aoprod7745-stamp-westeurope-rg/providers"
SCALE_SET = f"{GROUP}/Microsoft.Compute/virtualMachineScaleSets/pool"
FAILED = {"error": {"code": "AllocationFailed", "message": "no room"}}


def a_record(**changes: Any) -> dict[str, Any]:
    """A scale set that could not grow. Fields may be changed; `...` takes one out."""
    fields = {
        "time": "2026-03-01T03:00:00.1234567Z",
        "resourceId": SCALE_SET.upper(),
        "operationName": "Microsoft.Compute/virtualMachineScaleSets/write",
        "category": "Administrative",
        "resultType": "Failure",
        "resultSignature": "Failed.Conflict",
        "correlationId": "c",
        "identity": {"authorization": {"scope": SCALE_SET}, "claims": {"name": "Jane Doe"}},
        "level": "Error",
        "properties": {"statusMessage": json.dumps(FAILED), "eventCategory": "Administrative"},
        **changes,
    }
    return {key: value for key, value in fields.items() if value is not ...}


def the_signal(**changes: Any) -> Signal:
    """The one signal of a record."""
    (signal,) = records.read(a_record(**changes), KNOWN)
    return signal


def test_a_record_is_the_same_fact_as_the_alert() -> None:
    """Other names, another case, other words for the status: one identity and one register."""
    entry = {
        "authorization": {"scope": SCALE_SET},
        "caller": "5c0ffee0",
        "eventSource": "Administrative",
        "eventTimestamp": "2026-03-01T03:00:00.1234567+00:00",
        "level": 2,
        "operationName": "Microsoft.Compute/virtualMachineScaleSets/write",
        "status": "Failed",
        "subStatus": "Conflict",
        "properties": {"statusMessage": json.dumps(FAILED)},
    }
    assert (the_signal(),) == read_entry(entry, KNOWN)


@pytest.mark.parametrize(
    ("changes", "word", "condition"),
    [
        ({"resultType": "Start"}, "started", AlertState.RESOLVED),
        ({"resultType": "Accept"}, "accepted", AlertState.RESOLVED),
        ({"resultType": "Success"}, "succeeded", AlertState.RESOLVED),
        ({"resultType": ...}, "allocationfailed", AlertState.FIRED),
        ({"resultType": "", "resultSignature": "Succeeded."}, "succeeded", AlertState.RESOLVED),
        ({"resultType": ..., "resultSignature": ...}, "no-status", AlertState.RESOLVED),
    ],
)
def test_the_streams_words_are_the_alerts_words(
    changes: dict[str, Any], word: str, condition: AlertState
) -> None:
    """`Success` and `Succeeded` are one, and the signature has the status too."""
    signal = the_signal(**changes)
    assert (str(signal.alert).rpartition(":")[2], signal.condition) == (word, condition)


@pytest.mark.parametrize("category", ["Write", "Delete", "Action", "administrative"])
def test_older_streams_name_the_kind_of_operation(category: str) -> None:
    """They are Administrative all the same, and tell what somebody did."""
    signal = the_signal(category=category)
    assert (signal.subject.stamp, signal.may_act) == ("weu", False)


def test_resource_health_comes_with_inner_properties() -> None:
    """`eventProperties` hold what alerts have at the top; the whole may be a string."""
    inner = {"currentHealthStatus": "Unavailable", "cause": "PlatformInitiated", "title": "Down"}
    properties = {"eventCategory": "ResourceHealth", "eventProperties": inner}
    for told in (properties, json.dumps(properties), {**properties, "eventProperties": json.dumps(inner)}):
        signal = the_signal(
            category="ResourceHealth",
            operationName="Microsoft.Resourcehealth/healthevent/Activated/action",
            resultType="Active",
            properties=told,
        )
        assert (signal.subject, signal.health) == (Subject("shop", "weu", "AKSCluster"), Health.RED)
        assert signal.may_act


def test_service_health_is_about_its_regions() -> None:
    """Its record is about a subscription, and names the stamps by region."""
    inner = {"incidentType": "Incident", "trackingId": "T-1", "stage": "Active", "communicationId": "1"}
    alert, health = records.read(
        a_record(
            category="ServiceHealth",
            operationName="Microsoft.ServiceHealth/incident/action",
            resourceId="/SUBSCRIPTIONS/6F1D",
            properties={"eventProperties": {**inner, "service": "Event Hubs", "region": "East US"}},
        ),
        KNOWN,
    )
    assert (alert.alert, alert.subject.stamp) == ("service-health:incident", "eus")
    assert (health.subject.node, health.health) == ("AzureEventHubs", Health.RED)


def test_levels_of_the_stream_are_known() -> None:
    """It says Information where alerts say Informational."""
    assert the_signal(level="Information").severity is Severity.INFO


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "AuditEvent"},
        {"category": ...},
        {"category": None, "metricName": "IncomingMessages"},
        {"category": "kube-audit\x1b" * 20},
    ],
)
def test_metrics_and_resource_logs_are_no_family_of_ours(changes: dict[str, Any]) -> None:
    """They are refused one by one, with what they are."""
    refused = rejected(lambda: records.read(a_record(**changes), KNOWN))
    assert refused.code is Code.UNKNOWN_FAMILY
    assert refused.reason.isprintable()
    assert len(refused.reason) < 200


def test_what_cannot_be_placed_or_dated_is_refused() -> None:
    """As for any other body."""
    assert rejected(lambda: records.read(a_record(time=None), KNOWN)).code is Code.BAD_TIME
    foreign = {"resourceId": "/subscriptions/1", "identity": None}
    assert rejected(lambda: records.read(a_record(**foreign), KNOWN)).code is Code.NOT_OURS


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"records": [1, {}]}, [1, {}]),
        ({"records": []}, []),
        ({"records": {}}, None),
        ({"records": [], "data": {}}, None),
        ({}, None),
        ([{"records": []}], None),
        (None, None),
    ],
)
def test_a_wrapper_holds_records(value: object, found: object) -> None:
    """An array under `records`, and no alert beside it."""
    assert records.unwrap(value) == found


def test_a_record_is_known_by_its_shape() -> None:
    """Metrics are claimed too, so that they are refused for what they are; alerts and events are not."""
    assert records.claims(a_record())
    assert records.claims({"TIME": "", "ResourceId": "", "metricName": ""})
    assert not records.claims({"time": "", "resourceId": ""})
    assert not records.claims({"specversion": "1.0", "time": "", "type": ""})
    assert not records.claims({"data": {}})


def test_nobody_is_named() -> None:
    """Identity and claims stay behind."""
    assert "Jane" not in repr(the_signal())
