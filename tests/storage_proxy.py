"""What stands between a worker and its storage when a test must see, hold or lose single requests?

A proxy that understands just enough HTTP to know where a request and its answer
end. Every request is written down with what the storage said to it; a test can
hold one before it goes on, and can lose an answer whose request has had its effect.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_HEAD_BYTES = 65536


@dataclass(eq=False)
class Exchange:
    """One request, and what became of it.

    Attributes:
        method: of the request.
        path: with its query.
        status: of the answer; 0 until there is one.
        lost: the answer never reached the one who asked.
    """

    method: str
    path: str
    status: int = 0
    lost: bool = False

    def changed(self, method: str) -> bool:
        """Whether it was such a request, and the storage did it."""
        return self.method == method and 200 <= self.status < 300


Hold = Callable[[Exchange], Awaitable[None]]


async def _let_pass(_: Exchange) -> None:
    """Hold nothing."""


@dataclass(eq=False)
class StorageProxy:
    """A proxy before a storage account on this machine.

    Attributes:
        upstream: the account's port.
        port: its own.
        exchanges: all requests in the order of their coming.
        hold: awaited before a request goes on; whoever asked may be dead by the time it does.
        loses: whether an answer is to be lost.
    """

    upstream: int
    port: int = 0
    exchanges: list[Exchange] = field(default_factory=list)
    hold: Hold = _let_pass
    loses: Callable[[Exchange], bool] = lambda _: False
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    def done(self, method: str) -> list[Exchange]:
        """The requests of that method that the storage carried out."""
        return [each for each in self.exchanges if each.changed(method)]

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Carry the requests of one connection."""
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._carry_all(client, answer)
        answer.transport.abort()
        self._connections.discard(task)

    async def _carry_all(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        server, onwards = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            while await self._carry_one(client, answer, server, onwards):
                pass
        finally:
            onwards.transport.abort()

    async def _carry_one(
        self,
        client: asyncio.StreamReader,
        answer: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        onwards: asyncio.StreamWriter,
    ) -> bool:
        head = await client.readuntil(b"\r\n\r\n")
        method, path, _ = head.decode("latin-1").split(" ", 2)
        request = head + await _body(client, head)
        exchange = Exchange(method, path)
        self.exchanges.append(exchange)
        await self.hold(exchange)
        onwards.write(request)
        head = await server.readuntil(b"\r\n\r\n")
        exchange.status = int(head.split(b" ", 2)[1])
        bare = method == "HEAD" or exchange.status in {204, 304}
        body = b"" if bare else await _body(server, head)
        exchange.lost = self.loses(exchange)
        if exchange.lost:
            return False
        answer.write(head + body)
        await answer.drain()
        return True

    async def stop(self) -> None:
        """Cut all connections."""
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections)


async def _body(source: asyncio.StreamReader, head: bytes) -> bytes:
    fields = dict(
        line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if ": " in line
    )
    if fields.get("transfer-encoding") != "chunked":
        return await source.readexactly(int(fields.get("content-length", "0")))
    chunks = b""
    while True:
        size = await source.readuntil(b"\r\n")
        chunk = await source.readexactly(int(size, 16) + 2)
        chunks += size + chunk
        if int(size, 16) == 0:
            return chunks


@asynccontextmanager
async def storage_proxy(upstream: int) -> AsyncIterator[StorageProxy]:
    """A proxy before that port, until the context ends."""
    proxy = StorageProxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
