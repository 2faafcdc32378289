"""Does the worker heed what people have said: approve, hold, plan work, keep a stamp out?"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from remediation.decide.case import Case, Guardrail, Step
from remediation.decide.guardrails import holds, one_at_a_time
from remediation.ledger.intent import IntentState, Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.stamp import StampRecord
from rules.conditions import NodeIs
from rules.policy import Mode
from rules.signals import Health
from rules.topology import Window
from tests.builders import (
    a_finding,
    a_rule,
    a_seen,
    a_signal,
    a_workload,
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
    an_auto_workload,
    drained,
    held_by,
    looked_at,
)

DRAINS_AND_REJOINS = pytest.mark.parametrize("verb", [Verb.DRAIN, Verb.REJOIN])


@DRAINS_AND_REJOINS
@pytest.mark.parametrize(
    ("mode", "allowed"), [(Mode.OBSERVE, False), (Mode.APPROVE, True), (Mode.AUTO, True)]
)
def test_an_approval_opens_the_mode_that_asks_for_it_and_no_other(
    verb: Verb,
    mode: Mode,
    allowed: bool,  # noqa: FBT001 - a table
) -> None:
    """P17, P18: what only observes has nothing to approve of."""
    case = replace(a_case(charge=a_charge(workload=a_workload(mode=mode)), verb=verb), approved=True)
    assert (Guardrail.MODE not in held_by(case)) is allowed
    of_rule = replace(a_case(charge=a_charge(a_rule(mode=mode)), verb=verb), approved=True)
    assert (Guardrail.MODE not in held_by(of_rule)) is allowed


@DRAINS_AND_REJOINS
@pytest.mark.parametrize(("until", "held"), [(None, True), (at(1), True), (at(0), False)])
def test_the_marker_holds_as_the_switch_does(verb: Verb, until: datetime | None, held: bool) -> None:  # noqa: FBT001 - a table
    """P17: it lies beside the record, for when everything else is down; both are named."""
    case = replace(a_case(verb=verb), marker=HoldSwitch("marker", "stop", until))
    assert (Guardrail.HOLD_SWITCH in held_by(case)) is held
    both = replace(case, record=replace(case.record, hold=HoldSwitch("anna", "a move")))
    reason = held_by(both)[Guardrail.HOLD_SWITCH]
    assert reason.startswith("held by anna: a move")
    assert ("; held by marker" in reason) is held


@DRAINS_AND_REJOINS
@pytest.mark.parametrize(
    ("since", "until", "stamp", "held"),
    [
        (-60, 60, "weu", "weu is in maintenance until 2026-11-21 03:01 UTC: new nodes"),
        (-60, 60, None, "the whole workload is in maintenance until 2026-11-21 03:01 UTC: new nodes"),
        (-60, 60, "neu", None),
        (0, 60, "weu", "weu is in maintenance until 2026-11-21 03:01 UTC: new nodes"),
        (-60, 0, "weu", None),
        (1, 60, "weu", None),
    ],
)
def test_a_stamp_in_a_window_of_planned_work_is_left_alone(
    verb: Verb, since: float, until: float, stamp: str | None, held: str | None
) -> None:
    """P12: nothing is done to it, neither out nor in."""
    window = Window(at(since), at(until), "new nodes", stamp)
    workload = replace(an_auto_workload(), maintenance=(window,))
    case = a_case(charge=a_charge(workload=workload), verb=verb)
    assert held_by(case).get(Guardrail.MAINTENANCE) == held


def back(**changes: Any) -> dict[Guardrail, str]:
    """What holds the rejoin of weu, whose drain is like this."""
    record = a_recovered_record(stamps=looked_at(weu=drained(recovering_since=at(-600), **changes)))
    return held_by(a_case(record, verb=Verb.REJOIN))


def test_a_stamp_that_relapsed_stays_out_until_a_person_decides() -> None:
    """P12: the last proof was none; the worker does not try a third time by itself."""
    reason = "drained at 02:50:00 for a relapse on probation: it stays out until a person decides"
    assert back(stays_out=True) == {Guardrail.PROBATION: reason}
    assert back() == {}


def test_what_a_person_drained_a_person_brings_back() -> None:
    """P12: we know that it is well; we do not know why it was taken out."""
    assert back(author="ada") == {Guardrail.OTHERS_HANDS: "ada drained it; a person brings it back"}


def by_hand(case: Case) -> dict[Guardrail, str]:
    """What holds the same step when ada asks for it."""
    step = replace(case.step, author="ada")
    return {hold.guardrail: hold.reason for hold in holds(replace(case, step=step))}


def test_a_person_brings_back_what_the_worker_would_not() -> None:
    """No proof, a relapse, another author: that is the person's to judge."""
    stamps = looked_at(weu=drained(stays_out=True, author="eve"))
    bad = a_recovered_record(registers=registers([RED, *ROOTS]), stamps=stamps)
    case = a_case(bad, a_charge(workload=a_workload()), verb=Verb.REJOIN)
    assert len(held_by(case)) == 4
    assert by_hand(case) == {}
    held = replace(case, record=replace(bad, hold=HoldSwitch("anna", "a move")))
    assert set(by_hand(held)) == {Guardrail.HOLD_SWITCH}


def test_a_person_drains_without_a_finding_but_not_the_last_stamp() -> None:
    """P2: whoever asks, users are served."""
    well = a_red_record(registers=registers([GREEN, *ROOTS]), findings={})
    case = a_case(well, a_charge(workload=a_workload()))
    assert by_hand(case) == {}
    alone = looked_at(neu=drained(), eus=StampRecord(seen=a_seen(serves=False)))
    last = replace(case, record=replace(well, stamps=alone))
    assert by_hand(last) == {Guardrail.KEEPS_ENOUGH_SERVING: "only no other stamp would serve, and 1 must"}


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("", "no stamp is named; the stamps are weu, neu, eus"),
        ("all", "all is no stamp; the stamps are weu, neu, eus"),
        ("*", "* is no stamp; the stamps are weu, neu, eus"),
        ("WEU", "WEU is no stamp; the stamps are weu, neu, eus"),
    ],
)
def test_an_empty_target_is_an_error_and_never_all(verb: Verb, stamp: str, reason: str) -> None:
    """P12: nor is a name that no stamp has; only a webhook may be about the workload as a whole."""
    case = a_case()
    for author in ("", "ada"):
        step = Step(verb, stamp, a_rule(target="reload"), target="reload", author=author)
        held = {hold.guardrail: hold.reason for hold in holds(replace(case, step=step))}
        expected = {
            Verb.RESTART: f"reload is no deployment of {stamp}",
            Verb.WEBHOOK: "reload is no webhook of the workload",
        }
        assert held[Guardrail.EMPTY_TARGET] == expected.get(verb, reason)


def test_a_workload_without_stamps_says_so() -> None:
    """There is nothing that could be meant."""
    held = held_by(a_case(charge=a_charge(workload=an_auto_workload([]))))
    assert held[Guardrail.EMPTY_TARGET] == "weu is no stamp; the stamps are none"


@DRAINS_AND_REJOINS
@pytest.mark.parametrize("stamp", [None, "weu", "neu"])
def test_nothing_is_moved_while_the_telemetry_is_blind(verb: Verb, stamp: str | None) -> None:
    """I1: neither out nor in, where it is blind; the green that it still shows proves nothing."""
    known = a_case(verb=verb).record
    blind = a_signal(stamp, "AzureTelemetry", Health.RED, source="service-health:1")
    record = replace(known, registers={**known.registers, **registers([blind])})
    charge = a_charge(a_rule(), a_rule("blind", when=NodeIs("AzureTelemetry", frozenset({Health.RED}))))
    held = held_by(a_case(record, charge, verb=verb))
    guardrail = Guardrail.ONLY_A_STAMP_FAULT if verb is Verb.DRAIN else Guardrail.FRESH_SIGNALS
    blindness = "telemetry is blind: AzureTelemetry is red"
    reason = f"unknown: {blindness}" if verb is Verb.DRAIN else blindness
    assert held.get(guardrail) == (None if stamp == "neu" else reason)


@DRAINS_AND_REJOINS
@pytest.mark.parametrize(
    ("ago", "reason"),
    [
        ((5, 900, 1800), None),
        ((5, 900, 1800, 3600), None),
        ((5, 900, 1800, 3599), "flapping: red 4 times within 1h"),
        ((5, 6, 900, 1800, 3599), "flapping: red 5 times within 1h"),
    ],
)
def test_what_flaps_is_not_moved_about(verb: Verb, ago: tuple[float, ...], reason: str | None) -> None:
    """It comes and goes by itself; each turn counts for an hour."""
    known = a_case(verb=verb).record
    weu = replace(known.stamp("weu"), turns=tuple(at(-seconds) for seconds in ago))
    record = replace(known, stamps={**known.stamps, "weu": weu})
    assert held_by(a_case(record, verb=verb)).get(Guardrail.FLAPPING) == reason


@pytest.mark.parametrize(
    ("back_at", "out_at", "held"),
    [
        (None, -5, True),
        (-60, None, True),
        (-60, -60, True),
        (-60, -120, True),
        (-60, -5, True),
        (-300, -149, True),
        (-300, -150, False),
        (-1950, -150, False),
        (-1951, -150, True),
    ],
)
def test_what_came_back_by_itself_and_fails_again_is_drained_to_keep_it_out(
    back_at: float | None,
    out_at: float | None,
    held: bool,  # noqa: FBT001 - a table
) -> None:
    """Within half an hour; otherwise it is out by itself, and that is enough."""
    weu = StampRecord(
        seen=a_seen(serves=False, words="503"),
        out_by_itself_at=None if out_at is None else at(out_at),
        back_by_itself_at=None if back_at is None else at(back_at),
    )
    found = held_by(a_case(a_red_record(stamps=looked_at(weu=weu))))
    assert found == ({Guardrail.STILL_IN_ROTATION: "it is out by itself: 503"} if held else {})


@pytest.mark.parametrize(("origin", "reason"), [("out", True), ("in", False), (None, False)])
def test_a_stamp_whose_origin_others_disabled_is_not_drained(origin: Any, reason: bool) -> None:  # noqa: FBT001 - a table
    """It is out already, and not by us."""
    weu = StampRecord(seen=a_seen(origin=origin))
    said = held_by(a_case(a_red_record(stamps=looked_at(weu=weu)))).get(Guardrail.STILL_IN_ROTATION)
    expected = "other hands have drained it: its Front Door origin is disabled"
    assert said == (expected if reason else None)


def test_a_drain_of_a_finding_that_is_gone_is_not_the_workloads_either() -> None:
    """The words name what was asked about."""
    case = a_case(a_red_record(findings=findings(a_finding("another"))))
    whole = replace(case, step=replace(case.step, verb=Verb.WEBHOOK, stamp=""))
    held = {hold.guardrail: hold.reason for hold in holds(whole)}
    assert held[Guardrail.STILL_WANTED] == "consumer-cannot-read no longer holds for the workload"


@pytest.mark.parametrize(
    ("state", "held"),
    [
        (IntentState.SUPERSEDED, True),
        (IntentState.REFUSED, True),
        (IntentState.VERIFIED, False),
        (None, False),
    ],
)
def test_no_stamp_is_drained_while_the_drain_of_another_was_never_seen_to_help(
    state: IntentState | None, *, held: bool
) -> None:
    """P1: it was given up, and its users may be there still; what was forgotten was seen long ago."""
    given_up = an_intent(stamp="eus", id="eus", state=state or IntentState.VERIFIED)
    record = a_red_record(intents={given_up.id: given_up} if state else {}, stamps=looked_at(eus=drained()))
    hold = one_at_a_time(a_case(record))
    assert (hold is not None and hold.guardrail is Guardrail.STUCK_STEP) is held
