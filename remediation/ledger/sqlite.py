"""How is the ledger kept in one file, for a worker that runs outside of Azure?"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from urllib.parse import quote
from uuid import uuid4

from remediation.ledger.codec import decode, decode_entry, encode, encode_entry, revision_of
from remediation.ledger.latest import Latest
from remediation.ledger.letters import decode_letter, encode_letter
from remediation.ledger.marker import BYTES_MOST, UNREADABLE, first_marker, marker_names
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import JournalEntry, WorkloadRecord, check_succession
from remediation.ledger.sqlite_file import SqliteFile
from remediation.ports import ConflictError, DeadLetter, Stored

SCHEMA_VERSION = 1

SCHEMA = (
    "CREATE TABLE records (workload TEXT PRIMARY KEY, version TEXT NOT NULL, data BLOB NOT NULL)",
    """CREATE TABLE journal (
        workload TEXT, revision INTEGER, data BLOB NOT NULL, PRIMARY KEY (workload, revision)
    ) WITHOUT ROWID""",
    "CREATE TABLE dead_letters (id TEXT PRIMARY KEY, at INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE INDEX dead_letters_by_time ON dead_letters (at, id)",
)

BUSY_TIMEOUT = timedelta(seconds=5)
"""How long to wait for other processes' writes, which take milliseconds."""

READ_AT_ONCE = 500
"""So many entries of the journal are read at a time; one read takes milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REVISIONS_END = 2**63 - 1


class SqliteLedger:
    """A `Ledger` in one SQLite file, safe to be used by several processes of one machine.

    The version of a record is the id of the write that stored it. No answer can
    be lost on the way from the file, so a conflict is always somebody else's write.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_timeout: timedelta = BUSY_TIMEOUT,
        read_at_once: int = READ_AT_ONCE,
        new_write_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._folder = path.parent
        self._file = SqliteFile(path, SCHEMA, SCHEMA_VERSION, busy_timeout)
        self._read_at_once = read_at_once
        self._new_write_id = new_write_id
        self._latest = Latest()  # belongs to the file's thread

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        return await self._file.read(lambda connection: self._load(connection, workload))

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        return await self._file.write(lambda connection: self._save(connection, record, version))

    async def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        """See `Ledger`."""
        rows = [(entry.workload, revision_of(entry), encode_entry(entry)) for entry in entries]
        statement = "INSERT OR IGNORE INTO journal VALUES (?, ?, ?)"
        await self._file.write(lambda connection: connection.executemany(statement, rows))

    async def journal(self, workload: str, limit: int = 100) -> list[JournalEntry]:
        """See `Ledger`."""
        query = "SELECT data FROM journal WHERE workload = ? ORDER BY revision DESC LIMIT ?"
        newest_first = await self._select(query, workload, limit)
        return [decode_entry(data) for data in reversed(newest_first)]

    async def history(self, workload: str, until: datetime | None = None) -> AsyncIterator[JournalEntry]:
        """See `Ledger`."""
        query = "SELECT data FROM journal WHERE workload = ? AND revision < ? ORDER BY revision DESC LIMIT ?"
        before = _REVISIONS_END
        while rows := await self._select(query, workload, before, self._read_at_once):
            entries = [decode_entry(data) for data in rows]
            for entry in entries:
                if until is None or entry.at <= until:
                    yield entry
            before = revision_of(entries[-1])

    async def decision(self, workload: str, revision: int) -> JournalEntry | None:
        """See `Ledger`."""
        query = "SELECT data FROM journal WHERE workload = ? AND revision = ?"
        found = await self._select(query, workload, revision)
        return decode_entry(found[0]) if found else None

    async def bury(self, letter: DeadLetter) -> None:
        """See `Ledger`."""
        row = (letter.id, (letter.at - _EPOCH) // timedelta(microseconds=1), encode_letter(letter))
        statement = "INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?)"
        await self._file.write(lambda connection: connection.execute(statement, row))

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """See `Ledger`."""
        query = "SELECT data FROM dead_letters ORDER BY at DESC, id DESC LIMIT ?"
        newest_first = await self._select(query, limit)
        return [decode_letter(data) for data in reversed(newest_first)]

    async def marker(self, workload: str) -> HoldSwitch | None:
        """See `Ledger`. The markers lie beside the file: a broken file must not hide them."""
        names = marker_names(quote(workload, safe=""))
        found = await asyncio.to_thread(lambda: [_content(self._folder / name) for name in names])
        return first_marker(zip(names, found, strict=True))

    async def check(self) -> None:
        """See `Ledger`."""
        await self._file.check()

    async def close(self) -> None:
        """See `Ledger`."""
        await self._file.close()

    async def _select(self, query: str, *arguments: str | int) -> list[bytes]:
        return await self._file.read(
            lambda connection: [data for (data,) in connection.execute(query, arguments)]
        )

    def _load(self, connection: Connection, workload: str) -> Stored:
        version = _version(connection, workload)
        known = self._latest.at(workload, version)
        if known:
            return Stored(known, version)
        query = "SELECT version, data FROM records WHERE workload = ?"
        found: tuple[str, bytes] | None = connection.execute(query, (workload,)).fetchone()
        if found is None:
            return Stored(WorkloadRecord(workload), None)
        record, _ = decode(found[1])
        self._latest.see(record, found[0])
        return Stored(record, found[0])

    def _save(self, connection: Connection, record: WorkloadRecord, version: str | None) -> str:
        old = self._load(connection, record.workload)
        if old.version != version:
            raise ConflictError(f"{record.workload}: version {version} was read, {old.version} is stored")
        check_succession(old.record, record)
        write_id = self._new_write_id()
        connection.execute(
            """INSERT INTO records VALUES (?, ?, ?)
            ON CONFLICT (workload) DO UPDATE SET version = excluded.version, data = excluded.data""",
            (record.workload, write_id, encode(record, write_id)),
        )
        # Noted before it is committed: should that fail, no version of that name will ever be found.
        self._latest.see(record, write_id)
        return write_id


def _version(connection: Connection, workload: str) -> str | None:
    found = connection.execute("SELECT version FROM records WHERE workload = ?", (workload,)).fetchone()
    return found[0] if found else None


def _content(marker: Path) -> bytes | None:
    try:
        with marker.open("rb") as content:
            return content.read(BYTES_MOST)
    except FileNotFoundError:
        return None
    except OSError:  # a folder of that name, or no right to read it: whoever made it meant it
        return UNREADABLE
