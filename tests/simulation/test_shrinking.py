"""Can a schedule be written down, shrunk and kept, so that nobody has to search for it again?"""

from pathlib import Path

import pytest

from rehearsal.explore import Broken, keep, shrunk, verdict
from rehearsal.faults.choice import load_bases
from rehearsal.faults.kinds import CallFault, Fault, Point, fitting
from rehearsal.faults.schedule import Schedule, read_schedule
from rehearsal.faults.troubles import AT_A_STAMP, OF_A_WORKER, Befalls, Trouble
from tests.simulation.planted_bugs import BUGS

BASES = load_bases(Path(__file__).parent / "scenarios")
NAME = "drain-and-rejoin.yaml"
MUCH = Schedule(
    NAME,
    "7",
    faults=(
        Fault(CallFault.SLOW, Point("queue.look:neu", 3)),
        Fault(CallFault.UNAVAILABLE, Point("page.tell", 0)),
        Fault(CallFault.RESENT, Point("ledger.save", 2)),
    ),
    troubles=(Befalls(Trouble.REPLAYED, 90, 20), Befalls(Trouble.TEAMS, 100, 45)),
)


def test_a_schedule_is_the_same_after_it_was_written_down(tmp_path: Path) -> None:
    """What is kept in a file is what is run again."""
    path = keep(Broken(MUCH, tuple(verdict_of_a_bug())), tmp_path / "a folder that is not there yet")
    assert read_schedule(path) == MUCH
    assert read_schedule(path).why


def verdict_of_a_bug() -> list:  # type: ignore[type-arg]
    """What the schedule breaks with a bug in the code."""
    bug = next(each for each in BUGS if each.name == "the outbox is emptied on failure")
    with bug.planted():
        return verdict(BASES, MUCH)


@pytest.mark.slow
def test_shrinking_leaves_the_one_fault_that_matters() -> None:
    """Of five things that went wrong, the page that was not taken is what the bug needs."""
    bug = next(each for each in BUGS if each.name == "the outbox is emptied on failure")
    with bug.planted():
        broken = Broken(MUCH, tuple(verdict(BASES, MUCH)))
        assert broken.violations
        small = shrunk(BASES, broken)
    assert small.schedule.size == 1
    assert small.schedule.faults == (MUCH.faults[1],)
    assert not verdict(BASES, small.schedule)


def test_every_trouble_ends() -> None:
    """What lasts for a while is over afterwards: its entries come in twos, but for what is over at once."""
    at_once = {
        *(Trouble.STILL, Trouble.ADDED, Trouble.DEPLOYED),
        *(Trouble.REPLAYED, Trouble.TOUCHED, Trouble.PUT_BACK),
    }
    for kind in Trouble:
        where = "weu" if kind in AT_A_STAMP else "worker-1" if kind in OF_A_WORKER else ""
        entries = Befalls(kind, 60, 45, where).entries()
        assert len(entries) == (1 if kind in at_once else 2), kind


def test_every_kind_of_fault_fits_some_call() -> None:
    """None is listed that can never happen."""
    names = ("ledger.load", "ledger.save", "lever.take_out:weu", "health.look:weu", "page.tell")
    assert {kind for name in names for kind in fitting(name)} == set(CallFault)
