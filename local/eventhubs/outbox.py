"""How do many small frames become few writes to a socket?

The frames of one turn of the event loop leave together: a write per frame would cost more
than everything else that is done for an event.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

MAX_UNREAD: Final = 8 * 1024 * 1024
"""Bytes a peer may leave unread before its connection is cut."""

_FLUSH_AT: Final = 64 * 1024
_HIGH_WATER: Final = 512 * 1024

_LOGGER = logging.getLogger(__name__)


class Outbox:
    """What is about to be written to one socket."""

    def __init__(self, transport: asyncio.Transport) -> None:
        transport.set_write_buffer_limits(_HIGH_WATER)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._size = 0
        self.flushed_at = self._loop.time()

    def put(self, raw: bytes) -> None:
        """Write `raw` before this turn of the event loop is over."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(raw)
        self._size += len(raw)
        if self._size >= _FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Write what waits, now."""
        if self._waiting and not self._transport.is_closing():
            self._transport.write(b"".join(self._waiting))
            self.flushed_at = self._loop.time()
            if self._transport.get_write_buffer_size() > MAX_UNREAD:
                # Deliveries stop long before this: it asks and asks, and never reads an answer.
                _LOGGER.warning("a peer reads none of what it asks for; its connection is cut")
                self._transport.abort()
        self._waiting, self._size = [], 0
