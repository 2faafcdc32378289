"""Which bodies and workloads do the tests of intake share?"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remediation.intake.rejection import Rejection
from remediation.intake.subject import Known
from rules.topology import Workload
from tests.builders import a_stamp, a_workload

CORPUS = Path(__file__).parent / "corpus"
BODIES = sorted(path for path in CORPUS.glob("*.json") if not path.name.endswith(".expected.json"))

STAMP_GROUPS = {
    "weu": ("aoprod7745-stamp-westeurope-rg",),
    "neu": ("aoprod7745-stamp-northeurope-rg",),
    "eus": (),
}


def shop(**changes: Any) -> Workload:
    """A workload whose stamps and monitoring have resource groups."""
    stamps = tuple(a_stamp(name, resource_groups=groups) for name, groups in STAMP_GROUPS.items())
    defaults = {"stamps": stamps, "resource_groups": ("aoprod-monitoring-rg",)}
    return replace(a_workload(), **{**defaults, **changes})


def know(*workloads: Workload) -> Known:
    """These workloads are known, and no others."""
    return Known({workload.name: workload for workload in workloads})


KNOWN = know(shop())


def encode(value: object) -> bytes:
    """As JSON."""
    return json.dumps(value).encode()


def a_health_event(**changes: Any) -> dict[str, Any]:
    """A red node of stamp weu. Keys of `data` and of the envelope may be changed; `...` takes one out."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/health-models/shop",
        "type": "health.state.changed.v1",
        "time": "2026-03-01T03:00:05Z",
    }
    change: dict[str, Any] = {
        "workload": "shop",
        "stamp": "weu",
        "node": "BackgroundProcessor",
        "state": "red",
        "observed_at": "2026-03-01T03:00:00Z",
        "sequence": 7,
    }
    for key, value in changes.items():
        (event if key in ENVELOPE else change)[key] = value
    event["data"] = _present(change)
    return _present(event)


ENVELOPE = {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "traceparent"}


def an_alert_body(context: object = None, **essentials: Any) -> dict[str, Any]:
    """A fired metric alert of stamp weu. Essentials may be changed; `...` takes one out."""
    fields: dict[str, Any] = {
        "alertId": "/subscriptions/6f1d/providers/Microsoft.AlertsManagement/alerts/1",
        "alertRule": "EventHubThrottled",
        "severity": "Sev1",
        "signalType": "Metric",
        "monitorCondition": "Fired",
        "monitoringService": "Platform",
        "alertTargetIDs": [a_target("aoprod7745-stamp-westeurope-rg")],
        "firedDateTime": "2026-03-01T03:00:00Z",
        **essentials,
    }
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": _present(fields), "alertContext": context},
    }


def a_target(group: str) -> str:
    """The id of an Event Hubs namespace in a resource group."""
    return f"/subscriptions/6f1d/resourcegroups/{group}/providers/microsoft.eventhub/namespaces/ns"


def _present(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not ...}


def rejected(call: Callable[[], object]) -> Rejection:
    """The rejection that a call ends in."""
    with pytest.raises(Rejection) as caught:
        call()
    return caught.value
