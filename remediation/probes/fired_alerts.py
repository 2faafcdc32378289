"""Which alerts fired or were resolved within the hour, and which of them never reached us?

After a few failed attempts an action group calls nobody for a quarter of an
hour, and never repeats what it could not deliver. Azure keeps a list of alerts,
and what the worker has not heard is found in it. The list tells an alert in
other words than a webhook does; here they become the common schema's, so that
one reader reads both.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from remediation.observe import Tally
from remediation.probes.rest import Document, ListTooLongError, Rest, moment
from remediation.probes.rounds import Asked, NotAnsweredError, Source
from rules.signals import RegisterKey, Signal
from rules.topology import Workload

NAME = "fired-alerts"

RECOVERED = "alerts.recovered"
"""Counts the signals that arrived by no other way."""

CUT = f"probe.{NAME}.cut"
"""Counts the lists that were too long to be read to their end."""

API_VERSION = "2019-05-05-preview"

EVERY = timedelta(seconds=55)
"""At every second tick, even one that comes early."""

WITHIN = timedelta(hours=1)
"""How far back it is looked: an older signal causes no action."""

LIST_WITHIN_SECONDS = 3.5

_PAGE = 25
"""No more fit into a page with the context of each alert, and the context can tell the stamp."""

_OF_ALERTS = re.compile(
    r"(?P<subscription>/subscriptions/[^/]+)/.*(?P<alert>/providers/microsoft\.alertsmanagement/alerts/[^/]+)",
    re.IGNORECASE,
)
_SAME_NAME = (
    *("severity", "signalType", "monitorCondition", "description"),
    *("targetResourceGroup", "targetResourceType"),
)


class FiredAlerts:
    """The alerts of one subscription. A `Source`."""

    name = NAME
    every = EVERY

    def __init__(  # noqa: PLR0913 - all but four have a default
        self,
        rest: Rest,
        tally: Tally,
        workload: str,
        subscription: str,
        *,
        api_version: str = API_VERSION,
        within_seconds: float = LIST_WITHIN_SECONDS,
    ) -> None:
        """Nothing is asked yet.

        Args:
            rest: Azure Resource Manager.
            tally: counts lists that were cut.
            workload: who wants to know.
            subscription: its id.
            api_version: of the list.
            within_seconds: for all pages; what has come by then counts.
        """
        self._rest = rest
        self._tally = tally
        self._workload = workload
        self._subscription = subscription
        self._api_version = api_version
        self._within_seconds = within_seconds

    @property
    def about(self) -> str:
        """The workload and the subscription."""
        return f"{self._workload}/{self._subscription}"

    async def ask(self, now: datetime) -> Asked:
        """The alerts that changed within the hour. Pages that came before a failure count.

        Raises:
            NotAnsweredError: not even the first page came.
        """
        bodies: list[bytes] = []
        try:
            async with asyncio.timeout(self._within_seconds):
                await self._list(bodies, now)
        except ListTooLongError:
            # A storm of alerts, and no failure: the newest are there, and it must be asked again soon.
            self._tally.add(CUT)
        except NotAnsweredError as error:
            if not bodies:
                raise
            return Asked((), tuple(bodies), error.reason, error.retry_after_seconds)
        except TimeoutError:
            return Asked((), tuple(bodies), f"the list did not end within {self._within_seconds:g} s")
        return Asked((), tuple(bodies))

    def blind(self, reason: str, now: datetime) -> tuple[Signal, ...]:  # noqa: ARG002 - says nothing
        """Nothing: an alert that nobody has heard of has no register that could be unknown."""
        return ()

    async def _list(self, bodies: list[bytes], now: datetime) -> None:
        """Fill in bodies, page by page, newest first, to the first that is too old."""
        async for page in self._rest.pages(self._path()):
            for alert in page:
                changed_at = _changed_at(alert)
                if changed_at is not None and now - changed_at > WITHIN:
                    return
                body = common_body(alert)
                if body is not None:
                    bodies.append(body)

    def _path(self) -> str:
        # By the hour's own filter it is not documented whether an alert counts that fired before it
        # and was resolved within it. So a day is asked for, by the time of the last change.
        parameters = {
            "api-version": self._api_version,
            "timeRange": "1d",
            "sortBy": "lastModifiedDateTime",
            "sortOrder": "desc",
            "includeContext": "true",
            "pageCount": str(_PAGE),
        }
        query = "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
        return (
            f"/subscriptions/{quote(self._subscription)}/providers/Microsoft.AlertsManagement/alerts?{query}"
        )


def sources(rest: Rest, tally: Tally, workload: Workload) -> list[Source]:
    """One for each subscription that the workload names; none where nothing is configured."""
    return [FiredAlerts(rest, tally, workload.name, each) for each in workload.fired_alerts]


def common_body(alert: Document) -> bytes | None:
    """An alert of the list as a body in the common alert schema; None for what is no alert.

    Azure's own inconsistencies end here: the id in the list lies under the resource, in a webhook
    under the subscription; the rule is its whole id; a time that is not there is an empty string.
    """
    properties = alert.get("properties")
    essentials = properties.get("essentials") if isinstance(properties, dict) else None
    if not isinstance(properties, dict) or not isinstance(essentials, dict):
        return None
    resolved = _word(essentials, "monitorCondition").lower() == "resolved"
    ended = _word(essentials, "monitorConditionResolvedDateTime") or _word(essentials, "lastModifiedDateTime")
    target, rule = _word(essentials, "targetResource"), _word(essentials, "alertRule")
    told: dict[str, Any] = {
        "alertId": instance_id(_word(alert, "id")),
        "alertRule": _rule_name(rule, _word(alert, "name")),
        "alertRuleId": rule if rule.startswith("/") else None,
        "monitoringService": _word(essentials, "monitorService"),
        "alertTargetIDs": [target] if target else [],
        "originAlertId": _word(essentials, "sourceCreatedId"),
        "firedDateTime": _word(essentials, "startDateTime"),
        # Alerts that still fire carry a time of their end, too, now and then.
        "resolvedDateTime": ended if resolved else None,
        **{name: _word(essentials, name) for name in _SAME_NAME},
    }
    custom = properties.get("customProperties")
    body = {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {name: value for name, value in told.items() if value},
            "alertContext": _context(properties.get("context")),
            "customProperties": custom if isinstance(custom, dict) else {},
        },
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def instance_id(alert_id: str) -> str:
    """The id of an alert as a webhook gives it: under the subscription, whatever resource it is about."""
    match = _OF_ALERTS.fullmatch(alert_id)
    return match["subscription"] + match["alert"] if match else alert_id


def missed(signals: Iterable[Signal], registers: Mapping[RegisterKey, Signal]) -> list[Signal]:
    """Of the signals of one workload those that say something newer than its registers do.

    The list may spell a rule otherwise than the webhook did, or place it otherwise; an alert
    is the same by its instance, and its signal then goes where the first one went.
    """
    by_instance: dict[str, Signal] = {}
    for kept in registers.values():
        if kept.condition is not None and kept.instance:
            known = by_instance.get(kept.instance)
            by_instance[kept.instance] = kept if known is None else max(known, kept, key=_newness)
    found = []
    for signal in signals:
        if signal.condition is not None and signal.key not in registers and signal.instance in by_instance:
            first = by_instance[signal.instance]
            signal = replace(signal, subject=first.subject, source=first.source, alert=first.alert)  # noqa: PLW2901 - the same alert
        heard = registers.get(signal.key)
        if heard is None or (heard.says != signal.says and heard.newness < signal.newness):
            found.append(signal)
    return found


def _newness(signal: Signal) -> tuple[datetime, int, int, str]:
    return signal.newness


def _changed_at(alert: Document) -> datetime | None:
    properties = alert.get("properties")
    essentials = properties.get("essentials") if isinstance(properties, dict) else None
    if not isinstance(essentials, dict):
        return None
    return moment(essentials.get("lastModifiedDateTime")) or moment(essentials.get("startDateTime"))


def _rule_name(rule: str, name: str) -> str:
    """The rule's own name: the end of its id; of older log alerts, whose rule is a link, the alert's name."""
    if rule.startswith("/"):
        return rule.rstrip("/").rpartition("/")[2]
    return name if not rule or "://" in rule else rule


def _context(context: object) -> Mapping[str, Any]:
    """The alert's context; some services wrap it in another one."""
    if not isinstance(context, dict):
        return {}
    inner = context.get("context")
    return inner if isinstance(inner, dict) and "condition" not in context else context


def _word(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value.strip() if isinstance(value, str) else ""
