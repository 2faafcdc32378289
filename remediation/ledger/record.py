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
    Verb,
    check_transition,
)
from rules.evaluate import Asked, Waiting
from rules.findings import Finding
from rules.scope import Scope
from rules.signals import RegisterKey, Severity, Signal


class LeverState(StrEnum):
    """What a lever shows of a stamp."""

    IN = "in"  # the stamp is in rotation, as far as this lever goes
    OUT = "out"  # this lever takes it out
    UNREACHABLE = "unreachable"  # it cannot be known now


@dataclass(frozen=True, slots=True)
class Seen:
    """The last look at a stamp.

    Attributes:
        lever: what the state file showed.
        serves: whether HealthService answered 200.
        others_healthy: whether every check but the one on the state file was healthy.
        drained: whether the check on the state file failed: HealthService has noticed the drain.
        answered: whether HealthService answered at all.
        maintenance: whether the state file's content says `MAINTENANCE`.
        words: what was seen, for people.
    """

    lever: LeverState
    serves: bool
    others_healthy: bool
    drained: bool
    answered: bool = True
    maintenance: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class Drain:
    """Why a stamp is out by our hand, and what its return waits for.

    Attributes:
        intent: the intent that took it out.
        rule: the rule that asked for it.
        family: that rule's family.
        at: when it was applied.
        evidence: whose word must turn green before a rejoin.
        content: of the state file, to be restored.
        recovering_since: since when the proof of recovery has stood.
    """

    intent: str
    rule: str
    family: str
    at: datetime
    evidence: tuple[RegisterKey, ...]
    content: str = ""
    recovering_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class StampRecord:
    """What we know of one stamp, and what we did to it.

    Attributes:
        drain: set while it is out by our hand.
        adopted_at: since when it has been out by other hands.
        reminded_at: when people were last asked about a stamp that is still out.
        refused_at: when the lever last said no.
        refusal: in its words.
        undone_at: when other hands brought back what we had drained.
        seen: the last look.
    """

    drain: Drain | None = None
    adopted_at: datetime | None = None
    reminded_at: datetime | None = None
    refused_at: datetime | None = None
    refusal: str = ""
    undone_at: datetime | None = None
    seen: Seen | None = None

    @property
    def out(self) -> bool:
        """Out of rotation, by whomever. It counts against capacity."""
        return self.drain is not None or self.adopted_at is not None


class Action(StrEnum):
    """What the worker did about an incident, as far as people are told."""

    NONE = "none"
    PLANNED = "planned"  # an intent is recorded
    APPLIED = "applied"  # the lever was moved; not yet seen to help
    DRAINED = "drained"  # the stamp is out, as intended
    STUCK = "stuck"  # the lever was moved, and it was not seen to help in time
    REFUSED = "refused"  # the lever said no


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings grouped for people: one page, one dedup key, from its opening to its end.

    Attributes:
        key: `workload/stamp or global/rule family`; the dedup key, computable without the ledger.
        stamp: None for a global one.
        family: the rule family.
        severity: as people were told.
        opened_at: when.
        summary: the rule's sentence.
        scope: the verdict that people were last told.
        reason: of that verdict.
        pages: whether someone was woken for it.
        told_holds: the guardrails that people know to hold the drain; settling is not among them.
        action: what people know of what the worker did about it.
    """

    key: str
    stamp: str | None
    family: str
    severity: Severity
    opened_at: datetime
    summary: str
    scope: Scope
    reason: str
    pages: bool
    told_holds: tuple[str, ...] = ()
    action: Action = Action.NONE


class Channel(StrEnum):
    """How someone is told."""

    PAGE = "page"  # wakes someone
    NOTIFY = "notify"  # does not


class MessageKind(StrEnum):
    """What a message does to the incident on the other side."""

    TRIGGER = "trigger"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Message:
    """Something that must still be told.

    Attributes:
        id: deterministic; the same message is never queued twice.
        incident: the key of its incident: the dedup key.
        severity: how loudly.
        title: one line.
        facts: label and text, for the details.
        not_before: until then the delivery is its author's, afterwards anyone's.
        attempts: how often it was tried.
    """

    id: str
    channel: Channel
    kind: MessageKind
    incident: str
    severity: Severity
    title: str
    created_at: datetime
    not_before: datetime
    facts: tuple[tuple[str, str], ...] = ()
    attempts: int = 0


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
    """

    id: str
    workload: str
    at: datetime
    cause: Cause
    signals: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, str, str, str], ...] = ()
    held: tuple[HeldStep, ...] = ()
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldSwitch:
    """Stops all acting; pages go on."""

    author: str
    reason: str
    until: datetime | None = None


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
