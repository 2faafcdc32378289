"""What does a test need to see workers on Blob Storage? State files and ledger on Azurite, and a proxy.

The stage's own eyes look at Azurite directly; the workers reach their state
files through a proxy that keeps every request, and can hold it or lose its answer.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from remediation.ledger.codec import decode
from remediation.ledger.record import WorkloadRecord
from tests.azurite import connection_string, port_of
from tests.storage_proxy import Exchange, StorageProxy, storage_proxy

STAMPS = ("weu", "neu", "sdc")
REGIONS = {"weu": "westeurope", "neu": "northeurope", "sdc": "swedencentral"}
RULES = Path(__file__).with_name("rules.yaml")
CONTENT = b"in rotation"
STATE_STORAGE = "STATE_STORAGE"
KEY = "shop/{}/background-processor-cannot-read"

Page = dict[str, Any]
Hook = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """The hook of a test that needs none."""


async def until(
    reached: Callable[[], bool] | Callable[[], Awaitable[bool]], what: str, within: float = 30.0
) -> None:
    """Wait until something is so; fail with what it was after `within` seconds."""
    try:
        async with asyncio.timeout(within):
            while True:
                answer = reached()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {within} s: {what}") from None


@dataclass
class BlobStage:
    """The stamps, whose state files are blobs, and the pager.

    Attributes:
        folder: of the workload file, and of the workers' logs.
        azurite: connection string of the storage itself.
        container: of the ledger; the state files have one beside it.
        state_files: the proxy before the state files.
        service: the stage's own eyes.
        pages: what the pager got.
        failing: stamps whose HealthService says that their database fails.
        on_health: awaited before a HealthService answers.
        on_page: awaited before the pager answers.
    """

    folder: Path
    azurite: str
    container: str
    state_files: StorageProxy
    service: BlobServiceClient
    pages: list[Page] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    on_health: Hook = nothing
    on_page: Hook = nothing

    @property
    def workload_file(self) -> Path:
        """Where it lies."""
        return self.folder / "workload.yaml"

    @property
    def secrets(self) -> dict[str, str]:
        """What `workload.yaml` names and the environment holds."""
        return {
            STATE_STORAGE: connection_string(self.state_files.port),
            "SHOP_PAGERDUTY_ROUTING_KEY": "0123456789abcdef0123456789abcdef",
        }

    async def content(self, stamp: str) -> bytes | None:
        """The content of a state file; None where there is none."""
        return await self._read(f"{self.container}-states", f"{stamp}.health")

    async def out(self) -> set[str]:
        """The stamps whose state file is gone."""
        return {stamp for stamp in STAMPS if await self.content(stamp) is None}

    async def record(self) -> WorkloadRecord:
        """The ledger's word; blank where there is none yet."""
        data = await self._read(self.container, "records/shop.json")
        return decode(data)[0] if data else WorkloadRecord("shop")

    async def record_text(self) -> str:
        """The stored record as text; empty where there is none yet."""
        return (await self._read(self.container, "records/shop.json") or b"").decode()

    async def _read(self, container: str, name: str) -> bytes | None:
        try:
            found = await self.service.get_blob_client(container, name).download_blob()
            return await found.readall()
        except ResourceNotFoundError:
            return None

    def effects(self) -> list[str]:
        """What was done to the state files, in order: every delete and every create that succeeded."""
        names = {"DELETE": "drained", "PUT": "rejoined"}
        return [
            f"{names[each.method]} {_stamp(each)}"
            for each in self.state_files.exchanges
            if each.method in names and each.changed(each.method) and "comp=" not in each.path
        ]

    def keys(self, action: str) -> set[str]:
        """The dedup keys that were triggered or resolved."""
        return {page["dedup_key"] for page in self.pages if page["event_action"] == action}

    def open_pages(self) -> set[str]:
        """The dedup keys that on-call sees open: the last word counts."""
        last = {page["dedup_key"]: page["event_action"] for page in self.pages}
        return {key for key, action in last.items() if action == "trigger"}


def _stamp(exchange: Exchange) -> str:
    return exchange.path.partition("?")[0].rsplit("/", 1)[1].removesuffix(".health")


@asynccontextmanager
async def a_blob_stage(folder: Path, azurite: str, container: str, policy: str) -> AsyncIterator[BlobStage]:
    """A stage with its state files in place; no worker is started yet. `policy` is YAML, one line each."""
    async with AsyncExitStack() as running:
        proxy = await running.enter_async_context(storage_proxy(port_of(azurite)))
        service = await running.enter_async_context(BlobServiceClient.from_connection_string(azurite))
        stage = BlobStage(folder, azurite, container, proxy, service)
        states = await service.create_container(f"{container}-states")
        for stamp in STAMPS:
            await states.upload_blob(f"{stamp}.health", CONTENT)
        servers = [TestServer(_health_service(stage, stamp)) for stamp in STAMPS]
        servers.append(TestServer(_pager(stage)))
        for server in servers:
            await server.start_server()
            running.push_async_callback(server.close)
        stage.workload_file.write_text(_workload(stage, servers, policy))
        yield stage


def _health_service(stage: BlobStage, stamp: str) -> web.Application:
    """The HealthService of a stamp whose state file lies in Blob Storage."""

    async def answer(_: web.Request) -> web.Response:
        await stage.on_health()
        present = await stage.content(stamp) is not None
        checks = {"BlobStorage": present, "Database": stamp not in stage.failing, "MessageProducer": True}
        listed = [
            {"component": name, "status": "Healthy" if healthy else "Unhealthy"}
            for name, healthy in checks.items()
        ]
        return web.json_response({"checks": listed}, status=200 if all(checks.values()) else 503)

    app = web.Application()
    app.router.add_get("/health", answer)
    return app


def _pager(stage: BlobStage) -> web.Application:
    async def enqueue(request: web.Request) -> web.Response:
        await stage.on_page()
        stage.pages.append(await request.json())
        return web.json_response({"status": "success"}, status=202)

    app = web.Application()
    app.router.add_post("/v2/enqueue", enqueue)
    return app


def _workload(stage: BlobStage, servers: list[TestServer], policy: str) -> str:
    stamps = "".join(
        f"""
  - name: {stamp}
    region: {REGIONS[stamp]}
    resource_groups: [shop1a2b-stamp-{REGIONS[stamp]}-rg]
    health_service: http://127.0.0.1:{server.port}/health
    state_file:
      container: {stage.container}-states
      blob: {stamp}.health
      connection: env:{STATE_STORAGE}"""
        for stamp, server in zip(STAMPS, servers, strict=False)
    )
    return f"""
workload: shop
mode: auto
policy: {{{policy}}}
channels:
  pagerduty: {{url: "http://127.0.0.1:{servers[-1].port}", routing_key: env:SHOP_PAGERDUTY_ROUTING_KEY}}
stamps:{stamps}
"""
