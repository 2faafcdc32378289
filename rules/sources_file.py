"""What may stand in a workload file about where facts come from, and whom they are about?"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from rules.fields import AlertName, Guid, Line, NodeName, ResourceId, ResourceType, StampName, Strict
from rules.problems import Complaint, refuse
from rules.topology import HealthModel, SubjectRow

_CLUES = ("resource", "resource_type", "label", "alert")


class SubjectRowModel(Strict):
    """One clue in a body, and whom it says the body is about."""

    model_config = ConfigDict(
        title="subject",
        json_schema_extra={"oneOf": [{"required": [clue]} for clue in _CLUES]},
    )

    resource: Line | None = Field(None, description="Pattern of a resource id; `*` is any run of characters.")
    resource_type: ResourceType | None = Field(
        None, description="Type of the resource, such as Microsoft.Cache/redis; gives a node."
    )
    label: Line | None = Field(None, description="Name of a dimension, a label or a custom property.")
    alert: AlertName | None = Field(None, description="Pattern of the name of an alert rule.")
    value: Line | None = Field(
        None, description="With `label`: pattern of its value. Not given: the value is a stamp's name."
    )
    stamp: StampName | None = Field(None, description="Which stamp it is about.")
    node: NodeName | None = Field(None, description="Which node it is about.")

    @model_validator(mode="after")
    def _is_sound(self) -> "SubjectRowModel":
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        given = [clue for clue in _CLUES if getattr(self, clue) is not None]
        if len(given) != 1:
            yield Complaint(f"expected exactly one of {', '.join(f'`{clue}`' for clue in _CLUES)}")
            return
        if self.value is not None and self.label is None:
            yield Complaint("`value` belongs to `label`", "name the label whose value that is", ("value",))
        if self.resource_type is not None and self.stamp is not None:
            words = "a resource type is no clue to a stamp: every stamp has such resources"
            yield Complaint(words, "take `resource`, or leave `stamp` out", ("stamp",))
        if self.stamp is None and self.node is None and (self.label is None or self.value is not None):
            yield Complaint("the row says nothing", "add `stamp` or `node`")

    def row(self) -> SubjectRow:
        """The frozen row."""
        return SubjectRow(**self.model_dump())


class EntityModel(Strict):
    """Which node an entity of the health model is."""

    model_config = ConfigDict(title="entity")

    entity: Line = Field(description="The name of the entity.")

    stamp: StampName | None = Field(None, description="Of which stamp; not given: of the workload.")
    node: NodeName = Field(description="The node.")


class HealthModelModel(Strict):
    """A health model of Azure Monitor. It tells nobody of changes, so it is asked."""

    model_config = ConfigDict(title="health model")

    model: ResourceId = Field(
        description="Its resource id; the worker's identity needs Reader and getHistory on its entities."
    )
    entities: list[EntityModel] = Field(
        min_length=1, max_length=200, description="Which entities are asked for, and what they are."
    )

    @model_validator(mode="after")
    def _is_sound(self) -> "HealthModelModel":
        names = [each.entity for each in self.entities]
        refuse(
            Complaint(f"the entity {name} stands twice", "delete one", ("entities", place, "entity"))
            for place, name in enumerate(names)
            if name in names[:place]
        )
        return self

    def health_model(self) -> HealthModel:
        """The frozen health model."""
        return HealthModel(self.model, {each.entity: (each.stamp, each.node) for each in self.entities})


def _none_twice(ids: list[str]) -> list[str]:
    twice = [place for place, each in enumerate(ids) if each in ids[:place]]
    refuse(Complaint("this subscription stands twice", "delete one", (place,)) for place in twice)
    return ids


class AlertsModel(Strict):
    """Where the alerts of a workload are listed: what a webhook missed is found there."""

    model_config = ConfigDict(title="fired alerts")

    subscriptions: Annotated[list[Guid], AfterValidator(_none_twice)] = Field(
        min_length=1,
        max_length=10,
        description="Ids of the subscriptions; the worker's identity needs Monitoring Reader.",
    )
