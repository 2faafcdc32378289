"""Can the others carry what comes after a drain, and may they be given it?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.case import Case, Guardrail
from remediation.decide.guardrails import serving
from remediation.ledger.stamp import StampRecord
from rules.policy import Policy
from rules.topology import Window, Workload
from tests.builders import STAMPS, a_finding, a_rule, a_seen, a_stamp, at, findings
from tests.decide.cases import a_case, a_charge, a_red_record, an_auto_workload, held_by, looked_at

CAPACITIES = {"weu": 100, "neu": 60, "eus": 40}


def of_capacity(load: int | None, spare: int = 0, **capacities: int | None) -> Workload:
    """A workload with this load, whose stamps can carry so much."""
    able = CAPACITIES | capacities
    stamps = tuple(a_stamp(name, capacity=able[name]) for name in STAMPS)
    return replace(an_auto_workload(), stamps=stamps, policy=Policy(load=load, spare=spare))


def carries(workload: Workload, **stamps: StampRecord) -> str | None:
    """What the guardrail says of the drain of weu."""
    record = a_red_record(stamps=looked_at(**stamps))
    return held_by(a_case(record, a_charge(workload=workload))).get(Guardrail.ENOUGH_CAPACITY)


@pytest.mark.parametrize(
    ("load", "spare", "reason"),
    [
        (None, 0, None),
        (100, 0, None),
        (101, 0, "eus, neu would carry 100, and the load is 101"),
        (40, 1, None),
        (41, 1, "eus, neu would carry 40 without the 1 largest, and the load is 41"),
        (1, 2, "eus, neu would carry 0 without the 2 largest, and the load is 1"),
        (1, 9, "eus, neu would carry 0 without the 9 largest, and the load is 1"),
    ],
)
def test_the_others_must_carry_the_load_even_if_some_of_them_fail(
    load: int | None, spare: int, reason: str | None
) -> None:
    """P2: N+k where the workload gives weights; the target's own capacity counts for nothing."""
    assert carries(of_capacity(load, spare)) == reason


def test_a_stamp_without_a_capacity_carries_nothing_and_is_named() -> None:
    """What is not known is not counted upon."""
    workload = of_capacity(61, neu=60, eus=None)
    reason = "eus, neu would carry 60, and the load is 61; no capacity is given for eus"
    assert carries(workload) == reason
    assert carries(of_capacity(60, neu=60, eus=None)) is None


def test_only_those_that_serve_carry() -> None:
    """P2: as everywhere else."""
    down = StampRecord(seen=a_seen(serves=False))
    assert carries(of_capacity(60), eus=down) is None
    assert carries(of_capacity(61), eus=down) == "neu would carry 60, and the load is 61"
    assert carries(of_capacity(1), eus=down, neu=down) == "no other stamp would carry 0, and the load is 1"


def test_capacity_is_not_asked_before_every_stamp_was_looked_at() -> None:
    """Another guardrail holds then, and says more."""
    assert carries(of_capacity(999), neu=StampRecord()) is None


FULL = a_rule("full", summary="Azure gives it no more machines.", no_headroom=True)


def with_full(*stamps: str | None, **changes: Any) -> Case:
    """The drain of weu while these stamps can take no more load."""
    found = findings(a_finding(since=at(-120)), *(a_finding("full", stamp) for stamp in stamps))
    return a_case(a_red_record(findings=found, **changes), a_charge(a_rule(), FULL))


@pytest.mark.parametrize(
    ("stamps", "reason"),
    [
        (["weu"], None),
        (["neu"], "neu can take no more load: {0}"),
        (
            ["eus", "neu"],
            "neu can take no more load: {0}; eus can take no more load: {0}",
        ),
        ([None], "no stamp can take more load: {0}"),
        ([None, "neu"], "no stamp can take more load: {0}"),
    ],
)
def test_no_stamp_is_drained_onto_one_that_can_take_no_more(
    stamps: list[str | None], reason: str | None
) -> None:
    """F15: it is the others that matter, and not the target."""
    assert held_by(with_full(*stamps)).get(Guardrail.HEADROOM) == (reason and reason.format(FULL.summary))


def test_one_that_is_out_gets_no_load_and_one_that_does_not_serve_may_get_it_any_moment() -> None:
    """A stamp that fails for a moment makes no drain safer."""
    out = looked_at(neu=StampRecord(adopted_at=at(-999), seen=a_seen()))
    assert Guardrail.HEADROOM not in held_by(with_full("neu", stamps=out))
    failing = looked_at(neu=StampRecord(seen=a_seen(serves=False)))
    assert Guardrail.HEADROOM in held_by(with_full("neu", stamps=failing))


def in_window(since: float, until: float, stamp: str | None) -> Workload:
    """A workload with planned work at that time; all three stamps must otherwise be two."""
    window = Window(at(since), at(until), "new nodes", stamp)
    return replace(an_auto_workload(min_serving=2), maintenance=(window,))


@pytest.mark.parametrize(
    ("since", "until", "serves"), [(-60, 60, False), (0, 1, False), (-60, 0, True), (1, 60, True)]
)
def test_a_stamp_in_a_maintenance_window_does_not_count(since: float, until: float, serves: bool) -> None:  # noqa: FBT001 - a table
    """P12: from the first moment of it to the last, which is no longer part of it."""
    case = a_case(charge=a_charge(workload=in_window(since, until, "neu")))
    assert serving(case) - {"weu"} == ({"neu", "eus"} if serves else {"eus"})
    reason = None if serves else "only eus would serve, and 2 must"
    assert held_by(case).get(Guardrail.KEEPS_ENOUGH_SERVING) == reason
    assert Guardrail.MAINTENANCE not in held_by(case)


def test_in_a_window_of_the_whole_workload_nobody_counts() -> None:
    """P12: nothing is moved then, and nothing would be left."""
    held = held_by(a_case(charge=a_charge(workload=in_window(-60, 60, None))))
    assert held[Guardrail.KEEPS_ENOUGH_SERVING] == "only no other stamp would serve, and 2 must"
    assert held[Guardrail.MAINTENANCE] == (
        "the whole workload is in maintenance until 2026-11-21 03:01 UTC: new nodes"
    )
