"""What were people told, and what must they still be told?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.reach import Scope
from rules.signals import Severity


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
        under: the key of the incident that explains this one; it is told there.
        escalated: people were woken again because it lasts.
        silenced: people were not told, for a silence covers it.
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
    under: str = ""
    escalated: bool = False
    silenced: bool = False


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
