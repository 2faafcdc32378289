"""What do tests run against where the worker runs against Azure Blob Storage?

Azurite, as npm installs it from `package.json`: the blob service alone, in
memory, on a port of its own choosing. It ends with the process that started it,
even if that one is killed: it watches its standard input.
"""

import base64
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

SERVER = Path(__file__).parents[1] / "node_modules/azurite/dist/src/blob/main.js"
ACCOUNT = "devstoreaccount1"
KEY = base64.b64encode(b"a key that opens nothing but a test").decode()

_END_WITH_PARENT = "data:text/javascript,process.stdin.resume().on('close',()=>process.exit())"
_LISTENS = re.compile(r"successfully listens on http://127\.0\.0\.1:(\d+)")
_STARTS_WITHIN_SECONDS = 60.0  # about two on an idle machine


class AzuriteError(Exception):
    """Azurite cannot be run here; the message says what to do."""


@contextmanager
def run_azurite() -> Iterator[str]:
    """Run Azurite; gives its connection string.

    Raises:
        AzuriteError: it is not installed, did not start, or died before its time.
    """
    command = _command()
    with TemporaryDirectory(prefix="azurite-") as folder:
        log = Path(folder) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PATH": "", "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield connection_string(_port(process, log))
            if process.poll() is not None:
                raise AzuriteError(f"Azurite died with status {process.returncode}:\n{_tail(log)}")
        finally:
            _stop(process)


def connection_string(port: int) -> str:
    """How the account is reached on that port of this machine: Azurite's own, or a proxy's before it."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
    )


def port_of(connection: str) -> int:
    """The port in a connection string of this module."""
    found = re.search(r"127\.0\.0\.1:(\d+)", connection)
    assert found, connection
    return int(found[1])


def _command() -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise AzuriteError("these tests need Node.js 20 or later: `make setup-node`")
    if not SERVER.exists():
        raise AzuriteError("Azurite is not installed: `make setup-node`, or `npm ci`")
    options = ["--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    return [node, "--import", _END_WITH_PARENT, str(SERVER), *options]


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port it listens on, which it writes to its log once it answers."""
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        found = _LISTENS.search(log.read_text(errors="replace"))
        if found:
            return int(found[1])
        if process.poll() is not None:
            raise AzuriteError(f"Azurite ended with status {process.returncode}:\n{_tail(log)}")
        time.sleep(0.02)
    raise AzuriteError(f"Azurite was not ready within {_STARTS_WITHIN_SECONDS:.0f} s:\n{_tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # it keeps nothing, and a polite end waits for every open connection
    process.wait()
    if process.stdin:
        process.stdin.close()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:] or "(it wrote nothing)"
