"""How do tests speak AMQP frame by frame, to see what the SDK hides?

A peer that sends exactly what it is told to, well-formed or not, and gives what comes back.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from local.eventhubs.amqp import (
    NULL,
    Described,
    encode_bool,
    encode_described,
    encode_list,
    encode_long,
    encode_map,
    encode_string,
    encode_symbol,
    encode_ubyte,
    encode_uint,
)
from local.eventhubs.frames import AMQP_HEADER, Frame, FrameReader, Performative, encode_frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from local.eventhubs.broker import Broker

WIDE = 1_000_000
"""A session window that never matters."""


class Peer:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._frames = FrameReader()
        self.received: list[Frame] = []
        self.written: list[bytes] = []
        self._seen = 0

    def write(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self.written.append(raw)
        self.writer.write(raw)

    @classmethod
    @asynccontextmanager
    async def connected(cls, broker: Broker) -> AsyncIterator[Peer]:
        """A connection on which nothing was said yet."""
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    def send(self, performative: Performative, fields: Sequence[bytes], payload: bytes = b"") -> None:
        """Send a frame on channel 1, or 0 if it is one of the connection."""
        channel = 0 if performative in (Performative.OPEN, Performative.CLOSE) else 1
        self.write(encode_frame(channel, performative, fields, payload=payload))

    def open(self, *, idle_timeout_ms: int | None = None, max_frame_size: int | None = None) -> None:
        """Open the connection."""
        self.write(AMQP_HEADER)
        fields = [
            encode_string("peer"),
            NULL,
            encode_uint(max_frame_size),
            NULL,
            encode_uint(idle_timeout_ms),
        ]
        self.send(Performative.OPEN, fields)

    def begin(self, window: int = WIDE) -> None:
        """Begin a session."""
        self.send(Performative.BEGIN, [NULL, encode_uint(0), encode_uint(window), encode_uint(window)])

    def attach(self, address: str, *, receives: bool, handle: int = 0, epoch: int | None = None) -> None:
        """Attach a link."""
        tail = [NULL] * 6  # up to the properties
        if epoch is not None:
            tail.append(encode_map([(encode_symbol("com.microsoft:epoch"), encode_long(epoch))]))
        ends = [
            encode_described(0x28 + at, encode_list([encode_string(address)])) for at in range(2)
        ]  # source and target
        fields = [
            encode_string(f"link-{handle}"),
            encode_uint(handle),
            encode_bool(receives),
            encode_ubyte(2),
            NULL,
        ]
        self.send(Performative.ATTACH, [*fields, *ends, *tail])

    def flow(
        self, *, credit: int, count: int = 0, window: int = WIDE, seen: int = 0, drain: bool = False
    ) -> None:
        """Give credit on handle 0: `seen` frames and `count` deliveries have come so far."""
        numbers = [seen, window, 0, WIDE, 0, count, credit]
        fields = [*(encode_uint(number) for number in numbers), NULL, encode_bool(drain)]
        self.send(Performative.FLOW, fields)

    def transfer(self, message: bytes, *, delivery_id: int = 0, more: bool = False, handle: int = 0) -> None:
        """Send a message, or a part of one."""
        head = [encode_uint(handle), encode_uint(delivery_id), NULL, encode_uint(0)]
        self.send(Performative.TRANSFER, [*head, encode_bool(value=False), encode_bool(more)], message)

    async def drain(self, within: float = 0.3) -> list[Frame]:
        """Everything that comes until nothing comes for a while (seconds) or the end."""
        while True:
            try:
                raw = await asyncio.wait_for(self._reader.read(65536), within)
            except (TimeoutError, ConnectionError):
                raw = b""
            if not raw:
                return self._fresh()
            self._keep(raw)

    async def expect(self, performative: Performative | None, within: float = 5.0) -> Frame:
        """The next frame of a kind; None means a heartbeat. Those before it are passed over.

        Raises:
            TimeoutError: None came in time (seconds).
            EOFError: The connection ended first.
        """
        async with asyncio.timeout(within):
            while True:
                for at, frame in enumerate(self.received[self._seen :], self._seen):
                    if frame.performative is performative:
                        self._seen = at + 1
                        return frame
                self._seen = len(self.received)
                raw = await self._reader.read(65536)
                if not raw:
                    raise EOFError("the broker closed the connection")
                self._keep(raw)

    def _keep(self, raw: bytes) -> None:
        self.received += [item for item in self._frames.feed(raw) if isinstance(item, Frame)]

    def _fresh(self) -> list[Frame]:
        fresh, self._seen = self.received[self._seen :], len(self.received)
        return fresh

    async def is_closed(self, within: float = 5.0) -> bool:
        """Whether the broker closes the connection in time (seconds)."""
        try:
            async with asyncio.timeout(within):
                while raw := await self._reader.read(65536):
                    self._keep(raw)
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True


def condition(frame: Frame, at: int = 0) -> object:
    """The condition of the error in a field of a frame."""
    error = frame.fields.values[at]
    return error.value[0] if isinstance(error, Described) and isinstance(error.value, list) else None
