"""Which node stands for a service of Azure, and how bad for a workload is an incident of it?

One table. A red node that all stamps share holds every drain (DESIGN §4), and that
is the measure: red worldwide is for what makes a drain useless, dangerous or blind.
Red in one region is for what hurts what runs there.
"""

import re
from dataclasses import dataclass

from rules.signals import Health


@dataclass(frozen=True, slots=True)
class Service:
    """One row.

    Attributes:
        node: the name that rules use.
        names: a pattern that the display name of a service of this kind has, in lower case.
        regional: the health of the node in a region with an active incident.
        worldwide: the same where the incident is not bound to regions.
        reason: why so, and not otherwise.
        grows: whether stamps cannot grow while it cannot be managed.
    """

    node: str
    names: str
    regional: Health
    worldwide: Health
    reason: str
    grows: bool = False

    @property
    def managed(self) -> bool:
        """Whether failing management of it is the control plane's, and leaves the service itself alone."""
        return self not in (TELEMETRY, CONTROL_PLANE, OTHER)

    def health(self, *, worldwide: bool) -> Health:
        """While an incident is active."""
        return self.worldwide if worldwide else self.regional

    def health_of_managing(self, *, worldwide: bool) -> Health:
        """Of the control plane, while only managing this service fails."""
        return CONTROL_PLANE.health(worldwide=worldwide and self.grows)


CONTROL_PLANE = Service(
    "AzureControlPlane",
    r"resource manager|\bportal\b",
    Health.YELLOW,
    Health.RED,
    "what runs goes on (I3); worldwide, stamps that should take over load could not grow",
)
TELEMETRY = Service(
    "AzureTelemetry",
    r"log analytics|application insights|azure monitor|sentinel|network watcher",
    Health.RED,
    Health.RED,
    "we are blind (I1): silence and every health score prove nothing while it lasts",
)
OTHER = Service(
    "AzureOther",
    "",
    Health.YELLOW,
    Health.YELLOW,
    "nobody says that the workload uses it, and a red one would hold every drain for a stranger's outage",
)

SERVICES = (
    TELEMETRY,
    CONTROL_PLANE,
    Service(
        "AzureDNS",
        r"\bdns\b",
        Health.RED,
        Health.RED,
        "no probe and no client resolves a name (F02); traffic cannot be moved by it either",
    ),
    Service(
        "AzureEdge",
        r"front door|\bcdn\b|content delivery",
        Health.RED,
        Health.RED,
        "users fail before any stamp is reached (F03); a drain changes nothing",
    ),
    Service(
        "AzureIdentity",
        r"entra|active directory|managed identit",
        Health.RED,
        Health.RED,
        "tokens fail everywhere, our own too (F01); no stamp is better off",
    ),
    Service(
        "AzureRegistry",
        r"container registry",
        Health.YELLOW,
        Health.RED,
        "running pods have their images (F10); worldwide, stamps that should take over load could not grow",
    ),
    Service(
        "AzureDatabase",
        r"cosmos",
        Health.RED,
        Health.RED,
        "all stamps share it (F08); one region's fails over by itself (F07), which settling waits out",
    ),
    Service(
        "AzureEventHubs", r"event hub", Health.RED, Health.RED, "nothing is accepted or worked off (F20, F21)"
    ),
    Service(
        "AzureKeyVault",
        r"key vault",
        Health.YELLOW,
        Health.RED,
        "running pods have their secrets (F24); worldwide, stamps that should take over load could not grow",
    ),
    Service(
        "AzureStorage",
        r"\bstorage\b",
        Health.RED,
        Health.RED,
        "checkpoints, static content and the state file lie there (F22, F23)",
    ),
    Service(
        "AzureCompute",
        r"virtual machine|kubernetes service|\baks\b|scale set",
        Health.RED,
        Health.RED,
        "what runs is hit; where only starting and changing fails, it is the control plane's (I3)",
        grows=True,
    ),
    Service(
        "AzureNetwork",
        r"network|expressroute|load balancer|private link|nat gateway|application gateway|firewall",
        Health.RED,
        Health.RED,
        "a region that cannot be reached serves nobody (I2); worldwide, no stamp is better off",
    ),
)
"""In order of precedence: the first whose pattern is in the name."""

_CONTAINER_APPS = re.compile(r"container apps")
_OF_LOG_DATA = re.compile(r"\blogs?\b|\blog data\b|\blogging\b|telemetry|diagnostic")


def service_of(name: str, said: str) -> Service:
    """The kind of a service.

    Args:
        name: its display name.
        said: what the incident says. Container Apps lost their log data in I1, and are otherwise
            none of our business.
    """
    lower = name.lower()
    if _CONTAINER_APPS.search(lower):
        return TELEMETRY if _OF_LOG_DATA.search(said.lower()) else OTHER
    return next((each for each in SERVICES if re.search(each.names, lower)), OTHER)


def candidates(name: str, *, of_incident: bool) -> tuple[Service, ...]:
    """Every kind that some update about this service may have been about, whatever its text said.

    What an incident made red is taken back by its end, though the two texts differ.
    """
    found = {service_of(name, ""), service_of(name, "log data")}
    if of_incident and any(service.managed for service in found):
        found.add(CONTROL_PLANE)
    return tuple(sorted(found, key=lambda service: service.node))
