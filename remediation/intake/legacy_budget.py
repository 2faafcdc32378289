"""What does the notification of a budget say?

That money was spent. It names a subscription, or a resource group, and nobody
drains a stamp for it. It does not say when it was sent: all that it dates is the
beginning of the budget. In the common schema the same notification has a time.
"""

from dataclasses import replace

from remediation.intake import moments, samples
from remediation.intake.alert import Alert, rule_name, signals_of
from remediation.intake.alert_reasons import MAX_REASON
from remediation.intake.identity import digest
from remediation.intake.legacy import envelope, is_sample, schema_of, scope_of
from remediation.intake.limits import clip
from remediation.intake.loose import Table, lower_keys, scalar, text
from remediation.intake.place import Clues
from remediation.intake.subject import Known
from rules.signals import AlertState, Signal

FAMILY = "legacy-budget"
WHY = "the notification of a budget tells of money spent, and not when it was sent"

_SCHEMA = "aip budget notification"
_START = "budgetstartdate"


def claims(value: Table) -> bool:
    """A budget beside what was spent, whatever `schemaId` says; or that `schemaId`."""
    if schema_of(value) == _SCHEMA:
        return True
    return {"budgetname", "spendingamount"} <= lower_keys(envelope(value)).keys()


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """A signal for each workload to which the subscription or resource group belongs; always fired.

    Raises:
        Rejection: it belongs to none that we know, or nothing in it has a date.
    """
    fields = lower_keys(envelope(value))
    spent = scalar(fields, "spendingamount")
    # Each notification of one budget has the same date; what was spent tells them apart.
    return tuple(
        replace(each, id=f"alert:{digest(each.id, spent)}") for each in signals_of(_alert(fields), known)
    )


def _alert(fields: Table) -> Alert:
    rule = rule_name(text(fields, "budgetname"))
    scope = scope_of(text(fields, "subscriptionid"), text(fields, "resourcegroup"))
    clues = Clues(resources=(scope,) if scope else (), alert=rule)
    threshold = scalar(fields, "notificationthresholdamount")
    return Alert(
        rule=rule,
        condition=AlertState.FIRED,
        observed_at=moments.required("data.BudgetStartDate", text(fields, _START)),
        instance=digest(scope.lower(), rule.lower(), threshold),
        clues=clues,
        reasons=(_spent(fields, threshold),),
        why=samples.WHY if is_sample(rule, clues, scope, {}) else WHY,
    )


def _spent(fields: Table, threshold: str) -> str:
    """Such as `1111.32 of 10000 USD spent, told at 8000.0`."""
    amount, budget = (scalar(fields, key) or "?" for key in ("spendingamount", "budget"))
    told = f", told at {threshold}" if threshold else ""
    return clip(f"{amount} of {budget} {scalar(fields, 'unit')}".rstrip() + f" spent{told}", MAX_REASON)
