"""Has a stamp that we drained recovered, by positive proof?

A drained stamp has no traffic, so silence and the absence of errors prove
nothing, and its HealthService answers 503 because of the drain itself. Proof
is the cause taken back by those who reported it, and every other check healthy.
"""

from dataclasses import dataclass
from datetime import datetime

from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import Drain
from rules.conditions import words
from rules.health import last_word
from rules.queue import not_passed
from rules.scope import Situation
from rules.signals import AlertState, Health, RegisterKey

NAMED_MOST = 8


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether recovery is proven at this moment, and by what, or what is still wanting."""

    proven: bool
    reason: str


def proof_of_recovery(
    stamp: str, drain: Drain, record: WorkloadRecord, situation: Situation, now: datetime
) -> Proof:
    """The proof for one drained stamp."""
    if stamp in situation.asked_to_drain:
        return Proof(proven=False, reason="a rule still asks for the drain")
    seen = record.stamp(stamp).seen
    if seen is None or not seen.others_healthy:
        return Proof(proven=False, reason=seen.words if seen else "nobody has looked at it yet")
    open_points = not_taken_back(drain, record, situation, now)
    if open_points:
        return Proof(proven=False, reason="; ".join(open_points))
    sources = ", ".join(sorted({key.source for key in drain.evidence}))
    return Proof(proven=True, reason=f"{sources} took it back; every other check is healthy")


def not_taken_back(drain: Drain, record: WorkloadRecord, situation: Situation, now: datetime) -> list[str]:
    """What those who reported the cause have not taken back, in words."""
    wanting = [_wanting(key, record, situation, now) for key in drain.evidence]
    return [reason for reason in (*wanting, _backlog(drain, record)) if reason]


def _backlog(drain: Drain, record: WorkloadRecord) -> str:
    """What of the hub's contents at the moment of the drain has not been read yet."""
    if not drain.marks:
        return ""
    queues = [known.queue for known in record.stamps.values() if known.drain == drain]
    if not queues or queues[0] is None:
        return "nobody has looked at its hub since the drain"
    left = not_passed(queues[0], drain.marks)
    if not left:
        return ""
    named = ", ".join(left[:NAMED_MOST])
    return f"{len(left)} of {len(drain.marks)} partitions have not worked off the drain's backlog: {named}"


def _wanting(key: RegisterKey, record: WorkloadRecord, situation: Situation, now: datetime) -> str:
    """What is missing from one source: its own green while fresh, or its alert resolved."""
    signal = last_word(record.registers, key)
    if signal is None:
        return f"{key.source} has fallen silent"
    if signal.condition is AlertState.RESOLVED:
        return ""
    if signal.health is not Health.GREEN:
        return f"{key.source} says {signal.says}"
    age = now - signal.observed_at
    if age > situation.workload.policy.fresh_for:
        return f"{key.source} said green {words(age)} ago and nothing since"
    return ""
