"""What are people told, in which order, and when is nothing worth telling?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.incidents import incident_key
from remediation.ledger.intent import IntentState
from remediation.ledger.record import WorkloadRecord
from rules.policy import Mode
from rules.reach import Scope
from rules.rule import AskedOf, Playbook, Rule
from rules.signals import Health, Severity
from tests.builders import (
    NOW,
    RULE,
    a_finding,
    a_record,
    a_rule,
    a_signal,
    a_workload,
    an_intent,
    at,
    findings,
    registers,
)
from tests.decide.cases import RED, ROOTS, a_charge, a_red_record, decided
from tests.decide.outboxes import delivered, page, told

KEY = f"shop/weu/{RULE}"
GLOBAL = f"shop/global/{RULE}"
TELLS = a_rule(playbook=Playbook.NOTIFY, severity=Severity.WARNING)
PAGES = a_rule(playbook=Playbook.PAGE)


def quiet(*signals: Any, **changes: Any) -> WorkloadRecord:
    """Nothing holds yet, and these are the words about it."""
    return a_red_record(findings={}, registers=registers([*signals, *ROOTS]), **changes)


def test_the_dedup_key_needs_no_ledger() -> None:
    """P8: workload, stamp or `global`, and family: nothing that only the record knows."""
    assert incident_key("shop", "weu", RULE) == KEY
    assert incident_key("shop", None, RULE) == GLOBAL
    opened = decided(quiet(RED), charge=a_charge(PAGES))
    assert list(opened.incidents) == [KEY]
    assert {m.incident for m in opened.outbox} == {KEY}


def test_an_incident_pages_once_and_tells_the_team() -> None:
    """P8: the page says what, how far, and what the worker does; nothing more while nothing changes."""
    opened = decided(quiet(RED), charge=a_charge(PAGES))
    assert told(opened) == [("page", "trigger", KEY), ("notify", "trigger", KEY)]
    assert page(opened) == {
        "title": "shop/weu: The background processor cannot read from the event hub.",
        "Finding": "weu: BackgroundProcessor is red (/health-models/shop at 03:00:00)",
        "Scope": "stamp: only weu is affected",
        "Worker": "no rule asks for more than to tell you",
    }
    again = delivered(opened)
    assert decided(again, charge=a_charge(PAGES), now=at(60)) is again


def test_what_only_notifies_wakes_nobody_and_what_is_only_recorded_tells_nobody() -> None:
    """From its opening to its end."""
    opened = decided(quiet(RED), charge=a_charge(TELLS))
    assert told(opened) == [("notify", "trigger", KEY)]
    ended = decided(replace(delivered(opened), registers=registers(ROOTS)), charge=a_charge(TELLS))
    assert told(ended) == [("notify", "resolve", KEY)]
    recorded = decided(quiet(RED), charge=a_charge(a_rule(playbook=Playbook.RECORD)))
    assert (recorded.incidents, recorded.outbox) == ({}, ())
    assert recorded.findings


def test_an_end_is_told_wherever_its_beginning_was() -> None:
    """P8: the resolve follows the trigger, and the incident is closed."""
    opened = decided(quiet(RED), charge=a_charge(PAGES))
    well = registers([replace(RED, health=Health.GREEN), *ROOTS])
    ended = decided(replace(opened, registers=well), charge=a_charge(PAGES), now=at(60))
    assert ended.incidents == {}
    assert told(ended) == [
        ("page", "trigger", KEY),
        ("notify", "trigger", KEY),
        ("page", "resolve", KEY),
        ("notify", "resolve", KEY),
    ]
    assert ended.outbox[2].title.endswith("(has ended)")


@pytest.mark.parametrize(("rule", "workload"), [(Mode.OBSERVE, Mode.AUTO), (Mode.AUTO, Mode.OBSERVE)])
def test_observe_tells_nobody(rule: Mode, workload: Mode) -> None:
    """P17: the finding stands, the step is held, and no one hears of it."""
    charge = a_charge(a_rule(mode=rule), workload=a_workload(mode=workload))
    after = decided(a_red_record(), charge=charge)
    assert (after.incidents, after.outbox) == ({}, ())
    assert [held.guardrail for held in after.held] == ["mode"]


def test_a_fault_that_widens_becomes_one_global_incident() -> None:
    """P3, P8: the stamp's page ends as part of the wider one, whose trigger comes first."""
    opened = delivered(decided(quiet(RED), charge=a_charge(PAGES)))
    wider = decided(opened, a_signal("neu", health=Health.RED, id="neu"), charge=a_charge(PAGES), now=at(30))
    assert list(wider.incidents) == [GLOBAL]
    assert told(wider) == [
        ("page", "trigger", GLOBAL),
        ("notify", "trigger", GLOBAL),
        ("page", "resolve", KEY),
        ("notify", "resolve", KEY),
    ]
    assert page(wider)["title"].startswith("shop/global [global]: ")
    assert f"{RULE} on neu, weu" in page(wider)["Scope"]
    assert wider.outbox[2].title.endswith(f"(has become part of {GLOBAL})")
    assert wider.incidents[GLOBAL].stamp is None


def test_a_global_incident_that_narrows_becomes_the_stamps_own() -> None:
    """The other stamp is well again; what is left is told as what it is."""
    both = quiet(RED, a_signal("neu", health=Health.RED, id="neu"))
    wide = delivered(decided(both, charge=a_charge(PAGES)))
    assert list(wide.incidents) == [GLOBAL]
    narrow = decided(
        wide, a_signal("neu", id="well", observed_at=at(120)), charge=a_charge(PAGES), now=at(120)
    )
    assert list(narrow.incidents) == [KEY]
    assert ("page", "resolve", GLOBAL) in told(narrow)
    assert ("page", "trigger", KEY) in told(narrow)


def test_the_page_of_a_global_fault_says_that_nothing_is_drained_and_why() -> None:
    """P3: with the guardrail's name and numbers."""
    wide = decided(quiet(RED, a_signal("neu", health=Health.RED, id="neu")))
    assert "no drain now: " in page(wide)["Worker"]
    assert "(only_a_stamp_fault)" in page(wide)["Worker"]
    assert page(wide)["Finding"].count("BackgroundProcessor is red") == 2


def test_rules_of_one_family_are_one_incident_and_the_louder_speaks() -> None:
    """It pages if one of them does; both findings are named."""
    quiet_rule = a_rule("quiet", family=RULE, playbook=Playbook.PAGE, severity=Severity.WARNING)
    loud = a_rule(playbook=Playbook.NOTIFY, summary="Loud.")
    for rules in ((quiet_rule, loud), (loud, quiet_rule)):
        opened = decided(quiet(RED), charge=a_charge(*rules))
        (incident,) = opened.incidents.values()
        assert (incident.severity, incident.summary, incident.pages) == (Severity.CRITICAL, "Loud.", True)


WARNS = replace(PAGES, severity=Severity.WARNING)
CHANGES = [
    (WARNS, PAGES, "severity"),
    (PAGES, replace(PAGES, playbook=Playbook.DRAIN, mode=Mode.APPROVE), "a hold"),
]


@pytest.mark.parametrize(("before", "rule", "what"), CHANGES)
def test_news_are_told_and_wake_again(before: Rule, rule: Rule, what: str) -> None:
    """Of what has become louder and of what holds a drain; the page keeps its key and its beginning."""
    opened = delivered(decided(quiet(RED), charge=a_charge(before)))
    renewed = decided(opened, charge=a_charge(rule), now=at(90))
    assert told(renewed) == [("page", "trigger", KEY), ("notify", "trigger", KEY)], what
    assert renewed.incidents[KEY].opened_at == NOW
    settled = delivered(renewed)
    assert decided(settled, charge=a_charge(rule), now=at(91)) is settled


def test_what_has_become_less_bad_is_told_and_wakes_nobody() -> None:
    """The team sees it; on-call has been woken once."""
    opened = delivered(decided(quiet(RED), charge=a_charge(PAGES)))
    quieter = decided(opened, charge=a_charge(WARNS), now=at(90))
    assert told(quieter) == [("notify", "trigger", KEY)]
    assert quieter.incidents[KEY].severity is Severity.WARNING


def test_who_is_told_reads_on_in_the_runbook() -> None:
    """If the rule names one; of several rules of a family, the louder one's."""
    book = replace(PAGES, runbook="https://example.org/reads")
    other = replace(TELLS, name="other", family=RULE, runbook="https://example.org/other")
    assert page(decided(quiet(RED), charge=a_charge(other, book)))["Runbook"] == "https://example.org/reads"
    assert page(decided(quiet(RED), charge=a_charge(other, PAGES)))["Runbook"] == "https://example.org/other"


def test_an_incident_that_begins_to_page_pages() -> None:
    """And goes on doing so when the rule that woke someone is gone."""
    opened = delivered(decided(quiet(RED), charge=a_charge(a_rule(playbook=Playbook.NOTIFY))))
    louder = decided(opened, charge=a_charge(PAGES), now=at(1))
    assert ("page", "trigger", KEY) in told(louder)
    again = delivered(louder)
    assert decided(again, charge=a_charge(a_rule(playbook=Playbook.NOTIFY)), now=at(2)) is again


def test_what_lets_go_by_itself_is_no_news() -> None:
    """Settling, another step in flight, and a worker that has just begun are in the record only."""
    young = decided(quiet(RED))
    assert [held.guardrail for held in young.held] == ["settled"]
    assert young.incidents[KEY].told_holds == ()
    blind = decided(quiet(RED, stamps={}))
    assert blind.incidents[KEY].told_holds == ()


@pytest.mark.parametrize("stuck", [False, True])
def test_a_step_in_flight_elsewhere_is_news_once_it_is_stuck(*, stuck: bool) -> None:
    """P1: it will not let go by itself, and the page says what holds the drain."""
    other = an_intent(stamp="neu", state=IntentState.APPLIED, applied_at=NOW, stuck=stuck)
    held = decided(a_red_record(intents={other.id: other}))
    assert held.incidents[KEY].told_holds == (("stuck_step",) if stuck else ())
    assert page(held, KEY)["Worker"].startswith("no drain now: drain of neu is applied")


def test_a_hold_that_lets_go_is_no_news_until_something_is_done() -> None:
    """People still know what they were told last."""
    held = decided(a_red_record(), charge=a_charge(a_rule(mode=Mode.APPROVE)))
    told = held.incidents[KEY].told_holds
    assert [hold.partition(":")[0] for hold in told] == ["approval", "mode"]
    assert "a person's approval" in page(held)["Worker"]
    free = decided(delivered(held), charge=a_charge(PAGES))
    assert (free.incidents[KEY].told_holds, free.outbox) == (told, ())


def test_scope_is_news() -> None:
    """P3: from one stamp to unknown, under the same key."""
    opened = delivered(decided(quiet(RED)))
    blind = registers([RED, ROOTS[0], ROOTS[1]])
    renewed = decided(replace(opened, registers=blind), now=at(61))
    assert renewed.incidents[KEY].scope is Scope.UNKNOWN
    assert page(renewed)["title"].startswith("shop/weu [unknown]: ")


def test_a_finding_about_the_workload_is_a_global_incident() -> None:
    """With its words alone, for no stamp is meant."""
    record = a_record(registers=registers([a_signal(None, health=Health.RED)]))
    rule = replace(PAGES, asked_of=AskedOf.WORKLOAD)
    opened = decided(record, charge=a_charge(rule))
    assert list(opened.incidents) == [GLOBAL]
    assert page(opened)["Finding"].startswith("BackgroundProcessor is red")


def test_a_rule_that_is_gone_ends_its_incident() -> None:
    """Nothing raises, and whoever was woken is told."""
    record = a_red_record(findings=findings(a_finding(), a_finding("gone", stamp="old")))
    opened = decided(record, charge=a_charge(PAGES))
    ended = decided(delivered(opened), charge=a_charge(a_rule("another", when=a_rule().when)))
    assert KEY not in ended.incidents
    assert ("page", "resolve", KEY) in told(ended)
