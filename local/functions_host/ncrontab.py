"""When does a timer fire next?

Pure: an expression is parsed once, and the next occurrence is a function of the moment asked from. The
dialect is that of Azure's timer trigger, NCRONTAB: six fields (second, minute, hour, day, month, day of
week), all of which must hold. Unlike Unix cron, day and day of week do not widen each other.
"""

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

from local.functions_host.timespan import parse_time_span

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?", re.ASCII)
# 29 February on a given day of the week comes back after 40 years at the latest (2096 to 2104 has no leap
# year).
_YEARS_SEARCHED = 41


@dataclass(frozen=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: Sequence[str] = ()


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day-of-week", 0, 6, _DAYS),
)


class Schedule(Protocol):
    """Says when a timer fires."""

    def next_occurrence(self, after: datetime) -> datetime:
        """The first moment to fire at that is later than `after`."""


@dataclass(frozen=True)
class Interval:
    """Fires a fixed time after the moment asked from."""

    period: timedelta

    def next_occurrence(self, after: datetime) -> datetime:
        """The moment one period after `after`."""
        return after + self.period


@dataclass(frozen=True)
class Ncrontab:
    """Fires at every whole second whose six fields are all in their sets."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]  # Sunday is 0

    def next_occurrence(self, after: datetime) -> datetime:
        """The first whole second later than `after` that matches, in the time zone of `after`.

        Raises:
            ValueError: No such moment exists (30 February).
        """
        start = after.replace(microsecond=0) + timedelta(seconds=1)
        found = self._time_from(start.time()) if self._fires_on(start.date()) else None
        if found is not None:
            return datetime.combine(start.date(), found, tzinfo=after.tzinfo)
        day = self._day_after(start.date())
        first = time(self.hours[0], self.minutes[0], self.seconds[0])
        return datetime.combine(day, first, tzinfo=after.tzinfo)

    def _fires_on(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        return day.month in self.months and day.day in self.days and weekday in self.weekdays

    def _time_from(self, earliest: time) -> time | None:
        for hour in self.hours:
            for minute in self.minutes:
                if (hour, minute, self.seconds[-1]) < (earliest.hour, earliest.minute, earliest.second):
                    continue
                for second in self.seconds:
                    if (hour, minute, second) >= (earliest.hour, earliest.minute, earliest.second):
                        return time(hour, minute, second)
        return None

    def _day_after(self, day: date) -> date:
        last_year = min(day.year + _YEARS_SEARCHED, date.max.year)
        for year in range(day.year, last_year + 1):
            for month in self.months:
                if (year, month) < (day.year, day.month):
                    continue
                for number in self.days:
                    if number > calendar.monthrange(year, month)[1]:
                        break
                    candidate = date(year, month, number)
                    if candidate > day and self._fires_on(candidate):
                        return candidate
        raise ValueError("the schedule never fires")


def parse_schedule(expression: str) -> Schedule:
    """Read a schedule: NCRONTAB (six fields, or five without seconds) or a TimeSpan such as `00:00:30`.

    Raises:
        ValueError: The expression is neither, or it would never fire.
    """
    if ":" in expression:
        period = parse_time_span(expression)
        if not period:
            raise ValueError(f"{expression!r} would fire without a pause")
        return Interval(period)
    fields = expression.split()
    if len(fields) == 5:
        fields.insert(0, "0")
    if len(fields) != 6:
        raise ValueError(
            f"{expression!r} has {len(fields)} fields instead of six: "
            "second minute hour day month day-of-week, as in '0 */5 * * * *'"
        )
    sets = (_values(text, field) for text, field in zip(fields, _FIELDS, strict=True))
    schedule = Ncrontab(*sets)
    # A date that never comes is found now, not by a timer that sleeps for ever. 1 January 2000 starts a
    # 400-year cycle's leap century, so that 29 February is within reach.
    schedule.next_occurrence(datetime(2000, 1, 1))  # noqa: DTZ001 - only asked whether it ever fires
    return schedule


def _values(text: str, field: _Field) -> tuple[int, ...]:
    chosen: set[int] = set()
    for item in text.split(","):
        found = _ITEM.fullmatch(item)
        if found is None:
            raise ValueError(f"{item!r} is not a value, range or step for the {field.name}")
        chosen.update(_range(found, field))
    return tuple(sorted(chosen))


def _range(found: re.Match[str], field: _Field) -> range:
    step = int(found["step"] or 1)
    if step == 0:
        raise ValueError(f"{found[0]!r} steps by zero in the {field.name}")
    if found["first"] == "*":
        if found["last"]:
            raise ValueError(f"{found[0]!r} is not a range of the {field.name}")
        return range(field.lowest, field.highest + 1, step)
    first = _number(found["first"], field)
    last = field.highest if found["step"] else first  # `10/15` counts on from 10
    if found["last"]:
        last = _number(found["last"], field)
    if last < first:
        raise ValueError(f"{found[0]!r} runs backwards in the {field.name}")
    return range(first, last + 1, step)


def _number(text: str, field: _Field) -> int:
    if text.isdigit():
        value = int(text)
        if field.lowest <= value <= field.highest:
            return value
    elif text.lower() in field.names:
        return field.lowest + field.names.index(text.lower())
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    raise ValueError(f"{text!r} is not a {field.name}: expected {field.lowest} to {field.highest}{names}")
