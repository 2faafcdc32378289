"""Does an Azure Monitor alert become the right fact, however loosely it was written?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from remediation.intake import samples
from remediation.intake.alert import UNNAMED
from remediation.intake.alert_reasons import MAX_REASON, MAX_REASONS
from remediation.intake.read import read
from remediation.intake.rejection import Code
from rules.health import fold
from rules.signals import AlertState, Severity, Signal, Subject
from tests.intake.bodies import KNOWN, a_target, an_alert_body, encode, know, rejected, shop

WEU = "aoprod7745-stamp-westeurope-rg"
NEU = "aoprod7745-stamp-northeurope-rg"
FIRED_AT = datetime(2026, 3, 1, 3, tzinfo=UTC)


def the_signal(context: object = None, **essentials: Any) -> Signal:
    """The one signal of an alert."""
    (signal,) = read(encode(an_alert_body(context, **essentials)), KNOWN).signals
    return signal


def criteria(*parts: object) -> dict[str, Any]:
    """The context of a metric or log alert."""
    return {"condition": {"windowSize": "PT5M", "allOf": list(parts)}}


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Sev0", Severity.CRITICAL),
        ("Sev1", Severity.ERROR),
        ("Sev2", Severity.WARNING),
        ("Sev3", Severity.INFO),
        ("sev4", Severity.INFO),
        ("Sev9", None),
        (None, None),
        (2, None),
        (..., None),
    ],
)
def test_the_severity_is_azures(word: object, severity: Severity | None) -> None:
    """Sev0 is critical, Sev3 and below are information, and what is no severity is none."""
    assert the_signal(severity=word).severity is severity


@pytest.mark.parametrize(
    "essentials",
    [
        {
            "alertRule": None,
            "alertRuleId": "/subscriptions/1/providers/microsoft.insights/metricAlerts/EventHubThrottled",
        },
        {"alertRule": " ", "alertRuleID": "/x/EventHubThrottled/"},
        {"alertRule": " EventHubThrottled "},
        {"ALERTRULE": "EventHubThrottled", "alertRule": ...},
    ],
)
def test_the_rule_has_a_name_however_it_is_given(essentials: dict[str, Any]) -> None:
    """The name, or the end of the rule's id in either spelling, names the alert and its source."""
    signal = the_signal(**essentials)
    assert (signal.alert, signal.source) == ("EventHubThrottled", "alert:EventHubThrottled")


def test_an_alert_of_no_rule_still_counts() -> None:
    """Without any name it is told as what it is."""
    assert the_signal(alertRule=...).alert == UNNAMED


def test_a_hostile_rule_name_is_bounded_and_printable() -> None:
    """Control characters become blanks and length is bounded, for the name goes into keys and pages."""
    name = the_signal(alertRule="a\x1b[31m\nb" + "x" * 1000).alert
    assert name
    assert name.startswith("a [31m b")
    assert len(name) <= 256


@pytest.mark.parametrize(
    ("essentials", "moment"),
    [
        ({"firedDateTime": "2026-03-01T03:00:00.0623172"}, datetime(2026, 3, 1, 3, 0, 0, 62317, tzinfo=UTC)),
        ({"firedDateTime": "2026-03-01T03:00:00.99645Z"}, datetime(2026, 3, 1, 3, 0, 0, 996450, tzinfo=UTC)),
        (
            {"monitorCondition": "Resolved", "resolvedDateTime": "2026-03-01T03:09:00Z"},
            datetime(2026, 3, 1, 3, 9, tzinfo=UTC),
        ),
        ({"monitorCondition": "Resolved"}, FIRED_AT),
        ({"monitorCondition": "Resolved", "resolvedDateTime": "2026-03-01T02:00:00Z"}, FIRED_AT),
        (
            {
                "monitorCondition": "Resolved",
                "firedDateTime": ...,
                "resolvedDateTime": "2026-03-01T03:09:00Z",
            },
            datetime(2026, 3, 1, 3, 9, tzinfo=UTC),
        ),
        ({"firedDateTime": "2026-03-01T03:00:00Z", "resolvedDateTime": "2026-03-01T04:00:00Z"}, FIRED_AT),
    ],
)
def test_it_was_so_when_azure_says_it_fired_or_resolved(essentials: dict[str, Any], moment: datetime) -> None:
    """Fired counts from its firing, Resolved from its end, and never before its own Fired."""
    assert the_signal(**essentials).observed_at == moment


@pytest.mark.parametrize("condition", ["Fired", "Resolved"])
@pytest.mark.parametrize(
    "context",
    [{"condition": {"windowEndTime": "2026-03-01T03:00:00Z"}}, {"eventTimestamp": "2026-03-01T03:00:00Z"}],
)
def test_the_context_may_know_the_moment(context: object, condition: str) -> None:
    """Where the essentials give no time, the end of the window or the event's own time counts."""
    assert the_signal(context, firedDateTime=None, monitorCondition=condition).observed_at == FIRED_AT


@pytest.mark.parametrize(
    ("condition", "field"), [("Fired", "firedDateTime"), ("Resolved", "resolvedDateTime")]
)
@pytest.mark.parametrize("moment", [..., None, "", "3/22/2019 1:36:31 PM", 1772334000])
def test_without_a_moment_it_is_rejected(moment: object, condition: str, field: str) -> None:
    """No moment, no place in the order of facts; the sentence names the field."""
    body = encode(an_alert_body(firedDateTime=moment, monitorCondition=condition))
    rejection = rejected(lambda: read(body, KNOWN))
    assert rejection.code is Code.BAD_TIME
    assert field in rejection.reason


@pytest.mark.parametrize(
    ("word", "condition"),
    [
        ("Fired", AlertState.FIRED),
        ("fired", AlertState.FIRED),
        ("Activated", AlertState.FIRED),
        ("Resolved", AlertState.RESOLVED),
        ("Deactivated", AlertState.RESOLVED),
    ],
)
def test_an_alert_fires_or_is_resolved(word: str, condition: AlertState) -> None:
    """Azure's words for the two, old and new, in any case."""
    assert the_signal(monitorCondition=word).condition is condition


def test_an_unknown_condition_is_rejected() -> None:
    """A word that is neither is not guessed."""
    body = encode(an_alert_body(monitorCondition="Acknowledged"))
    assert rejected(lambda: read(body, KNOWN)).code is Code.WRONG_SHAPE


@pytest.mark.parametrize("word", [..., None, ""])
def test_an_alert_that_does_not_say_whether_it_fired_is_told_and_never_acts(word: object) -> None:
    """It counts as fired, for people; nothing is drained for it."""
    signal = the_signal(monitorCondition=word)
    assert (signal.condition, signal.may_act) == (AlertState.FIRED, False)
    assert signal.why


@pytest.mark.parametrize("resolved", [{}, {"resolvedDateTime": "2026-03-01T03:00:00Z"}])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_resolved_ends_its_own_fired(resolved: dict[str, Any], order: tuple[int, int]) -> None:
    """Whichever arrives first, Resolved is the last word, even where it carries no later time."""
    fired = the_signal(alertId="/Subscriptions/A/alerts/1")
    ended = the_signal(alertId="/subscriptions/a/alerts/1", monitorCondition="Resolved", **resolved)
    signals = [(fired, ended)[place] for place in order]
    assert list(fold({}, signals).values()) == [ended]


def test_alerts_of_one_rule_do_not_end_one_another() -> None:
    """The instance tells them apart: another alert's Resolved leaves this one firing."""
    fired = the_signal(alertId="/alerts/1")
    other = the_signal(alertId="/alerts/2", monitorCondition="Resolved")
    assert len(fold({}, [fired, other])) == 2


def test_the_same_rule_in_two_stamps_is_two_facts() -> None:
    """The stamp comes from the target, never from the rule's name."""
    weu, neu = (the_signal(alertTargetIDs=[a_target(group)]) for group in (WEU, NEU))
    assert (weu.subject.stamp, neu.subject.stamp) == ("weu", "neu")
    assert weu.key != neu.key


def test_without_an_alert_id_rule_targets_and_dimensions_pair_up() -> None:
    """Fired and Resolved of one resource and dimension belong together, and to no other."""

    def instance(value: object, **essentials: Any) -> str:
        part = {"dimensions": [{"name": "EntityName", "value": value}, "odd"]}
        return the_signal(criteria(part, "odd"), alertId=None, **essentials).instance

    fired = instance("hub-1")
    assert instance("hub-1", monitorCondition="Resolved") == fired
    assert instance("hub-2") != fired
    assert instance("hub-1", alertTargetIDs=[a_target(NEU)]) != fired
    assert instance("hub-1", alertRule="Other") != fired


def test_a_delivery_again_is_the_same_fact_and_a_firing_again_is_not() -> None:
    """The moment of firing is part of the identity: stateless rules fire again under the same id."""
    again = the_signal(firedDateTime="2026-03-01T03:05:00Z")
    assert the_signal().id == the_signal(description="another delivery").id
    assert again.id != the_signal().id
    assert again.key == the_signal().key
    assert the_signal(monitorCondition="Resolved").id != the_signal().id


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        [],
        "text",
        {"condition": None},
        {"condition": {"allOf": None}},
        criteria(),
        criteria(None, 7, []),
    ],
)
@pytest.mark.parametrize("service", ["Platform", "Log Alerts V2", "Something New", None, 7, ...])
def test_no_service_or_context_stops_an_alert(service: object, context: object) -> None:
    """Essentials suffice: what is not understood of the rest is left out."""
    signal = the_signal(context, monitoringService=service)
    assert (signal.alert, signal.subject.stamp, signal.reasons) == ("EventHubThrottled", "weu", ())
    assert signal.may_act


@pytest.mark.parametrize("schema", ["wrong", None, 7])
def test_essentials_make_a_common_alert_whatever_the_schema_id(schema: object) -> None:
    """Some senders get `schemaId` wrong."""
    assert read(encode({**an_alert_body(), "schemaId": schema}), KNOWN).family == "azure-monitor"


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (
            {
                "metricName": "OutgoingMessages",
                "timeAggregation": "Total",
                "operator": "LessThanOrEqual",
                "threshold": "0",
                "metricValue": 0,
                "dimensions": [
                    {"name": "EntityName", "value": "backendqueue-eh"},
                    {"name": "Shard", "value": 7},
                ],
            },
            "OutgoingMessages (Total) is 0, alert at LessThanOrEqual 0; EntityName=backendqueue-eh; Shard=7",
        ),
        (
            {
                "metricMeasureColumn": "CounterValue",
                "operator": "GreaterThan",
                "threshold": 1.5,
                "metricValue": "2",
            },
            "CounterValue is 2, alert at GreaterThan 1.5",
        ),
        (
            {
                "metricName": None,
                "metricValue": None,
                "threshold": None,
                "operator": None,
                "dimensions": None,
            },
            "query result is not given",
        ),
        (
            {"metricName": ["odd"], "metricValue": {}, "dimensions": {"name": "Origin", "value": None}},
            "query result is not given; Origin=",
        ),
    ],
)
def test_a_reason_says_what_was_measured(part: dict[str, Any], reason: str) -> None:
    """Metric, aggregation, value, operator, threshold and dimensions, as far as they are given."""
    assert the_signal(criteria(part)).reasons == (reason,)


def test_the_description_is_the_last_reason_and_all_are_bounded() -> None:
    """However many criteria and however long their words, the description still has its place."""
    part = {"metricName": "m" * 1000, "dimensions": [{"name": "n" * 99, "value": "v" * 99}] * 50}
    reasons = the_signal(criteria(*[part] * 9), description="why\x00not" * 99).reasons
    assert len(reasons) == MAX_REASONS
    assert max(map(len, reasons)) == MAX_REASON
    assert reasons[-1].startswith("why not")


PLACEHOLDER = "/subscriptions/11111111-1111-1111-1111-111111111111"


@pytest.mark.parametrize(
    ("essentials", "context"),
    [
        ({"alertTargetIDs": [a_target("test-RG")]}, None),
        ({"alertTargetIDs": [], "targetResourceGroup": "test-RG"}, None),
        ({"alertRule": "test-metricAlertRule", "alertId": f"{PLACEHOLDER}/providers/x/alerts/1"}, None),
        (
            {
                "alertRule": "Test_Alert",
                "alertTargetIDs": [f"{PLACEHOLDER}/resourcegroups/{WEU}/providers/x"],
            },
            None,
        ),
        ({}, {"properties": {"IsSynthetic": "True"}}),
        ({}, {"properties": {"isSynthetic": True}}),
        ({}, {"properties": {"trackingId": "TEST-TTT"}}),
    ],
)
def test_a_sample_of_the_test_button_never_acts(essentials: dict[str, Any], context: object) -> None:
    """Each mark of a sample alone is enough."""
    known = know(shop(resource_groups=("test-rg",)))
    (signal,) = read(encode(an_alert_body(context, **essentials)), known).signals
    assert (signal.may_act, signal.why) == (False, "a test action, not a real alert")


@pytest.mark.parametrize(
    ("essentials", "context"),
    [
        ({"alertRule": "test-latency"}, None),
        ({"alertId": f"{PLACEHOLDER}/alerts/1"}, None),
        ({}, {"properties": {"IsSynthetic": "False", "trackingId": "0NC_-L9G"}}),
        ({}, {"properties": None}),
    ],
)
def test_an_alert_that_only_resembles_a_sample_may_act(essentials: dict[str, Any], context: object) -> None:
    """A rule that is named like a test is a rule all the same."""
    assert the_signal(context, **essentials).may_act


def test_a_sample_about_nothing_of_ours_is_shown_to_every_workload() -> None:
    """Who presses the button learns that it arrived; by a name that no real alert has, and about no stamp."""
    known = know(shop(), shop(name="pay", stamps=(), resource_groups=("test-RG",)))
    of_nobody = read(encode(an_alert_body(alertRule="test-x", alertTargetIDs=[a_target("test-RG")])), KNOWN)
    of_one = read(encode(an_alert_body(alertRule="test-x", alertTargetIDs=[a_target("test-RG")])), known)
    assert [(each.subject, each.alert) for each in of_nobody.signals] == [(Subject("shop"), samples.RULE)]
    assert [each.subject for each in of_one.signals] == [Subject("pay")]
    assert {each.why for each in (*of_nobody.signals, *of_one.signals)} == {samples.WHY}
    assert of_nobody.signals[0].reasons == ("sent as by the rule test-x",)


def test_a_real_alert_by_a_name_that_begins_like_a_sample_is_none() -> None:
    """A team may name a rule so; its fault must not be told as a test."""
    (signal,) = read(encode(an_alert_body(alertRule="test-latency")), KNOWN).signals
    assert (signal.alert, signal.may_act) == ("test-latency", True)


@pytest.mark.parametrize("kind", ["Activity Log", "ActivityLog"])
def test_an_alert_on_the_activity_log_never_acts(kind: str) -> None:
    """It says Fired for whatever happened, be it a person's own doing."""
    assert not the_signal(signalType=kind).may_act
