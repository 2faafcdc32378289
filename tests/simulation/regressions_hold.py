"""Does what once broke a promise hold now? Each file here was a finding, shrunk to its fewest faults."""

from functools import cache
from pathlib import Path

import pytest

from rehearsal.explore import load_bases, verdict
from rehearsal.faults.schedule import read_schedule
from rehearsal.scenario.load import Scenario

HERE = Path(__file__).parent
KEPT = sorted((HERE / "regressions").glob("*.json"))


@cache
def bases() -> dict[str, Scenario]:
    """The base scenarios."""
    return load_bases(HERE / "scenarios")


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
def test_what_broke_once_holds(path: Path) -> None:
    """Every schedule that ever broke a promise keeps them all now."""
    schedule = read_schedule(path)
    assert not verdict(bases(), schedule), f"{schedule}; it was kept for: {schedule.why}"


def test_each_is_a_schedule_of_a_scenario_that_is_there() -> None:
    """A renamed scenario must not silence its regressions."""
    for path in KEPT:
        assert read_schedule(path).scenario in bases(), path.name
