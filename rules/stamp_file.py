"""What may stand in a workload file about one stamp, and which stamp does it describe?

Beyond the type of each value this refuses stamps that share what must be their
own: one look, one alert or one drain would otherwise be about both.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from rules.fields import (
    AtLeast,
    Container,
    Guid,
    Line,
    Region,
    ResourceGroup,
    ResourceId,
    ServiceUrl,
    StampName,
    Strict,
)
from rules.hub_file import EventHubModel, InBlobStorage, either
from rules.problems import Complaint, refusal, refuse
from rules.topology import (
    BlobStateFile,
    FolderStateFile,
    HealthQuery,
    Stamp,
    StateFileAddress,
)

STATE_FILE = "stamp.health"
"""The name of a state file in the reference architecture."""

HEALTH_SCORE_QUERY = (
    "StampHealthScore | order by TimeGenerated desc | take 1"
    " | project TimeGenerated, Healthy=tobool(1-RedScore)"
)
"""What the reference's own HealthService asks."""


class FolderModel(Strict):
    """A state file in a folder of this machine: for trying things out and for tests."""

    model_config = ConfigDict(title="state file in a folder")

    folder: Line = Field(
        description="The folder of `stamp.health`. A relative one lies in the worker's data folder."
    )

    def address(self) -> StateFileAddress:
        """The frozen address."""
        return FolderStateFile(PurePath(self.folder) / STATE_FILE)


class BlobModel(InBlobStorage):
    """A state file in Blob Storage: by account and managed identity, or by a connection string."""

    model_config = ConfigDict(
        title="state file in Blob Storage", json_schema_extra=either("account_url", "connection")
    )

    container: Container = Field(
        description="The container; the worker's identity needs Storage Blob Data Contributor on it."
    )
    blob: Line = Field("stamp.health", description="The blob whose deletion takes the stamp out of rotation.")

    def address(self) -> StateFileAddress:
        """The frozen address."""
        return BlobStateFile(self.container, self.blob, self.account_url, self.connection)


def _is_state_file(value: object) -> object:
    if not isinstance(value, dict) or not {"folder", "container"} & set(value):
        raise refusal(
            Complaint(
                "expected a mapping with `folder`, or with `container` and `account_url` or `connection`"
            )
        )
    return value


def _state_file_tag(value: Any) -> str:
    return FolderModel.tag() if "folder" in value else BlobModel.tag()


StateFileModel = Annotated[
    Annotated[
        Annotated[FolderModel, Tag(FolderModel.tag())] | Annotated[BlobModel, Tag(BlobModel.tag())],
        Discriminator(_state_file_tag),
    ],
    BeforeValidator(_is_state_file),
]


class HealthQueryModel(Strict):
    """The stamp's health score in Log Analytics, as the reference's HealthService asks for it."""

    model_config = ConfigDict(title="health query")

    workspace: Guid = Field(description="The workspace id; the worker's identity needs Log Analytics Reader.")
    query: str = Field(
        HEALTH_SCORE_QUERY,
        min_length=1,
        max_length=4000,
        description="KQL. Must give TimeGenerated and Healthy; no row counts as unknown.",
    )


class StampModel(Strict):
    """A scale unit in one region."""

    model_config = ConfigDict(
        title="stamp",
        json_schema_extra={"not": {"required": ["resource_group", "resource_groups"]}},
    )

    name: StampName = Field(description="Unique in the workload; signals name the stamp by it.")
    region: Region = Field(description="Azure's short name of the region, e.g. westeurope.")
    resource_group: ResourceGroup | None = Field(
        None, description="An alert about a resource in this group is about this stamp."
    )
    resource_groups: list[ResourceGroup] = Field([], description="The same for several groups.")
    health_service: ServiceUrl = Field(
        description="URL of the HealthService's /health/stamp, direct to the stamp, not through Front Door."
    )
    state_file: StateFileModel = Field(description="The file whose deletion takes the stamp out of rotation.")
    front_door_origin: ResourceId | None = Field(
        None, description="Resource id of the stamp's origin in Front Door, the second lever."
    )
    event_hub: EventHubModel | None = Field(None, description="What the background processor reads.")
    health_query: HealthQueryModel | None = Field(
        None, description="The stamp's health score in Log Analytics, asked every minute."
    )
    capacity: Annotated[int, AtLeast(1, "leave it out where it is not known", most=1_000_000_000)] | None = (
        Field(None, description="How much load it can carry, in the unit of the policy's `load`.")
    )

    @model_validator(mode="after")
    def _is_sound(self) -> "StampModel":
        if self.resource_group and self.resource_groups:
            words = "expected one of `resource_group` and `resource_groups`"
            raise refusal(Complaint(words, "write them all as resource_groups", ("resource_group",)))
        return self

    def groups(self) -> tuple[str, ...]:
        """Its resource groups, by whichever key they were given."""
        return (*self.resource_groups, *([self.resource_group] if self.resource_group else []))

    def stamp(self) -> Stamp:
        """The frozen stamp."""
        asked = self.health_query
        return Stamp(
            name=self.name,
            region=self.region,
            health_service=self.health_service,
            state_file=self.state_file.address(),
            resource_groups=self.groups(),
            front_door_origin=self.front_door_origin,
            event_hub=self.event_hub.event_hub() if self.event_hub else None,
            health_query=HealthQuery(asked.workspace, asked.query) if asked else None,
            capacity=self.capacity,
        )


def _same_file(address: StateFileAddress) -> object:
    """The address, the same for two ways of writing one account."""
    match address:
        case BlobStateFile(account_url=str(url)):
            return replace(address, account_url=url.rstrip("/").lower())
        case _:
            return address


_OWN: tuple[tuple[str, Callable[[StampModel], list[object]], str], ...] = (
    ("name", lambda stamp: [stamp.name], "signals and drains find a stamp by its name"),
    (
        "health_service",
        lambda stamp: [stamp.health_service.rstrip("/").lower()],
        "one answer would be taken for two stamps that serve",
    ),
    (
        "state_file",
        lambda stamp: [_same_file(stamp.state_file.address())],
        "a drain of one would take out the other",
    ),
    (
        "front_door_origin",
        lambda stamp: [stamp.front_door_origin.lower()] if stamp.front_door_origin else [],
        "disabling it for one would take out the other",
    ),
    (
        "event_hub",
        lambda stamp: [_same_hub(stamp.event_hub)] if stamp.event_hub else [],
        "a lag of one would be taken for a lag of both",
    ),
    (
        "resource_groups",
        lambda stamp: [group.lower() for group in stamp.groups()],
        "an alert in it would be about both",
    ),
)
"""What every stamp has for itself alone: the key, its values made comparable, and why."""


def _same_hub(model: EventHubModel) -> object:
    return (model.namespace or str(model.connection)).lower(), model.hub.lower(), model.consumer_group.lower()


def share_nothing(stamps: list[StampModel]) -> list[StampModel]:
    """The stamps, if each has for itself what must be its own."""
    refuse(_shared(stamps))
    return stamps


def _shared(stamps: list[StampModel]) -> Iterator[Complaint]:
    for key, values, why in _OWN:
        owner: dict[object, StampModel] = {}
        for place, stamp in enumerate(stamps):
            for value in values(stamp):
                first = owner.setdefault(value, stamp)
                if first is not stamp:
                    given = "resource_group" if key == "resource_groups" and stamp.resource_group else key
                    message = f"stamp {stamp.name} has the same `{given}` as an earlier one, {first.name}"
                    yield Complaint(message, why, (place, given))
