"""What may stand in a workload file about how its parts hang together, and about work on them?"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from rules.fields import Line, NodeName, RuleName, Secret, ServiceUrl, StampName, Strict
from rules.problems import Complaint, refusal, refuse
from rules.topology import Deployment, Window

_MOMENT = "a moment with its zone, such as 2026-03-01T22:00:00Z"


def parse_moment(value: Any) -> datetime:
    """A moment of a file, aware UTC."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise refusal(Complaint(f"expected {_MOMENT}")) from None
    if moment.tzinfo is None:
        raise refusal(Complaint(f"expected {_MOMENT}", "without a zone it could be any hour"))
    return moment.astimezone(UTC)


Moment = Annotated[
    datetime, BeforeValidator(parse_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]


class DependencyModel(Strict):
    """A node of the health model, and those that it depends on."""

    model_config = ConfigDict(title="dependency")

    node: NodeName = Field(description="The node.")
    on: list[NodeName] = Field(min_length=1, max_length=100, description="What it depends on.")


def tree(models: Sequence[DependencyModel]) -> Mapping[str, tuple[str, ...]]:
    """The frozen health model."""
    return {each.node: tuple(each.on) for each in models}


class WindowModel(Strict):
    """A time of planned work."""

    model_config = ConfigDict(title="maintenance")

    since: Moment = Field(description=f"Its beginning: {_MOMENT}.")
    until: Moment = Field(description="Its end.")
    reason: Line = Field(description="What is done; people read it when something is held.")
    stamp: StampName | None = Field(None, description="Which stamp; not given: the whole workload.")

    @model_validator(mode="after")
    def _is_sound(self) -> "WindowModel":
        if self.until <= self.since:
            raise refusal(Complaint("it ends before it begins", "", ("until",)))
        return self

    def window(self) -> Window:
        """The frozen window."""
        return Window(self.since, self.until, self.reason, self.stamp)


class DeploymentModel(Strict):
    """A deployment of a stamp's cluster, which a rule may have restarted."""

    model_config = ConfigDict(title="deployment")

    name: RuleName = Field(description="By which rules name it; each stamp may have one of that name.")
    stamp: StampName = Field(description="Whose it is.")
    api_server: ServiceUrl = Field(description="URL of the cluster's API.")
    namespace: Line = Field(description="The namespace in which it lies.")
    deployment: Line = Field(description="Its name there.")
    token: Secret | None = Field(
        None, description="env:NAME of a variable with a bearer token. Not given: the worker's identity."
    )
    ca: Secret | None = Field(
        None, description="env:NAME of a variable with the certificate of the cluster's authority, as PEM."
    )

    def deployment_of(self) -> Deployment:
        """The frozen deployment."""
        # Not by `model_dump`, which would take references to secrets apart.
        return Deployment(**{name: getattr(self, name) for name in type(self).model_fields})


class EndpointModel(Strict):
    """Another system that a rule may ask for a step, by a signed CloudEvent."""

    model_config = ConfigDict(title="webhook")

    name: RuleName = Field(description="By which rules name it.")
    url: Secret = Field(description="env:NAME of a variable with its https URL.")
    secret: Secret | None = Field(
        None, description="env:NAME of a variable with the signing secret, whsec_… of Standard Webhooks."
    )


def refuse_twins(names: Sequence[object], key: str) -> None:
    """Refuse two things of one name."""
    refuse(
        Complaint("this name stands twice", "delete one, or rename it", (key, place))
        for place, name in enumerate(names)
        if name in names[:place]
    )
