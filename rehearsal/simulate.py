"""Does anything break the promises? Runs as many schedules as one likes, on all cores, and says what it saw.

    python -m rehearsal.simulate FOLDER [-n N] [--minutes M] [--seed S] [--keep FOLDER]

FOLDER holds the base scenarios. First comes every single fault at every call of those in `SWEPT`, always
all of them; and every fault of the calls that are made only after a fault of a lever. Then, so many or so
long as is asked for, the single faults of the other scenarios, pairs and whole nights. At the end
survivors fail around drains, to say how much no look can exclude. What breaks a promise is shrunk, printed
and kept. Exit status 1 then.
"""

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from rehearsal.explore import Broken, Covered, explore, keep
from rehearsal.faults.choice import Bases, kinds, load_bases, schedules, seconds, singles
from rehearsal.faults.schedule import Schedule
from rehearsal.residual import MEASURED_IN, Residue, measure
from rules.problems import FileError

SWEPT = (
    "drain-and-rejoin.yaml",
    "out-by-itself.yaml",
    "second-lever.yaml",
    "stuck.yaml",
    "two-stamps.yaml",
    "all-red.yaml",
    "edge.yaml",
    "by-hand.yaml",
    "approve.yaml",
    "ledger-out.yaml",
    "restart-step.yaml",
    "flapping.yaml",
    "webhook.yaml",
    "late-delete.yaml",
)
"""The scenarios of which every single fault is run: between them, every way that an incident can go."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for, and which share of it a process does."""

    folder: Path
    seed: str
    most: int
    minutes: float
    residue: int
    keep: str
    mine: int = 0
    of: int = 1


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    given = _arguments(arguments)
    try:
        bases = load_bases(Path(given.folder))
    except (FileError, OSError) as error:
        _say(str(error))
        return 2
    missing = [name for name in SWEPT if name not in bases]
    if missing:
        _say(f"{given.folder} has no {', '.join(missing)}")
        return 2
    of = given.processes
    most, residue = -(-given.n // of), -(-given.residue // of)
    whole = _Asked(Path(given.folder), given.seed, most, given.minutes, residue, given.keep)
    asked = [replace(whole, mine=mine, of=of) for mine in range(of)]
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(of, mp_context=context) as pool:
        covered = _all(pool.map(_sweep, asked))
        every = len(singles({name: bases[name] for name in SWEPT}, given.seed))
        _say(f"single faults: {covered.schedules} of {every}, in {len(SWEPT)} scenarios: {covered}")
        second = _all(pool.map(_second, asked))
        _say(f"then each fault of a call that is made only because of another: {second}")
        covered.follow(second)
        rest = _all(pool.map(_rest, asked))
        _say(f"then single faults of the others, pairs, and nights, in {len(bases)} scenarios: {rest}")
        covered.follow(rest)
        _say(f"in all, seed {given.seed}: {covered}")
        _say(f"  {', '.join(f'{kind} {covered.kinds[kind]}' for kind in kinds())}")
        residue = Residue()
        for part in pool.map(_residue, asked):
            residue.add(part)
    _say("residual risk: " + "\n  ".join(residue.lines()))
    return 1 if covered.broken or residue.broken else 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rehearsal.simulate", description="Break the worker, if you can.")
    parser.add_argument("folder", help="base scenarios")
    parser.add_argument("-n", type=int, default=0, help="how many schedules after the single faults")
    parser.add_argument("--minutes", type=float, default=0.0, help="for how long after them; without N: 10")
    parser.add_argument("--seed", default="1", help="of all chance")
    parser.add_argument("--keep", default="", help="where to keep what breaks a promise")
    parser.add_argument("--residue", type=int, default=400, help="how many survivors fail around a drain")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    if not given.n and not given.minutes:
        given.minutes = 10.0
    return given


def _all(parts: Iterable[Covered]) -> Covered:
    covered = Covered()
    for part in parts:
        covered.add(part)
    return covered


def _sweep(asked: _Asked) -> Covered:
    """This process's share of every single fault."""
    gc.freeze()  # what is loaded stays: looking for garbage in it takes a tenth of the time
    bases = load_bases(asked.folder)
    chosen = singles({name: bases[name] for name in SWEPT}, asked.seed)[asked.mine :: asked.of]
    return _explored(asked, bases, chosen, len(chosen))


def _second(asked: _Asked) -> Covered:
    """This process's share of the faults of calls that nobody makes while all goes well."""
    bases = load_bases(asked.folder)
    chosen = seconds({name: bases[name] for name in SWEPT}, (asked.mine, asked.of))
    return _explored(asked, bases, chosen)


def _rest(asked: _Asked) -> Covered:
    """This process's share of what is chosen by chance."""
    bases = load_bases(asked.folder)
    until = time.monotonic() + 60 * asked.minutes if asked.minutes else None
    most = asked.most or None
    chosen = islice(schedules(bases, asked.seed, (asked.mine, asked.of), swept=SWEPT), most)
    return _explored(asked, bases, chosen, most, until)


def _explored(
    asked: _Asked,
    bases: Bases,
    chosen: Iterable[Schedule],
    most: int | None = None,
    until: float | None = None,
) -> Covered:
    """Run them, and tell on the way how far it is, and of what was found."""
    far, found = partial(_far, asked, most), partial(_tell_broken, asked.keep)
    return explore(bases, chosen, until=until, tell=far, found=found)


def _residue(asked: _Asked) -> Residue:
    scenario = load_bases(asked.folder)[MEASURED_IN]
    return measure(scenario, MEASURED_IN, asked.residue, f"{asked.seed}.{asked.mine}")


def _far(asked: _Asked, most: int | None, covered: Covered) -> None:
    """For whoever waits."""
    of = f" of {most}" if most else ""
    sys.stderr.write(f"  process {asked.mine + 1}: {covered.schedules}{of}, {covered}\n")


def _tell_broken(folder: str, broken: Broken) -> None:
    kept = f", kept as {keep(broken, Path(folder))}" if folder else ""
    _say(f"\nseed {broken.schedule.seed}, smallest set of faults{kept}:\n{broken}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
