"""What does an Azure resource id tell: the group, the type, the name, and which node that is?

Ids come in any case, with blanks, and cut off; what cannot be read off one is
None, and never guessed.
"""

import re

from remediation.intake.identity import bounded
from remediation.intake.limits import clip
from rules.topology import ROOT_NODE

_GROUP = re.compile(r"/resourcegroups/([^/]+)", re.IGNORECASE)
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)
_PROVIDER = re.compile(r".*/providers/([^/]+)/(.+)", re.IGNORECASE | re.DOTALL)

NODES = {
    "microsoft.containerservice/managedclusters": "AKSCluster",
    "microsoft.compute/virtualmachinescalesets": "AKSCluster",
    "microsoft.compute/virtualmachines": "AKSCluster",
    "microsoft.eventhub/namespaces": "EventHub",
    "microsoft.keyvault/vaults": "Keyvault",
    "microsoft.documentdb/databaseaccounts": "CosmosDB",
    "microsoft.cdn/profiles": "FrontDoor",
    "microsoft.network/frontdoors": "FrontDoor",
    "microsoft.containerregistry/registries": "ContainerRegistry",
    "microsoft.network/virtualnetworks": "Network",
    "microsoft.network/loadbalancers": "Network",
    "microsoft.network/publicipaddresses": "Network",
}
"""The node of the reference architecture's health model that a resource of this type belongs to."""

_STORAGE = "microsoft.storage/storageaccounts"
_STORAGE_NODES = {"prist": "CheckpointStorage", "pubst": "PublicBlobStorage"}
"""The reference names its storage accounts by their ends: the stamp's private one, and the public one."""

_ENTITY = re.compile(
    r".*/microsoft\.cloudhealth/healthmodels/(?P<model>[^/]+)/entities/(?P<entity>[^/]+)",
    re.IGNORECASE | re.DOTALL,
)


def resource_group(resource_id: str) -> str | None:
    """The resource group, lower case; None where there is none."""
    found = _GROUP.search(resource_id)
    return found[1].lower() if found else None


def subscription(resource_id: str) -> str | None:
    """The subscription, lower case; None where there is none."""
    found = _SUBSCRIPTION.search(resource_id)
    return found[1].lower() if found else None


def resource_type(resource_id: str) -> str | None:
    """Such as `microsoft.eventhub/namespaces`, lower case, without the types of child resources."""
    found = _PROVIDER.match(resource_id)
    return f"{found[1]}/{found[2].partition('/')[0]}".lower() if found else None


def resource_name(resource_id: str) -> str:
    """The name of the resource, lower case, not of a child of it; empty where there is none."""
    found = _PROVIDER.match(resource_id)
    return found[2].split("/")[1].lower() if found and "/" in found[2] else ""


def node_of(resource_id: str) -> str | None:
    """The node of the reference's health model that this resource is; None where that cannot be told.

    An entity of a health model of Azure Monitor is the node of its name. The root of such a model has
    the name of the model.
    """
    entity = _ENTITY.match(resource_id)
    if entity:
        is_root = entity["entity"].lower() == entity["model"].lower()
        return ROOT_NODE if is_root else bounded(clip(entity["entity"], len(entity["entity"])))
    kind = resource_type(resource_id) or ""
    if kind != _STORAGE:
        return NODES.get(kind)
    name = resource_name(resource_id)
    return next((node for end, node in _STORAGE_NODES.items() if name.endswith(end)), None)
