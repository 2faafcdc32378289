"""Can anything that gets worse set a step free? Whatever holds must go on holding."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from remediation.decide.case import Case
from remediation.decide.guardrails import asked_of, holds
from remediation.ledger.intent import Verb
from remediation.ledger.record import DrainMade, WorkloadRecord
from remediation.ledger.stamp import LeverState, StampRecord
from rules.policy import Mode, Policy
from rules.signals import Health
from rules.topology import Window
from tests.builders import (
    STAMPS,
    a_finding,
    a_rule,
    a_seen,
    a_signal,
    a_stamp,
    a_workload,
    at,
    findings,
    registers,
)
from tests.decide.cases import RED, ROOTS, a_case, a_charge, a_red_record, drained, looked_at

WELL = StampRecord(seen=a_seen())
BLURRED = StampRecord(seen=a_seen(LeverState.UNREACHABLE))
"""It answers 200, though its state file cannot be read: users are served."""

SICK = [
    StampRecord(seen=a_seen(serves=False)),
    StampRecord(seen=a_seen(maintenance=True)),
    StampRecord(seen=a_seen(origin=LeverState.OUT)),
    StampRecord(),
    drained(),
]
others = st.fixed_dictionaries({name: st.sampled_from([WELL, BLURRED, *SICK]) for name in ("neu", "eus")})
policies = st.builds(
    Policy,
    min_serving=st.integers(-1, 3),
    load=st.none() | st.integers(0, 250),
    spare=st.integers(0, 2),
    drains_per_hour=st.integers(0, 4),
    drains_per_day=st.integers(0, 6),
    flaps=st.integers(2, 4),
)
ages = st.lists(st.integers(0, 90_000), max_size=4)
FULL = a_rule("full", no_headroom=True)
WHO = st.sampled_from(["", "ada"])


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """The drain of weu, with whatever may stand for or against it."""
    return {
        "stamps": draw(others),
        "policy": draw(policies),
        "drains": draw(ages),
        "turns": draw(ages),
        "age": draw(st.integers(0, 400)),
        "stood": draw(st.integers(0, 100)),
        "mode": draw(st.sampled_from(Mode)),
        "author": draw(WHO),
    }


def case(world: dict[str, Any]) -> Case:
    """The case of that drain."""
    capacities = {"weu": 100, "neu": 100, "eus": 50}
    workload = replace(
        a_workload(mode=world["mode"]),
        stamps=tuple(a_stamp(name, capacity=capacities[name]) for name in STAMPS),
        policy=world["policy"],
        maintenance=world.get("windows", ()),
    )
    made = case_of(record(world), world, workload)
    return replace(made, step=replace(made.step, author=world["author"]))


def case_of(known: WorkloadRecord, world: dict[str, Any], workload: Any) -> Case:
    """The case by that record."""
    return a_case(known, a_charge(a_rule(), FULL, workload=workload))


def record(world: dict[str, Any]) -> WorkloadRecord:
    """The ledger's word of it."""
    weu = StampRecord(seen=a_seen(), turns=tuple(at(-age) for age in world["turns"]))
    said = [replace(RED, observed_at=at(-world["age"])), *ROOTS, *world.get("said", ())]
    found = findings(a_finding(since=at(-world["stood"])), *world.get("found", ()))
    return a_red_record(
        registers=registers(said),
        findings=found,
        stamps=looked_at(**world["stamps"], weu=weu),
        drains=tuple(DrainMade("neu", at(-age)) for age in world["drains"]),
    )


def tightens(world: dict[str, Any], **worse: Any) -> None:
    """What holds in a world still holds in a worse one, if not for the same reason."""
    assert holds(case(world | worse)) or not holds(case(world))


@given(worlds(), st.sampled_from(["neu", "eus"]), st.sampled_from([WELL, BLURRED]), st.sampled_from(SICK))
def test_fewer_that_serve_never_free_a_drain(
    world: dict[str, Any], lost: str, well: StampRecord, sick: StampRecord
) -> None:
    """P2: whatever holds with a stamp serving holds without it, whoever asks."""
    before = world | {"stamps": world["stamps"] | {lost: well}}
    tightens(before, stamps=world["stamps"] | {lost: sick})


@given(worlds(), st.integers(0, 90_000))
def test_more_drains_never_free_a_drain(world: dict[str, Any], more: int) -> None:
    """P13: each counts against cooldown and budget."""
    tightens(world, drains=[*world["drains"], more])


@given(worlds(), st.integers(0, 4000))
def test_more_turns_never_free_a_drain(world: dict[str, Any], more: int) -> None:
    """Each counts as flapping."""
    tightens(world, turns=[*world["turns"], more])


@given(worlds(), st.integers(0, 4000))
def test_older_signals_never_free_a_drain(world: dict[str, Any], older_by: int) -> None:
    """Time alone makes no signal worthier."""
    tightens(world, age=world["age"] + older_by)


@given(worlds(), st.sampled_from([None, "weu", "neu"]))
def test_planned_work_never_frees_a_drain(world: dict[str, Any], stamp: str | None) -> None:
    """P12: at the target, at a survivor, or at all of them."""
    tightens(world, windows=(Window(at(-1), at(1), "new nodes", stamp),))


@given(worlds(), st.sampled_from([None, "neu", "eus"]))
def test_a_stamp_without_headroom_never_frees_a_drain(world: dict[str, Any], stamp: str | None) -> None:
    """F15: nor does a quota of all of them."""
    tightens(world, found=(a_finding("full", stamp),))


NODES = ["CosmosDB", "FrontDoor", "AzureTelemetry", "AzureControlPlane"]


@given(worlds(), st.sampled_from(NODES), st.sampled_from([Health.YELLOW, Health.RED]))
def test_a_sick_global_node_never_frees_a_drain(world: dict[str, Any], node: str, health: Health) -> None:
    """P3: whichever it is."""
    tightens(world, said=(a_signal(None, node, health),))


@given(worlds(), st.integers(1, 300), st.integers(1, 3))
def test_a_heavier_load_and_a_larger_reserve_never_free_a_drain(
    world: dict[str, Any], heavier: int, spare: int
) -> None:
    """P2: N+k only asks for more."""
    policy: Policy = world["policy"]
    load = (policy.load or 0) + heavier
    tightens(world, policy=replace(policy, load=load, spare=policy.spare + spare))
    tightens(world, policy=replace(policy, settle=policy.settle + timedelta(seconds=heavier)))


@given(worlds())
def test_no_configuration_takes_the_last_stamp_out(world: dict[str, Any]) -> None:
    """P2: whatever the numbers, the mode, and whoever asks."""
    for sick in SICK:
        last = case(world | {"stamps": {"neu": sick, "eus": sick}})
        assert holds(last)
        assert holds(replace(last, approved=True))
        second = replace(last, step=replace(last.step, second=True))
        assert asked_of(second) != asked_of(last)
        assert holds(second)


def test_there_are_worlds_in_which_the_drain_is_made() -> None:
    """Else nothing would be shown by the above."""
    free: dict[str, Any] = {
        "stamps": {"neu": WELL, "eus": WELL},
        "policy": Policy(load=150),
        "drains": [3000],
        "turns": [5],
        "age": 10,
        "stood": 60,
        "mode": Mode.AUTO,
        "author": "",
    }
    assert holds(case(free)) == []
    assert holds(case(free | {"author": "ada", "mode": Mode.OBSERVE})) == []
    assert case(free).step.verb is Verb.DRAIN
