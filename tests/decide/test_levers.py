"""Which lever is moved, and what holds a step for which none of them works?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.case import Case, Guardrail
from remediation.decide.levers import usable, wanted
from remediation.ledger.intent import LeverKind, Verb
from remediation.ledger.stamp import LeverState, Moved, Refusal, Seen
from rules.policy import Mode
from tests.builders import (
    STAMPS,
    a_live_look,
    a_look,
    a_seen,
    a_stamp,
    a_workload,
    at,
    refused,
)
from tests.decide.cases import a_case, a_charge, a_drain, held_by

FILE, ORIGIN = LeverKind.STATE_FILE, LeverKind.FRONT_DOOR
IN, OUT, UNREACHABLE = LeverState
DRAINS_AND_REJOINS = pytest.mark.parametrize("verb", [Verb.DRAIN, Verb.REJOIN])
NO_ORIGIN = "it has no Front Door origin"

TWO_LEVERS = a_charge(
    workload=replace(
        a_workload(mode=Mode.AUTO),
        stamps=tuple(a_stamp(name, front_door_origin=f"/origins/{name}") for name in STAMPS),
    )
)


def a_two_lever_case(verb: Verb = Verb.DRAIN, *moved: LeverKind, **seen: Any) -> Case:
    """The step of weu, which has an origin in Front Door; what was seen of it, and what we have moved."""
    case = a_case(charge=TWO_LEVERS, verb=verb)
    known = case.target.seen or a_seen()
    drain = a_drain(levers=tuple(Moved(lever) for lever in moved)) if moved else case.target.drain
    weu = replace(case.target, seen=replace(known, **({"origin": IN} | seen)), drain=drain)
    return replace(case, record=replace(case.record, stamps={**case.record.stamps, "weu": weu}))


def with_refusals(case: Case, **ago: float) -> Case:
    """The same, where these levers said no so many seconds ago."""
    said = {LeverKind(kind): Refusal(at(-seconds), "403") for kind, seconds in ago.items()}
    weu = replace(case.target, refusals=said)
    return replace(case, record=replace(case.record, stamps={**case.record.stamps, "weu": weu}))


@DRAINS_AND_REJOINS
def test_a_lever_out_of_reach_is_not_pulled(verb: Verb) -> None:
    """The words of the look are the reason; where a second lever could have been, it is named too."""
    live = a_live_look(a_look(lever=UNREACHABLE))
    reason = held_by(a_case(verb=verb, live=live))[Guardrail.LEVER_WORKS]
    look = "HealthService 503, failing: BlobStorage; state file unreachable"
    assert reason == (f"{look}; {NO_ORIGIN}" if verb is Verb.DRAIN else look)


@DRAINS_AND_REJOINS
@pytest.mark.parametrize(("ago", "reason"), [(1799, "state file refused at 02:30:01: 403"), (1800, None)])
def test_a_lever_that_said_no_is_left_alone_for_the_cooldown(verb: Verb, ago: float, reason: Any) -> None:
    """Then it may have been mended."""
    known = a_case(verb=verb).record
    said_no = replace(known.stamp("weu"), refusals=refused(at(-ago), "403"))
    record = replace(known, stamps={**known.stamps, "weu": said_no})
    held = held_by(a_case(record, verb=verb)).get(Guardrail.LEVER_WORKS)
    also = f"; {NO_ORIGIN}" if verb is Verb.DRAIN else ""
    assert held == (f"{reason}{also}" if reason else None)


@pytest.mark.parametrize(
    ("seen", "refusals", "lever"),
    [
        ({}, {}, FILE),
        ({"lever": UNREACHABLE}, {}, ORIGIN),
        ({}, {"state_file": 1799}, ORIGIN),
        ({}, {"state_file": 1800}, FILE),
        ({"lever": UNREACHABLE, "origin": UNREACHABLE}, {}, None),
        ({"lever": UNREACHABLE, "origin": None}, {}, None),
        ({"lever": UNREACHABLE, "origin": OUT}, {}, None),
        ({"lever": UNREACHABLE, "settled": False}, {}, None),
        ({"settled": False}, {}, FILE),
        ({"lever": UNREACHABLE}, {"front_door": 1799}, None),
        ({"lever": UNREACHABLE}, {"front_door": 1800}, ORIGIN),
        ({}, {"state_file": 5, "front_door": 5}, None),
    ],
)
def test_a_drain_takes_the_state_file_and_else_the_origin(
    seen: dict[str, Any], refusals: dict[str, float], lever: LeverKind | None
) -> None:
    """Seconds before minutes; what cannot be reached, is on its way, or lately said no, is not moved."""
    case = with_refusals(a_two_lever_case(**seen), **refusals)
    assert usable(case) is lever
    assert (Guardrail.LEVER_WORKS in held_by(case)) is (lever is None)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"origin": UNREACHABLE}, "its Front Door origin cannot be reached"),
        ({"origin": OUT}, "its Front Door origin is disabled already"),
        ({"settled": False}, "a change of its Front Door origin is still being rolled out"),
    ],
)
def test_a_drain_that_no_lever_can_make_names_both_reasons(seen: dict[str, Any], reason: str) -> None:
    """Whoever does it by hand then must know why neither works."""
    case = a_two_lever_case(lever=UNREACHABLE, words="file: 403", **seen)
    assert held_by(case)[Guardrail.LEVER_WORKS] == f"file: 403; {reason}"
    both = with_refusals(a_two_lever_case(), state_file=60, front_door=30)
    said = "state file refused at 02:59:00: 403; Front Door origin refused at 02:59:30: 403"
    assert held_by(both)[Guardrail.LEVER_WORKS] == said


def test_a_target_that_cannot_be_reached_at_all_is_drained_by_the_second_lever() -> None:
    """I2: its storage is gone with its region; what still stands against it is not the lever."""
    case = a_two_lever_case(lever=UNREACHABLE, serves=False, answered=False, others_healthy=False)
    assert usable(case) is ORIGIN
    assert held_by(case) == {}


@pytest.mark.parametrize(
    ("moved", "seen", "lever"),
    [
        ([FILE], {}, FILE),
        ([FILE, ORIGIN], {"origin": OUT}, ORIGIN),
        ([ORIGIN], {"origin": IN}, ORIGIN),
        ([ORIGIN], {"origin": UNREACHABLE}, None),
        ([ORIGIN, FILE], {"lever": UNREACHABLE}, None),
        ([FILE], {"lever": UNREACHABLE}, None),
    ],
)
def test_a_rejoin_undoes_the_last_lever_that_was_moved(
    moved: list[LeverKind], seen: dict[str, Any], lever: LeverKind | None
) -> None:
    """And no other: what we did not move is not ours to move back (P12)."""
    assert usable(a_two_lever_case(Verb.REJOIN, *moved, **seen)) is lever


def test_a_drain_of_which_no_lever_is_known_was_made_by_the_state_file() -> None:
    """Nor is a lever wanting where there is no drain: another guardrail says so."""
    bare = a_two_lever_case(Verb.REJOIN)
    stamps = {**bare.record.stamps, "weu": replace(bare.target, drain=a_drain(levers=()))}
    assert wanted(replace(bare, record=replace(bare.record, stamps=stamps))) == (FILE,)
    stamps["weu"] = replace(bare.target, drain=None)
    assert wanted(replace(bare, record=replace(bare.record, stamps=stamps))) == (FILE,)


@pytest.mark.parametrize("lever", LeverKind)
def test_a_step_whose_lever_is_chosen_is_judged_by_that_lever_alone(lever: LeverKind) -> None:
    """Right before the act another lever would be another step."""
    step = replace(a_two_lever_case().step, lever=lever)
    file_gone, origin_gone = {"lever": UNREACHABLE, "words": "403"}, {"origin": UNREACHABLE}
    works = origin_gone if lever is FILE else file_gone
    broken = file_gone if lever is FILE else origin_gone
    assert usable(replace(a_two_lever_case(**works), step=step)) is lever
    assert usable(replace(a_two_lever_case(**broken), step=step)) is None


def test_a_second_lever_is_never_the_first_one_again() -> None:
    """What did not help does not help by being done twice."""
    case = a_two_lever_case(Verb.DRAIN, FILE, lever=OUT, drained=False)
    second = replace(case, step=replace(case.step, second=True))
    assert wanted(second) == (ORIGIN,)
    assert held_by(second) == {}
    both = a_two_lever_case(Verb.DRAIN, FILE, ORIGIN)
    done = replace(both, step=replace(both.step, second=True))
    assert held_by(done)[Guardrail.LEVER_WORKS] == "every lever was moved already"


def test_a_stamp_that_nobody_has_looked_at_has_no_lever_but_its_file() -> None:
    """Nothing is known against that one; that nobody has looked holds by a name of its own."""
    case = a_two_lever_case()
    weu = replace(case.target, seen=None)
    blind = replace(case, record=replace(case.record, stamps={**case.record.stamps, "weu": weu}))
    assert usable(blind) is FILE
    assert usable(replace(blind, step=replace(blind.step, lever=ORIGIN))) is None
    assert Guardrail.LOOKED_AT in held_by(blind)


def test_a_stamp_is_in_rotation_only_by_both_levers() -> None:
    """P2: a survivor whose origin is disabled serves nobody."""
    seen: Seen = a_seen(origin=OUT)
    case = a_two_lever_case()
    stamps = {**case.record.stamps, "neu": replace(case.target, seen=seen, adopted_at=at(-1))}
    only = a_case(replace(case.record, stamps=stamps), TWO_LEVERS)
    assert held_by(only) == {}
    stamps["eus"] = stamps["neu"]
    held = held_by(a_case(replace(case.record, stamps=stamps), TWO_LEVERS))
    assert held[Guardrail.KEEPS_ENOUGH_SERVING] == "only no other stamp would serve, and 1 must"
