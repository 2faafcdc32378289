"""Does what once broke a promise hold now? Each file here was a finding, shrunk to its fewest faults."""

from pathlib import Path

import pytest

from rehearsal.explore import verdict
from rehearsal.faults.choice import load_bases
from rehearsal.faults.schedule import read_schedule

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
KEPT = sorted((HERE / "regressions").glob("*.json"))
BASES = load_bases(HERE / "scenarios")


def test_what_broke_once_holds() -> None:
    """Every schedule that ever broke a promise keeps them all now."""
    again = []
    for schedule in map(read_schedule, KEPT):
        violations = verdict(BASES, schedule)
        again += [f"{schedule}: {each}; it was kept for: {schedule.why}" for each in violations]
    assert not again, "\n".join(again)


def test_each_is_a_schedule_of_a_scenario_that_is_there() -> None:
    """A renamed scenario must not silence its regressions."""
    for path in KEPT:
        assert read_schedule(path).scenario in BASES, path.name
