"""Is a moment understood in each of Azure's ways of writing, and never guessed?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.intake import moments
from remediation.intake.rejection import Code
from tests.intake.bodies import rejected


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("3/22/2019 1:36:31 PM", datetime(2019, 3, 22, 13, 36, 31, tzinfo=UTC)),
        ("3/22/2019 12:00:00 AM", datetime(2019, 3, 22, 0, 0, 0, tzinfo=UTC)),
        ("03/22/2019 12:00:00 pm", datetime(2019, 3, 22, 12, 0, 0, tzinfo=UTC)),
        ("11/17/2021 5:40:29 PM -08:00", datetime(2021, 11, 18, 1, 40, 29, tzinfo=UTC)),
        ("2021-11-17T05:34:48.0623172", datetime(2021, 11, 17, 5, 34, 48, 62317, tzinfo=UTC)),
    ],
)
def test_both_ways_of_writing_are_read(text: str, at: datetime) -> None:
    """RFC 3339 and the way of .NET in the United States; no zone means UTC."""
    assert moments.moment(text) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22/3/2019 1:36:31 PM",
        "2/30/2019 1:36:31 PM",
        "3/22/2019 13:36:31 PM",
        "3/22/2019 0:36:31 AM",
        "3/22/2019 1:36:61 PM",
        "3/22/2019 1:36:31",
        "3/22/2019",
        "1/1/0001 1:00:00 AM +14:00",
        "0/0/0000 1:00:00 AM",
        "٣/22/2019 1:36:31 PM",
        "3/22/2019 1:36:31 PM +99:99",
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    """A day where the month belongs is not swapped, and nothing is made up."""
    assert moments.moment(text) is None


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9000, 1, 1)))  # noqa: DTZ001 - naive
def test_every_moment_survives_being_written(at: datetime) -> None:
    """Written with month, day and half of the day, to the second, it reads the same."""
    written = (
        f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}"
    )
    assert moments.moment(written) == at.replace(microsecond=0, tzinfo=UTC)


def test_the_first_moment_counts_and_without_any_the_field_is_named() -> None:
    """Candidates in their order; where all fail, the sentence says where and what was expected."""
    at = moments.required("data.when", "soon", "2026-03-01T03:00:00Z", "2026-03-01T04:00:00Z")
    assert at - datetime(2026, 3, 1, 3, tzinfo=UTC) == timedelta(0)
    rejection = rejected(lambda: moments.required("data.when", "soon", ""))
    assert rejection.code is Code.BAD_TIME
    assert rejection.reason.startswith("data.when: ")
