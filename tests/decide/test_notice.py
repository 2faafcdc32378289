"""Does a look verify what was done by the lever that was moved, and notice what nobody told us?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.draft import Draft
from remediation.decide.looks import FRONT_DOOR, HealthLook, LeverLook, LiveLook, StampLook
from remediation.decide.notice import LEARNED_FROM, SEEN_EVERY, take_note, usual
from remediation.ledger.intent import Intent, IntentState, LeverKind, Outcome, OutcomeKind, Verb
from remediation.ledger.stamp import LeverState, Moved, StampRecord
from rules.policy import Policy
from tests.builders import NOW, a_look, a_record, a_workload, an_intent, at, seconds
from tests.decide.cases import a_drain

BY_FILE = Verb.DRAIN, LeverKind.STATE_FILE
BOTH = (Moved(LeverKind.STATE_FILE), Moved(LeverKind.FRONT_DOOR))


def looked(
    state: LeverState = LeverState.IN,
    origin: LeverState | None = LeverState.IN,
    failing: tuple[str, ...] = (),
    *,
    settled: bool = True,
) -> StampLook:
    """A look at weu, which has an origin in Front Door unless that is None."""
    look = a_look("weu", state, failing)
    seen = None if origin is None else LeverLook("weu", origin, "1", settled=settled)
    return replace(look, origin=seen)


def applied(verb: Verb = Verb.DRAIN, **changes: Any) -> Intent:
    """An intent at weu whose desired state was seen a minute ago."""
    return replace(an_intent(verb, "weu"), state=IntentState.APPLIED, applied_at=at(-60), **changes)


def noted(
    intent: Intent | None, look: StampLook, known: StampRecord | None = None, path: HealthLook | None = None
) -> Draft:
    """The draft after a look at weu alone."""
    intents = {intent.id: intent} if intent else {}
    stamps = {"weu": known} if known else {}
    draft = Draft(a_record(intents=intents, stamps=stamps), NOW)
    take_note(draft, LiveLook({"weu": look}, path), a_workload(stamps=["weu"]))
    return draft


def state_of(draft: Draft) -> IntentState:
    """How far the one intent has got."""
    (intent,) = draft.intents.values()
    return intent.state


@pytest.mark.parametrize(
    ("look", "state"),
    [
        (looked(origin=LeverState.OUT), IntentState.VERIFIED),
        (looked(origin=LeverState.OUT, settled=False), IntentState.APPLIED),
        (looked(origin=LeverState.UNREACHABLE), IntentState.APPLIED),
        (looked(origin=None), IntentState.APPLIED),
    ],
)
def test_a_drain_by_front_door_is_verified_when_its_change_is_rolled_out(
    look: StampLook, state: IntentState
) -> None:
    """HealthService has nothing to notice there; until the rollout ends the drain is in flight (P1)."""
    assert state_of(noted(applied(lever=LeverKind.FRONT_DOOR), look)) is state


@pytest.mark.parametrize(
    ("path", "state"),
    [
        (HealthLook(FRONT_DOOR, NOW, 200, {"BlobStorage": True}), IntentState.VERIFIED),
        (HealthLook(FRONT_DOOR, NOW, 503, {"BlobStorage": False}), IntentState.APPLIED),
        (HealthLook(FRONT_DOOR, NOW, None, reason="timed out"), IntentState.VERIFIED),
    ],
)
def test_a_drain_is_not_verified_while_users_are_still_sent_to_the_stamp(
    path: HealthLook, state: IntentState
) -> None:
    """A drained stamp's answer through Front Door shows that it has not moved; no answer shows nothing."""
    assert state_of(noted(applied(), looked(LeverState.OUT), path=path)) is state


def test_a_lever_that_comes_back_first_need_not_serve_yet() -> None:
    """The other one still keeps the stamp out, and its HealthService says so."""
    known = StampRecord(drain=a_drain(levers=BOTH[:1]))
    draft = noted(applied(Verb.REJOIN, lever=LeverKind.FRONT_DOOR), looked(LeverState.OUT), known)
    assert state_of(draft) is IntentState.VERIFIED


def test_the_last_lever_is_back_when_the_stamp_serves() -> None:
    """A state file that is there again is not enough."""
    assert state_of(noted(applied(Verb.REJOIN), looked(failing=("Database",)))) is IntentState.APPLIED


def test_what_is_usual_is_known_after_five() -> None:
    """Three of four were not slower; a tick of the timer comes on top, and patience has an end."""
    draft = Draft(a_record(), NOW)
    policy = Policy()
    draft.took[BY_FILE] = (10, 20, 30, 40)
    assert usual(draft, *BY_FILE, policy) == policy.verify_within
    draft.took[BY_FILE] = (10, 20, 30, 40, 50)
    assert usual(draft, *BY_FILE, policy) == seconds(40) + SEEN_EVERY
    draft.took[BY_FILE] = (900,) * 9
    assert usual(draft, *BY_FILE, policy) == policy.verify_within


def test_each_lever_is_as_slow_as_it_is() -> None:
    """Front Door takes minutes to roll a change out: what the state file took says nothing of that."""
    by_door = Verb.DRAIN, LeverKind.FRONT_DOOR
    draft = Draft(a_record(took={BY_FILE: (20,) * 9}), NOW)
    policy = Policy()
    assert usual(draft, *by_door, policy) == policy.front_door_within
    draft.took[by_door] = (600,) * 9
    assert usual(draft, *by_door, policy) == seconds(600) + SEEN_EVERY
    draft.took[by_door] = (9000,) * 9
    assert usual(draft, *by_door, policy) == policy.front_door_within


def test_what_it_took_is_remembered_and_bounded() -> None:
    """P19: the newest twenty."""
    intent = applied()
    draft = Draft(a_record(intents={intent.id: intent}, took={BY_FILE: (1,) * LEARNED_FROM}), NOW)
    take_note(draft, LiveLook({"weu": looked(LeverState.OUT)}), a_workload(stamps=["weu"]))
    assert draft.took[BY_FILE] == (*(1,) * (LEARNED_FROM - 1), 60)


def test_p11_what_was_applied_by_a_clock_that_was_ahead_took_no_time_and_not_less() -> None:
    """P11: a duration below zero would be told to people, and learned from."""
    intent = replace(applied(), applied_at=at(300))
    draft = Draft(a_record(intents={intent.id: intent}), NOW)
    take_note(draft, LiveLook({"weu": looked(LeverState.OUT)}), a_workload(stamps=["weu"]))
    assert draft.took[BY_FILE] == (0,)
    assert "verified after 0s" in draft.events[0]


def test_a_stamp_whose_levers_others_all_moved_back_is_not_ours_any_more() -> None:
    """Their decision is respected: no new drain for the same finding."""
    known = StampRecord(drain=a_drain(levers=BOTH), seen=looked().seen("BlobStorage"))
    draft = noted(None, looked(), known)
    assert (draft.stamp("weu").drain, draft.stamp("weu").undone_at) == (None, NOW)


def test_a_lever_that_others_moved_back_is_theirs_and_the_other_stays_ours() -> None:
    """It is out all the same."""
    known = StampRecord(drain=a_drain(levers=BOTH), seen=looked(LeverState.OUT).seen("BlobStorage"))
    draft = noted(None, looked(LeverState.OUT), known)
    drain = draft.stamp("weu").drain
    assert drain
    assert drain.levers == BOTH[:1]


def test_a_lever_that_is_still_on_its_way_is_nobodys_doing() -> None:
    """Front Door may show the old state for minutes."""
    known = StampRecord(drain=a_drain(levers=BOTH[1:]), seen=looked().seen("BlobStorage"))
    assert noted(None, looked(settled=False), known).stamp("weu").drain == known.drain


def test_a_stamp_that_others_drained_by_front_door_is_adopted_and_let_go_when_it_is_back() -> None:
    """By whichever lever: it is out, and counts."""
    draft = noted(None, looked(origin=LeverState.OUT), StampRecord(seen=looked().seen("BlobStorage")))
    assert draft.stamp("weu").adopted_at == NOW
    assert len(draft.drains) == 1
    back = noted(None, looked(), draft.stamp("weu"))
    assert back.stamp("weu").adopted_at is None


def test_a_stamp_that_falls_out_and_comes_back_by_itself_is_remembered_with_its_times() -> None:
    """Also where the clocks of two workers differ: what is noticed later is later."""
    out = noted(None, looked(failing=("MessageProducer",))).stamp("weu")
    assert (out.out_by_itself_at, out.back_by_itself_at) == (NOW, None)
    still = noted(None, looked(failing=("MessageProducer",)), out).stamp("weu")
    assert still.out_by_itself_at == NOW
    back = noted(None, looked(), replace(still, out_by_itself_at=at(9))).stamp("weu")
    assert back.back_by_itself_at == at(9)
    again = noted(None, looked(failing=("MessageProducer",)), back).stamp("weu")
    assert again.out_by_itself_at is not None
    assert again.out_by_itself_at > at(9)


def test_a_stamp_that_does_not_answer_has_not_fallen_out_by_itself() -> None:
    """Nothing is known of it."""
    look = replace(looked(), health=HealthLook("weu", NOW, None, reason="timed out"))
    assert noted(None, look).stamp("weu").out_by_itself_at is None


def step(outcome: Outcome | None, *, ago: float = -60, verb: Verb = Verb.RESTART) -> Draft:
    """The draft after a look at a step that was taken."""
    intent = replace(applied(verb), target="processor", applied_at=at(ago))
    draft = Draft(a_record(intents={intent.id: intent}), NOW)
    live = LiveLook({"weu": looked()}, steps={intent.id: outcome})
    take_note(draft, live, a_workload(stamps=["weu"]))
    return draft


def test_a_restart_is_over_when_it_is_seen_to_be_done() -> None:
    """Until then it is in flight."""
    assert state_of(step(Outcome(OutcomeKind.APPLIED, "rolled out"))) is IntentState.VERIFIED
    assert state_of(step(None)) is IntentState.APPLIED


def test_a_restart_that_failed_is_given_up_and_people_look() -> None:
    """It is stuck, and holds up nothing else."""
    (intent,) = step(Outcome(OutcomeKind.REFUSED, "the image cannot be pulled")).intents.values()
    assert (intent.state, intent.stuck) == (IntentState.SUPERSEDED, True)


def test_a_restart_that_takes_too_long_is_stuck_once() -> None:
    """It goes on all the same."""
    draft = step(None, ago=-181)
    (intent,) = draft.intents.values()
    assert (intent.state, intent.stuck) == (IntentState.APPLIED, True)
    assert len(draft.events) == 1


def test_a_request_to_another_system_is_over_when_it_was_taken() -> None:
    """What the receiver does with it, the receiver tells by a signal."""
    assert state_of(step(None, verb=Verb.WEBHOOK)) is IntentState.VERIFIED
