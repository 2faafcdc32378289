"""Does anything break the promises? Runs as many schedules as one likes, on all cores, and says what it saw.

    python -m rehearsal.simulate FOLDER [-n N] [--minutes M] [--seed S] [--keep FOLDER]

FOLDER holds the base scenarios. What breaks a promise is shrunk, printed and kept. Exit status 1 then.
"""

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rehearsal.explore import Covered, explore, keep, kinds, load_bases, points_of, schedules, singles

STOP_AT = 10


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    given = _arguments(arguments)
    folder = Path(given.folder)
    shares = [(folder, given.seed, each, given.processes, given) for each in range(given.processes)]
    covered = Covered()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(given.processes, mp_context=context) as pool:
        for part in pool.map(_share, shares):
            covered.add(part)
    bases = load_bases(folder)
    points = sum(len(points_of(name, scenario)) for name, scenario in bases.items())
    _say(f"seed {given.seed}: {covered}")
    _say(
        f"  {len(bases)} base scenarios with {points} calls, {len(singles(bases, given.seed))} single faults"
    )
    _say(f"  kinds: {', '.join(f'{kind} {covered.kinds[kind]}' for kind in kinds())}")
    for broken in covered.broken:
        kept = keep(broken, Path(given.keep)) if given.keep else None
        _say(
            f"\nseed {broken.schedule.seed}, smallest set of faults"
            f"{f', kept as {kept}' if kept else ''}:\n{broken}"
        )
    return 1 if covered.broken else 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rehearsal.simulate", description="Break the worker, if you can.")
    parser.add_argument("folder", help="base scenarios")
    parser.add_argument("-n", type=int, default=0, help="how many schedules, over all processes")
    parser.add_argument("--minutes", type=float, default=0.0, help="for how long; without N: 10")
    parser.add_argument("--seed", default="1", help="of all chance")
    parser.add_argument("--keep", default="", help="where to keep what breaks a promise")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    if not given.n and not given.minutes:
        given.minutes = 10.0
    return given


def _share(task: tuple[Path, str, int, int, argparse.Namespace]) -> Covered:
    folder, seed, mine, of, given = task
    bases = load_bases(folder)
    until = time.monotonic() + 60 * given.minutes if given.minutes else None
    most = -(-given.n // of) if given.n else None
    return explore(bases, schedules(bases, seed, (mine, of)), until=until, most=most, stop_at=STOP_AT)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
