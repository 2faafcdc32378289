"""What may stand in a workload file about the hub that a stamp's background processor reads?

Apart from the stamp's own file: what lies in Blob Storage is described here, and the state
file lies there as well.
"""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from rules.fields import Container, HostName, Line, Secret, ServiceUrl, Strict
from rules.problems import Complaint, refuse
from rules.topology import BlobContainer, CheckpointsAddress, EventHub, FolderContainer


class InBlobStorage(Strict):
    """Something in Blob Storage: by account and managed identity, or by a connection string."""

    account_url: ServiceUrl | None = Field(
        None, description="https://ACCOUNT.blob.core.windows.net, reached by managed identity."
    )
    connection: Secret | None = Field(None, description="env:NAME of a variable with a connection string.")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        refuse(_one_of(self, "account_url", "connection"))
        return self


def _one_of(model: Strict, by_identity: str, by_secret: str) -> Iterator[Complaint]:
    if (getattr(model, by_identity) is None) == (getattr(model, by_secret) is None):
        yield Complaint(
            f"expected exactly one of `{by_identity}` and `{by_secret}`",
            f"take {by_identity} with managed identity where that is possible",
        )


def either(by_identity: str, by_secret: str) -> dict[str, Any]:
    """The same for editors."""
    return {"oneOf": [{"required": [by_identity]}, {"required": [by_secret]}]}


class CheckpointsModel(InBlobStorage):
    """Where the background processor keeps its checkpoints, in the layout of Azure's SDKs."""

    model_config = ConfigDict(title="checkpoints", json_schema_extra=either("account_url", "connection"))

    container: Container = Field(
        "ehcheckpoints",
        description="The container; the worker's identity needs Storage Blob Data Reader on it.",
    )

    def address(self) -> CheckpointsAddress:
        """The frozen address."""
        return BlobContainer(self.container, self.account_url, self.connection)


class CheckpointFolderModel(Strict):
    """Checkpoints in a folder of this machine: for trying things out and for tests."""

    model_config = ConfigDict(title="checkpoints in a folder")

    folder: Line = Field(
        description="The folder of the checkpoints. A relative one lies in the worker's data folder."
    )

    def address(self) -> CheckpointsAddress:
        """The frozen address."""
        return FolderContainer(PurePath(self.folder))


def _checkpoints_tag(value: Any) -> str:
    in_folder = isinstance(value, dict) and "folder" in value
    return CheckpointFolderModel.tag() if in_folder else CheckpointsModel.tag()


AnyCheckpointsModel = Annotated[
    Annotated[CheckpointFolderModel, Tag(CheckpointFolderModel.tag())]
    | Annotated[CheckpointsModel, Tag(CheckpointsModel.tag())],
    Discriminator(_checkpoints_tag),
]


class EventHubModel(Strict):
    """The hub that the stamp's background processor reads: given, its lag is looked at."""

    model_config = ConfigDict(title="event hub", json_schema_extra=either("namespace", "connection"))

    namespace: HostName | None = Field(
        None,
        description="Host name of the namespace, reached by managed identity (Event Hubs Data Receiver).",
    )
    connection: Secret | None = Field(None, description="env:NAME of a variable with a connection string.")
    hub: Line = Field("backendqueue-eh", description="The name of the hub.")
    consumer_group: Line = Field("backendworker-cs", description="The processor's consumer group.")
    checkpoints: AnyCheckpointsModel = Field(description="Where the processor keeps its checkpoints.")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        refuse(_one_of(self, "namespace", "connection"))
        return self

    def event_hub(self) -> EventHub:
        """The frozen hub."""
        return EventHub(
            hub=self.hub,
            consumer_group=self.consumer_group,
            checkpoints=self.checkpoints.address(),
            namespace=self.namespace,
            connection=self.connection,
        )
