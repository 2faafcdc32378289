"""What stands in the place of Log Analytics, of a health model, of the list of alerts?

One HTTP server on loopback that speaks all three interfaces, and can fail as
Azure does. It turns away what has no token or no API version, and keeps what it
was asked.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from remediation.act.http import Door
from remediation.probes.rest import Rest
from remediation.tokens import StaticTokens
from tests.act.far_side import StillClock
from tests.builders import NOW

TOKEN = "token-of-the-worker"
SUBSCRIPTION = "10000000-2000-3000-4000-500000000001"
_GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
MODEL = f"{_GROUPS}/aoprod-monitoring-rg/providers/Microsoft.CloudHealth/healthmodels/shop-model"
RULES = f"{_GROUPS}/aoprod-monitoring-rg/providers/microsoft.insights/metricAlerts"
WEU_HUB = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/aoprod7745-stamp-westeurope-rg"
    "/providers/microsoft.eventhub/namespaces/aoprod7745-westeurop-evhns"
)

Fault = Callable[[web.Request], web.StreamResponse | None]


def zulu(at: datetime) -> str:
    """As Azure writes a time: seven digits after the point."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def error(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    """An error, as Azure words it."""
    body = {"error": {"code": code, "message": f"{code}: nobody reads this"}}
    return web.json_response(body, status=status, headers=headers)


def fails(status: int, code: str = "Failed", retry_after: int | None = None) -> Fault:
    """Every request is answered with that error."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return lambda _request: error(status, code, headers)


def answers(document: Any) -> Fault:
    """Every request is answered with that document, or with those bytes."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return lambda _request: web.Response(body=body, content_type="application/json")


@dataclass(frozen=True, slots=True)
class Question:
    """One request, as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    json: Any


class AzureRest:
    """The server, running while the context is open.

    Attributes:
        columns: of every result of Log Analytics.
        rows: of the result, by workspace.
        partial: the error beside a result that is not whole.
        states: the health of each entity of the model.
        history: of an entity: rows of the health model.
        entities_per_page: how many entities a page of the list has.
        alerts: as the list of alerts gives them.
        alerts_per_page: the most that a page of alerts has.
        fault: what every request meets instead.
        fault_after: so many requests are still answered before the fault.
        slow_seconds: how long every answer takes.
        asked: what was asked.
    """

    def __init__(self) -> None:
        self.columns = ["TimeGenerated", "Healthy"]
        self.rows: dict[str, list[Any]] = {}
        self.partial: dict[str, Any] | None = None
        self.states: dict[str, str | None] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.entities_per_page = 100
        self.alerts: list[dict[str, Any]] = []
        self.alerts_per_page = 250
        self.fault: Fault | None = None
        self.fault_after = 0
        self.slow_seconds = 0.0
        self.asked: list[Question] = []
        application = web.Application()
        application.router.add_post("/v1/workspaces/{workspace}/query", self._query)
        application.router.add_get(f"{MODEL}/entities", self._entities)
        application.router.add_post(MODEL + "/entities/{entity}/getHistory", self._history)
        alerts = "/subscriptions/{subscription}/providers/Microsoft.AlertsManagement/alerts"
        application.router.add_get(alerts, self._alerts)
        application.middlewares.append(self._door)
        self._server = TestServer(application)

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return str(self._server.make_url("/")).rstrip("/")

    async def __aenter__(self) -> Self:
        """Start it."""
        await self._server.start_server()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        await self._server.close()

    def paths(self) -> list[str]:
        """The last part of each path that was asked, with its method."""
        return [f"{each.method} {each.path.rpartition('/')[2]}" for each in self.asked]

    @web.middleware
    async def _door(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        text = await request.text()
        self.asked.append(
            Question(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                json.loads(text) if text else None,
            )
        )
        await asyncio.sleep(self.slow_seconds)
        if self.fault is not None and len(self.asked) > self.fault_after:
            faulty = self.fault(request)
            if faulty is not None:
                return faulty
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401, "InvalidAuthenticationToken")
        if not request.path.startswith("/v1/") and "api-version" not in request.query:
            return error(400, "MissingApiVersionParameter")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _query(self, request: web.Request) -> web.Response:
        question = await request.json()
        if set(question) != {"query", "timespan"}:
            return error(400, "BadArgumentError")
        columns = [{"name": name, "type": "dynamic"} for name in self.columns]
        rows = self.rows.get(request.match_info["workspace"], [])
        result: dict[str, Any] = {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}
        if self.partial is not None:
            result["error"] = self.partial
        return web.json_response(result)

    async def _entities(self, request: web.Request) -> web.Response:
        entities = [
            {
                "id": f"{MODEL}/entities/{name}",
                "name": name,
                "type": "Microsoft.CloudHealth/healthmodels/entities",
                "properties": {"displayName": name.title(), "impact": "Standard"}
                | ({} if state is None else {"healthState": state}),
            }
            for name, state in self.states.items()
        ]
        return self._page(request, entities, self.entities_per_page)

    async def _history(self, request: web.Request) -> web.Response:
        entity = request.match_info["entity"]
        window = await request.json()
        begin, end = (datetime.fromisoformat(window[key]) for key in ("startAt", "endAt"))
        rows = [
            row
            for row in self.history.get(entity, [])
            if begin <= datetime.fromisoformat(row["occurredAt"]) <= end
        ]
        return web.json_response({"entityName": entity, "history": rows})

    async def _alerts(self, request: web.Request) -> web.Response:
        span = timedelta(hours=1) if request.query.get("timeRange") == "1h" else timedelta(days=1)

        def changed(alert: dict[str, Any]) -> datetime:
            return datetime.fromisoformat(alert["properties"]["essentials"]["lastModifiedDateTime"])

        mine = f"/subscriptions/{request.match_info['subscription']}/"
        found = [a for a in self.alerts if a["id"].startswith(mine) and changed(a) >= NOW - span]
        newest_first = request.query.get("sortOrder", "desc") == "desc"
        found.sort(key=changed, reverse=newest_first)
        size = min(int(request.query.get("pageCount", "25")), self.alerts_per_page)
        return self._page(request, found, size)

    def _page(self, request: web.Request, items: list[dict[str, Any]], size: int) -> web.Response:
        first = int(request.query.get("skip", "0"))
        page: dict[str, Any] = {"value": items[first : first + size], "nextLink": None}
        if first + size < len(items):
            page["nextLink"] = str(
                self._server.make_url(str(request.rel_url.update_query(skip=first + size)))
            )
        return web.json_response(page)


def an_alert_in_the_list(
    number: int = 1,
    condition: str = "Fired",
    rule: str = "EventHubThrottled",
    *,
    fired_at: datetime = NOW - timedelta(minutes=10),
    changed_at: datetime | None = None,
    target: str = WEU_HUB,
) -> dict[str, Any]:
    """An alert as Azure lists it: with its oddities."""
    changed_at = changed_at or fired_at
    return {
        "id": f"{target}/providers/Microsoft.AlertsManagement/alerts/{instance(number)}",
        "name": rule,
        "type": "Microsoft.AlertsManagement/alerts",
        "properties": {
            "essentials": {
                "severity": "Sev1",
                "signalType": "Metric",
                "alertState": "New",
                "monitorCondition": condition,
                "targetResource": target,
                "targetResourceGroup": target.split("/")[4],
                "targetResourceType": "microsoft.eventhub/namespaces",
                "monitorService": "Platform",
                "alertRule": f"{RULES}/{rule}",
                "sourceCreatedId": f"{SUBSCRIPTION}_{rule}",
                "startDateTime": zulu(fired_at),
                "lastModifiedDateTime": zulu(changed_at),
                "monitorConditionResolvedDateTime": zulu(changed_at) if condition == "Resolved" else "",
                "lastModifiedUserName": "System",
                "actionStatus": {"isSuppressed": False},
                "description": "The hub turns requests away.",
            },
            "context": {
                "conditionType": "SingleResourceMultipleMetricCriteria",
                "condition": {
                    "windowSize": "PT5M",
                    "allOf": [
                        {
                            "metricName": "ThrottledRequests",
                            "operator": "GreaterThan",
                            "threshold": "0",
                            "timeAggregation": "Total",
                            "metricValue": 42.0,
                            "dimensions": [{"name": "EntityName", "value": "backendqueue-eh"}],
                        }
                    ],
                },
            },
        },
    }


def as_webhook(alert: dict[str, Any], condition: str, at: datetime, rule: str | None = None) -> bytes:
    """The same alert, as an action group tells it."""
    essentials = alert["properties"]["essentials"]
    alerts = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts"
    body = {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": f"{alerts}/{alert['id'].rpartition('/')[2]}",
                "alertRule": rule or alert["name"],
                "severity": essentials["severity"],
                "signalType": essentials["signalType"],
                "monitorCondition": condition,
                "monitoringService": "Platform",
                "alertTargetIDs": [essentials["targetResource"]],
                "firedDateTime": essentials["startDateTime"],
                "resolvedDateTime": zulu(at) if condition == "Resolved" else None,
            },
            "alertContext": alert["properties"]["context"],
        },
    }
    return json.dumps(body).encode()


def instance(number: int) -> str:
    """The GUID of an instance of an alert."""
    return f"a1a1a1a1-0000-0000-0000-{number:012d}"


@asynccontextmanager
async def opened(timeout_seconds: float = 3.0, token: str = TOKEN) -> AsyncIterator[tuple[AzureRest, Rest]]:
    """The server, and the way to ask it through the real door."""
    door = Door(StillClock())
    async with AzureRest() as azure:
        try:
            yield azure, Rest(door.send, StaticTokens(token), url=azure.url, timeout_seconds=timeout_seconds)
        finally:
            await door.close()
