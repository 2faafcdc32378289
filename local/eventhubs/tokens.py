"""May this connection use that hub?

Clients put a shared access signature on `$cbs` for the address they are about to use. With a
key the signature and its expiry are checked; without one any token will do, as it
does on the emulator that Microsoft offers. What was granted holds for the address and all below it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX: Final = "SharedAccessSignature "
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class Authority:
    """Judges tokens by the key of the namespace; without a key it grants everything."""

    def __init__(self, key: str | None, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def open_gate(self) -> Gate:
        """A gate for one connection, closed unless there is no key."""
        return Gate(self._clock, is_open=self._key is None)

    def grant(self, token: str) -> tuple[str, float] | None:
        """The path a token grants and when that ends (seconds since 1970); None if it is no good."""
        pairs = (part.partition("=") for part in token.removeprefix(_PREFIX).split("&"))
        parts = {name: value for name, _, value in pairs}
        resource, expiry = parts.get("sr", ""), parts.get("se", "")
        path = path_of(unquote(resource))
        if self._key is None:
            return path, float("inf")
        if not _SECONDS.fullmatch(expiry) or int(expiry) <= self._clock():
            return None
        digest = hmac.new(self._key.encode(), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
        signature = unquote(parts.get("sig", ""))
        if not hmac.compare_digest(base64.b64encode(digest), signature.encode()):
            return None
        return path, float(expiry)


class Gate:
    """What one connection was granted."""

    def __init__(self, clock: Callable[[], float], *, is_open: bool) -> None:
        self._is_open = is_open
        self._clock = clock
        self._granted: dict[str, float] = {}

    def let_in(self, path: str, until: float) -> None:
        """Remember a grant."""
        self._granted[path] = until

    def allows(self, path: str) -> bool:
        """Whether a grant that has not ended covers the address `path`."""
        if self._is_open:
            return True
        wanted = path.lower() + "/"
        now = self._clock()
        return any(
            until > now and wanted.startswith(f"{granted}/" if granted else "")
            for granted, until in self._granted.items()
        )

    def allows_any(self) -> bool:
        """Whether any grant has not ended."""
        return self._is_open or any(until > self._clock() for until in self._granted.values())


def path_of(address: str) -> str:
    """The path of an address, be it a URL or a bare path, in lower case and without slashes around it."""
    _scheme, mark, rest = address.partition("://")
    path = rest.partition("/")[2] if mark else address
    return unquote(path).strip("/").lower()
