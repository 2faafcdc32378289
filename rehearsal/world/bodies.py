"""What do Azure Monitor and Service Health send? Bodies in the common alert schema, made to measure.

Field names and quirks as in AZURE-FACTS §3: the rules of all stamps have the same name, so the resource
tells the stamp; an alert instance keeps its `alertId` when it resolves; a Service Health alert is always
`Fired`, and says in its properties whether the incident goes on.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rules.topology import Workload

SUBSCRIPTION = "/subscriptions/5c0de000-0000-4000-8000-000000000001"
_ALERTS = f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts"


@dataclass(frozen=True, slots=True)
class AlertSaid:
    """One metric alert.

    Attributes:
        rule: name of the alert rule.
        stamp: whose resource it is about; None: of the workload's own group.
        fired: or resolved.
        number: of the instance; what resolves it carries the same.
        severity: `Sev0` to `Sev4`.
        resource: its type and name, such as `microsoft.eventhub/namespaces/hub`.
    """

    rule: str
    stamp: str | None
    fired: bool
    number: int
    severity: str
    resource: str


def alert(said: AlertSaid, workload: Workload, at: datetime) -> bytes:
    """The body of a metric alert."""
    group = _group(workload, said.stamp)
    target = f"{SUBSCRIPTION}/resourcegroups/{group}/providers/{said.resource}"
    moment = _moment(at)
    essentials = {
        "alertId": f"{_ALERTS}/{said.stamp or 'global'}-{_slug(said.rule)}-{said.number}",
        "alertRule": said.rule,
        "severity": said.severity,
        "signalType": "Metric",
        "monitorCondition": "Fired" if said.fired else "Resolved",
        "monitoringService": "Platform",
        "alertTargetIDs": [target.lower()],
        "configurationItems": [said.resource.rpartition("/")[2]],
        "originAlertId": f"{said.stamp}-{said.rule}",
        "firedDateTime": moment,
        "description": "",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    } | ({} if said.fired else {"resolvedDateTime": moment})
    context = {
        "properties": None,
        "conditionType": "SingleResourceMultipleMetricCriteria",
        "condition": {"windowSize": "PT1M", "allOf": [], "windowStartTime": moment, "windowEndTime": moment},
    }
    return _common(essentials, context)


@dataclass(frozen=True, slots=True)
class ServiceSaid:
    """One update of one Service Health incident.

    Attributes:
        service: Azure's display name, such as `Azure Front Door`.
        regions: display names; none is `Global`.
        stage: `Active`, `Resolved`, `RCA`, …
        tracking: the incident's id.
        kind: `Incident`, `Maintenance`, `Informational`, `ActionRequired`, `Security`.
        title: of the incident.
        says: the communication.
        number: of the update.
    """

    service: str
    regions: tuple[str, ...]
    stage: str
    tracking: str
    kind: str
    title: str
    says: str
    number: int


def service_health(said: ServiceSaid, at: datetime) -> bytes:
    """The body of a Service Health alert."""
    moment, regions = _moment(at), said.regions or ("Global",)
    essentials = {
        "alertId": f"{_ALERTS}/{said.tracking}-{said.number}",
        "alertRule": "service-health",
        "severity": "Sev4",
        "signalType": "Activity Log",
        "monitorCondition": "Fired",
        "monitoringService": "ServiceHealth",
        "alertTargetIDs": [SUBSCRIPTION],
        "originAlertId": f"{said.tracking}-{said.number}",
        "firedDateTime": moment,
        "description": "",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    listed = [{"ImpactedRegions": [{"RegionName": name} for name in regions], "ServiceName": said.service}]
    properties = {
        "title": said.title,
        "service": said.service,
        "region": ", ".join(regions),
        "communication": said.says,
        "incidentType": said.kind,
        "trackingId": said.tracking,
        "impactStartTime": moment,
        "impactedServices": json.dumps(listed),
        "stage": said.stage,
        "communicationId": str(said.number),
        "version": "0.1.1",
    }
    context = {
        "channels": 1,
        "correlationId": f"{said.tracking}-{said.number}",
        "eventSource": 2,
        "eventTimestamp": moment,
        "eventDataId": f"{said.tracking}-{said.number}",
        "level": 3,
        "operationName": f"Microsoft.ServiceHealth/{said.kind.lower()}/action",
        "operationId": said.tracking,
        "properties": properties,
        "status": said.stage,
        "submissionTimestamp": moment,
    }
    return _common(essentials, context)


def filled_in(text: str, at: datetime) -> bytes:
    """A body from a file, in which `{{now}}` stands for the moment."""
    return text.replace("{{now}}", _moment(at)).encode()


def _common(essentials: dict[str, Any], context: dict[str, Any]) -> bytes:
    data = {"essentials": essentials, "alertContext": context, "customProperties": None}
    return json.dumps({"schemaId": "azureMonitorCommonAlertSchema", "data": data}).encode()


def _group(workload: Workload, stamp: str | None) -> str:
    """A resource group of the stamp, or one of the workload."""
    groups = workload.stamp(stamp).resource_groups if stamp else workload.resource_groups
    return groups[0] if groups else f"{workload.name}-unknown-rg"


def _slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
