"""What does a stamp's HealthService say when it is asked directly, and what does that mean?

It answers 200 or 503 with a list of checks, as Azure's mission-critical
reference implementation does (`GET /health/stamp`). One of the checks is on the
state file: it fails in every drained stamp and says nothing about its health.

One that does not answer is asked at every tick all the same: a stamp that is
back, or a survivor that is not, must be seen within one.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from remediation.decide.looks import FRONT_DOOR, HealthLook
from remediation.ports import Clock
from rules.topology import Stamp, Workload

_CHARACTERS = 100
_UNNAMED = "unnamed check"


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
    def reason(self) -> str:
        """A short phrase without secrets."""
        ...


class Fetch(Protocol):
    """One request that never raises: the outgoing door's `get`, to which probes are strangers."""

    async def __call__(self, url: str, headers: Mapping[str, str], *, timeout_seconds: float) -> Reply:
        """Fetch, once."""
        ...


class HttpHealthServices:
    """The HealthServices of the stamps, over HTTP."""

    def __init__(
        self,
        fetch: Fetch,
        clock: Clock,
        front_door_id: Callable[[Stamp], str | None],
        *,
        timeout_seconds: float = 3.0,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._front_door_id = front_door_id
        self._timeout_seconds = timeout_seconds

    async def look(self, stamp: Stamp) -> HealthLook:
        """Ask one, once. Never raises: no answer is an answer."""
        return await self._ask(stamp.name, stamp.health_service, self._headers(stamp))

    async def look_through(self, workload: Workload) -> HealthLook | None:
        """Ask some stamp's through Front Door, as users come; None where no such way is configured."""
        if workload.front_door_url is None:
            return None
        return await self._ask(FRONT_DOOR, workload.front_door_url, {"Accept": "application/json"})

    async def _ask(self, name: str, url: str, headers: Mapping[str, str]) -> HealthLook:
        at = self._clock.now()
        reply = await self._fetch(url, headers, timeout_seconds=self._timeout_seconds)
        if reply.status is None:
            return HealthLook(name, at, None, reason=reply.reason)
        if not reply.complete:
            return HealthLook(name, at, reply.status, reason="the body is too long or broke off")
        checks = read_checks(reply.body)
        reason = "" if checks else "the body holds no list of checks"
        return HealthLook(name, at, reply.status, checks, reason)

    def _headers(self, stamp: Stamp) -> dict[str, str]:
        # The ingress of the reference implementation turns away what does not name its Front Door.
        front_door = self._front_door_id(stamp)
        return {"Accept": "application/json"} | ({"X-Azure-FDID": front_door} if front_door else {})


def read_checks(body: bytes) -> dict[str, bool]:
    """Component and whether it is healthy; empty if that cannot be read. Never raises.

    Names of fields may be in any case, other fields are ignored. Only the word
    `Healthy` is healthy; of two checks with one name the unhealthy one counts.
    """
    try:
        report = _lowered(json.loads(body))
    except (ValueError, RecursionError):
        return {}
    entries = report.get("checks")
    checks: dict[str, bool] = {}
    for entry in entries if isinstance(entries, list) else ():
        fields = _lowered(entry)
        name = _line(_text(fields.get("component"))) or _UNNAMED
        healthy = _text(fields.get("status")).lower() == "healthy"
        checks[name] = healthy and checks.get(name, True)
    return checks


def _lowered(value: Any) -> dict[str, Any]:
    return {str(key).lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_CHARACTERS]
