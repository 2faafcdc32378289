"""Does the journal say by what numbers a guardrail let a step pass?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.by_hand import Grounds, drain
from remediation.decide.draft import LISTED_MOST, Draft
from remediation.decide.orders import DrainOrder
from remediation.decide.plan import situation_of
from remediation.ledger.intent import Verb
from remediation.ledger.record import Cause, DrainMade
from remediation.ledger.stamp import StampRecord
from rules.policy import Mode
from tests.builders import NOW, RULE, a_live_look, a_seen, an_intent, at
from tests.decide.cases import (
    a_case,
    a_charge,
    a_red_record,
    an_auto_workload,
    decided,
    looked_at,
    passing,
)


def test_a_drain_that_passes_tells_its_numbers() -> None:
    """Each guardrail of it, in the order in which they are asked; those without a number by their name."""
    assert passing(a_case()) == {
        "names_a_stamp": "",
        "still_wanted": "since 2026-11-21 02:58:00",
        "mode_allows": "mode is auto",
        "hold_switch_is_off": "",
        "only_a_stamp_fault": "only weu is affected; of 3 stamps in rotation, 1 fails now",
        "settled": "2m of 1m",
        "rests_on_fresh_signals": ("the newest signal is 0s old; health may act for 5m, an alert for 1h"),
        "not_flapping": "red 0 times within 1h, and 4 are too many",
        "looked_at": "all 3 stamps",
        "still_in_rotation": "HealthService 200",
        "not_undone_by_others": "",
        "not_in_maintenance": "",
        "keeps_enough_serving": "eus, neu would serve, and 1 must",
        "enough_capacity": "not asked: the workload gives no load",
        "others_have_headroom": "",
        "one_at_a_time": "no other step is in flight",
        "cooled_down": "no drain in the last 24 hours",
        "within_budget": "0 of 2 drains in the last hour, 0 of 4 in the last 24 hours",
        "lever_works": "state file",
    }


PASSES: dict[str, tuple[dict[str, Any], str, str]] = {
    "the last drain is long ago": (
        {"drains": (DrainMade("neu", at(-7200)), DrainMade("neu", at(-2400)))},
        "cooled_down",
        "the last one was 40m ago, of 30m",
    ),
    "some of the budget is spent": (
        {"drains": (DrainMade("neu", at(-7200)), DrainMade("neu", at(-2400)))},
        "within_budget",
        "1 of 2 drains in the last hour, 2 of 4 in the last 24 hours",
    ),
    "a relapse": (
        {
            "drains": (DrainMade("weu", at(-900)),),
            "stamps": looked_at(weu=StampRecord(seen=a_seen(), rejoined_at=at(-300))),
        },
        "cooled_down",
        "a relapse need not wait: it was brought back 5m ago",
    ),
    "it was brought back long ago": (
        {"stamps": looked_at(weu=StampRecord(seen=a_seen(), rejoined_at=at(-30000)))},
        "cooled_down",
        "no drain in the last 24 hours",
    ),
    "it came and went": (
        {"stamps": looked_at(weu=StampRecord(seen=a_seen(), turns=(at(-4000), at(-900), at(-60))))},
        "not_flapping",
        "red 2 times within 1h, and 4 are too many",
    ),
}


@pytest.mark.parametrize(("changes", "guardrail", "words"), PASSES.values(), ids=PASSES)
def test_how_near_it_was(changes: dict[str, Any], guardrail: str, words: str) -> None:
    """What is used up of what is allowed."""
    assert passing(a_case(a_red_record(**changes)))[guardrail] == words


def test_what_could_not_be_asked_is_not_told_as_well() -> None:
    """Nobody has looked, and nothing is found any more: other guardrails hold, and these say why not."""
    said = passing(a_case(a_red_record(stamps={}, findings={})))
    nobody = "not asked: nobody has looked yet at every stamp"
    nothing = "not asked: nothing is found any more"
    assert (said["keeps_enough_serving"], said["enough_capacity"]) == (nobody, nobody)
    assert (said["settled"], said["rests_on_fresh_signals"]) == (nothing, nothing)
    assert said["still_in_rotation"] == nobody
    assert {"still_wanted", "looked_at"}.isdisjoint(said)


def test_the_load_is_told_where_it_is_given() -> None:
    """What the others would carry, and what they must."""
    workload = an_auto_workload(load=50)
    stamps = tuple(replace(stamp, capacity=40) for stamp in workload.stamps)
    said = passing(a_case(charge=a_charge(workload=replace(workload, stamps=stamps))))
    assert said["enough_capacity"] == "eus, neu would carry 80, and the load is 50"


def test_a_rejoin_that_passes_tells_how_long_it_is_proven() -> None:
    """And by which lever."""
    said = passing(a_case(verb=Verb.REJOIN))
    assert said["proven_healthy"] == "for 10m of 10m"
    assert said["lever_works"] == "state file"


def test_an_approval_is_told() -> None:
    """In mode `approve` a step passes by a person's word alone."""
    workload = replace(an_auto_workload(), mode=Mode.APPROVE)
    case = replace(a_case(charge=a_charge(workload=workload)), approved=True)
    assert passing(case)["mode_allows"] == "mode is approve, and a person has approved"


def test_a_decision_tells_what_passed_and_what_held() -> None:
    """Of a drain that settles: all but that one, with their numbers."""
    record = decided(a_red_record(), charge=a_charge(workload=an_auto_workload()))
    [(verb, stamp, rule, said)] = record.journal[-1].passed
    assert (verb, stamp, rule) == ("drain", "weu", RULE)
    assert "settled: 2m of 1m" in said.split("\n")


def test_a_person_s_drain_tells_its_guardrails_too() -> None:
    """As they were when it was ordered."""
    charge = a_charge()
    draft = Draft(a_red_record(findings={}), NOW)
    drain(
        draft,
        DrainOrder("ada", "smoke", "weu"),
        Grounds(situation_of(draft.view(), charge, NOW), a_live_look()),
    )
    record = draft.finish(Cause.PERSON)
    assert record is not None
    [(_, _, rule, said)] = record.journal[-1].passed
    assert rule == "by-hand"
    assert "keeps_enough_serving: eus, neu would serve, and 1 must" in said.split("\n")


def test_what_is_not_listed_is_counted_and_what_is_done_is_listed_first() -> None:
    """In a storm the journal keeps a part of what was considered, and says how large the rest is."""
    draft = Draft(a_red_record(), NOW)
    draft.passed = [("drain", f"s{number}", RULE, "looked_at") for number in range(LISTED_MOST + 4)]
    draft.passed.append(("drain", "weu", RULE, "looked_at"))
    draft.put_intent(an_intent(id="new"))
    draft.happened("drain of weu planned")
    record = draft.finish(Cause.TIMER)
    assert record is not None
    entry = record.journal[-1]
    assert len(entry.passed) == LISTED_MOST
    assert [stamp for _, stamp, *_ in entry.passed[:3]] == ["weu", "s0", "s1"]
    assert entry.events == ("drain of weu planned", "not listed: 5 more steps that were considered")
