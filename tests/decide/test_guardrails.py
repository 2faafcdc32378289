"""Does each guardrail hold where it must, let go at its boundary, and say so with its numbers?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from remediation.decide.case import Case, Guardrail
from remediation.decide.guardrails import (
    BY_HAND,
    DRAIN,
    FALLBACK,
    REJOIN,
    RESTART,
    WEBHOOK,
    asked_of,
    enough_capacity,
    hold_switch_is_off,
    holds,
    keeps_enough_serving,
    not_in_maintenance,
    one_at_a_time,
    others_have_headroom,
    still_wanted,
)
from remediation.decide.guardrails import looked_at as all_were_looked_at
from remediation.ledger.intent import IntentState, Lease, Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import DrainMade
from remediation.ledger.stamp import LeverState, StampRecord
from rules.conditions import AlertFires, AllOf, AnyOf, NodeIs, Not
from rules.policy import Mode
from rules.signals import Health
from tests.builders import (
    NOW,
    RULE,
    STAMPS,
    a_finding,
    a_live_look,
    a_look,
    a_rule,
    a_seen,
    a_signal,
    a_workload,
    an_alert,
    an_intent,
    at,
    findings,
    registers,
)
from tests.decide.cases import (
    GREEN,
    RED,
    ROOTS,
    a_case,
    a_charge,
    a_recovered_record,
    a_red_record,
    drained,
    held_by,
    looked_at,
)

NODE_RED = a_rule().when
UNLESS_VAULT = AnyOf((NODE_RED, AllOf((AlertFires("Lag"), Not(NodeIs("Keyvault", frozenset({Health.RED})))))))
"""The shape of the shipped rule: an alert counts unless something else explains it."""

DRAINS_AND_REJOINS = pytest.mark.parametrize("verb", [Verb.DRAIN, Verb.REJOIN])


@DRAINS_AND_REJOINS
def test_nothing_stands_against_a_plain_step(verb: Verb) -> None:
    """The case from which the others differ in one thing is allowed, by the record and by a live look."""
    assert holds(a_case(verb=verb)) == []
    lever = LeverState.IN if verb is Verb.DRAIN else LeverState.OUT
    assert holds(a_case(verb=verb, live=a_live_look(a_look(lever=lever)))) == []


TABLES = (DRAIN, FALLBACK, REJOIN, RESTART, WEBHOOK, *BY_HAND.values())

ALWAYS = {hold_switch_is_off, not_in_maintenance, one_at_a_time}


def test_every_guardrail_is_asked() -> None:
    """The closed list has no name without a function, and no table asks anything twice."""
    asked = {guard for table in TABLES for guard in table}
    # Five functions share a name with another, and one has two: for a step in flight that is stuck.
    assert len(asked) - 5 + 1 == len(Guardrail)
    assert all(len(table) == len(set(table)) for table in TABLES)
    assert all(set(table) >= ALWAYS for table in TABLES)


def test_no_drain_is_begun_without_asking_who_serves() -> None:
    """P2: by whichever lever, and whoever asks for it."""
    for table in (DRAIN, FALLBACK, BY_HAND[Verb.DRAIN]):
        assert set(table) >= {all_were_looked_at, keeps_enough_serving, enough_capacity, others_have_headroom}


def test_what_is_asked_of_a_step_follows_from_who_wants_what() -> None:
    """A person's step is asked what keeps users served; a second lever, what may have changed since."""
    case = a_case()
    for verb, table in zip(Verb, (DRAIN, REJOIN, RESTART, WEBHOOK), strict=True):
        assert asked_of(replace(case, step=replace(case.step, verb=verb))) == table
        by_hand = replace(case.step, verb=verb, author="ada")
        assert asked_of(replace(case, step=by_hand)) == BY_HAND.get(verb, table)
    assert asked_of(replace(case, step=replace(case.step, second=True))) == FALLBACK
    both = asked_of(replace(case, step=replace(case.step, second=True, author="ada")))
    assert both == tuple(guard for guard in FALLBACK if guard in BY_HAND[Verb.DRAIN])
    assert still_wanted not in both


@DRAINS_AND_REJOINS
@pytest.mark.parametrize(
    ("of_rule", "of_workload", "reason"),
    [
        (Mode.OBSERVE, Mode.AUTO, "mode is observe: it takes mode auto to {} weu"),
        (Mode.AUTO, Mode.OBSERVE, "mode is observe: it takes mode auto to {} weu"),
        (Mode.APPROVE, Mode.AUTO, "mode is approve: it takes a person's approval to {} weu"),
        (Mode.AUTO, Mode.APPROVE, "mode is approve: it takes a person's approval to {} weu"),
    ],
)
def test_both_rule_and_workload_must_be_in_auto(
    verb: Verb, of_rule: Mode, of_workload: Mode, reason: str
) -> None:
    """P17: the lesser mode holds."""
    charge = a_charge(a_rule(mode=of_rule), workload=a_workload(mode=of_workload))
    assert held_by(a_case(charge=charge, verb=verb)) == {Guardrail.MODE: reason.format(verb)}


@DRAINS_AND_REJOINS
@pytest.mark.parametrize(
    ("until", "reason"),
    [
        (None, "held by anna: a move"),
        (at(1), "held by anna until 2026-11-21 03:00 UTC: a move"),
        (at(0), None),
    ],
)
def test_the_hold_switch_stops_everything_until_its_time(verb: Verb, until: Any, reason: str | None) -> None:
    """P17: who, until when, and why."""
    record = replace(a_case(verb=verb).record, hold=HoldSwitch("anna", "a move", until))
    assert held_by(a_case(record, verb=verb)).get(Guardrail.HOLD_SWITCH) == reason


def fresh(**changes: Any) -> str | None:
    """What the freshness guardrail says of a drain for the processor's red, or an alert."""
    signal = replace(changes.pop("signal", RED), **changes)
    rule = a_rule(when=AlertFires("Lag")) if signal.alert else a_rule()
    finding = a_finding(since=at(-120), evidence=(signal.key,), may_act=signal.may_act, why=signal.why)
    record = a_red_record(registers=registers([signal, *ROOTS]), findings=findings(finding))
    return held_by(a_case(record, a_charge(rule))).get(Guardrail.FRESH_SIGNALS)


@pytest.mark.parametrize(
    ("signal", "limit", "told"),
    [(RED, timedelta(minutes=5), "5m 1s"), (an_alert("Lag"), timedelta(hours=1), "1h 1s")],
)
def test_signals_grow_too_old_to_act_upon(signal: Any, limit: timedelta, told: str) -> None:
    """Health for five minutes, an alert, which is said once, for an hour; both with their ages."""
    assert fresh(signal=signal, observed_at=NOW - limit) is None
    reason = f"the newest signal is {told} old; health may act for 5m, an alert for 1h"
    assert fresh(signal=signal, observed_at=NOW - limit - timedelta(seconds=1)) == reason


def test_what_may_not_act_never_does_however_fresh() -> None:
    """A test alert raises its finding and drains nothing; the reason is its own."""
    assert fresh(signal=an_alert("Lag"), may_act=False, why="a test alert") == "a test alert"


def test_old_bad_news_still_speaks_against_a_drain() -> None:
    """A red under a `not` counts however old: dropping it must not make a rule hold that does not."""
    vault = a_signal(node="Keyvault", health=Health.RED, observed_at=at(-600))
    stale = replace(RED, observed_at=at(-600))
    record = a_red_record(registers=registers([stale, vault, an_alert("Lag"), *ROOTS]))
    assert Guardrail.FRESH_SIGNALS in held_by(a_case(record, a_charge(a_rule(when=UNLESS_VAULT))))
    green = replace(vault, health=Health.GREEN, observed_at=NOW)
    well = a_red_record(registers=registers([stale, green, an_alert("Lag"), *ROOTS]))
    assert held_by(a_case(well, a_charge(a_rule(when=UNLESS_VAULT)))) == {}


def test_a_rule_that_rests_on_no_word_drains_nothing() -> None:
    """Where nobody has said anything, there is nothing to act upon."""
    rule = a_rule(when=NodeIs("Lagger", frozenset({Health.UNKNOWN})))
    record = a_red_record(findings=findings(a_finding(since=at(-120), evidence=())))
    assert Guardrail.FRESH_SIGNALS in held_by(a_case(record, a_charge(rule)))


@DRAINS_AND_REJOINS
def test_every_stamp_must_have_been_looked_at(verb: Verb) -> None:
    """P2: a worker that has just begun knows nothing, nor does one whose look skipped a stamp."""
    record = a_case(verb=verb).record
    unseen = replace(record, stamps={**record.stamps, "neu": StampRecord(), "eus": StampRecord()})
    assert held_by(a_case(unseen, verb=verb)) == {Guardrail.LOOKED_AT: "nobody has looked yet at neu, eus"}
    live = a_live_look(a_look(lever=LeverState.IN if verb is Verb.DRAIN else LeverState.OUT))
    partial = replace(live, stamps={name: look for name, look in live.stamps.items() if name != "neu"})
    assert held_by(a_case(verb=verb, live=partial)) == {Guardrail.LOOKED_AT: "nobody has looked yet at neu"}


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        (drained(), "it is drained already"),
        (StampRecord(seen=a_seen(LeverState.OUT)), "other hands have drained it: its state file is gone"),
        (StampRecord(seen=a_seen(serves=False, words="503")), "it is out by itself: 503"),
        (StampRecord(seen=a_seen(serves=False, answered=False)), None),
        (StampRecord(), None),
    ],
)
def test_a_stamp_that_is_out_is_not_drained(stamp: StampRecord, reason: str | None) -> None:
    """By ours, by other hands or by itself; one that cannot be reached may still be drained."""
    held = held_by(a_case(a_red_record(stamps=looked_at(weu=stamp))))
    assert held.get(Guardrail.STILL_IN_ROTATION) == reason


@pytest.mark.parametrize(
    ("undone_at", "reason"),
    [
        (None, None),
        (at(-1), None),
        (NOW, "other hands brought it back at 03:00:00; only a new finding drains it again"),
    ],
)
def test_what_people_undid_stays_undone_while_the_same_finding_stands(
    undone_at: datetime | None, reason: str | None
) -> None:
    """The finding began at NOW; only one that began after the undoing asks again."""
    stamp = StampRecord(seen=a_seen(), undone_at=undone_at)
    record = a_red_record(findings=findings(a_finding(since=NOW)), stamps=looked_at(weu=stamp))
    assert held_by(a_case(record)).get(Guardrail.OTHERS_HANDS) == reason


@DRAINS_AND_REJOINS
def test_a_stamp_in_maintenance_is_left_alone(verb: Verb) -> None:
    """P12: by the record, and by the state file as it is read now."""
    known = a_case(verb=verb).record
    seen = replace(known.stamp("weu").seen or a_seen(), maintenance=True)
    record = replace(known, stamps={**known.stamps, "weu": replace(known.stamp("weu"), seen=seen)})
    reason = "its state file says MAINTENANCE"
    assert held_by(a_case(record, verb=verb)) == {Guardrail.MAINTENANCE: reason}
    lever = LeverState.IN if verb is Verb.DRAIN else LeverState.OUT
    live = a_live_look(a_look(lever=lever, content="maintenance until noon"))
    assert held_by(a_case(verb=verb, live=live)) == {Guardrail.MAINTENANCE: reason}


@DRAINS_AND_REJOINS
@pytest.mark.parametrize("storage", [LeverState.UNREACHABLE, LeverState.IN, LeverState.OUT])
def test_maintenance_stands_while_the_state_file_cannot_be_read(verb: Verb, storage: LeverState) -> None:
    """P12: storage that is away does not end people's work; a file that says otherwise, or is gone, does."""
    known = a_case(verb=verb).record
    seen = replace(known.stamp("weu").seen or a_seen(), maintenance=True)
    record = replace(known, stamps={**known.stamps, "weu": replace(known.stamp("weu"), seen=seen)})
    held = held_by(a_case(record, verb=verb, live=a_live_look(a_look(lever=storage, content=""))))
    unread = storage is LeverState.UNREACHABLE
    reason = "its state file said MAINTENANCE when it could last be read" if unread else None
    assert held.get(Guardrail.MAINTENANCE) == reason


def test_a_drain_whose_finding_has_ended_is_not_wanted() -> None:
    """Nor is there then any fault of the stamp."""
    case = a_case(a_red_record(findings={}))
    assert held_by(case) == {
        Guardrail.STILL_WANTED: f"{RULE} no longer holds for weu",
        Guardrail.ONLY_A_STAMP_FAULT: "none: nothing is broken",
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"findings": findings(a_finding())}, "a rule asks for its drain again"),
        ({"registers": registers([RED])}, "/health-models/shop says red"),
        ({"registers": {}}, "/health-models/shop has fallen silent"),
        (
            {"registers": registers([replace(GREEN, observed_at=at(-301))])},
            "/health-models/shop said green 5m 1s ago and nothing since",
        ),
        (
            {"stamps": looked_at(weu=StampRecord(adopted_at=NOW, seen=a_seen()))},
            "the worker has not drained it",
        ),
    ],
)
def test_a_rejoin_waits_for_proof(changes: dict[str, Any], reason: str) -> None:
    """P12: of a drain that is ours, by the sources that reported the cause, right up to the act."""
    case = a_case(a_recovered_record(**changes), verb=Verb.REJOIN)
    assert held_by(case) == {Guardrail.PROVEN_HEALTHY: reason}


def test_a_rejoin_waits_for_every_other_check() -> None:
    """P12: the cause is mended, but a look now shows that the stamp is not well."""
    live = a_live_look(a_look(lever=LeverState.OUT, failing=["Database"]))
    reason = "HealthService 503, failing: BlobStorage, Database; state file out"
    assert held_by(a_case(verb=Verb.REJOIN, live=live)) == {Guardrail.PROVEN_HEALTHY: reason}


def test_every_reason_is_given_and_not_only_the_first() -> None:
    """Whoever judges an override must know them all."""
    acting = an_intent(Verb.DRAIN, "neu", state=IntentState.ACTING, lease=Lease("w", "t", NOW))
    record = a_red_record(
        intents={acting.id: acting}, drains=(DrainMade("neu", NOW),), hold=HoldSwitch("anna", "a move")
    )
    held = held_by(a_case(record))
    assert set(held) == {Guardrail.HOLD_SWITCH, Guardrail.ONE_AT_A_TIME, Guardrail.COOLDOWN}


def test_a_case_is_seen_by_the_live_look_where_there_is_one() -> None:
    """What the record last saw counts only while nobody looks."""
    case: Case = a_case(a_red_record(stamps={}))
    assert case.seen("weu") is None
    live = replace(case, live=a_live_look())
    assert [live.seen(name) is not None for name in (*STAMPS, "gone")] == [True, True, True, False]
