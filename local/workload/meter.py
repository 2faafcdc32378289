"""How often has something happened lately? What a metric of Azure Monitor adds up."""

import time
from collections import deque
from datetime import timedelta

_KEPT_SECONDS = 120.0


class Meter:
    """Counts happenings, and says how many there were within the last while."""

    def __init__(self) -> None:
        self.total = 0
        self._times: deque[float] = deque()

    def add(self) -> None:
        """Count one."""
        now = time.monotonic()
        self.total += 1
        self._times.append(now)
        while self._times[0] < now - _KEPT_SECONDS:
            self._times.popleft()

    def within(self, window: timedelta) -> int:
        """How many there were within the last `window`, which is two minutes at most."""
        since = time.monotonic() - window.total_seconds()
        count = 0
        for at in reversed(self._times):
            if at < since:
                break
            count += 1
        return count
