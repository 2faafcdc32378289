"""Is what the codec writes what it, and the SDK, read; and is everything else refused?"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.eventhub._pyamqp import _decode as sdk_decode
from azure.eventhub._pyamqp import _encode as sdk_encode
from azure.eventhub._pyamqp.message import Header, Message, Properties
from hypothesis import given, settings
from hypothesis import strategies as st

from local.eventhubs import amqp
from local.eventhubs.amqp import Described, Symbol
from local.eventhubs.decoding import decode, elements_of, skip
from local.eventhubs.errors import AmqpError, DecodeError
from local.eventhubs.frames import (
    EMPTY_FRAME,
    MAX_FRAME_SIZE,
    Frame,
    FrameReader,
    Performative,
    encode_frame,
)
from local.eventhubs.frames import (
    Header as ProtocolHeader,
)
from local.eventhubs.message import BATCH_FORMAT, SectionCode, read_publication, sections
from local.eventhubs.segment import Stamp

BRIEFLY = settings(max_examples=50, deadline=None)

Written = tuple[bytes, Any]
"""A value as it is written, and as it must be read."""


def _signed(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def _unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << bits) - 1)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
_ASCII = st.text(st.characters(codec="ascii"), max_size=300)
_SCALARS: st.SearchStrategy[Written] = st.one_of(
    st.just((amqp.NULL, None)),
    st.booleans().map(lambda v: (amqp.encode_bool(v), v)),
    _unsigned(8).map(lambda v: (amqp.encode_ubyte(v), v)),
    _unsigned(16).map(lambda v: (amqp.encode_ushort(v), v)),
    _unsigned(32).map(lambda v: (amqp.encode_uint(v), v)),
    _unsigned(64).map(lambda v: (amqp.encode_ulong(v), v)),
    _signed(32).map(lambda v: (amqp.encode_int(v), v)),
    _signed(64).map(lambda v: (amqp.encode_long(v), v)),
    _signed(64).map(lambda v: (amqp.encode_timestamp(v), v)),
    st.floats(allow_nan=False).map(lambda v: (amqp.encode_double(v), v)),
    st.uuids().map(lambda v: (amqp.encode_uuid(v), v)),
    st.binary(max_size=300).map(lambda v: (amqp.encode_binary(v), v)),
    _TEXT.map(lambda v: (amqp.encode_string(v), v)),
    _ASCII.map(lambda v: (amqp.encode_symbol(v), Symbol(v))),
    # The SDK misreads an array without elements; the broker never sends one.
    st.lists(_ASCII, min_size=1, max_size=20).map(lambda v: (amqp.encode_symbols(v), v)),
    st.lists(_TEXT, min_size=1, max_size=20).map(lambda v: (amqp.encode_strings(v), v)),
)


def _list_of(items: list[Written]) -> Written:
    return amqp.encode_list([raw for raw, _ in items]), [value for _, value in items]


def _map_of(entries: dict[str, Written]) -> Written:
    pairs = [(amqp.encode_string(key), raw) for key, (raw, _) in entries.items()]
    return amqp.encode_map(pairs), {key: value for key, (_, value) in entries.items()}


VALUES: st.SearchStrategy[Written] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6).map(_list_of),
        st.dictionaries(_TEXT, inner, max_size=6).map(_map_of),
        st.tuples(_unsigned(64), inner).map(
            lambda pair: (amqp.encode_described(pair[0], pair[1][0]), Described(pair[0], pair[1][1]))
        ),
    ),
    max_leaves=12,
)


@BRIEFLY
@given(VALUES, st.binary(max_size=5))
def test_every_value_is_read_as_it_was_written(written: Written, following: bytes) -> None:
    """Reading gives the value that was written, and the place where it ends."""
    raw, value = written
    assert decode(raw + following) == (value, len(raw))


@BRIEFLY
@given(VALUES, st.binary(max_size=5))
def test_skipping_ends_where_reading_ends(written: Written, following: bytes) -> None:
    """A value can be stepped over without reading it."""
    raw, _ = written
    assert skip(raw + following, 0) == len(raw)


@BRIEFLY
@given(VALUES, st.data())
def test_a_value_that_is_cut_short_is_refused(written: Written, data: st.DataObject) -> None:
    """No beginning of a value is taken for a whole one."""
    raw, _ = written
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    with pytest.raises(DecodeError):
        decode(cut)
    with pytest.raises(DecodeError):
        skip(cut, 0)


@BRIEFLY
@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_anything_else(raw: bytes) -> None:
    """Whatever the bytes are, the codec gives a value or a DecodeError."""
    for read in (decode, lambda b: skip(b, 0), elements_of, lambda b: list(sections(b))):
        try:
            read(raw)
        except DecodeError:
            continue


def _nested_lists(depth: int) -> bytes:
    raw = amqp.NULL
    for _ in range(depth):
        raw = amqp.encode_list([raw])
    return raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (_nested_lists(40), "nested"),
        (b"\x00" * 100 + b"\x40", "nested"),
        (b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40", "more elements than bytes"),
        (b"\xc1\x03\x01\x40\x40", "does not end where it says"),
        (b"\xc1\x02\x01\x40", "a key without a value"),
        (b"\xc1\x05\x02\xc0\x01\x00\x40", "unhashable"),
        (b"\xa1\x01\xff", "decode"),
        (b"\x3f", "no AMQP type"),
    ],
)
def test_malformed_values_are_refused(raw: bytes, reason: str) -> None:
    """Deep nesting, lying counts, half maps and unknown types do not get through."""
    with pytest.raises(DecodeError, match=reason):
        decode(raw)


@BRIEFLY
@given(st.lists(VALUES, max_size=5))
def test_elements_of_a_list_keep_their_bytes(items: list[Written]) -> None:
    """A list can be taken apart without knowing the types in it."""
    assert elements_of(amqp.encode_list([raw for raw, _ in items])) == [raw for raw, _ in items]


def _as_sdk(value: Any) -> Any:
    """How the SDK's decoder gives a value: text as bytes."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [_as_sdk(item) for item in value]
    if isinstance(value, dict):
        return {_as_sdk(key): _as_sdk(item) for key, item in value.items()}
    return value


@BRIEFLY
@given(
    _SCALARS | st.lists(_SCALARS, max_size=6).map(_list_of) | st.dictionaries(_TEXT, _SCALARS).map(_map_of)
)
def test_the_sdk_reads_what_we_write(written: Written) -> None:
    """The SDK's own decoder understands our encoding."""
    raw, value = written
    rest, read = sdk_decode._DECODE_BY_CONSTRUCTOR[raw[0]](memoryview(raw)[1:])
    assert (read, len(rest)) == (_as_sdk(value), 0)


@BRIEFLY
@given(
    st.recursive(
        st.one_of(_signed(32), st.booleans(), _TEXT, st.binary(max_size=300), st.uuids(), st.none()),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
        max_leaves=8,
    )
)
def test_we_read_what_the_sdk_writes(value: Any) -> None:
    """Our decoder understands the SDK's own encoding."""
    raw = bytearray()
    sdk_encode.encode_value(raw, value)
    assert decode(bytes(raw)) == (value, len(raw))


# --- frames ---


@BRIEFLY
@given(st.lists(st.binary(max_size=2000), max_size=6), st.integers(1, 5000))
def test_frames_come_out_whole_however_they_arrive(payloads: list[bytes], chunk: int) -> None:
    """The stream may be cut anywhere; the frames are the same."""
    fields = [amqp.encode_uint(7), amqp.encode_uint(8)]
    stream = b"AMQP\x00\x01\x00\x00" + EMPTY_FRAME
    for payload in payloads:
        stream += encode_frame(3, Performative.TRANSFER, fields, payload=payload)
    reader = FrameReader()
    items = [item for at in range(0, len(stream), chunk) for item in reader.feed(stream[at : at + chunk])]
    frames = [item for item in items if isinstance(item, Frame)]
    assert items[0] == ProtocolHeader(b"AMQP\x00\x01\x00\x00")
    assert frames[0].performative is None
    assert [frame.payload for frame in frames[1:]] == payloads
    assert all(
        (frame.channel, frame.fields.uint(0), frame.fields.uint(1)) == (3, 7, 8) for frame in frames[1:]
    )


def test_every_field_of_a_performative_is_sent() -> None:
    """Trailing nulls are there: the SDK reads fields by position."""
    raw = encode_frame(0, Performative.ATTACH, [amqp.encode_string("link")])
    performative, fields = sdk_decode.decode_frame(memoryview(raw)[8:])
    assert performative == Performative.ATTACH
    assert fields == [b"link", *[None] * 13]


@pytest.mark.parametrize(
    "raw",
    [
        (MAX_FRAME_SIZE + 1).to_bytes(4, "big") + b"\x02\x00\x00\x00",
        b"\x00\x00\x00\x07\x02\x00\x00\x00",
        b"\x00\x00\x00\x08\x03\x00\x00\x00",
        b"\x00\x00\x00\x08\x01\x00\x00\x00",
        b"\x00\x00\x00\x09\x02\x07\x00\x00\x40",
        b"\x00\x00\x00\x09\x02\x00\x00\x00\x40",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_frame_is_refused(raw: bytes) -> None:
    """Impossible sizes, offsets, types and bodies end the reading."""
    with pytest.raises(AmqpError):
        list(FrameReader().feed(raw))


# --- messages ---

_STAMP = Stamp(sequence_number=5, offset=123, enqueued_ms=1_700_000_000_000)


def _sdk_message(**parts: Any) -> bytes:
    raw = bytearray()
    sdk_encode.encode_payload(raw, Message(**parts))
    return bytes(raw)


def test_a_stamped_message_keeps_what_the_publisher_sent() -> None:
    """The broker adds its annotations and changes nothing else."""
    raw = _sdk_message(
        header=Header(durable=True),
        message_annotations={"x-opt-partition-key": "k", "x-opt-offset": "forged", "own": 3},
        properties=Properties(message_id=uuid.UUID(int=1), content_type="application/json"),
        application_properties={"a": 1, "b": [True]},
        data=[b"body"],
    )
    (event,) = read_publication(raw, 0).events
    read = sdk_decode.decode_payload(memoryview(event.stamped(_STAMP)))
    assert read.message_annotations == {
        b"x-opt-sequence-number": 5,
        b"x-opt-offset": b"123",
        b"x-opt-enqueued-time": 1_700_000_000_000,
        b"x-opt-partition-key": b"k",
        b"own": 3,
    }
    assert read.header == Header(durable=True)
    assert read.properties == Properties(message_id=uuid.UUID(int=1), content_type=b"application/json")
    assert read.application_properties == {b"a": 1, b"b": [True]}
    assert read.data == [b"body"]


def test_a_batch_is_taken_apart_and_keeps_its_key() -> None:
    """Each message in a batch is an event of its own under the key of the envelope."""
    inner = [_sdk_message(data=[bytes([at])]) for at in range(3)]
    raw = _sdk_message(message_annotations={"x-opt-partition-key": "k"}, data=inner)
    publication = read_publication(raw, BATCH_FORMAT)
    assert publication.partition_key == "k"
    assert [event.partition_key for event in publication.events] == ["k", "k", "k"]
    assert [event.tail[-1] for event in publication.events] == [0, 1, 2]


@pytest.mark.parametrize(
    ("raw", "message_format"),
    [
        (b"no message", 0),
        (_sdk_message(data=[_sdk_message(data=[b"good"]), b"bad"]), BATCH_FORMAT),
        (_sdk_message(message_annotations={"x-opt-partition-key": 7}), 0),
        (_sdk_message(message_annotations={"x-opt-partition-key": "k" * 129}), 0),
        (amqp.encode_described(SectionCode.MESSAGE_ANNOTATIONS, amqp.NULL), 0),
        (amqp.encode_described(SectionCode.APPLICATION_PROPERTIES, b"\xc1\x02\x01\x40"), 0),
        (amqp.encode_described(0x99, amqp.NULL), 0),
    ],
)
def test_a_malformed_message_is_refused_when_it_is_published(raw: bytes, message_format: int) -> None:
    """What readers could not read never gets into the log."""
    with pytest.raises(DecodeError):
        read_publication(raw, message_format)
