"""What are we about to do, and how far has it got?

An intent is one step, recorded before it is taken. Its states and the ways
between them stand here; the ledger refuses to write any other way.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rules.signals import RegisterKey


class Verb(StrEnum):
    """What an intent does to a stamp."""

    DRAIN = "drain"
    REJOIN = "rejoin"
    RESTART = "restart"  # one of its deployments
    WEBHOOK = "webhook"  # somebody else does it

    @property
    def moves_a_lever(self) -> bool:
        """Whether it takes a stamp out of rotation or brings it back."""
        return self in (Verb.DRAIN, Verb.REJOIN)


class LeverKind(StrEnum):
    """What a stamp is taken out of rotation by, the preferred one first."""

    STATE_FILE = "state_file"  # data plane: seconds
    FRONT_DOOR = "front_door"  # control plane: minutes


class IntentState(StrEnum):
    """How far an intent has got."""

    PLANNED = "planned"  # recorded; nothing was done
    ACTING = "acting"  # a worker holds the lease; the effect may or may not have happened
    APPLIED = "applied"  # a look showed the desired state; not yet seen to help
    VERIFIED = "verified"  # seen to help; over
    REFUSED = "refused"  # the lever said no; over, and nothing was changed
    SUPERSEDED = "superseded"  # no longer wanted; over


ENDED = frozenset({IntentState.VERIFIED, IntentState.REFUSED, IntentState.SUPERSEDED})

LEGAL = {
    IntentState.PLANNED: {IntentState.ACTING, IntentState.SUPERSEDED},
    IntentState.ACTING: {
        IntentState.ACTING,
        IntentState.APPLIED,
        IntentState.PLANNED,
        IntentState.REFUSED,
        IntentState.SUPERSEDED,
    },
    IntentState.APPLIED: {IntentState.VERIFIED, IntentState.SUPERSEDED},
}
"""From each state that goes on to each that may follow. PLANNED after ACTING is a retry."""


class OutcomeKind(StrEnum):
    """What came of an attempt to change the world."""

    APPLIED = "applied"  # the desired state is there
    REFUSED = "refused"  # it never will be by trying again: rights, a changed file, a wrong request
    TRANSIENT = "transient"  # it is not there; trying again may help
    UNKNOWN = "unknown"  # neither success nor failure: look before anything else


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt.

    Attributes:
        kind: which of the four.
        reason: in words.
        retry_after_seconds: how long the other side asked us to wait, if it did.
        found: it was so before we came: somebody else did it, or an earlier attempt of ours.
    """

    kind: OutcomeKind
    reason: str
    retry_after_seconds: float | None = None
    found: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to carry out an intent.

    Attributes:
        owner: the worker.
        token: differs for every lease, so that a stuck one can be told from a renewed one.
        until: by the owner's clock; clocks may differ by minutes.
    """

    owner: str
    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Intent:
    """One step about to be taken.

    Attributes:
        id: deterministic: workload, stamp, verb and the revision that planned it.
        verb: what it does.
        stamp: to which stamp.
        rule: the rule that asked for it.
        family: that rule's family.
        reason: why it was chosen, in words.
        evidence: the registers the finding rested on; their sources must prove recovery.
        state: how far it has got.
        planned_at: when it was recorded.
        attempts: how often it was tried.
        not_before: when it may be tried again.
        lease: who carries it out now.
        applied_at: when the desired state was seen.
        content: what the lever showed before a drain, to be restored as it was.
        lever: which lever it moves.
        author: the person who asked for it; empty where a rule did.
        approved_by: who approved it, where that was asked for.
        target: the deployment or endpoint of the workload file, for a restart or a webhook.
        second: the first lever was moved and did not help: this is the same drain, by another one.
        relapse: the stamp fails again on probation, and will stay out until a person decides.
        backlog: the stamp comes back only when the backlog of the drain's moment is worked off.
        outcome: the last outcome, in words.
        stuck: it was not verified in time, and people were told.
    """

    id: str
    verb: Verb
    stamp: str
    rule: str
    family: str
    reason: str
    planned_at: datetime
    evidence: tuple[RegisterKey, ...] = ()
    state: IntentState = IntentState.PLANNED
    attempts: int = 0
    not_before: datetime | None = None
    lease: Lease | None = None
    applied_at: datetime | None = None
    content: str = ""
    outcome: str = ""
    stuck: bool = False
    lever: LeverKind = LeverKind.STATE_FILE
    author: str = ""
    approved_by: str = ""
    target: str = ""
    second: bool = False
    relapse: bool = False
    backlog: bool = False

    @property
    def in_flight(self) -> bool:
        """Not over yet."""
        return self.state not in ENDED

    def to(self, state: IntentState, outcome: str = "") -> "Intent":
        """This intent in another state, its lease given up.

        Raises:
            IllegalTransitionError: no way leads there.
        """
        check_transition(self, state)
        return replace(self, state=state, outcome=outcome or self.outcome, lease=None)


class IllegalTransitionError(Exception):
    """The ledger was asked to write what must never be: a fault in the worker itself."""


def check_transition(intent: Intent, to: IntentState) -> None:
    """Pass if a way leads from the intent's state to that one.

    Raises:
        IllegalTransitionError: none does.
    """
    if to not in LEGAL.get(intent.state, ()):
        raise IllegalTransitionError(f"intent {intent.id}: {intent.state} -> {to}")
