"""Does a retry policy wait as long, and try as often, as it was told?"""

from datetime import timedelta

import pytest

from local.functions_host.retry import RetryPolicy, parse_retry_policy
from local.functions_host.timespan import parse_time_span


def test_a_fixed_delay_is_the_same_each_time_and_ends() -> None:
    """A fixed delay is waited after each failure, and after the last retry there is none."""
    policy = parse_retry_policy(
        {"strategy": "fixed_delay", "max_retry_count": "2", "delay_interval": "00:00:05"}
    )
    assert [policy.delay_after(retries) for retries in range(3)] == [timedelta(seconds=5)] * 2 + [None]


def test_a_backoff_doubles_up_to_its_longest() -> None:
    """An exponential back-off starts with the minimum, doubles, and never exceeds the maximum."""
    policy = parse_retry_policy(
        {
            "strategy": "exponential_backoff",
            "max_retry_count": "-1",
            "minimum_interval": "00:00:01",
            "maximum_interval": "00:00:05",
        }
    )
    delays = [policy.delay_after(retries) for retries in (0, 1, 2, 3, 10**9)]
    assert delays == [timedelta(seconds=seconds) for seconds in (1, 2, 4, 5, 5)]


def test_no_retries_means_none() -> None:
    """A count of zero allows no retry."""
    assert RetryPolicy(0, timedelta(0), timedelta(0)).delay_after(0) is None


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"strategy": "hope", "max_retry_count": "1"}, "strategy is 'hope'"),
        ({"strategy": "fixed_delay", "max_retry_count": "many"}, "max_retry_count is 'many'"),
        ({"strategy": "fixed_delay", "max_retry_count": "-2"}, "max_retry_count is -2"),
        ({"strategy": "fixed_delay", "max_retry_count": "1"}, "delay_interval is missing"),
        (
            {"strategy": "fixed_delay", "max_retry_count": "1", "delay_interval": "5 s"},
            "'5 s' is not a TimeSpan",
        ),
        (
            {
                "strategy": "exponential_backoff",
                "max_retry_count": "1",
                "minimum_interval": "00:01:00",
                "maximum_interval": "00:00:01",
            },
            "minimum_interval is longer",
        ),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(setting: dict[str, str], reason: str) -> None:
    """A policy with an unknown word or without its numbers is refused with the reason."""
    with pytest.raises(ValueError, match=reason):
        parse_retry_policy(setting)


def test_time_spans_read_as_in_dotnet() -> None:
    """Days and fractions of a second are understood."""
    assert parse_time_span("1.02:03:04.5") == timedelta(days=1, hours=2, minutes=3, seconds=4.5)
