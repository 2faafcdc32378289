"""What is told of an incident that lasts: does it get louder, and is one that comes and goes told once?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from remediation.decide.plan import Charge
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Action
from rules.conditions import NodeIs
from rules.policy import Mode
from rules.rule import Playbook
from rules.signals import Health, Severity
from tests.builders import (
    NOW,
    RULE,
    a_record,
    a_rule,
    a_seen,
    a_signal,
    a_workload,
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
    a_red_record,
    an_auto_workload,
    decided,
    drained,
    incidents,
    looked_at,
)
from tests.decide.outboxes import card, delivered, page, told

KEY = f"shop/weu/{RULE}"
ERRORS = a_rule(playbook=Playbook.PAGE, severity=Severity.ERROR)
LASTS = a_charge(ERRORS)
BOTH = [("page", "trigger", KEY), ("notify", "trigger", KEY)]
PREFIX = "STILL RED after 30m: shop/weu: "


def paged(charge: Charge = LASTS) -> WorkloadRecord:
    """Someone was woken, and it is red ever since."""
    record = a_record(registers=registers([RED, *ROOTS]), stamps=looked_at())
    return delivered(decided(record, charge=charge))


def standing(record: WorkloadRecord, when: float, charge: Charge = LASTS) -> WorkloadRecord:
    """Then; the roots are green all the time."""
    fresh = registers([RED, *(replace(root, observed_at=at(when)) for root in ROOTS)])
    return decided(replace(record, registers=fresh), charge=charge, now=at(when))


def test_a_page_that_stands_for_half_an_hour_is_sent_once_more_and_louder() -> None:
    """Once; its severity stays one step up until its end."""
    first = paged()
    assert told(standing(first, 1799)) == []
    louder = standing(first, 1800)
    assert told(louder) == BOTH
    assert page(louder)["title"].startswith(PREFIX)
    assert louder.outbox[0].severity is Severity.CRITICAL
    assert (louder.incidents[KEY].escalated, louder.incidents[KEY].severity) == (True, Severity.CRITICAL)
    assert told(standing(delivered(louder), 9000)) == []


def test_the_loudest_is_sent_once_more_all_the_same() -> None:
    """There is no step above critical."""
    critical = a_charge(a_rule(playbook=Playbook.PAGE))
    late = standing(paged(critical), 1800, critical)
    assert told(late) == BOTH
    assert late.incidents[KEY].severity is Severity.CRITICAL


def test_how_long_is_a_number_of_the_workload() -> None:
    """`escalate_after`."""
    charge = a_charge(ERRORS, workload=an_auto_workload(escalate_after=timedelta(minutes=5)))
    assert told(standing(paged(charge), 299, charge)) == []
    late = standing(paged(charge), 300, charge)
    assert page(late)["title"].startswith("STILL RED after 5m: ")


def test_where_a_drain_has_helped_nobody_is_woken_again() -> None:
    """The stamp is out, and its users are elsewhere."""
    record = a_red_record(
        incidents=incidents(an_incident(opened_at=at(-1800), action=Action.DRAINED)),
        stamps=looked_at(weu=drained()),
    )
    assert told(decided(record)) == []
    still_in = a_red_record(incidents=incidents(an_incident(opened_at=at(-1800))))
    assert page(decided(still_in))["title"].startswith(PREFIX)


def test_what_wakes_nobody_or_is_no_longer_found_does_not_escalate() -> None:
    """What the team is told of; and what only a step under way keeps open."""
    tells = a_charge(a_rule(playbook=Playbook.NOTIFY))
    assert told(standing(paged(tells), 1800, tells)) == []
    going = an_intent()
    record = a_record(
        registers=registers(ROOTS),
        incidents=incidents(an_incident(opened_at=at(-1800), action=Action.PLANNED)),
        intents={going.id: going},
        stamps=looked_at(),
    )
    assert "STILL RED" not in "".join(message.title for message in decided(record).outbox)


def test_what_changes_after_an_escalation_is_told_without_it() -> None:
    """Its rule was made quieter: still a step louder than the rule says."""
    louder = delivered(standing(paged(), 1800))
    warns = a_charge(replace(ERRORS, severity=Severity.WARNING))
    after = decided(louder, charge=warns, now=at(1801))
    assert told(after) == [("notify", "trigger", KEY)]
    assert card(after)["title"].startswith("shop/weu: ")
    assert after.incidents[KEY].severity is Severity.ERROR


ROOT_RULE = a_rule("root-node-red", when=NodeIs("Stamp", frozenset({Health.RED})))
ROOT_KEY = "shop/weu/root-node-red"
FLAPS = a_charge(ROOT_RULE)
ROOT_BOTH = [("page", "trigger", ROOT_KEY), ("notify", "trigger", ROOT_KEY)]
TURNS = (at(-1800), at(-1200), at(-600), NOW)


def rooted(health: Health, when: float, turns: tuple[Any, ...] = TURNS, **changes: Any) -> WorkloadRecord:
    """The root of weu, which has turned red at these times, is like this now."""
    words = [a_signal("weu", "Stamp", health, id=f"{health}/{when}", observed_at=at(when)), *ROOTS[1:]]
    stamps = looked_at(weu=StampRecord(turns=turns, seen=a_seen()))
    return a_record(registers=registers(words), stamps=stamps, **changes)


def then(record: WorkloadRecord, health: Health, when: float, turns: tuple[Any, ...]) -> WorkloadRecord:
    """What follows, with everything told."""
    return rooted(health, when, turns, incidents=record.incidents, revision=record.revision)


def test_a_root_that_turns_red_again_and_again_is_one_page() -> None:
    """Its incident stays open between two turns, and ends when it has been quiet for a quarter of an hour."""
    opened = decided(rooted(Health.RED, 0), charge=FLAPS)
    assert page(opened)["title"].startswith("shop/weu: flapping: red 4 times within 1h. ")
    well = then(opened, Health.GREEN, 60, TURNS)
    assert decided(well, charge=FLAPS, now=at(60)) is well
    no = looked_at(weu=StampRecord(turns=TURNS, seen=a_seen(), refusals=refused(at(50), "403")))
    news = card(decided(replace(well, stamps=no), charge=FLAPS, now=at(60)))["title"]
    assert news.startswith("shop/weu: flapping: red 4 times within 1h. The ")
    again = (*TURNS, at(120))
    red = then(opened, Health.RED, 120, again)
    assert told(decided(red, charge=FLAPS, now=at(120))) == []
    quiet = then(opened, Health.GREEN, 1019, again)
    assert decided(quiet, charge=FLAPS, now=at(1019)) is quiet
    over = decided(then(opened, Health.GREEN, 1020, again), charge=FLAPS, now=at(1020))
    assert told(over) == [("page", "resolve", ROOT_KEY), ("notify", "resolve", ROOT_KEY)]


def test_it_takes_four_turns_within_an_hour() -> None:
    """A turn that is an hour old does not count any more."""
    just = (at(-3599), *TURNS[1:])
    assert "flapping" in page(decided(rooted(Health.RED, 0, just), charge=FLAPS))["title"]
    for fewer in ((at(-3600), *TURNS[1:]), TURNS[1:], ()):
        assert "flapping" not in page(decided(rooted(Health.RED, 0, fewer), charge=FLAPS))["title"]
    opened = decided(rooted(Health.RED, 0, TURNS[1:]), charge=FLAPS)
    ended = decided(then(opened, Health.GREEN, 60, TURNS[1:]), charge=FLAPS, now=at(60))
    assert told(ended) == [("page", "resolve", ROOT_KEY), ("notify", "resolve", ROOT_KEY)]


def test_people_are_told_when_an_open_incident_begins_to_flap() -> None:
    """Once. It wakes while the stamp is red, for that holds its drain; not where it has just ended."""
    opened = decided(rooted(Health.RED, 0, TURNS[1:]), charge=FLAPS)
    for health, news in ((Health.RED, ROOT_BOTH), (Health.GREEN, ROOT_BOTH[1:])):
        flaps = decided(then(opened, health, 60, (*TURNS[1:], at(60))), charge=FLAPS, now=at(60))
        assert told(flaps) == news
        assert card(flaps)["title"].startswith("shop/weu: flapping: red 4 times within 1h. ")
        settled = delivered(flaps)
        assert decided(settled, charge=FLAPS, now=at(61)) is settled


def test_each_guardrail_is_told_once_while_a_root_flaps() -> None:
    """What holds comes and goes with every turn; that alone wakes nobody again."""
    charge = a_charge(replace(ROOT_RULE, playbook=Playbook.DRAIN, mode=Mode.APPROVE))
    opened = decided(rooted(Health.RED, 0), charge=charge)
    incident = opened.incidents[ROOT_KEY]
    known = replace(incident, told_holds=("another", *incident.told_holds))
    red = replace(delivered(opened), incidents=incidents(known))
    assert "mode" in incident.told_holds
    assert told(decided(red, charge=charge, now=at(1))) == []


def test_only_what_asks_for_a_drain_flaps_with_its_stamp() -> None:
    """Another fault of the same stamp ends as it comes, and so does the same one of another stamp."""
    charge = a_charge(ROOT_RULE, ERRORS)
    elsewhere = an_incident("neu", "root-node-red", summary="Root.")
    record = rooted(Health.GREEN, 0, incidents=incidents(an_incident("weu", "root-node-red"), elsewhere))
    red = decided(replace(record, registers={**record.registers, RED.key: RED}), charge=charge)
    assert set(red.incidents) == {KEY, ROOT_KEY}
    assert "flapping" not in red.incidents[KEY].summary


def test_a_flapping_stamp_with_nothing_open_opens_nothing() -> None:
    """Without a finding there is nothing to tell."""
    assert decided(rooted(Health.GREEN, 0), charge=FLAPS).incidents == {}


def test_who_only_observes_lets_a_flapping_incident_end_in_its_time() -> None:
    """P17: it was opened before; it ends as it would have."""
    opened = decided(rooted(Health.RED, 0), charge=FLAPS)
    observing = a_charge(ROOT_RULE, workload=a_workload(mode=Mode.OBSERVE))
    well = then(opened, Health.GREEN, 60, TURNS)
    assert ROOT_KEY in decided(well, charge=observing, now=at(60)).incidents
    over = decided(then(opened, Health.GREEN, 900, TURNS), charge=observing, now=at(900))
    assert over.incidents == {}
