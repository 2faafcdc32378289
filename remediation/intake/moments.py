"""When did it happen, in whichever of Azure's ways of writing a body says so?

RFC 3339 almost everywhere; the first log alerts and budgets write the way of .NET
in the United States, `3/22/2019 1:36:31 PM`. A fact without any moment has no place
in the order of facts, and is refused.
"""

import re
from datetime import UTC, datetime

from remediation.intake.rejection import Code, Rejection
from remediation.intake.times import utc

_US = re.compile(
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})"
    r" (?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d) (?P<half>[AP]M)(?: (?P<zone>[+-]\d\d:\d\d))?",
    re.ASCII | re.IGNORECASE,
)
_HALF_A_DAY = 12
_SPELLINGS = "2026-03-01T03:00:00Z or 3/1/2026 3:00:00 AM"


def required(where: str, *candidates: str) -> datetime:
    """The first of these that is a moment, aware UTC.

    Raises:
        Rejection: `bad_time`, where none is; `where` is the path of the field.
    """
    found = next((at for each in candidates if (at := moment(each))), None)
    if found is None:
        raise Rejection(Code.BAD_TIME, f"{where}: a time such as {_SPELLINGS} was expected")
    return found


def moment(text: str) -> datetime | None:
    """The moment, aware UTC, of a timestamp in either way of writing; None for what is none."""
    found = _US.fullmatch(text)
    return _from_us(found) if found else utc(text)


def _from_us(found: re.Match[str]) -> datetime | None:
    """The month comes first: a day in its place is no moment, and is never swapped. No zone means UTC."""
    hour = int(found["hour"])
    if not 1 <= hour <= _HALF_A_DAY:
        return None
    hour = hour % _HALF_A_DAY + (_HALF_A_DAY if found["half"].upper() == "PM" else 0)
    day = f"{found['year']}-{found['month']:0>2}-{found['day']:0>2}"
    try:
        at = datetime.fromisoformat(
            f"{day}T{hour:02}:{found['minute']}:{found['second']}{found['zone'] or '+00:00'}"
        )
        return at.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day or offset, or one beyond the year 1 or 9999
        return None
