"""What is the one durable aggregate of a workload, and what may follow what?

Whatever must hold together lies in this record and is written in one
compare-and-swap: state, decision, intents and what must still be told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from remediation.ledger.intent import (
    ENDED,
    IllegalTransitionError,
    Intent,
    IntentState,
    LeverKind,
    Verb,
    check_transition,
)
from remediation.ledger.orders import Approval, HoldSwitch, Silence
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Incident, Message
from rules.evaluate import Asked, Waiting
from rules.findings import Finding
from rules.signals import RegisterKey, Signal


class Cause(StrEnum):
    """Why a decision was made."""

    SIGNALS = "signals"
    TIMER = "timer"
    ACT = "act"
    DELIVERY = "delivery"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class HeldStep:
    """One reason not to take a step, as the journal keeps it."""

    verb: Verb
    stamp: str
    rule: str
    guardrail: str
    reason: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One decision: what was considered, what was chosen, what held.

    Attributes:
        id: `workload/revision`; written at most once.
        at: the moment of the decision.
        cause: why it was made.
        signals: ids of the signals it considered.
        verdicts: each rule that was looked at: rule, stamp (or `global`), answer, reason.
        held: each reason not to act.
        events: what happened, in sentences.
        heard: the new signals, with the beginning of their first reason; in a storm not all of them, what
            changed first. They can be played again (`remediation backtest`).
        scopes: how far the faults reach that a step or a page is wanted for: rule, stamp, scope, reason.
        passed: what let a wanted step pass: verb, stamp, rule, and a line for each guardrail with its
            numbers. Steps that are taken come first; in a storm not all of the others are listed.
    """

    id: str
    workload: str
    at: datetime
    cause: Cause
    signals: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, str, str, str], ...] = ()
    held: tuple[HeldStep, ...] = ()
    events: tuple[str, ...] = ()
    heard: tuple[Signal, ...] = ()
    scopes: tuple[tuple[str, str, str, str], ...] = ()
    passed: tuple[tuple[str, str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DrainMade:
    """One drain that was begun, for budgets and cooldown."""

    stamp: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WorkloadRecord:
    """The durable aggregate of one workload.

    Attributes:
        revision: counts the writes; each write is its predecessor plus one.
        registers: the latest word of every source about every subject.
        since: since when each `for` has been seen to hold.
        findings: the rules that hold.
        incidents: open, by key.
        stamps: by name.
        intents: in flight, and the last that ended, by id.
        drains: begun within 24 hours.
        held: why the wanted steps are not taken now.
        outbox: what must still be told.
        journal: decisions not yet in the journal.
        hold: the hold switch, if it is on.
        silences: what is muted, or was lately.
        approvals: steps that wait for a person's word, or have it.
        took: how many seconds the last moves of each lever took from the act to the proof, newest last.
    """

    workload: str
    revision: int = 0
    registers: Mapping[RegisterKey, Signal] = field(default_factory=dict)
    since: Mapping[Waiting, datetime] = field(default_factory=dict)
    findings: Mapping[Asked, Finding] = field(default_factory=dict)
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    stamps: Mapping[str, StampRecord] = field(default_factory=dict)
    intents: Mapping[str, Intent] = field(default_factory=dict)
    drains: tuple[DrainMade, ...] = ()
    held: tuple[HeldStep, ...] = ()
    outbox: tuple[Message, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    hold: HoldSwitch | None = None
    silences: tuple[Silence, ...] = ()
    approvals: tuple[Approval, ...] = ()
    took: Mapping[tuple[Verb, LeverKind], tuple[int, ...]] = field(default_factory=dict)

    def stamp(self, name: str) -> StampRecord:
        """What is known of a stamp; a blank where nothing is."""
        return self.stamps.get(name) or StampRecord()

    def out(self) -> set[str]:
        """The stamps out of rotation, by whomever."""
        return {name for name, stamp in self.stamps.items() if stamp.out}

    def in_flight(self) -> list[Intent]:
        """The intents that are not over, oldest first."""
        going = [intent for intent in self.intents.values() if intent.in_flight]
        return sorted(going, key=lambda intent: (intent.planned_at, intent.id))


def check_succession(old: WorkloadRecord | None, new: WorkloadRecord) -> None:
    """Pass if `new` may be written over `old`. Every ledger calls it before it writes.

    Raises:
        IllegalTransitionError: it may not; nothing must be written.
    """
    before = old or WorkloadRecord(new.workload)
    if new.workload != before.workload or new.revision != before.revision + 1:
        raise IllegalTransitionError(
            f"{new.workload} revision {new.revision} cannot follow {before.workload} {before.revision}"
        )
    _check_intents(before, new)


def _check_intents(old: WorkloadRecord, new: WorkloadRecord) -> None:
    for intent in new.intents.values():
        known = old.intents.get(intent.id)
        if known is None:
            if intent.state is not IntentState.PLANNED:
                raise IllegalTransitionError(f"intent {intent.id} begins as {intent.state}")
        elif known.state is not intent.state:
            check_transition(known, intent.state)
    lost = [
        key for key, intent in old.intents.items() if intent.state not in ENDED and key not in new.intents
    ]
    if lost:
        raise IllegalTransitionError(f"intents lost before their end: {', '.join(sorted(lost))}")
    drains = [intent.id for intent in new.in_flight() if intent.verb is Verb.DRAIN]
    if len(drains) > 1:
        raise IllegalTransitionError(f"more than one drain in flight: {', '.join(drains)}")
