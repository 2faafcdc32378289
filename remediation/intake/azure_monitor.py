"""What does an Azure Monitor alert in the common schema say?

Essentials are enough for a signal, and every field of them may be missing, null
or spelled otherwise. The context adds the reasons; an unknown service or context
is never a cause to refuse an alert. Of an alert on the activity log the context is
an entry of that log, and tells facts of its own.
"""

import re
from datetime import datetime

from remediation.intake import activity_log, moments, samples
from remediation.intake.alert import (
    SEVERITIES,
    Alert,
    condition_of,
    criteria_of,
    dimensions_of,
    instance_of,
    last_part,
    pairs,
    rule_name,
    signals_of,
)
from remediation.intake.alert_reasons import reasons, told_by
from remediation.intake.loose import Table, lower_keys, rows, table, text
from remediation.intake.place import Clues
from remediation.intake.rejection import Code, Rejection
from remediation.intake.subject import Known
from remediation.intake.times import utc
from rules.signals import AlertState, Signal

FAMILY = "azure-monitor"

_ACTIVITY_LOG = "activitylog"
_SERVICES_OF_ACTIVITY_LOG = ("activitylog", "servicehealth", "resourcehealth")
_PROMETHEUS_RESOURCE = "microsoft.resourceid"
_MODEL = re.compile(
    r"(.*/providers/microsoft\.cloudhealth/healthmodels/[^/]+(?:/entities/[^/]+)?)"
    r"/providers/microsoft\.alertsmanagement/",
    re.IGNORECASE,
)
_BUDGETS = "costalerts"
_OF_BUDGET = "AlertData"


def claims(value: Table) -> bool:
    """Essentials make a common alert, whatever `schemaId` says: some senders get that wrong."""
    return isinstance(table(value, "data").get("essentials"), dict)


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """A signal for each workload that the alert is about, and the facts of its entry of the activity log.

    Raises:
        Rejection: it is about none that we know, or what it says, or when, cannot be made out.
    """
    data = table(value, "data")
    alert, context = _alert(data), table(data, "alertContext")
    if not context or not _of_activity_log(lower_keys(table(data, "essentials"))):
        return signals_of(alert, known)
    return _with_entry(alert, context, known)


def _with_entry(alert: Alert, context: Table, known: Known) -> tuple[Signal, ...]:
    """Either alone is enough: Service Health targets a subscription, whose stamps only its entry names."""
    if alert.why == samples.WHY:
        return signals_of(alert, known)
    try:
        own = signals_of(alert, known)
    except Rejection:
        own = ()
    try:
        facts = activity_log.read_entry(
            context,
            known,
            target=next(iter(alert.clues.resources), ""),
            fired_at=alert.observed_at,
        )
    except Rejection:
        if own:
            return own
        raise
    return (*own, *facts)


def _alert(data: Table) -> Alert:
    essentials, context = lower_keys(table(data, "essentials")), table(data, "alertContext")
    targets = tuple(str(target) for target in rows(essentials, "alerttargetids"))
    rule = rule_name(
        text(essentials, "alertrule"),
        last_part(text(essentials, "alertruleid")),
        text(table(context, _OF_BUDGET), "BudgetName"),
    )
    clues = _clues(rule, targets, essentials, data)
    condition = _condition(essentials)
    alert_id = text(essentials, "alertid")
    return Alert(
        rule=rule,
        condition=condition,
        observed_at=_observed_at(essentials, context, condition),
        instance=instance_of(alert_id, rule, clues.resources, criteria_of(context)),
        clues=clues,
        severity=SEVERITIES.get(text(essentials, "severity").lower()),
        reasons=reasons(criteria_of(context), text(essentials, "description"), told_by(context)),
        why=_why_not_act(rule, clues, essentials, context),
    )


def _clues(rule: str, targets: tuple[str, ...], essentials: Table, data: Table) -> Clues:
    context = table(data, "alertContext")
    labels = (
        *dimensions_of(criteria_of(context)),
        *pairs(
            table(context, "labels"),
            table(context, "properties"),
            lower_keys(table(data, "customProperties")),
        ),
    )
    # A Prometheus alert targets the workspace that evaluates it; what it is about stands in a label.
    real = tuple(value for name, value in labels if name.lower() == _PROMETHEUS_RESOURCE)
    # A budget has no target; what it watches stands in its context.
    scope = text(table(context, _OF_BUDGET), "Scope")
    group = text(essentials, "targetresourcegroup") or text(essentials, "resourcegroupname")
    region = text(essentials, "region")
    return Clues(
        resources=real or _of_model(targets, text(essentials, "alertid")) or ((scope,) if scope else ()),
        # Newer alerts name the group of their target; it counts where they name no target.
        groups=(group,) if group else (),
        labels=labels,
        regions=(region,) if region else (),
        alert=rule,
    )


def _of_model(targets: tuple[str, ...], alert_id: str) -> tuple[str, ...]:
    """The targets; of an alert of a health model the entity beneath which its id lies, if that says more."""
    found = _MODEL.match(alert_id)
    if found and all(found[1].lower().startswith(target.rstrip("/").lower()) for target in targets):
        return (found[1],)
    return targets


def _condition(essentials: Table) -> AlertState:
    word = text(essentials, "monitorcondition")
    # One that does not say is taken for fired, and may not act: see _why_not_act.
    return condition_of(word, "data.essentials.monitorCondition") if word else AlertState.FIRED


def _observed_at(essentials: Table, context: Table, condition: AlertState) -> datetime:
    """When it fired or was resolved; a Resolved is never earlier than its own Fired."""
    fired, resolved = (utc(text(essentials, key)) for key in ("fireddatetime", "resolveddatetime"))
    known = [moment for moment in (fired, resolved) if moment]
    if condition is AlertState.RESOLVED and known:
        return max(known)
    found = fired or _moment_of_context(context)
    if found is None:
        key = "firedDateTime" if condition is AlertState.FIRED else "resolvedDateTime"
        reason = f"data.essentials.{key}: a time such as 2026-03-01T03:00:00Z was expected"
        raise Rejection(Code.BAD_TIME, reason)
    return found


def _moment_of_context(context: Table) -> datetime | None:
    named = (
        text(table(context, "condition"), "windowEndTime"),
        text(context, "eventTimestamp"),
        text(context, "SearchIntervalEndtimeUtc"),
    )
    return next((moment for each in named if (moment := moments.moment(each))), None)


def _why_not_act(rule: str, clues: Clues, essentials: Table, context: Table) -> str:
    """Why it must never cause an action; empty if it may."""
    ids = (*clues.resources, text(essentials, "alertid"))
    if samples.is_sample(rule, ids, clues.all_groups(), context):
        return samples.WHY
    if _of_activity_log(essentials):
        # These are always Fired: whether something broke, ended or was done on purpose stands in the context.
        return "an alert on the activity log says Fired for anything that happened"
    if text(essentials, "monitoringservice").lower() == _BUDGETS:
        return "a budget tells of money spent, not that something is broken"
    if not text(essentials, "monitorcondition"):
        return "it does not say whether it fired or was resolved"
    return ""


def _of_activity_log(essentials: Table) -> bool:
    """By its type, or by its service: both are written with and without blanks, and the type may be null."""
    kind, service = (
        text(essentials, key).replace(" ", "").lower() for key in ("signaltype", "monitoringservice")
    )
    return kind == _ACTIVITY_LOG or service.startswith(_SERVICES_OF_ACTIVITY_LOG)
