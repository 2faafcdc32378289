"""Who are we to Azure?

Every request to Azure carries a token of Entra ID, and Entra ID can be down. A
token that is still valid is used to its end, and asking for the next one never
keeps a caller waiting for long: a look that waits too long is a look that failed.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from remediation.ports import Clock

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential

REFRESH_BEFORE = timedelta(minutes=5)
"""So long before a token's end the next one is asked for."""

TRY_AGAIN_AFTER = timedelta(seconds=30)
"""So long Entra ID is left alone after a failure, while there is a valid token."""

ON_THE_WAY = timedelta(seconds=5)
"""A token that ends while a request is on its way would be answered 401, as if we had no right at all."""

_ENTRA_CODE = re.compile(r"\bAADSTS\d+\b")


class TokenUnavailableError(Exception):
    """There is no token, and nothing was sent. The reason holds no secret, for it is made of our words."""


class AccessToken(Protocol):
    """A token, and its end in seconds since 1970."""

    @property
    def token(self) -> str:
        """As it stands in the header."""
        ...

    @property
    def expires_on(self) -> int:
        """By the clock of Entra ID."""
        ...


class Credential(Protocol):
    """What gives tokens: any asynchronous credential of `azure-identity`."""

    async def get_token(self, *scopes: str) -> AccessToken:
        """Ask for one."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...


class Bearer(Protocol):
    """Whoever has tokens to show."""

    async def bearer(self, scope: str) -> str:
        """A valid token for that scope.

        Raises:
            TokenUnavailableError: there is none now.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    expires_at: datetime


class Tokens:
    """Tokens of Entra ID, one per scope, kept in memory while they are valid."""

    def __init__(
        self,
        credential: Callable[[], Credential],
        clock: Clock,
        *,
        timeout_seconds: float = 8.0,
        patience_seconds: float = 1.0,
    ) -> None:
        """Nothing is asked for yet.

        Args:
            credential: makes the credential at the first use.
            clock: tells when a token ends.
            timeout_seconds: how long Entra ID may take for one token.
            patience_seconds: how long a caller waits for a new token while the old one is valid.
        """
        self._make_credential = credential
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._patience_seconds = patience_seconds
        self._credential: Credential | None = None
        self._held: dict[str, _Held] = {}
        self._left_alone_until: dict[str, datetime] = {}
        self._requests: dict[str, asyncio.Task[_Held | str]] = {}

    async def bearer(self, scope: str) -> str:
        """A valid token for that scope: the one at hand, or a new one within five minutes of its end.

        Raises:
            TokenUnavailableError: there is no valid token at hand, and no new one was given.
        """
        now = self._clock.now()
        held = self._held.get(scope)
        valid = held if held is not None and now < held.expires_at else None
        if valid is not None and not self._is_due(scope, valid, now):
            return valid.token
        request = self._request(scope)
        # A caller that is cancelled leaves the request to go on: the next one will find its token.
        await asyncio.wait({request}, timeout=None if valid is None else self._patience_seconds)
        answer = request.result() if request.done() and not request.cancelled() else "given up"
        if isinstance(answer, _Held):
            return answer.token
        if valid is not None:
            return valid.token
        raise TokenUnavailableError(answer)

    async def close(self) -> None:
        """Give up connections and requests. A later use makes a new credential; tokens stay."""
        requests = list(self._requests.values())
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()

    def _is_due(self, scope: str, held: _Held, now: datetime) -> bool:
        left_alone_until = self._left_alone_until.get(scope)
        if left_alone_until is not None and now < left_alone_until:
            return False
        return now >= held.expires_at - REFRESH_BEFORE

    def _request(self, scope: str) -> "asyncio.Task[_Held | str]":
        """The one request for that scope: the one under way, or a new one."""
        request = self._requests.get(scope)
        if request is None:
            request = asyncio.create_task(self._ask(scope))
            self._requests[scope] = request
            request.add_done_callback(lambda _: self._requests.pop(scope, None))
        return request

    async def _ask(self, scope: str) -> _Held | str:
        """A new token, or why there is none."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - slow, and often not needed

        try:
            async with asyncio.timeout(self._timeout_seconds):
                given = await self._identity().get_token(scope)
            answer = _held(given, self._clock.now())
        except TimeoutError:
            answer = "Entra ID did not answer in time"
        except (AzureError, OSError, ValueError, OverflowError) as error:
            answer = _words(error)
        if isinstance(answer, _Held):
            self._held[scope] = answer
            self._left_alone_until.pop(scope, None)
        else:
            self._left_alone_until[scope] = self._clock.now() + TRY_AGAIN_AFTER
        return answer

    def _identity(self) -> Credential:
        if self._credential is None:
            self._credential = self._make_credential()
        return self._credential


class StaticTokens:
    """One token for everything, for tests and for stand-ins of Azure on one machine."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def bearer(self, scope: str) -> str:  # noqa: ARG002 - the same for all
        """That token."""
        return self._token

    async def close(self) -> None:
        """There is nothing to close."""


def default_credential(client_id: str | None = None) -> "DefaultAzureCredential":
    """Managed identity on Azure, the developer's own sign-in elsewhere.

    Args:
        client_id: of a user-assigned identity; without it, the system's own is taken.
    """
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - slow, and often not needed

    return DefaultAzureCredential(managed_identity_client_id=client_id)


def _held(given: AccessToken, now: datetime) -> _Held | str:
    held = _Held(given.token, datetime.fromtimestamp(given.expires_on, UTC) - ON_THE_WAY)
    return held if now < held.expires_at else "Entra ID gave a token that is over already"


def _words(error: Exception) -> str:
    """What went wrong. The error's own text is not used: it can quote what was sent."""
    code = _ENTRA_CODE.search(str(error))
    return f"{code[0]} ({type(error).__name__})" if code else type(error).__name__
