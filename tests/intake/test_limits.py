"""Does every bound hold, at the bound and one beyond it?"""

import json

import pytest

from remediation.intake.limits import (
    MAX_BODY,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_ELEMENTS,
    MAX_ITEM,
    MAX_STRING,
    check_item_size,
    clip,
    parse,
)
from remediation.intake.rejection import Code, Rejection, excerpt
from tests.intake.bodies import rejected


def padded(size: int, first: bytes) -> bytes:
    """A body of so many bytes, mostly blanks."""
    return first[:1] + b" " * (size - len(first)) + first[1:]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b" [1, 2.5, -3e2, true, null] \n", [1, 2.5, -300.0, True, None]),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "žluťoučký 🐎"}'.encode(), {"a": "žluťoučký 🐎"}),
        (b'{"a": "\\ud83d\\udc0e"}', {"a": "\U0001f40e"}),
        (b"9" * MAX_DIGITS, 99999999999999999999),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (padded(MAX_BODY, b"{}"), {}),
        (padded(MAX_BODY, b"[]"), []),
        (b"[" + b"1," * (MAX_ELEMENTS - 3) + b"1]", [1] * (MAX_ELEMENTS - 2)),
        (b'"' + b"x" * MAX_STRING + b'"', "x" * MAX_STRING),
        (b'"' + b"[" * 100 + b'"', "[" * 100),
        (b'"' + b"\\\\" * 50 + b"[" * 100 + b'"', "\\" * 50 + "[" * 100),
    ],
)
def test_what_is_within_the_bounds_is_read_as_json_reads_it(body: bytes, value: object) -> None:
    """A body at a bound, with a byte-order mark, or with brackets in its strings is read."""
    assert parse(body) == value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.NOT_JSON),
        (b"   ", Code.NOT_JSON),
        (b"hello", Code.NOT_JSON),
        (b"{} {}", Code.NOT_JSON),
        (b"{'a': 1}", Code.NOT_JSON),
        (b'{"a": "\n"}', Code.NOT_JSON),
        (b'{"a": 1', Code.NOT_JSON),
        (b'{"a": "b', Code.NOT_JSON),
        ('{"a": 1}'.encode("utf-16-le"), Code.NOT_JSON),
        (b"1" * 8, None),
        ('{"a": 1}'.encode("utf-16"), Code.NOT_UTF8),
        (b'{"a": "\xff"}', Code.NOT_UTF8),
        (b'{"a": "\xed\xa0\x80"}', Code.NOT_UTF8),
        (b'{"a": "\\ud800"}', Code.LONE_SURROGATE),
        (b'{"\\udc00\\ud800": 1}', Code.LONE_SURROGATE),
        (b'{"a": NaN}', Code.NOT_FINITE),
        (b'{"a": [-Infinity]}', Code.NOT_FINITE),
        (b'{"a": 1e999}', Code.NOT_FINITE),
        (b'{"a": 1, "b": 2, "a": 3}', Code.DUPLICATE_KEY),
        (b'[{"x": {"a": 1, "\\u0061": 1}}]', Code.DUPLICATE_KEY),
        (b"9" * (MAX_DIGITS + 1), Code.NUMBER_TOO_LONG),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), Code.TOO_DEEP),
        (b'{"a":' * 90_000, Code.TOO_DEEP),
        (b'{"a":' * 50_000, Code.TOO_DEEP),
        (b"[" * 90_000, Code.TOO_DEEP),
        (b"[" + b"1," * MAX_ELEMENTS + b"1]", Code.TOO_MANY),
        (b'"' + b"x" * (MAX_STRING + 1) + b'"', Code.STRING_TOO_LONG),
        (b'"' + b'\\"' * (MAX_STRING // 2 + 1), Code.STRING_TOO_LONG),
        (padded(MAX_BODY + 1, b"[]"), Code.TOO_LARGE),
    ],
)
def test_what_breaks_a_bound_is_rejected_with_its_code(body: bytes, code: Code | None) -> None:
    """Each fault has its own stable code, and a number alone is no fault of the bytes."""
    if code is None:
        assert parse(body) == int(body)
    else:
        assert rejected(lambda: parse(body)).code is code


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": 1', "was the body cut off?"),
        (b'{"a": "b', "was the body cut off?"),
        (b'{\n"a": x}', "line 2, column 6"),
        (b"", "the body is empty"),
        (b'{"token": 1, "token": 2}', "'token'"),
        (b'{"a": "\xff"}', "byte 7"),
    ],
)
def test_a_rejection_says_where_and_what(body: bytes, words: str) -> None:
    """The sentence names the place of the fault."""
    assert words in rejected(lambda: parse(body)).reason


def test_a_rejection_shows_no_more_than_a_short_excerpt() -> None:
    """Not even a long doubled key reaches the sentence whole, and nothing unprintable does."""
    key = "s3cr3t" * 1000
    reason = rejected(lambda: parse(f'{{"{key}": 1, "{key}": 2}}'.encode())).reason
    assert len(reason) < 200
    assert excerpt("a\x1b[31m\n") == r"'a\x1b[31m\n'"


def test_an_item_of_a_batch_has_the_bound_of_an_item() -> None:
    """At the bound it passes, one byte beyond it is too large."""
    check_item_size(MAX_ITEM)
    assert rejected(lambda: check_item_size(MAX_ITEM + 1)).code is Code.TOO_LARGE


def test_a_clipped_text_is_short_and_printable() -> None:
    """Long text is cut with a mark, control characters become blanks, other text stays."""
    assert clip("žluťoučký", 9) == "žluťoučký"
    assert clip("abcdef", 4) == "abc…"
    assert clip("a\x00b\u202ec", 9) == "a b c"
    assert clip("\n" * 9, 3) == "  …"


def test_the_sender_is_told_only_of_bytes_that_nobody_could_read() -> None:
    """JSON that we do not understand is taken in; anything else is the sender's fault."""
    assert {code for code in Code if not code.malformed} == {
        Code.UNKNOWN_FAMILY,
        Code.WRONG_SHAPE,
        Code.BAD_TIME,
        Code.NOT_OURS,
        Code.PARKED,
        Code.FAULT,
    }


def test_a_rejection_reads_as_code_and_reason() -> None:
    """Where it is printed as it is, both are there."""
    assert str(Rejection(Code.NOT_OURS, "nobody knows it")) == "not_ours: nobody knows it"
