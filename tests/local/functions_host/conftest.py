"""What the tests of the Functions host share: a host that is stopped, a client, a way to wait."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

import azure.functions as func
import pytest
from aiohttp import ClientSession

from local.functions_host import FunctionsHost

Serve = Callable[..., Awaitable[FunctionsHost]]
Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a host for an app on a free port, and stops it after the test."""
    hosts: list[FunctionsHost] = []

    async def start(app: func.FunctionApp, **options: Any) -> FunctionsHost:
        host = FunctionsHost(app, **{"settings": {}, "port": 0, "stop_within_s": 5.0, **options})
        await host.start()
        hosts.append(host)
        return host

    yield start
    await asyncio.gather(*(host.stop() for host in hosts))


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A real HTTP client."""
    async with ClientSession() as session:
        yield session


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Waits until a condition holds, and fails when it does not in time."""

    async def wait(condition: Callable[[], object], within_s: float = 5.0) -> None:
        deadline = monotonic() + within_s
        while not condition():
            assert monotonic() < deadline, "the condition did not come to hold"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def host_json(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Writes a host.json with the given extensions, a new file each time."""
    number = itertools.count()

    def write(extensions: dict[str, Any]) -> Path:
        path = tmp_path / f"host{next(number)}.json"
        path.write_text(json.dumps({"version": "2.0", "extensions": extensions}))
        return path

    return write
