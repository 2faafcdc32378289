"""What is there: which stamps has the workload, and how is each one reached?

The frozen result of reading `workload.yaml`. Secrets are names of environment
variables and stay so: their values never enter these objects.
"""

from dataclasses import dataclass, field
from pathlib import PurePath

from rules.policy import DEFAULT_MODE, Mode, Policy

ROOT_NODE = "Stamp"
"""The root of a stamp's health model, as the reference architecture names it."""


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
class Stamp:
    """A scale unit in one region.

    Attributes:
        name: unique in the workload.
        region: Azure's short name, e.g. `westeurope`.
        resource_groups: an alert about a resource in one of these is about this stamp.
        health_service: URL of the HealthService's `/health/stamp`, direct to the stamp.
        state_file: whose deletion takes the stamp out of rotation.
    """

    name: str
    region: str
    health_service: str
    state_file: StateFileAddress
    resource_groups: tuple[str, ...] = ()


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
    """One workload: its stamps, how far we may go with it, and who is told."""

    name: str
    stamps: tuple[Stamp, ...]
    mode: Mode = DEFAULT_MODE
    policy: Policy = field(default_factory=Policy)
    channels: Channels = field(default_factory=Channels)
    resource_groups: tuple[str, ...] = ()
    front_door_id: str | None = None
    root_node: str = ROOT_NODE
    state_file_check: str = "BlobStorage"

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
