"""What does a log alert of the first generation say?

It is sent when its query finds too much, and never when that has ended: it has no
state word and no alert id. Its fields stand in `data`, or, without any schema, in
the body itself.
"""

from remediation.intake import moments, samples
from remediation.intake.alert import (
    SEVERITIES,
    Alert,
    dimensions_of,
    instance_of,
    rule_name,
    signals_of,
)
from remediation.intake.alert_reasons import reasons
from remediation.intake.legacy import envelope, is_sample, schema_of, scope_of
from remediation.intake.loose import Table, lower_keys, rows, scalar, table, text
from remediation.intake.place import Clues
from remediation.intake.subject import Known
from rules.signals import AlertState, Signal

FAMILY = "legacy-log"

_SCHEMA = "microsoft.insights/logalert"
_INTERVAL_END = "searchintervalendtimeutc"
_INTERVAL_START = "searchintervalstarttimeutc"
_OF_A_ROW = frozenset({"_resourceid", "resourceid", "microsoft.resourceid"})
"""Dimensions whose value is the id of the resource that a row of the query is about."""


def claims(value: Table) -> bool:
    """A rule's name beside a query or its interval, whatever `schemaId` says; or that `schemaId`."""
    if schema_of(value) == _SCHEMA:
        return True
    fields = lower_keys(envelope(value))
    return "alertrulename" in fields and ("searchquery" in fields or _INTERVAL_END in fields)


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """A signal for each workload that the alert is about; always fired.

    Raises:
        Rejection: it is about none that we know, or does not say when its query ran.
    """
    return signals_of(_alert(lower_keys(envelope(value))), known)


def _alert(fields: Table) -> Alert:
    rule = rule_name(text(fields, "alertrulename"))
    criteria: list[object] = [_criterion(fields)]
    clues = _clues(fields, rule, criteria)
    subscription = scope_of(text(fields, "subscriptionid"))
    return Alert(
        rule=rule,
        condition=AlertState.FIRED,
        # The end of what the query looked at is as near to "now" as it says.
        observed_at=moments.required(
            "SearchIntervalEndtimeUtc", text(fields, _INTERVAL_END), text(fields, _INTERVAL_START)
        ),
        instance=instance_of("", rule, clues.resources, criteria),
        clues=clues,
        severity=SEVERITIES.get(scalar(fields, "severity").lower()),
        reasons=reasons(criteria, text(fields, "description")),
        why=samples.WHY if is_sample(rule, clues, subscription, {}) else "",
    )


def _criterion(fields: Table) -> Table:
    """The condition, in the form in which newer log alerts give it."""
    return {
        "operator": text(fields, "alertthresholdoperator") or text(fields, "operator"),
        "threshold": scalar(fields, "alertthresholdvalue") or scalar(fields, "threshold"),
        "metricValue": scalar(fields, "resultcount") or None,
        "dimensions": rows(fields, "dimensions"),
    }


def _clues(fields: Table, rule: str, criteria: list[object]) -> Clues:
    labels = tuple(dimensions_of(criteria))
    return Clues(resources=_resources(fields, labels), labels=labels, alert=rule)


def _resources(fields: Table, labels: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """What the rows are about; else what the rule looks at; else at least whose it is."""
    of_rows = tuple(value for name, value in labels if name.lower() in _OF_A_ROW and value.startswith("/"))
    result = table(fields, "searchresult") or table(fields, "searchresults")
    sources = (text(row, "resourceId") for row in rows(result, "dataSources") if isinstance(row, dict))
    looked_at = text(fields, "resourceid")
    return (
        of_rows
        or ((looked_at,) if looked_at else ())
        or tuple(dict.fromkeys(source for source in sources if source))
        or tuple(scope for scope in (scope_of(text(fields, "subscriptionid")),) if scope)
    )
