"""What does a metric alert say that does not come in the common schema?

Three generations: `AzureMonitorMetricAlert`, the same of an availability test with
`data` in `data`, and the classic alert of 2015 without any envelope, whose one
condition stands where newer ones have a list.
"""

from remediation.intake import moments, samples
from remediation.intake.alert import (
    SEVERITIES,
    Alert,
    condition_of,
    dimensions_of,
    instance_of,
    last_part,
    rule_name,
    signals_of,
)
from remediation.intake.alert_reasons import reasons
from remediation.intake.legacy import clues_of, context_of, envelope, is_sample, schema_of
from remediation.intake.loose import Table, rows, scalar, table, text
from remediation.intake.subject import Known
from rules.signals import AlertState, Signal

FAMILY = "legacy-metric"

_SCHEMA = "azuremonitormetricalert"


def claims(value: Table) -> bool:
    """A context with a condition, whatever `schemaId` says; or that `schemaId`."""
    return schema_of(value) == _SCHEMA or isinstance(context_of(value).get("condition"), dict)


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """A signal for each workload that the alert is about.

    Raises:
        Rejection: it is about none that we know, or what it says, or when, cannot be made out.
    """
    return signals_of(_alert(envelope(value)), known)


def _alert(body: Table) -> Alert:
    context, properties = table(body, "context"), table(body, "properties")
    rule_id = text(context, "id")
    rule = rule_name(text(context, "name"), last_part(rule_id))
    criteria = _criteria(context)
    clues = clues_of(context, properties, rule, dimensions_of(criteria))
    word = text(body, "status")
    why = "" if word else "it does not say whether it fired or was resolved"
    return Alert(
        rule=rule,
        condition=condition_of(word, "data.status") if word else AlertState.FIRED,
        observed_at=moments.required(
            "data.context.timestamp",
            text(context, "timestamp"),
            text(table(context, "condition"), "windowEndTime"),
        ),
        # Rules have the same name in every stamp; their ids differ.
        instance=instance_of("", rule_id or rule, clues.resources, criteria),
        clues=clues,
        severity=SEVERITIES.get(scalar(context, "severity").lower()),
        reasons=reasons(criteria, text(context, "description")),
        why=samples.WHY if is_sample(rule, clues, rule_id, properties) else why,
    )


def _criteria(context: Table) -> list[object]:
    """The list of criteria; of a classic alert, its one condition."""
    condition = table(context, "condition")
    return rows(condition, "allOf") if "allOf" in condition else [condition]
