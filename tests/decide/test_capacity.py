"""Do enough stamps serve after a drain, however the count is taken?"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.decide.case import Guardrail
from remediation.decide.guardrails import holds, keeps_enough_serving, serving
from remediation.ledger.record import DrainMade, WorkloadRecord
from remediation.ledger.stamp import LeverState, StampRecord
from rules.policy import Policy
from rules.signals import Health
from tests.builders import (
    NOW,
    RULE,
    STAMPS,
    a_finding,
    a_live_look,
    a_look,
    a_seen,
    a_signal,
    at,
    findings,
    registers,
)
from tests.decide.cases import (
    RED,
    ROOTS,
    a_case,
    a_charge,
    a_red_record,
    an_auto_workload,
    drained,
    held_by,
    looked_at,
)


def roots(**healths: Health) -> dict[str, Any]:
    """Registers in which these roots are not green."""
    said = [a_signal(name, "Stamp", healths.get(name, Health.GREEN)) for name in STAMPS]
    return {"registers": registers([RED, *said])}


NOT_SERVING: dict[str, dict[str, Any]] = {
    "root yellow": roots(neu=Health.YELLOW),
    "root red": roots(neu=Health.RED),
    "root unknown": roots(neu=Health.UNKNOWN),
    "root never spoken of": {"registers": registers([RED, ROOTS[0], ROOTS[2]])},
    "root stale": {
        "registers": registers([RED, ROOTS[0], replace(ROOTS[1], observed_at=at(-301)), ROOTS[2]])
    },
    "wanted out": {"findings": findings(a_finding(since=at(-120)), a_finding(stamp="neu", since=at(-600)))},
    "drained by us": {"stamps": looked_at(neu=drained())},
    "adopted": {"stamps": looked_at(neu=StampRecord(adopted_at=at(-999), seen=a_seen()))},
    "answers 503": {"stamps": looked_at(neu=StampRecord(seen=a_seen(serves=False)))},
    "file gone": {"stamps": looked_at(neu=StampRecord(seen=a_seen(LeverState.OUT)))},
    "maintenance": {"stamps": looked_at(neu=StampRecord(seen=a_seen(maintenance=True)))},
}


@pytest.mark.parametrize("why", NOT_SERVING)
def test_a_stamp_serves_only_if_nothing_speaks_against_it(why: str) -> None:
    """P2: green by its root, in rotation, wanted there, and answering 200."""
    case = a_case(a_red_record(**NOT_SERVING[why]), a_charge(workload=an_auto_workload(min_serving=2)))
    assert serving(case) - {"weu"} == {"eus"}
    reason = "only eus would serve, and 2 must"
    assert held_by(case)[Guardrail.KEEPS_ENOUGH_SERVING] == reason


def test_the_target_is_never_its_own_survivor() -> None:
    """P2: in the worst faults the root of the target is green and its HealthService answers 200."""
    quiet = a_case(a_red_record(findings=findings(a_finding("another-rule", since=at(-120)))))
    assert "weu" in serving(quiet)
    strict = a_case(quiet.record, a_charge(workload=an_auto_workload(min_serving=3)))
    hold = keeps_enough_serving(strict)
    assert hold is not None
    assert hold.reason == "only eus, neu would serve, and 3 must"


@pytest.mark.parametrize("wanted", [-1, 0, 1])
def test_no_policy_switches_off_the_last_stamp_rule(wanted: int) -> None:
    """P2: one other stamp must serve, whatever the workload's numbers say."""
    charge = a_charge(workload=an_auto_workload(min_serving=wanted))
    alone = a_red_record(stamps=looked_at(neu=drained(), eus=StampRecord(adopted_at=NOW, seen=a_seen())))
    reason = held_by(a_case(alone, charge))[Guardrail.KEEPS_ENOUGH_SERVING]
    assert reason == "only no other stamp would serve, and 1 must"
    assert Guardrail.KEEPS_ENOUGH_SERVING not in held_by(a_case(charge=charge))


def test_a_workload_of_one_stamp_is_never_drained() -> None:
    """P2: and the page can say that no other would serve."""
    held = held_by(a_case(charge=a_charge(workload=an_auto_workload(["weu"]))))
    assert held[Guardrail.KEEPS_ENOUGH_SERVING] == "only no other stamp would serve, and 1 must"


def test_a_min_serving_above_the_number_of_stamps_holds_every_drain() -> None:
    """It is no error of the moment; the numbers say why."""
    held = held_by(a_case(charge=a_charge(workload=an_auto_workload(min_serving=9))))
    assert held[Guardrail.KEEPS_ENOUGH_SERVING] == "only eus, neu would serve, and 9 must"


def test_exactly_enough_is_enough() -> None:
    """P2: at least `min_serving` others."""
    assert held_by(a_case(charge=a_charge(workload=an_auto_workload(min_serving=2)))) == {}


@pytest.mark.parametrize(("age", "serves"), [(5, True), (5.1, False)])
def test_a_live_look_counts_for_five_seconds(age: float, serves: bool) -> None:  # noqa: FBT001 - a table
    """P2: what was seen longer ago proves nothing about now."""
    case = a_case(live=a_live_look(look_at=at(-age)))
    assert (Guardrail.KEEPS_ENOUGH_SERVING not in held_by(case)) is serves


@pytest.mark.parametrize(
    "look",
    [
        a_look("neu", failing=["Database"]),
        a_look("neu", LeverState.OUT),
        a_look("neu", answers=False),
        a_look("neu", content="MAINTENANCE"),
        a_look("neu", look_at=at(-6)),
    ],
)
def test_a_survivor_must_serve_by_the_record_and_by_the_live_look(look: object) -> None:
    """P2: either can take a stamp from the survivors; neither can bring one back."""
    live = a_live_look(look)  # type: ignore[arg-type]
    assert serving(a_case(live=live)) == {"eus"}
    yellow = a_red_record(**roots(neu=Health.YELLOW))
    assert serving(a_case(yellow, live=a_live_look())) == {"eus"}


def test_who_serves_is_not_asked_before_every_stamp_was_looked_at() -> None:
    """Another guardrail holds then, and says more."""
    case = a_case(a_red_record(stamps={}))
    assert keeps_enough_serving(case) is None
    assert set(held_by(case)) == {Guardrail.LOOKED_AT}


def is_held(record: WorkloadRecord, policy: Policy | None = None) -> bool:
    """Whether anything stands against the drain of weu."""
    workload = replace(an_auto_workload(), policy=policy or Policy())
    return bool(holds(a_case(record, a_charge(workload=workload))))


survivors = st.fixed_dictionaries(
    {
        name: st.sampled_from(
            [
                StampRecord(seen=a_seen()),
                StampRecord(seen=a_seen(LeverState.UNREACHABLE)),
                StampRecord(seen=a_seen(serves=False)),
                StampRecord(seen=a_seen(maintenance=True)),
                drained(),
            ]
        )
        for name in ("neu", "eus")
    }
)


@given(survivors, st.sampled_from(["neu", "eus"]), st.integers(-1, 4))
def test_fewer_survivors_never_free_a_drain(stamps: dict[str, StampRecord], lost: str, least: int) -> None:
    """P2: whatever holds with a stamp serving holds without it."""
    record, policy = a_red_record(stamps=looked_at(**stamps)), Policy(min_serving=least)
    fewer = a_red_record(stamps=looked_at(**stamps | {lost: StampRecord(seen=a_seen(serves=False))}))
    assert is_held(fewer, policy) or not is_held(record, policy)


ages = st.lists(st.integers(0, 90_000), max_size=5)


@given(ages, st.integers(0, 90_000))
def test_more_drains_never_free_a_drain(made: list[int], more: int) -> None:
    """P13: each one counts against cooldown and budget."""
    drains = tuple(DrainMade("neu", at(-age)) for age in made)
    record = a_red_record(drains=drains)
    with_more = a_red_record(drains=(*drains, DrainMade("eus", at(-more))))
    assert is_held(with_more) or not is_held(record)


@given(st.integers(0, 8000), st.integers(0, 8000))
def test_older_signals_never_free_a_drain(age: int, older_by: int) -> None:
    """Time alone makes no signal worthier."""
    record, older = (
        a_red_record(registers=registers([replace(RED, observed_at=at(-seconds)), *ROOTS]))
        for seconds in (age, age + older_by)
    )
    assert is_held(older) or not is_held(record)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_a_longer_settle_never_frees_a_drain(stood: int, settle: int, longer: int) -> None:
    """Nor does a finding that has stood for less."""
    record = a_red_record(findings=findings(a_finding(RULE, since=at(-stood))))
    short, long = (replace(Policy(), settle=at(value) - NOW) for value in (settle, settle + longer))
    assert is_held(record, long) or not is_held(record, short)
