"""What stands in the place of Azure Resource Manager, as far as it knows origins of Front Door?

A real HTTP server on loopback that keeps origins, carries out changes as long
operations, and has faults to be switched on. It asks for a token and an API
version as Azure does, and writes down every request.
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.act.far_side import Answer, Received

TOKEN = "TOKEN-OF-ENTRA-ID"
GROUP = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop-global-rg"
    "/providers/Microsoft.Cdn/profiles/shop-fd/originGroups/BackendApis"
)
OPERATIONS = "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Cdn/operationresults"


def origin_id(name: str) -> str:
    """The resource id of an origin of the group."""
    return f"{GROUP}/origins/{name}"


@dataclass(eq=False)
class Change:
    """A change under way.

    Attributes:
        name: of the origin.
        before: its properties, to go back to if the change fails.
        after: its properties, if it succeeds.
        polls: how many questions are still answered "in progress".
        over: it is done or has failed.
    """

    name: str
    before: dict[str, Any]
    after: dict[str, Any]
    polls: int
    over: bool = False


@dataclass(eq=False)
class ArmServer:
    """Azure Resource Manager, running while the context is open.

    Attributes:
        origins: documents by name.
        received: all requests, in the order of their coming.
        faults: answers given instead, by kind of request (`GET origin`, `GET origins`, `PATCH origin`,
            `GET operation`), used up in their order.
        after_effect: the answer to a change that was carried out, instead of the true one.
        before: told the kind of each request before it is answered.
        polls_in_progress: for how many questions a change is in progress; 0: it is done at once.
        told: the header that names the operation; None: there is none.
        link: in the place of the operation's true address.
        retry_after: what each answer about an operation asks for.
        shows_at_once: an origin shows the new properties while the change is in progress.
        operation_error: a change fails in the end, with this error.
        page_size: of a collection.
        next_link: in the place of the next page's true address.
    """

    origins: dict[str, dict[str, Any]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    faults: dict[str, list[Answer]] = field(default_factory=dict)
    after_effect: Answer | None = None
    before: Callable[[str], None] = lambda _: None
    polls_in_progress: int = 0
    told: str | None = "Azure-AsyncOperation"
    link: str | None = None
    retry_after: str | None = None
    shows_at_once: bool = False
    operation_error: Mapping[str, str] | None = None
    page_size: int = 100
    next_link: str | None = None

    def __post_init__(self) -> None:
        """The application; it is served while the context is open."""
        self._changes: dict[str, Change] = {}
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(application)

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return str(self._server.make_url("/")).rstrip("/")

    def has(self, name: str, enabled_state: str = "Enabled", **properties: Any) -> None:
        """An origin of that name."""
        self.origins[name] = {
            "id": origin_id(name),
            "name": name,
            "type": "Microsoft.Cdn/profiles/originGroups/origins",
            "properties": {
                "hostName": f"{name}.example",
                "enabledState": enabled_state,
                "weight": 100,
                "priority": 1,
                "provisioningState": "Succeeded",
                "deploymentStatus": "NotStarted",
                **properties,
            },
        }

    def shows(self, name: str) -> dict[str, Any]:
        """The properties of an origin, to be read or changed by other hands."""
        properties: dict[str, Any] = self.origins[name]["properties"]
        return properties

    def kinds(self) -> list[str]:
        """The kinds of all requests so far."""
        return [_kind(each.method, each.path.partition("?")[0]) for each in self.received]

    def changes(self) -> list[Any]:
        """The bodies of all changes that were asked for."""
        return [each.json for each in self.received if each.method == "PATCH"]

    async def __aenter__(self) -> Self:
        """Start it."""
        await self._server.start_server()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        await self._server.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.received.append(Received(request.method, request.path_qs, dict(request.headers), body))
        kind = _kind(request.method, request.path)
        self.before(kind)
        if self.faults.get(kind):
            return await self.faults[kind].pop(0)(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        if "api-version" not in request.query:
            return _error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        answers = {
            "GET origin": self._origin,
            "GET origins": self._collection,
            "PATCH origin": self._patch,
            "GET operation": self._operation,
        }
        return await answers[kind](request) if kind in answers else _error(404, "InvalidResourceType", "No.")

    async def _origin(self, request: web.Request) -> web.StreamResponse:
        document = self._found(request)
        if document is None:
            return _not_found()
        if self.told is None:
            for change in list(self._changes.values()):
                self._go_on(change)
        return web.json_response(document)

    async def _collection(self, request: web.Request) -> web.StreamResponse:
        if request.path.lower() != f"{GROUP}/origins".lower():
            return _not_found()
        begin = int(request.query.get("skip", "0"))
        page: dict[str, Any] = {"value": list(self.origins.values())[begin : begin + self.page_size]}
        if begin + self.page_size < len(self.origins):
            here = f"{self.url}{request.path}?api-version=1&skip={begin + self.page_size}"
            page["nextLink"] = self.next_link or here
        return web.json_response(page)

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        document = self._found(request)
        if document is None:
            return _not_found()
        if request.content_type != "application/json":
            return _error(415, "UnsupportedMediaType", "The content media type is not supported.")
        properties = document["properties"]
        if properties["provisioningState"] not in {"Succeeded", "Failed"}:
            return _error(409, "Conflict", "Another operation is in progress.")
        change = self._begin(document["name"], json.loads(await request.read())["properties"])
        if self.after_effect is not None:
            return await self.after_effect(request)
        if not change.polls and self.operation_error is None:
            self._finish(change)
            return web.json_response(document)
        return web.json_response(document, status=202, headers=self._headers_of(change))

    async def _operation(self, request: web.Request) -> web.StreamResponse:
        change = self._changes.get(request.path.rpartition("/")[2])
        if change is None:
            return _error(404, "NotFound", "No such operation.")
        over = self._go_on(change)
        if self.told == "Location":
            return self._by_status(change, over=over)
        state = "InProgress" if not over else "Failed" if self.operation_error else "Succeeded"
        failed = {"error": dict(self.operation_error)} if over and self.operation_error else {}
        return web.json_response({"status": state, **failed}, headers=self._headers_of(change))

    def _by_status(self, change: Change, *, over: bool) -> web.Response:
        if not over:
            return web.Response(status=202, headers=self._headers_of(change))
        if self.operation_error:
            return _error(400, self.operation_error["code"], self.operation_error["message"])
        return web.json_response(self.origins[change.name])

    def _begin(self, name: str, properties: Mapping[str, Any]) -> Change:
        before = deepcopy(self.shows(name))
        change = Change(name, before, before | dict(properties), self.polls_in_progress)
        self._changes[str(len(self._changes) + 1)] = change
        self.shows(name)["provisioningState"] = "Updating"
        if self.shows_at_once:
            self.shows(name).update(properties)
        if self.after_effect is not None:
            self._finish(change)
        return change

    def _go_on(self, change: Change) -> bool:
        """One question more was asked; whether the change is over."""
        if change.polls:
            change.polls -= 1
            return False
        self._finish(change)
        return True

    def _finish(self, change: Change) -> None:
        if change.over:
            return
        change.over = True
        failed = self.operation_error is not None
        state = {"provisioningState": "Failed" if failed else "Succeeded"}
        self.shows(change.name).update((change.before if failed else change.after) | state)

    def _headers_of(self, change: Change) -> dict[str, str]:
        number = next(key for key, value in self._changes.items() if value is change)
        headers = {"Retry-After": self.retry_after} if self.retry_after else {}
        if self.told:
            headers[self.told] = self.link or f"{self.url}{OPERATIONS}/{number}?api-version=1"
        return headers

    def _found(self, request: web.Request) -> dict[str, Any] | None:
        paths = {origin_id(name).lower(): name for name in self.origins}
        name = paths.get(request.path.lower())
        return self.origins[name] if name else None


def _kind(method: str, path: str) -> str:
    *_, before_last, last = path.lower().split("/")
    if before_last == "operationresults":
        return f"{method} operation"
    return f"{method} {'origins' if last == 'origins' else 'origin'}"


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _not_found() -> web.Response:
    return _error(404, "ResourceNotFound", "The resource was not found.")
