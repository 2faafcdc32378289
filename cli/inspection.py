"""What does `remediation inspect` answer, field by field?

Scripts rely on these names, so they stand in one model: the answer is built from
it, and `remediation schema inspect` prints it. Whether a fact may act depends on
the moment at which it is asked, which is an argument.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from remediation.intake.handshake import validation_code
from remediation.intake.limits import parse
from remediation.intake.read import Reading, Rejected, family_of, read
from remediation.intake.rejection import Rejection
from remediation.intake.subject import Known
from rules.conditions import words
from rules.health import from_future, too_old
from rules.policy import Policy
from rules.signals import AlertState, Health, Severity, Signal
from rules.topology import Workload

NAMED = "named by the event itself"
HANDSHAKE = (
    "the handshake of an Event Grid subscription: by HTTP it is answered with 200 and its code, "
    "and it holds no signal"
)

_TOLD = 3


class SignalShown(BaseModel):
    """One signal: what is said, about whom, when, and whether it may cause an action now."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="Of the fact: the same, however often and by whatever way it comes.")
    workload: str = Field(description="Whom it is about.")
    stamp: str | None = Field(description="Which stamp; null: the workload as a whole.")
    node: str | None = Field(description="Which node; null: the stamp or workload as such.")
    placed_by: str = Field(description="Which rule of the mapping decided about workload, stamp and node.")
    source: str = Field(description="Who says so. Only this source can take it back.")
    instance: str = Field(description="Which instance of the alert rule; empty for health.")
    health: Health | None = Field(description="Of the node; null for an alert.")
    condition: AlertState | None = Field(description="Of the alert; null for health.")
    alert: str | None = Field(description="The name of the alert rule; null for health.")
    severity: Severity | None = Field(description="As the sender gave it; null where it gave none.")
    observed_at: datetime = Field(description="When it was so.")
    age_seconds: float = Field(description="How long ago that is; negative: it lies in the future.")
    reasons: list[str] = Field(description="In the sender's words, cut.")
    may_act: bool = Field(description="Whether it may cause an action now.")
    why: str = Field(description="Why not; empty if it may.")


class RejectedShown(BaseModel):
    """The body, or an item of a batch, that becomes a dead letter."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="Stable; see docs/intake.md.")
    reason: str = Field(description="Where, what was expected, how to mend it.")
    size: int = Field(description="Bytes.")


class Inspection(BaseModel):
    """What the worker makes of one body."""

    model_config = ConfigDict(extra="forbid")

    family: str | None = Field(
        description="Of the body; `mixed` or `none` for a batch; null where no family knows its shape."
    )
    accepted: bool = Field(description="Whether it holds a signal. If not, the exit status is 1.")
    reason: str = Field(
        description=f"`CODE: SENTENCE` of the first {_TOLD} that are rejected, or what the body is."
    )
    handshake: bool = Field(description="Whether it is the handshake of an Event Grid subscription.")
    signals: list[SignalShown]
    rejected: list[RejectedShown]


def inspect_body(body: bytes, workloads: Mapping[str, Workload], now: datetime) -> Inspection:
    """What the worker would make of this body at this moment."""
    try:
        reading = read(body, Known(dict(workloads)))
    except Rejection as why:
        reading = Reading(family_of(body) or "", (), (Rejected(body, why.code, why.reason),))
    if not reading.signals and _is_handshake(body):
        return _answer("event-grid", HANDSHAKE, handshake=True)
    shown = [_signal(signal, workloads[signal.subject.workload].policy, now) for signal in reading.signals]
    rejected = [
        RejectedShown(code=each.code, reason=each.reason, size=len(each.body)) for each in reading.rejected
    ]
    reason = "; ".join(f"{each.code}: {each.reason}" for each in rejected[:_TOLD])
    if len(rejected) > _TOLD:
        reason += f"; and {len(rejected) - _TOLD} more"
    if not shown and not rejected:
        reason = "it holds no item"
    return _answer(reading.family or None, reason, shown, rejected)


def inspect_schema() -> dict[str, Any]:
    """The JSON Schema of the answer."""
    schema = Inspection.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _answer(
    family: str | None,
    reason: str,
    signals: list[SignalShown] | None = None,
    rejected: list[RejectedShown] | None = None,
    *,
    handshake: bool = False,
) -> Inspection:
    return Inspection(
        family=family,
        accepted=bool(signals),
        reason=reason,
        handshake=handshake,
        signals=signals or [],
        rejected=rejected or [],
    )


def _is_handshake(body: bytes) -> bool:
    try:
        return validation_code(parse(body)) is not None
    except Rejection:
        return False


def _signal(signal: Signal, policy: Policy, now: datetime) -> SignalShown:
    why = signal.why or _why_not_now(signal, policy, now)
    return SignalShown(
        id=signal.id,
        workload=signal.subject.workload,
        stamp=signal.subject.stamp,
        node=signal.subject.node,
        placed_by=signal.placed_by or NAMED,
        source=signal.source,
        instance=signal.instance,
        health=signal.health,
        condition=signal.condition,
        alert=signal.alert,
        severity=signal.severity,
        observed_at=signal.observed_at,
        age_seconds=(now - signal.observed_at) / timedelta(seconds=1),
        reasons=list(signal.reasons),
        may_act=not why,
        why=why,
    )


def _why_not_now(signal: Signal, policy: Policy, now: datetime) -> str:
    """As the worker would judge it, were it enqueued and considered now."""
    age = now - signal.observed_at
    limit = policy.fresh_for if signal.health else policy.may_act_for
    if from_future(signal, now, policy):
        ahead = f"{words(-age)} ahead of now, more than {words(policy.from_future_by)}"
        return f"its time lies in the future, {ahead}: it is set aside"
    if too_old(signal, now, policy):
        return f"observed {words(age)} ago; from {words(policy.forget_after)} on it is set aside"
    if age > limit:
        return f"observed {words(age)} ago; it may act for {words(limit)}"
    if signal.condition is AlertState.RESOLVED:
        return "it ends what fired, and causes nothing by itself"
    return ""
