"""Where can a ledger be kept, and how does a test reach behind it?"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol

from azure.storage.blob import BlobServiceClient

from remediation.ledger.blob import BlobLedger
from remediation.ledger.memory import MemoryLedger, Shelf
from remediation.ledger.sqlite import SqliteLedger
from remediation.ports import Ledger

AT_A_TIME = 4
"""So much of a journal is read, or listed, at a time: tests come to the end of that soon."""


class Store(Protocol):
    """A place that several workers' ledgers share."""

    def ledger(self) -> Ledger:
        """The ledger of one more worker."""
        ...

    async def put(self, workload: str, data: bytes) -> None:
        """Put these bytes where the record of that workload lies, past any ledger."""
        ...

    async def lay(self, marker: str, content: bytes) -> None:
        """Lay a marker there, as a person does who has nothing of ours."""
        ...


class MemoryStore:
    """Bytes in memory."""

    def __init__(self) -> None:
        self._shelf = Shelf()

    def ledger(self) -> Ledger:
        """See `Store`."""
        return MemoryLedger(self._shelf)

    async def put(self, workload: str, data: bytes) -> None:
        """See `Store`."""
        self._shelf.records[workload] = ("put", data)

    async def lay(self, marker: str, content: bytes) -> None:
        """See `Store`."""
        self._shelf.markers[marker] = content


class SqliteStore:
    """A file in a folder that nobody has made yet."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "ledger.db"

    def ledger(self) -> Ledger:
        """See `Store`."""
        return SqliteLedger(self.path, read_at_once=AT_A_TIME)

    async def put(self, workload: str, data: bytes) -> None:
        """See `Store`."""
        maker = self.ledger()
        await maker.check()  # makes the file
        await maker.close()
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("REPLACE INTO records VALUES (?, 'put', ?)", (workload, data))

    async def lay(self, marker: str, content: bytes) -> None:
        """See `Store`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        (self.path.parent / marker).write_bytes(content)


class BlobStore:
    """A container that nobody has made yet."""

    def __init__(self, connection: str, container: str) -> None:
        self.connection = connection
        self.container = container

    def ledger(self) -> Ledger:
        """See `Store`."""
        return BlobLedger(self.connection, self.container, listed_first=AT_A_TIME)

    async def put(self, workload: str, data: bytes) -> None:
        """See `Store`."""
        with BlobServiceClient.from_connection_string(self.connection) as service:
            container = service.get_container_client(self.container)
            if not container.exists():
                container.create_container()
            container.upload_blob(f"records/{workload}.json", data, overwrite=True)

    async def lay(self, marker: str, content: bytes) -> None:
        """See `Store`."""
        with BlobServiceClient.from_connection_string(self.connection) as service:
            container = service.get_container_client(self.container)
            if not container.exists():
                container.create_container()
            container.upload_blob(marker, content, overwrite=True)


NewLedger = Callable[[], Ledger]
"""One more worker's ledger on the test's store; closed when the test is over."""
