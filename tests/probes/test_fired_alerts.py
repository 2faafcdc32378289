"""Is an alert that never arrived found in Azure's list, and only that?"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from remediation.intake.azure_monitor import read
from remediation.observe import Tally
from remediation.probes.fired_alerts import CUT, FiredAlerts, common_body, instance_id, missed, sources
from remediation.probes.rest import Rest
from remediation.probes.rounds import Asked, NotAnsweredError
from rules.health import fold
from rules.signals import AlertState, Severity, Signal
from tests.builders import NOW, a_signal, a_workload, an_alert, at, registers
from tests.intake.bodies import KNOWN
from tests.probes.azure_rest import (
    SUBSCRIPTION,
    AzureRest,
    Fault,
    an_alert_in_the_list,
    answers,
    as_webhook,
    fails,
    instance,
    opened,
    zulu,
)


async def asked(rest: Rest, tally: Tally | None = None, within_seconds: float = 3.5) -> Asked:
    """What the list says now."""
    source = FiredAlerts(rest, tally or Tally(), "shop", SUBSCRIPTION, within_seconds=within_seconds)
    return await source.ask(NOW)


def signals_in(bodies: Iterable[bytes]) -> list[Signal]:
    """What the worker's own reader makes of them."""
    return [signal for body in bodies for signal in read(json.loads(body), KNOWN)]


async def listed(*alerts: dict[str, Any]) -> list[Signal]:
    """The signals that a list of these alerts becomes."""
    async with opened() as (azure, rest):
        azure.alerts = list(alerts)
        return signals_in((await asked(rest)).bodies)


def heard(*bodies: bytes) -> dict[Any, Signal]:
    """The registers after these webhooks."""
    return fold({}, signals_in(bodies))


async def test_the_question_is_alerts_managements_own() -> None:
    """Newest change first, with the context, which can tell the stamp."""
    async with opened() as (azure, rest):
        answer = await asked(rest)
    [question] = azure.asked
    assert question.path == f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts"
    assert question.query == {
        "api-version": "2019-05-05-preview",
        "timeRange": "1d",
        "sortBy": "lastModifiedDateTime",
        "sortOrder": "desc",
        "includeContext": "true",
        "pageCount": "25",
    }
    assert answer == Asked()


async def test_a_listed_alert_is_read_as_any_other() -> None:
    """The one reader makes a signal of it: rule, stamp, severity, time and reasons."""
    [signal] = await listed(an_alert_in_the_list())
    assert (signal.alert, signal.condition, signal.severity) == (
        "EventHubThrottled",
        AlertState.FIRED,
        Severity.ERROR,
    )
    assert (signal.subject.workload, signal.subject.stamp, signal.observed_at) == ("shop", "weu", at(-600))
    assert signal.reasons[0].startswith("ThrottledRequests (Total) is 42.0")
    assert signal.may_act


async def test_list_and_webhook_tell_of_one_alert() -> None:
    """Other spellings of id and rule: the register and the identity are the same all the same."""
    alert = an_alert_in_the_list()
    [from_list] = await listed(alert)
    [from_webhook] = signals_in([as_webhook(alert, "Fired", at(-600))])
    assert (from_list.key, from_list.id) == (from_webhook.key, from_webhook.id)


async def test_a_resolved_alert_has_the_time_of_its_end() -> None:
    """Resolved counts from its own time, which is later than Fired."""
    [signal] = await listed(an_alert_in_the_list(condition="Resolved", changed_at=at(-60)))
    assert (signal.condition, signal.observed_at) == (AlertState.RESOLVED, at(-60))


async def test_an_end_that_is_not_yet_is_none() -> None:
    """An alert that fires may carry an empty time of its end, or one that is not true."""
    alert = an_alert_in_the_list()
    alert["properties"]["essentials"]["monitorConditionResolvedDateTime"] = zulu(at(-1))
    [signal] = await listed(alert)
    assert (signal.condition, signal.observed_at) == (AlertState.FIRED, at(-600))
    assert b"resolvedDateTime" not in (common_body(alert) or b"")


async def test_an_alert_that_fired_long_ago_and_ended_within_the_hour_is_listed() -> None:
    """The hour counts from its last change; what changed earlier is left out, and ends the list."""
    long_ago = an_alert_in_the_list(1, "Resolved", fired_at=at(-20_000), changed_at=at(-3000))
    over = an_alert_in_the_list(2, "Resolved", fired_at=at(-20_000), changed_at=at(-3700))
    async with opened() as (azure, rest):
        azure.alerts, azure.alerts_per_page = [over, long_ago, an_alert_in_the_list(3)], 1
        answer = await asked(rest)
    assert [signal.observed_at for signal in signals_in(answer.bodies)] == [at(-600), at(-3000)]
    assert len(azure.asked) == 3


async def test_pages_are_followed_to_the_tenth() -> None:
    """A storm of alerts costs ten requests, is counted, and is no failure."""
    async with opened() as (azure, rest):
        azure.alerts = [an_alert_in_the_list(i, fired_at=at(-i)) for i in range(60)]
        azure.alerts_per_page = 5
        tally = Tally()
        answer = await asked(rest, tally)
    assert (len(azure.asked), len(answer.bodies), answer.failed) == (10, 50, "")
    assert tally.counts() == {CUT: 1}
    newest = {signal.observed_at for signal in signals_in(answer.bodies)}
    assert newest == {at(-i) for i in range(50)}


async def test_pages_before_a_failure_count() -> None:
    """What came before the third page failed is told, and the failure too."""
    async with opened() as (azure, rest):
        azure.alerts = [an_alert_in_the_list(i) for i in range(6)]
        azure.alerts_per_page, azure.fault_after = 2, 2
        azure.fault = fails(429, "TooManyRequests", 40)
        answer = await asked(rest)
    assert (len(answer.bodies), answer.failed) == (4, "HTTP 429 TooManyRequests")
    assert answer.retry_after_seconds == 40


async def test_pages_before_the_end_of_the_time_count() -> None:
    """A list that comes slowly is cut, and says so."""
    async with opened() as (azure, rest):
        azure.alerts = [an_alert_in_the_list(i) for i in range(10)]
        azure.alerts_per_page, azure.slow_seconds = 1, 0.2
        answer = await asked(rest, within_seconds=0.7)
    assert 1 <= len(answer.bodies) <= 3
    assert answer.failed == "the list did not end within 0.7 s"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (fails(401, "ExpiredAuthenticationToken"), "HTTP 401 ExpiredAuthenticationToken"),
        (fails(403, "AuthorizationFailed"), "HTTP 403 AuthorizationFailed"),
        (fails(500), "HTTP 500 Failed"),
        (answers(b""), "the answer is no JSON object"),
        (answers({"value": None}), "the answer holds no list"),
    ],
)
async def test_no_usable_answer_says_nothing_of_alerts(fault: Fault, reason: str) -> None:
    """Nothing is resolved because the list could not be had."""
    async with opened() as (azure, rest):
        azure.fault = fault
        source = FiredAlerts(rest, Tally(), "shop", SUBSCRIPTION)
        with pytest.raises(NotAnsweredError) as raised:
            await source.ask(NOW)
    assert raised.value.reason == reason
    assert source.blind(reason, NOW) == ()


@pytest.mark.parametrize(
    "alert", [{}, {"properties": None}, {"properties": {"essentials": []}}, {"properties": 7, "id": 3}]
)
def test_what_is_no_alert_is_left_out(alert: dict[str, Any]) -> None:
    """It gives no body."""
    assert common_body(alert) is None


def test_odd_alerts_still_give_a_body() -> None:
    """Wrong types and missing fields are left out; an old log alert has its own name, not a link for one."""
    body = common_body(
        {
            "name": "checkout slow",
            "properties": {
                "essentials": {
                    "alertRule": "https://portal.example/#Edit Alert Rule/details",
                    "severity": 3,
                    "monitorCondition": "Resolved",
                    "startDateTime": zulu(at(-60)),
                    "lastModifiedDateTime": zulu(at(-30)),
                    "monitorConditionResolvedDateTime": None,
                },
                "context": {"context": {"condition": {"allOf": []}}, "version": "2.0"},
                "customProperties": {"stamp": "weu"},
            },
        }
    )
    assert body is not None
    told = json.loads(body)["data"]
    assert told["essentials"] == {
        "alertRule": "checkout slow",
        "monitorCondition": "Resolved",
        "firedDateTime": zulu(at(-60)),
        "resolvedDateTime": zulu(at(-30)),
    }
    assert told["alertContext"] == {"condition": {"allOf": []}}
    assert told["customProperties"] == {"stamp": "weu"}


@pytest.mark.parametrize(
    ("in_list", "in_webhook"),
    [
        (
            "/subscriptions/s/resourcegroups/g/providers/a.b/c/d/providers/Microsoft.AlertsManagement/alerts/1",
            "/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/1",
        ),
        (
            "/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/1",
            "/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/1",
        ),
        ("/subscriptions/s/providers/Microsoft.CostManagement/alerts/b", None),
        ("", None),
    ],
)
def test_an_instance_has_one_id(in_list: str, in_webhook: str | None) -> None:
    """The resource in the id of the list is left out; other ids stay as they are."""
    assert instance_id(in_list) == (in_webhook if in_webhook is not None else in_list)


async def test_what_arrived_is_not_missed() -> None:
    """A healthy minute has nothing to ingest, though the list names every alert of the hour."""
    alerts = [an_alert_in_the_list(1), an_alert_in_the_list(2, "Resolved", changed_at=at(-60))]
    known = heard(
        as_webhook(alerts[0], "Fired", at(-600)),
        as_webhook(alerts[1], "Fired", at(-600)),
        as_webhook(alerts[1], "Resolved", at(-60)),
    )
    assert missed(await listed(*alerts), known) == []


async def test_what_never_arrived_is_missed_once() -> None:
    """Fired and nobody told us: it is found; after it is taken in, it is no longer missed."""
    found = await listed(an_alert_in_the_list())
    assert missed(found, {}) == found
    assert missed(found, fold({}, found)) == []


async def test_an_end_that_never_arrived_is_missed() -> None:
    """Fired arrived, Resolved did not: the register says another thing, and is older."""
    alert = an_alert_in_the_list(condition="Resolved", changed_at=at(-60))
    known = heard(as_webhook(alert, "Fired", at(-600)))
    found = missed(await listed(alert), known)
    assert [signal.condition for signal in found] == [AlertState.RESOLVED]
    assert [signal.condition for signal in fold(known, found).values()] == [AlertState.RESOLVED]


async def test_a_list_that_lags_behind_takes_nothing_back() -> None:
    """Resolved has arrived, and the list still says Fired: that is old news."""
    alert = an_alert_in_the_list()
    known = heard(as_webhook(alert, "Resolved", at(-60)))
    assert missed(await listed(alert), known) == []


async def test_a_rule_spelled_otherwise_is_the_same_alert() -> None:
    """Azure writes some rules in small letters in its list: the end still meets its beginning."""
    alert = an_alert_in_the_list(condition="Resolved", rule="eventhubthrottled", changed_at=at(-60))
    fired = as_webhook(alert, "Fired", at(-600), rule="EventHubThrottled")
    known = heard(fired)
    after = fold(known, missed(await listed(alert), known))
    assert [(s.alert, s.condition) for s in after.values()] == [("EventHubThrottled", AlertState.RESOLVED)]
    still = an_alert_in_the_list(rule="eventhubthrottled")
    assert (
        missed(await listed(still), heard(as_webhook(still, "Fired", at(-600), rule="EventHubThrottled")))
        == []
    )


def test_other_instances_of_a_rule_are_other_alerts() -> None:
    """One instance that is known hides no other; a word about health is compared in its own register."""
    first, second = an_alert(instance="1"), an_alert(instance="2")
    red, green = a_signal(observed_at=at(1)), a_signal(id="new", observed_at=at(5))
    assert missed([first, second, green], registers([first, red])) == [second]
    assert missed([first], registers([an_alert(instance="")])) == [first]


def test_of_two_registers_of_one_alert_the_newer_counts() -> None:
    """An alert that was filed twice is judged by its last word."""
    fired = an_alert(source="alert:a", instance="1")
    resolved = an_alert(
        source="alert:b", instance="1", condition=AlertState.RESOLVED, observed_at=at(60), order=1
    )
    late = replace(resolved, source="alert:c", observed_at=at(30))
    assert missed([late], registers([fired, resolved])) == []
    assert missed([late], registers([resolved, fired])) == []


async def test_only_named_subscriptions_are_asked() -> None:
    """Off where it is not configured; each subscription is a source of its own."""
    async with opened() as (azure, rest):
        assert sources(rest, Tally(), a_workload()) == []
        found = sources(rest, Tally(), a_workload(fired_alerts=(SUBSCRIPTION, instance(2))))
    assert [source.about for source in found] == [f"shop/{SUBSCRIPTION}", f"shop/{instance(2)}"]
    assert {(source.name, source.every) for source in found} == {("fired-alerts", timedelta(seconds=55))}
    assert isinstance(azure, AzureRest)
