"""What may stand in a workload file, and which workload does it describe?

Beyond the type of each value this refuses what would make the promises of the
worker hollow: stamps that share what must be their own, numbers that contradict
each other, and settings with which no drain could ever be safe.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from rules.fields import (
    Container,
    FrontDoorId,
    Line,
    ModeWord,
    NodeName,
    Region,
    ResourceGroup,
    Secret,
    ServiceUrl,
    StampName,
    Strict,
    WorkloadName,
)
from rules.policy import DEFAULT_MODE
from rules.policy_file import PolicyModel
from rules.problems import Complaint, Path, refusal, refuse
from rules.topology import (
    ROOT_NODE,
    BlobStateFile,
    Channels,
    FolderStateFile,
    PagerDuty,
    Stamp,
    StateFileAddress,
    Teams,
    Workload,
)


def _default(of: type[PagerDuty | Workload], name: str) -> Any:
    """The default of a field of the core, so that it stands in one place."""
    return next(known.default for known in fields(of) if known.name == name)


STATE_FILE = "stamp.health"
"""The name of a state file in the reference architecture."""


class FolderModel(Strict):
    """A state file in a folder of this machine: for trying things out and for tests."""

    model_config = ConfigDict(title="state file in a folder")

    folder: Line = Field(
        description="The folder of `stamp.health`. A relative one lies in the worker's data folder."
    )

    def address(self) -> StateFileAddress:
        """The frozen address."""
        return FolderStateFile(PurePath(self.folder) / STATE_FILE)


class BlobModel(Strict):
    """A state file in Blob Storage: by account and managed identity, or by a connection string."""

    model_config = ConfigDict(
        title="state file in Blob Storage",
        json_schema_extra={"oneOf": [{"required": ["account_url"]}, {"required": ["connection"]}]},
    )

    container: Container = Field(
        description="The container; the worker's identity needs Storage Blob Data Contributor on it."
    )
    blob: Line = Field("stamp.health", description="The blob whose deletion takes the stamp out of rotation.")
    account_url: ServiceUrl | None = Field(
        None, description="https://ACCOUNT.blob.core.windows.net, reached by managed identity."
    )
    connection: Secret | None = Field(None, description="env:NAME of a variable with a connection string.")

    @model_validator(mode="after")
    def _is_sound(self) -> "BlobModel":
        if (self.account_url is None) == (self.connection is None):
            raise refusal(
                Complaint(
                    "expected exactly one of `account_url` and `connection`",
                    "take account_url with managed identity where that is possible",
                )
            )
        return self

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
        return Stamp(self.name, self.region, self.health_service, self.state_file.address(), self.groups())


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
        "resource_groups",
        lambda stamp: [group.lower() for group in stamp.groups()],
        "an alert in it would be about both",
    ),
)
"""What every stamp has for itself alone: the key, its values made comparable, and why."""


def _share_nothing(stamps: list[StampModel]) -> list[StampModel]:
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


class PagerDutyModel(Strict):
    """A PagerDuty service, by the Events API."""

    model_config = ConfigDict(title="PagerDuty")

    routing_key: Secret = Field(description="env:NAME of a variable with the integration's routing key.")
    url: ServiceUrl = Field(
        _default(PagerDuty, "url"), description="The Events API's address; it differs for accounts in the EU."
    )


class TeamsModel(Strict):
    """A Teams channel behind a Workflows webhook."""

    model_config = ConfigDict(title="Teams")

    url: Secret = Field(description="env:NAME of a variable with the webhook's URL, which is a secret.")


class ChannelsModel(Strict):
    """Where people are told. None given: pages and notifications go to the log alone."""

    model_config = ConfigDict(title="channels")

    pagerduty: PagerDutyModel | None = Field(None, description="Wakes someone.")
    teams: TeamsModel | None = Field(None, description="Tells the team.")

    def channels(self) -> Channels:
        """The frozen channels."""
        return Channels(
            pagerduty=PagerDuty(self.pagerduty.routing_key, self.pagerduty.url) if self.pagerduty else None,
            teams=Teams(self.teams.url) if self.teams else None,
        )


_NOWHERE = ChannelsModel.model_validate({})


class WorkloadFile(Strict):
    """One workload: its stamps, how far the worker may go with it, and who is told."""

    model_config = ConfigDict(title="workload of the remediation worker")

    workload: WorkloadName = Field(description="The name of the workload; signals name it by that.")
    mode: ModeWord = Field(
        DEFAULT_MODE,
        description="How far the worker may go: observe (decide and journal), approve (ask first), auto.",
    )
    root_node: NodeName = Field(ROOT_NODE, description="The root of a stamp's health model.")
    state_file_check: Line = Field(
        _default(Workload, "state_file_check"),
        description="The HealthService's check that looks for the state file.",
    )
    resource_groups: list[ResourceGroup] = Field(
        [], description="An alert about a resource in one of these is about the workload as a whole."
    )
    front_door_id: FrontDoorId | None = Field(
        None, description="The id that the stamps expect in the header X-Azure-FDID."
    )
    policy: PolicyModel = Field(PolicyModel(), description="Numbers that differ from the defaults.")
    channels: ChannelsModel = Field(_NOWHERE, description="Where people are told.")
    stamps: Annotated[list[StampModel], AfterValidator(_share_nothing)] = Field(
        min_length=1, description="The stamps. A drain needs at least one more than min_serving."
    )

    @model_validator(mode="after")
    def _is_sound(self) -> "WorkloadFile":
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        stamps, least = len(self.stamps), self.policy.min_serving
        if least >= stamps:
            # A second stamp may be yet to come; but a file that can never drain should not look as if it did.
            at: Path = ("policy", "min_serving") if "policy" in self.model_fields_set else ("stamps",)
            message = f"no drain is possible: {least} must go on serving, and there is no more than {stamps}"
            yield Complaint(message, "add a stamp, or lower `min_serving`, not below 1", at)
        own = {group.lower() for stamp in self.stamps for group in stamp.groups()}
        for place, group in enumerate(self.resource_groups):
            if group.lower() in own:
                message = f"the resource group {group} belongs to a stamp too"
                yield Complaint(message, "an alert in it would be about both", ("resource_groups", place))

    def frozen(self) -> Workload:
        """The frozen workload."""
        return Workload(
            name=self.workload,
            stamps=tuple(stamp.stamp() for stamp in self.stamps),
            mode=self.mode,
            policy=self.policy.policy(),
            channels=self.channels.channels(),
            resource_groups=tuple(self.resource_groups),
            front_door_id=self.front_door_id,
            root_node=self.root_node,
            state_file_check=self.state_file_check,
        )
