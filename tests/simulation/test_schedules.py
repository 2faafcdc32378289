"""Is there a way to break a promise? As many schedules as fit into the time, the calls that matter first.

`SIM_SECONDS` is the time for all that is random here, on two cores (150 where it is not set); `SIM_SEED`
gives other schedules. `make sim` does the same for as long as one likes.
"""

import os
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from rehearsal.explore import Covered, explore, keep
from rehearsal.faults.choice import load_bases, schedules

HERE = Path(__file__).parent
SCENARIOS, REGRESSIONS = HERE / "scenarios", HERE / "regressions"
SECONDS = float(os.environ.get("SIM_SECONDS", "150"))
SEED = os.environ.get("SIM_SEED", "1")
SHARES = 8
CORES = 2


def told(covered: Covered) -> str:
    """What broke, each with its seed and the smallest set of faults."""
    return "\n".join(f"seed {each.schedule.seed}: {each}" for each in covered.broken)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_no_schedule_breaks_a_promise(share: int, capfd: pytest.CaptureFixture[str]) -> None:
    """P1 to P20: single faults, pairs, and nights on which much goes wrong. A failure is kept for ever."""
    bases = load_bases(SCENARIOS)
    chosen = schedules(bases, SEED, (share, SHARES))
    covered = explore(bases, chosen, until=time.monotonic() + SECONDS * CORES / SHARES)
    for broken in covered.broken:
        keep(broken, REGRESSIONS)
    with capfd.disabled():
        sys.stderr.write(f"\nsimulation {share + 1}/{SHARES}, seed {SEED}: {covered}\n")
    assert not covered.broken, told(covered)
    assert covered.schedules > 0


def test_a_seed_gives_the_same_schedules_however_many_processes_share_them() -> None:
    """What was found by one machine is found by another, with more cores or fewer."""
    bases = {"flapping.yaml": load_bases(SCENARIOS)["flapping.yaml"]}

    def by(processes: int) -> set[str]:
        each = (schedules(bases, SEED, (mine, processes), swept=bases) for mine in range(processes))
        return {str(one) for chosen in each for one in islice(chosen, 24 // processes)}

    assert len(by(2)) > 20
    assert by(1) == by(2) == by(3) == by(4)
