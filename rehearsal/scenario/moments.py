"""How are times of a run written?"""

from datetime import timedelta
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from rules.fields import DURATION, parse_duration


def parse_moment(value: object) -> timedelta:
    """A time from the beginning: like a duration, and `0s` is the beginning itself."""
    return timedelta() if value == "0s" else parse_duration(value)


def clock_words(seconds: float) -> str:
    """A time of a run as people read it: `0s`, `2m 05s`, `1h 02m 05s`."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}h {minutes:02}m {rest:02}s"
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


Moment = Annotated[
    timedelta,
    PlainValidator(parse_moment),
    WithJsonSchema({"type": "string", "pattern": f"^0s$|{DURATION}", "examples": ["0s", "3m"]}),
]
