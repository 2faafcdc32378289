"""How does the whole worker run on one machine, with nothing but Python?

The embedded default: a broker in the place of Event Hubs, SQLite in the place of
Blob Storage, the example workload, and the very `function_app` that Azure runs.
"""

import asyncio
import importlib
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from azure.eventhub.aio import CheckpointStore

from local.checkpoints import SqliteCheckpointStore
from local.eventhubs import Broker
from local.functions_host import FunctionsHost
from local.workload import shop
from remediation.configuration import workloads_of
from remediation.settings import LedgerKind, Settings
from remediation.wiring import HUB, close

PARTITIONS = 4
ROOT = Path(__file__).parent.parent
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(settings: Settings, show: Callable[[str], None] = print) -> None:
    """Run until SIGINT or SIGTERM.

    Args:
        settings: as the environment gives them.
        show: where the greeting and the example's pages go.

    Raises:
        HostError: something of the app cannot be served here.
        OSError: a port is taken, or the data folder cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as running:
        connection = await _hub(settings, running)
        is_example = settings.workloads is None
        example = str(shop.FILE) if is_example else ""
        _export(settings, connection, {"REMEDIATION_WORKLOADS": example} if is_example else {})
        if is_example:
            workloads = workloads_of(Settings())
            await running.enter_async_context(shop.shop(workloads["shop"], settings.data_dir / "shop", show))
        host = await _host(settings, running)
        show(_greeting(host, settings, connection, is_example=is_example))
        await stop.wait()
        show("Stopping; what is in flight goes on from the ledger at the next start.")


async def _hub(settings: Settings, running: AsyncExitStack) -> str:
    """The connection string of the hub: a given one, else that of a broker of our own."""
    if settings.hub is not None:
        return settings.hub.get_secret_value()
    broker = Broker(settings.data_dir / "hub", {HUB: PARTITIONS}, port=settings.broker_port)
    await running.enter_async_context(broker)
    return broker.connection_string()


def _export(settings: Settings, connection: str, more: Mapping[str, str]) -> None:
    """Say in the environment what Azure would say in app settings: `function_app` reads it there."""
    os.environ.update({"REMEDIATION_HUB": connection, "REMEDIATION_DATA_DIR": str(settings.data_dir), **more})


async def _host(settings: Settings, running: AsyncExitStack) -> FunctionsHost:
    app = importlib.import_module("function_app").app
    store = await _checkpoints(settings, running)
    running.push_async_callback(close)
    host = FunctionsHost(
        app,
        settings=os.environ,
        host_json=ROOT / "host.json",
        checkpoint_store=store,
        host=settings.host,
        port=settings.port,
        function_key=settings.function_key.get_secret_value() if settings.function_key else None,
    )
    await running.enter_async_context(host)
    return host


async def _checkpoints(settings: Settings, running: AsyncExitStack) -> CheckpointStore:
    """Beside the ledger: in Blob Storage, where workers on several machines may share them, or in a file."""
    if settings.ledger is LedgerKind.BLOB and settings.ledger_connection is not None:
        from local.blob_checkpoints import open_store  # noqa: PLC0415 - its SDK takes a third of a second

        connection = settings.ledger_connection.get_secret_value()
        in_blobs = await open_store(connection, f"{settings.ledger_container}-checkpoints")
        running.push_async_callback(in_blobs.close)
        return in_blobs
    in_file = SqliteCheckpointStore(settings.data_dir / "checkpoints.db")
    running.push_async_callback(in_file.close)
    return in_file


def _greeting(host: FunctionsHost, settings: Settings, connection: str, *, is_example: bool) -> str:
    lines = [
        "",
        f"The remediation worker runs on {host.url}",
        f"  ledger     {settings.ledger} in {_ledger_place(settings)}",
        f"  hub        {connection.split(';', 1)[0].removeprefix('Endpoint=')}, hub {HUB}",
        f"  look at    {host.url}/readyz    or    .venv/bin/remediation explain",
    ]
    if is_example:
        lines += [
            "  workload   shop: three stamps, in auto (local/workload/shop/workload.yaml)",
            "",
            "Try it: tell the worker, as Azure Monitor would, that stamp weu cannot read its event hub.",
            "Someone is paged at once; if it lasts, the stamp is drained after about three minutes.",
            "",
            f"  {_command(host, 'Fired')}",
            "",
            "Then say that it is mended; the stamp comes back when that has stood long enough:",
            "",
            f"  {_command(host, 'Resolved')}",
        ]
    return "\n".join([*lines, "", "Ctrl-C ends it; started again, it goes on from its ledger.", ""])


def _ledger_place(settings: Settings) -> str:
    if settings.ledger is LedgerKind.BLOB:
        return f"container {settings.ledger_container}"
    return f"{settings.data_dir}/"


def _command(host: FunctionsHost, condition: str) -> str:
    body = shop.FILE.with_name("cannot-read.json").relative_to(ROOT)
    fill = f"s/NOW/$(date -u +%FT%TZ)/; s/CONDITION/{condition}/"
    return f'sed "{fill}" {body} | curl -s --data-binary @- {host.url}/api/alerts'
