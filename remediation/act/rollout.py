"""What does a deployment show of its rollout: may it be restarted, and is its restart done?

The counts are those that `kubectl rollout status` waits for. Pods that do not
serve are no rollout in progress: they are what a restart is for.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from remediation.ledger.intent import Outcome, OutcomeKind

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
INTENT = "remediation/intent"

_ROLLED_OUT = {"", "NewReplicaSetAvailable"}  # no word at all: the deployment sets no deadline
_STUCK = "ProgressDeadlineExceeded"


@dataclass(frozen=True, slots=True)
class DeploymentLook:
    """What the API server shows of a deployment.

    Attributes:
        generation: of what is asked for.
        observed_generation: up to which the cluster's controller has read that.
        replicas: how many are asked for.
        present: how many there are, old and new.
        updated: how many are new.
        available: how many serve, old and new.
        intent: whose restart the pods are of; empty where it was not ours.
        restarted_at: the moment that the last restart gave, ours or another's.
        version: stands for exactly what was seen.
        paused: changes are not rolled out.
        progress: the controller's own word on the rollout, such as `NewReplicaSetAvailable`.
        reason: why nothing could be seen; then all the rest is blank.
    """

    generation: int = 0
    observed_generation: int = 0
    replicas: int = 0
    present: int = 0
    updated: int = 0
    available: int = 0
    intent: str = ""
    restarted_at: str = ""
    version: str = ""
    paused: bool = False
    progress: str = ""
    reason: str = ""


def objection(look: DeploymentLook) -> Outcome | None:
    """Why the deployment must not be restarted now; None if nothing speaks against it."""
    if look.reason:
        return Outcome(OutcomeKind.TRANSIENT, look.reason)
    if look.replicas == 0:
        return Outcome(OutcomeKind.REFUSED, "nothing to restart: it is scaled to 0 replicas")
    if look.paused:
        return Outcome(OutcomeKind.REFUSED, "its rollouts are paused: a restart would not begin")
    if look.progress == _STUCK:
        words = "its last rollout is stuck beyond its deadline: one more does not mend that"
        return Outcome(OutcomeKind.REFUSED, words)
    unfinished = _unfinished(look)
    if unfinished is None and look.progress not in _ROLLED_OUT:
        unfinished = f"{look.available} of {look.replicas} replicas are available"
    if unfinished is not None:
        return Outcome(OutcomeKind.TRANSIENT, f"a rollout is in progress: {unfinished}")
    return None


def missing(look: DeploymentLook, intent: str) -> str | None:
    """What is missing before the restart of that intent is done; None when it is."""
    if look.reason:
        return look.reason
    if look.intent != intent:
        return f"its pods carry another intent: {look.intent}" if look.intent else "its pods carry no intent"
    if look.replicas == 0:
        return "it was scaled to 0 replicas"
    unfinished = _unfinished(look)
    if unfinished is None and look.available != look.replicas:
        unfinished = f"{look.available} of {look.replicas} replicas are available"
    if unfinished is not None and look.progress == _STUCK:
        return f"stuck beyond its deadline: {unfinished}"
    return unfinished


def _unfinished(look: DeploymentLook) -> str | None:
    """What is not rolled out yet, whether it serves or not."""
    if look.observed_generation < look.generation:
        return f"generation {look.generation} is not observed yet, only {look.observed_generation}"
    if look.updated != look.replicas:
        return f"{look.updated} of {look.replicas} replicas are updated"
    if look.present != look.updated:
        return f"{look.present - look.updated} old replicas are still there"
    return None


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Metadata(_Part):
    generation: int
    resource_version: str


class _TemplateMetadata(_Part):
    annotations: dict[str, str] = {}


class _Template(_Part):
    metadata: _TemplateMetadata = _TemplateMetadata()


class _Spec(_Part):
    replicas: int
    paused: bool = False
    template: _Template


class _Condition(_Part):
    type: str
    reason: str = ""


class _Status(_Part):
    """Counts of 0 are left out by the API server."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    conditions: list[_Condition] = []


class _Document(_Part):
    kind: Literal["Deployment"]
    metadata: _Metadata
    spec: _Spec
    status: _Status


def look_of(document: bytes) -> DeploymentLook:
    """The look that the API server's document gives; what is no deployment gives its reason."""
    try:
        read = _Document.model_validate_json(document)
    except ValidationError:
        return DeploymentLook(reason="the answer cannot be read as a deployment")
    annotations = read.spec.template.metadata.annotations
    return DeploymentLook(
        generation=read.metadata.generation,
        observed_generation=read.status.observed_generation,
        replicas=read.spec.replicas,
        present=read.status.replicas,
        updated=read.status.updated_replicas,
        available=read.status.available_replicas,
        intent=annotations.get(INTENT, ""),
        restarted_at=annotations.get(RESTARTED_AT, ""),
        version=read.metadata.resource_version,
        paused=read.spec.paused,
        progress=next((each.reason for each in read.status.conditions if each.type == "Progressing"), ""),
    )
