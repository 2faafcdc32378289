"""What has happened, in order: in the workload, in the worker, and on people's phones?

Everything that the demo shows as a line comes through here. The worker's lines
are the sentences of its own journal; nothing is said in its name that it did not say.
"""

import time
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LINES_KEPT = 2_000


class Who(StrEnum):
    """Whose line it is."""

    DEMO = "demo"  # who breaks and mends
    WORKLOAD = "workload"  # the front door, Azure Monitor
    WORKER = "worker"  # from its journal
    PAGE = "page"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    Attributes:
        at: seconds since the demo began.
        who: whose it is.
        text: in words.
    """

    at: float
    who: Who
    text: str


class Feed:
    """The lines, oldest first."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.show: Callable[[Line], None] = lambda _: None
        self._began = time.time()

    @property
    def now(self) -> float:
        """Seconds since the demo began."""
        return time.time() - self._began

    def say(self, who: Who, text: str, at: datetime | None = None) -> None:
        """Add a line.

        Args:
            who: whose it is.
            text: in words.
            at: when it happened, if that was not just now: the ledger is read a little later.
        """
        line = Line(at.timestamp() - self._began if at else self.now, who, text)
        self.lines = self.lines[-LINES_KEPT:]
        insort(self.lines, line, key=lambda known: known.at)
        self.show(line)
