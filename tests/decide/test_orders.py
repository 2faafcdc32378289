"""What do hold, release and silence change, and what do they say beforehand?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from remediation.decide.case import Guardrail
from remediation.decide.draft import Draft
from remediation.decide.orders import (
    AUTHOR_MOST,
    REASON_MOST,
    SILENCE_LONGEST,
    SILENCES_MOST,
    EndSilenceOrder,
    HoldOrder,
    ReleaseOrder,
    SilenceOrder,
    WrongOrderError,
    about,
    end_silence,
    hides,
    hold,
    release,
    silence,
)
from remediation.ledger.intent import IntentState, Verb
from remediation.ledger.orders import HoldSwitch, Silence
from remediation.ledger.record import Cause, HeldStep, WorkloadRecord
from tests.builders import NOW, RULE, a_finding, a_record, an_incident, an_intent, at, findings
from tests.decide.cases import incidents

A_HOLD = HoldSwitch("ada", "moving the hubs")


def a_silence(**changes: Any) -> Silence:
    """Of everything, by ada, for an hour."""
    return replace(Silence("s1", "ada", "drill", NOW, at(3600)), **changes)


def a_draft(**changes: Any) -> Draft:
    """An order's draft."""
    return Draft(a_record(**changes), NOW)


def written(draft: Draft) -> WorkloadRecord:
    """The next record, which there must be."""
    after = draft.finish(Cause.PERSON)
    assert after is not None
    return after


def test_p17_a_hold_is_in_the_record_and_in_the_journal_with_its_author() -> None:
    """Who, why and until when: at three in the morning nobody remembers."""
    draft = a_draft()
    answer = hold(draft, HoldOrder("ada", "moving the hubs", at(7200)))
    after = written(draft)
    assert answer.does == ("nothing is done to any stamp until 2026-11-21 05:00 UTC; pages go on",)
    assert after.hold == HoldSwitch("ada", "moving the hubs", at(7200))
    assert after.journal[-1].cause is Cause.PERSON
    assert after.journal[-1].events == ("hold by ada until 2026-11-21 05:00 UTC: moving the hubs",)


def test_a_hold_without_an_end_says_so() -> None:
    """It stands until somebody releases it."""
    answer = hold(a_draft(), HoldOrder("ada", "moving the hubs"))
    assert answer.does == ("nothing is done to any stamp until it is released; pages go on",)


def test_a_hold_says_what_becomes_of_the_steps_in_flight() -> None:
    """What was planned is withdrawn; what has begun cannot be half done and comes to its end."""
    planned = an_intent(Verb.REJOIN, "neu", id="2")
    begun = an_intent(state=IntentState.ACTING)
    answer = hold(a_draft(intents={i.id: i for i in (planned, begun)}), HoldOrder("ada", "x"))
    assert set(answer.does[1:]) == {
        "drain of weu has begun (acting): it comes to its end",
        "rejoin of neu is planned: it is withdrawn",
    }


def test_a_second_hold_replaces_the_first_and_says_whose_it_was() -> None:
    """There is one switch."""
    draft = a_draft(hold=A_HOLD)
    hold(draft, HoldOrder("grace", "still at it"))
    after = written(draft)
    assert after.hold == HoldSwitch("grace", "still at it")
    assert after.journal[-1].events == ("hold by grace, in the place of a hold by ada: still at it",)


@pytest.mark.parametrize("until", [NOW, at(-1)])
def test_an_order_cannot_end_before_it_begins(until: datetime) -> None:
    """Most often a slip in the time zone."""
    with pytest.raises(WrongOrderError, match="a time after 2026-11-21 03:00 UTC was expected"):
        hold(a_draft(), HoldOrder("ada", "x", until))
    with pytest.raises(WrongOrderError, match="until"):
        silence(a_draft(), SilenceOrder("ada", "x", until))


@pytest.mark.parametrize(
    ("author", "reason", "complaint"),
    [
        ("", "x", "author: a few words"),
        (" \n", "x", "author: a few words"),
        ("a" * (AUTHOR_MOST + 1), "x", f"author: at most {AUTHOR_MOST}"),
        ("ada", "\u202e\x00", "reason: a few words"),
        ("ada", "x" * (REASON_MOST + 1), f"reason: at most {REASON_MOST}"),
    ],
)
def test_an_order_without_author_or_reason_is_no_order(author: str, reason: str, complaint: str) -> None:
    """Both go into the journal, bounded (P19)."""
    with pytest.raises(WrongOrderError, match=complaint):
        hold(a_draft(), HoldOrder(author, reason))


def test_what_people_write_becomes_one_printable_line() -> None:
    """It is shown on terminals and in cards: no line breaks, no escape codes."""
    draft = a_draft()
    hold(draft, HoldOrder(" Ada\tLovelace ", "moving\n the \x1b[31mhubs"))
    assert draft.hold == HoldSwitch("Ada Lovelace", "moving the [31mhubs")


def test_a_release_ends_the_hold_and_names_what_goes_on() -> None:
    """Only what has waited for the switch is named."""
    held = (
        HeldStep(Verb.DRAIN, "weu", RULE, Guardrail.HOLD_SWITCH, "held by ada"),
        HeldStep(Verb.DRAIN, "neu", RULE, Guardrail.SETTLED, "settling"),
    )
    draft = a_draft(hold=A_HOLD, held=held)
    answer = release(draft, ReleaseOrder("grace", "hubs are moved"))
    after = written(draft)
    assert answer.follows
    assert answer.does == (
        "the hold by ada ends: moving the hubs",
        "drain of weu has waited for it; it goes on if nothing else holds it",
    )
    assert after.hold is None
    assert after.journal[-1].events == ("hold by ada released by grace: hubs are moved",)


def test_a_release_of_nothing_is_refused() -> None:
    """And nothing is written."""
    draft = a_draft()
    answer = release(draft, ReleaseOrder("ada"))
    assert (answer.follows, answer.refused) == (False, "nothing is held")
    assert draft.finish(Cause.PERSON) is None


def test_a_marker_is_not_released_by_an_order() -> None:
    """Whoever laid it into the store must take it away; people are told so in both cases."""
    marker = HoldSwitch("marker", "hold: fire")
    words = "a marker in the ledger's store holds (hold: fire): remove that file or blob"
    assert release(Draft(a_record(), NOW, marker), ReleaseOrder("ada")).refused == words
    answer = release(Draft(a_record(hold=A_HOLD), NOW, marker), ReleaseOrder("ada"))
    assert (answer.follows, answer.warnings) == (True, (words,))


def test_a_silence_shows_what_it_would_hide() -> None:
    """Open incidents, and findings that have no incident of their own; nothing of other stamps."""
    record = a_record(
        incidents=incidents(an_incident(), an_incident("neu"), an_incident(None, "dns")),
        findings=findings(
            a_finding(), a_finding("root-red"), a_finding("lag", "neu"), a_finding("dns", None)
        ),
    )
    draft = Draft(record, NOW)
    answer = silence(draft, SilenceOrder("ada", "drill", at(3600), "weu"))
    assert answer.does == (
        "nobody is told about weu until 2026-11-21 04:00 UTC; deciding and acting go on",
        f"hides incident shop/weu/{RULE}: {an_incident().summary}",
        "hides root-red at weu: BackgroundProcessor is red",
        "it ends by itself, or with its id, s2; what is still red then is paged",
    )
    assert written(draft).silences == (a_silence(id="s2", stamp="weu"),)


def test_a_silence_of_all_covers_what_is_global_and_a_pattern_only_its_families() -> None:
    """`*` is any run of characters."""
    record = a_record(
        incidents=incidents(an_incident(None, "dns-down")), findings=findings(a_finding("dns-slow", None))
    )
    both = ["hides incident shop/global/dns-down", "hides dns-slow at the workload"]
    assert [line.split(":")[0] for line in hides(record, a_silence(family="dns-*"))] == both
    assert hides(record, a_silence(family="dns")) == []
    assert hides(record, a_silence(stamp="weu")) == []


def test_a_silence_that_hides_nothing_says_so() -> None:
    """A slip in the family's name is seen before somebody relies on it."""
    draft = a_draft()
    answer = silence(draft, SilenceOrder("ada", "drill", at(3600), "weu", "rot-*"))
    assert "nothing that is open now is hidden by it" in answer.does
    assert written(draft).journal[-1].events == (
        "silence s2 by ada of rot-* at weu until 2026-11-21 04:00 UTC: drill",
    )
    assert about(a_silence()) == "the whole workload"


def test_a_silence_of_no_family_that_there_is_warns() -> None:
    """Of all, of a pattern that fits one, and of what it hides already, there is nothing to warn of."""
    families = {"root-red", "cannot-read"}

    def warned(family: str, **changes: Any) -> tuple[str, ...]:
        order = SilenceOrder("ada", "drill", at(3600), "weu", family)
        return silence(a_draft(**changes), order, families).warnings

    said = "it will hide nothing"
    assert warned("root-rde") == (f"no family is root-rde: {said}; did you mean 'root-red'?",)
    assert warned("dns-*") == (f"no family is dns-*: {said}; there are: cannot-read, root-red",)
    assert warned("root-*") == warned("*") == ()
    assert warned("of-old", findings=findings(a_finding("of-old"))) == ()
    assert silence(a_draft(), SilenceOrder("ada", "drill", at(3600), "weu", "rot")).warnings == ()


def test_a_silence_lasts_a_week_at_most() -> None:
    """One that everybody has forgotten hides the next outage."""
    week = NOW + SILENCE_LONGEST
    assert silence(a_draft(), SilenceOrder("ada", "x", week)).follows
    with pytest.raises(WrongOrderError, match="until: at most 7 days from now were expected"):
        silence(a_draft(), SilenceOrder("ada", "x", week + timedelta(seconds=1)))


def test_p19_silences_are_bounded() -> None:
    """Those that have ended make room; where as many stand, another one is refused."""
    ended = a_silence(id="old", until=at(-1))
    standing = tuple(a_silence(id=f"s{n}") for n in range(SILENCES_MOST - 1))
    draft = a_draft(silences=(ended, *standing))
    assert silence(draft, SilenceOrder("ada", "x", at(1))).follows
    assert len(draft.silences) == SILENCES_MOST
    assert ended not in draft.silences
    answer = silence(draft, SilenceOrder("ada", "x", at(1)))
    assert answer.refused == "50 silences stand already; end some of them"


def test_a_silence_ended_by_a_person_has_ended_now() -> None:
    """It stays in the record as one that is over, for whoever pages what is still red."""
    draft = a_draft(silences=(a_silence(), a_silence(id="s2", stamp="neu")))
    answer = end_silence(draft, EndSilenceOrder("grace", "s2", "drill is over"))
    after = written(draft)
    assert answer.does == ("people are told about neu again; what is still red is paged",)
    assert after.silences == (a_silence(), a_silence(id="s2", stamp="neu", until=NOW))
    assert after.journal[-1].events == ("silence s2 of neu ended by grace: drill is over",)


def test_only_a_silence_that_stands_can_be_ended() -> None:
    """The answer names those that do."""
    draft = a_draft(silences=(a_silence(until=NOW), a_silence(id="s2")))
    assert end_silence(draft, EndSilenceOrder("ada", "s1")).refused == "no silence s1 stands; there are: s2"
    assert end_silence(a_draft(), EndSilenceOrder("ada", "s1")).refused.endswith("there are: none")
    assert draft.finish(Cause.PERSON) is None
