"""How are event hubs run on this machine, for the unmodified azure-eventhub SDK?

`Broker` ties the parts together: it opens the hubs' logs in the data folder, which it locks
against a second broker, and listens on loopback.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from local.eventhubs.connection import Connection
from local.eventhubs.hub import Hub, open_hub
from local.eventhubs.lock import FolderLock
from local.eventhubs.log import Clock, Retention, Storage, wall_clock
from local.eventhubs.tokens import Authority

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

KEY_NAME: Final = "RootManageSharedAccessKey"
ANY_KEY: Final = "SAS_KEY_VALUE"
"""The key in connection strings of a broker that checks none; the SDK wants one."""

_WRITERS: Final = 8  # threads that write and fsync, however many partitions there are

_LOGGER = logging.getLogger(__name__)


class Broker:
    """A broker for a fixed set of hubs, each with its number of partitions.

    With `key`, clients must sign with it. Consumer groups need not be made: any name will do.
    """

    def __init__(  # noqa: PLR0913 - all but two have a default
        self,
        data_dir: Path,
        hubs: Mapping[str, int],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str | None = None,
        retention: Retention | None = None,
        idle_timeout: timedelta = timedelta(minutes=4),
        clock: Clock = wall_clock,
    ) -> None:
        twice = [name for name, count in Counter(name.lower() for name in hubs).items() if count > 1]
        if twice:
            raise ValueError(f"names of hubs differ in more than case: {twice}")
        self._data_dir = data_dir
        self._wanted = dict(hubs)
        self._host = host
        self._port = port
        self._key = key
        self._retention = retention or Retention()
        self._idle_timeout = idle_timeout
        self._clock = clock
        self._hubs: dict[str, Hub] = {}
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._lock = FolderLock(data_dir)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port it listens on; the one asked for, if it was not 0."""
        return self._port

    def connection_string(self, hub: str | None = None) -> str:
        """What a client of the SDK connects with; without `hub` it has to name one itself."""
        parts = {
            "Endpoint": f"sb://{self._host}:{self._port}",
            "SharedAccessKeyName": KEY_NAME,
            "SharedAccessKey": self._key or ANY_KEY,
            "UseDevelopmentEmulator": "true",
            **({"EntityPath": hub} if hub else {}),
        }
        return ";".join(f"{name}={value}" for name, value in parts.items())

    def filled(self, hub: str) -> int:
        """How many events a hub has ever taken, as far as they are on disk."""
        return sum(partition.log.next_sequence_number for partition in self._hubs[hub.lower()].partitions)

    async def start(self) -> None:
        """Open the logs and listen.

        Raises:
            CorruptLogError: Acknowledged events cannot be read.
            ValueError: A hub cannot be as it was asked for.
            OSError: The port is taken, or another broker has the folder.
        """
        loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(_WRITERS, thread_name_prefix="event-hub-log")
        try:
            await loop.run_in_executor(self._executor, self._open_hubs, self._executor)
            self._server = await loop.create_server(self._connection, self._host, self._port)
        except BaseException:
            self._release()
            raise
        self._port = self._server.sockets[0].getsockname()[1]
        _LOGGER.info("event hubs %s listen on %s:%d", sorted(self._wanted), self._host, self._port)

    async def make_anew(self, hub: str) -> None:
        """Delete a hub with all that is in it, and make another one of its name; its readers are sent away.

        Raises:
            KeyError: There is no such hub.
            OSError: The files of the old one cannot be moved away.
        """
        assert self._executor is not None  # noqa: S101 - it runs
        known, loop = self._hubs[hub.lower()], asyncio.get_running_loop()
        fresh, trash = await loop.run_in_executor(self._executor, self._open_anew, known.name, self._executor)
        gone = known.become(fresh)
        for partition in gone:
            partition.turn_away("the hub was deleted")
            await partition.log.close()
        await loop.run_in_executor(self._executor, shutil.rmtree, trash)

    def _open_anew(self, name: str, executor: ThreadPoolExecutor) -> tuple[Hub, Path]:
        folder, trash = self._data_dir / name, self._data_dir / f".{name}-{self._clock()}"
        folder.rename(trash)
        return self._open_hub(name, executor), trash

    def _open_hubs(self, executor: ThreadPoolExecutor) -> None:
        self._lock.acquire()
        self._hubs = {name.lower(): self._open_hub(name, executor) for name in self._wanted}

    def _open_hub(self, name: str, executor: ThreadPoolExecutor) -> Hub:
        storage = Storage(executor, self._retention, self._clock)
        return open_hub(self._data_dir / name, name, self._wanted[name], storage)

    def _connection(self) -> Connection:
        authority = Authority(self._key)
        return Connection(self._hubs, authority, self._idle_timeout.total_seconds(), self._connections)

    async def stop(self) -> None:
        """Cut all connections, write what has arrived, and let go of the folder."""
        if self._server is None:
            return
        self._server.close()
        await self.drop_connections()
        await self._server.wait_closed()
        self._server = None
        await asyncio.gather(*(hub.close() for hub in self._hubs.values()))
        self._release()

    def _release(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None
        self._lock.release()

    async def drop_connections(self) -> None:
        """Cut all connections as a network would; clients may connect again at once."""
        while self._connections:
            for connection in tuple(self._connections):
                connection.abort()
            # The loop tells the connections of their end in its next turns.
            await asyncio.sleep(0)
