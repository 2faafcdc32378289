"""Which steps become intents, which are withdrawn, and which are held with their reasons?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.case import Guardrail
from remediation.ledger.intent import IntentState, LeverKind, Verb
from remediation.ledger.record import DrainMade, HeldStep, WorkloadRecord
from remediation.ledger.stamp import Moved, StampRecord
from rules.conditions import NodeIs
from rules.policy import Mode
from rules.rule import AskedOf, Playbook
from rules.signals import Health, Severity
from tests.builders import (
    NODE,
    NOW,
    RULE,
    a_finding,
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
    decided,
    drained,
    looked_at,
)

LAGGER_RED = a_signal(node="Lagger", health=Health.RED, id="lagger")
LAGS = a_rule("lags", when=NodeIs("Lagger", frozenset({Health.RED})), severity=Severity.ERROR)
"""A second rule that asks for a drain, less loudly."""


def in_flight(record: WorkloadRecord) -> list[tuple[Verb, str, str]]:
    """What is under way: verb, stamp and rule."""
    return [(intent.verb, intent.stamp, intent.rule) for intent in record.in_flight()]


def held(record: WorkloadRecord) -> set[tuple[str, str, str, str]]:
    """What is held: verb, stamp, rule and guardrail."""
    return {(str(h.verb), h.stamp, h.rule, h.guardrail) for h in record.held}


def test_a_drain_that_nothing_holds_becomes_an_intent() -> None:
    """P4: with a deterministic id, and the sources that must prove recovery."""
    after = decided(a_red_record())
    (intent,) = after.in_flight()
    assert intent == an_intent(
        id="shop/weu/drain/0000000002", reason="BackgroundProcessor is red", planned_at=NOW
    )
    assert "drain of weu planned: BackgroundProcessor is red" in after.journal[-1].events


def test_a_drain_that_is_held_is_kept_with_every_reason() -> None:
    """So that people can be told, and can judge an override."""
    after = decided(a_red_record(), charge=a_charge(workload=a_workload(mode=Mode.APPROVE)))
    reason = "mode is approve: it takes a person's approval to drain weu"
    assert after.held == (HeldStep(Verb.DRAIN, "weu", RULE, "mode", reason),)
    assert not after.in_flight()


def test_numbers_that_only_count_up_are_no_reason_to_write() -> None:
    """P20: where the same guardrails hold, nothing is written for them."""
    young = a_red_record(findings=findings(a_finding(since=NOW)))
    first = decided(young)
    assert first.held[0].reason == "settling: 0s of 1m"
    assert decided(first, now=at(30)) is first


def test_what_is_written_says_by_how_much_a_step_is_held_now() -> None:
    """An SRE reads these numbers an hour later, and judges by them whether to override."""
    first = decided(a_red_record(findings=findings(a_finding(since=NOW))))
    after = decided(first, a_signal("neu", "Keyvault", id="news", observed_at=at(30)), now=at(30))
    assert after.held[0].reason == "settling: 30s of 1m"
    assert after.journal[-1].held == after.held


def test_a_hold_is_told_by_the_fault_of_now_and_not_by_the_one_that_is_over() -> None:
    """The database was red and is well again; it is the edge that holds the drain now."""
    database = a_signal(None, "Database", Health.RED, id="db")
    first = decided(a_red_record(registers=registers([RED, *ROOTS, database])))
    over = replace(database, id="db-well", health=Health.GREEN, observed_at=at(30))
    edge = a_signal(None, "FrontDoor", Health.RED, id="edge", observed_at=at(30))
    after = decided(first, over, edge, now=at(30))
    assert [held.reason for held in after.held if held.guardrail == Guardrail.ONLY_A_STAMP_FAULT] == [
        "edge: global node FrontDoor is red"
    ]
    told = " ".join(text for message in after.outbox for _, text in message.facts if "edge" in message.title)
    assert "FrontDoor" in told
    assert "Database" not in told


@pytest.mark.parametrize("playbook", [Playbook.PAGE, Playbook.NOTIFY, Playbook.RECORD])
def test_only_a_drain_playbook_drains(playbook: Playbook) -> None:
    """Whatever else a rule asks for touches no stamp."""
    after = decided(a_red_record(), charge=a_charge(a_rule(playbook=playbook)))
    assert (after.in_flight(), after.held) == ([], ())


def test_the_loudest_finding_is_drained_first_and_the_other_waits() -> None:
    """P1: whichever rule stands first in the files; of equals the one that began first."""
    neu_lags = replace(LAGGER_RED, subject=replace_stamp(LAGGER_RED, "neu"), id="neu")
    record = a_red_record(
        registers=registers([RED, neu_lags, *ROOTS]),
        findings=findings(a_finding("lags", "neu", since=at(-999)), a_finding(since=at(-300))),
    )
    workload = replace(a_charge().workload, stamps=a_workload(stamps=["weu", "neu", "eus", "sea"]).stamps)
    more = registers([*record.registers.values(), a_signal("sea", "Stamp")])
    record = replace(record, registers=more, stamps={**looked_at(), "sea": StampRecord(seen=a_seen())})
    after = decided(record, charge=a_charge(LAGS, a_rule(), workload=workload))
    assert in_flight(after) == [(Verb.DRAIN, "weu", RULE)]
    assert ("drain", "neu", "lags", "one_at_a_time") in held(after)
    louder = replace(LAGS, severity=Severity.CRITICAL)
    after = decided(record, charge=a_charge(a_rule(), louder, workload=workload))
    assert in_flight(after) == [(Verb.DRAIN, "neu", "lags")]


def replace_stamp(signal: Any, stamp: str) -> Any:
    """The subject of a signal, at another stamp."""
    return signal.subject._replace(stamp=stamp)


def test_two_rules_for_one_stamp_drain_it_once() -> None:
    """P5: the second asks for what is under way already; nothing is held for it either."""
    record = a_red_record(
        registers=registers([RED, LAGGER_RED, *ROOTS]),
        findings=findings(a_finding(since=at(-99)), a_finding("lags", since=at(-99))),
    )
    after = decided(record, charge=a_charge(a_rule(), LAGS))
    assert in_flight(after) == [(Verb.DRAIN, "weu", RULE)]
    assert after.held == ()


def test_a_new_finding_on_a_drained_stamp_must_be_taken_back_too() -> None:
    """P12: its sources join those that prove recovery, and silence of any of them proves nothing."""
    record = a_recovered_record(registers=registers([GREEN, LAGGER_RED, *ROOTS]))
    charge = a_charge(a_rule(), LAGS)
    after = decided(record, charge=charge)
    drain = after.stamp("weu").drain
    assert drain is not None
    assert drain.evidence == (RED.key, LAGGER_RED.key)
    assert not after.in_flight()
    silent = replace(after, registers=registers([GREEN, *ROOTS]), findings={})
    assert not decided(silent, charge=charge, now=at(1200)).in_flight()


def test_a_finding_about_all_stamps_drains_none() -> None:
    """No rule file may ask for it; and a rule that was made otherwise has no stamp to drain."""
    everywhere = a_rule(
        "network-red", when=NodeIs("AzureNetwork", frozenset({Health.RED})), asked_of=AskedOf.WORKLOAD
    )
    red = a_signal(None, "AzureNetwork", Health.RED)
    record = a_record(registers=registers([red, *ROOTS]), stamps=looked_at())
    after = decided(record, charge=a_charge(replace(everywhere, playbook=Playbook.DRAIN)))
    assert list(after.findings)
    assert not after.intents


def test_an_intent_whose_finding_has_ended_is_withdrawn() -> None:
    """Before anything was done; the reasons are in the journal."""
    planned = an_intent()
    after = decided(a_red_record(registers=registers([GREEN, *ROOTS]), intents={planned.id: planned}))
    assert after.intents[planned.id].state is IntentState.SUPERSEDED
    assert f"{RULE} no longer holds for weu" in after.intents[planned.id].outcome


def test_an_intent_that_nothing_holds_stays_as_it_is() -> None:
    """P20: it is neither planned again nor written again."""
    first = decided(a_red_record())
    assert decided(first) is first


@pytest.mark.parametrize("state", [IntentState.ACTING, IntentState.APPLIED])
def test_what_has_begun_is_not_withdrawn(state: IntentState) -> None:
    """Its effect may have happened: only a look can tell."""
    begun = an_intent(state=state)
    after = decided(a_red_record(registers=registers([GREEN, *ROOTS]), intents={begun.id: begun}))
    assert after.intents[begun.id] == begun


@pytest.mark.parametrize("verb", Verb)
def test_an_intent_of_a_rule_that_is_gone_is_withdrawn(verb: Verb) -> None:
    """And nothing raises: neither its intent, nor its finding, nor its drain."""
    planned = an_intent(verb)
    record = a_red_record(intents={planned.id: planned}, stamps=looked_at(weu=drained()))
    after = decided(record, charge=a_charge(LAGS))
    assert after.intents[planned.id].outcome == f"rule {RULE} is gone"
    assert not after.findings
    assert after.stamp("weu") == drained()


def test_a_rejoin_is_planned_when_the_proof_has_stood() -> None:
    """P12: with what the state file held before the drain."""
    record = a_recovered_record(
        stamps=looked_at(weu=drained(recovering_since=at(-600), levers=(Moved(LeverKind.STATE_FILE, "up"),)))
    )
    after = decided(record)
    (intent,) = after.in_flight()
    assert (intent.verb, intent.stamp, intent.content) == (Verb.REJOIN, "weu", "up")
    assert intent.reason.endswith("took it back; every other check is healthy, for 10m")


def test_a_rejoin_waits_until_the_proof_has_stood_long_enough() -> None:
    """The time counts from the reconcile that first sees it, and is said once."""
    seen = decided(a_recovered_record(stamps=looked_at(weu=drained())))
    drain = seen.stamp("weu").drain
    assert drain is not None
    assert drain.recovering_since == NOW
    assert seen.journal[-1].events == ("weu: recovery is proven",)
    green = replace(GREEN, observed_at=at(599))
    roots = [replace(root, observed_at=at(599)) for root in ROOTS]
    still = replace(seen, registers=registers([green, *roots]))
    assert not decided(still, now=at(599)).in_flight()
    assert decided(still, now=at(600)).in_flight()


def test_a_broken_proof_starts_anew() -> None:
    """P12: one reconcile without it is enough."""
    broken = decided(a_recovered_record(registers=registers([a_signal(health=Health.YELLOW), *ROOTS])))
    drain = broken.stamp("weu").drain
    assert drain is not None
    assert drain.recovering_since is None
    assert broken.journal[-1].events == ("weu: the proof of recovery broke",)


def test_a_rejoin_whose_proof_breaks_before_the_act_is_withdrawn() -> None:
    """P12: a rejoin that waits for its retry does not outlive the proof it was planned for."""
    planned = an_intent(Verb.REJOIN, attempts=1, not_before=at(60))
    for said in ([a_signal(health=Health.YELLOW)], []):
        record = a_recovered_record(registers=registers([*said, *ROOTS]), intents={planned.id: planned})
        assert decided(record).intents[planned.id].state is IntentState.SUPERSEDED


def test_two_stamps_rejoin_one_after_the_other() -> None:
    """The second is held, and its proof goes on standing."""
    both = drained(recovering_since=at(-600))
    record = a_recovered_record(stamps=looked_at(weu=both, neu=both))
    after = decided(record)
    assert in_flight(after) == [(Verb.REJOIN, "weu", RULE)]
    assert held(after) == {("rejoin", "neu", RULE, "one_at_a_time")}
    assert after.stamp("neu").drain == both.drain


def test_a_rejoin_that_is_held_is_kept_with_its_reasons() -> None:
    """In `approve` a person must bring it back."""
    after = decided(a_recovered_record(), charge=a_charge(workload=a_workload(mode=Mode.APPROVE)))
    assert held(after) == {("rejoin", "weu", RULE, "mode")}


def test_nobody_elses_drain_is_ever_undone() -> None:
    """P12: an adopted stamp is well for hours, and stays out."""
    adopted = StampRecord(adopted_at=at(-9999), seen=drained().seen)
    after = decided(a_recovered_record(stamps=looked_at(weu=adopted)))
    assert (after.in_flight(), after.held) == ([], ())


def test_a_relapse_within_the_cooldown_is_held() -> None:
    """Right after its return the same stamp is red again: so soon it is not drained again."""
    after = decided(a_red_record(drains=(DrainMade("weu", at(-900)),)))
    assert held(after) == {("drain", "weu", RULE, "cooldown")}


def test_a_finding_about_the_workload_drains_nothing() -> None:
    """P3: there is no stamp to take out, even if a rule should ask for it."""
    whole = a_finding(stamp=None)
    record = a_red_record(findings=findings(whole), registers=registers([*ROOTS]))
    assert not decided(record).in_flight()
    assert NODE in whole.reason
