"""What does each step of an intent's life, and each look, do to the record?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.draft import Draft
from remediation.decide.notice import take_note
from remediation.decide.progress import (
    ASKED_LONGEST,
    MAX_ATTEMPTS,
    RETRY_FIRST,
    RETRY_LONGEST,
    begin,
    let_go,
    put_back,
    record_outcome,
    supersede,
)
from remediation.ledger.intent import Intent, IntentState, Lease, LeverKind, Outcome, OutcomeKind, Verb
from remediation.ledger.record import DrainMade
from remediation.ledger.stamp import Drain, LeverState, Moved, StampRecord
from rules.evaluate import Waiting
from rules.signals import Health
from tests.builders import (
    NOW,
    RULE,
    a_finding,
    a_live_look,
    a_look,
    a_record,
    a_seen,
    a_signal,
    an_alert,
    an_intent,
    at,
    findings,
    refused,
    registers,
    seconds,
)
from tests.decide.cases import a_drain, an_auto_workload, drained, looked_at

LEASE = Lease("worker-1", "token-1", at(60))
WORKLOAD = an_auto_workload()


def a_draft(*intents: Intent, **stamps: StampRecord) -> Draft:
    """A draft over a record with these intents and stamps."""
    return Draft(a_record(intents={i.id: i for i in intents}, stamps=looked_at(**stamps)), NOW)


def an_acting(verb: Verb = Verb.DRAIN, attempts: int = 1, **changes: Any) -> Intent:
    """An intent that a worker is carrying out."""
    return an_intent(verb, state=IntentState.ACTING, lease=LEASE, attempts=attempts, **changes)


def test_the_first_attempt_of_a_drain_is_counted_once() -> None:
    """P13: against budgets and cooldown, when it begins; a retry and a rejoin cost nothing."""
    draft = a_draft()
    begun = begin(draft, an_intent(not_before=at(-1)), LEASE, "up")
    assert (begun.state, begun.lease, begun.attempts) == (IntentState.ACTING, LEASE, 1)
    assert (begun.content, begun.not_before) == ("up", None)
    assert draft.intents[begun.id] == begun
    assert draft.drains == (DrainMade("weu", NOW),)
    begin(draft, replace(begun, lease=None), LEASE, "up")
    begin(draft, an_intent(Verb.REJOIN), LEASE, "")
    assert len(draft.drains) == 1
    assert draft.events[0] == "drain of weu: worker-1 acts, attempt 1"


def test_attempts_without_any_answer_are_told_in_the_end() -> None:
    """P19: after five of them nobody knows whether it was done, and someone must look."""
    first = begin(a_draft(), an_acting(attempts=MAX_ATTEMPTS - 1), LEASE, "")
    last = begin(a_draft(), an_acting(attempts=MAX_ATTEMPTS), LEASE, "")
    assert (first.stuck, last.stuck) == (False, True)
    assert begin(a_draft(), an_acting(stuck=True), LEASE, "").stuck


def outcome(
    intent: Intent, kind: OutcomeKind, asked: float | None = None, **stamps: Any
) -> tuple[Draft, Intent]:
    """The draft after this outcome, and the intent in it."""
    draft = a_draft(intent, **stamps)
    record_outcome(draft, intent, Outcome(kind, "so", asked))
    return draft, draft.intents[intent.id]


def test_an_applied_drain_is_ours_with_all_that_its_return_waits_for() -> None:
    """Whatever was known before of refusals and other hands is over."""
    before = StampRecord(adopted_at=at(-9), refusals=refused(at(-9), "403"), undone_at=at(-9), seen=a_seen())
    draft, intent = outcome(an_acting(content="up"), OutcomeKind.APPLIED, weu=before)
    assert (intent.state, intent.applied_at, intent.lease) == (IntentState.APPLIED, NOW, None)
    drain = Drain(intent.id, RULE, RULE, NOW, intent.evidence, (Moved(LeverKind.STATE_FILE, "up"),))
    assert draft.stamp("weu") == StampRecord(drain=drain, seen=a_seen())
    assert draft.events == ["drain of weu: applied: so"]


@pytest.mark.parametrize(
    ("verb", "attempts", "state"),
    [
        (Verb.DRAIN, 1, IntentState.SUPERSEDED),
        (Verb.DRAIN, 2, IntentState.APPLIED),
        (Verb.REJOIN, 1, IntentState.APPLIED),
    ],
)
def test_what_was_found_done_at_the_first_attempt_is_not_our_drain(
    verb: Verb, attempts: int, state: IntentState
) -> None:
    """P12: other hands were faster, and only they bring it back; later it may have been our own attempt."""
    acting = an_acting(verb, attempts)
    draft = a_draft(acting)
    record_outcome(draft, acting, Outcome(OutcomeKind.APPLIED, "so", found=True))
    assert draft.intents[acting.id].state is state
    assert (draft.stamp("weu").drain is not None) is (verb is Verb.DRAIN and attempts > 1)


@pytest.mark.parametrize(
    ("verb", "attempts", "spent"), [(Verb.DRAIN, 1, 1), (Verb.DRAIN, 2, 2), (Verb.REJOIN, 1, 2)]
)
def test_an_attempt_that_was_not_made_is_put_back(verb: Verb, attempts: int, spent: int) -> None:
    """P13: it is planned again soon, with nothing tried; of the budget only its own part is given back."""
    acting = an_acting(verb, attempts)
    draft = a_draft(acting)
    draft.drains = (DrainMade("neu", at(-9)), DrainMade("weu", NOW))
    put_back(draft, acting, "the look grew old")
    planned = draft.intents[acting.id]
    assert (planned.state, planned.lease, planned.attempts) == (IntentState.PLANNED, None, attempts - 1)
    assert (planned.not_before, planned.outcome) == (NOW + RETRY_FIRST, "the look grew old")
    assert draft.drains == (DrainMade("neu", at(-9)), DrainMade("weu", NOW))[:spent]
    assert draft.events == [f"{verb} of weu put back: the look grew old"]


def test_an_applied_rejoin_ends_the_drain() -> None:
    """From then on the stamp counts as in rotation by the ledger."""
    draft, intent = outcome(an_acting(Verb.REJOIN), OutcomeKind.APPLIED, weu=drained())
    assert intent.state is IntentState.APPLIED
    assert not draft.stamp("weu").out


@pytest.mark.parametrize(
    ("attempts", "asked", "wait"),
    [
        (1, None, seconds(2)),
        (2, None, seconds(4)),
        (4, None, seconds(16)),
        (1, 7.5, seconds(7.5)),
        (1, -5, seconds(0)),
        (1, 1e400, ASKED_LONGEST),
    ],
)
def test_a_transient_outcome_is_tried_again_later(attempts: int, asked: float | None, wait: Any) -> None:
    """P19: more and more slowly, or when the other side asks for it, within bounds."""
    _, intent = outcome(an_acting(attempts=attempts), OutcomeKind.TRANSIENT, asked)
    assert (intent.state, intent.lease, intent.outcome) == (IntentState.PLANNED, None, "so")
    assert intent.not_before == NOW + wait
    assert wait <= max(RETRY_LONGEST, ASKED_LONGEST)


@pytest.mark.parametrize(
    ("kind", "attempts"), [(OutcomeKind.REFUSED, 1), (OutcomeKind.TRANSIENT, 5), (OutcomeKind.TRANSIENT, 9)]
)
def test_a_refusal_is_over_and_remembered(kind: OutcomeKind, attempts: int) -> None:
    """P19: as is a fault that does not pass within five attempts."""
    draft, intent = outcome(an_acting(attempts=attempts), kind)
    assert (intent.state, intent.lease) == (IntentState.REFUSED, None)
    stamp = draft.stamp("weu")
    assert (stamp.refusals, stamp.out) == (refused(NOW, "so"), False)


def test_a_refused_rejoin_leaves_the_stamp_drained() -> None:
    """It is still out by our hand (P14)."""
    draft, _ = outcome(an_acting(Verb.REJOIN), OutcomeKind.REFUSED, weu=drained())
    assert draft.stamp("weu") == replace(drained(), refusals=refused(NOW, "so"))


def test_an_unknown_outcome_keeps_the_lease() -> None:
    """Neither success nor failure: whoever goes on must look first."""
    _, intent = outcome(an_acting(), OutcomeKind.UNKNOWN)
    assert intent == an_acting(outcome="so")


def test_an_intent_can_be_given_up() -> None:
    """With the reason in the journal."""
    draft = a_draft(an_acting())
    supersede(draft, an_acting(), "not wanted")
    assert draft.intents[an_acting().id] == an_intent(
        state=IntentState.SUPERSEDED, attempts=1, outcome="not wanted"
    )
    assert draft.events == ["drain of weu withdrawn: not wanted"]


def noted(draft: Draft, *looks: Any) -> Draft:
    """The draft after a look in which all other stamps are well."""
    take_note(draft, a_live_look(*looks), WORKLOAD)
    return draft


def an_applied(verb: Verb = Verb.DRAIN, ago: float = 30) -> Intent:
    """An intent whose lever was moved, and which was not seen to help yet."""
    return an_intent(verb, state=IntentState.APPLIED, attempts=1, applied_at=at(-ago))


def test_what_was_seen_is_kept() -> None:
    """Nothing else changes where all is as it was."""
    draft = noted(a_draft(weu=StampRecord()), a_look("neu", failing=["Database"]))
    assert draft.stamp("weu").seen == a_look().seen("BlobStorage")
    assert draft.stamp("neu").seen == a_look(failing=["Database"]).seen("BlobStorage")
    assert draft.events == ["neu is out by itself: HealthService 503, failing: Database; state file in"]
    well = draft.stamp("weu")
    assert noted(draft).stamps["weu"] is well


@pytest.mark.parametrize(
    ("verb", "look", "state"),
    [
        (Verb.DRAIN, a_look(lever=LeverState.OUT), IntentState.VERIFIED),
        (Verb.DRAIN, a_look(lever=LeverState.OUT, answers=False), IntentState.APPLIED),
        (Verb.DRAIN, a_look(lever=LeverState.UNREACHABLE), IntentState.APPLIED),
        (Verb.REJOIN, a_look(), IntentState.VERIFIED),
        (Verb.REJOIN, a_look(failing=["Database"]), IntentState.APPLIED),
        (Verb.REJOIN, a_look(answers=False), IntentState.APPLIED),
        (Verb.REJOIN, a_look(lever=LeverState.UNREACHABLE), IntentState.APPLIED),
    ],
)
def test_applied_is_not_verified(verb: Verb, look: Any, state: IntentState) -> None:
    """A drain helps when HealthService notices it, a rejoin when the stamp serves."""
    stamp = drained() if verb is Verb.DRAIN else StampRecord(seen=a_seen())
    draft = noted(a_draft(an_applied(verb), weu=stamp), look)
    assert draft.intents[an_applied(verb).id].state is state
    assert (f"{verb} of weu verified after 30s" in " ".join(draft.events)) is (state is IntentState.VERIFIED)
    assert draft.stamp("weu").out is (verb is Verb.DRAIN)


@pytest.mark.parametrize(("ago", "stuck"), [(180, False), (181, True)])
def test_what_is_not_verified_in_time_is_stuck(ago: float, stuck: bool) -> None:  # noqa: FBT001 - a table
    """After three minutes, said once; it stays in flight until it is seen to help."""
    look = a_look(lever=LeverState.OUT, answers=False)
    draft = noted(a_draft(an_applied(ago=ago), weu=drained()), look)
    intent = draft.intents[an_applied().id]
    assert (intent.stuck, intent.in_flight) == (stuck, True)
    assert len(noted(draft, look).events) == int(stuck)


def test_a_drain_that_others_undo_before_it_is_verified_ends_there() -> None:
    """Otherwise it would stay in flight for ever, hold up every other step, and count as out."""
    draft = noted(noted(a_draft(an_applied(), weu=drained())))
    assert draft.intents[an_applied().id].state is IntentState.SUPERSEDED
    assert (draft.stamp("weu").drain, draft.stamp("weu").undone_at) == (None, NOW)


def test_a_rejoin_that_others_undo_is_adopted_as_their_drain() -> None:
    """P12: it is theirs from then on."""
    out = a_look(lever=LeverState.OUT)
    draft = noted(noted(a_draft(an_applied(Verb.REJOIN)), out), out)
    assert draft.intents[an_applied(Verb.REJOIN).id].state is IntentState.SUPERSEDED
    assert draft.stamp("weu").adopted_at == NOW


def test_one_look_does_not_take_a_lever_from_us() -> None:
    """P12, P14: a read may be older than our write; what we moved would be left to others for ever."""
    once = noted(a_draft(an_applied(), weu=drained()))
    assert once.intents[an_applied().id].state is IntentState.APPLIED
    again = noted(once, a_look(lever=LeverState.OUT))  # it was the read that was old
    assert again.stamp("weu").drain == drained().drain
    assert noted(again).stamp("weu").drain == drained().drain


def test_what_others_may_have_undone_is_not_stuck() -> None:
    """It is past its time; the second lever would be moved against whoever has just brought it back."""
    draft = noted(a_draft(an_applied(ago=181), weu=drained()))
    assert not draft.intents[an_applied().id].stuck
    assert noted(draft, a_look(lever=LeverState.OUT, answers=False)).intents[an_applied().id].stuck


def test_what_a_look_shows_right_after_an_act_is_older_than_it() -> None:
    """Although the look before showed the same: it was made before the act."""
    draft = a_draft(an_applied(ago=29), weu=replace(drained(), seen=a_seen()))
    assert noted(noted(draft)).intents[an_applied().id].state is IntentState.APPLIED


@pytest.mark.parametrize("state", [IntentState.PLANNED, IntentState.ACTING])
def test_while_we_act_nobodys_hands_are_noticed(state: IntentState) -> None:
    """What the lever shows then may be our own doing."""
    draft = noted(a_draft(an_intent(state=state)), a_look(lever=LeverState.OUT))
    assert not draft.stamp("weu").out
    assert draft.intents[an_intent().id].state is state


def test_a_drain_by_other_hands_is_adopted_and_counted() -> None:
    """P12, P13: it counts against capacity and budgets; one found at the first look may be of any age."""
    draft = noted(a_draft(neu=StampRecord()), *(a_look(n, LeverState.OUT) for n in ("weu", "neu")))
    assert [draft.stamp(name).adopted_at for name in ("weu", "neu", "eus")] == [NOW, NOW, None]
    assert draft.drains == (DrainMade("weu", NOW),)
    assert len(noted(draft, a_look(lever=LeverState.OUT), a_look("neu", LeverState.OUT)).events) == 2


def test_what_other_hands_bring_back_is_theirs_to_bring_back() -> None:
    """An adopted drain ends; one of ours is undone, and remembered as such."""
    theirs = StampRecord(adopted_at=at(-9), seen=a_seen(LeverState.OUT))
    draft = noted(noted(a_draft(weu=drained(), neu=theirs)))
    assert (draft.stamp("weu").drain, draft.stamp("weu").undone_at) == (None, NOW)
    assert not draft.stamp("neu").out
    assert draft.events == [
        "neu was brought back by other hands",
        "the drain of weu was undone by other hands",
    ]


def test_a_lever_out_of_reach_says_nothing_about_hands() -> None:
    """Neither is a drain adopted nor one of ours given up because it cannot be seen."""
    hidden = [a_look(name, LeverState.UNREACHABLE) for name in ("weu", "neu", "eus")]
    draft = noted(a_draft(weu=drained(), neu=StampRecord(adopted_at=at(-9))), *hidden)
    assert {name for name, stamp in draft.stamps.items() if stamp.out} == {"weu", "neu"}
    assert not any("drained" in event or "undone" in event for event in draft.events)


@pytest.mark.parametrize("state", [IntentState.PLANNED, IntentState.ACTING, IntentState.APPLIED])
def test_what_was_under_way_at_a_stamp_that_is_gone_ends(state: IntentState) -> None:
    """Stamps are short-lived; an intent without a stamp would hold up every other step."""
    draft = a_draft(an_intent(state=state, stamp="old"), an_intent(Verb.REJOIN), old=StampRecord(a_drain()))
    draft.stamps |= {
        "old": StampRecord(a_drain()),
        "older": StampRecord(seen=a_seen()),
    }
    let_go(draft, WORKLOAD)
    assert [intent.stamp for intent in draft.view().in_flight()] == ["weu"]
    assert set(draft.stamps) == set(WORKLOAD.stamp_names)
    assert draft.events[1:] == [
        "old is no longer part of the workload. It was out of rotation.",
        "older is no longer part of the workload.",
    ]


def test_a_new_stamp_of_an_old_name_starts_as_unknown() -> None:
    """What was said of the one that is gone, and since when, is nothing that the other may be judged by."""
    red = [a_signal("old", health=Health.RED), an_alert(stamp="old"), a_signal("old", health=Health.UNKNOWN)]
    kept = [a_signal("weu"), a_signal(None, "CosmosDB", Health.RED)]
    record = a_record(
        registers=registers([*red, *kept]),
        findings=findings(a_finding(stamp="old"), a_finding(), a_finding("dns", None)),
        since={Waiting(RULE, stamp, ""): NOW for stamp in ("old", "weu", None)},
    )
    draft = Draft(record, NOW)
    let_go(draft, WORKLOAD)
    assert draft.events == ["old is no longer part of the workload."]
    assert draft.registers == registers(kept)
    assert [asked.stamp for asked in draft.findings] == ["weu", None]
    assert [waiting.stamp for waiting in draft.since] == ["weu", None]
