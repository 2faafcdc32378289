"""Where does one AMQP frame end, and what is in it?

`FrameReader` cuts the byte stream into protocol headers and frames and refuses frames larger
than agreed. `Fields` reads what is in a frame by position and by type, so that the rest of
the broker deals in typed values. Outgoing frames always carry every field their performative
has, null or not: the azure-eventhub SDK reads them by position.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from local.eventhubs.amqp import NULL, Described, encode_described, encode_list, encode_string, encode_symbol
from local.eventhubs.decoding import decode
from local.eventhubs.errors import AmqpError, Condition, DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_FRAME_SIZE: Final = 64 * 1024
"""Bytes of the largest frame this broker takes, as Event Hubs does."""
MIN_MAX_FRAME_SIZE: Final = 512
"""Bytes every AMQP peer must be able to take in one frame."""

EMPTY_FRAME: Final = b"\x00\x00\x00\x08\x02\x00\x00\x00"
AMQP_HEADER: Final = b"AMQP\x00\x01\x00\x00"
SASL_HEADER: Final = b"AMQP\x03\x01\x00\x00"
AMQP_FRAME: Final = 0
SASL_FRAME: Final = 1

_PREFIX = struct.Struct(">IBBH")


class Performative(IntEnum):
    """The verbs of AMQP and SASL, by their descriptor."""

    OPEN = 0x10
    BEGIN = 0x11
    ATTACH = 0x12
    FLOW = 0x13
    TRANSFER = 0x14
    DISPOSITION = 0x15
    DETACH = 0x16
    END = 0x17
    CLOSE = 0x18
    SASL_MECHANISMS = 0x40
    SASL_INIT = 0x41
    SASL_OUTCOME = 0x44


_PERFORMATIVES: Final[Mapping[object, Performative]] = {verb.value: verb for verb in Performative}
_FIELD_COUNT: Final[Mapping[Performative, int]] = {
    Performative.OPEN: 10,
    Performative.BEGIN: 8,
    Performative.ATTACH: 14,
    Performative.FLOW: 11,
    Performative.TRANSFER: 11,
    Performative.DISPOSITION: 6,
    Performative.DETACH: 3,
    Performative.END: 1,
    Performative.CLOSE: 1,
    Performative.SASL_MECHANISMS: 1,
    Performative.SASL_INIT: 3,
    Performative.SASL_OUTCOME: 2,
}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a performative or of a described list; what is not there is null."""

    name: str
    values: Sequence[object]

    def _at(self, at: int) -> object:
        return self.values[at] if at < len(self.values) else None

    def _wrong(self, at: int, wanted: str) -> DecodeError:
        return DecodeError(f"field {at} of {self.name} is not {wanted}", Condition.INVALID_FIELD)

    def optional_uint(self, at: int, bits: int = 32) -> int | None:
        """The unsigned integer in field `at`, or None."""
        value = self._at(at)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
            raise self._wrong(at, "an unsigned integer")
        return value

    def uint(self, at: int, default: int | None = None) -> int:
        """The unsigned integer in field `at`; an error if it is null and has no default."""
        value = self.optional_uint(at)
        if value is not None:
            return value
        if default is None:
            raise self._wrong(at, "there, though it must be")
        return default

    def flag(self, at: int) -> bool:
        """The boolean in field `at`; null means false."""
        value = self._at(at)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(at, "a boolean")
        return bool(value)

    def text(self, at: int) -> str | None:
        """The text in field `at`, whether it was sent as string, symbol or UTF-8 bytes."""
        value = self._at(at)
        if isinstance(value, bytes):
            try:
                return value.decode()
            except UnicodeDecodeError as error:
                raise self._wrong(at, "UTF-8") from error
        if value is not None and not isinstance(value, str):
            raise self._wrong(at, "text")
        return value

    def mapping(self, at: int) -> Mapping[object, object]:
        """The map in field `at`; null means empty."""
        value = self._at(at)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(at, "a map")
        return value

    def symbols(self, at: int) -> frozenset[object]:
        """The symbols in field `at`: an array, a list, a single one, or none."""
        value = self._at(at)
        if value is None:
            return frozenset()
        listed = value if isinstance(value, list) else [value]
        return frozenset(item for item in listed if isinstance(item, str))

    def nested(self, at: int, name: str) -> Fields | None:
        """The described list in field `at` (a source, a target), or None."""
        value = self._at(at)
        if value is None:
            return None
        if not isinstance(value, Described) or not isinstance(value.value, list):
            raise self._wrong(at, f"a {name}")
        return Fields(name, value.value)


@dataclass(frozen=True, slots=True)
class Header:
    """The eight bytes in which a peer names the protocol it is about to speak."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `performative` is None in the empty frame, the heartbeat."""

    kind: int
    channel: int
    performative: Performative | None
    fields: Fields
    payload: bytes


_HEARTBEAT = Frame(AMQP_FRAME, 0, None, Fields("empty", ()), b"")


class FrameReader:
    """Cuts a stream into headers and frames, holding at most one unfinished frame."""

    def __init__(self, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        self._max_frame_size = max_frame_size
        self._buffer = bytearray()

    def feed(self, received: bytes) -> Iterator[Header | Frame]:
        """Take what arrived and give what is complete now, in order.

        Raises:
            DecodeError: What follows is no frame; nothing after it can be read.
        """
        buffer = self._buffer
        buffer += received
        at = 0
        try:
            while len(buffer) - at >= _PREFIX.size:
                if buffer.startswith(b"AMQP", at):
                    yield Header(bytes(buffer[at : at + 8]))
                    at += 8
                    continue
                size = self._size(at)
                if len(buffer) - at < size:
                    break
                raw = bytes(buffer[at : at + size])
                at += size
                yield _parse(raw)
        finally:
            del buffer[:at]

    def _size(self, at: int) -> int:
        size, offset, _kind, _channel = _PREFIX.unpack_from(self._buffer, at)
        if not _PREFIX.size <= size <= self._max_frame_size or not 2 <= offset <= size // 4:
            raise DecodeError(
                f"no frame has {size} bytes and a header of {4 * offset}", Condition.FRAMING_ERROR
            )
        return int(size)


def _parse(raw: bytes) -> Frame:
    _size, offset, kind, channel = _PREFIX.unpack_from(raw)
    if kind not in (AMQP_FRAME, SASL_FRAME):
        raise DecodeError(f"no frame is of type {kind}", Condition.FRAMING_ERROR)
    start = 4 * offset
    if start == len(raw):
        return _HEARTBEAT
    described, end = decode(raw, start)
    if not isinstance(described, Described) or not isinstance(described.value, list):
        raise DecodeError("a frame does not start with a performative")
    performative = _PERFORMATIVES.get(described.descriptor)
    if performative is None:
        raise DecodeError(
            f"no performative is described by {described.descriptor!r}", Condition.NOT_IMPLEMENTED
        )
    fields = Fields(performative.name.lower(), described.value)
    return Frame(kind, channel, performative, fields, raw[end:])


def encode_frame(
    channel: int,
    performative: Performative,
    fields: Sequence[bytes],
    *,
    payload: bytes = b"",
    kind: int = AMQP_FRAME,
) -> bytes:
    """Write one frame, with null for every field that is not given."""
    missing = _FIELD_COUNT[performative] - len(fields)
    body = encode_described(performative, encode_list([*fields, *[NULL] * missing]))
    size = _PREFIX.size + len(body) + len(payload)
    return _PREFIX.pack(size, 2, kind, channel) + body + payload


def encode_error(error: AmqpError) -> bytes:
    """Write an error; the SDK looks for all three fields."""
    fields = [encode_symbol(error.condition), encode_string(error.description), NULL]
    return encode_described(0x1D, encode_list(fields))


ACCEPTED: Final = encode_described(0x24, encode_list([]))
"""The outcome of a delivery that is on disk."""


def rejected(error: AmqpError) -> bytes:
    """Write the outcome of a delivery that failed."""
    return encode_described(0x25, encode_list([encode_error(error)]))
