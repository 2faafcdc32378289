"""What is considered: a step, all that may be known about it, and the answer `hold`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remediation.decide.looks import LiveLook
from remediation.ledger.intent import Intent, LeverKind, Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import LeverState, Seen, StampRecord
from rules.findings import Finding
from rules.policy import Policy
from rules.rule import Rule
from rules.scope import ScopeVerdict, Situation
from rules.topology import Window


class Guardrail(StrEnum):
    """The closed list of reasons not to act."""

    EMPTY_TARGET = "empty_target"
    MODE = "mode"
    HOLD_SWITCH = "hold_switch"
    ONLY_A_STAMP_FAULT = "only_a_stamp_fault"
    SETTLED = "settled"
    FRESH_SIGNALS = "fresh_signals"
    FLAPPING = "flapping"
    KEEPS_ENOUGH_SERVING = "keeps_enough_serving"
    ENOUGH_CAPACITY = "enough_capacity"
    HEADROOM = "headroom"
    ONE_AT_A_TIME = "one_at_a_time"
    STUCK_STEP = "stuck_step"
    COOLDOWN = "cooldown"
    BUDGET = "budget"
    BLAST_RADIUS = "blast_radius"
    STILL_IN_ROTATION = "still_in_rotation"
    MAINTENANCE = "maintenance"
    OTHERS_HANDS = "others_hands"
    PROBATION = "probation"
    LEVER_WORKS = "lever_works"
    LOOKED_AT = "looked_at"
    STILL_WANTED = "still_wanted"
    PROVEN_HEALTHY = "proven_healthy"


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason not to act, with its numbers."""

    guardrail: Guardrail
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step that is considered.

    Attributes:
        verb: drain, rejoin, or what else a rule asks for.
        stamp: the target; empty for a webhook about the workload as a whole.
        rule: what asks for it.
        intent: the id of the intent, once there is one.
        lever: which lever it moves, once that is chosen.
        author: the person who asks for it; empty where a rule does.
        target: the deployment or endpoint of the workload file, for a restart or a webhook.
        second: the first lever was moved and did not help: the same drain, by another one.
    """

    verb: Verb
    stamp: str
    rule: Rule
    intent: str | None = None
    lever: LeverKind | None = None
    author: str = ""
    target: str = ""
    second: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """All that a guardrail may know.

    Attributes:
        step: what is considered.
        record: the ledger's word.
        situation: what stands, by the rules.
        finding: the finding behind a drain; None when it has ended, and for a rejoin.
        scope: the verdict on that finding.
        now: the moment.
        live: the look at all stamps; None when only the record is asked.
        approved: a person has approved of exactly this step, and that still counts.
        marker: the emergency hold, which lies beside the record.
    """

    step: Step
    record: WorkloadRecord
    situation: Situation
    finding: Finding | None
    scope: ScopeVerdict
    now: datetime
    live: LiveLook | None = None
    approved: bool = False
    marker: HoldSwitch | None = None

    @property
    def policy(self) -> Policy:
        """The workload's numbers."""
        return self.situation.workload.policy

    @property
    def target(self) -> StampRecord:
        """What is known of the stamp that the step is about."""
        return self.record.stamp(self.step.stamp)

    @property
    def own_intent(self) -> Intent | None:
        """The step's own intent, once there is one."""
        return self.record.intents.get(self.step.intent or "")

    def seen(self, stamp: str) -> Seen | None:
        """What was seen of a stamp: now if we look now, else last time."""
        before = self.record.stamp(stamp).seen
        if self.live is None:
            return before
        look = self.live.stamps.get(stamp)
        return look.seen(self.situation.workload.state_file_check, before) if look else None

    def window(self, stamp: str) -> Window | None:
        """The planned work that is going on at a stamp now, or at the whole workload."""
        windows = self.situation.workload.maintenance
        now_on = (window for window in windows if window.since <= self.now < window.until)
        return next((window for window in now_on if window.stamp in (None, stamp)), None)


def serves(seen: Seen | None) -> bool:
    """Whether a stamp was seen to serve: in rotation by every lever, and its HealthService answers 200."""
    return seen is not None and seen.serves and not seen.out and not seen.maintenance


def unreachable(state: LeverState | None) -> bool:
    """Whether it cannot be known now what a lever shows."""
    return state in (None, LeverState.UNREACHABLE)
