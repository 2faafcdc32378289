"""What may stand for or against a drain, in any combination? The worlds in which guardrails are compared."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from remediation.decide.case import Case, Guardrail
from remediation.decide.guardrails import holds
from remediation.decide.looks import LiveLook
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import DrainMade, WorkloadRecord
from remediation.ledger.stamp import LeverState, StampRecord
from rules.policy import Mode, Policy
from rules.reach import Scope
from rules.rule import Playbook
from tests.builders import (
    STAMPS,
    a_finding,
    a_live_look,
    a_look,
    a_rule,
    a_seen,
    a_stamp,
    a_workload,
    at,
    findings,
    refused,
    registers,
)
from tests.decide.cases import (
    RED,
    ROOTS,
    a_case,
    a_charge,
    a_drain,
    a_red_record,
    drained,
    held_by,
    looked_at,
)

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
T = TypeVar("T")


def mostly(good: T, other: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """What speaks for a drain, more often than not: a drain that is never free shows nothing."""
    return st.one_of(st.just(good), st.just(good), st.just(good), other)


others = st.fixed_dictionaries(
    {name: mostly(WELL, st.sampled_from([BLURRED, *SICK])) for name in ("neu", "eus")}
)
policies = st.builds(
    Policy,
    min_serving=mostly(1, st.integers(-1, 3)),
    load=mostly(None, st.integers(0, 250)),
    spare=mostly(0, st.integers(0, 2)),
    drains_per_hour=mostly(2, st.integers(0, 4)),
    drains_per_day=mostly(4, st.integers(0, 6)),
    flaps=mostly(4, st.integers(2, 4)),
)
ages = mostly([], st.lists(mostly(5000, st.integers(0, 90_000)), max_size=4))
FULL = a_rule("full", no_headroom=True)
NOT_ITS_OWN = a_rule("not-its-own", playbook=Playbook.PAGE, scope=Scope.PARTIAL)
WHO = st.sampled_from(["", "ada"])

WELL_NOW: dict[str, Any] = {}
SICK_NOW: list[dict[str, Any]] = [
    {"answers": False},
    {"failing": ["Database"]},
    {"content": "MAINTENANCE"},
    {"lever": LeverState.OUT},
]
lives = st.fixed_dictionaries(
    {
        "age": mostly(0, st.integers(0, 8)),
        **{name: mostly(WELL_NOW, st.sampled_from(SICK_NOW)) for name in ("neu", "eus")},
    }
)
"""What is seen right before the act, so many seconds ago."""


switches = st.sampled_from([HoldSwitch("ada", "wait", until) for until in (None, at(-1), at(1))])


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """The drain of weu, with whatever may stand for or against it."""
    return {
        "stamps": draw(others),
        "policy": draw(policies),
        "drains": draw(ages),
        "turns": draw(ages),
        "age": draw(mostly(9, st.integers(0, 400))),
        "stood": draw(mostly(60, st.integers(0, 100))),
        "mode": draw(mostly(Mode.AUTO, st.sampled_from(Mode))),
        "author": draw(WHO),
        "approved": draw(st.booleans()),
        "live": draw(st.none() | lives),
        "hold": draw(mostly(None, switches)),
        "marker": draw(mostly(None, switches)),
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
    charge = a_charge(a_rule(), FULL, NOT_ITS_OWN, workload=workload)
    made = a_case(record(world), charge, live=look(world["live"]) if world["live"] else None)
    step = replace(made.step, author=world["author"])
    return replace(made, step=step, approved=world["approved"], marker=world["marker"])


def look(seen: dict[str, Any]) -> LiveLook:
    """The live look at that."""
    when = at(-seen["age"])
    return a_live_look(*(a_look(name, look_at=when, **seen[name]) for name in ("neu", "eus")), look_at=when)


def record(world: dict[str, Any]) -> WorkloadRecord:
    """The ledger's word of it."""
    turns = tuple(at(-age) for age in world["turns"])
    weu = replace(StampRecord(seen=a_seen(), turns=turns), **world.get("target", {}))
    said = [replace(RED, observed_at=at(-world["age"])), *ROOTS, *world.get("said", ())]
    found = findings(a_finding(since=at(-world["stood"])), *world.get("found", ()))
    return a_red_record(
        registers=registers(said),
        findings=found,
        stamps=looked_at(**world["stamps"], weu=weu),
        drains=tuple(DrainMade("neu", at(-age)) for age in world["drains"]),
        hold=world["hold"],
        intents={intent.id: intent for intent in world.get("intents", ())},
    )


def tightens(world: dict[str, Any], **worse: Any) -> None:
    """What holds in a world still holds in a worse one, if not for the same reason."""
    assert holds(case(world | worse)) or not holds(case(world))


FREE: dict[str, Any] = {
    "stamps": {"neu": WELL, "eus": WELL},
    "policy": Policy(load=150),
    "drains": [3000],
    "turns": [5],
    "age": 10,
    "stood": 60,
    "mode": Mode.AUTO,
    "author": "",
    "approved": False,
    "live": None,
    "hold": None,
    "marker": None,
}
"""A world in which the drain is made, barely."""


def stops(guardrail: Guardrail, **worse: Any) -> None:
    """The drain that nothing held is held by that guardrail once this is so."""
    assert guardrail in held_by(case(FREE | worse))


WORSE: list[tuple[Guardrail, dict[str, Any]]] = [
    (Guardrail.LEVER_WORKS, {"refusals": refused(at(-1), "403")}),
    (Guardrail.LEVER_WORKS, {"seen": a_seen(LeverState.UNREACHABLE)}),
    (Guardrail.STILL_IN_ROTATION, {"seen": a_seen(LeverState.OUT)}),
    (Guardrail.MAINTENANCE, {"seen": a_seen(maintenance=True)}),
    (Guardrail.STILL_IN_ROTATION, {"seen": a_seen(serves=False)}),
    (Guardrail.LOOKED_AT, {"seen": None}),
    (Guardrail.OTHERS_HANDS, {"undone_at": at(-1)}),
    (Guardrail.STILL_IN_ROTATION, {"drain": a_drain()}),
]
"""What may be so of the target, one thing at a time, and what holds then."""

MODES = list(Mode)

STRICTER: dict[str, Callable[[Policy, int], Policy]] = {
    "more must serve": lambda old, by: replace(old, min_serving=old.min_serving + by),
    "fewer an hour": lambda old, by: replace(old, drains_per_hour=old.drains_per_hour - by),
    "fewer a day": lambda old, by: replace(old, drains_per_day=old.drains_per_day - by),
    "fewer flaps": lambda old, by: replace(old, flaps=old.flaps - by),
    "flaps for longer": lambda old, by: replace(old, flaps_within=old.flaps_within * (1 + by)),
    "a longer pause": lambda old, by: replace(old, cooldown=old.cooldown * (1 + by)),
    "fresher signals": lambda old, by: replace(old, fresh_for=old.fresh_for / (1 + by)),
    "a fresher look": lambda old, by: replace(old, look_fresh_for=old.look_fresh_for / (1 + by)),
    "farther apart": lambda old, by: replace(old, same_fault_within=old.same_fault_within * (1 + by)),
}
"""The numbers of a workload, made stricter."""

TOO_STRICT: dict[str, tuple[Guardrail, dict[str, Any]]] = {
    "more must serve": (Guardrail.KEEPS_ENOUGH_SERVING, {}),
    "fewer an hour": (Guardrail.BUDGET, {}),
    "fewer a day": (Guardrail.BUDGET, {}),
    "fewer flaps": (Guardrail.FLAPPING, {}),
    "flaps for longer": (Guardrail.FLAPPING, {"turns": [5, 3700, 3700, 3700]}),
    "a longer pause": (Guardrail.COOLDOWN, {}),
    "fresher signals": (Guardrail.FRESH_SIGNALS, {"age": 200}),
    "a fresher look": (
        Guardrail.KEEPS_ENOUGH_SERVING,
        {"live": {"age": 5, "neu": WELL_NOW, "eus": WELL_NOW}},
    ),
}
"""What holds where a number is by far too strict, in a world that is free without that."""
