"""What do the bodies from before the common schema look like, where a test does not say?"""

from typing import Any

SUBSCRIPTION = "6f1d"
WEU = "aoprod7745-stamp-westeurope-rg"
NEU = "aoprod7745-stamp-northeurope-rg"
MONITORING = "aoprod-monitoring-rg"
PLACEHOLDER = "11111111-1111-1111-1111-111111111111"


def resource_id(kind: str, name: str, group: str = WEU) -> str:
    """The id of a resource of stamp weu, or of another group."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{name}"


def a_hub(group: str = WEU) -> str:
    """The id of an Event Hubs namespace."""
    return resource_id("Microsoft.EventHub/namespaces", "evhns", group)


def a_rule(name: str = "EventHubThrottled", group: str = WEU) -> str:
    """The id of a metric alert rule."""
    return resource_id("microsoft.insights/metricAlerts", name, group)


def a_metric_alert(status: object = "Activated", properties: object = None, **context: Any) -> dict[str, Any]:
    """A legacy metric alert of stamp weu. Keys of the context may be changed; `...` takes one out."""
    criterion = {
        "metricName": "ThrottledRequests",
        "operator": "GreaterThan",
        "threshold": "0",
        "timeAggregation": "Total",
        "metricValue": 12,
        "dimensions": [{"name": "EntityName", "value": "backendqueue-eh"}],
    }
    fields = {
        "timestamp": "2026-03-01T03:00:00Z",
        "id": a_rule(),
        "name": "EventHubThrottled",
        "severity": "2",
        "condition": {"windowSize": "PT5M", "allOf": [criterion]},
        "resourceId": a_hub(),
        **context,
    }
    data = {"version": "2.0", "properties": properties, "status": status, "context": present(fields)}
    return {"schemaId": "AzureMonitorMetricAlert", "data": present(data)}


def a_log_alert(**changes: Any) -> dict[str, Any]:
    """The fields of a legacy log alert about a cluster of stamp weu; `...` takes one out."""
    fields = {
        "SubscriptionId": SUBSCRIPTION,
        "AlertRuleName": "requests-500",
        "SearchQuery": "requests | where resultCode == 500",
        "SearchIntervalStartTimeUtc": "2026-03-01T02:00:00Z",
        "SearchIntervalEndtimeUtc": "2026-03-01T03:00:00Z",
        "AlertThresholdOperator": "Greater Than",
        "AlertThresholdValue": 0,
        "ResultCount": 2,
        "Severity": "Warning",
        "ResourceId": resource_id("Microsoft.ContainerService/managedClusters", "aks"),
        **changes,
    }
    return present(fields)


def a_budget(**changes: Any) -> dict[str, Any]:
    """The notification of a budget of stamp weu's group; `...` takes a key out."""
    data = {
        "SubscriptionId": SUBSCRIPTION,
        "ResourceGroup": WEU,
        "SpendingAmount": "4112.07",
        "BudgetStartDate": "2026-03-01T00:00:00Z",
        "Budget": "5000",
        "Unit": "EUR",
        "BudgetCreator": "owner@example.com",
        "BudgetName": "shop-monthly",
        "NotificationThresholdAmount": "4000.0",
        **changes,
    }
    return {"schemaId": "AIP Budget Notification", "data": present(data)}


def an_autoscale(operation: object = "Scale Out", **context: Any) -> dict[str, Any]:
    """Autoscale of stamp weu's nodes tells what it did. Keys of the context may be changed."""
    fields = {
        "timestamp": "2026-03-01T03:00:00Z",
        "id": resource_id("microsoft.insights/autoscalesettings", "nodes"),
        "name": "nodes",
        "details": "from 2 to 3",
        "resourceId": resource_id("Microsoft.Compute/virtualMachineScaleSets", "aks-nodes"),
        "oldCapacity": "2",
        "newCapacity": "3",
        **context,
    }
    return {"version": "1.0", "status": "Activated", "operation": operation, "context": present(fields)}


def present(table: dict[str, Any]) -> dict[str, Any]:
    """The same without the keys whose value is `...`."""
    return {key: value for key, value in table.items() if value is not ...}
