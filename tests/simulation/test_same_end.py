"""Do one worker without faults and three workers with healed ones end in the same place?"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rehearsal.check import check
from rehearsal.check.case import Case
from rehearsal.faults.choice import load_bases
from rehearsal.faults.schedule import Schedule
from rehearsal.faults.trial import Trial, try_out
from rehearsal.faults.troubles import Befalls, Trouble
from rehearsal.scenario.load import Scenario

BASES = load_bases(Path(__file__).parent / "scenarios")
LONGER = timedelta(minutes=8)

TROUBLES = (
    Befalls(Trouble.DISORDERLY, 15, 150),
    Befalls(Trouble.KILLED, 100, 45, "worker-1"),
    Befalls(Trouble.STILL, 130, 95, "worker-2"),
    Befalls(Trouble.REPLAYED, 240, 20),
    Befalls(Trouble.DEPLOYED, 260, 20),
)

OTHERWISE = {
    "approve.yaml": "who is asked later may be answered too late: the people keep to the clock",
    "approved-once.yaml": "the same",
    "mended-at-once.yaml": "mended before a later worker drains, it is not drained at all",
    "mended-at-once-two.yaml": "the same",
    "person-is-faster.yaml": "who comes first decides whose drain it is",
    "flapping.yaml": "which turns are seen depends on when somebody looks",
    "out-by-itself.yaml": "the same",
    "cooldown.yaml": "the first drain may begin later, and the second is held longer",
    "budget.yaml": "the same",
    "relapse.yaml": "a fault that begins before the stamp is back is no relapse",
    "survivor-fails-after.yaml": "a survivor that fails before a later drain holds it",
    "wrong-clock.yaml": "killed, the worker with the wrong clock gets a right one",
}
"""Where the moment of an act decides about the end, and why: those must keep the promises, and no more."""


def the_end(trial: Trial) -> tuple[list[str], list[str], list[str]]:
    """Which stamps are out by any lever, which are drained by us, and which incidents stand."""
    case = Case(trial)
    out = [name for name in case.workload.stamp_names if case.truths.out[name].at(case.end)]
    ours = [name for name, stamp in case.last.stamps.items() if stamp.drain is not None]
    return out, ours, sorted(case.last.incidents)


def longer(scenario: Scenario) -> Scenario:
    """With time for everything to heal."""
    return replace(scenario, run=scenario.run + LONGER)


@pytest.mark.slow
@pytest.mark.parametrize("name", BASES)
def test_three_workers_with_healed_faults_end_where_one_without_faults_does(name: str) -> None:
    """Order, deaths and pauses change when things are done, and not what comes of them (P10, P15)."""
    plain = try_out(longer(BASES[name]), Schedule(name))
    rough = try_out(longer(BASES[name]), Schedule(name, "rough", troubles=TROUBLES, workers=3))
    assert not check(rough)
    if name not in OTHERWISE:
        assert the_end(rough) == the_end(plain)
