"""Does the HealthService answer as the reference implementation's does?"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from aiohttp import ClientSession, web

from local.workload.database import Database
from local.workload.health_service import (
    PATH,
    Check,
    HealthService,
    score_is_not_red,
    state_file_is_there,
    writes_reach,
)
from local.workload.serving import in_background, served
from remediation.probes.healthservice import read_checks
from rules.signals import Health
from tests.local.sdk import until


def after(seconds: float, *, healthy: bool = True) -> Check:
    """A check that takes its time."""

    async def check() -> bool:
        await asyncio.sleep(seconds)
        return healthy

    return check


@asynccontextmanager
async def answering(service: HealthService) -> AsyncIterator[str]:
    """A HealthService behind its URL."""
    app = web.Application()
    service.serve_in(app)
    async with served(app) as url:
        yield url + PATH


async def got(url: str) -> tuple[int, dict[str, bool]]:
    """Status and checks, as the worker reads them."""
    async with ClientSession() as session, session.get(url) as answer:
        return answer.status, read_checks(await answer.read())


async def test_it_is_200_only_if_every_check_is_healthy(tmp_path: Path) -> None:
    """One unhealthy check makes it 503; the body names each, so that the worker can tell which."""
    database, state_file = Database(), tmp_path / "stamp.health"
    state_file.touch()
    checks = {"BlobStorage": state_file_is_there(state_file), "Database": writes_reach(database)}
    async with answering(HealthService(checks, cache=timedelta(0))) as url:
        assert await got(url) == (200, {"BlobStorage": True, "Database": True})
        state_file.unlink()
        assert await got(url) == (503, {"BlobStorage": False, "Database": True})
        database.writable = False
        assert await got(url) == (503, {"BlobStorage": False, "Database": False})


async def test_checks_run_at_once_and_one_that_takes_too_long_is_not_healthy() -> None:
    """Four slow checks take as long as one, and never longer than the overall time-out."""
    checks = {"a": after(0.2), "b": after(0.2), "c": after(0.2), "d": after(9)}
    began = time.monotonic()
    report = await HealthService(checks, cache=timedelta(0), timeout=timedelta(seconds=0.4)).examine()
    assert time.monotonic() - began < 0.6
    assert report.failing() == ["d"]


async def test_a_report_is_kept_and_before_the_first_it_is_503(tmp_path: Path) -> None:
    """Requests are answered from the last report, which is renewed after the cache's time; at first 503."""
    state_file = tmp_path / "stamp.health"
    state_file.touch()
    service = HealthService({"BlobStorage": state_file_is_there(state_file)}, cache=timedelta(seconds=0.3))
    async with answering(service) as url:
        assert await got(url) == (503, {})
        async with in_background(service.run()):
            await until(lambda: service.report is not None)
            state_file.unlink()
            assert (await got(url))[0] == 200
            await until(lambda: not (service.report and service.report.healthy))
            assert (await got(url))[0] == 503


async def test_no_row_is_healthy_and_only_red_is_not() -> None:
    """The check of the health score passes on no row, green and yellow, as in the reference."""
    for score in (None, *Health):
        assert await score_is_not_red(partial(_same, score))() is (score is not Health.RED)


def _same(score: Health | None) -> Health | None:
    return score
