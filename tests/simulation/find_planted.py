"""After how many schedules is each planted bug found? `make sim-mutants` asks it of all of them."""

import argparse
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from random import Random

from rehearsal.explore import verdict
from rehearsal.faults.choice import Bases, load_bases, mixed, nights, pairs, singles
from rehearsal.faults.schedule import Schedule
from tests.simulation.planted_bugs import BUGS, PlantedBug

SCENARIOS = Path(__file__).parent / "scenarios"
MOST = 2000


@dataclass(frozen=True, slots=True)
class Hunt:
    """What came of looking for one bug.

    Attributes:
        bug: its name, and near which scenarios it was looked for.
        schedules: how many were run.
        seconds: how long it took.
        found: what was broken, and by which schedule; empty where nothing was.
    """

    bug: str
    schedules: int
    seconds: float
    found: str = ""

    def __str__(self) -> str:
        return f"{self.schedules:5} schedules {self.seconds:6.1f} s  {self.bug}: {self.found or 'NOT FOUND'}"


def hunt(bug: PlantedBug, bases: Bases, most: int = MOST) -> Hunt:
    """Run schedules near the bug, with it in the code, until a promise is broken."""
    began, count = time.monotonic(), 0
    bases = near(bug, bases)
    name = f"{bug.name} (near {', '.join(bug.near)})" if bug.near else bug.name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for schedule in islice(_some(bases), most):
            count += 1
            with bug.planted():  # only now: which calls there are is asked of the code without it
                violations = verdict(bases, schedule)
            # What is broken without the bug as well does not show it.
            if violations and not verdict(bases, schedule):
                said = f"{violations[0]} ({schedule})"
                return Hunt(name, count, time.monotonic() - began, said)
    return Hunt(name, count, time.monotonic() - began)


def _some(bases: Bases) -> Iterator[Schedule]:
    """First each scenario as it is; then all single faults, pairs and nights.

    Of the single faults those that matter most come sooner, and none must wait for all of these.
    """
    yield from (Schedule(name) for name in bases)
    matter = singles(bases)
    anyhow = Random("planted").sample(matter, len(matter))  # noqa: S311 - it guards nothing
    faults = dict.fromkeys(chain.from_iterable(zip(matter, anyhow, strict=True)))
    yield from mixed(faults, pairs(bases, "planted"), nights(bases, "planted"))


def near(bug: PlantedBug, bases: Bases) -> Bases:
    """The scenarios in which it can show; all where nothing is said of that."""
    found = {name: one for name, one in bases.items() if any(part in name for part in bug.near)}
    return found or bases


def _hunt_by_place(place: int) -> Hunt:
    return hunt(BUGS[place], load_bases(SCENARIOS))


def main(arguments: list[str]) -> int:
    """Look for all of them, or those with some words in their names, and say after how many schedules."""
    parser = argparse.ArgumentParser(prog="tests.simulation.find_planted", description=__doc__)
    parser.add_argument("words", nargs="*", help="of the names of the bugs to look for")
    parser.add_argument("--processes", type=int, default=cpu_count() or 1)
    given = parser.parse_args(arguments)
    missed = 0
    chosen = [place for place, bug in enumerate(BUGS) if all(word in bug.name for word in given.words)]
    if not chosen:
        parser.error(f"no planted bug has {' and '.join(given.words)} in its name")
    with ProcessPoolExecutor(given.processes, mp_context=get_context("fork")) as pool:
        for one in pool.map(_hunt_by_place, chosen):
            sys.stdout.write(f"{one}\n")
            sys.stdout.flush()
            missed += not one.found
    sys.stdout.write(f"{len(chosen) - missed} of {len(chosen)} planted bugs found\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
