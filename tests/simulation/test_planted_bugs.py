"""Would the simulation find a bug? A sample of those that `make sim-mutants` looks for."""

import pytest

from rehearsal.faults.choice import load_bases
from tests.simulation.find_planted import SCENARIOS, hunt
from tests.simulation.planted_bugs import BUGS, PlantedBug

SAMPLE = (
    "journal entries are dropped",
    "unknown counts as green",
    "the marker beside the ledger is not read",
    "the second lever is not moved back",
    "a page is recorded before it is sent",
    "whoever asks may approve",
    "the budget is not kept",
)
SCHEDULES_MOST = 150


@pytest.mark.slow
@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name in SAMPLE], ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: PlantedBug) -> None:
    """With the bug in the code a promise is broken within a few schedules near it; without it none is."""
    found = hunt(bug, load_bases(SCENARIOS), SCHEDULES_MOST)
    assert found.found, str(found)


def test_there_are_enough_of_them() -> None:
    """At least twenty-five different bugs, and the sample names some of them."""
    names = [bug.name for bug in BUGS]
    assert len(names) == len(set(names)) >= 25
    assert set(SAMPLE) <= set(names)
