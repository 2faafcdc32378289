"""How does a request leave the worker, so that afterwards we know what may have happened?

The one outgoing door. Whoever changes the world must know whether a request
*may have arrived*, and aiohttp alone does not say: it sends GET, PUT and DELETE
a second time when a connection is lost, and its time-out looks the same before
the sending and after. Both are dealt with here.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import aiohttp
import stamina

from remediation.act.answer import MAY_HAVE_ARRIVED, Answer, Failure, retry_after
from remediation.ports import Clock

BODY_BYTES = 64 * 1024
"""What is read of an answer, unless the caller needs more."""

RETRY_WITHIN_SECONDS = 10.0
"""All attempts of one call together; what lasts longer is the outbox's to try again."""

_SHORT_WAIT_SECONDS = 2.0
_JSON = {"Content-Type": "application/json"}
_SAID_BY_US = {"User-Agent": "remediation", "Accept-Encoding": "identity"}


class ConnectionLostError(aiohttp.ClientError):
    """The connection was lost after the request went out: it may have had its effect."""


@dataclass(frozen=True, slots=True)
class Reply(Answer):
    """An answer with its headers; their names are read in any case."""

    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


class Door:
    """The only way out for our own HTTP requests. Follows no redirects and keeps no cookies."""

    def __init__(self, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        """Nothing is sent yet; `tls` says whom to trust, where that is not this machine's to say."""
        self._clock = clock
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, headers: Mapping[str, str], *, timeout_seconds: float) -> Answer:
        """Fetch, once. Never raises: no answer is an answer."""
        return await self.send("GET", url, headers, timeout_seconds=timeout_seconds)

    async def post_json(
        self,
        url: str,
        body: bytes,
        *,
        timeout_seconds: float,
        attempts: int = 1,
        repeatable: bool = False,
    ) -> Answer:
        """Post a JSON document. Never raises: no answer is an answer.

        Tries again, within ten seconds in all, where there was no connection, the other side failed
        or it asked for a short wait; where the request may have arrived, only if it is `repeatable`.
        """
        ends_at = asyncio.get_running_loop().time() + RETRY_WITHIN_SECONDS

        async def try_once() -> Answer:
            left = ends_at - asyncio.get_running_loop().time()
            seconds = max(min(timeout_seconds, left), 0.1)
            answer = await self.send("POST", url, _JSON, body, timeout_seconds=seconds)
            if _worth_another_try(answer, repeatable=repeatable):
                raise _TryAgainError(answer)
            return answer

        tries = stamina.retry_context(
            on=_pause,
            attempts=attempts,
            timeout=RETRY_WITHIN_SECONDS,
            wait_initial=0.2,
            wait_max=_SHORT_WAIT_SECONDS,
            wait_jitter=0.2,
        )
        try:
            async for attempt in tries:
                with attempt:
                    answer = await try_once()
        except _TryAgainError as last:
            return last.answer
        return answer

    async def send(  # noqa: PLR0913 - these are the parts of a request
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        timeout_seconds: float,
        body_bytes: int = BODY_BYTES,
    ) -> Reply:
        """Send one request, once. Never raises: no answer is an answer.

        Args:
            method: such as `PATCH`.
            url: where to.
            headers: of the request; they go before our own.
            body: of the request; its type stands in the headers.
            timeout_seconds: for all of it, from the connection to the end of the answer.
            body_bytes: what is read of the answer.
        """
        if self._session is None:
            self._session = session_that_tries_once(self._tls)
        # Rounded up to whole seconds by aiohttp, unless the threshold lies beyond.
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, ceil_threshold=timeout_seconds + 1)
        progress = SimpleNamespace(sent=False)
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers={**_SAID_BY_US, **headers},
                timeout=timeout,
                allow_redirects=False,
                trace_request_ctx=progress,
            ) as response:
                wait = retry_after(response.headers.get("Retry-After"), self._clock.now())
                begun, complete = await _beginning_of_body(response, body_bytes)
                return Reply(response.status, begun, complete, wait, headers=response.headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(None, failure=_failure(error, sent=progress.sent))

    async def close(self) -> None:
        """Give up connections. A later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def session_that_tries_once(tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """A session that sends every request at most once, whatever becomes of the connection.

    A lost connection is raised as `ConnectionLostError`. Connections are not
    kept: a kept one that the other side has closed meanwhile would look like a lost answer.
    """
    watch = aiohttp.TraceConfig()
    watch.on_request_headers_sent.append(_note_that_it_is_sent)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, ssl=tls or True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        middlewares=(_once,),
        trace_configs=[watch],
    )


def json_body(document: Any) -> bytes:
    """The document as UTF-8 JSON; half characters, which UTF-8 cannot carry, become `?`."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Hide a lost connection from aiohttp, which would send the request again."""
    try:
        return await send(request)
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
        raise  # nothing was sent, and aiohttp leaves these alone
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionLostError("connection lost after the request was sent") from error


async def _note_that_it_is_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _sent: aiohttp.TraceRequestHeadersSentParams
) -> None:
    progress = context.trace_request_ctx
    if progress is not None:
        progress.sent = True


async def _beginning_of_body(response: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    """The first bytes, and whether that is all. A body that breaks off does not undo the status."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > most:
                return bytes(body[:most]), False
    except (aiohttp.ClientError, OSError):
        return bytes(body), False
    return bytes(body), True


_BEFORE_SENDING = {
    aiohttp.ClientConnectorDNSError: Failure.NAME,
    aiohttp.ClientConnectorCertificateError: Failure.TLS,
    aiohttp.ClientSSLError: Failure.TLS,
    aiohttp.InvalidURL: Failure.INVALID,
    aiohttp.NonHttpUrlClientError: Failure.INVALID,
}


def _failure(error: Exception, *, sent: bool) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure.TIMED_OUT if sent else Failure.NOT_CONNECTED_IN_TIME
    for kind, failure in _BEFORE_SENDING.items():
        if isinstance(error, kind):
            return failure
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return Failure.REFUSED
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return Failure.LOST if sent else Failure.NO_CONNECTION
    return Failure.INVALID  # a header that cannot be written


class _TryAgainError(Exception):
    """Tells stamina to go on. Its text reaches the log, and therefore says nothing but the reason."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def _worth_another_try(answer: Answer, *, repeatable: bool) -> bool:
    if answer.failure in MAY_HAVE_ARRIVED:
        return repeatable
    if answer.failure:
        return answer.failure is not Failure.INVALID
    wait = answer.retry_after_seconds
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return wait is not None and wait <= _SHORT_WAIT_SECONDS
    return (answer.status or 0) >= 500 and (wait or 0.0) <= _SHORT_WAIT_SECONDS


def _pause(error: Exception) -> bool | float:
    """How long stamina is to wait: as the other side asked, otherwise as stamina sees fit."""
    if not isinstance(error, _TryAgainError):
        return False
    return error.answer.retry_after_seconds or True
