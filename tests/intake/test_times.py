"""Is every timestamp that senders write understood, and nothing else?"""

from datetime import UTC, datetime

import pytest

from remediation.intake.times import utc


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T03:00:00Z", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ("2026-03-01t03:00:00Z", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ("2026-03-01 03:00:00+00:00", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ("2026-03-01T03:00:00.1234567Z", datetime(2026, 3, 1, 3, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T03:00:00.123456789Z", datetime(2026, 3, 1, 3, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T03:00:00.104Z", datetime(2026, 3, 1, 3, 0, 0, 104000, tzinfo=UTC)),
        ("2026-03-01T03:00:00.0623172", datetime(2026, 3, 1, 3, 0, 0, 62317, tzinfo=UTC)),
        ("2026-03-01T04:30:00+01:30", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ("2026-02-28T22:00:00-05:00", datetime(2026, 3, 1, 3, tzinfo=UTC)),
    ],
)
def test_a_timestamp_gives_its_moment(text: str, moment: datetime) -> None:
    """Fractions are cut to microseconds, offsets count, and no zone means UTC."""
    assert utc(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-03-01",
        "20260301T030000Z",
        "20260301T030000.1234567Z",
        "3/22/2019 1:36:31 PM",
        "1700000000",
        "2026-02-30T03:00:00Z",
        "2026-03-01T25:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_anything_else_is_no_moment(text: str) -> None:
    """Dates alone, numbers, local forms, days that are not, and times beyond the calendar give nothing."""
    assert utc(text) is None
