"""What stands in the place of PagerDuty, Teams, a HealthService, a storage account?

A real HTTP server on loopback. It answers as it was told, the last answer again
and again, and keeps what it was sent.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from rules.topology import SecretRef
from tests.builders import NOW

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StillClock:
    """A clock that stands at one moment."""

    def now(self) -> datetime:
        """Three in the morning."""
        return NOW


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class FarSide:
    """A server, running while the context is open."""

    def __init__(self, *answers: Answer) -> None:
        self.received: list[Received] = []
        self._answers = list(answers) or [says(202)]
        application = web.Application(client_max_size=10_000_000)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(application)

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return str(self._server.make_url("/")).rstrip("/")

    @property
    def port(self) -> int:
        """It listens on loopback."""
        return self._server.port or 0

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
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await answer(request)


def says(status: int, body: str | bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """An answer like this one."""
    content = body.encode() if isinstance(body, str) else body

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=content, headers=headers)

    return answer


def says_json(status: int, document: Any) -> Answer:
    """An answer with that document."""
    return says(status, json.dumps(document), {"Content-Type": "application/json"})


def hangs(seconds: float = 30.0) -> Answer:
    """No answer for a long time, though the request has arrived."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.Response()

    return answer


def hangs_up() -> Answer:
    """The request has arrived, and the connection is cut."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    return answer


def breaks_off(status: int, begun: bytes) -> Answer:
    """An answer whose body ends before it is whole."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(begun)
        if request.transport is not None:
            request.transport.close()
        return response

    return answer


def secrets(**values: str) -> Callable[[SecretRef], str | None]:
    """What the environment would hold."""
    return lambda ref: values.get(ref.name)
