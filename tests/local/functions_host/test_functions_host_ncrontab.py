"""Does a schedule fire when its expression says, and at no other moment?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.ncrontab import Interval, Ncrontab, parse_schedule

_LIMITS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_IN_EVERY_MONTH = 28


@st.composite
def _fields(draw: st.DrawFn) -> list[tuple[str, set[int]]]:
    """Six fields, each as text and as the set of values that the text means."""
    fields = []
    for low, high in _LIMITS:
        first = draw(st.integers(low, min(high, _IN_EVERY_MONTH) if low == 1 else high))
        last = draw(st.integers(first, high))
        step = draw(st.integers(1, 40))
        fields.append(
            draw(
                st.sampled_from(
                    [
                        ("*", set(range(low, high + 1))),
                        (f"{first}", {first}),
                        (f"{first},{last}", {first, last}),
                        (f"{first}-{last}", set(range(first, last + 1))),
                        (f"{first}-{last}/{step}", set(range(first, last + 1, step))),
                        (f"{first}/{step}", set(range(first, high + 1, step))),
                        (f"*/{step}", set(range(low, high + 1, step))),
                    ]
                )
            )
        )
    return fields


_MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def _matches(moment: datetime, fields: list[tuple[str, set[int]]]) -> bool:
    parts = (moment.second, moment.minute, moment.hour, moment.day, moment.month, moment.isoweekday() % 7)
    return moment.microsecond == 0 and all(
        part in values for part, (_, values) in zip(parts, fields, strict=True)
    )


@given(_fields(), _MOMENTS)
def test_an_occurrence_is_later_and_matches_every_field(
    fields: list[tuple[str, set[int]]], after: datetime
) -> None:
    """The next occurrence is later than the moment asked from, in its zone, and in every field's set."""
    found = parse_schedule(" ".join(text for text, _ in fields)).next_occurrence(after)
    assert found > after
    assert found.tzinfo is UTC
    assert _matches(found, fields)


@given(_fields(), _MOMENTS, st.integers(1, 10**8))
def test_no_occurrence_is_passed_over(
    fields: list[tuple[str, set[int]]], after: datetime, seconds: int
) -> None:
    """Between the moment asked from and the occurrence found, no second matches."""
    found = parse_schedule(" ".join(text for text, _ in fields)).next_occurrence(after)
    gap = int((found - after).total_seconds())
    between = after.replace(microsecond=0) + timedelta(seconds=1 + seconds % (gap + 1))
    for second in range(60):
        earlier = between - timedelta(seconds=second)
        if after < earlier < found:
            assert not _matches(earlier, fields)


@given(_fields(), _MOMENTS)
def test_asking_again_from_an_occurrence_goes_on(fields: list[tuple[str, set[int]]], after: datetime) -> None:
    """Asked from just before an occurrence the answer is that occurrence; asked from it, a later one."""
    schedule = parse_schedule(" ".join(text for text, _ in fields))
    found = schedule.next_occurrence(after)
    assert schedule.next_occurrence(found - timedelta(microseconds=1)) == found
    assert schedule.next_occurrence(found) > found


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("*/30 * * * * *", "2026-03-01T10:00:29.9", "2026-03-01T10:00:30"),
        ("0 */5 * * * *", "2026-03-01T10:00:00", "2026-03-01T10:05:00"),
        ("*/5 * * * *", "2026-03-01T10:00:00", "2026-03-01T10:05:00"),
        ("0 30 9 * * 1-5", "2026-02-27T09:30:00", "2026-03-02T09:30:00"),
        ("0 0 0 * Jan,jul Sun", "2026-01-26T00:00:00", "2026-07-05T00:00:00"),
        ("0 0 12 29 2 *", "2026-01-01T00:00:00", "2028-02-29T12:00:00"),
        ("0 0 0 29 2 mon", "2088-03-01T00:00:00", "2112-02-29T00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31T23:59:59", "2027-12-31T23:59:59"),
        ("00:00:30", "2026-03-01T10:00:00", "2026-03-01T10:00:30"),
        ("1.00:00:00", "2026-03-01T10:00:00", "2026-03-02T10:00:00"),
    ],
)
def test_known_schedules(expression: str, after: str, expected: str) -> None:
    """Expressions that people write fire when those people expect, with day and day of week both to hold."""
    assert parse_schedule(expression).next_occurrence(
        datetime.fromisoformat(after)
    ) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "0 0 0 0 * *",
        "0 0 0 * 13 *",
        "0 0 0 * * 7",
        "0 0 0 * * sunny",
        "0 5-1 * * * *",
        "*/0 * * * * *",
        "*-5 * * * * *",
        "1,,2 * * * * *",
        "? * * * * *",
        "0 0 0 30 2 *",
        "00:00:00",
        "24:00:00",
        "00:60:00",
        "0:0",
    ],
)
def test_a_malformed_or_impossible_expression_is_refused(expression: str) -> None:
    """What is no schedule, or would never or always fire, is refused when it is read."""
    with pytest.raises(ValueError, match=r"\S"):
        parse_schedule(expression)


def test_schedules_compare_by_what_they_mean() -> None:
    """Two spellings of one schedule are equal."""
    assert parse_schedule("0 0 0 * jan sun") == parse_schedule("0 0 0 1-31 1 0")
    assert isinstance(parse_schedule("*/2 * * * * *"), Ncrontab)
    assert isinstance(parse_schedule("00:00:02"), Interval)
