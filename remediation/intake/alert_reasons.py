"""Why did an alert fire, in short sentences for people?

Metric alerts and log alerts tell it alike: a condition of criteria, each with
what was measured, the threshold and the dimensions. Detectors and budgets have
a sentence of their own. Of any other context the rule's description has to do.
"""

from remediation.intake.limits import clip
from remediation.intake.loose import Table, rows, scalar, table, text

MAX_REASONS = 5
MAX_REASON = 300
_MAX_DIMENSIONS = 5
_MAX_VALUE = 80


def reasons(criteria: list[object], description: str, told: str = "") -> tuple[str, ...]:
    """At most five sentences of at most 300 characters: the criteria, what else is told, the description."""
    own = [each for each in (told, description) if each]
    shown = criteria[: MAX_REASONS - len(own)]
    said = [_criterion(criterion) for criterion in shown if isinstance(criterion, dict)]
    return tuple(clip(reason, MAX_REASON) for reason in [*said, *own])


def told_by(context: Table) -> str:
    """The sentence of a smart detector, or of a budget, such as `$4,112 of $5,000 spent`; else none."""
    budget = table(context, "AlertData")
    spent, limit = scalar(budget, "SpentAmount"), scalar(budget, "BudgetThreshold")
    of_budget = f"{spent or '?'} of {limit or '?'} spent" if spent or limit else ""
    return text(context, "DetectionSummary") or of_budget


def _criterion(criterion: Table) -> str:
    """Such as `OutgoingMessages (Total) is 0, alert at LessThanOrEqual 0; EntityName=backendqueue-eh`."""
    measured = text(criterion, "metricName") or text(criterion, "metricMeasureColumn") or "query result"
    how = text(criterion, "timeAggregation")
    value = scalar(criterion, "metricValue") or "not given"
    threshold = f"{text(criterion, 'operator')} {scalar(criterion, 'threshold')}".strip()
    parts = [
        clip(measured, _MAX_VALUE),
        f" ({clip(how, _MAX_VALUE)})" if how else "",
        f" is {clip(value, _MAX_VALUE)}",
        f", alert at {clip(threshold, _MAX_VALUE)}" if threshold else "",
        "".join(f"; {dimension}" for dimension in _dimensions(criterion)),
    ]
    return "".join(parts)


def _dimensions(criterion: Table) -> list[str]:
    found = [
        (scalar(dimension, "name"), scalar(dimension, "value"))
        for dimension in rows(criterion, "dimensions")[:_MAX_DIMENSIONS]
        if isinstance(dimension, dict)
    ]
    return [f"{clip(name, _MAX_VALUE)}={clip(value, _MAX_VALUE)}" for name, value in found if name]
