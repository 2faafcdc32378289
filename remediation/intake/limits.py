"""Is this body JSON that can be read safely, in bounded time and memory?

Anybody who can reach the webhook or the hub can send anything. The cheap bounds
come before the parser (size, depth, number of elements), the others hang on
the parser's own hooks. Nothing here knows what a body means.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate, islice
from math import isfinite
from typing import NoReturn

from remediation.intake.rejection import Code, Rejection, excerpt

MAX_ITEM = 256 * 1024
"""Bytes of one event or alert. Azure Monitor's own limit for an alert is the same."""

MAX_BODY = 1024 * 1024
"""Bytes of a body, which may be a batch. An Event Hubs event cannot be larger."""

MAX_ITEMS = 1_000
MAX_DEPTH = 32
MAX_ELEMENTS = 100_000
MAX_STRING = 128 * 1024
MAX_DIGITS = 20

_BOM = b"\xef\xbb\xbf"
# The closing quote is optional, so that a string cut off is matched once and not tried again from each quote.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BATCH = re.compile(r'[ \t\r\n]*(?:\{[ \t\r\n]*"records"[ \t\r\n]*:[ \t\r\n]*)?\[')
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b"{}[],"))
_STEP = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1, ord(","): 0}


def parse(body: bytes) -> object:
    """The value that a body holds: JSON without NaN, doubled keys, lone surrogates or excess.

    A UTF-8 byte-order mark is passed over: .NET senders write it.

    Raises:
        Rejection: which bound or rule it breaks, and where.
    """
    _check_size(body)
    text = _decode(body)
    _check_structure(body)
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError as wrong:
        raise _not_json(wrong) from None
    if _ESCAPED_SURROGATE.search(text):
        _check_surrogates(value)
    return value


OF_ONE_ITEM = frozenset(
    {
        *(Code.DUPLICATE_KEY, Code.NOT_FINITE, Code.NUMBER_TOO_LONG),
        *(Code.LONE_SURROGATE, Code.STRING_TOO_LONG, Code.TOO_DEEP),
    }
)
"""Faults that may be those of one item of a batch, while the others can be read."""


def items_of(body: bytes) -> list[bytes] | None:
    """The items of an array, or of `{"records": [...]}`, each as it came, faults and all.

    For a batch that `parse` rejects for one of `OF_ONE_ITEM`. None for a body that is no batch, and for
    one that cannot be taken apart.
    """
    text = body.removeprefix(_BOM).decode()
    opened = _BATCH.match(text)
    if opened is None:
        return None
    try:
        return [item.encode() for item in islice(_each(text, opened.end()), MAX_ITEMS + 1)]
    except (json.JSONDecodeError, RecursionError):
        return None


def _each(text: str, at: int) -> Iterator[str]:
    """The items of an array from behind its bracket on, by the parser's word where each ends."""
    while True:
        at = _between(text, at)
        if text[at : at + 1] == "]":
            return
        _, end = _LENIENT.raw_decode(text, at)
        yield text[at:end]
        at = end


def _between(text: str, at: int) -> int:
    """Where the next item begins, or the bracket stands that ends them."""
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


def clip(text: str, at_most: int) -> str:
    """The text, without unprintable characters and cut to so many characters."""
    if len(text) <= at_most and text.isprintable():
        return text
    kept = text if len(text) <= at_most else text[: at_most - 1] + "…"
    return "".join(character if character.isprintable() else " " for character in kept)


def check_item_size(size: int) -> None:
    """Pass if one item of so many bytes may be read."""
    if size > MAX_ITEM:
        reason = f"one event or alert has {size} bytes, more than {MAX_ITEM}; leave out what is not needed"
        raise Rejection(Code.TOO_LARGE, reason)


def check_count(items: int) -> None:
    """Pass if a batch may have so many items."""
    if items > MAX_ITEMS:
        reason = f"the batch has more than {MAX_ITEMS} items; send smaller batches"
        raise Rejection(Code.TOO_MANY, reason)


def _check_size(body: bytes) -> None:
    if len(body) > MAX_BODY:
        reason = f"the body has {len(body)} bytes, more than {MAX_BODY}; send smaller batches"
        raise Rejection(Code.TOO_LARGE, reason)


def _decode(body: bytes) -> str:
    try:
        return body.removeprefix(_BOM).decode()
    except UnicodeDecodeError as wrong:
        reason = f"byte {wrong.start} is not UTF-8; send JSON in UTF-8"
        raise Rejection(Code.NOT_UTF8, reason) from None


def _check_structure(body: bytes) -> None:
    """Bound depth, elements and strings before the parser sees them.

    A short body with few brackets is within all three. Otherwise strings are left out
    first: they may hold brackets and commas of their own.
    """
    if len(body) <= MAX_STRING and body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return
    if max(map(len, _STRING.findall(body)), default=0) > MAX_STRING + 2:
        raise Rejection(Code.STRING_TOO_LONG, f"a string has more than {MAX_STRING} bytes; shorten it")
    structure = _STRING.sub(b"", body).translate(None, _NOT_STRUCTURE)
    if len(structure) > MAX_ELEMENTS:
        reason = f"the body has more than {MAX_ELEMENTS} elements; send smaller batches"
        raise Rejection(Code.TOO_MANY, reason)
    if max(accumulate(map(_STEP.__getitem__, structure)), default=0) > MAX_DEPTH:
        reason = f"objects and arrays are nested more than {MAX_DEPTH} deep; flatten them"
        raise Rejection(Code.TOO_DEEP, reason)


def _not_json(wrong: json.JSONDecodeError) -> Rejection:
    where = f"line {wrong.lineno}, column {wrong.colno}"
    if not wrong.doc.strip():
        return Rejection(Code.NOT_JSON, "the body is empty; a JSON object or array was expected")
    if wrong.pos >= len(wrong.doc.rstrip()) or wrong.msg.startswith("Unterminated"):
        return Rejection(Code.NOT_JSON, f"{where}: the JSON ends too early; was the body cut off?")
    return Rejection(Code.NOT_JSON, f"{where}: {wrong.msg}; send one JSON object or array")


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        reason = "a string holds half of a surrogate pair (\\ud800 to \\udfff); was it cut in the middle?"
        raise Rejection(Code.LONE_SURROGATE, reason) from None


def _object(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        doubled = Counter(key for key, _ in pairs).most_common(1)[0][0]
        reason = f"the key {excerpt(doubled)} stands twice in one object; which one is meant cannot be known"
        raise Rejection(Code.DUPLICATE_KEY, reason)
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        reason = f"a number has {len(digits)} digits, more than {MAX_DIGITS}; send it as a string"
        raise Rejection(Code.NUMBER_TOO_LONG, reason)
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise Rejection(Code.NOT_FINITE, "a number is larger than a float can hold; send it as a string")
    return number


def _constant(name: str) -> NoReturn:
    raise Rejection(Code.NOT_FINITE, f"{name} is not JSON; send null or leave the key out")


_LENIENT = json.JSONDecoder()
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
