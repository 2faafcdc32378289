"""What is in a message that a publisher sent, and what does a reader get of it?

A message is a run of sections. The broker passes the bare message on byte by byte (so
whatever types the publisher used survive) and only rewrites the annotations: it takes the
publisher's, drops those that only the broker may set, and adds sequence number, offset,
enqueued time and partition key. Everything is read once when it is published, because a
malformed message that got into the log would break every reader that meets it.

Source of the formats: OASIS AMQP 1.0, part 3 (messaging); the batch format and the names of
the annotations are those the azure-eventhub SDK writes and reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from local.eventhubs.amqp import (
    encode_described,
    encode_long,
    encode_map,
    encode_string,
    encode_symbol,
    encode_timestamp,
)
from local.eventhubs.decoding import decode, elements_of, skip
from local.eventhubs.errors import Condition, DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.eventhubs.segment import Stamp

BATCH_FORMAT: Final = 0x80013700
"""The message format in which each data section is a message of its own."""

MAX_PARTITION_KEY: Final = 128
"""Characters of the longest partition key, as in Event Hubs."""

PARTITION_KEY: Final = "x-opt-partition-key"
_OURS: Final = frozenset({"x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time", PARTITION_KEY})
_SEQUENCE_NUMBER: Final = encode_symbol("x-opt-sequence-number")
_OFFSET: Final = encode_symbol("x-opt-offset")
_ENQUEUED_TIME: Final = encode_symbol("x-opt-enqueued-time")
_PARTITION_KEY: Final = encode_symbol(PARTITION_KEY)

_BINARY: Final = (0xA0, 0xB0)


class SectionCode(IntEnum):
    """The sections of a message, by their descriptor."""

    HEADER = 0x70
    DELIVERY_ANNOTATIONS = 0x71
    MESSAGE_ANNOTATIONS = 0x72
    PROPERTIES = 0x73
    APPLICATION_PROPERTIES = 0x74
    DATA = 0x75
    SEQUENCE = 0x76
    VALUE = 0x77
    FOOTER = 0x78


_SECTIONS: Final[Mapping[object, SectionCode]] = {code.value: code for code in SectionCode}


class Section(NamedTuple):
    """One section: its code and the bytes of its value."""

    code: SectionCode
    value: bytes

    def encoded(self) -> bytes:
        """The whole section, descriptor first."""
        return encode_described(self.code, self.value)

    def decoded(self) -> object:
        """The value, read."""
        return decode(self.value)[0]


def sections(raw: bytes) -> Iterator[Section]:
    """Give the sections of an encoded message, each checked to be readable.

    Raises:
        DecodeError: The bytes are no message.
    """
    at = 0
    while at < len(raw):
        if raw[at] != 0:
            raise DecodeError("a message section has no descriptor")
        descriptor, start = decode(raw, at + 1)
        code = _SECTIONS.get(descriptor)
        if code is None:
            raise DecodeError(f"no message section is described by {descriptor!r}")
        # Bodies are nearly always bytes: their length says it all, and copying them twice is waste.
        is_body = code is SectionCode.DATA and start < len(raw) and raw[start] in _BINARY
        at = skip(raw, start) if is_body else decode(raw, start)[1]
        yield Section(code, raw[start:at])


@dataclass(frozen=True, slots=True)
class Event:
    """One event as published, cut where the broker's annotations go."""

    head: bytes
    annotations: tuple[tuple[bytes, bytes], ...]
    tail: bytes
    partition_key: str | None

    def stamped(self, stamp: Stamp) -> bytes:
        """The message as readers get it."""
        ours = [
            (_SEQUENCE_NUMBER, encode_long(stamp.sequence_number)),
            (_OFFSET, encode_string(str(stamp.offset))),
            (_ENQUEUED_TIME, encode_timestamp(stamp.enqueued_ms)),
        ]
        if self.partition_key is not None:
            ours.append((_PARTITION_KEY, encode_string(self.partition_key)))
        annotations = Section(SectionCode.MESSAGE_ANNOTATIONS, encode_map([*ours, *self.annotations]))
        return self.head + annotations.encoded() + self.tail


@dataclass(frozen=True, slots=True)
class Publication:
    """What one transfer published: one event or a batch, all for the same partition key."""

    events: tuple[Event, ...]
    partition_key: str | None


def read_publication(raw: bytes, message_format: int) -> Publication:
    """Read what a publisher sent.

    Raises:
        DecodeError: It is malformed, or a message inside the batch is.
    """
    if message_format != BATCH_FORMAT:
        event = _read_event(raw)
        return Publication((event,), event.partition_key)
    key, inner = None, []
    for section in sections(raw):
        if section.code is SectionCode.MESSAGE_ANNOTATIONS:
            key = _key_of(section)
        elif section.code is SectionCode.DATA:
            inner.append(section.decoded())
    # The batch goes to one partition as a whole, so the key of the envelope holds for all of it.
    events = tuple(replace(_read_event(message), partition_key=key) for message in _all_bytes(inner))
    return Publication(events, key)


def _all_bytes(bodies: Sequence[object]) -> Iterator[bytes]:
    for body in bodies:
        if not isinstance(body, bytes):
            raise DecodeError("a message in a batch is not binary")
        yield body


def _read_event(raw: bytes) -> Event:
    head, tail, key = b"", bytearray(), None
    annotations: tuple[tuple[bytes, bytes], ...] = ()
    for section in sections(raw):
        match section.code:
            case SectionCode.HEADER:
                head = section.encoded()
            case SectionCode.DELIVERY_ANNOTATIONS:
                pass  # meant for the broker only
            case SectionCode.MESSAGE_ANNOTATIONS:
                key = _key_of(section)
                annotations = _publishers_own(section.value)
            case _:
                tail += section.encoded()
    return Event(head, annotations, bytes(tail), key)


def _key_of(section: Section) -> str | None:
    annotations = section.decoded()
    if not isinstance(annotations, dict):
        raise DecodeError("the message annotations are not a map")
    key = annotations.get(PARTITION_KEY)
    if key is not None and not isinstance(key, str):
        raise DecodeError("the partition key is not a string", Condition.INVALID_FIELD)
    if key is not None and len(key) > MAX_PARTITION_KEY:
        raise DecodeError(f"the partition key is longer than {MAX_PARTITION_KEY}", Condition.INVALID_FIELD)
    return key


def _publishers_own(annotations: bytes) -> tuple[tuple[bytes, bytes], ...]:
    parts = elements_of(annotations)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple((key, value) for key, value in pairs if decode(key)[0] not in _OURS)


def with_delivery_annotations(message: bytes, annotations: Mapping[str, bytes]) -> bytes:
    """Put delivery annotations, whose values are written already, into a message."""
    pairs = [(encode_symbol(key), value) for key, value in annotations.items()]
    section = Section(SectionCode.DELIVERY_ANNOTATIONS, encode_map(pairs)).encoded()
    # They come right behind the header, which is first if there is one.
    behind_header = skip(message, 0) if decode(message, 1)[0] == SectionCode.HEADER else 0
    return message[:behind_header] + section + message[behind_header:]
