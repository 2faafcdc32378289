"""What happens on one session: which links are on it, and how much may be sent?

The broker's own incoming window is always wide open: how much a publisher may have in flight
is bounded by link credit and by not reading the socket. (The azure-eventhub SDK counts a
message in several frames as one transfer, so a narrow window would come to a wrong count.)
The peer's window is obeyed, frame by frame.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from local.eventhubs.amqp import (
    NULL,
    encode_binary,
    encode_bool,
    encode_described,
    encode_list,
    encode_string,
    encode_ubyte,
    encode_uint,
    encode_ulong,
    encode_ushort,
)
from local.eventhubs.errors import AmqpError, Condition
from local.eventhubs.frames import Performative, encode_error
from local.eventhubs.link import MAX_MESSAGE_SIZE, Attach, IncomingLink, Link, OutgoingLink, serial_difference
from local.eventhubs.terminus import open_link

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.eventhubs.connection import Connection
    from local.eventhubs.frames import Fields, Frame

MAX_HANDLE: Final = 63
"""The highest link handle on a session."""
WINDOW: Final = (1 << 31) - 1

_LOGGER = logging.getLogger(__name__)
_SOURCE: Final = 0x28
_TARGET: Final = 0x29


class Session:
    """One session. Both directions use the channel the peer chose."""

    def __init__(self, connection: Connection, channel: int, begin: Fields) -> None:
        self.connection = connection
        self._channel = channel
        self._links: dict[int, Link] = {}
        # Links that we detached and whose peer may not know yet: what comes for them is dropped.
        self._detaching: set[int] = set()
        self._next_incoming_id = begin.uint(1)
        self._remote_window = begin.uint(2)
        self._next_outgoing_id = 0
        self._next_delivery_id = 0
        self._is_open = True
        # Field by field: remote channel, next outgoing id, windows, highest handle.
        self._send(
            Performative.BEGIN,
            [
                encode_ushort(channel),
                encode_uint(0),
                encode_uint(WINDOW),
                encode_uint(WINDOW),
                encode_uint(MAX_HANDLE),
            ],
        )

    def _send(self, performative: Performative, fields: Sequence[bytes], payload: bytes = b"") -> None:
        # A commit may end after the session did: then nobody is there to be told.
        if self._is_open:
            self.connection.send(self._channel, performative, fields, payload)

    # --- what the peer sends ---

    def take(self, frame: Frame) -> None:
        """Take a frame of this session.

        Raises:
            AmqpError: The session cannot go on.
        """
        handlers: dict[Performative | None, Callable[[Fields, bytes], None]] = {
            Performative.ATTACH: self._on_attach,
            Performative.FLOW: self._on_flow,
            Performative.TRANSFER: self._on_transfer,
            Performative.DETACH: self._on_detach,
            # Deliveries are settled when they are sent, so dispositions change nothing.
            Performative.DISPOSITION: lambda _fields, _payload: None,
        }
        handler = handlers.get(frame.performative)
        if handler is None:
            raise AmqpError(Condition.NOT_ALLOWED, f"{frame.fields.name} does not belong on a session")
        handler(frame.fields, frame.payload)

    def _on_attach(self, fields: Fields, _payload: bytes) -> None:
        attach = Attach.read(fields)
        if attach.handle > MAX_HANDLE or attach.handle in self._links:
            raise AmqpError(Condition.HANDLE_IN_USE, f"handle {attach.handle} is taken or too high")
        self._detaching.discard(attach.handle)
        try:
            link = open_link(self, attach)
        except AmqpError as error:
            # A refusal is an attach without a terminus, followed by the reason.
            self._send_attach(attach, NULL, NULL)
            self._send_detach(attach.handle, error)
            return
        self._links[attach.handle] = link
        self._send_attach(attach, _echo(_SOURCE, attach.source), _echo(_TARGET, attach.target))
        if isinstance(link, IncomingLink):
            link.grant()

    def _send_attach(self, attach: Attach, source: bytes, target: bytes) -> None:
        self._send(
            Performative.ATTACH,
            [
                encode_string(attach.name),
                encode_uint(attach.handle),
                encode_bool(not attach.peer_receives),
                encode_ubyte(attach.send_settle_mode),
                encode_ubyte(0),  # the receiver settles first
                source,
                target,
                NULL,
                NULL,
                encode_uint(0) if attach.peer_receives else NULL,  # initial delivery count
                encode_ulong(MAX_MESSAGE_SIZE),
            ],
        )

    def _on_flow(self, fields: Fields, _payload: bytes) -> None:
        edge = fields.uint(0, default=0) + min(fields.uint(1), WINDOW)
        self._remote_window = max(0, serial_difference(edge, self._next_outgoing_id))
        handle = fields.optional_uint(4)
        link = self._links.get(handle) if handle is not None else None
        if link is not None:
            link.flow(fields)
        elif handle is None and fields.flag(9):  # echo
            self._send(Performative.FLOW, self._session_flow())
        self.pump()

    def _on_transfer(self, fields: Fields, payload: bytes) -> None:
        self._next_incoming_id = (self._next_incoming_id + 1) & 0xFFFFFFFF
        handle = fields.uint(0)
        link = self._links.get(handle)
        if isinstance(link, IncomingLink):
            try:
                link.receive(fields, payload)
            except AmqpError as error:
                self.detach(link, error)
        elif handle not in self._detaching:
            raise AmqpError(Condition.UNATTACHED_HANDLE, f"no link takes transfers on handle {handle}")

    def _on_detach(self, fields: Fields, _payload: bytes) -> None:
        handle = fields.uint(0)
        self._detaching.discard(handle)
        link = self._links.pop(handle, None)
        if link is not None:
            link.drop()
            self._send(Performative.DETACH, [encode_uint(handle), encode_bool(fields.flag(1))])

    # --- what we send ---

    def detach(self, link: Link, error: AmqpError) -> None:
        """Detach a link of ours because of an error."""
        if self._links.pop(link.handle, None) is None:
            return
        _LOGGER.info("link %s is detached: %s", link.name, error)
        link.drop()
        self._send_detach(link.handle, error)

    def _send_detach(self, handle: int, error: AmqpError) -> None:
        self._detaching.add(handle)
        self._send(Performative.DETACH, [encode_uint(handle), encode_bool(value=True), encode_error(error)])

    def send_link_flow(self, handle: int, delivery_count: int, credit: int) -> None:
        """Tell the peer how a link stands."""
        link = [encode_uint(handle), encode_uint(delivery_count), encode_uint(credit)]
        self._send(Performative.FLOW, [*self._session_flow(), *link])

    def _session_flow(self) -> list[bytes]:
        window = encode_uint(WINDOW)
        return [encode_uint(self._next_incoming_id), window, encode_uint(self._next_outgoing_id), window]

    def settle(self, delivery_id: int, outcome: bytes) -> None:
        """Tell the peer what became of its delivery."""
        settled = encode_bool(value=True)
        number = encode_uint(delivery_id)
        self._send(Performative.DISPOSITION, [encode_bool(value=True), number, number, settled, outcome])

    def may_transfer(self) -> bool:
        """Whether the peer's window and the socket take another frame."""
        return self._remote_window > 0 and self.connection.is_writable

    def next_delivery_id(self) -> int:
        """Number a new delivery."""
        number = self._next_delivery_id
        self._next_delivery_id = (number + 1) & 0xFFFFFFFF
        return number

    def transfer(
        self, handle: int, delivery_id: int | None, part: bytes, *, more: bool, settled: bool
    ) -> None:
        """Send one frame of a delivery; only its first one carries the number."""
        tag = None if delivery_id is None else delivery_id.to_bytes(4, "big")
        message_format = None if delivery_id is None else 0
        fields = [
            encode_uint(handle),
            encode_uint(delivery_id),
            encode_binary(tag),
            encode_uint(message_format),
            encode_bool(settled),
            encode_bool(more),
        ]
        self._send(Performative.TRANSFER, fields, part)
        self._next_outgoing_id = (self._next_outgoing_id + 1) & 0xFFFFFFFF
        self._remote_window -= 1

    def pump(self) -> None:
        """Let every link send what it may."""
        for link in self.links():
            if isinstance(link, OutgoingLink):
                link.pump()

    def links(self) -> tuple[Link, ...]:
        """The links that are attached now."""
        return tuple(self._links.values())

    def drop(self) -> None:
        """Forget all links: the session or its connection has ended."""
        self._is_open = False
        for link in self.links():
            link.drop()
        self._links.clear()


def _echo(descriptor: int, terminus: Fields | None) -> bytes:
    """Confirm a source or target by its address."""
    address = terminus.text(0) if terminus is not None else None
    return encode_described(descriptor, encode_list([encode_string(address)]))
