"""How is one of Azure's REST interfaces asked, without believing everything that it answers?

The sources share one way to ask: with a token, within a time, for so many bytes
and pages. Whatever is not a document of the expected kind is no answer, and a
token is never shown to another host, whatever a link in an answer says.
"""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from remediation.probes.rounds import NotAnsweredError
from remediation.tokens import TokenUnavailableError

ARM_URL = "https://management.azure.com"

PAGES_MOST = 10
BODY_BYTES = 4 * 1024 * 1024
"""Of one answer. A page of 200 entities with all their signals has less than half of it."""

TIMEOUT_SECONDS = 3.0

_SAID_CHARACTERS = 160
_PORTS = {"http": 80, "https": 443}

Document = Mapping[str, Any]


class ListTooLongError(NotAnsweredError):
    """A list has more pages than are read."""


class Reply(Protocol):
    """What is needed of an answer; `status` is None and `reason` says why where there was none."""

    @property
    def status(self) -> int | None:
        """The HTTP status."""
        ...

    @property
    def body(self) -> bytes:
        """Its beginning."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the body is all there."""
        ...

    @property
    def retry_after_seconds(self) -> float | None:
        """How long the other side asked us to wait."""
        ...

    @property
    def reason(self) -> str:
        """A short phrase without secrets."""
        ...


class Send(Protocol):
    """One request that never raises: the outgoing door's `send`, to which probes are strangers."""

    async def __call__(  # noqa: PLR0913 - these are the parts of a request
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        timeout_seconds: float,
        body_bytes: int,
    ) -> Reply:
        """Send, once."""
        ...


class Bearer(Protocol):
    """Whoever has tokens to show."""

    async def bearer(self, scope: str) -> str:
        """A valid token for that scope.

        Raises:
            TokenUnavailableError: there is none now.
        """
        ...


class Rest:
    """One end point of Azure, or what stands in its place."""

    def __init__(
        self,
        send: Send,
        tokens: Bearer,
        *,
        url: str = ARM_URL,
        scope: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Nothing is sent yet.

        Args:
            send: the way out.
            tokens: who we are.
            url: the end point's; another one in sovereign clouds.
            scope: of the token; not given: the end point's own.
            timeout_seconds: for each request.
        """
        self._send = send
        self._tokens = tokens
        self._url = url.rstrip("/")
        self._scope = scope or f"{self._url}/.default"
        self.timeout_seconds = timeout_seconds

    async def post(self, path: str, question: Document, headers: Mapping[str, str] | None = None) -> Document:
        """The answer to a question; nothing is changed by it.

        Raises:
            NotAnsweredError: there is none.
        """
        body = json.dumps(question).encode()
        return await self._ask("POST", f"{self._url}{path}", body, headers or {})

    async def pages(self, path: str) -> AsyncIterator[list[Document]]:
        """The pages of a list, each asked for when it is wanted.

        Raises:
            ListTooLongError: there are more than ten pages; they have been given.
            NotAnsweredError: a page cannot be had.
        """
        url = f"{self._url}{path}"
        for _ in range(PAGES_MOST):
            page = await self._ask("GET", url, None)
            items, link = page.get("value"), page.get("nextLink")
            if not isinstance(items, list):
                raise NotAnsweredError("the answer holds no list")
            yield [item for item in items if isinstance(item, dict)]
            if not link:
                return
            if not self._is_ours(link):
                raise NotAnsweredError("the list goes on at another host")
            url = link
        raise ListTooLongError(f"the list has more than {PAGES_MOST} pages")

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Document:
        try:
            token = await self._tokens.bearer(self._scope)
        except TokenUnavailableError as error:
            raise NotAnsweredError(f"no token: {error}") from error
        reply = await self._send(
            method,
            url,
            {
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                **({} if body is None else {"Content-Type": "application/json"}),
                **(headers or {}),
            },
            body,
            timeout_seconds=self.timeout_seconds,
            body_bytes=BODY_BYTES,
        )
        if reply.status is None:
            raise NotAnsweredError(reply.reason)
        document = _document(reply.body) if reply.complete else {}
        if reply.status != HTTPStatus.OK:
            said = f"HTTP {reply.status} {error_of(document)}".strip().replace(token, "***")
            raise NotAnsweredError(said, reply.retry_after_seconds)
        if not reply.complete:
            raise NotAnsweredError("the answer is too long or broke off")
        if not document:
            raise NotAnsweredError("the answer is no JSON object")
        return document

    def _is_ours(self, link: object) -> bool:
        """Whether a link leads to the end point, or to a regional one beneath its name."""
        if not isinstance(link, str):
            return False
        try:
            ours, theirs = urlsplit(self._url), urlsplit(link)
            if _place(ours) != _place(theirs):
                return False
        except ValueError:
            return False  # no link at all
        ours_host, theirs_host = ours.hostname or "", theirs.hostname or ""
        return theirs_host == ours_host or theirs_host.endswith(f".{ours_host}")


def error_of(document: Document) -> str:
    """What an error object says, in one line; empty where there is none.

    Messages are long and speak to developers, and the code is enough, but for a
    question that is wrong in itself: its author needs to know where.
    """
    error = document.get("error")
    if not isinstance(error, dict):
        return ""
    code, inner = _text(error.get("code")), error.get("innererror")
    deeper = inner.get("innererror") if isinstance(inner, dict) else None
    innermost = next((each for each in (deeper, inner, error) if isinstance(each, dict)), error)
    message = _text(innermost.get("message")) if "BadArgument" in code else ""
    return line(f"{code}: {message}" if message else code)


def line(text: str) -> str:
    """A stranger's words on one line: bounded, printable."""
    kept = text if len(text) <= _SAID_CHARACTERS else text[: _SAID_CHARACTERS - 1] + "…"
    return "".join(letter if letter.isprintable() else " " for letter in kept).strip()


def identity(source: str, *parts: str) -> str:
    """The id of a fact: the same parts, the same id. Short, for what strangers name can be long."""
    summed = sha256()
    for part in parts:
        raw = part.encode("utf-8", "replace")
        summed.update(len(raw).to_bytes(8))
        summed.update(raw)
    return f"{source}/{summed.hexdigest()[:32]}"


def moment(text: object) -> datetime | None:
    """The moment that a timestamp of Azure means, aware UTC; without a zone it is UTC."""
    if not isinstance(text, str) or len(text) < len("2026-11-21T03:00:00"):
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # no such day, or an offset beyond the year 1 or 9999
        return None


def _document(body: bytes) -> Document:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _place(url: SplitResult) -> tuple[str, int | None]:
    return url.scheme, url.port or _PORTS.get(url.scheme)
