"""How far has each consumer group read, and which consumer reads which partition?

`SqliteCheckpointStore` answers behind the SDK's `CheckpointStore` interface, in place of the
blobs used in the cloud. Several processes may use the same file: SQLite locks it, and a claim
compares the ETag it has seen with the one that is there, in one transaction, so of two
consumers that claim the same partition exactly one wins.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from azure.eventhub.aio import CheckpointStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_Result = TypeVar("_Result")

_BUSY_TIMEOUT: Final = 10.0  # seconds one process waits for another
_PARTITION: Final = ("fully_qualified_namespace", "eventhub_name", "consumer_group", "partition_id")
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ownership (
    fully_qualified_namespace TEXT NOT NULL,
    eventhub_name TEXT NOT NULL,
    consumer_group TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    etag TEXT NOT NULL,
    last_modified_time REAL NOT NULL,
    PRIMARY KEY (fully_qualified_namespace, eventhub_name, consumer_group, partition_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoint (
    fully_qualified_namespace TEXT NOT NULL,
    eventhub_name TEXT NOT NULL,
    consumer_group TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    sequence_number INTEGER,
    "offset" TEXT,
    PRIMARY KEY (fully_qualified_namespace, eventhub_name, consumer_group, partition_id)
) WITHOUT ROWID;
"""
_LIST_OWNERSHIP: Final = """
SELECT * FROM ownership
WHERE fully_qualified_namespace = ? AND eventhub_name = ? AND consumer_group = ?
"""
_LIST_CHECKPOINTS: Final = """
SELECT * FROM checkpoint
WHERE fully_qualified_namespace = ? AND eventhub_name = ? AND consumer_group = ?
"""
_CLAIM_UNOWNED: Final = """
INSERT OR IGNORE INTO ownership (
    fully_qualified_namespace, eventhub_name, consumer_group, partition_id,
    owner_id, etag, last_modified_time
) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_CLAIM_AS_SEEN: Final = """
UPDATE ownership SET owner_id = ?, etag = ?, last_modified_time = ?
WHERE fully_qualified_namespace = ? AND eventhub_name = ? AND consumer_group = ? AND partition_id = ?
    AND etag = ?
"""
_KEEP_CHECKPOINT: Final = """
INSERT OR REPLACE INTO checkpoint (
    fully_qualified_namespace, eventhub_name, consumer_group, partition_id, sequence_number, "offset"
) VALUES (?, ?, ?, ?, ?, ?)
"""


class SqliteCheckpointStore(CheckpointStore):
    """Checkpoints and ownership in one SQLite file, made when it is first used.

    All access runs on one thread of its own, so the event loop never waits for the disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._database: sqlite3.Connection | None = None

    async def list_ownership(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **_: Any
    ) -> list[dict[str, Any]]:
        """Give who owns which partition, also of owners that have been silent for long."""
        whose = (fully_qualified_namespace, eventhub_name, consumer_group)
        return await self._run(lambda database: _rows(database, _LIST_OWNERSHIP, whose))

    async def claim_ownership(
        self, ownership_list: Iterable[Mapping[str, Any]], **_: Any
    ) -> list[dict[str, Any]]:
        """Claim partitions; give those that were won, with their new ETag and time.

        A claim is lost if the partition changed hands since its ETag was read, or if it
        carries none and the partition has an owner by now.
        """
        wanted = [dict(ownership) for ownership in ownership_list]
        return await self._run(lambda database: _claim(database, wanted))

    async def update_checkpoint(self, checkpoint: Mapping[str, Any], **_: Any) -> None:
        """Keep how far a partition was read. It is on disk when this returns."""
        values = [checkpoint[name] for name in (*_PARTITION, "sequence_number", "offset")]
        await self._run(lambda database: database.execute(_KEEP_CHECKPOINT, values) and None)

    async def list_checkpoints(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **_: Any
    ) -> list[dict[str, Any]]:
        """Give how far each partition was read."""
        whose = (fully_qualified_namespace, eventhub_name, consumer_group)
        return await self._run(lambda database: _rows(database, _LIST_CHECKPOINTS, whose))

    async def close(self) -> None:
        """Close the file; what was promised is on disk already."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._open()))

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _connect(self._path)
        return self._database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None)
    database.row_factory = sqlite3.Row
    deadline = time.monotonic() + _BUSY_TIMEOUT
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # Of processes that make the file at the same moment, SQLite lets all but one fail here
            # at once, whatever the timeout.
            if time.monotonic() > deadline:
                database.close()
                raise
            time.sleep(0.02)
        else:
            break
    # With NORMAL, a power failure could take back an ownership that was won, and two would read.
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(_SCHEMA)
    return database


def _rows(database: sqlite3.Connection, query: str, whose: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [dict(row) for row in database.execute(query, whose)]


def _claim(database: sqlite3.Connection, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    won = []
    # The write lock is taken at once: a transaction that reads first could not get it later.
    database.execute("BEGIN IMMEDIATE")
    try:
        for ownership in wanted:
            partition = [ownership[name] for name in _PARTITION]
            fresh = {
                "owner_id": ownership["owner_id"],
                "etag": str(uuid.uuid4()),
                "last_modified_time": time.time(),
            }
            if ownership.get("etag"):
                changed = database.execute(_CLAIM_AS_SEEN, [*fresh.values(), *partition, ownership["etag"]])
            else:
                changed = database.execute(_CLAIM_UNOWNED, [*partition, *fresh.values()])
            if changed.rowcount == 1:
                won.append({**ownership, **fresh})
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
    return won
