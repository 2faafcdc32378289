"""How does the demo run the worker? As its users do: `remediation serve`, a process of its own.

Nothing of the demo runs within it, and nothing is shared with it but what would
be shared in Azure: HTTP, AMQP, the state files, and the ledger, which is only read.
"""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
from aiohttp import ClientSession

from local.workload.serving import HOST
from remediation.settings import LedgerKind, Settings

COMPRESSION = 10
"""How many times shorter the `for`s of the shipped rules are in the demo."""

_READY_WITHIN = timedelta(seconds=30)
_STOP_WITHIN = timedelta(seconds=12)
# The worker as it is; beside it a thread that ends it when its standard input does. However the demo
# ends, by Ctrl-C, by a closed window or by `kill -9`, no worker is left behind.
_SERVE = """
import os, signal, sys, threading

def end_with_the_demo():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=end_with_the_demo, daemon=True).start()
sys.argv = ["remediation", "serve"]
from cli.main import main
main()
"""
_FOR = re.compile(r"(\bfor: )(\d+)([smh])\b")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class WorkerError(Exception):
    """The worker did not start; says why."""


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A worker that runs.

    Attributes:
        url: of its HTTP routes.
        hub: connection string of the broker that it brings along.
        settings: by which its ledger can be read.
    """

    url: str
    hub: str
    settings: Settings


@asynccontextmanager
async def worker_process(
    folder: Path, workloads: Path, environment: Mapping[str, str]
) -> AsyncIterator[WorkerProcess]:
    """Run a worker until the context ends.

    Args:
        folder: for its data, its rules and its log.
        workloads: the workload file.
        environment: what it is told besides, secrets among it.

    Raises:
        WorkerError: it does not come up.
    """
    rules = folder / "rules.yaml"
    rules.write_text(shipped_rules(COMPRESSION), "utf-8")
    settings = Settings(
        port=_free_port(),
        broker_port=_free_port(),
        data_dir=folder / "data",
        workloads=workloads,
        rules=rules,
        ledger=LedgerKind.SQLITE,
    )
    log = folder / "worker.log"
    process = await _start(settings, environment, log)
    url = f"http://{HOST}:{settings.port}"
    try:
        await _until_ready(process, url, log)
        yield WorkerProcess(url, _connection_string(settings.broker_port), settings)
    finally:
        await _stop(process)


def shipped_rules(times_shorter: int) -> str:
    """The shipped catalogue with every `for` so many times shorter; nothing else differs."""
    catalogue = Path(__file__).parents[2] / "rules/catalog/mission_critical.yaml"

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[2]) * _SECONDS[found[3]]
        return f"{found[1]}{max(1, seconds // times_shorter)}s"

    return _FOR.sub(shorter, catalogue.read_text("utf-8"))


async def _start(settings: Settings, more: Mapping[str, str], log: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _SERVE),
            env={**_environment(settings), **more},
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the demo, which then ends the worker in its own time.
            start_new_session=True,
        )


def _environment(settings: Settings) -> Mapping[str, str]:
    """As an app's settings would be; what the user has set for a worker of their own does not count."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("REMEDIATION_")}
    return inherited | {
        "REMEDIATION_PORT": str(settings.port),
        "REMEDIATION_BROKER_PORT": str(settings.broker_port),
        "REMEDIATION_DATA_DIR": str(settings.data_dir),
        "REMEDIATION_WORKLOADS": str(settings.workloads),
        "REMEDIATION_RULES": str(settings.rules),
        "REMEDIATION_RECONCILE_SCHEDULE": "* * * * * *",
    }


async def _until_ready(process: asyncio.subprocess.Process, url: str, log: Path) -> None:
    try:
        async with asyncio.timeout(_READY_WITHIN.total_seconds()), ClientSession() as session:
            while not await _is_ready(session, url):
                if process.returncode is not None:
                    break
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise WorkerError(f"the worker is not ready; {_end_of(log)}") from None
    if process.returncode is not None:
        raise WorkerError(f"the worker has ended; {_end_of(log)}")


async def _is_ready(session: ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _end_of(log: Path) -> str:
    return f"its log ends with:\n{log.read_text('utf-8', 'replace')[-2000:]}"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_STOP_WITHIN.total_seconds()):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    """A port that nobody listens on now. The worker takes it a moment later."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _connection_string(port: int) -> str:
    return (
        f"Endpoint=sb://{HOST}:{port};SharedAccessKeyName=any;SharedAccessKey=any;UseDevelopmentEmulator=true"
    )
