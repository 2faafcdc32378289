"""How do messages move over one link, in either direction?

`IncomingLink` puts transfers together into messages, keeps the peer in credit and settles;
`OutgoingLink` sends messages as far as the peer's credit, the session's window and the socket
allow. What the messages are for is said by the subclasses in `terminus`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local.eventhubs.errors import AmqpError, Condition
from local.eventhubs.frames import ACCEPTED, rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.eventhubs.frames import Fields
    from local.eventhubs.session import Session

MAX_MESSAGE_SIZE: Final = 1024 * 1024
"""Bytes of the largest message or batch, as in Event Hubs."""
CREDIT: Final = 1000
"""Deliveries a publisher may have in flight on one link."""
PUMP_BYTES: Final = 256 * 1024
"""Bytes one link may send before others get their turn."""

_SETTLED: Final = 1


def serial_difference(left: int, right: int) -> int:
    """How far `left` is ahead of `right`, where both count modulo 2**32 (RFC 1982)."""
    difference = (left - right) & 0xFFFFFFFF
    return difference - (1 << 32) if difference >= 1 << 31 else difference


@dataclass(frozen=True, slots=True)
class Attach:
    """What a peer asks for when it attaches a link."""

    name: str
    handle: int
    peer_receives: bool
    send_settle_mode: int
    source: Fields | None
    target: Fields | None
    capabilities: frozenset[object]
    properties: Mapping[object, object]

    @classmethod
    def read(cls, fields: Fields) -> Attach:
        """Read the fields of an attach performative."""
        return cls(
            name=fields.text(0) or "",
            handle=fields.uint(1),
            peer_receives=fields.flag(2),
            send_settle_mode=fields.uint(3, default=2),
            source=fields.nested(5, "source"),
            target=fields.nested(6, "target"),
            capabilities=fields.symbols(12),
            properties=fields.mapping(13),
        )


class Link(ABC):
    """Our end of a link."""

    def __init__(self, session: Session, attach: Attach) -> None:
        self.session = session
        self.name = attach.name
        self.handle = attach.handle
        self.is_open = True

    def drop(self) -> None:
        """Forget what the link holds; it is detached or its connection is gone."""
        self.is_open = False

    @abstractmethod
    def flow(self, fields: Fields) -> None:
        """Take the peer's state of the link."""


class IncomingLink(Link):
    """A link on which the peer sends."""

    def __init__(self, session: Session, attach: Attach) -> None:
        super().__init__(session, attach)
        self._credit = 0
        self._delivery_count = 0
        self._delivery_id: int | None = None
        self._format = 0
        self._settled = False
        self._parts: list[bytes] = []
        self._size = 0

    @abstractmethod
    def take(self, message: bytes, message_format: int) -> asyncio.Future[None] | None:
        """Take a whole message; give what is done when it may be accepted, or None if at once.

        Raises:
            AmqpError: The message is rejected.
        """

    def grant(self) -> None:
        """Give the peer credit up to the full amount."""
        self._credit = CREDIT
        self.session.send_link_flow(self.handle, self._delivery_count, self._credit)

    def flow(self, fields: Fields) -> None:
        """Answer a peer that asks how much credit it has."""
        if fields.flag(9):
            self.grant()

    def receive(self, fields: Fields, payload: bytes) -> None:
        """Take one transfer frame.

        Raises:
            AmqpError: The link must be detached: there was no credit for the message, or nobody
                waits for its outcome.
        """
        if self._delivery_id is None:
            self._start(fields)
        if fields.flag(9):  # aborted
            self._finish()
            return
        self._size += len(payload)
        if self._size <= MAX_MESSAGE_SIZE:
            self.session.connection.count_unfinished(len(payload))
            self._parts.append(payload)
        if not fields.flag(5):  # more
            delivery_id = None if self._settled else self._delivery_id
            is_too_large = self._size > MAX_MESSAGE_SIZE
            message = self._finish()
            self._dispatch(None if is_too_large else message, self._format, delivery_id)

    def _start(self, fields: Fields) -> None:
        if self._credit == 0:
            raise AmqpError(Condition.TRANSFER_LIMIT, "a delivery came without credit for it")
        self._delivery_id = fields.uint(1)
        self._format = fields.uint(3, default=0)
        self._settled = fields.flag(4)

    def _finish(self) -> bytes:
        message = b"".join(self._parts)
        self.session.connection.count_unfinished(-len(message))
        self._parts, self._size, self._delivery_id = [], 0, None
        self._credit -= 1
        self._delivery_count = (self._delivery_count + 1) & 0xFFFFFFFF
        return message

    def _dispatch(self, message: bytes | None, message_format: int, delivery_id: int | None) -> None:
        """Hand a message over and settle it when that is done, unless the peer did already."""
        try:
            if message is None:
                # Detaching the link would say so too, but the SDK then hides the reason.
                raise AmqpError(Condition.MESSAGE_SIZE, f"a message may have {MAX_MESSAGE_SIZE} bytes")  # noqa: TRY301
            done = self.take(message, message_format)
        except AmqpError as error:
            if delivery_id is None:
                raise  # the peer expects no outcome, so the link has to carry the news
            self.session.settle(delivery_id, rejected(error))
        else:
            if done is not None:
                self._settle_when(done, delivery_id, len(message))
            elif delivery_id is not None:
                self.session.settle(delivery_id, ACCEPTED)
        if self._credit <= CREDIT // 2:
            self.grant()

    def _settle_when(self, done: asyncio.Future[None], delivery_id: int | None, size: int) -> None:
        connection = self.session.connection
        connection.count_uncommitted(size)

        def settle(done: asyncio.Future[None]) -> None:
            connection.count_uncommitted(-size)
            failure = asyncio.CancelledError() if done.cancelled() else done.exception()
            if delivery_id is None:
                return
            if failure is None:
                self.session.settle(delivery_id, ACCEPTED)
            else:
                error = AmqpError(Condition.INTERNAL_ERROR, f"the event could not be stored: {failure}")
                self.session.settle(delivery_id, rejected(error))

        done.add_done_callback(settle)

    def drop(self) -> None:
        """Forget an unfinished message."""
        super().drop()
        self.session.connection.count_unfinished(-sum(len(part) for part in self._parts))
        self._parts = []


@dataclass(slots=True)
class _Delivery:
    """A message on its way out, and how much of it is sent."""

    number: int
    message: bytes
    sent: int = 0


class OutgoingLink(Link):
    """A link on which the peer receives."""

    def __init__(self, session: Session, attach: Attach) -> None:
        super().__init__(session, attach)
        self._credit = 0
        self._delivery_count = 0
        self._delivery: _Delivery | None = None
        # Events are not taken out of a partition by reading them, so there is nothing to settle
        # later; only a peer that insists gets its deliveries unsettled.
        self._settled = attach.send_settle_mode >= _SETTLED

    @abstractmethod
    def next_message(self) -> bytes | None:
        """Give the next message to send, or None if there is none yet.

        Raises:
            AmqpError: There never will be one; the link must be detached.
        """

    def flow(self, fields: Fields) -> None:
        """Take the peer's credit; with drain, use up what cannot be used now."""
        count, credit = fields.uint(5, default=0), fields.uint(6, default=0)
        # The difference is taken from the sum, since the sum wraps as the counts do.
        self._credit = max(0, serial_difference(count + min(credit, (1 << 31) - 1), self._delivery_count))
        self.pump()
        if fields.flag(8) and self._delivery is None:  # drain
            self._delivery_count = (self._delivery_count + self._credit) & 0xFFFFFFFF
            self._credit = 0
        if fields.flag(8) or fields.flag(9):  # echo
            self.session.send_link_flow(self.handle, self._delivery_count, self._credit)

    def pump(self) -> None:
        """Send what is there and may be sent, up to a fair share."""
        budget = PUMP_BYTES
        try:
            while self.is_open and self.session.may_transfer() and budget > 0:
                self._delivery = self._delivery or self._begin_delivery()
                if self._delivery is None:
                    return
                budget -= self._send_part(self._delivery)
        except AmqpError as error:
            self.session.detach(self, error)
        if budget <= 0:
            asyncio.get_running_loop().call_soon(self.pump)

    def _begin_delivery(self) -> _Delivery | None:
        message = self.next_message() if self._credit else None
        if message is None:
            return None
        self._credit -= 1
        self._delivery_count = (self._delivery_count + 1) & 0xFFFFFFFF
        return _Delivery(self.session.next_delivery_id(), message)

    def _send_part(self, delivery: _Delivery) -> int:
        part = delivery.message[delivery.sent : delivery.sent + self.session.connection.max_payload]
        is_first, end = delivery.sent == 0, delivery.sent + len(part)
        self.session.transfer(
            self.handle,
            delivery.number if is_first else None,
            part,
            more=end < len(delivery.message),
            settled=self._settled,
        )
        delivery.sent = end
        if end >= len(delivery.message):
            self._delivery = None
        return len(part)
