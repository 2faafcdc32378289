"""How is a Kubernetes deployment restarted once, and by whom was it restarted last?

By one annotation on its pod template, as `kubectl rollout restart` does it. Its
value is the moment at which the step was planned, never the present one, so that
the same intent asks for the same state however often it is sent.
"""

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from pydantic import BaseModel, ValidationError

from remediation.act.answer import outcome_of
from remediation.act.cluster import Clusters, NotReadyError, Reached
from remediation.act.http import json_body
from remediation.act.rollout import INTENT, RESTARTED_AT, DeploymentLook, look_of, objection
from remediation.ledger.intent import Outcome, OutcomeKind
from rules.topology import Deployment

UNDO = "a restart cannot be undone: the pods that it replaced are gone"

_NOT_NOW = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class Restart:
    """Restarts deployments: looks, and changes at most one annotation.

    Whether a restart is done is told by `rollout.missing` from a later look. There is no undo.
    """

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def look(self, target: Deployment) -> DeploymentLook:
        """What is there. Never raises: what cannot be seen has its reason."""
        seen = await self._read(target)
        return seen if isinstance(seen, DeploymentLook) else DeploymentLook(reason=seen.reason)

    async def apply(self, target: Deployment, intent: str, at: datetime) -> Outcome:
        """Restart it, unless this intent did so before. Never raises.

        The cluster refuses the change if anything has changed between our look and our request, so
        that a worker which was paused in between restarts nothing a second time.

        Args:
            target: the deployment.
            intent: the id of the intent.
            at: when it was planned.
        """
        seen = await self._read(target)
        if isinstance(seen, Outcome):
            return seen
        if seen.intent == intent:
            return Outcome(OutcomeKind.APPLIED, "this intent has restarted it already", found=True)
        against = _restarted_since(seen, at) or objection(seen)
        if against is not None:
            return against
        try:
            reached = await self._clusters.patch(target, restart_body(intent, at, seen.version))
        except NotReadyError as error:
            return error.outcome
        return _outcome(target, reached)

    async def forbidden(self, target: Deployment) -> str:
        """Why we might not restart it, by the cluster's own word; empty if we might. Changes nothing."""
        try:
            reached = await self._clusters.ask_may_patch(target)
        except NotReadyError as error:
            return error.outcome.reason
        if reached.answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return (
                f"whether that is allowed cannot be asked: {outcome_of(reached.answer, reached.said).reason}"
            )
        try:
            status = _Review.model_validate_json(reached.answer.body).status
        except ValidationError:
            return "whether that is allowed was not answered"
        return "" if status.allowed else "no right to patch it: the cluster says no"

    async def close(self) -> None:
        """Give up connections."""
        await self._clusters.close()

    async def _read(self, target: Deployment) -> DeploymentLook | Outcome:
        """What is there, or what became of asking: refused or transient, for nothing was changed."""
        try:
            reached = await self._clusters.get(target)
        except NotReadyError as error:
            return error.outcome
        if reached.answer.status == HTTPStatus.OK:
            return look_of(reached.answer.body)
        outcome = _outcome(target, reached)
        final = outcome.kind is OutcomeKind.REFUSED
        return replace(
            outcome,
            kind=OutcomeKind.REFUSED if final else OutcomeKind.TRANSIENT,
            reason=f"cannot be looked at: {outcome.reason}",
        )


class _Status(BaseModel):
    """What the cluster says to the question."""

    allowed: bool


class _Review(BaseModel):
    """The cluster's answer to whether we may do something."""

    status: _Status


def restart_body(intent: str, at: datetime, version: str) -> bytes:
    """The change as a strategic merge patch of the deployment as it was seen at that version."""
    annotations = {RESTARTED_AT: _rfc3339(at), INTENT: intent}
    return json_body(
        {
            "metadata": {"resourceVersion": version},
            "spec": {"template": {"metadata": {"annotations": annotations}}},
        }
    )


def _outcome(target: Deployment, reached: Reached) -> Outcome:
    """What the answer to a change means."""
    outcome = outcome_of(reached.answer, reached.said)
    where = f"{target.namespace}/{target.deployment}"
    match reached.answer.status or 0:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            right = f"no right to get and patch deployments in namespace {target.namespace}"
            return replace(outcome, reason=f"{right}: {outcome.reason}")
        case HTTPStatus.NOT_FOUND:
            return replace(outcome, reason=f"there is no deployment {where}: {outcome.reason}")
        case HTTPStatus.CONFLICT:
            words = f"{where} has changed since the look: {outcome.reason}"
            return replace(outcome, kind=OutcomeKind.TRANSIENT, reason=words)
        case status if status >= 500 and status not in _NOT_NOW:
            # 500 and 504 leave open whether it was done after all.
            return replace(outcome, kind=OutcomeKind.UNKNOWN)
    return outcome


def _restarted_since(look: DeploymentLook, at: datetime) -> Outcome | None:
    """Other hands came after the plan. Clocks may differ; in doubt nothing is restarted."""
    try:
        last = datetime.fromisoformat(look.restarted_at)
    except ValueError:
        return None  # never restarted, or by something that writes no time
    if last.tzinfo is None or last <= at:
        return None
    words = f"it was restarted by other hands at {_rfc3339(last)}, after this step was planned"
    return Outcome(OutcomeKind.REFUSED, words)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
