"""What stands between a worker and its store when an answer is lost on the way?

A TCP proxy that can lose answers for real: the request goes through and takes
effect, the answer is dropped, and the connection is cut.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65536


class LossyProxy:
    """A proxy before a port of this machine.

    Attributes:
        port: its own port.
        to_lose: how many of the next answers are dropped.
        lost: set when an answer was dropped.
        open: while it is not set, new connections are accepted and left waiting.
    """

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0
        self.to_lose = 0
        self.lost = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Carry one connection, until either side ends it or an answer is lost."""
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        # Either side may hang up, or the test be over.
        with suppress(ConnectionError, asyncio.CancelledError):
            await self.open.wait()
            await self._connect(client, answer)
        answer.transport.abort()
        self._connections.discard(task)

    async def _connect(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        server, request = await asyncio.open_connection("127.0.0.1", self._upstream)
        there = asyncio.create_task(_carry(client, request))
        try:
            await self._carry_back(server, answer)
        finally:
            there.cancel()
            await asyncio.gather(there, return_exceptions=True)
            request.transport.abort()

    async def _carry_back(self, server: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        while chunk := await server.read(_CHUNK):
            if self.to_lose > 0:
                self.to_lose -= 1
                self.lost.set()
                return
            answer.write(chunk)
            await answer.drain()

    async def stop(self) -> None:
        """Cut all connections."""
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        target.write(chunk)
        await target.drain()


@asynccontextmanager
async def lossy_proxy(upstream: int) -> AsyncIterator[LossyProxy]:
    """A proxy before that port, until the context ends."""
    proxy = LossyProxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
