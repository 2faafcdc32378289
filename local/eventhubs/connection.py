"""What happens on one TCP connection, from the first byte to the last?

It negotiates SASL and AMQP, keeps the sessions, sends heartbeats, ends connections that are
silent, and holds a peer back that sends faster than the disk writes. Whatever a peer sends
wrong ends its own connection with an AMQP error, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, cast

from local.eventhubs.amqp import (
    NULL,
    encode_string,
    encode_symbols,
    encode_ubyte,
    encode_uint,
    encode_ushort,
)
from local.eventhubs.errors import AmqpError, Condition
from local.eventhubs.frames import (
    AMQP_FRAME,
    AMQP_HEADER,
    EMPTY_FRAME,
    MAX_FRAME_SIZE,
    MIN_MAX_FRAME_SIZE,
    SASL_FRAME,
    SASL_HEADER,
    FrameReader,
    Header,
    Performative,
    encode_error,
    encode_frame,
)
from local.eventhubs.outbox import Outbox
from local.eventhubs.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.eventhubs.frames import Fields, Frame
    from local.eventhubs.hub import Hub
    from local.eventhubs.tokens import Authority

CHANNEL_MAX: Final = 1023
"""The highest session channel on a connection."""
MAX_UNCOMMITTED: Final = 16 * 1024 * 1024
"""Bytes that wait for the disk before a connection is read no further."""
MAX_UNFINISHED: Final = 64 * 1024 * 1024
"""Bytes of messages whose last frame has not come, before a connection is closed."""

_FRAME_OVERHEAD: Final = 64  # what a transfer frame has besides its payload, at most
_CLOSE_GRACE: Final = 5.0  # seconds a peer has to read why it was closed
_MECHANISMS: Final = ("MSSBCBS", "ANONYMOUS")

_LOGGER = logging.getLogger(__name__)


class _Stage(Enum):
    """How far a connection is."""

    HEADER = auto()
    SASL = auto()
    OPENING = auto()
    OPEN = auto()
    CLOSED = auto()


class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(
        self, hubs: Mapping[str, Hub], authority: Authority, idle_timeout: float, peers: set[Connection]
    ) -> None:
        self.hubs = hubs
        self.authority = authority
        self.gate = authority.open_gate()
        self.is_writable = True
        self.max_payload = MIN_MAX_FRAME_SIZE - _FRAME_OVERHEAD
        self._idle_timeout = idle_timeout
        self._peers = peers
        self._stage = _Stage.HEADER
        self._reader = FrameReader()
        self._sessions: dict[int, Session] = {}
        self._ended: set[int] = set()
        self._uncommitted = 0
        self._unfinished = 0
        self._peer_idle_timeout = 0.0
        self._received_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # --- the socket ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with a new socket."""
        self._loop = asyncio.get_running_loop()
        self._transport = cast("asyncio.Transport", transport)
        self._outbox = Outbox(self._transport)
        self._peers.add(self)
        self._received_at = self._loop.time()
        self._tick()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever the reason
        """Forget everything the peer had here."""
        self._stage = _Stage.CLOSED
        self._peers.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._drop_sessions()

    def pause_writing(self) -> None:
        """Stop deliveries: the peer reads too slowly."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """Go on with deliveries."""
        self.is_writable = True
        for session in tuple(self._sessions.values()):
            session.pump()

    def data_received(self, data: bytes) -> None:
        """Take what the peer sent."""
        self._received_at = self._loop.time()
        try:
            for item in self._reader.feed(data):
                if self._stage is _Stage.CLOSED:
                    return
                if isinstance(item, Header):
                    self._on_header(item)
                elif item.performative is not None:
                    self._on_frame(item)
        except AmqpError as error:
            self.fail(error)

    def abort(self) -> None:
        """Cut the connection as a network would."""
        self._transport.abort()

    # --- sending ---

    def send(
        self, channel: int, performative: Performative, fields: Sequence[bytes], payload: bytes = b""
    ) -> None:
        """Send a frame, together with others of this turn of the event loop."""
        self._write(encode_frame(channel, performative, fields, payload=payload))

    def _write(self, raw: bytes) -> None:
        if self._stage is not _Stage.CLOSED:
            self._outbox.put(raw)

    def fail(self, error: AmqpError) -> None:
        """Tell the peer what is wrong and close the connection."""
        if self._stage is _Stage.CLOSED:
            return
        _LOGGER.info("a connection is closed: %s", error)
        if self._stage in (_Stage.HEADER, _Stage.SASL):
            # Not even the protocol is agreed on: saying which one is spoken here is all one can do.
            self._write(AMQP_HEADER)
        else:
            if self._stage is _Stage.OPENING:
                self._send_open()
            self.send(0, Performative.CLOSE, [encode_error(error)])
        self._close()

    def _close(self) -> None:
        self._outbox.flush()
        self._stage = _Stage.CLOSED
        self._drop_sessions()
        self._transport.close()
        self._loop.call_later(_CLOSE_GRACE, self._transport.abort)

    def _drop_sessions(self) -> None:
        for session in self._sessions.values():
            session.drop()
        self._sessions.clear()

    # --- limits ---

    def count_uncommitted(self, size: int) -> None:
        """Count bytes that wait for the disk; beyond the limit the peer has to wait too."""
        was_full = self._uncommitted > MAX_UNCOMMITTED
        self._uncommitted += size
        is_full = self._uncommitted > MAX_UNCOMMITTED
        if is_full != was_full and not self._transport.is_closing():
            (self._transport.pause_reading if is_full else self._transport.resume_reading)()

    def count_unfinished(self, size: int) -> None:
        """Count bytes of messages that are not complete yet."""
        self._unfinished += size
        if size > 0 and self._unfinished > MAX_UNFINISHED:
            self.fail(AmqpError(Condition.RESOURCE_LIMIT, "too many unfinished messages"))

    def _tick(self) -> None:
        """Send a heartbeat if the peer wants them; end the connection if it is silent for too long."""
        now = self._loop.time()
        # A peer is told half of the time it really has, as AMQP recommends.
        if now - self._received_at >= 2 * self._idle_timeout:
            self.fail(AmqpError(Condition.FORCED, f"nothing came for {2 * self._idle_timeout} seconds"))
            return
        pause = self._idle_timeout / 2
        if self._peer_idle_timeout:
            pause = min(pause, self._peer_idle_timeout / 3)
            if now - self._outbox.flushed_at >= pause / 2:
                self._write(EMPTY_FRAME)
        self._timer = self._loop.call_later(pause, self._tick)

    # --- negotiation ---

    def _on_header(self, header: Header) -> None:
        if self._stage is not _Stage.HEADER:
            raise AmqpError(Condition.FRAMING_ERROR, "a protocol header came out of turn")
        if header.raw == SASL_HEADER:
            self._stage = _Stage.SASL
            self._write(SASL_HEADER)
            self._send_sasl(Performative.SASL_MECHANISMS, [encode_symbols(_MECHANISMS)])
        elif header.raw == AMQP_HEADER:
            self._stage = _Stage.OPENING
            self._write(AMQP_HEADER)
        else:
            raise AmqpError(Condition.NOT_IMPLEMENTED, f"the protocol {header.raw!r} is not spoken here")

    def _send_sasl(self, performative: Performative, fields: Sequence[bytes]) -> None:
        self._write(encode_frame(0, performative, fields, kind=SASL_FRAME))

    def _on_sasl(self, frame: Frame) -> None:
        if frame.performative is not Performative.SASL_INIT:
            raise AmqpError(Condition.NOT_ALLOWED, "SASL begins with an init")
        # It only says how to go on: who may do what is decided by the tokens put on $cbs.
        known = frame.fields.text(0) in _MECHANISMS
        self._send_sasl(Performative.SASL_OUTCOME, [encode_ubyte(0 if known else 1)])
        self._stage = _Stage.HEADER
        if not known:
            self._close()

    def _send_open(self) -> None:
        self._stage = _Stage.OPEN
        self.send(
            0,
            Performative.OPEN,
            [
                encode_string("local-event-hubs"),
                NULL,
                encode_uint(MAX_FRAME_SIZE),
                encode_ushort(CHANNEL_MAX),
                encode_uint(int(self._idle_timeout * 1000)),
            ],
        )

    def _on_open(self, fields: Fields) -> None:
        max_frame_size = fields.uint(2, default=(1 << 32) - 1)
        if max_frame_size < MIN_MAX_FRAME_SIZE:
            raise AmqpError(Condition.INVALID_FIELD, f"frames of {max_frame_size} bytes are too small")
        self.max_payload = min(max_frame_size, MAX_FRAME_SIZE) - _FRAME_OVERHEAD
        self._peer_idle_timeout = fields.uint(4, default=0) / 1000
        self._send_open()
        if self._peer_idle_timeout and self._timer is not None:
            self._timer.cancel()
            self._tick()

    # --- frames ---

    def _on_frame(self, frame: Frame) -> None:
        wanted = SASL_FRAME if self._stage is _Stage.SASL else AMQP_FRAME
        if frame.kind != wanted or self._stage is _Stage.HEADER:
            raise AmqpError(Condition.NOT_ALLOWED, f"{frame.fields.name} came out of turn")
        if self._stage is _Stage.SASL:
            self._on_sasl(frame)
        elif (frame.performative is Performative.OPEN) != (self._stage is _Stage.OPENING):
            raise AmqpError(Condition.NOT_ALLOWED, f"{frame.fields.name} came out of turn")
        elif frame.performative is Performative.OPEN:
            self._on_open(frame.fields)
        elif frame.performative is Performative.BEGIN:
            self._on_begin(frame)
        elif frame.performative is Performative.END:
            self._on_end(frame.channel)
        elif frame.performative is Performative.CLOSE:
            self.send(0, Performative.CLOSE, [])
            self._close()
        else:
            self._on_session_frame(frame)

    def _on_begin(self, frame: Frame) -> None:
        if frame.channel > CHANNEL_MAX or frame.channel in self._sessions:
            raise AmqpError(Condition.NOT_ALLOWED, f"channel {frame.channel} is taken or too high")
        self._ended.discard(frame.channel)
        self._sessions[frame.channel] = Session(self, frame.channel, frame.fields)

    def _on_end(self, channel: int) -> None:
        session = self._sessions.pop(channel, None)
        if session is not None:
            session.drop()
            self._ended.add(channel)
            self.send(channel, Performative.END, [])

    def _on_session_frame(self, frame: Frame) -> None:
        session = self._sessions.get(frame.channel)
        if session is None:
            # The SDK detaches its links after it has ended their session; that means nothing any more.
            if frame.channel not in self._ended:
                raise AmqpError(Condition.NOT_ALLOWED, f"there is no session on channel {frame.channel}")
            return
        try:
            session.take(frame)
        except AmqpError as error:
            if error.condition not in (Condition.UNATTACHED_HANDLE, Condition.HANDLE_IN_USE):
                raise
            # These are faults of the session only.
            self._sessions.pop(frame.channel).drop()
            self._ended.add(frame.channel)
            self.send(frame.channel, Performative.END, [encode_error(error)])
