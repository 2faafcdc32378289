"""What is a step that every guardrail lets pass? Tests change the one thing that their claim is about."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from remediation.decide.case import Case, Guardrail, Step
from remediation.decide.draft import Draft
from remediation.decide.guardrails import asked_of, holds
from remediation.decide.looks import LiveLook
from remediation.decide.passing import note_passed
from remediation.decide.plan import Arrival, Charge, Occasion, plan, situation_of
from remediation.ledger.intent import LeverKind, Verb
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.stamp import Drain, LeverState, Moved, StampRecord
from remediation.ledger.told import Action, Incident
from rules.evaluate import RuleSet
from rules.policy import Mode, Policy
from rules.reach import Scope
from rules.rule import Rule
from rules.scope import ScopeVerdict, scope_of
from rules.signals import Health, Signal
from rules.topology import Workload
from tests.builders import (
    NOW,
    RULE,
    STAMPS,
    a_finding,
    a_record,
    a_rule,
    a_seen,
    a_signal,
    a_workload,
    an_incident,
    at,
    findings,
    registers,
)

RED = a_signal(health=Health.RED, id="red")
GREEN = a_signal(id="green")
ROOTS = tuple(a_signal(stamp, "Stamp") for stamp in STAMPS)


def an_auto_workload(stamps: Iterable[str] = STAMPS, **policy: Any) -> Workload:
    """A workload in which the worker may act."""
    return a_workload(stamps=stamps, mode=Mode.AUTO, policy=Policy(**policy))


def a_charge(*rules: Rule, workload: Workload | None = None) -> Charge:
    """That workload, and the one rule."""
    return Charge(workload or an_auto_workload(), RuleSet(rules or (a_rule(),)))


def looked_at(**stamps: StampRecord) -> dict[str, StampRecord]:
    """Every stamp looked at and well, but for these."""
    return {name: stamps.get(name) or StampRecord(seen=a_seen()) for name in STAMPS}


def a_drain(**changes: Any) -> Drain:
    """A drain of ours, ten minutes old, for the red processor."""
    drain = Drain("shop/weu/drain/1", RULE, RULE, at(-600), (RED.key,), (Moved(LeverKind.STATE_FILE),))
    return replace(drain, **changes)


def drained(**changes: Any) -> StampRecord:
    """A stamp that is out by our hand, and otherwise well."""
    return StampRecord(a_drain(**changes), seen=a_seen(LeverState.OUT, serves=False, drained=True))


def incidents(*open_ones: Incident) -> dict[str, Incident]:
    """As the record keeps them."""
    return {incident.key: incident for incident in open_ones}


def a_red_record(**changes: Any) -> WorkloadRecord:
    """The processor of weu has been red for two minutes; nothing stands against a drain."""
    told: dict[str, Any] = {
        "registers": registers([RED, *ROOTS]),
        "findings": findings(a_finding(since=at(-120))),
        "stamps": looked_at(),
    }
    return a_record(**(told | changes))


def a_recovered_record(**changes: Any) -> WorkloadRecord:
    """The processor of weu, which we drained, has been green again for ten minutes."""
    told: dict[str, Any] = {
        "registers": registers([GREEN, *ROOTS]),
        "stamps": looked_at(weu=drained(recovering_since=at(-600))),
        "incidents": incidents(an_incident(action=Action.DRAINED, opened_at=at(-700))),
    }
    return a_record(**(told | changes))


def a_case(
    record: WorkloadRecord | None = None,
    charge: Charge | None = None,
    *,
    verb: Verb = Verb.DRAIN,
    live: LiveLook | None = None,
    intent: str | None = None,
    now: datetime = NOW,
) -> Case:
    """The case of draining weu, or of its rejoin, for the first of the rules."""
    charge = charge or a_charge()
    record = record or (a_red_record() if verb is Verb.DRAIN else a_recovered_record())
    rule = charge.rules.rules[0]
    situation = situation_of(record, charge, now)
    finding = next((f for f in record.findings.values() if (f.rule, f.stamp) == (rule.name, "weu")), None)
    scope = scope_of(finding, situation) if finding else ScopeVerdict(Scope.NONE, "nothing is broken")
    return Case(Step(verb, "weu", rule, intent), record, situation, finding, scope, now, live)


def held_by(case: Case) -> dict[Guardrail, str]:
    """What holds, and the reason."""
    return {hold.guardrail: hold.reason for hold in holds(case)}


def passing(case: Case) -> dict[str, str]:
    """What each guardrail that lets the step pass says, by its name."""
    draft = Draft(case.record, case.now)
    note_passed(draft, case, [(guard, guard(case)) for guard in asked_of(case)])
    [(_, _, _, said)] = draft.passed
    return {name: words for name, _, words in (line.partition(": ") for line in said.split("\n"))}


def arrived(*signals: Signal) -> list[Arrival]:
    """Signals that were enqueued when they were observed."""
    return [Arrival(signal, signal.observed_at) for signal in signals]


def decided(
    record: WorkloadRecord,
    *signals: Signal,
    charge: Charge | None = None,
    live: LiveLook | None = None,
    now: datetime = NOW,
) -> WorkloadRecord:
    """The record after one decision, whether or not it changed anything."""
    cause = Cause.SIGNALS if signals else Cause.TIMER
    occasion = Occasion(cause, arrived(*signals), live)
    return plan(record, charge or a_charge(), occasion, now) or record
