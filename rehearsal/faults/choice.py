"""What is there that can go wrong in the base scenarios? All of it follows from a seed.

Each single fault at each call of each base scenario; pairs of faults; and whole nights on which much
goes wrong at once.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import count, islice
from pathlib import Path
from random import Random

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
SERIES = 2
"""Of two processes each goes along one of them, and makes nothing that the other runs."""


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
    return mixed(rest, *(_shared(without_end, bases, seed, share) for without_end in (pairs, nights)))


def _shared(
    without_end: Callable[[Bases, str], Iterator[Schedule]], bases: Bases, seed: str, share: tuple[int, int]
) -> Iterator[Schedule]:
    """Every so many of two series in turn, so that a seed gives the same runs on however many cores."""
    mine, of = share
    series = [without_end(bases, f"{seed}.{number}") for number in range(SERIES)]
    done = [0] * SERIES
    for place in count(mine, of):
        number, wanted = place % SERIES, place // SERIES
        yield from islice(series[number], wanted - done[number], wanted - done[number] + 1)
        done[number] = wanted + 1


def mixed(
    faults: Iterable[Schedule], two: Iterator[Schedule], many: Iterator[Schedule]
) -> Iterator[Schedule]:
    """Four of the first, as long as they last, to one of each of the others, without end."""
    left = iter(faults)
    while True:
        yield from islice(left, 4)
        yield next(two)
        yield next(many)


@cache
def kinds() -> tuple[str, ...]:
    """All kinds of faults and troubles that there are."""
    return (*map(str, CallFault), *map(str, Trouble))
