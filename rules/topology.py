"""What is there: which stamps has the workload, and how is each one reached?

The frozen result of reading `workload.yaml`. Secrets are names of environment
variables and stay so: their values never enter these objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from rules.policy import DEFAULT_MODE, Mode, Policy

ROOT_NODE = "Stamp"
"""The root of a stamp's health model, as the reference architecture names it."""


REFERENCE_TREE: Mapping[str, tuple[str, ...]] = {
    "Stamp": ("AddCommentUserFlow", "ListCatalogItemsUserFlow", "ShowStaticContentUserFlow"),
    "AddCommentUserFlow": ("CatalogService", "BackgroundProcessor"),
    "ListCatalogItemsUserFlow": ("CatalogService",),
    "ShowStaticContentUserFlow": ("PublicBlobStorage",),
    "CatalogService": ("AKSCluster", "Keyvault", "EventHub"),
    "BackgroundProcessor": ("AKSCluster", "Keyvault", "EventHub", "CheckpointStorage"),
}
"""The health model of a stamp, as the reference architecture draws it."""


@dataclass(frozen=True, slots=True)
class SecretRef:
    """`env:NAME` of a file: the name of an environment variable, resolved where it is used."""

    name: str

    def __str__(self) -> str:
        """As it stands in the file."""
        return f"env:{self.name}"


@dataclass(frozen=True, slots=True)
class BlobStateFile:
    """A state file in Blob Storage, reached by managed identity or by a connection string."""

    container: str
    blob: str
    account_url: str | None = None
    connection: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class FolderStateFile:
    """A state file in a local folder, for the embedded default and for tests."""

    path: PurePath


StateFileAddress = BlobStateFile | FolderStateFile


@dataclass(frozen=True, slots=True)
class BlobContainer:
    """A container in Blob Storage, reached by managed identity or by a connection string."""

    container: str
    account_url: str | None = None
    connection: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class FolderContainer:
    """The same in a local folder, for trying things out and for tests."""

    path: PurePath


CheckpointsAddress = BlobContainer | FolderContainer


@dataclass(frozen=True, slots=True)
class EventHub:
    """The hub that a stamp's BackgroundProcessor reads, and where it keeps its checkpoints.

    Attributes:
        hub: its name.
        consumer_group: of the processor.
        checkpoints: where the processor keeps its checkpoints, in the layout of Azure's SDKs.
        namespace: host name of the namespace, reached by managed identity; or
        connection: a connection string.
    """

    hub: str
    consumer_group: str
    checkpoints: CheckpointsAddress
    namespace: str | None = None
    connection: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class HealthQuery:
    """A query of a stamp's health score in Log Analytics, as the reference's HealthService asks it.

    Attributes:
        workspace: id (a GUID) of the workspace.
        query: must give the columns `TimeGenerated` and `Healthy`.
    """

    workspace: str
    query: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """A scale unit in one region.

    Attributes:
        name: unique in the workload.
        region: Azure's short name, e.g. `westeurope`.
        resource_groups: an alert about a resource in one of these is about this stamp.
        health_service: URL of the HealthService's `/health/stamp`, direct to the stamp.
        state_file: whose deletion takes the stamp out of rotation.
        front_door_origin: resource id of its origin in Front Door, the second lever.
        event_hub: what its BackgroundProcessor reads.
        health_query: its health score in Log Analytics.
        capacity: how much load it can carry, in the unit of the policy's `load`.
    """

    name: str
    region: str
    health_service: str
    state_file: StateFileAddress
    resource_groups: tuple[str, ...] = ()
    front_door_origin: str | None = None
    event_hub: EventHub | None = None
    health_query: HealthQuery | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class HealthModel:
    """A health model of Azure Monitor, whose history is asked for.

    Attributes:
        model: its resource id.
        entities: entity name to stamp (None: global) and node.
    """

    model: str
    entities: Mapping[str, tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """One row of `subjects`: what a clue in a body says about whom it concerns.

    Exactly one of the first four is given. Patterns know `*`; case does not matter.

    Attributes:
        resource: pattern of a resource id.
        resource_type: such as `Microsoft.Cache/redis`.
        label: name of a dimension, label or custom property.
        alert: pattern of the name of an alert rule.
        value: with `label`, pattern of its value. None: the value is the name of a stamp.
        stamp: whom it is about.
        node: which node of it.
    """

    resource: str | None = None
    resource_type: str | None = None
    label: str | None = None
    alert: str | None = None
    value: str | None = None
    stamp: str | None = None
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A resource group, as Azure lists it: its name, and the short name of the region where it lies."""

    name: str
    location: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """Where stamps come and go by themselves: which resource groups are stamps, and what such a stamp is.

    Attributes:
        subscription: id of the subscription whose resource groups are listed.
        template: a stamp as it stands in a file, with placeholders such as `{region}` in its texts.
        resource_group: pattern of their names, `*` and `{region}`.
        tag: name and value of a tag that they have.
    """

    subscription: str
    template: Mapping[str, Any]
    resource_group: str | None = None
    tag: tuple[str, str] | None = None

    @property
    def question(self) -> tuple[str, str | None, tuple[str, str] | None]:
        """What is asked for. The answer to another question says nothing about this one."""
        return self.subscription, self.resource_group, self.tag


@dataclass(frozen=True, slots=True)
class Window:
    """A time of planned work. A stamp in one is touched by nobody, and does not count as serving.

    Attributes:
        since: its beginning, aware UTC.
        until: its end.
        reason: what is done.
        stamp: None for the whole workload.
    """

    since: datetime
    until: datetime
    reason: str
    stamp: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment of a stamp's cluster, which a rule may have restarted.

    Attributes:
        api_server: https URL of the cluster's API.
        namespace: in which it lies.
        deployment: its name there.
        token: of a service account. None: the worker's own identity, as AKS with Entra ID takes it.
        ca: the cluster's certificate authority in PEM, or that in base64 as a kubeconfig holds it.
            None: one that this machine trusts anyway.
        name: by which rules name it.
        stamp: whose it is.
    """

    api_server: str
    namespace: str
    deployment: str
    token: SecretRef | None = None
    ca: SecretRef | None = None
    name: str = ""
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where other systems are asked for steps.

    Attributes:
        url: an https URL, or the name of a variable that holds one which is a secret itself.
        secret: name of a variable with the signing secret, `whsec_` and base64. None: not signed.
        name: by which rules name it.
    """

    url: SecretRef | str
    secret: SecretRef | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """A PagerDuty service. The base URL differs by region (and in tests)."""

    routing_key: SecretRef
    url: str = "https://events.pagerduty.com"


@dataclass(frozen=True, slots=True)
class Teams:
    """A Teams channel behind a Workflows webhook. The URL is a secret: it carries a signature."""

    url: SecretRef


@dataclass(frozen=True, slots=True)
class Channels:
    """Where people are told. None given: pages and notifications go to the log alone."""

    pagerduty: PagerDuty | None = None
    teams: Teams | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload: its stamps, how far we may go with it, and who is told.

    Attributes:
        resource_groups: an alert about a resource in one of these is about the workload as a whole.
        front_door_id: what the stamps expect in the header `X-Azure-FDID`.
        front_door_url: URL of the HealthService through Front Door: some stamp's answer.
        root_node: the root of a stamp's health model.
        state_file_check: the HealthService's check on the state file.
        processor_node: the node of the background processor, of which its lag tells.
        database_check: the HealthService's check on the database, for whose return the processor waits.
        health_score_check: the HealthService's check on the health model; fails also when it cannot ask.
        dependencies: node to the nodes that it depends on, in the health model of a stamp.
        maintenance: planned work.
        deployments: what rules may restart.
        webhooks: whom rules may ask for a step.
        subjects: where the resource groups alone do not tell what a body is about.
        health_model: a health model of Azure Monitor that is asked for its history.
        fired_alerts: ids of the subscriptions whose fired alerts are listed, for what never arrived.
        stamps_from: where further stamps are found.
    """

    name: str
    stamps: tuple[Stamp, ...]
    mode: Mode = DEFAULT_MODE
    policy: Policy = field(default_factory=Policy)
    channels: Channels = field(default_factory=Channels)
    resource_groups: tuple[str, ...] = ()
    front_door_id: str | None = None
    front_door_url: str | None = None
    root_node: str = ROOT_NODE
    state_file_check: str = "BlobStorage"
    processor_node: str = "BackgroundProcessor"
    database_check: str = "Database"
    health_score_check: str = "AzMonitorHealthScore"
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: REFERENCE_TREE)
    maintenance: tuple[Window, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    webhooks: tuple[Endpoint, ...] = ()
    subjects: tuple[SubjectRow, ...] = ()
    health_model: HealthModel | None = None
    fired_alerts: tuple[str, ...] = ()
    stamps_from: Discovery | None = None

    @property
    def stamp_names(self) -> tuple[str, ...]:
        """The stamps' names, in the order of the file."""
        return tuple(stamp.name for stamp in self.stamps)

    def stamp(self, name: str) -> Stamp:
        """The stamp of that name.

        Raises:
            KeyError: there is none.
        """
        for stamp in self.stamps:
            if stamp.name == name:
                return stamp
        raise KeyError(name)
