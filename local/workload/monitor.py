"""What does Azure Monitor say about the workload? Its metric alerts, posted to the worker as webhooks.

The two rules of the reference implementation that concern us: no message has left
a stamp's event hub, and Front Door finds an origin unhealthy. Each fires once and
resolves once, in the common alert schema.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import ClientSession, ClientTimeout

from local.workload.front_door import FrontDoor
from local.workload.pace import Pace
from local.workload.stamp import RunningStamp
from local.workload.telemetry import Telemetry

OUTGOING_MESSAGES = Path(__file__).with_name("shop") / "cannot-read.json"
"""A whole body, with NOW and CONDITION to be filled in."""

_SUBSCRIPTION = "/subscriptions/5c0de000-0000-4000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One metric alert rule, about one resource.

    Attributes:
        name: of the rule; every stamp's is called the same.
        about: the stamp.
        violated: whether its condition holds now.
        body: the alert's body: condition, number of the alert, moment.
    """

    name: str
    about: str
    violated: Callable[[], bool]
    body: Callable[[str, int, datetime], dict[str, Any]]


class Monitor:
    """Evaluates alert rules, and posts what changes.

    Attributes:
        firing: the rules that fire now.
    """

    def __init__(self, rules: Sequence[AlertRule], pace: Pace, telemetry: Telemetry) -> None:
        self.firing: list[AlertRule] = []
        self._rules = rules
        self._pace = pace
        self._telemetry = telemetry
        self._fired: Counter[tuple[str, str]] = Counter()

    async def run(self, webhook: str) -> None:
        """Evaluate again and again; the first time once a whole window has passed."""
        await asyncio.sleep(self._pace.metric_window.total_seconds())
        async with ClientSession(timeout=ClientTimeout(total=10)) as session:
            while True:
                for rule in self._rules if self._telemetry.arrives else ():
                    await self._evaluate(rule, session, webhook)
                await asyncio.sleep(self._pace.evaluate_every.total_seconds())

    async def _evaluate(self, rule: AlertRule, session: ClientSession, webhook: str) -> None:
        fires, violated = rule in self.firing, rule.violated()
        if fires == violated:
            return
        key = (rule.name, rule.about)
        # Every time it fires is another alert; what resolves it carries the same id.
        number = self._fired[key] + violated
        body = rule.body("Fired" if violated else "Resolved", number, datetime.now(UTC))
        try:
            async with session.post(webhook, json=body) as answer:
                accepted = answer.status == 202
        except (aiohttp.ClientError, TimeoutError):
            accepted = False
        if accepted:  # else it is posted again, as Azure Monitor does for a 503
            self._fired[key] = number
            self.firing = [*self.firing, rule] if violated else [each for each in self.firing if each != rule]


def outgoing_messages(stamp: RunningStamp, pace: Pace) -> AlertRule:
    """`EventHub-metricalert-OutgoingMessages-Error`: nothing has left the stamp's hub for a window."""
    return AlertRule(
        "EventHub-metricalert-OutgoingMessages-Error",
        stamp.name,
        lambda: stamp.processor.read.within(pace.metric_window) == 0,
        lambda condition, number, at: outgoing_messages_body(
            stamp.name, stamp.place.region, condition, number, at
        ),
    )


def outgoing_messages_body(
    stamp: str, region: str, condition: str, number: int, at: datetime
) -> dict[str, Any]:
    """The body of that alert."""
    text = OUTGOING_MESSAGES.read_text("utf-8").replace("NOW", _moment(at)).replace("CONDITION", condition)
    text = text.replace("westeurope", region).replace("weu1", f"{stamp}{number}")
    body: dict[str, Any] = json.loads(text)
    return body


def origin_health(front_door: FrontDoor, stamp: str) -> AlertRule:
    """`FrontDoor-metricalert-originHealth`: the front door finds an origin unhealthy."""
    return AlertRule(
        "FrontDoor-metricalert-originHealth",
        stamp,
        lambda: not front_door.origin(stamp).healthy,
        lambda condition, number, at: _origin_health_body(stamp, condition, number, at),
    )


def _origin_health_body(stamp: str, condition: str, number: int, at: datetime) -> dict[str, Any]:
    moment = _moment(at)
    name, profile = "FrontDoor-metricalert-originHealth", "shop-global-fd"
    group = f"{_SUBSCRIPTION}/resourcegroups/shop-global-rg"
    essentials = {
        "alertId": f"{_SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/origin-{stamp}-{number}",
        "alertRule": name,
        "severity": "Sev1",
        "signalType": "Metric",
        "monitorCondition": condition,
        "monitoringService": "Platform",
        "alertTargetIDs": [f"{group}/providers/microsoft.cdn/profiles/{profile}"],
        "configurationItems": [profile],
        "originAlertId": f"{name}-{stamp}",
        "firedDateTime": moment,
        "description": "Front Door finds an origin unhealthy.",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    } | ({"resolvedDateTime": moment} if condition == "Resolved" else {})
    criterion = {
        "metricName": "OriginHealthPercentage",
        "metricNamespace": "Microsoft.Cdn/profiles",
        "operator": "LessThan",
        "threshold": "80",
        "timeAggregation": "Average",
        "dimensions": [{"name": "Origin", "value": stamp}],
        "metricValue": 0.0 if condition == "Fired" else 100.0,
        "webTestName": None,
    }
    context = {
        "properties": None,
        "conditionType": "SingleResourceMultipleMetricCriteria",
        "condition": {
            "windowSize": "PT1M",
            "allOf": [criterion],
            "windowStartTime": moment,
            "windowEndTime": moment,
        },
    }
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": context, "customProperties": None},
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
