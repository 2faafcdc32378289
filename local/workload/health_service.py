"""What answers for a stamp when Front Door, or the worker, asks how it is?

A HealthService as in Azure's mission-critical reference implementation: it runs
its checks all at once and within one time-out, keeps the report for a while, and
answers 200 if every check is healthy, else 503, with a body that lists them. One
of the checks is whether the state file is there: deleting it drains the stamp.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from local.workload.database import Database, DatabaseUnavailableError
from local.workload.sender import HEALTHCHECK, Sender, SendError
from local.workload.telemetry import QueryFailedError
from rules.signals import Health

PATH = "/healthservice/health/stamp"
STATE_FILE_CHECK = "BlobStorage"
MESSAGE_PRODUCER_CHECK = "MessageProducer"

Check = Callable[[], Awaitable[bool]]
"""One look at something that the stamp needs; False if it is not well."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found."""

    component: str
    healthy: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What all checks found."""

    # The reference gives local time without a zone; so do we.
    at: datetime
    checks: tuple[Checked, ...]

    @property
    def healthy(self) -> bool:
        """Every check is."""
        return all(check.healthy for check in self.checks)

    def failing(self) -> list[str]:
        """The components that are not."""
        return [check.component for check in self.checks if not check.healthy]


class HealthService:
    """One stamp's HealthService."""

    def __init__(
        self, checks: Mapping[str, Check], *, cache: timedelta, timeout: timedelta = timedelta(seconds=20)
    ) -> None:
        """Say what to check.

        Args:
            checks: by component.
            cache: how long a report is kept; for zero every request gets its own, and `run` is not needed.
            timeout: for all checks together; one that takes longer is not healthy.
        """
        self.report: Report | None = None
        self._checks = dict(checks)
        self._cache = cache
        self._timeout = timeout

    async def run(self) -> None:
        """Check on and on; a period is the time of the checks plus the cache's, as in the reference."""
        while True:
            self.report = await self.examine()
            await asyncio.sleep(self._cache.total_seconds())

    async def examine(self) -> Report:
        """Run all checks at once."""
        found = await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))
        return Report(datetime.now(), tuple(found))  # noqa: DTZ005 - see Report

    async def _run(self, component: str, check: Check) -> Checked:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                healthy = await check()
        except TimeoutError:
            healthy = False
        return Checked(component, healthy, time.monotonic() - began)

    def serve_in(self, app: web.Application) -> None:
        """Answer at `PATH` of an application."""
        app.router.add_get(PATH, self._answer)

    async def _answer(self, _: web.Request) -> web.Response:
        report = self.report if self._cache else await self.examine()
        if report is None:
            return web.json_response({"lastExecution": None, "checks": []}, status=503)
        body = {
            "lastExecution": report.at.isoformat(timespec="seconds"),
            "checks": [
                {
                    "component": check.component,
                    "status": "Healthy" if check.healthy else "Unhealthy",
                    "duration": f"00:00:{check.seconds:07.4f}",
                }
                for check in report.checks
            ],
        }
        return web.json_response(body, status=200 if report.healthy else 503)


def state_file_is_there(path: Path) -> Check:
    """The check `BlobStorage`; what the file says does not matter."""

    async def check() -> bool:
        return await asyncio.to_thread(path.exists)

    return check


def messages_can_be_sent(sender: Sender) -> Check:
    """The check `MessageProducer`: it sends a real message, which the BackgroundProcessor discards."""

    async def check() -> bool:
        try:
            await sender.send(b"{}", HEALTHCHECK)
        except SendError:
            return False
        return True

    return check


def writes_reach(database: Database) -> Check:
    """The check `Database`."""

    async def check() -> bool:
        try:
            await database.write_rating()
        except DatabaseUnavailableError:
            return False
        return True

    return check


def score_is_not_red(score: Callable[[], Health | None]) -> Check:
    """The check `AzMonitorHealthScore`, as in the reference: no row at all is healthy, no answer is not."""

    async def check() -> bool:
        try:
            return score() is not Health.RED
        except QueryFailedError:
            return False

    return check
