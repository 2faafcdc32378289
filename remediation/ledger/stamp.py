"""What do we know of one stamp, what did we do to it, and what does its return wait for?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from remediation.ledger.intent import LeverKind
from rules.queue import QueueState
from rules.signals import RegisterKey


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
        maintenance: whether the state file says `MAINTENANCE`, or said so when it could last be read.
        words: what was seen, for people.
        origin: what the Front Door origin showed; None where there is no such lever.
        settled: False while a change of a lever is still being rolled out.
        failing: the checks that failed, but for the one on the state file.
    """

    lever: LeverState
    serves: bool
    others_healthy: bool
    drained: bool
    answered: bool = True
    maintenance: bool = False
    words: str = ""
    origin: LeverState | None = None
    settled: bool = True
    failing: tuple[str, ...] = ()

    @property
    def out(self) -> bool:
        """Whether some lever takes it out of rotation."""
        return LeverState.OUT in (self.lever, self.origin)

    def by(self, lever: LeverKind) -> LeverState | None:
        """What that lever showed; None where there is none."""
        return self.origin if lever is LeverKind.FRONT_DOOR else self.lever


@dataclass(frozen=True, slots=True)
class Moved:
    """One lever that we moved to take a stamp out, and what it showed before."""

    lever: LeverKind
    content: str = ""


@dataclass(frozen=True, slots=True)
class Drain:
    """Why a stamp is out by our hand, and what its return waits for.

    Attributes:
        intent: the intent that took it out.
        rule: the rule that asked for it.
        family: that rule's family.
        at: when it was applied.
        evidence: whose word must turn green before a rejoin.
        levers: those that were moved, in that order; undo moves every one of them back.
        marks: the newest sequence number of each partition at the drain, which checkpoints must pass.
        author: the person who asked for it; empty where a rule did. Only a person brings it back then.
        stays_out: it relapsed on probation, and stays out until a person decides.
        recovering_since: since when the proof of recovery has stood.
    """

    intent: str
    rule: str
    family: str
    at: datetime
    evidence: tuple[RegisterKey, ...]
    levers: tuple[Moved, ...] = ()
    marks: Mapping[str, int] = field(default_factory=dict)
    author: str = ""
    stays_out: bool = False
    recovering_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A lever said no."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StampRecord:
    """What we know of one stamp, and what we did to it.

    Attributes:
        drain: set while it is out by our hand.
        adopted_at: since when it has been out by other hands.
        reminded_at: when people were last asked about a stamp that is still out.
        refusals: when each lever last said no.
        undone_at: when other hands brought back what we had drained.
        rejoined_at: when we last brought it back; a relapse within `probation` keeps it out.
        out_by_itself_at: when it was last seen out by itself: HealthService failed while in rotation.
        back_by_itself_at: when it came back from that, by itself.
        turns: when its root last turned red, within an hour: what flaps is not moved about.
        queue: what is remembered of the hub that its BackgroundProcessor reads.
        seen: the last look.
    """

    drain: Drain | None = None
    adopted_at: datetime | None = None
    reminded_at: datetime | None = None
    refusals: Mapping[LeverKind, Refusal] = field(default_factory=dict)
    undone_at: datetime | None = None
    rejoined_at: datetime | None = None
    out_by_itself_at: datetime | None = None
    back_by_itself_at: datetime | None = None
    turns: tuple[datetime, ...] = ()
    queue: QueueState | None = None
    seen: Seen | None = None

    @property
    def refused(self) -> Refusal | None:
        """The last refusal of any lever."""
        return max(self.refusals.values(), key=lambda refusal: refusal.at, default=None)

    @property
    def out(self) -> bool:
        """Out of rotation, by whomever. It counts against capacity."""
        return self.drain is not None or self.adopted_at is not None
