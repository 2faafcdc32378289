"""From which event on does a reader want to read?

The SDK says it as a selector on one annotation: an offset, a sequence number or a time,
exclusive or inclusive, with the special offsets "-1" (from the start) and "@latest".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from local.eventhubs.errors import Condition, DecodeError

if TYPE_CHECKING:
    from local.eventhubs.segment import Stamp

_SELECTOR: Final = re.compile(
    r"amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time) (>=?) '([^']*)'"
)
_WHOLE_NUMBER: Final = re.compile(r"-?\d{1,18}")


class Kind(StrEnum):
    """What a position counts in."""

    LATEST = "latest"
    """Only what is yet to come."""
    OFFSET = "offset"
    SEQUENCE_NUMBER = "sequence-number"
    ENQUEUED_TIME = "enqueued-time"
    """Milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a partition: behind `value`, or at it if inclusive."""

    kind: Kind
    value: int = -1
    inclusive: bool = False

    def admits(self, stamp: Stamp) -> bool:
        """Whether the event lies behind this position. Once true, it is true for all later ones."""
        match self.kind:
            case Kind.OFFSET:
                measure = stamp.offset
            case Kind.SEQUENCE_NUMBER:
                measure = stamp.sequence_number
            case Kind.ENQUEUED_TIME:
                measure = stamp.enqueued_ms
            case Kind.LATEST:
                return False
        return measure >= self.value if self.inclusive else measure > self.value


EARLIEST: Final = Position(Kind.OFFSET)


def parse_selector(selector: str | None) -> Position:
    """Read the SDK's selector; none at all means from the start.

    Raises:
        DecodeError: It is none that the SDK writes.
    """
    if selector is None:
        return EARLIEST
    match = _SELECTOR.fullmatch(selector)
    if match is None:
        raise DecodeError(f"cannot read the selector {selector[:200]!r}", Condition.INVALID_FIELD)
    kind, value, inclusive = Kind(match[1]), match[3], match[2] == ">="
    if kind is Kind.OFFSET and value == "@latest":
        return Position(Kind.LATEST)
    if not _WHOLE_NUMBER.fullmatch(value):
        raise DecodeError(f"{value[:200]!r} is no {kind}", Condition.INVALID_FIELD)
    return Position(kind, int(value), inclusive)
