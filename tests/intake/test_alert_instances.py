"""Is one instance of an alert one instance, whoever tells of it and however its id is written?"""

import json
from typing import Any

import pytest

from remediation.intake.alert import criteria_of, instance_of
from remediation.intake.discretion import discreet
from remediation.intake.read import read
from rules.health import fold
from rules.signals import Signal
from tests.intake.bodies import KNOWN, a_target, an_alert_body, encode

WEU = a_target("aoprod7745-stamp-westeurope-rg")
NEU = a_target("aoprod7745-stamp-northeurope-rg")
MONITORING = "/subscriptions/6f1d/resourceGroups/aoprod-monitoring-rg/providers"
MODEL = f"{MONITORING}/Microsoft.CloudHealth/healthModels/m"
RULE = f"{MONITORING}/microsoft.insights/metricAlerts/throttled"


def the_signal(context: object = None, **essentials: Any) -> Signal:
    """The one signal of an alert."""
    (signal,) = read(encode(an_alert_body(context, **essentials)), KNOWN).signals
    return signal


def pair(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether an alert that fired by the first essentials is ended by the second."""
    fired = the_signal(**one)
    ended = the_signal(**other, monitorCondition="Resolved", resolvedDateTime="2026-03-01T03:05:00Z")
    return len(fold({}, [fired, ended])) == 1


@pytest.mark.parametrize("scope", ["/subscriptions/6f1d", WEU, MODEL, ""])
def test_the_id_of_an_instance_counts_from_its_provider_on(scope: str) -> None:
    """A webhook writes it under the subscription, the list under the resource, a model under itself."""
    alert_id = f"{scope}/providers/Microsoft.AlertsManagement/alerts/9D3B"
    plain = {"alertId": "/subscriptions/6f1d/providers/microsoft.alertsmanagement/alerts/9d3b"}
    assert pair(plain, {"alertId": alert_id})
    assert not pair(plain, {"alertId": alert_id + "c"})


@pytest.mark.parametrize(
    "alert_id",
    ["4711", "/subscriptions/6f1d/providers/Microsoft.CostManagement/alerts/1c", "weu hub throttled"],
)
def test_an_id_of_another_kind_is_taken_whole(alert_id: str) -> None:
    """A budget's, or none of Azure's resource ids at all; case does not matter."""
    assert pair({"alertId": alert_id}, {"alertId": alert_id.upper()})
    assert not pair({"alertId": alert_id}, {"alertId": alert_id + "0"})


def test_the_id_of_a_rule_is_no_instance() -> None:
    """Some senders put it there. What it is about, and the dimensions, tell its instances apart."""
    weu, neu = {"alertId": RULE}, {"alertId": RULE, "alertTargetIDs": [NEU]}
    assert pair(weu, {"alertId": RULE.upper()})
    assert not pair(weu, neu)
    assert instance_of(RULE, "a", (WEU,), []) != instance_of(f"{RULE}2", "a", (WEU,), [])
    assert instance_of(RULE, "a", (WEU,), []) == instance_of(RULE, "b", (WEU,), [])


def test_without_an_id_the_dimensions_tell_instances_apart() -> None:
    """In any order, of the criteria and of the targets."""
    one, other = ({"dimensions": [{"name": "d", "value": value}]} for value in "xy")
    assert instance_of("", "r", ("/a", "/b"), [one, other]) == instance_of(
        "", "R", ("/b", "/a"), [other, one]
    )
    assert instance_of("", "r", (), [one]) != instance_of("", "r", (), [other])
    assert instance_of("/providers/microsoft.alertsmanagement/alerts/", "r", (), []) != instance_of(
        "", "r", (), []
    )


@pytest.mark.parametrize(
    ("context", "reasons"),
    [
        (
            {
                "ResultCount": 14,
                "Operator": "Greater Than",
                "Threshold": 10,
                "SearchQuery": "secrets | take 1",
            },
            ("ResultCount is 14, alert at Greater Than 10", "told"),
        ),
        ({"ResultCount": None}, ("ResultCount is not given", "told")),
        (
            {"ResultCount": 1, "Dimensions": [{"name": "Component", "value": "Catalog"}]},
            ("ResultCount is 1; Component=Catalog", "told"),
        ),
        ({"AlertData": {"SpentAmount": "$812", "BudgetThreshold": "$900"}}, ("$812 of $900 spent", "told")),
        ({"AlertData": {"SpentAmount": "$812"}}, ("$812 of ? spent", "told")),
        ({"AlertData": {"BudgetThreshold": "$900"}}, ("? of $900 spent", "told")),
        ({"AlertData": {}}, ("told",)),
        ({"DetectionSummary": "Too many failures"}, ("Too many failures", "told")),
    ],
)
def test_older_log_alerts_budgets_and_detectors_say_why(
    context: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    """In one sentence, without the query; the rule's description follows."""
    assert the_signal(context, description="told").reasons == reasons


def test_the_description_is_never_crowded_out() -> None:
    """However many criteria there are: five reasons, the last of them the rule's own words."""
    context = {
        "condition": {"allOf": [{"metricName": f"m{i}"} for i in range(9)]},
        "DetectionSummary": "seen",
    }
    reasons = the_signal(context, description="told").reasons
    assert (len(reasons), reasons[3:]) == (5, ("seen", "told"))


def test_the_dimensions_of_an_older_log_alert_place_it() -> None:
    """They are labels like any others."""
    context = {"ResultCount": 1, "Dimensions": [{"name": "stamp", "value": "eus"}]}
    workspace = "/subscriptions/6f1d/resourcegroups/aoprod-monitoring-rg/providers/a/b/c"
    signal = the_signal(context, alertTargetIDs=[workspace])
    assert (signal.subject.stamp, signal.placed_by) == ("eus", "the label `stamp` names it")
    assert criteria_of({"condition": {"allOf": [7]}}) == [7]


def test_a_budget_never_acts() -> None:
    """Money spent is no fault, wherever it was spent."""
    signal = the_signal(monitoringService="CostAlerts", alertRule=None)
    assert (signal.may_act, signal.why) == (
        False,
        "a budget tells of money spent, not that something is broken",
    )


@pytest.mark.parametrize("key", ["SearchIntervalEndtimeUtc", "eventTimestamp"])
@pytest.mark.parametrize("moment", ["3/1/2026 3:00:00 AM", "2026-03-01T03:00:00Z"])
def test_the_context_dates_an_alert_that_has_no_time(key: str, moment: str) -> None:
    """Either way of writing a time will do."""
    assert (
        the_signal({key: moment}, firedDateTime=None).observed_at.isoformat() == "2026-03-01T03:00:00+00:00"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        ("sent with bearer abc", "sent with bearer …"),
        ('"authorization": "Basic Zm9v"', '"authorization": "Basic …'),
        ("SharedAccessSignature sr=x", "SharedAccessSignature …"),
        ("the Basic tier has no zones", "the Basic tier has no zones"),
        ("?se=1&sig=ab%3D&sp=r", "?se=1&sig=…&sp=r"),
        ("a token: eyJhbGciOiJub25l.eyJz.x", "a token: …"),
        ("query; code=500", "query; code=500"),
        ("amqps://u:p4ss@h:5671", "amqps://u:…@"),
        ("az login --client-secret x1y2 --tenant t", "az login --client-secret … --tenant t"),
        ("ask jane.doe@contoso.example", "ask jane.doe@…"),
    ],
)
def test_secrets_are_cut_out_of_words(words: str, told: str) -> None:
    """By their shape, and nothing else is lost."""
    assert discreet(words).startswith(told)
    assert json.dumps(discreet(words))
