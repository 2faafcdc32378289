"""Which workload does a scenario rehearse, where it names no workload file?

The default is the reference architecture's: stamps with a state file and an origin in Front Door, a
hub that its processor reads, and every probe on.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rules.topology import (
    BlobContainer,
    BlobStateFile,
    Deployment,
    Endpoint,
    EventHub,
    Stamp,
    Window,
    Workload,
)

if TYPE_CHECKING:
    from rehearsal.scenario.model import ScenarioFile, WorkloadModel

NAME = "shop"
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
"""When every run begins: three in the morning."""

REGIONS = {
    "weu": "westeurope",
    "neu": "northeurope",
    "sdc": "swedencentral",
    "uks": "uksouth",
    "frc": "francecentral",
    "eus": "eastus",
    "wus": "westus",
    "brs": "brazilsouth",
}
_GROUPS = "/subscriptions/5c0de000-0000-4000-8000-000000000001/resourceGroups"


def workload_of(scenario: "ScenarioFile") -> Workload:
    """The workload of a scenario that names no file."""
    told = scenario.workload
    return Workload(
        name=NAME,
        stamps=tuple(_stamp(name, told) for name in told.stamps),
        mode=scenario.mode,
        policy=told.policy.policy(),
        resource_groups=(f"{NAME}-global-rg",),
        front_door_url="https://shop.example/health/stamp" if told.path_probe else None,
        deployments=tuple(_deployment(name, stamp) for stamp in told.stamps for name in told.deployments),
        webhooks=tuple(Endpoint(f"https://{name}.example/steps", name=name) for name in told.webhooks),
        maintenance=tuple(
            Window(START + each.since, START + each.until, each.reason, each.stamp)
            for each in told.maintenance
        ),
    )


def _stamp(name: str, told: "WorkloadModel") -> Stamp:
    place, _, suffix = name.partition("-")
    region = REGIONS.get(place, name.replace("-", ""))
    group = "-".join(filter(None, (NAME, "stamp", region, suffix, "rg")))
    account = f"https://{NAME}{name.replace('-', '')}prist.blob.core.windows.net"
    hub = EventHub(
        hub="backendqueue-eh",
        consumer_group="backendworker-cs",
        checkpoints=BlobContainer("ehcheckpoints", account),
        namespace=f"{NAME}-{name}-evhns.servicebus.windows.net",
    )
    origins = f"{_GROUPS}/{NAME}-global-rg/providers/Microsoft.Cdn/profiles/{NAME}-fd/originGroups/o/origins"
    return Stamp(
        name=name,
        region=region,
        health_service=f"https://{name}.shop.example/healthservice/health/stamp",
        state_file=BlobStateFile("healthservice", "stamp.health", account),
        resource_groups=(group,),
        front_door_origin=f"{origins}/{name}" if told.second_lever else None,
        event_hub=hub if told.lag_probe else None,
        capacity=told.capacity,
    )


def _deployment(name: str, stamp: str) -> Deployment:
    return Deployment(f"https://{stamp}.aks.example", NAME, name, name=name, stamp=stamp)
