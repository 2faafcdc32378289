"""How often, and after how long, is a failed invocation tried again?

Pure: the `@app.retry` decorator's words become a policy that answers with numbers. The real host has retry
policies for event hub and timer triggers only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local.functions_host.timespan import parse_time_span

# Doubling stops here: the cap is reached long before, and no float overflows when a function fails for ever.
_MOST_DOUBLINGS = 24


@dataclass(frozen=True)
class RetryPolicy:
    """A wait that doubles from `first_delay` up to `longest_delay`; a fixed wait has both the same."""

    max_retry_count: int  # -1: for ever
    first_delay: timedelta
    longest_delay: timedelta

    def delay_after(self, retries: int) -> timedelta | None:
        """How long to wait after `retries` retries have failed, or None when no more are allowed."""
        if 0 <= self.max_retry_count <= retries:
            return None
        return min(self.longest_delay, self.first_delay * (1 << min(retries, _MOST_DOUBLINGS)))


def parse_retry_policy(setting: Mapping[str, Any]) -> RetryPolicy:
    """Read the setting that `@app.retry` leaves on a function.

    Raises:
        ValueError: An unknown strategy, a count that is no number, an interval missing or malformed.
    """
    strategy = setting.get("strategy")
    try:
        count = int(setting.get("max_retry_count", ""))
    except ValueError:
        raise ValueError(
            f"max_retry_count is {setting.get('max_retry_count')!r}; expected a number"
        ) from None
    if count < -1:
        raise ValueError(f"max_retry_count is {count}; expected -1 (for ever), 0 or more")
    if strategy == "fixed_delay":
        delay = _interval(setting, "delay_interval")
        return RetryPolicy(count, delay, delay)
    if strategy == "exponential_backoff":
        shortest, longest = _interval(setting, "minimum_interval"), _interval(setting, "maximum_interval")
        if shortest > longest:
            raise ValueError("minimum_interval is longer than maximum_interval")
        return RetryPolicy(count, shortest, longest)
    raise ValueError(f"strategy is {strategy!r}; expected fixed_delay or exponential_backoff")


def _interval(setting: Mapping[str, Any], name: str) -> timedelta:
    if setting.get(name) is None:
        raise ValueError(f"{name} is missing")
    return parse_time_span(str(setting[name]))
