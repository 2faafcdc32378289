"""What does a test need to see the real worker work? A stage: stamps, a pager, and the process itself.

The worker runs as its users run it, in a process of its own. The stamps'
HealthServices and the pager are real HTTP servers in the test's process, so a
test sees every request, and can pull the plug at any of them.
"""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from local.workload.health_service import PATH, STATE_FILE_CHECK, HealthService, state_file_is_there
from local.workload.monitor import outgoing_messages_body
from local.workload.receivers import Page, pager

STAMPS = ("weu", "neu", "sdc")
REGIONS = {"weu": "westeurope", "neu": "northeurope", "sdc": "swedencentral"}
RULES = Path(__file__).with_name("rules.yaml")
COMMAND = Path(sys.executable).with_name("remediation")

Hook = Callable[[], Awaitable[None]]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(reached: Callable[[], bool], what: str, within: float = 30.0) -> None:
    """Wait until something is so; fail with what it was after `within` seconds."""
    try:
        async with asyncio.timeout(within):
            while not reached():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not within {within} s: {what}") from None


def now() -> str:
    """The moment, as Azure writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Stage:
    """The world around one worker process."""

    folder: Path
    settle: str = "1s"
    rules: Path = RULES
    schedule: str = "* * * * * *"
    port: int = field(default_factory=free_port)
    broker_port: int = field(default_factory=free_port)
    pages: list[Page] = field(default_factory=list)
    drains: list[str] = field(default_factory=list)
    on_health: Hook | None = None
    on_page: Hook | None = None
    on_file: Hook | None = None
    process: subprocess.Popen[bytes] | None = None
    _out: set[str] = field(default_factory=set)

    def state_file(self, stamp: str) -> Path:
        """Where the state file of a stamp lies."""
        return self.folder / "data" / "stamps" / stamp / "stamp.health"

    def out(self) -> set[str]:
        """The stamps whose state file is gone; what changed since the last look is noted in `drains`."""
        out = {stamp for stamp in STAMPS if not self.state_file(stamp).exists()}
        self.drains += [f"drained {stamp}" for stamp in out - self._out]
        self.drains += [f"rejoined {stamp}" for stamp in self._out - out]
        self._out = out
        return out

    def triggers(self) -> list[Page]:
        """The pages that woke someone."""
        return [page for page in self.pages if page["event_action"] == "trigger"]

    def keys(self, action: str) -> set[str]:
        """The dedup keys that were triggered or resolved."""
        return {page["dedup_key"] for page in self.pages if page["event_action"] == action}

    def record(self) -> str:
        """The stored record as text; empty where there is none yet."""
        try:
            with sqlite3.connect(f"file:{self.folder}/data/ledger.db?mode=ro", uri=True) as ledger:
                found = ledger.execute("SELECT data FROM records").fetchone()
        except sqlite3.OperationalError:
            return ""
        return bytes(found[0]).decode() if found else ""

    def start(self) -> None:
        """Start the worker, as a user would."""
        environment = {
            **os.environ,
            "REMEDIATION_PORT": str(self.port),
            "REMEDIATION_BROKER_PORT": str(self.broker_port),
            "REMEDIATION_DATA_DIR": str(self.folder / "data"),
            "REMEDIATION_WORKLOADS": str(self.folder / "workload.yaml"),
            "REMEDIATION_RULES": str(self.rules),
            "REMEDIATION_RECONCILE_SCHEDULE": self.schedule,
            "SHOP_PAGERDUTY_ROUTING_KEY": "0123456789abcdef0123456789abcdef",
        }
        log = (self.folder / "worker.log").open("ab")
        self.process = subprocess.Popen([COMMAND, "serve"], env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """End the worker without a word: `kill -9`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    async def ready(self) -> None:
        """Wait until the worker answers and has made its first decision."""
        async with aiohttp.ClientSession() as session:
            for _ in range(600):
                assert self.process is not None
                assert self.process.poll() is None, (self.folder / "worker.log").read_text()[-3000:]
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        await until(lambda: '"seen"' in self.record(), "the first look at the stamps")

    async def alert(self, stamp: str, condition: str) -> int:
        """Azure Monitor posts an alert; the answer's status."""
        body = outgoing_messages_body(stamp, REGIONS[stamp], condition, 1, datetime.now(UTC))
        url = f"http://127.0.0.1:{self.port}/api/alerts"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            return answer.status

    async def event(self, stamp: str, state: str) -> None:
        """The health model sends an event over AMQP, with the unmodified SDK."""
        body = health_event(stamp, state)
        connection = (
            f"Endpoint=sb://127.0.0.1:{self.broker_port};SharedAccessKeyName=any;SharedAccessKey=any;"
            "UseDevelopmentEmulator=true"
        )
        async with EventHubProducerClient.from_connection_string(
            connection, eventhub_name="signals"
        ) as producer:
            await producer.send_event(EventData(json.dumps(body)), partition_key="shop")


def health_event(stamp: str, state: str) -> dict[str, Any]:
    """A health-state change event about a BackgroundProcessor."""
    moment = now()
    return {
        "specversion": "1.0",
        "id": f"{stamp}-{state}-{moment}",
        "source": "/health-models/shop",
        "type": "health.state.changed.v1",
        "subject": f"stamps/{stamp}/nodes/BackgroundProcessor",
        "time": moment,
        "data": {
            "workload": "shop",
            "stamp": stamp,
            "region": REGIONS[stamp],
            "node": "BackgroundProcessor",
            "root": False,
            "previous": "green",
            "state": state,
            "observed_at": moment,
            "reasons": ["no partition was read for three minutes"],
        },
    }


@asynccontextmanager
async def a_stage(folder: Path, settle: str = "1s", pages: list[Page] | None = None) -> AsyncIterator[Stage]:
    """A stage with its servers up and its files in place; the worker is not started yet."""
    stage = Stage(folder, settle, pages=pages if pages is not None else [])
    servers: list[TestServer] = []
    for stamp in STAMPS:
        stage.state_file(stamp).parent.mkdir(parents=True)
        stage.state_file(stamp).write_text("in rotation")
        app = _health_service(stage.state_file(stamp))
        app.middlewares.append(_hooked(stage, "on_health"))
        servers.append(TestServer(app))
    receiver = pager(stage.pages.append)
    receiver.middlewares.append(_hooked(stage, "on_page"))
    servers.append(TestServer(receiver))
    for server in servers:
        await server.start_server()
    (folder / "workload.yaml").write_text(_workload(stage, servers))
    watching = asyncio.create_task(_watch(stage))
    try:
        yield stage
    finally:
        watching.cancel()
        if stage.process is not None and stage.process.poll() is None:
            stage.kill()
        for server in servers:
            await server.close()


def _health_service(state_file: Path) -> web.Application:
    """A HealthService that looks at every request, so that a test need not wait for its cache."""

    async def well() -> bool:
        return True

    checks = {STATE_FILE_CHECK: state_file_is_there(state_file), "Database": well, "MessageProducer": well}
    app = web.Application()
    HealthService(checks, cache=timedelta(0)).serve_in(app)
    return app


def _hooked(stage: Stage, hook: str) -> Any:
    @web.middleware
    async def run(request: web.Request, handler: Any) -> web.StreamResponse:
        """Run the stage's hook before the request is answered."""
        waiting = getattr(stage, hook)
        if waiting is not None:
            await waiting()
        answer: web.StreamResponse = await handler(request)
        return answer

    return run


async def _watch(stage: Stage) -> None:
    """Look all the time, and run the stage's hook at once after a drain or a rejoin."""
    known = 0
    while True:
        stage.out()
        if len(stage.drains) > known:
            known = len(stage.drains)
            if stage.on_file is not None:
                await stage.on_file()
        await asyncio.sleep(0.0005)


def _workload(stage: Stage, servers: list[TestServer]) -> str:
    stamps = "".join(
        f"""
  - name: {stamp}
    region: {REGIONS[stamp]}
    resource_groups: [shop1a2b-stamp-{REGIONS[stamp]}-rg]
    health_service: http://127.0.0.1:{server.port}{PATH}
    state_file: {{folder: stamps/{stamp}}}"""
        for stamp, server in zip(STAMPS, servers, strict=False)
    )
    return f"""
workload: shop
mode: auto
policy:
  settle: {stage.settle}
  same_fault_within: {stage.settle}
  rejoin_after: 2s
  lease: 3s
  cooldown: 1s
  drains_per_hour: 4
  drains_per_day: 4
channels:
  pagerduty: {{url: "http://127.0.0.1:{servers[-1].port}", routing_key: env:SHOP_PAGERDUTY_ROUTING_KEY}}
stamps:{stamps}
"""
