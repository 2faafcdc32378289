"""What is considered: a step, all that may be known about it, and the answer `hold`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remediation.decide.looks import LiveLook
from remediation.ledger.intent import Verb
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import Seen
from rules.findings import Finding
from rules.policy import Policy
from rules.rule import Rule
from rules.scope import ScopeVerdict, Situation


class Guardrail(StrEnum):
    """The closed list of reasons not to act."""

    MODE = "mode"
    HOLD_SWITCH = "hold_switch"
    ONLY_A_STAMP_FAULT = "only_a_stamp_fault"
    SETTLED = "settled"
    FRESH_SIGNALS = "fresh_signals"
    KEEPS_ENOUGH_SERVING = "keeps_enough_serving"
    ONE_AT_A_TIME = "one_at_a_time"
    STUCK_STEP = "stuck_step"
    COOLDOWN = "cooldown"
    BUDGET = "budget"
    STILL_IN_ROTATION = "still_in_rotation"
    MAINTENANCE = "maintenance"
    OTHERS_HANDS = "others_hands"
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
        verb: drain or rejoin.
        stamp: the target.
        rule: what asks for it.
        intent: the id of the intent, once there is one.
    """

    verb: Verb
    stamp: str
    rule: Rule
    intent: str | None = None


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
    """

    step: Step
    record: WorkloadRecord
    situation: Situation
    finding: Finding | None
    scope: ScopeVerdict
    now: datetime
    live: LiveLook | None = None

    @property
    def policy(self) -> Policy:
        """The workload's numbers."""
        return self.situation.workload.policy

    def seen(self, stamp: str) -> Seen | None:
        """What was seen of a stamp: now if we look now, else last time."""
        if self.live is None:
            return self.record.stamp(stamp).seen
        look = self.live.stamps.get(stamp)
        return look.seen(self.situation.workload.state_file_check) if look else None
