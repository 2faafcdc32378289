"""How is one SQLite file used by several processes, without blocking the event loop?

Every statement runs on one thread that belongs to the file alone. Commits reach
the disk before they return: a write-ahead log, synchronised in full. Whatever
SQLite complains of becomes `LedgerUnavailableError`, and the file is opened anew
for the next call: by then somebody may have mended it.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from remediation.ports import LedgerUnavailableError

T = TypeVar("T")


class SqliteFile:
    """A file of a given schema: made when it is absent, refused when it is something else."""

    def __init__(self, path: Path, schema: Sequence[str], version: int, busy_timeout: timedelta) -> None:
        """Remember what to open; nothing is opened yet.

        Args:
            path: the file; its folder is made if need be.
            schema: the statements that make an empty file one of this schema.
            version: of the schema; kept in the file's `user_version`.
            busy_timeout: how long to wait for other processes' writes.
        """
        self._path = path
        self._schema = schema
        self._version = version
        self._busy_timeout = busy_timeout
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work that only reads.

        Raises:
            LedgerUnavailableError: the file cannot be used now; says why.
        """
        return await self._on_thread(lambda: work(self._connected()))

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work as one transaction: all of it is on disk on return, or, on any error, none of it.

        Raises:
            LedgerUnavailableError: the file cannot be used now; says why.
        """
        return await self._on_thread(lambda: self._write(work))

    async def check(self) -> None:
        """Pass if the file is there and can be written."""
        await self._on_thread(self._check)

    async def close(self) -> None:
        """Close the file, until it is used again."""
        await self._on_thread(self._disconnect)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)

    # What follows runs on the file's own thread.

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            raise LedgerUnavailableError(f"{self._path}: {error}") from error

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with _transaction(self._connected()) as connection:
            return work(connection)

    def _check(self) -> None:
        if self._connection and not self._path.exists():
            raise FileNotFoundError("the file was removed while it was in use")
        # Writes a page, and changes nothing.
        self._write(lambda connection: connection.execute(f"PRAGMA user_version = {self._version}"))

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            timeout = self._busy_timeout.total_seconds()
            # Autocommit: transactions begin and end where this module says so.
            self._connection = sqlite3.connect(self._path, timeout=timeout, isolation_level=None)
            self._prepare(self._connection)
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        new = self._is_new(connection)  # refuses what is something else before anything is changed in it
        connection.execute("PRAGMA synchronous = FULL")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError(f"no write-ahead log can be kept here (only {mode!r})")
        if not new:
            return  # and need not wait for anyone who writes
        with _transaction(connection):
            if self._is_new(connection):  # still: another process may have been faster
                for statement in self._schema:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {self._version}")

    def _is_new(self, connection: sqlite3.Connection) -> bool:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version == self._version:
            return False
        if version == 0 and tables == 0:
            return True
        if version > self._version:
            raise sqlite3.DatabaseError(
                f"written by a newer worker: schema {version}; this one knows {self._version}"
            )
        raise sqlite3.DatabaseError(f"not a ledger: a database of schema {version} with {tables} tables")

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    # Immediate: two readers that both want to write would deadlock, where two writers wait.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
