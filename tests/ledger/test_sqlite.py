"""Does the ledger in one file last, whatever happens around it?

That an answer is lost on its way cannot occur here: there is no way. A save
returns, or raises and has written nothing.
"""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.ledger.sqlite import SCHEMA_VERSION, SqliteLedger
from remediation.ports import LedgerUnavailableError
from tests.builders import WORKLOAD, a_letter, a_record, an_entry, next_record
from tests.ledger.full import a_rich_record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is to lie."""
    return tmp_path / "ledger.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    """A ledger that does not wait long for others."""
    ledger = SqliteLedger(path, busy_timeout=timedelta(milliseconds=50))
    yield ledger
    await ledger.close()


def python(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Another worker, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


SAVES_AND_HANGS = """
import asyncio, sys, time
from pathlib import Path
from remediation.ledger.sqlite import SqliteLedger
from tests.ledger.full import a_rich_record

async def main():
    version = await SqliteLedger(Path(sys.argv[1])).save(a_rich_record(), None)
    print(version, flush=True)
    time.sleep(60)

asyncio.run(main())
"""


async def test_p10_what_save_returned_outlives_the_worker(path: Path, ledger: SqliteLedger) -> None:
    """A worker killed in the instant after save returned has left its record for the next one."""
    with python(SAVES_AND_HANGS, path) as worker:
        assert worker.stdout
        version = worker.stdout.readline().strip()
        worker.send_signal(signal.SIGKILL)
    stored = await ledger.load(WORKLOAD)
    assert (stored.record, stored.version) == (a_rich_record(), version)


COUNTS_UP = """
import asyncio, sys
from pathlib import Path
from remediation.ledger.sqlite import SqliteLedger
from remediation.ports import ConflictError
from tests.builders import next_record

async def main():
    ledger = SqliteLedger(Path(sys.argv[1]))
    won = 0
    while won < int(sys.argv[2]):
        stored = await ledger.load("shop")
        try:
            await ledger.save(next_record(stored.record), stored.version)
            won += 1
        except ConflictError:
            pass

asyncio.run(main())
"""


@pytest.mark.slow
async def test_several_processes_lose_no_write(path: Path, ledger: SqliteLedger) -> None:
    """Processes that make the file and write to it at the same time lose no save and see no other error."""
    workers = [python(COUNTS_UP, path, 50) for _ in range(4)]
    for worker in workers:
        _, complaint = worker.communicate(timeout=60)
        assert worker.returncode == 0, complaint
    assert (await ledger.load(WORKLOAD)).record.revision == 4 * 50


async def refused(ledger: SqliteLedger, why: str) -> None:
    """Every use of the ledger says that it is unavailable, and why."""
    for use in (
        ledger.load(WORKLOAD),
        ledger.save(a_record(), None),
        ledger.append_journal([an_entry()]),
        ledger.journal(WORKLOAD),
        ledger.bury(a_letter()),
        ledger.dead_letters(),
        ledger.check(),
    ):
        with pytest.raises(LedgerUnavailableError, match=why):
            await use


def _folder(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("This is no database, though it is long enough to be one.\n" * 100)


def _someone_elses(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title)")


def _a_newer_workers(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_folder, "unable to open database file"),
        (_text, "file is not a database"),
        (_someone_elses, "not a ledger"),
        (_a_newer_workers, "newer worker"),
    ],
)
async def test_what_is_no_ledger_is_refused(
    make: Callable[[Path], None], why: str, path: Path, ledger: SqliteLedger
) -> None:
    """A path where something else lies is unavailable for a stated reason, and is left as it is."""
    make(path)
    before = _content(path)
    await refused(ledger, why)
    assert _content(path) == before


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Where a file stands in the way of the folder, the ledger is unavailable and names the path."""
    (tmp_path / "file").touch()
    await refused(SqliteLedger(tmp_path / "file" / "ledger.db"), "file")


def _remove(path: Path) -> None:
    path.unlink()


async def test_a_locked_file_is_unavailable_until_it_is_free(path: Path, ledger: SqliteLedger) -> None:
    """While another process holds the lock, reading goes on and writing is unavailable."""
    version = await ledger.save(a_record(), None)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailableError, match="locked"):
            await ledger.save(next_record(a_record()), version)
        with pytest.raises(LedgerUnavailableError, match="locked"):
            await ledger.check()
        assert (await ledger.load(WORKLOAD)).version == version
    await ledger.save(next_record(a_record()), version)


async def test_a_removed_file_fails_the_check(path: Path, ledger: SqliteLedger) -> None:
    """A file removed under the worker is noticed by the check, and made anew by what follows."""
    await ledger.save(a_record(), None)
    _remove(path)
    with pytest.raises(LedgerUnavailableError, match="removed"):
        await ledger.check()
    await ledger.check()


FILLS_THE_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from remediation.ledger.sqlite import SqliteLedger
from remediation.ports import LedgerUnavailableError
from tests.builders import a_record, a_signal, next_record, registers

async def main():
    ledger = SqliteLedger(Path(sys.argv[1]))
    record = a_record()
    version = await ledger.save(record, None)
    large = next_record(record, registers=registers([a_signal(reasons=("x" * 400_000,))]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        await ledger.save(large, version)
    except LedgerUnavailableError as error:
        print("unavailable:", error)
    assert (await ledger.load("shop")).record == record
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await ledger.save(large, version)
    print("went on")

asyncio.run(main())
"""


async def test_a_full_disk_is_unavailable_until_there_is_room(path: Path) -> None:
    """A save that finds no room raises and writes nothing; once there is room the same save succeeds."""
    with python(FILLS_THE_DISK, path) as worker:
        said, complaint = worker.communicate(timeout=60)
    assert worker.returncode == 0, complaint
    assert "unavailable:" in said
    assert "went on" in said


async def test_p17_a_marker_that_cannot_be_read_holds(tmp_path: Path) -> None:
    """A folder of that name: whoever made it meant it."""
    (tmp_path / "hold").mkdir()
    held = await SqliteLedger(tmp_path / "ledger.db").marker("shop")
    assert held is not None
    assert held.reason == "hold: it cannot be read"


async def test_p17_a_marker_is_found_beside_a_broken_ledger(tmp_path: Path) -> None:
    """It is for the day on which everything else is down."""
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    (tmp_path / "hold").touch()
    assert await SqliteLedger(tmp_path / "ledger.db").marker("shop") is not None
