"""How is an AMQP 1.0 value written as bytes?

Written by hand because the libraries at hand leave out trailing null fields, while the
azure-eventhub SDK reads the fields of a performative by position. There is one function per
AMQP type, because a Python int does not say whether it is a uint or a long. `decoding` is
the way back.

Source of the formats: OASIS AMQP 1.0, part 1 (types).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence

NULL: Final = b"\x40"

_U16, _U32, _U64 = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">Q")
_I32, _I64, _F64 = struct.Struct(">i"), struct.Struct(">q"), struct.Struct(">d")


class Symbol(str):
    """An AMQP symbol: ASCII, compared as a string."""

    __slots__ = ()


class Described(NamedTuple):
    """A value with the descriptor that gives it its meaning."""

    descriptor: object
    value: object


# Each function gives the bytes of one value; None is written as null.


def encode_bool(value: bool | None) -> bytes:  # noqa: FBT001 - it is the value itself, not a switch
    """Write a boolean."""
    return NULL if value is None else (b"\x41" if value else b"\x42")


def encode_ubyte(value: int | None) -> bytes:
    """Write an unsigned byte."""
    return NULL if value is None else bytes((0x50, value))


def encode_ushort(value: int | None) -> bytes:
    """Write an unsigned 16-bit integer."""
    return NULL if value is None else b"\x60" + _U16.pack(value)


def encode_uint(value: int | None) -> bytes:
    """Write an unsigned 32-bit integer."""
    if value is None:
        return NULL
    return bytes((0x52, value)) if value < 256 else b"\x70" + _U32.pack(value)


def encode_ulong(value: int | None) -> bytes:
    """Write an unsigned 64-bit integer."""
    if value is None:
        return NULL
    return bytes((0x53, value)) if value < 256 else b"\x80" + _U64.pack(value)


def encode_int(value: int) -> bytes:
    """Write a signed 32-bit integer."""
    return b"\x71" + _I32.pack(value)


def encode_long(value: int) -> bytes:
    """Write a signed 64-bit integer."""
    return b"\x81" + _I64.pack(value)


def encode_double(value: float) -> bytes:
    """Write a 64-bit float."""
    return b"\x82" + _F64.pack(value)


def encode_timestamp(milliseconds: int) -> bytes:
    """Write a moment, in milliseconds since 1970."""
    return b"\x83" + _I64.pack(milliseconds)


def encode_uuid(value: uuid.UUID) -> bytes:
    """Write a UUID."""
    return b"\x98" + value.bytes


def _variable(code: int, raw: bytes) -> bytes:
    if len(raw) < 256:
        return bytes((code, len(raw))) + raw
    return bytes((code + 0x10,)) + _U32.pack(len(raw)) + raw


def encode_binary(value: bytes | None) -> bytes:
    """Write a run of bytes."""
    return NULL if value is None else _variable(0xA0, value)


def encode_string(value: str | None) -> bytes:
    """Write a string."""
    return NULL if value is None else _variable(0xA1, value.encode())


def encode_symbol(value: str | None) -> bytes:
    """Write a symbol."""
    return NULL if value is None else _variable(0xA3, value.encode("ascii"))


def _compound(code: int, count: int, body: bytes) -> bytes:
    if len(body) < 255 and count < 256:
        return bytes((code, len(body) + 1, count)) + body
    return bytes((code + 0x10,)) + _U32.pack(len(body) + 4) + _U32.pack(count) + body


def encode_list(items: Sequence[bytes]) -> bytes:
    """Write a list of values that are written already."""
    return _compound(0xC0, len(items), b"".join(items))


def encode_map(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write a map of keys and values that are written already."""
    flat = [part for pair in pairs for part in pair]
    return _compound(0xC1, len(flat), b"".join(flat))


def _array(constructor: bytes, elements: Sequence[bytes]) -> bytes:
    body = constructor + b"".join(_U32.pack(len(element)) + element for element in elements)
    return b"\xf0" + _U32.pack(len(body) + 4) + _U32.pack(len(elements)) + body


def encode_symbols(names: Sequence[str]) -> bytes:
    """Write an array of symbols."""
    return _array(b"\xb3", [name.encode("ascii") for name in names])


def encode_strings(texts: Sequence[str]) -> bytes:
    """Write an array of strings."""
    return _array(b"\xb1", [text.encode() for text in texts])


def encode_described(descriptor: int, value: bytes) -> bytes:
    """Put a numeric descriptor before a value that is written already."""
    return b"\x00" + encode_ulong(descriptor) + value
