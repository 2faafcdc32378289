"""How do we read and change a resource of Azure, so that we know what came of it?

By Azure Resource Manager's REST interface. Reading, changing and following an
operation are all that is needed, and a change must be sent once, so there is
no SDK here. A token is never shown to another host, whatever an answer's links say.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from remediation.act.arm_operation import (
    Operation,
    OperationState,
    Told,
    document_of,
    followed,
    is_success,
    not_arm,
    outcome_of_refusal,
    read_resource,
    right_to,
)
from remediation.act.http import BODY_BYTES, Door, Reply, json_body
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.tokens import Bearer, TokenUnavailableError

AZURE_URL = "https://management.azure.com"
AZURE_SCOPE = "https://management.azure.com/.default"

_PAGES_MOST = 10
_PAGE_BYTES = 16 * BODY_BYTES
_PORTS = {"http": 80, "https": 443}


class ArmError(Exception):
    """A request came to nothing; `outcome` says why, and whether it can have had an effect."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Arm:
    """Azure Resource Manager, or what stands in its place."""

    def __init__(  # noqa: PLR0913 - all but two have a default
        self,
        door: Door,
        tokens: Bearer,
        *,
        url: str = AZURE_URL,
        scope: str = AZURE_SCOPE,
        timeout_seconds: float = 3.0,
        pause_seconds: float = 1.0,
    ) -> None:
        """Nothing is sent yet.

        Args:
            door: the way out.
            tokens: who we are.
            url: the end point's; another one in sovereign clouds.
            scope: of the token.
            timeout_seconds: for each question; a change has its own.
            pause_seconds: between two questions for an operation, where Azure asks for no longer wait.
        """
        self._door = door
        self._tokens = tokens
        self._url = url.rstrip("/")
        self._scope = scope
        self._timeout_seconds = timeout_seconds
        self._pause_seconds = pause_seconds

    async def get(self, resource_id: str, api_version: str) -> Mapping[str, Any]:
        """The resource.

        Raises:
            ArmError: it cannot be had; never with an `unknown` outcome, for reading changes nothing.
        """
        return await self._document(self._url_of(resource_id, api_version), resource_id)

    async def collection(self, collection_id: str, api_version: str) -> list[Mapping[str, Any]]:
        """All resources of a collection, whole pages or nothing.

        Raises:
            ArmError: some of it cannot be had.
        """
        url = self._url_of(collection_id, api_version)
        found: list[Mapping[str, Any]] = []
        for _ in range(_PAGES_MOST):
            page = await self._document(url, collection_id)
            value, link = page.get("value"), page.get("nextLink")
            if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
                raise ArmError(not_arm())
            found += value
            if not link:
                return found
            if not self._is_ours(link):
                raise ArmError(Outcome(OutcomeKind.REFUSED, "the list goes on at another host"))
            url = link
        raise ArmError(Outcome(OutcomeKind.REFUSED, f"the list has more than {_PAGES_MOST} pages"))

    async def patch(
        self,
        resource_id: str,
        api_version: str,
        change: Mapping[str, Any],
        *,
        timeout_seconds: float,
        begin_by: float | None = None,
    ) -> Operation:
        """Ask for a change, once.

        Args:
            resource_id: of what.
            api_version: of the request.
            change: the part of the resource that is to change.
            timeout_seconds: for the request.
            begin_by: the moment, by the event loop's clock, after which it is not sent any more.

        Raises:
            ArmError: it was not accepted, or that cannot be known.
        """
        url = self._url_of(resource_id, api_version)
        token = await self._token()
        if begin_by is not None and asyncio.get_running_loop().time() > begin_by:
            raise ArmError(Outcome(OutcomeKind.TRANSIENT, "too late: what was seen before has grown old"))
        headers = _headers(token) | {"Content-Type": "application/json"}
        reply = await self._door.send(
            "PATCH", url, headers, json_body(change), timeout_seconds=timeout_seconds
        )
        if not is_success(reply):
            raise ArmError(outcome_of_refusal(reply, right_to("write", resource_id), token, changes=True))
        return self._accepted(reply, url, token)

    async def poll(self, operation: Operation) -> Operation:
        """The operation as it is now: one question, no waiting. Never raises: no answer leaves it running."""
        if operation.state is not OperationState.RUNNING:
            return operation
        try:
            token = await self._token()
        except ArmError as error:
            return replace(operation, reason=error.outcome.reason, wait_seconds=None)
        reply = await self._door.send(
            "GET", operation.url, _headers(token), timeout_seconds=self._timeout_seconds
        )
        return followed(replace(operation, wait_seconds=reply.retry_after_seconds), reply, token)

    async def follow(self, operation: Operation, until: float) -> Operation:
        """Ask until it is over, or until that moment by the event loop's clock.

        No more often than Azure asks, and a wait that would end later is not begun.
        """
        clock = asyncio.get_running_loop().time
        while operation.state is OperationState.RUNNING:
            wait = max(operation.wait_seconds or 0.0, self._pause_seconds)
            if clock() + wait > until:
                break
            await asyncio.sleep(wait)
            operation = await self.poll(operation)
        return operation

    async def _document(self, url: str, resource_id: str) -> Mapping[str, Any]:
        token = await self._token()
        reply = await self._door.send(
            "GET", url, _headers(token), timeout_seconds=self._timeout_seconds, body_bytes=_PAGE_BYTES
        )
        if not is_success(reply):
            raise ArmError(outcome_of_refusal(reply, right_to("read", resource_id), token, changes=False))
        document = document_of(reply)
        if document is None:
            raise ArmError(not_arm())
        return document

    async def _token(self) -> str:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._tokens.bearer(self._scope)
        except TokenUnavailableError as error:
            raise ArmError(Outcome(OutcomeKind.TRANSIENT, f"no token: {error}")) from error
        except TimeoutError as error:
            raise ArmError(Outcome(OutcomeKind.TRANSIENT, "no token: timed out")) from error

    def _url_of(self, resource_id: str, api_version: str) -> str:
        return f"{self._url}{quote(resource_id, safe='/()')}?api-version={quote(api_version)}"

    def _accepted(self, reply: Reply, url: str, token: str) -> Operation:
        """The operation that an accepted change has become; its links count only if they are Azure's own."""
        running = Operation(OperationState.RUNNING, url, Told.RESOURCE, "accepted", reply.retry_after_seconds)
        for header, told in (("Azure-AsyncOperation", Told.STATUS), ("Location", Told.LOCATION)):
            link = reply.headers.get(header, "")
            if link and self._is_ours(link) and (told is Told.STATUS or reply.status == HTTPStatus.ACCEPTED):
                return replace(running, url=link, told=told)
        if reply.status == HTTPStatus.ACCEPTED:
            return running
        return read_resource(running, document_of(reply), token)

    def _is_ours(self, link: Any) -> bool:
        """Whether a link leads to the end point, or to a regional one beneath its name."""
        try:
            ours, theirs = urlsplit(self._url), urlsplit(link)
            same_place = _place(ours) == _place(theirs)
        except (ValueError, AttributeError, TypeError):
            return False  # no link at all
        ours_host, theirs_host = ours.hostname or "", theirs.hostname or ""
        return same_place and (theirs_host == ours_host or theirs_host.endswith(f".{ours_host}"))


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def _place(url: SplitResult) -> tuple[str, int | None]:
    return url.scheme, url.port or _PORTS.get(url.scheme)
