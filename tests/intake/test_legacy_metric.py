"""Does a metric alert of the older schemas become the same kind of fact as one of the common schema?"""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.intake import legacy_metric
from remediation.intake.alert import UNNAMED
from remediation.intake.rejection import Code
from rules.health import fold
from rules.signals import AlertState, Severity, Signal, Subject
from tests.intake.bodies import KNOWN, know, rejected, shop
from tests.intake.legacy_bodies import (
    MONITORING,
    NEU,
    PLACEHOLDER,
    SUBSCRIPTION,
    WEU,
    a_hub,
    a_metric_alert,
    a_rule,
    resource_id,
)


def the_signal(*status: object, **context: Any) -> Signal:
    """The one signal of an alert."""
    return read(a_metric_alert(*status, **context))


def read(body: dict[str, Any]) -> Signal:
    """The one signal of a body that the family claims."""
    assert legacy_metric.claims(body)
    (signal,) = legacy_metric.read(body, KNOWN)
    return signal


def classic(status: str = "Activated") -> dict[str, Any]:
    """An alert of 2015: no envelope, no schema, and one condition where others have a list."""
    condition = {
        "metricName": "Requests",
        "metricUnit": "Count",
        "metricValue": "10",
        "threshold": "9",
        "windowSize": "15",
        "timeAggregation": "Average",
        "operator": "GreaterThan",
    }
    context = a_metric_alert(condition=condition, severity=...)["data"]["context"]
    return {"status": status, "context": context, "properties": {"key": "value"}}


def test_a_legacy_alert_is_a_fact_like_any_other() -> None:
    """Rule, state, moment, severity, reason and place are all found."""
    signal = the_signal(description="slow")
    assert signal.subject == Subject("shop", "weu", "EventHub")
    assert (signal.source, signal.alert) == ("alert:EventHubThrottled", "EventHubThrottled")
    assert signal.condition is AlertState.FIRED
    assert signal.observed_at == datetime(2026, 3, 1, 3, tzinfo=UTC)
    assert signal.severity is Severity.WARNING
    assert signal.reasons == (
        "ThrottledRequests (Total) is 12, alert at GreaterThan 0; EntityName=backendqueue-eh",
        "slow",
    )
    assert signal.may_act


def test_the_doubled_envelope_of_an_availability_test_is_no_matter() -> None:
    """`data` in `data` says the same as `data`, and so does no `data` at all."""
    plain = a_metric_alert()
    assert read({"schemaId": "AzureMonitorMetricAlert", "data": {"data": plain["data"]}}) == read(plain)
    assert read(plain["data"]) == read(plain)


def test_a_classic_alert_has_one_condition_and_no_severity() -> None:
    """The alert of 2015 is read too; Resolved is its word for the end."""
    fired, resolved = read(classic()), read(classic("Resolved"))
    assert fired.reasons == ("Requests (Average) is 10, alert at GreaterThan 9",)
    assert fired.severity is None
    assert resolved.condition is AlertState.RESOLVED
    assert resolved.key == fired.key


@pytest.mark.parametrize("schema", ["azureMonitorCommonAlertSchema", None, 7])
def test_the_shape_counts_and_not_the_schema_id(schema: object) -> None:
    """A wrong or missing schema is no reason to refuse."""
    assert read({**a_metric_alert(), "schemaId": schema}) == the_signal()


@pytest.mark.parametrize(
    "body",
    [{}, {"data": None}, {"context": {}}, {"data": {"context": {"condition": []}}}, {"schemaId": "other"}],
)
def test_other_shapes_are_not_claimed(body: dict[str, Any]) -> None:
    """Without a condition in a context, or the schema by name, it is another family's or nobody's."""
    assert not legacy_metric.claims(body)


def test_fired_and_resolved_pair_up_without_an_instance_id() -> None:
    """Rule, resource and dimensions tell instances apart, in whatever case they are written."""
    fired = the_signal()
    ended = the_signal("Deactivated", timestamp="2026-03-01T03:20:00Z")
    assert (ended.condition, ended.order) == (AlertState.RESOLVED, 1)
    assert ended.key == fired.key
    assert the_signal("Deactivated", resourceId=a_hub().lower(), id=a_rule().lower()).key == fired.key


@pytest.mark.parametrize(
    "context",
    [
        {"resourceId": a_hub(NEU), "id": a_rule(group=NEU)},
        {"resourceId": resource_id("Microsoft.EventHub/namespaces", "other")},
        {"id": a_rule("Other"), "name": "Other"},
        {"id": a_rule(group=MONITORING)},
        {"condition": {"allOf": [{"dimensions": [{"name": "EntityName", "value": "other-eh"}]}]}},
        {"condition": {"allOf": []}},
    ],
)
def test_another_rule_resource_or_dimension_is_another_instance(context: dict[str, Any]) -> None:
    """An end must never be taken for the end of something else."""
    assert the_signal(**context).key != the_signal().key


def test_a_delivery_again_is_the_same_fact_and_a_firing_again_is_not() -> None:
    """The moment is part of the identity."""
    assert the_signal().id == the_signal(description="delivered again").id
    assert the_signal(timestamp="2026-03-01T03:05:00Z").id != the_signal().id


STORY = [
    the_signal(),
    the_signal("Deactivated", timestamp="2026-03-01T03:20:00Z"),
    the_signal(timestamp="2026-03-01T03:40:00Z"),
    the_signal("Deactivated", timestamp="2026-03-01T03:40:00Z"),
]


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY)))
def test_any_order_and_any_repetition_ends_resolved(order: list[Signal], again: list[Signal]) -> None:
    """P15: however deliveries are mixed, the last word stands; of one moment that is the end."""
    registers = fold({}, [*order, *again])
    assert registers == fold({}, STORY)
    (last,) = registers.values()
    assert last.condition is AlertState.RESOLVED


@pytest.mark.parametrize(("severity", "expected"), [(0, Severity.CRITICAL), ("Sev1", Severity.ERROR)])
def test_a_severity_is_a_digit_or_a_word(severity: object, expected: Severity) -> None:
    """`0`, 0 and `Sev0` are all the same."""
    assert the_signal(severity=severity).severity is expected


@pytest.mark.parametrize("severity", [None, ..., "urgent", []])
def test_no_severity_is_none(severity: object) -> None:
    """What is no severity is none, and stops nothing."""
    assert the_signal(severity=severity).severity is None


def test_the_rule_has_a_name_however_it_is_given() -> None:
    """The name, else the end of the rule's id, else a word that says there is none."""
    assert the_signal(name=None).alert == "EventHubThrottled"
    assert the_signal(name=..., id=None).alert == UNNAMED


def test_without_a_resource_id_its_parts_or_its_group_place_it() -> None:
    """Subscription, group, type and name make the id that is missing."""
    parts = {
        "resourceId": None,
        "subscriptionId": SUBSCRIPTION,
        "resourceGroupName": NEU,
        "resourceType": "Microsoft.EventHub/namespaces",
        "resourceName": "evhns",
    }
    assert the_signal(**parts).subject == Subject("shop", "neu", "EventHub")
    assert the_signal(**{**parts, "resourceName": None}).subject == Subject("shop", "neu")


def test_a_label_of_the_team_names_the_stamp() -> None:
    """The custom properties of a global resource's alert place it."""
    body = a_metric_alert(
        properties={"Stamp": "neu"},
        resourceId=resource_id("Microsoft.Cdn/profiles", "fd", MONITORING),
    )
    assert read(body).subject == Subject("shop", "neu", "FrontDoor")


def test_an_alert_that_does_not_say_whether_it_fired_never_acts() -> None:
    """It counts as fired, for people."""
    signal = the_signal(None)
    assert (signal.condition, signal.may_act) == (AlertState.FIRED, False)
    assert "does not say" in signal.why


@pytest.mark.parametrize(
    ("status", "context", "code"),
    [
        ("Acknowledged", {}, Code.WRONG_SHAPE),
        ("Activated", {"timestamp": None}, Code.BAD_TIME),
        ("Activated", {"timestamp": "yesterday"}, Code.BAD_TIME),
        ("Activated", {"resourceId": a_hub("somebody-else-rg")}, Code.NOT_OURS),
        ("Activated", {"resourceId": None}, Code.NOT_OURS),
    ],
)
def test_what_cannot_be_made_out_is_rejected(status: str, context: dict[str, Any], code: Code) -> None:
    """An unknown word, no moment, nothing of ours: each in its own word."""
    body = a_metric_alert(status, **context)
    assert rejected(lambda: legacy_metric.read(body, KNOWN)).code is code


def test_the_schema_alone_is_not_enough() -> None:
    """A body that only names the schema is claimed, and rejected with a reason."""
    body = {"schemaId": "AzureMonitorMetricAlert", "data": "nothing"}
    assert legacy_metric.claims(body)
    assert rejected(lambda: legacy_metric.read(body, KNOWN)).code is Code.BAD_TIME


@pytest.mark.parametrize(
    "changes",
    [
        {"resourceId": a_hub("test-RG")},
        {"name": "test-metricAlertRule", "id": f"/subscriptions/{PLACEHOLDER}/providers/x/metricAlerts/y"},
        {"name": "Test_Alert", "resourceId": a_hub().replace(SUBSCRIPTION, PLACEHOLDER)},
        {"properties": {"IsSynthetic": "True"}},
    ],
)
def test_a_sample_of_the_test_button_never_acts(changes: dict[str, Any]) -> None:
    """Each mark of a sample alone is enough."""
    known = know(shop(resource_groups=("test-rg",)))
    (signal,) = legacy_metric.read(a_metric_alert(**changes), known)
    assert (signal.may_act, signal.why) == (False, "a test action, not a real alert")


@pytest.mark.parametrize("value", [None, 7, "text", [], [None, 7], {"allOf": 7}])
@pytest.mark.parametrize("key", ["condition", "dimensions", "properties"])
def test_a_field_of_another_type_stops_nothing(key: str, value: object) -> None:
    """What cannot be read is left out: the page must not be lost over it."""
    body = copy.deepcopy(a_metric_alert())
    if key == "condition":
        body["data"]["context"]["condition"] = value
    elif key == "dimensions":
        body["data"]["context"]["condition"]["allOf"][0]["dimensions"] = value
    else:
        body["data"]["properties"] = value
    assert read(body).subject == Subject("shop", "weu", "EventHub")


def test_the_group_of_weu_is_the_one_that_these_tests_mean() -> None:
    """Guards the tests: without the group of the stamp nothing above would be about weu."""
    body = a_metric_alert(resourceId=a_hub(WEU))
    assert rejected(lambda: legacy_metric.read(body, know())).code is Code.NOT_OURS
