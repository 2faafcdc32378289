"""Why could a body not be read, in a word that is stable and a sentence that helps?

The word goes into metrics and dead letters; people and dashboards rely on it.
The sentence says where, what was expected and how to mend it. It names paths
and types, and of values at most a short excerpt: a body may hold secrets.
"""

from enum import StrEnum

from remediation.intake.discretion import discreet


class Code(StrEnum):
    """Why, in one word. Add words; never change one."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"  # cut off, empty, or another format
    TOO_DEEP = "too_deep"
    TOO_MANY = "too_many"  # elements of a body, or items of a batch
    STRING_TOO_LONG = "string_too_long"
    NUMBER_TOO_LONG = "number_too_long"
    NOT_FINITE = "not_finite"
    DUPLICATE_KEY = "duplicate_key"
    LONE_SURROGATE = "lone_surrogate"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_FAMILY = "unknown_family"
    WRONG_SHAPE = "wrong_shape"
    BAD_TIME = "bad_time"
    NOT_OURS = "not_ours"  # well-formed, but about no workload that we know
    PARKED = "parked"  # readable, but its workload's record could not be used
    FAULT = "fault"  # the worker failed to read it, by a fault of its own

    @property
    def malformed(self) -> bool:
        """Whether the sender is told so (4xx): the bytes are no JSON that anybody could read.

        Everything else is taken in, and buried by the consumer: it may only be that we do not
        know the family or the workload yet.
        """
        return self not in _WELL_FORMED


_WELL_FORMED = {Code.UNKNOWN_FAMILY, Code.WRONG_SHAPE, Code.BAD_TIME, Code.NOT_OURS, Code.PARKED, Code.FAULT}


class Rejection(Exception):  # noqa: N818 - it is an answer about a body, not an error of ours
    """A body, or one item of a batch, that cannot be read."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


_EXCERPT = 40
_LOOKED_AT = 256


def excerpt(text: str) -> str:
    """The first few characters of a stranger's text, quoted, with nothing secret or unprintable in it."""
    text = discreet(text[:_LOOKED_AT])
    return ascii(text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…")
