"""Is there any way to break a promise? Many runs, in each of which other things go wrong.

What goes wrong in each is chosen by `faults.choice`. A run that breaks a promise is shrunk to the fewest
faults that still break it, printed with its seed, and kept as a file that is run again for ever.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from rehearsal.check import Violation, check
from rehearsal.faults.choice import Bases
from rehearsal.faults.kinds import Point
from rehearsal.faults.schedule import Schedule
from rehearsal.faults.trial import try_out

SHRINK_RUNS_MOST = 60
TELL_EVERY = 1000
STOP_AT = 10
"""After so many that break a promise more would only be more of the same."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A schedule that breaks promises, and which."""

    schedule: Schedule
    violations: tuple[Violation, ...]

    @property
    def promises(self) -> frozenset[str]:
        """Which are broken."""
        return frozenset(each.promise for each in self.violations)

    def __str__(self) -> str:
        return "\n".join([str(self.schedule), *(f"    {each}" for each in self.violations)])


@dataclass(slots=True)
class Covered:
    """What was run, and what came of it.

    Attributes:
        schedules: how many runs.
        points: the calls at which something went wrong.
        kinds: how often each kind of fault and trouble was in a run.
        broken: what broke a promise, shrunk.
        seconds: how long it took.
    """

    schedules: int = 0
    points: set[tuple[str, Point]] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, schedule: Schedule) -> None:
        """One more run."""
        self.schedules += 1
        self.points |= {(schedule.scenario, each.point) for each in schedule.faults}
        self.kinds.update(str(each.kind) for each in schedule.faults)
        self.kinds.update(str(each.kind) for each in schedule.troubles)

    def add(self, other: "Covered") -> None:
        """What another process has run at the same time."""
        self._count_in(other)
        self.seconds = max(self.seconds, other.seconds)

    def follow(self, other: "Covered") -> None:
        """What was run afterwards."""
        self._count_in(other)
        self.seconds += other.seconds

    def _count_in(self, other: "Covered") -> None:
        self.schedules += other.schedules
        self.points |= other.points
        self.kinds += other.kinds
        self.broken += other.broken

    def __str__(self) -> str:
        rate = self.schedules / self.seconds if self.seconds else 0.0
        return (
            f"{self.schedules} schedules, {len(self.points)} fault points, {len(self.kinds)} kinds, "
            f"{len(self.broken)} violations, {rate:.1f} schedules/s"
        )


def explore(
    bases: Bases,
    chosen: Iterable[Schedule],
    *,
    until: float | None = None,
    tell: Callable[[Covered], None] = lambda _: None,
    found: Callable[[Broken], None] = lambda _: None,
) -> Covered:
    """Run schedules until there are no more, the time (of `time.monotonic`) is over, or enough is found.

    Args:
        bases: the scenarios.
        chosen: what to run.
        until: when to stop.
        tell: is told from time to time how far it is.
        found: is told at once of each that breaks a promise.
    """
    covered, began = Covered(), time.monotonic()
    for schedule in chosen:
        if until is not None and time.monotonic() >= until:
            break
        covered.count(schedule)
        violations = verdict(bases, schedule)
        if violations:
            covered.broken.append(shrunk(bases, Broken(schedule, tuple(violations))))
            found(covered.broken[-1])
            if len(covered.broken) >= STOP_AT:
                break
        if covered.schedules % TELL_EVERY == 0:
            covered.seconds = time.monotonic() - began
            tell(covered)
    covered.seconds = time.monotonic() - began
    return covered


def verdict(bases: Bases, schedule: Schedule) -> list[Violation]:
    """What one run breaks."""
    return check(try_out(bases[schedule.scenario], schedule))


def shrunk(bases: Bases, broken: Broken) -> Broken:
    """The same with as few faults as still break one of the same promises: each is left out in turn."""
    runs = 0
    again = True
    while again and runs < SHRINK_RUNS_MOST:
        again = False
        for smaller in broken.schedule.smaller():
            runs += 1
            left = verdict(bases, smaller)
            if broken.promises & {each.promise for each in left}:
                broken, again = Broken(smaller, tuple(left)), True
                break
    return broken


def keep(broken: Broken, folder: Path) -> Path:
    """Write it down, to be run again for ever; returns the file."""
    schedule = broken.schedule
    stem = re.sub(r"[^a-z0-9]+", "-", f"{min(broken.promises)}-{schedule}".lower()).strip("-")[:90]
    folder.mkdir(parents=True, exist_ok=True)  # there is none where nothing was ever found
    path = folder / f"{stem}.json"
    why = "; ".join(str(each) for each in broken.violations)
    path.write_text(replace(schedule, why=why).to_json(), "utf-8")
    return path
