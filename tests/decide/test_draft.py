"""How does a decision change the record, and when does it change nothing?"""

from dataclasses import replace

from remediation.decide.draft import ENDED_INTENTS_KEPT, Draft
from remediation.ledger.intent import IntentState, Verb
from remediation.ledger.record import Cause, DrainMade, HeldStep, check_succession
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Channel, MessageKind
from rules.conditions import Answer, Verdict
from rules.evaluate import Asked
from tests.builders import NOW, RULE, a_record, a_seen, an_entry, an_incident, an_intent, at

BEFORE = a_record(revision=7, journal=(an_entry(7),))
HELD = HeldStep(Verb.DRAIN, "weu", RULE, "settled", "settling")


def test_a_decision_that_changes_nothing_is_not_written() -> None:
    """P20: otherwise reconcile would never come to rest."""
    assert Draft(BEFORE, NOW).finish(Cause.TIMER) is None


def test_a_decision_that_says_something_is_journalled_under_its_revision() -> None:
    """With all it considered, and after what the journal still waits for."""
    draft = Draft(BEFORE, NOW)
    draft.signals.append("a")
    draft.verdicts = {
        Asked(RULE, "weu"): Verdict(Answer.HOLDS, "red"),
        Asked("dns", None): Verdict(Answer.NO, "green"),
    }
    draft.held = [HELD]
    draft.happened("it happened")
    after = draft.finish(Cause.SIGNALS)
    assert after is not None
    assert (after.revision, after.held) == (8, (HELD,))
    assert after.journal == (
        *BEFORE.journal,
        an_entry(
            id="shop/0000000008",
            cause=Cause.SIGNALS,
            signals=("a",),
            verdicts=((RULE, "weu", "holds", "red"), ("dns", "global", "no", "green")),
            held=(HELD,),
            events=("it happened",),
        ),
    )


def test_a_quiet_change_is_written_and_not_journalled() -> None:
    """A probe that sees again what it saw before fills no journal."""
    draft = Draft(BEFORE, NOW)
    draft.stamps["weu"] = StampRecord(seen=a_seen())
    after = draft.finish(Cause.TIMER)
    assert after is not None
    assert (after.revision, after.journal) == (8, BEFORE.journal)


def test_what_holds_anew_or_no_longer_is_journalled() -> None:
    """P6: why nothing was done can be read later."""
    for before, held in ((BEFORE, [HELD]), (replace(BEFORE, held=(HELD,)), [])):
        draft = Draft(before, NOW)
        draft.held = list(held)
        after = draft.finish(Cause.TIMER)
        assert after is not None
        assert after.journal[-1].held == tuple(held)


def test_newer_words_replace_those_that_still_wait() -> None:
    """P19: of each kind, incident and channel there is one message at most; others stay."""
    draft = Draft(BEFORE, NOW)
    draft.tell(an_incident(), Channel.PAGE, MessageKind.TRIGGER, "old")
    draft.tell(an_incident(), Channel.NOTIFY, MessageKind.TRIGGER, "team")
    draft.tell(an_incident(), Channel.PAGE, MessageKind.RESOLVE, "over")
    draft.tell(an_incident("neu"), Channel.PAGE, MessageKind.TRIGGER, "other")
    draft.tell(an_incident(), Channel.PAGE, MessageKind.TRIGGER, "new", (("Finding", "red"),))
    assert [message.title for message in draft.outbox] == ["team", "over", "other", "new"]
    newest = draft.outbox[-1]
    assert newest.id == f"shop/weu/{RULE}@8:page:trigger"
    assert (newest.incident, newest.facts) == (an_incident().key, (("Finding", "red"),))


def test_the_view_is_the_record_as_the_draft_leaves_it() -> None:
    """And the record it began with stays as it was."""
    draft = Draft(BEFORE, NOW)
    intent = an_intent()
    draft.put_intent(intent)
    draft.spend("weu")
    assert draft.view() == replace(BEFORE, intents={intent.id: intent}, drains=(DrainMade("weu", NOW),))
    assert BEFORE.intents == {}


def test_the_past_is_forgotten() -> None:
    """P19: drains after a day, and all but the last of the intents that ended; none that is in flight."""
    names = [f"i{n:03}" for n in range(ENDED_INTENTS_KEPT + 5)]
    ended = [an_intent(id=name, state=IntentState.VERIFIED) for name in names]
    going = an_intent(id="going", planned_at=at(-1))
    drains = (DrainMade("weu", at(-86_400)), DrainMade("neu", at(-86_399)))
    draft = Draft(replace(BEFORE, intents={i.id: i for i in (*ended, going)}, drains=drains), NOW)
    after = draft.finish(Cause.TIMER)
    assert after is not None
    assert set(after.intents) == {"going", *(intent.id for intent in ended[5:])}
    assert after.drains == drains[1:]


def test_what_ends_now_is_kept_once_however_old_it_is() -> None:
    """P19: the ledger refuses a record that loses an intent before its end, and would do so for ever."""
    newer = [
        an_intent(id=f"i{n:03}", state=IntentState.SUPERSEDED, planned_at=at(n))
        for n in range(ENDED_INTENTS_KEPT)
    ]
    going = an_intent(id="going", planned_at=at(-300))
    before = replace(BEFORE, intents={intent.id: intent for intent in (*newer, going)})
    draft = Draft(before, NOW)
    draft.put_intent(going.to(IntentState.SUPERSEDED, "by a worker whose clock is ahead"))
    after = draft.finish(Cause.ACT)
    assert after is not None
    check_succession(before, after)
    assert after.intents["going"].state is IntentState.SUPERSEDED
    again = Draft(after, NOW)
    again.happened("something else")
    assert set((again.finish(Cause.TIMER) or after).intents) == {intent.id for intent in newer}
