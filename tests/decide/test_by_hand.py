"""What may a person order a stamp to do, and what is planned for it?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.approvals import request_of
from remediation.decide.by_hand import (
    BY_HAND,
    Grounds,
    against,
    approve_step,
    carry_on,
    drain,
    rejoin,
    rule_of,
)
from remediation.decide.case import Guardrail, Step
from remediation.decide.draft import Draft
from remediation.decide.orders import Answer, ApproveOrder, DrainOrder, RejoinOrder, WrongOrderError
from remediation.decide.plan import situation_of
from remediation.ledger.intent import Intent, IntentState, LeverKind, Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import DrainMade, WorkloadRecord
from remediation.ledger.stamp import LeverState, Moved, StampRecord
from rules.evaluate import RuleSet
from rules.policy import Mode, Policy
from rules.signals import Health
from rules.topology import Workload
from tests.builders import (
    NOW,
    a_live_look,
    a_look,
    a_record,
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
    a_charge,
    a_recovered_record,
    a_red_record,
    an_auto_workload,
    decided,
    drained,
    looked_at,
)

DRAIN = DrainOrder("ada", "it smells", "weu")
REJOIN = RejoinOrder("ada", "it is mended", "weu")


def a_well_record(**changes: Any) -> WorkloadRecord:
    """Nothing is wrong anywhere."""
    told: dict[str, Any] = {"registers": registers([GREEN, *ROOTS]), "stamps": looked_at()}
    return a_record(**(told | changes))


def a_draft(record: WorkloadRecord | None = None) -> Draft:
    """An order's draft."""
    return Draft(record or a_well_record(), NOW)


def grounds(draft: Draft, workload: Workload | None = None, **changes: Any) -> Grounds:
    """What stands by that draft, with a look at stamps that are all well."""
    charge = a_charge(workload=workload)
    told = Grounds(situation_of(draft.view(), charge, NOW), a_live_look())
    return replace(told, **changes)


def in_approve_mode(minutes: int = 15) -> Workload:
    """A workload in which people must be asked."""
    return a_workload(mode=Mode.APPROVE, policy=Policy(approve_within=at(60 * minutes) - NOW))


def held_by(answer: Answer) -> dict[Guardrail, str]:
    """What holds, and the reason."""
    return {hold.guardrail: hold.reason for hold in answer.holds}


def only_intent(draft: Draft) -> Intent:
    """The one intent of a draft."""
    [intent] = draft.intents.values()
    return intent


def test_a_person_s_drain_is_planned_with_its_author() -> None:
    """No finding asks for it, and none is needed; the answer says what it does and what let it pass."""
    draft = a_draft()
    answer = drain(draft, DRAIN, grounds(draft))
    intent = only_intent(draft)
    assert answer.follows
    assert answer.does == (
        "weu is taken out of rotation at the worker's next tick",
        "still serving then: eus, neu",
        "it stays out until a person brings it back",
    )
    assert (intent.verb, intent.stamp, intent.rule, intent.family) == (
        Verb.DRAIN,
        "weu",
        "by-hand",
        "by-hand",
    )
    assert (intent.author, intent.evidence, intent.state) == ("ada", (), IntentState.PLANNED)
    assert intent.reason == "ordered by ada: it smells"
    assert draft.events == ["drain of weu ordered by ada: it smells"]
    assert "keeps enough serving" in [asked.name for asked in answer.asked]


def test_a_person_needs_no_finding_that_has_settled() -> None:
    """Mode of a rule, settling, fresh signals, scope: those judge findings, and a person has eyes."""
    draft = a_draft(a_red_record(findings=findings()))
    assert drain(draft, DRAIN, grounds(draft)).follows


@pytest.mark.parametrize(
    ("changes", "workload", "guardrail"),
    [
        ({"hold": HoldSwitch("grace", "x")}, None, Guardrail.HOLD_SWITCH),
        ({"stamps": looked_at(weu=drained())}, None, Guardrail.STILL_IN_ROTATION),
        ({"registers": registers([a_signal(s, "Stamp") for s in ("weu",)])}, None, None),
        ({"intents": {"i": an_intent(Verb.REJOIN, "neu", id="i")}}, None, Guardrail.ONE_AT_A_TIME),
        ({"drains": (DrainMade("neu", at(-60)),)}, None, Guardrail.COOLDOWN),
        (
            {"drains": tuple(DrainMade("neu", at(-n)) for n in (3500, 3400))},
            an_auto_workload(cooldown=at(1) - NOW),
            Guardrail.BUDGET,
        ),
        ({}, a_workload(mode=Mode.OBSERVE), Guardrail.MODE),
    ],
)
def test_a_person_s_drain_is_held_as_a_rule_s_is(
    changes: dict[str, Any], workload: Workload | None, guardrail: Guardrail | None
) -> None:
    """Each with its reason; nothing is planned, and the draft is as it was."""
    draft = a_draft(a_well_record(**changes))
    answer = drain(draft, DRAIN, grounds(draft, workload))
    assert (guardrail or Guardrail.KEEPS_ENOUGH_SERVING) in held_by(answer)
    assert not answer.follows
    assert (draft.intents, draft.events) == (dict(draft.before.intents), [])


def test_p2_a_person_s_drain_needs_survivors_seen_now() -> None:
    """By the live look, whatever the record says: two of three do not answer."""
    draft = a_draft()
    live = a_live_look(a_look("neu", answers=False), a_look("eus", answers=False))
    answer = drain(draft, DRAIN, grounds(draft, live=live))
    assert held_by(answer) == {Guardrail.KEEPS_ENOUGH_SERVING: "only no other stamp would serve, and 1 must"}
    assert answer.does[1] == "still serving then: no other stamp"


def test_p17_the_marker_in_the_store_holds_a_person_too() -> None:
    """Who laid it there may not be reached just now."""
    draft = Draft(a_well_record(), NOW, HoldSwitch("marker", "hold: fire"))
    answer = drain(draft, DRAIN, grounds(draft))
    assert held_by(answer) == {Guardrail.HOLD_SWITCH: "held by marker: hold: fire"}


def test_p17_in_observe_nobody_s_order_touches_anything() -> None:
    """Neither a drain nor a rejoin."""
    draft = a_draft(a_recovered_record())
    answer = rejoin(draft, REJOIN, grounds(draft, a_workload(mode=Mode.OBSERVE)))
    assert held_by(answer)[Guardrail.MODE] == "mode is observe: the worker touches nothing, whoever asks"


def test_an_unknown_stamp_is_a_wrong_order() -> None:
    """The answer names those that there are."""
    draft = a_draft()
    with pytest.raises(WrongOrderError, match="shop has no stamp 'wue'; it has weu, neu, eus"):
        drain(draft, replace(DRAIN, stamp="wue"), grounds(draft))
    with pytest.raises(WrongOrderError, match="reason"):
        drain(draft, replace(DRAIN, reason=""), grounds(draft))


def test_a_person_brings_back_what_a_rule_drained() -> None:
    """It belongs to the same incident, and restores what the lever showed."""
    stamps = looked_at(weu=drained(levers=(Moved(LeverKind.STATE_FILE, "up since May"),)))
    draft = a_draft(a_recovered_record(stamps=stamps))
    answer = rejoin(draft, REJOIN, grounds(draft))
    intent = only_intent(draft)
    assert answer.follows
    assert (intent.verb, intent.family, intent.content) == (
        Verb.REJOIN,
        "consumer-cannot-read",
        "up since May",
    )
    assert answer.warnings == ("its recovery is proven for 0s only; the worker waits for 10m",)


def test_a_person_withdraws_a_drain_that_is_only_planned() -> None:
    """Nothing was moved yet, so nothing is brought back: the finding asks in vain until it is a new one."""
    intent = an_intent(verb=Verb.DRAIN, stamp="weu")
    draft = a_draft(a_red_record(intents={intent.id: intent}))
    answer = rejoin(draft, REJOIN, grounds(draft))
    assert answer.does == ("the drain of weu that was planned is withdrawn",)
    assert draft.intents[intent.id].state is IntentState.SUPERSEDED
    assert draft.stamp("weu").undone_at == NOW


def test_a_rejoin_goes_by_the_lever_that_was_moved_last() -> None:
    """Undo begins with what was done last."""
    levers = (Moved(LeverKind.STATE_FILE, "up"), Moved(LeverKind.STATE_FILE, "again"))
    draft = a_draft(a_recovered_record(stamps=looked_at(weu=drained(levers=levers))))
    rejoin(draft, REJOIN, grounds(draft))
    assert only_intent(draft).content == "again"


def test_p12_a_person_must_say_that_he_knows_it_is_unproven() -> None:
    """The doubt is named; with `unproven` it is a warning, and the stamp comes back."""
    record = a_recovered_record(registers=registers([RED, *ROOTS]))
    draft = a_draft(record)
    answer = rejoin(draft, REJOIN, grounds(draft))
    doubt = "its recovery is not proven: /health-models/shop says red"
    assert answer.refused == f"{doubt}; `unproven` brings it back all the same"
    assert draft.intents == {}
    answer = rejoin(draft, replace(REJOIN, unproven=True), grounds(draft))
    assert (answer.follows, answer.warnings) == (True, (doubt,))


def test_the_proof_is_judged_by_the_look_of_now() -> None:
    """The record's last look is half a minute old; another check has failed since."""
    draft = a_draft(a_recovered_record())
    live = a_live_look(a_look("weu", LeverState.OUT, failing=["Database"]))
    answer = rejoin(draft, REJOIN, grounds(draft, live=live))
    assert "failing: BlobStorage, Database" in answer.refused
    assert rejoin(draft, REJOIN, grounds(draft, live=None)).follows


def test_a_stamp_that_stays_out_is_brought_back_by_a_person() -> None:
    """It is he whom it waits for, and he is told why."""
    stamps = looked_at(weu=drained(stays_out=True, recovering_since=at(-900)))
    draft = a_draft(a_recovered_record(stamps=stamps))
    answer = rejoin(draft, REJOIN, grounds(draft))
    assert answer.follows
    assert answer.warnings == ("it failed again soon after it was last brought back",)


@pytest.mark.parametrize(
    ("stamp", "guardrail", "reason"),
    [
        (StampRecord(adopted_at=NOW, seen=a_seen(LeverState.OUT)), Guardrail.OTHERS_HANDS, "other hands"),
        (StampRecord(seen=a_seen()), Guardrail.STILL_IN_ROTATION, "it is in rotation"),
    ],
)
def test_p12_a_person_s_rejoin_is_of_our_own_drains_only(
    stamp: StampRecord, guardrail: Guardrail, reason: str
) -> None:
    """What other hands took out only they bring back; what is in rotation needs no return."""
    draft = a_draft(a_well_record(stamps=looked_at(weu=stamp)))
    answer = rejoin(draft, REJOIN, grounds(draft))
    assert held_by(answer)[guardrail].startswith(reason)


def test_a_person_s_drain_keeps_its_rule_and_is_asked_about_again() -> None:
    """Right before the act: the by-hand rule never goes, and its guardrails are the same."""
    ordered = an_intent(rule="by-hand", author="ada")
    rules = RuleSet((a_rule(),))
    assert rule_of(ordered, rules) is BY_HAND
    assert rule_of(an_intent(), rules) == a_rule()
    assert rule_of(an_intent(rule="gone"), rules) is None
    draft = a_draft(a_well_record(intents={ordered.id: ordered}, hold=HoldSwitch("grace", "x")))
    case = grounds(draft).case(Step(Verb.DRAIN, "weu", BY_HAND, ordered.id, author="ada"), draft)
    assert [hold.guardrail for hold in against(case)] == [Guardrail.HOLD_SWITCH]


def test_p18_in_approve_mode_a_person_s_order_asks_another_one() -> None:
    """Nothing is planned; the same order by the same person gives the same request."""
    draft = a_draft()
    first = drain(draft, DRAIN, grounds(draft, in_approve_mode()))
    again = drain(draft, DRAIN, grounds(draft, in_approve_mode()))
    [request] = draft.approvals
    assert first.follows
    assert first == again
    assert first.approval == request.id
    assert first.does[-1] == f"somebody else must approve it until 03:15:00 UTC: {request.id}"
    assert (request.requested_by, request.words, draft.intents) == ("ada", "it smells", {})


def test_p18_two_who_ask_for_the_same_do_not_approve_each_other() -> None:
    """The second one is told to approve, in so many words."""
    draft = a_draft()
    drain(draft, DRAIN, grounds(draft, in_approve_mode()))
    [request] = draft.approvals
    answer = drain(draft, replace(DRAIN, author="grace"), grounds(draft, in_approve_mode()))
    assert answer.refused == f"ada has asked for the same: approve {request.id}"
    assert draft.intents == {}


def test_p18_what_somebody_else_approves_is_planned_at_once_and_the_approval_is_used() -> None:
    """By the author of the order, with both names in the journal."""
    draft = a_draft()
    ground = grounds(draft, in_approve_mode())
    approval = drain(draft, DRAIN, ground).approval
    answer = approve_step(draft, ApproveOrder("grace", approval), ground)
    intent = only_intent(draft)
    assert answer.follows
    assert (intent.author, intent.approved_by) == ("ada", "grace")
    assert draft.events[-1] == "drain of weu ordered by ada, approved by grace: it smells"
    assert draft.approvals == ()
    assert not approve_step(draft, ApproveOrder("linus", approval), ground).follows


def test_p18_nobody_approves_his_own_order() -> None:
    """And the request stands for somebody else."""
    draft = a_draft()
    ground = grounds(draft, in_approve_mode())
    approval = drain(draft, DRAIN, ground).approval
    answer = approve_step(draft, ApproveOrder("Ada", approval), ground)
    assert answer.refused == "Ada asked for it: somebody else must approve it"
    assert request_of(draft, approval) is not None
    assert draft.intents == {}


def test_p18_an_order_is_approved_as_it_was_shown() -> None:
    """With one stamp less that serves, it must be ordered again."""
    draft = a_draft()
    approval = drain(draft, DRAIN, grounds(draft, in_approve_mode())).approval
    fewer = grounds(draft, in_approve_mode(), live=a_live_look(a_look("neu", answers=False)))
    answer = approve_step(draft, ApproveOrder("grace", approval), fewer)
    assert answer.refused.startswith("who would go on serving has changed")
    assert draft.intents == {}


def test_guardrails_are_asked_again_at_the_approval() -> None:
    """What holds then holds the approval too, and it can be given later."""
    draft = a_draft()
    ground = grounds(draft, in_approve_mode())
    approval = drain(draft, DRAIN, ground).approval
    draft.hold = HoldSwitch("linus", "wait")
    answer = approve_step(draft, ApproveOrder("grace", approval), ground)
    assert held_by(answer) == {Guardrail.HOLD_SWITCH: "held by linus: wait"}
    draft.hold = None
    assert approve_step(draft, ApproveOrder("grace", approval), ground).follows


def test_whoever_approves_a_rejoin_knows_what_speaks_against_it() -> None:
    """The doubts are part of what is asked."""
    draft = a_draft(a_recovered_record(registers=registers([RED, *ROOTS])))
    rejoin(draft, replace(REJOIN, unproven=True), grounds(draft, in_approve_mode()))
    [request] = draft.approvals
    assert request.words == ("it is mended; its recovery is not proven: /health-models/shop says red")


def test_p18_what_a_rule_asks_for_is_only_marked_as_approved() -> None:
    """The worker's next plan takes it."""
    draft = a_draft()
    ground = grounds(draft, in_approve_mode())
    approval = drain(draft, DRAIN, ground).approval
    draft.approvals = tuple(replace(one, rule="consumer-cannot-read") for one in draft.approvals)
    assert approve_step(draft, ApproveOrder("grace", approval), ground).follows
    assert draft.approvals[0].approved_by == "grace"
    assert draft.intents == {}


def test_p19_too_many_questions_are_answered_first() -> None:
    """A person's order is then refused, with that reason."""
    draft = a_draft()
    ground = grounds(draft, in_approve_mode())
    drain(draft, DRAIN, ground)
    draft.approvals = tuple(replace(draft.approvals[0], id=str(n)) for n in range(50))
    answer = drain(draft, DRAIN, ground)
    assert answer.refused == "too many approvals are waited for; answer some of them first"


def half_back(**changes: Any) -> tuple[Draft, Grounds]:
    """Two levers took weu out; a person had one of them moved back, and that is verified."""
    one_left = drained(levers=(Moved(LeverKind.STATE_FILE, "up"),))
    told: dict[str, Any] = {"verb": Verb.REJOIN, "author": "ada", "state": IntentState.VERIFIED} | changes
    back = an_intent(**told)
    draft = a_draft(a_well_record(stamps=looked_at(weu=one_left), intents={back.id: back}))
    return draft, grounds(draft)


def test_every_lever_that_took_a_stamp_out_is_moved_back() -> None:
    """One after another, on one order."""
    draft, ground = half_back()
    carry_on(draft, "weu", ground)
    [following] = [intent for intent in draft.intents.values() if intent.in_flight]
    assert (following.verb, following.author, following.content) == (Verb.REJOIN, "ada", "up")
    assert draft.events == ["rejoin of weu ordered by ada: the next lever"]


@pytest.mark.parametrize(
    "changes",
    [
        {"author": ""},
        {"state": IntentState.APPLIED},
        {"state": IntentState.REFUSED},
        {"verb": Verb.DRAIN},
        {"planned_at": at(-900)},
        {"stamp": "neu"},
    ],
)
def test_nothing_is_carried_on_that_nobody_ordered(changes: dict[str, Any]) -> None:
    """A rule's rejoin, one that is not over, one that failed, one of an earlier drain, one elsewhere."""
    draft, ground = half_back(**changes)
    before = dict(draft.intents)
    carry_on(draft, "weu", ground)
    assert draft.intents == before


def test_a_held_lever_waits_and_a_stamp_that_is_back_needs_nothing() -> None:
    """The hold switch stops the second lever as it would have stopped the first."""
    draft, ground = half_back()
    draft.hold = HoldSwitch("grace", "wait")
    carry_on(draft, "weu", ground)
    draft.hold = None
    draft.stamps["weu"] = StampRecord(seen=a_seen())
    carry_on(draft, "weu", ground)
    assert len(draft.intents) == 1


def test_no_finding_rests_on_a_person_s_word() -> None:
    """The rule that stands for the person holds for nothing, however red everything is."""
    charge, red = a_charge(BY_HAND), a_red_record()
    after = decided(red, a_signal(health=Health.RED, id="again"), charge=charge)
    assert after.findings == {}
