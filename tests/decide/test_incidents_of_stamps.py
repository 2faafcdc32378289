"""What are people told of what was done to a stamp, by the worker or by others?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.incidents import DRAIN_UNDONE, DRAINED_BY_OTHERS
from remediation.ledger.intent import Intent, IntentState, Verb
from remediation.ledger.orders import Approval
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Action, Channel, MessageKind
from rules.policy import Mode
from rules.signals import Health
from tests.builders import (
    NODE,
    NOW,
    RULE,
    a_finding,
    a_live_look,
    a_record,
    a_rule,
    a_seen,
    a_signal,
    a_workload,
    an_incident,
    an_intent,
    at,
    findings,
    refused,
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
    incidents,
    looked_at,
)

KEY = an_incident().key
OPEN = incidents(an_incident(opened_at=at(-60)))
OBSERVING = a_charge(workload=a_workload(mode=Mode.OBSERVE))


def triggers(record: WorkloadRecord) -> dict[Channel, str]:
    """The titles of what waits to be told, by channel."""
    return {m.channel: m.title for m in record.outbox if m.kind is MessageKind.TRIGGER}


def worker_said(record: WorkloadRecord) -> str:
    """What the team is told that the worker does."""
    (message,) = (m for m in record.outbox if m.channel is Channel.NOTIFY)
    return dict(message.facts)["Worker"]


def acted(intent: Intent | None = None, *, known: Action = Action.NONE, **stamp: Any) -> WorkloadRecord:
    """The record after a decision about this intent or stamp, of which people know so much."""
    record = a_red_record(
        incidents=incidents(an_incident(opened_at=at(-60), action=known)),
        intents={intent.id: intent} if intent else {},
        stamps=looked_at(weu=StampRecord(**({"seen": a_seen()} | stamp))),
    )
    return decided(record)


def test_what_goes_as_planned_is_told_and_wakes_nobody() -> None:
    """Planned, applied and drained are news for the team's channel."""
    planned = acted(an_intent())
    assert triggers(planned)[Channel.NOTIFY].endswith("The worker is about to act.")
    assert worker_said(planned) == "drain of weu is planned"
    applied = acted(an_intent(state=IntentState.APPLIED, applied_at=NOW), known=Action.PLANNED)
    assert triggers(applied)[Channel.NOTIFY].endswith("The worker has acted.")
    out = acted(drain=drained().drain, known=Action.APPLIED)
    assert triggers(out)[Channel.NOTIFY].endswith("Drained.")
    assert "it comes back when recovery is proven" in worker_said(out)
    assert all(Channel.PAGE not in triggers(record) for record in (planned, applied, out))


def test_what_needs_hands_wakes_again() -> None:
    """What is stuck, and what the lever refuses."""
    stuck = acted(an_intent(state=IntentState.APPLIED, applied_at=NOW, stuck=True), known=Action.APPLIED)
    assert triggers(stuck)[Channel.PAGE].endswith("STUCK: look at it.")
    assert worker_said(stuck).startswith("STUCK: weu was acted upon")
    no = acted(refusals=refused(NOW, "403 Forbidden"), known=Action.PLANNED)
    assert triggers(no)[Channel.PAGE].endswith("REFUSED: the worker cannot do it.")
    assert worker_said(no) == "REFUSED: 403 Forbidden; do it by hand if it must be"


def test_a_refused_rejoin_wakes_someone() -> None:
    """P14: the stamp is well, and the worker cannot bring it back."""
    stays = replace(drained(), refusals=refused(NOW, "403"))
    record = a_recovered_record(stamps=looked_at(weu=stays))
    after = decided(replace(record, incidents=incidents(an_incident(action=Action.PLANNED))))
    assert after.incidents[KEY].action is Action.REFUSED
    assert Channel.PAGE in triggers(after)


def test_a_refusal_of_the_past_is_no_news_of_a_new_incident() -> None:
    """It was told with the incident in which it happened."""
    old = StampRecord(refusals=refused(at(-7200), "403"), seen=a_seen())
    after = decided(a_red_record(findings={}, stamps=looked_at(weu=old)))
    assert after.incidents[KEY].action is Action.NONE


def test_an_incident_lasts_as_long_as_the_drain() -> None:
    """P8, P14: the finding has ended, but the stamp is still out."""
    record = replace(a_recovered_record(stamps=looked_at(weu=drained())), incidents=OPEN)
    after = decided(record)
    assert after.incidents[KEY].action is Action.DRAINED
    assert MessageKind.RESOLVE not in {m.kind for m in after.outbox}


@pytest.mark.parametrize("state", [IntentState.ACTING, IntentState.APPLIED])
@pytest.mark.parametrize("verb", Verb)
def test_an_incident_lasts_as_long_as_what_is_under_way(verb: Verb, state: IntentState) -> None:
    """P8, P14: a drain that may yet land, and a rejoin that was not seen to help, are nobody's secret."""
    intent = an_intent(verb, state=state, applied_at=NOW)
    record = a_record(
        registers=registers([GREEN, *ROOTS]), incidents=OPEN, intents={intent.id: intent}, stamps=looked_at()
    )
    assert KEY in decided(record).incidents
    stuck = decided(replace(record, intents={intent.id: replace(intent, stuck=True)}))
    assert triggers(stuck)[Channel.PAGE].endswith("STUCK: look at it.")
    over = decided(replace(record, intents={}))
    assert [m.kind for m in over.outbox] == [MessageKind.RESOLVE] * 2


def test_something_under_way_at_a_stamp_never_looked_at_keeps_its_incident() -> None:
    """P8: the first look may be yet to come."""
    intent = an_intent(state=IntentState.ACTING)
    record = a_record(registers=registers([GREEN]), incidents=OPEN, intents={intent.id: intent})
    assert KEY in decided(record).incidents


def test_no_stamp_is_out_by_our_hand_without_an_incident() -> None:
    """P14: whatever became of the first one, someone is told, and told again."""
    record = a_recovered_record(stamps=looked_at(weu=drained()), incidents={})
    after = decided(record)
    assert "drained by the worker" in triggers(after)[Channel.PAGE]
    later = decided(replace(after, outbox=()), now=at(43_200))
    assert "still drained" in triggers(later)[Channel.PAGE]


def test_a_stamp_that_stays_out_is_asked_about_again_and_again() -> None:
    """P14: every twelve hours, by a page, whose end is told as well (P8)."""
    told = incidents(an_incident(action=Action.DRAINED, opened_at=at(-700), pages=False))
    record = a_recovered_record(
        registers=registers([a_signal(health=Health.YELLOW), *ROOTS]),
        incidents=told,
        stamps=looked_at(weu=drained()),
    )
    early = decided(record, now=at(43_200 - 601))
    assert Channel.PAGE not in triggers(early)
    first = decided(record, now=at(43_200 - 600))
    assert triggers(first)[Channel.PAGE].endswith("bring it back, or say that it stays out)")
    silent = replace(first, outbox=())
    assert Channel.PAGE not in triggers(decided(silent, now=at(80_000)))
    assert Channel.PAGE in triggers(decided(silent, now=at(2 * 43_200 - 600)))
    back = decided(replace(silent, stamps=looked_at()), now=at(50_000))
    assert (Channel.PAGE, MessageKind.RESOLVE) in {(m.channel, m.kind) for m in back.outbox}


def test_a_persons_drain_is_told_and_wakes_nobody() -> None:
    """Whoever asked for it knows; the team reads whose word brings it back."""
    record = a_recovered_record(stamps=looked_at(weu=drained(author="ada")), incidents={})
    after = decided(record)
    assert list(triggers(after)) == [Channel.NOTIFY]
    assert "drained at the word of ada" in triggers(after)[Channel.NOTIFY]
    assert "it was ada's word, and only a person brings it back" in worker_said(after)


def test_a_stuck_step_wakes_someone_though_nothing_else_would_tell_of_it() -> None:
    """A person asked for it, and no rule holds."""
    stuck = an_intent(state=IntentState.APPLIED, applied_at=at(-600), stuck=True, author="ada")
    record = a_record(registers=registers(ROOTS), intents={stuck.id: stuck}, stamps=looked_at())
    assert triggers(decided(record))[Channel.PAGE].endswith("STUCK: look at it.")
    going = replace(record, intents={stuck.id: replace(stuck, stuck=False)})
    assert decided(going).incidents == {}
    assert decided(record, charge=OBSERVING).incidents == {}


def test_a_stamp_that_fell_back_on_probation_stays_out_and_says_so() -> None:
    """P12: it does not promise to come back."""
    record = a_red_record(
        incidents=incidents(an_incident(action=Action.APPLIED)), stamps=looked_at(weu=drained(stays_out=True))
    )
    assert "fell back soon after its return, and stays out until a person decides" in worker_said(
        decided(record)
    )


def test_a_drain_by_the_second_lever_is_no_refusal() -> None:
    """The first lever said no and the second did it; a refusal after that is the rejoin's."""
    for refused_at, action in ((at(-620), Action.DRAINED), (at(-590), Action.REFUSED)):
        stays = replace(drained(), refusals=refused(refused_at, "403"))
        record = a_red_record(
            incidents=incidents(an_incident(opened_at=at(-700))), stamps=looked_at(weu=stays)
        )
        assert decided(record).incidents[KEY].action is action


def test_what_holds_a_rejoin_is_told_with_the_id_by_which_a_person_may_approve_it() -> None:
    """P14, P18: the stamp could come back; and so of a drain."""
    asked = Approval("1a2b", Verb.REJOIN, "weu", RULE, "p", "w", "the worker", NOW, at(900))
    given = replace(asked, id="given", approved_by="ada")
    approving = a_charge(a_rule(mode=Mode.APPROVE))
    record = a_recovered_record(approvals=(asked, given, replace(asked, id="else", stamp="neu")))
    waits = decided(record, charge=approving)
    assert waits.incidents[KEY].told_holds == ("rejoin:mode",)
    said = worker_said(waits)
    assert "recovery is proven, but it stays out: " in said
    assert "approve rejoin of weu as 1a2b until 03:15:00" in said
    assert not any(other in said for other in ("given", "else"))
    drain = replace(asked, verb=Verb.DRAIN)
    held = decided(a_red_record(approvals=(drain,)), charge=approving)
    assert "approve drain of weu as 1a2b until 03:15:00" in worker_said(held)


def others(**stamp: Any) -> WorkloadRecord:
    """Nothing holds, and other hands have been at weu."""
    return a_record(registers=registers(ROOTS), stamps=looked_at(weu=StampRecord(seen=a_seen(), **stamp)))


def test_a_drain_by_other_hands_is_asked_about() -> None:
    """It wakes nobody: whoever did it knows. It ends when they bring the stamp back."""
    after = decided(others(adopted_at=NOW))
    key = f"shop/weu/{DRAINED_BY_OTHERS}"
    assert list(after.incidents) == [key]
    assert list(triggers(after)) == [Channel.NOTIFY]
    assert after.incidents[key].action is Action.NONE
    back = decided(replace(after, stamps=looked_at(), outbox=()))
    assert [(m.channel, m.kind) for m in back.outbox] == [(Channel.NOTIFY, MessageKind.RESOLVE)]


def test_a_drain_that_others_undid_wakes_someone_for_the_cooldown() -> None:
    """The worker leaves it so, and says so."""
    after = decided(others(undone_at=NOW))
    assert list(after.incidents) == [f"shop/weu/{DRAIN_UNDONE}"]
    assert "undone by hand" in triggers(after)[Channel.PAGE]
    silent = replace(after, outbox=(), registers={})
    assert decided(silent, now=at(1799)) is silent
    assert not decided(silent, now=at(1800)).incidents


@pytest.mark.parametrize("stamp", [{"adopted_at": NOW}, {"undone_at": NOW}, {"drain": drained().drain}])
def test_who_only_observes_tells_nobody_of_others_hands(stamp: dict[str, Any]) -> None:
    """P17: nor opens an incident about a stamp that is out; one that is open stays until its end."""
    after = decided(others(**stamp), charge=OBSERVING)
    assert (after.incidents, after.outbox) == ({}, ())
    long_after = decided(after, charge=OBSERVING, now=at(43_200))
    assert (long_after.incidents, long_after.outbox) == ({}, ())
    known = replace(others(drain=drained().drain), incidents=OPEN)
    assert KEY in decided(known, charge=OBSERVING).incidents


def test_the_incidents_of_a_stamp_that_is_gone_end() -> None:
    """P8: with the stamp, its drain, its finding and what was under way there."""
    intent = an_intent(state=IntentState.APPLIED, applied_at=NOW)
    record = a_red_record(stamps=looked_at(weu=drained()), incidents=OPEN, intents={intent.id: intent})
    after = decided(record, charge=a_charge(workload=an_auto_workload(["neu", "eus"])))
    assert (after.incidents, set(after.stamps), after.in_flight()) == ({}, {"neu", "eus"}, [])
    assert {(m.channel, m.kind) for m in after.outbox} == {(c, MessageKind.RESOLVE) for c in Channel}


def test_a_drained_stamps_incident_outlives_a_wider_one() -> None:
    """P14: when the fault turns global, the stamp is still out, and still asked about."""
    record = a_red_record(
        registers=registers([RED, a_signal("neu", health=Health.RED), *ROOTS]),
        findings=findings(a_finding(since=NOW), a_finding(stamp="neu")),
        stamps=looked_at(weu=drained()),
        incidents=OPEN,
    )
    after = decided(record)
    assert set(after.incidents) == {KEY, f"shop/global/{RULE}"}
    assert NODE in record.findings[next(iter(record.findings))].reason
    for _ in range(2):  # one look is not enough to say that others brought it back
        after = decided(replace(after, outbox=()), live=a_live_look())
    assert after.stamp("weu").drain is None
