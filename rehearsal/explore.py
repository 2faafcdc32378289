"""Is there any way to break a promise? Many runs, in each of which other things go wrong.

Each single fault at each call of each base scenario; pairs of faults; and whole nights on which much
goes wrong at once. All of it follows from a seed. A run that breaks a promise is shrunk to the fewest
faults that still break it, printed with its seed, and kept as a file that is run again for ever.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random

from rehearsal.check import Violation, check
from rehearsal.faults.kinds import CallFault, Fault, Point, fitting
from rehearsal.faults.schedule import Schedule
from rehearsal.faults.trial import Trial, try_out
from rehearsal.faults.troubles import AT_A_STAMP, OF_A_WORKER, Befalls, Trouble
from rehearsal.gate import CHANGING
from rehearsal.scenario.load import Scenario, load_scenario

Bases = Mapping[str, Scenario]

LASTS_SECONDS = (20, 45, 95, 150)
_LEVERS = ("lever.", "origin.", "step.")
TROUBLES_MOST = 3
FAULTS_MOST = 3
SHRINK_RUNS_MOST = 60
TELL_EVERY = 1000


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


@cache
def load_bases(folder: Path) -> Bases:
    """The base scenarios of a folder, by file name.

    Raises:
        FileError, OSError: one of them cannot be read.
    """
    return {path.name: load_scenario(path) for path in sorted(folder.glob("*.yaml"))}


def points_of(name: str, scenario: Scenario) -> list[Point]:
    """Every call of a run without faults, in order."""
    return list(_points(name, scenario.file, lambda: try_out(scenario, Schedule(name))))


def points_after(name: str, scenario: Scenario, first: Fault) -> list[Point]:
    """The calls that are made only because of a fault: the fence, second attempts, another worker's."""
    plain = set(points_of(name, scenario))
    calls = _points(
        name, f"{scenario.file} {first}", lambda: try_out(scenario, Schedule(name, faults=(first,)))
    )
    return [point for point in calls if point not in plain]


_known_points: dict[tuple[str, str], list[Point]] = {}


def _points(name: str, what: str, run: Callable[[], Trial]) -> list[Point]:
    key = (name, what)
    if key not in _known_points:
        _known_points[key] = list(run().calls)
    return _known_points[key]


def singles(bases: Bases, seed: str = "1") -> list[Schedule]:
    """Each kind of fault at each call of each scenario, the calls that matter most first."""
    chance = Random(f"{seed}/singles")  # noqa: S311 - it guards nothing
    tiers: tuple[list[Schedule], ...] = ([], [], [])
    for name, scenario in bases.items():
        for point in points_of(name, scenario):
            chosen = tiers[_tier(point)]
            chosen += [Schedule(name, faults=(Fault(kind, point),)) for kind in fitting(point.name)]
    for tier in tiers:
        chance.shuffle(tier)
    return [each for tier in tiers for each in tier]


def _tier(point: Point) -> int:
    """What moves or tells something comes first, then what writes, then what only looks."""
    if _method(point) not in CHANGING:
        return 2
    return 1 if point.name.startswith("ledger.") and point.name != "ledger.bury" else 0


def _method(point: Point) -> str:
    return point.name.partition(".")[2].partition(":")[0]


def seconds(bases: Bases, share: tuple[int, int] = (0, 1)) -> Iterator[Schedule]:
    """Each fault of the calls that are made only because of a first fault of a lever, such as the fence.

    Args:
        bases: the scenarios.
        share: which part of the first faults, of how many.
    """
    mine, of = share
    firsts = [
        (name, Fault(kind, point))
        for name, scenario in bases.items()
        for point in points_of(name, scenario)
        if point.name.startswith(_LEVERS) and _method(point) in CHANGING
        for kind in fitting(point.name)
    ]
    for name, first in firsts[mine::of]:
        known = {point.name for point in points_of(name, bases[name])}
        for point in points_after(name, bases[name], first):
            if point.name not in known:
                both = ((first, Fault(kind, point)) for kind in fitting(point.name))
                yield from (Schedule(name, faults=faults) for faults in both)


def pairs(bases: Bases, seed: str) -> Iterator[Schedule]:
    """Two faults in one run, without end: the first mostly where something is changed.

    In every other one the second meets a call that is made only because of the first.
    """
    chance = Random(f"{seed}/pairs")  # noqa: S311 - it guards nothing
    while True:
        name = chance.choice(list(bases))
        points = points_of(name, bases[name])
        first, second = _some_fault(points, chance), _some_fault(points, chance)
        yield Schedule(name, f"{seed}/{chance.randrange(10**6)}", (first, second))
        first = _some_fault(points, chance)
        second = _some_fault(points_after(name, bases[name], first) or points, chance)
        yield Schedule(name, faults=(first, second))


def nights(bases: Bases, seed: str) -> Iterator[Schedule]:
    """Troubles and faults together, without end."""
    chance = Random(f"{seed}/nights")  # noqa: S311 - it guards nothing
    while True:
        name = chance.choice(list(bases))
        scenario = bases[name]
        points = points_of(name, scenario)
        troubles = tuple(_some_trouble(scenario, chance) for _ in range(chance.randint(1, TROUBLES_MOST)))
        faults = tuple(_some_fault(points, chance) for _ in range(chance.randint(0, FAULTS_MOST)))
        workers = chance.choice((0, 0, 2, 3))
        yield Schedule(name, f"{seed}/{chance.randrange(10**6)}", faults, troubles, workers)


def _some_fault(points: list[Point], chance: Random) -> Fault:
    changing = [each for each in points if _method(each) in CHANGING]
    if changing and chance.random() < 0.7:
        rare = [each for each in changing if not each.name.startswith("ledger")]
        points = rare if rare and chance.random() < 0.4 else changing
    point = chance.choice(points)
    return Fault(chance.choice(fitting(point.name)), point)


def _some_trouble(scenario: Scenario, chance: Random) -> Befalls:
    kind = chance.choice(list(Trouble))
    latest = int(scenario.run.total_seconds()) - max(LASTS_SECONDS)
    where = ""
    if kind in AT_A_STAMP:
        where = chance.choice(scenario.charge.workload.stamp_names)
    elif kind in OF_A_WORKER:
        where = f"worker-{chance.randint(1, max(1, scenario.workers))}"
    return Befalls(kind, chance.randrange(10, max(20, latest)), chance.choice(LASTS_SECONDS), where)


def schedules(
    bases: Bases, seed: str, share: tuple[int, int] = (0, 1), swept: Collection[str] = ()
) -> Iterator[Schedule]:
    """All there is to run, in the order in which it is worth it; the `share` of one of several processes.

    Of three runs two are of the list of all single faults, as long as it lasts; those of the scenarios
    that have been `swept` are not run again.
    """
    mine, of = share
    rest = singles({name: one for name, one in bases.items() if name not in swept}, seed)[mine::of]
    return _mixed(rest, pairs(bases, f"{seed}.{mine}"), nights(bases, f"{seed}.{mine}"))


def _mixed(
    rest: Iterable[Schedule], some: Iterator[Schedule], much: Iterator[Schedule]
) -> Iterator[Schedule]:
    left = iter(rest)
    while True:
        yield from islice(left, 4)
        yield next(some)
        yield next(much)


def explore(
    bases: Bases,
    chosen: Iterable[Schedule],
    *,
    until: float | None = None,
    stop_at: int = 10,
    tell: Callable[[Covered], None] = lambda _: None,
) -> Covered:
    """Run schedules until there are no more, or the time (of `time.monotonic`) is over.

    Args:
        bases: the scenarios.
        chosen: what to run.
        until: when to stop.
        stop_at: after so many that break a promise.
        tell: is told from time to time how far it is.
    """
    covered, began = Covered(), time.monotonic()
    for schedule in chosen:
        if until is not None and time.monotonic() >= until:
            break
        covered.count(schedule)
        violations = verdict(bases, schedule)
        if violations:
            covered.broken.append(shrunk(bases, Broken(schedule, tuple(violations))))
            if len(covered.broken) >= stop_at:
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


@cache
def kinds() -> tuple[str, ...]:
    """All kinds of faults and troubles that there are."""
    return (*map(str, CallFault), *map(str, Trouble))
