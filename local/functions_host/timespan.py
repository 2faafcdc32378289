"""How long is a TimeSpan as host.json, retry policies and timers write it?

The real host is a .NET program: its durations read `[days.]hours:minutes:seconds[.fraction]`.
"""

import re
from datetime import timedelta

_TIME_SPAN = re.compile(
    r"(?:(?P<days>\d{1,5})\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2}(?:\.\d{1,7})?)",
    re.ASCII,
)


def parse_time_span(text: str) -> timedelta:
    """Read a TimeSpan such as `00:00:30` or `1.06:00:00.5`.

    Raises:
        ValueError: The text is not a TimeSpan.
    """
    found = _TIME_SPAN.fullmatch(text.strip())
    if (
        found is None
        or int(found["hours"]) > 23
        or int(found["minutes"]) > 59
        or float(found["seconds"]) >= 60
    ):
        raise ValueError(f"{text!r} is not a TimeSpan such as 00:00:30 (hours:minutes:seconds)")
    return timedelta(
        days=int(found["days"] or 0),
        hours=int(found["hours"]),
        minutes=int(found["minutes"]),
        seconds=float(found["seconds"]),
    )
