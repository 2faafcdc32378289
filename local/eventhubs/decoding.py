"""How is an AMQP 1.0 value read from bytes that anybody may have sent?

The way back from `amqp`. It trusts nothing: every length is checked against the buffer,
nesting is bounded, and whatever is wrong comes out as `DecodeError`.

Source of the formats: OASIS AMQP 1.0, part 1 (types).
"""

from __future__ import annotations

import struct
import uuid
from typing import TYPE_CHECKING, Final

from local.eventhubs.amqp import Described, Symbol
from local.eventhubs.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH: Final = 32
"""Values nested deeper than this are refused."""

_U32 = struct.Struct(">I")


_CONSTANTS: Final[dict[int, object]] = {0x40: None, 0x41: True, 0x42: False, 0x43: 0, 0x44: 0}
# One row per width: the constructors and the struct letters of their numbers.
_NUMBER_ROWS: Final = (
    ((0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56), "BbBBbb?"),
    ((0x60, 0x61, 0x70, 0x71, 0x72, 0x73), "HhIifI"),
    ((0x80, 0x81, 0x82, 0x83), "Qqdq"),
)
_NUMBERS: Final[dict[int, struct.Struct]] = {
    code: struct.Struct(">" + letter)
    for codes, letters in _NUMBER_ROWS
    for code, letter in zip(codes, letters, strict=True)
}
# Decimals are carried through, never computed with: their bytes are enough.
_OPAQUE: Final[dict[int, Callable[[bytes], object]]] = {
    0x74: bytes,
    0x84: bytes,
    0x94: bytes,
    0x98: lambda raw: uuid.UUID(bytes=raw),
}
_OPAQUE_WIDTH: Final = {0x74: 4, 0x84: 8, 0x94: 16, 0x98: 16}


def decode(buffer: bytes, at: int = 0) -> tuple[object, int]:
    """Read the value at `at`; give it with the position behind it.

    Raises:
        DecodeError: The bytes are no AMQP value, or end too early.
    """
    try:
        return _value(buffer, at, len(buffer), 0)
    except (IndexError, struct.error, ValueError, TypeError) as error:
        raise DecodeError(f"malformed value at byte {at}: {error}") from error


def skip(buffer: bytes, at: int) -> int:
    """Give the position behind the value at `at` without reading what is in it.

    Raises:
        DecodeError: The value does not end within the buffer.
    """
    try:
        for _ in range(MAX_DEPTH):
            if buffer[at] != 0:
                break
            at = skip(buffer, at + 1)
        code = buffer[at]
        end = at + 1 + _width(buffer, at)
    except (IndexError, struct.error, RecursionError) as error:
        raise DecodeError(f"malformed value at byte {at}") from error
    if code == 0 or end > len(buffer):
        raise DecodeError(f"the value at byte {at} does not end within the buffer")
    return end


def _width(buffer: bytes, at: int) -> int:
    """How many bytes follow the constructor at `at`, by the class its upper half names."""
    kind = buffer[at] >> 4
    if 0x4 <= kind <= 0x9:
        return (0, 1, 2, 4, 8, 16)[kind - 4]
    if kind in (0xA, 0xC, 0xE):
        return 1 + buffer[at + 1]
    if kind in (0xB, 0xD, 0xF):
        return 4 + int(_U32.unpack_from(buffer, at + 1)[0])
    raise DecodeError(f"no AMQP type has the constructor 0x{buffer[at]:02x}")


def _value(buffer: bytes, at: int, limit: int, depth: int) -> tuple[object, int]:
    code = buffer[at]
    if code != 0:
        return _plain(code, buffer, at + 1, limit, depth)
    if depth >= MAX_DEPTH:
        raise DecodeError("values are nested too deeply")
    descriptor, at = _value(buffer, at + 1, limit, depth + 1)
    if not isinstance(descriptor, (int, str)):
        raise DecodeError("a descriptor is neither a number nor a symbol")
    value, at = _value(buffer, at, limit, depth + 1)
    return Described(descriptor, value), at


def _plain(code: int, buffer: bytes, at: int, limit: int, depth: int) -> tuple[object, int]:
    """Read the value whose constructor `code` stood before `at`."""
    number = _NUMBERS.get(code)
    if number is not None:
        if at + number.size > limit:
            raise DecodeError("a number is cut short")
        return number.unpack_from(buffer, at)[0], at + number.size
    if code in _CONSTANTS:
        return _CONSTANTS[code], at
    if code == 0x45:
        return [], at
    if code in _OPAQUE:
        end = at + _OPAQUE_WIDTH[code]
        if end > limit:
            raise DecodeError("a value is cut short")
        return _OPAQUE[code](buffer[at:end]), end
    return _sized(code, buffer, at, limit, depth)


def _sized(code: int, buffer: bytes, at: int, limit: int, depth: int) -> tuple[object, int]:
    """Read a value that starts with its own size: bytes, text, list, map or array."""
    kind = code >> 4
    if kind in (0xA, 0xC, 0xE):
        size, at, prefix = buffer[at], at + 1, 1
    elif kind in (0xB, 0xD, 0xF):
        size, at, prefix = int(_U32.unpack_from(buffer, at)[0]), at + 4, 4
    else:
        raise DecodeError(f"no AMQP type has the constructor 0x{code:02x}")
    end = at + size
    if end > limit:
        raise DecodeError("a value says it is longer than what holds it")
    if kind in (0xA, 0xB):
        return _text(code, buffer[at:end]), end
    if depth >= MAX_DEPTH:
        raise DecodeError("values are nested too deeply")
    if size < prefix:
        raise DecodeError("a compound value has no count")
    count = buffer[at] if prefix == 1 else int(_U32.unpack_from(buffer, at)[0])
    return _compound_of(code, buffer, (at + prefix, end), count, depth + 1), end


def _text(code: int, raw: bytes) -> object:
    if code & 0xF == 0x0:
        return raw
    if code & 0xF == 0x1:
        return raw.decode()
    if code & 0xF == 0x3:
        return Symbol(raw.decode("ascii"))
    raise DecodeError(f"no AMQP type has the constructor 0x{code:02x}")


def _compound_of(code: int, buffer: bytes, span: tuple[int, int], count: int, depth: int) -> object:
    at, end = span
    if count > end - at:
        # Every element takes a byte; only arrays of nothing do not, and nobody needs those.
        raise DecodeError("a compound value says it has more elements than bytes")
    if code in (0xE0, 0xF0):
        items, at = _elements(buffer, at, end, count, depth) if count else ([], end)
    elif code in (0xC0, 0xD0, 0xC1, 0xD1):
        items = []
        for _ in range(count):
            item, at = _value(buffer, at, end, depth)
            items.append(item)
    else:
        raise DecodeError(f"no AMQP type has the constructor 0x{code:02x}")
    if at != end:
        raise DecodeError("a compound value does not end where it says")
    if code & 0xF == 0x1:
        if count % 2:
            raise DecodeError("a map has a key without a value")
        return dict(zip(items[::2], items[1::2], strict=True))
    return items


def _elements(buffer: bytes, at: int, end: int, count: int, depth: int) -> tuple[list[object], int]:
    """Read the elements of an array: one constructor, then the bare values."""
    code, at = buffer[at], at + 1
    if code == 0:
        raise DecodeError("arrays of described values are not supported")
    items = []
    for _ in range(count):
        item, at = _plain(code, buffer, at, end, depth)
        items.append(item)
    return items, at


def elements_of(raw: bytes) -> list[bytes]:
    """Give the elements of an encoded list or map as they are written, types and all.

    Raises:
        DecodeError: It is neither, or malformed.
    """
    code = raw[0] if raw else 0
    if code == 0x45:
        return []
    if code in (0xC0, 0xC1):
        at, header = 3, raw[2:3]
    elif code in (0xD0, 0xD1):
        at, header = 9, raw[5:9]
    else:
        raise DecodeError("neither a list nor a map")
    elements = []
    for _ in range(int.from_bytes(header, "big")):
        end = skip(raw, at)
        elements.append(raw[at:end])
        at = end
    return elements
