"""Do we have a token whenever one can be had, and never wait long for it?"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from remediation.tokens import StaticTokens, Tokens, TokenUnavailableError
from tests.act.far_side import FarSide, says, says_json
from tests.builders import NOW

SCOPE = "https://management.azure.com/.default"
HOUR = timedelta(hours=1)


@dataclass(eq=False)
class Turned:
    """A clock that stands still until it is turned."""

    moment: datetime = NOW

    def now(self) -> datetime:
        """The moment."""
        return self.moment

    def turn(self, by: timedelta) -> None:
        """Let time pass."""
        self.moment += by


@dataclass(eq=False)
class Entra:
    """Entra ID, behind a credential.

    Attributes:
        clock: its own.
        lifetime: of the tokens it gives.
        down: what it says instead of a token.
        slow: for how long it says nothing.
        asked: the scopes, in the order of the questions.
        closed: how often its credential was closed.
    """

    clock: Turned = field(default_factory=Turned)
    lifetime: timedelta = HOUR
    down: Exception | None = None
    slow: float = 0.0
    asked: list[str] = field(default_factory=list)
    closed: int = 0

    async def get_token(self, *scopes: str) -> AccessToken:
        """A token that differs from all others."""
        self.asked.append(scopes[0])
        number = len(self.asked)
        await asyncio.sleep(self.slow)
        if self.down is not None:
            raise self.down
        return AccessToken(f"token {number}", int((self.clock.now() + self.lifetime).timestamp()))

    async def close(self) -> None:
        """Nothing is open."""
        self.closed += 1


@pytest.fixture
def entra() -> Entra:
    """Well, at first."""
    return Entra()


@pytest.fixture
async def tokens(entra: Entra) -> AsyncIterator[Tokens]:
    """Ours, closed afterwards."""
    tokens = Tokens(lambda: entra, entra.clock, timeout_seconds=0.5, patience_seconds=0.1)
    yield tokens
    await tokens.close()


async def test_a_token_is_asked_for_once(entra: Entra, tokens: Tokens) -> None:
    """Until five minutes before its end the token at hand is used."""
    assert await tokens.bearer(SCOPE) == "token 1"
    entra.clock.turn(HOUR - timedelta(minutes=6))
    assert await tokens.bearer(SCOPE) == "token 1"
    assert entra.asked == [SCOPE]


async def test_a_token_is_renewed_before_its_end(entra: Entra, tokens: Tokens) -> None:
    """Within five minutes of its end the next one is asked for, and used."""
    await tokens.bearer(SCOPE)
    entra.clock.turn(HOUR - timedelta(minutes=5))
    assert await tokens.bearer(SCOPE) == "token 2"
    assert await tokens.bearer(SCOPE) == "token 2"


async def test_each_scope_has_its_own_token(entra: Entra, tokens: Tokens) -> None:
    """A token for one service is never shown to another."""
    assert await tokens.bearer(SCOPE) == "token 1"
    assert await tokens.bearer("https://api.loganalytics.io/.default") == "token 2"
    assert await tokens.bearer(SCOPE) == "token 1"


async def test_many_callers_ask_once(entra: Entra, tokens: Tokens) -> None:
    """Looks at all stamps at once are one question, of each scope."""
    entra.slow = 0.05
    given = await asyncio.gather(*(tokens.bearer(scope) for scope in [SCOPE, "other"] * 10))
    assert sorted(entra.asked) == sorted([SCOPE, "other"])
    assert len(set(given)) == 2


@pytest.mark.parametrize(
    "down",
    [
        ClientAuthenticationError("AADSTS90033: a transient error has occurred"),
        ServiceRequestError("no connection"),
        CredentialUnavailableError("no identity"),
        ValueError("no JSON"),
        OSError("no network"),
    ],
)
async def test_p9_a_valid_token_outlives_entra(entra: Entra, tokens: Tokens, down: Exception) -> None:
    """Entra ID is down (F01): the token at hand is used to its end, and then we hold."""
    await tokens.bearer(SCOPE)
    entra.down = down
    entra.clock.turn(HOUR - timedelta(seconds=6))
    assert await tokens.bearer(SCOPE) == "token 1"
    entra.clock.turn(timedelta(seconds=2))  # a request takes its time
    with pytest.raises(TokenUnavailableError):
        await tokens.bearer(SCOPE)


async def test_entra_is_left_alone_after_a_failure(entra: Entra, tokens: Tokens) -> None:
    """While there is a valid token, a failing Entra ID is asked every half minute and not at every look."""
    await tokens.bearer(SCOPE)
    entra.down = ServiceRequestError("down")
    entra.clock.turn(HOUR - timedelta(minutes=4))
    for _ in range(5):
        assert await tokens.bearer(SCOPE) == "token 1"
    assert len(entra.asked) == 2
    entra.down = None
    entra.clock.turn(timedelta(seconds=30))
    assert await tokens.bearer(SCOPE) == "token 3"


async def test_without_a_token_every_caller_asks(entra: Entra, tokens: Tokens) -> None:
    """Having none, nobody is kept waiting for half a minute after Entra ID is back."""
    entra.down = ServiceRequestError("down")
    with pytest.raises(TokenUnavailableError):
        await tokens.bearer(SCOPE)
    entra.down = None
    assert await tokens.bearer(SCOPE) == "token 2"


async def test_a_slow_entra_keeps_nobody_waiting(entra: Entra, tokens: Tokens) -> None:
    """With a valid token at hand, the next one comes in its own time, and is used when it is there."""
    await tokens.bearer(SCOPE)
    entra.clock.turn(HOUR - timedelta(minutes=4))
    entra.slow = 0.3
    assert await tokens.bearer(SCOPE) == "token 1"
    await asyncio.sleep(0.4)
    assert await tokens.bearer(SCOPE) == "token 2"
    assert len(entra.asked) == 2


async def test_a_silent_entra_is_given_up(entra: Entra, tokens: Tokens) -> None:
    """Without a token, the time-out is the answer."""
    entra.slow = 60
    with pytest.raises(TokenUnavailableError, match="did not answer in time"):
        await tokens.bearer(SCOPE)


async def test_an_impatient_caller_leaves_the_token_to_the_next(entra: Entra, tokens: Tokens) -> None:
    """A look that is cut short does not cut short the question: otherwise there would never be a token."""
    entra.slow = 0.2
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await tokens.bearer(SCOPE)
    assert await tokens.bearer(SCOPE) == "token 1"
    assert len(entra.asked) == 1


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=4), timedelta(days=-10_000)])
async def test_a_token_that_is_over_is_none(entra: Entra, tokens: Tokens, lifetime: timedelta) -> None:
    """What would end on its way is not sent."""
    entra.lifetime = lifetime
    with pytest.raises(TokenUnavailableError, match="over already"):
        await tokens.bearer(SCOPE)


async def test_a_reason_holds_no_secret(entra: Entra, tokens: Tokens) -> None:
    """Entra's error code helps; its text can quote what was sent."""
    entra.down = ClientAuthenticationError(
        "AADSTS7000215: Invalid client secret 'S3cret' at https://host/?x=S3cret"
    )
    with pytest.raises(TokenUnavailableError) as raised:
        await tokens.bearer(SCOPE)
    assert str(raised.value) == "AADSTS7000215 (ClientAuthenticationError)"


async def test_a_credential_that_cannot_be_made_is_no_crash(entra: Entra) -> None:
    """A wrong setting of the identity is a reason like any other."""

    def make() -> Entra:
        raise ValueError("client id and identity config given both")

    tokens = Tokens(make, entra.clock)
    with pytest.raises(TokenUnavailableError, match="ValueError"):
        await tokens.bearer(SCOPE)
    await tokens.close()


async def test_closing_ends_questions_and_can_be_undone(entra: Entra, tokens: Tokens) -> None:
    """A caller that waits is told, nothing is left running, and a later use asks again."""
    entra.slow = 60
    waiting = asyncio.create_task(tokens.bearer(SCOPE))
    await asyncio.sleep(0.01)
    await tokens.close()
    with pytest.raises(TokenUnavailableError, match="given up"):
        await waiting
    assert entra.closed == 1
    entra.slow = 0
    assert await tokens.bearer(SCOPE) == "token 2"


async def test_static_tokens_are_the_same_for_all() -> None:
    """For stand-ins of Azure."""
    assert await StaticTokens("T").bearer(SCOPE) == "T"


_WORKER = """
import asyncio, sys
from datetime import UTC, datetime
from remediation.tokens import Tokens, TokenUnavailableError, default_credential

class Clock:
    def now(self):
        return datetime.now(UTC)

async def main():
    tokens = Tokens(default_credential, Clock(), timeout_seconds=float(sys.argv[1]))
    for _ in range(2):
        try:
            print(await tokens.bearer("https://management.azure.com/.default"))
        except TokenUnavailableError as error:
            print(f"none: {error}")
    await tokens.close()

asyncio.run(main())
"""


async def a_function_app(identity_endpoint: str, timeout_seconds: float) -> list[str]:
    """What a process prints that has a managed identity, as the Functions host gives it one."""
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _WORKER, str(timeout_seconds)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "IDENTITY_ENDPOINT": identity_endpoint, "IDENTITY_HEADER": "HEADER"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.splitlines()


@pytest.mark.slow
async def test_azure_identity_gives_a_token_of_the_functions_host() -> None:
    """The real library, in a process of its own: one question to the host's end point is enough."""
    ends_on = int((NOW + timedelta(days=3650)).timestamp())
    token = {"access_token": "MANAGED", "expires_on": str(ends_on), "resource": "x", "token_type": "Bearer"}
    async with FarSide(says_json(200, token)) as host:
        said = await a_function_app(f"{host.url}/msi/token", 20)
    assert said == ["MANAGED", "MANAGED"]
    [request] = host.received
    assert "management.azure.com" in request.path
    assert request.headers["X-IDENTITY-HEADER"] == "HEADER"


@pytest.mark.slow
async def test_azure_identity_that_fails_is_held_in_time() -> None:
    """The real library tries a failing end point again and again; our time-out ends that."""
    async with FarSide(says(500, json.dumps({"error": "S3cret"}))) as host:
        said = await a_function_app(f"{host.url}/msi/token", 2)
    assert len(said) == 2
    assert all(line.startswith("none: ") for line in said)
    assert "S3cret" not in "".join(said)
