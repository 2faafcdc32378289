"""How does an HTTP request reach its function, and the answer the caller?

aiohttp listens; azure-functions' own converters build the request and read the response, so that a function
sees here what Microsoft's worker would give it.
"""

import hmac
import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from azure.functions.http import HttpRequestConverter, HttpResponseConverter
from azure.functions.meta import Datum

from local.functions_host.bindings import HttpTrigger
from local.functions_host.errors import HostError
from local.functions_host.invocation import Callee, Invoker, TraceContext

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class HttpFunction:
    """A function and the requests that are its own."""

    callee: Callee
    trigger: HttpTrigger

    def takes(self, method: str) -> bool:
        """Whether the function takes this method at all."""
        return not self.trigger.methods or method in self.trigger.methods


@dataclass(frozen=True)
class Listen:
    """Where the host listens, and for whom."""

    host: str
    port: int  # 0: any free one
    function_key: str | None
    max_body_bytes: int
    stop_within_s: float


def check_exposure(listen: Listen) -> None:
    """Refuse to listen beyond this machine without a key.

    Raises:
        HostError: The address is not a loopback one and there is no function key.
    """
    if listen.function_key or listen.host.lower() == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(listen.host).is_loopback
    except ValueError:  # a name, which may resolve to anything
        loopback = False
    if not loopback:
        raise HostError(
            f"without a function key the host listens on loopback only, not on {listen.host!r}: "
            "give a function_key, or listen on 127.0.0.1"
        )


def check_routes(functions: Sequence[HttpFunction]) -> None:
    """Refuse two functions for the same requests.

    Raises:
        HostError: Two functions share a route and a method.
    """
    for index, one in enumerate(functions):
        for other in functions[:index]:
            same = one.trigger.route.pattern == other.trigger.route.pattern
            methods, others = one.trigger.methods, other.trigger.methods
            if same and (not methods or not others or methods & others):
                raise HostError(
                    f"functions {other.callee.name} and {one.callee.name} share the route "
                    f"/{one.trigger.route.template}"
                )


class HttpServer:
    """Serves the app's HTTP functions."""

    def __init__(self, functions: Sequence[HttpFunction], invoker: Invoker, listen: Listen) -> None:
        check_exposure(listen)
        check_routes(functions)
        self._functions = sorted(functions, key=lambda each: each.trigger.route.looseness)
        self._invoker = invoker
        self._listen = listen
        self._runner: web.AppRunner | None = None
        self._port = listen.port

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        host = f"[{self._listen.host}]" if ":" in self._listen.host else self._listen.host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            HostError: The address cannot be bound.
        """
        app = web.Application(client_max_size=self._listen.max_body_bytes)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=self._listen.stop_within_s)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._listen.host, self._listen.port).start()
        except OSError as error:
            await runner.cleanup()
            raise HostError(f"cannot listen on {self.url}: {error.strerror or error}") from error
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Take no more requests, and let those in flight finish within the bound."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        for function in self._functions:
            parameters = function.trigger.route.match(path)
            if parameters is not None and function.takes(request.method):
                if function.trigger.needs_key and not self._has_key(request):
                    return web.Response(status=HTTPStatus.UNAUTHORIZED)
                return await self._call(function, request, dict(parameters))
        # Also for a known route with another method: the real host's routes are constrained by method.
        return web.Response(status=HTTPStatus.NOT_FOUND)

    def _has_key(self, request: web.Request) -> bool:
        key = self._listen.function_key
        if not key:
            return True
        given = request.headers.get("x-functions-key") or request.query.get("code", "")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), key.encode())

    async def _call(
        self, function: HttpFunction, request: web.Request, parameters: dict[str, str]
    ) -> web.StreamResponse:
        if (request.content_length or 0) > self._listen.max_body_bytes:
            return web.Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)  # before reading any of it
        body = await request.read()
        trace = TraceContext(request.headers.get("traceparent", ""), request.headers.get("tracestate", ""))
        outcome = await self._invoker.invoke(
            function.callee, lambda: _decode(request, parameters, body), _encode, trace=trace
        )
        if isinstance(outcome.value, web.Response):
            return outcome.value
        # The reason stands in the log; a caller is told nothing about the inside of the app.
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)


def _decode(request: web.Request, parameters: dict[str, str], body: bytes) -> Any:
    http = {
        "method": Datum(request.method, "string"),
        "url": Datum(str(request.url), "string"),
        "headers": _joined(request.headers.items()),
        "query": _joined(request.query.items()),
        "params": {name: Datum(value, "string") for name, value in parameters.items()},
        "body": Datum(body, "bytes"),
    }
    return HttpRequestConverter.decode(Datum(http, "http"), trigger_metadata={})


def _joined(pairs: Any) -> dict[str, Datum]:
    # The real host joins what is given several times with commas.
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: Datum(",".join(several), "string") for name, several in values.items()}


def _encode(answer: Any) -> web.Response:
    try:
        datum = HttpResponseConverter.encode(answer, expected_type=None)
    except NotImplementedError:
        raise TypeError(f"an HTTP function answered with {type(answer).__name__}, not HttpResponse") from None
    if datum.type == "string":
        return web.Response(text=datum.value)
    value = datum.value
    response = web.Response(status=int(value["status_code"].value), body=value["body"].value)
    for name, header in value["headers"].items():
        response.headers[name] = header.value
    for cookie in value["cookies"] or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response
