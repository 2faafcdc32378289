"""Does a silence mute what it covers, for as long as it stands, and nothing that must be heard?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.wanted import DRAINED_BY_OTHERS
from remediation.ledger.intent import IntentState
from remediation.ledger.orders import Silence
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Action, MessageKind
from rules.rule import Playbook
from rules.signals import Health, Severity
from tests.builders import (
    NOW,
    RULE,
    a_record,
    a_rule,
    a_seen,
    a_signal,
    an_incident,
    an_intent,
    at,
    refused,
    registers,
)
from tests.decide.cases import (
    RED,
    ROOTS,
    a_charge,
    a_recovered_record,
    a_red_record,
    decided,
    drained,
    incidents,
    looked_at,
)
from tests.decide.outboxes import delivered, happened, page, told

KEY = f"shop/weu/{RULE}"
GLOBAL = f"shop/global/{RULE}"
PAGES = a_charge(a_rule(playbook=Playbook.PAGE))
TELLS = a_charge(a_rule(playbook=Playbook.NOTIFY))
SILENCE = Silence("s1", "ada", "deploying", NOW, at(240), "weu")
WELL = a_signal(id="well", observed_at=at(200))
BOTH = [("page", "trigger", KEY), ("notify", "trigger", KEY)]
ENDS = [("page", "resolve", KEY), ("notify", "resolve", KEY)]


def red(*silences: Silence, **changes: Any) -> WorkloadRecord:
    """The processor of weu is red, nobody has heard of it yet, and these silences stand."""
    words: dict[str, Any] = {
        "registers": registers([RED, *ROOTS]),
        "stamps": looked_at(),
        "silences": silences,
    }
    return a_record(**(words | changes))


def silenced(record: WorkloadRecord, *silences: Silence) -> WorkloadRecord:
    """Everything was told, and then somebody wanted silence."""
    return replace(delivered(record), silences=silences or (SILENCE,))


@pytest.mark.parametrize("charge", [PAGES, TELLS])
def test_what_opens_in_silence_is_kept_and_told_to_nobody(charge: Any) -> None:
    """The journal has it, with the author of the silence and its end; it begins and ends unheard."""
    opened = decided(red(SILENCE), charge=charge)
    assert (told(opened), opened.incidents[KEY].silenced) == ([], True)
    assert f"incident {KEY} opened, silenced by ada until 2026-11-21 03:04:00: weu: " in happened(opened)
    assert decided(opened, charge=charge, now=at(1)) is opened
    ended = decided(opened, WELL, charge=charge, now=at(200))
    assert (told(ended), ended.incidents) == ([], {})


def test_what_is_still_red_at_the_end_of_a_silence_is_paged() -> None:
    """Once, with the name of who wanted silence; and its end is told."""
    quiet = decided(red(SILENCE), charge=PAGES)
    assert told(decided(quiet, charge=PAGES, now=at(239))) == []
    loud = decided(quiet, charge=PAGES, now=at(240))
    assert told(loud) == BOTH
    assert page(loud)["title"].endswith("(still red after a silence by ada)")
    assert not loud.incidents[KEY].silenced
    settled = delivered(loud)
    assert decided(settled, charge=PAGES, now=at(241)) is settled
    assert told(decided(settled, WELL, charge=PAGES, now=at(242))) == ENDS


def test_what_the_team_was_not_told_of_it_is_told_after_the_silence() -> None:
    """It wakes nobody then, either."""
    quiet = decided(red(SILENCE), charge=TELLS)
    assert told(decided(quiet, charge=TELLS, now=at(240))) == [("notify", "trigger", KEY)]


def test_a_silence_that_nobody_remembers_is_still_over() -> None:
    """P19: it was removed from the record, or the worker slept for more than a day."""
    quiet = decided(red(SILENCE), charge=PAGES)
    loud = decided(replace(quiet, silences=()), charge=PAGES, now=at(1))
    assert page(loud)["title"].endswith("(still red after a silence)")


def test_what_was_paged_before_the_silence_is_paged_again_after_it() -> None:
    """Its news are told then; while the silence stands it says nothing."""
    quiet = decided(silenced(decided(red(), charge=PAGES)), charge=PAGES, now=at(1))
    assert (told(quiet), quiet.incidents[KEY].silenced, quiet.incidents[KEY].pages) == ([], True, True)
    assert f"incident {KEY} is silenced by ada until" in happened(quiet)
    quieter = a_charge(a_rule(playbook=Playbook.PAGE, severity=Severity.WARNING))
    assert decided(quiet, charge=quieter, now=at(2)) is quiet
    loud = decided(quiet, charge=quieter, now=at(240))
    assert told(loud) == BOTH
    assert loud.incidents[KEY].severity is Severity.WARNING


def test_the_end_of_what_was_told_is_told_through_a_silence() -> None:
    """P8: whoever was woken need not go on looking; the team neither."""
    quiet = decided(silenced(decided(red(), charge=PAGES)), charge=PAGES, now=at(1))
    assert told(decided(quiet, WELL, charge=PAGES, now=at(200))) == ENDS
    team = decided(silenced(decided(red(), charge=TELLS)), charge=TELLS, now=at(1))
    assert not team.incidents[KEY].silenced
    assert told(decided(team, WELL, charge=TELLS, now=at(200))) == [("notify", "resolve", KEY)]


def test_news_of_what_the_team_knows_wait_for_the_end_of_the_silence() -> None:
    """Also that it has begun to page."""
    team = silenced(decided(red(), charge=TELLS))
    quiet = decided(team, charge=PAGES, now=at(1))
    assert (told(quiet), quiet.incidents) == ([], team.incidents)
    assert told(decided(quiet, charge=PAGES, now=at(240))) == BOTH


def test_a_silence_elsewhere_mutes_nothing_here() -> None:
    """Of another stamp, of another family, or before it has begun."""
    for other in ({"stamp": "neu"}, {"family": "root-*"}, {"since": at(1)}):
        assert told(decided(red(replace(SILENCE, **other)), charge=PAGES)) == BOTH


def test_the_silence_of_a_stamp_does_not_hide_that_the_fault_is_global() -> None:
    """P3: it reaches further than whoever made it knew. One of the whole workload covers it."""
    neu = a_signal("neu", health=Health.RED, id="neu")
    wide = decided(decided(red(SILENCE), charge=PAGES), neu, charge=PAGES, now=at(30))
    assert told(wide) == [("page", "trigger", GLOBAL), ("notify", "trigger", GLOBAL)]
    everything = replace(SILENCE, stamp=None)
    quiet = decided(decided(red(everything), charge=PAGES), neu, charge=PAGES, now=at(30))
    assert (told(quiet), list(quiet.incidents)) == ([], [GLOBAL])


def failing(action: Action, known: Action | None = Action.APPLIED, **incident: Any) -> WorkloadRecord:
    """The worker could not do what it wanted for weu, in a silence; people know of it so much."""
    stuck = an_intent(state=IntentState.APPLIED, applied_at=at(-600), stuck=True)
    no = StampRecord(refusals=refused(NOW, "403 Forbidden"), seen=a_seen())
    return a_red_record(
        intents={stuck.id: stuck} if action is Action.STUCK else {},
        stamps=looked_at(weu=no) if action is Action.REFUSED else looked_at(),
        incidents=incidents(an_incident(opened_at=at(-60), action=known, **incident)) if known else {},
        silences=(SILENCE,),
    )


@pytest.mark.parametrize("action", [Action.STUCK, Action.REFUSED])
@pytest.mark.parametrize("known", [Action.APPLIED, None])
@pytest.mark.parametrize("heard", [True, False])
def test_what_the_worker_could_not_do_is_paged_through_a_silence(
    action: Action, known: Action | None, *, heard: bool
) -> None:
    """Nobody else knows of it. Once; and then there is silence again until its end."""
    after = decided(failing(action, known, pages=heard, silenced=not heard))
    assert told(after) == BOTH
    assert str(action).upper() in page(after)["title"]
    settled = delivered(after)
    assert (settled.incidents[KEY].silenced, settled.incidents[KEY].pages) == (True, True)
    assert decided(settled, now=at(1)) is settled
    assert page(decided(settled, now=at(240)))["title"].endswith("(still red after a silence by ada)")


def test_what_breaks_a_silence_says_how_long_it_has_been_red() -> None:
    """And is louder for it; that is not said again at the end of the silence."""
    record = failing(Action.STUCK)
    (known,) = record.incidents.values()
    old = replace(record, incidents=incidents(replace(known, opened_at=at(-1800))))
    after = decided(old)
    assert page(after)["title"].startswith("STILL RED after 30m: shop/weu: ")
    assert page(decided(delivered(after), now=at(240)))["title"].startswith("shop/weu: ")


def test_what_wakes_nobody_does_not_break_a_silence() -> None:
    """A step of a rule that only tells the team is told after the silence."""
    after = decided(failing(Action.STUCK, None), charge=TELLS)
    assert (told(after), after.incidents[KEY].silenced) == ([], True)


def asked_again(*, drain: bool) -> list[tuple[str, str, str]]:
    """What is told of a stamp that has been out for half a day, by our hand or by others', in a silence."""
    muted = replace(SILENCE, since=at(-60), until=at(90_000))
    if drain:
        record = a_recovered_record(stamps=looked_at(weu=drained()), silences=(muted,))
    else:
        out = StampRecord(adopted_at=at(-600), seen=a_seen())
        record = red(muted, registers=registers(ROOTS), stamps=looked_at(weu=out))
    return told(decided(delivered(decided(record)), now=at(43_200)))


def test_a_stamp_that_the_worker_holds_out_is_asked_about_through_a_silence() -> None:
    """P14: it is the worker's own debt. What others drained is theirs, and is not asked about."""
    assert asked_again(drain=True) == [("page", "trigger", KEY)]
    assert asked_again(drain=False) == []
    assert f"shop/weu/{DRAINED_BY_OTHERS}" != KEY


def test_a_silence_ends_the_mark_of_what_explained() -> None:
    """Silenced and explained at once: the silence counts first, and what explains counts after it."""
    root = a_rule("root-node-red", when=a_rule().when, playbook=Playbook.PAGE)
    under = an_incident(pages=False, under="shop/weu/root-node-red")
    record = red(SILENCE, incidents=incidents(under))
    quiet = decided(record, charge=a_charge(root, a_rule(playbook=Playbook.PAGE)), now=at(1))
    assert (quiet.incidents[KEY].silenced, quiet.incidents[KEY].under) == (True, "")


@pytest.mark.parametrize(("when", "kept"), [(86_639, 1), (86_640, 0)])
def test_an_ended_silence_is_forgotten_after_a_day(when: float, kept: int) -> None:
    """P19: the record is bounded."""
    record = red(SILENCE, registers={}, stamps={})
    assert len(decided(record, charge=PAGES, now=at(when)).silences) == kept


def test_nothing_is_resolved_that_was_not_triggered() -> None:
    """P8: a stamp's fault that opened in silence and widens ends unheard as a part of the wider one."""
    opened = decided(red(SILENCE), charge=PAGES)
    wide = decided(opened, a_signal("neu", health=Health.RED, id="neu"), charge=PAGES, now=at(30))
    assert MessageKind.RESOLVE not in {message.kind for message in wide.outbox}
    assert "has become part of" in happened(wide)
