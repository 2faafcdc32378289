"""Why did an alert fire, in short sentences for people?

Metric alerts and log alerts tell it alike: a condition of criteria, each with
what was measured, the threshold and the dimensions. Any other context gives
nothing, and the rule's own description has to do.
"""

from remediation.intake.limits import clip
from remediation.intake.loose import Table, rows, scalar, table, text

MAX_REASONS = 5
MAX_REASON = 300
_MAX_DIMENSIONS = 5
_MAX_VALUE = 80


def reasons(context: Table, description: str) -> tuple[str, ...]:
    """At most five sentences of at most 300 characters: the criteria, then the rule's description."""
    criteria = rows(table(context, "condition"), "allOf")[: MAX_REASONS - 1]
    said = [_criterion(criterion) for criterion in criteria if isinstance(criterion, dict)]
    return tuple(clip(reason, MAX_REASON) for reason in [*said, description] if reason)


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
