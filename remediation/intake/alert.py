"""What is an alert, whichever schema told of it, and which signals does it become?

Common and legacy schemas, and the list of alerts that Azure keeps, all come to
this: a rule that fired or was resolved, somewhere, at some time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from remediation.intake import samples
from remediation.intake.alert_reasons import MAX_REASON
from remediation.intake.identity import bounded, digest
from remediation.intake.limits import clip
from remediation.intake.loose import Table, rows, scalar, table
from remediation.intake.place import Clues
from remediation.intake.rejection import Code, Rejection, excerpt
from remediation.intake.subject import Known, Placed
from rules.instances import OF_ALERTS
from rules.signals import AlertState, Severity, Signal, Subject

UNNAMED = "unnamed alert rule"

SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(("sev0", "0", "critical"), Severity.CRITICAL),
    **dict.fromkeys(("sev1", "1", "error"), Severity.ERROR),
    **dict.fromkeys(("sev2", "2", "warning"), Severity.WARNING),
    **dict.fromkeys(("sev3", "3", "informational"), Severity.INFO),
    **dict.fromkeys(("sev4", "4", "verbose"), Severity.INFO),
}
"""Every way in which Azure writes one, in lower case."""

CONDITIONS: Mapping[str, AlertState] = {
    "fired": AlertState.FIRED,
    "activated": AlertState.FIRED,
    "resolved": AlertState.RESOLVED,
    "deactivated": AlertState.RESOLVED,
}
"""Every word for the two states, in lower case: the common schema's, and those of the legacy ones."""

_OF_INSTANCES = "/providers/microsoft.alertsmanagement/alerts/"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Attributes:
        rule: the name of the alert rule.
        condition: fired or resolved.
        observed_at: when.
        instance: what Fired and Resolved of one alert have in common, and no other alert has.
        clues: whom it may be about.
        severity: as Azure gave it.
        reasons: in the words of the alert.
        why: why it must never cause an action; empty if it may.
    """

    rule: str
    condition: AlertState
    observed_at: datetime
    instance: str
    clues: Clues
    severity: Severity | None = None
    reasons: tuple[str, ...] = ()
    why: str = ""


def signals_of(alert: Alert, known: Known) -> tuple[Signal, ...]:
    """A signal for each workload that the alert is about.

    Raises:
        Rejection: `not_ours`, where it is about none that we know.
    """
    if alert.why == samples.WHY:
        return _of_sample(alert, known)
    return tuple(signal_at(each, alert) for each in known.place(alert.clues))


def _of_sample(alert: Alert, known: Known) -> tuple[Signal, ...]:
    """Whoever sends a test wants to see it arrive. What a sample is about is made up: it is no stamp's."""
    try:
        workloads = {placed.subject.workload for placed in known.place(alert.clues)}
        by = "its resources are the workload's"
    except Rejection:
        workloads, by = set(known.workloads), "a test action that is about nobody is shown to everybody"
    said = clip(f"sent as by the rule {alert.rule}", MAX_REASON)
    shown = replace(alert, rule=samples.RULE, condition=AlertState.FIRED, reasons=(said,))
    return tuple(signal_at(Placed(Subject(name), by), shown) for name in sorted(workloads))


def signal_at(placed: Placed, alert: Alert) -> Signal:
    """The signal of an alert about one subject."""
    why = alert.why or placed.doubt
    return Signal(
        id=_identity(alert, placed),
        subject=placed.subject,
        source=f"{OF_ALERTS}{alert.rule}",
        observed_at=alert.observed_at,
        # Where both give the same moment, Resolved is the later word.
        order=int(alert.condition is AlertState.RESOLVED),
        condition=alert.condition,
        alert=alert.rule,
        instance=alert.instance,
        severity=alert.severity,
        reasons=alert.reasons,
        may_act=not why,
        why=why,
        placed_by=placed.by,
    )


def _identity(alert: Alert, placed: Placed) -> str:
    """The same notification, by whichever way and however often, has the same identity.

    The moment is part of it: a stateless alert fires again under the same alert id, and that
    is news.
    """
    where = placed.subject.workload, placed.subject.stamp or ""
    return f"alert:{digest(alert.instance, alert.condition, alert.observed_at.isoformat(), *where)}"


def rule_name(*candidates: str) -> str:
    """The first of these that is a name, printable and bounded; `unnamed alert rule` where none is."""
    name = next((name for name in candidates if name), UNNAMED)
    return bounded(clip(name, len(name)))


def last_part(resource_id: str) -> str:
    """The name at the end of a resource id."""
    return resource_id.rstrip("/").rpartition("/")[2]


def condition_of(word: str, where: str) -> AlertState:
    """The state that a word means.

    Raises:
        Rejection: `wrong_shape`, for any other word; `where` is the path of the field.
    """
    condition = CONDITIONS.get(word.lower())
    if condition is None:
        reason = f"{where}: Fired or Resolved was expected, found {excerpt(word)}"
        raise Rejection(Code.WRONG_SHAPE, reason)
    return condition


def instance_of(alert_id: str, rule: str, targets: tuple[str, ...], criteria: list[object]) -> str:
    """What tells one instance of an alert rule from another.

    The id of the instance, from its provider on: a webhook, a health model and the list of alerts put
    it under different scopes. Without one, or where a sender puts the id of the rule in its place:
    the rule, what it is about, and the dimensions.
    """
    lower = alert_id.lower()
    _, marker, instance = lower.rpartition(_OF_INSTANCES)
    if instance and marker:
        return digest(marker + instance)
    if lower and ("/alerts/" in lower or "/" not in lower):
        return digest(lower)
    dimensions = [f"{name}={value}" for name, value in dimensions_of(criteria)]
    return digest(*(part.lower() for part in (lower or rule, *sorted(targets), *sorted(dimensions))))


def dimensions_of(criteria: list[object]) -> list[tuple[str, str]]:
    """The dimensions of the criteria of a metric or log alert: names and values."""
    found = [
        (scalar(dimension, "name"), scalar(dimension, "value"))
        for criterion in criteria
        if isinstance(criterion, dict)
        for dimension in rows(criterion, "dimensions")
        if isinstance(dimension, dict)
    ]
    return [(name, value) for name, value in found if name]


def pairs(*tables: Table) -> tuple[tuple[str, str], ...]:
    """The labels, dimensions or properties in some objects, as names and values in words."""
    return tuple((key, value) for each in tables for key in each if (value := scalar(each, key)))


def criteria_of(context: Table) -> list[object]:
    """The criteria of an alert context or of a legacy context, each with its dimensions.

    The context of a log alert of the first generation is the one criterion itself, in other words.
    """
    if "ResultCount" not in context:
        return rows(table(context, "condition"), "allOf")
    return [
        {
            "metricName": "ResultCount",
            "operator": context.get("Operator"),
            "threshold": context.get("Threshold"),
            "metricValue": context.get("ResultCount"),
            "dimensions": rows(context, "Dimensions"),
        }
    ]
