"""Does a token open what it was signed for, and nothing else?"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

import pytest

from local.eventhubs.tokens import Authority

KEY = "c2VjcmV0"
NOW = 1_700_000_000.0


def token(resource: str, *, key: str = KEY, expiry: str = str(int(NOW) + 60)) -> str:
    """A shared access signature as the SDK makes it."""
    quoted = quote(resource, safe="")
    digest = hmac.new(key.encode(), f"{quoted}\n{expiry}".encode(), hashlib.sha256).digest()
    signature = quote(base64.b64encode(digest), safe="")
    return f"SharedAccessSignature sr={quoted}&sig={signature}&se={expiry}&skn=name"


@pytest.mark.parametrize(
    ("resource", "address", "allowed"),
    [
        ("sb://127.0.0.1:5672/a", "a", True),
        ("sb://127.0.0.1:5672/A", "a/consumergroups/x/partitions/0", True),
        ("sb://127.0.0.1:5672/a", "ab", False),
        ("sb://127.0.0.1:5672/a/partitions/0", "a", False),
        ("sb://127.0.0.1:5672/", "anything", True),
    ],
)
def test_a_token_covers_its_address_and_what_lies_below(
    resource: str, address: str, *, allowed: bool
) -> None:
    """A token for a hub opens its partitions, and no hub whose name begins alike."""
    authority = Authority(KEY, lambda: NOW)
    gate = authority.open_gate()
    grant = authority.grant(token(resource))
    assert grant is not None
    assert not gate.allows_any()
    gate.let_in(*grant)
    assert gate.allows_any()
    assert gate.allows(address) is allowed


@pytest.mark.parametrize(
    "bad",
    [
        token("sb://x/a", key="other"),
        token("sb://x/a", expiry=str(int(NOW))),
        token("sb://x/a", expiry="9" * 5000),
        token("sb://x/a", expiry="soon"),
        token("sb://x/a").replace("%2Fa", "%2Fb"),
        "SharedAccessSignature sr=&sig=&se=",
        "",
    ],
)
def test_a_token_that_is_forged_or_over_is_refused(bad: str) -> None:
    """Neither another key, nor a changed address, nor an odd or past expiry gets in."""
    assert Authority(KEY, lambda: NOW).grant(bad) is None


def test_a_grant_ends_when_its_token_does() -> None:
    """What was open is closed again after the expiry."""
    now = NOW
    authority = Authority(KEY, lambda: now)
    gate = authority.open_gate()
    grant = authority.grant(token("sb://x/a"))
    assert grant is not None
    gate.let_in(*grant)
    assert gate.allows("a")
    now += 61
    assert not gate.allows("a")
    assert not gate.allows_any()


def test_without_a_key_everything_is_open() -> None:
    """A broker without a key asks for no token."""
    assert Authority(None).open_gate().allows("anything")
