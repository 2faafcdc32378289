"""Which moment does a sender's timestamp mean?

Azure writes three to seven fractional digits, `Z` or an offset, and now and
then no zone at all, where UTC is meant.
"""

from datetime import UTC, datetime

_SHORTEST = len("2026-03-01T03:00:00")
_SEPARATOR = 10


def utc(text: str) -> datetime | None:
    """The moment, aware UTC, cut to microseconds; None for what is no RFC 3339 timestamp."""
    try:
        moment = datetime.fromisoformat(text)
        if len(text) < _SHORTEST or text[_SEPARATOR] not in "Tt ":
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # no such day or hour, or an offset beyond the year 1 or 9999
        return None
