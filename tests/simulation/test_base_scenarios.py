"""Do the base scenarios say what happens when nothing goes wrong, and are they enough?"""

from pathlib import Path

import pytest

from rehearsal.check import check
from rehearsal.faults.choice import load_bases, points_after, points_of, singles
from rehearsal.faults.kinds import CallFault, Fault, Point
from rehearsal.faults.schedule import Schedule
from rehearsal.faults.trial import try_out
from rehearsal.gate import CHANGING
from rehearsal.run import rehearse
from rehearsal.simulate import SWEPT

pytestmark = pytest.mark.slow

SCENARIOS = Path(__file__).parent / "scenarios"
BASES = load_bases(SCENARIOS)
OF_ALL_PORTS = ("drain-and-rejoin.yaml", "restart-step.yaml", "webhook.yaml", "late-delete.yaml")


@pytest.mark.parametrize("name", BASES)
def test_a_base_scenario_comes_out_as_it_says(name: str) -> None:
    """Its own expectations hold in the plain rehearsal: else its faults would prove nothing."""
    run = rehearse(BASES[name])
    assert run.passed, [judged for judged in run.judged if not judged.holds]


@pytest.mark.parametrize("name", BASES)
def test_a_base_scenario_breaks_no_promise(name: str) -> None:
    """Without faults, and with the ledger of Blob Storage, every checker is content."""
    assert not check(try_out(BASES[name], Schedule(name)))


def test_a_trial_can_be_repeated() -> None:
    """The same schedule gives the same history, byte for byte: what is found can be found again (P16)."""
    name = "drain-and-rejoin.yaml"
    schedule = next(each for each in singles({name: BASES[name]}) if "lost" in str(each))
    first, second = (try_out(BASES[name], schedule).history.text() for _ in range(2))
    assert first == second
    assert "fault: response lost" in first


def test_a_call_that_is_made_only_after_a_fault_is_a_fault_point() -> None:
    """The fence of whoever takes over fails in every way too: it is found by letting a first fault happen."""
    name = "drain-and-rejoin.yaml"
    died = Fault(CallFault.CRASH_BEFORE, Point("lever.take_out:weu", 0))
    assert "lever.fence:weu" not in {point.name for point in points_of(name, BASES[name])}
    assert "lever.fence:weu" in {point.name for point in points_after(name, BASES[name], died)}


def test_every_port_is_a_fault_point() -> None:
    """Of at least twelve scenarios every single fault is run, and in them every port is called."""
    assert len(set(SWEPT)) >= 12
    assert set(SWEPT) <= set(BASES)
    calls = {point.name for name in OF_ALL_PORTS for point in points_of(name, BASES[name])}
    ports = {"ledger", "lever", "origin", "health", "queue", "step", "page", "notify", "inbox"}
    assert {name.partition(".")[0] for name in calls} == ports
    assert {name.partition(".")[2].partition(":")[0] for name in calls} >= CHANGING
