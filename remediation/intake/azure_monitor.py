"""What does an Azure Monitor alert in the common schema say?

Essentials are enough for a signal, and every field of them may be missing, null
or spelled otherwise. The context adds the reasons; an unknown service or context
is never a cause to refuse an alert.
"""

from dataclasses import dataclass
from datetime import datetime

from remediation.intake import samples
from remediation.intake.alert_reasons import reasons
from remediation.intake.identity import bounded, digest
from remediation.intake.limits import clip
from remediation.intake.loose import Table, lower_keys, rows, scalar, table, text
from remediation.intake.rejection import Code, Rejection, excerpt
from remediation.intake.subject import Known, resource_group
from remediation.intake.times import utc
from rules.signals import AlertState, Severity, Signal, Subject

FAMILY = "azure-monitor"

UNNAMED = "unnamed alert rule"

_SEVERITIES = {
    "sev0": Severity.CRITICAL,
    "sev1": Severity.ERROR,
    "sev2": Severity.WARNING,
    "sev3": Severity.INFO,
    "sev4": Severity.INFO,
}
_CONDITIONS = {
    "fired": AlertState.FIRED,
    "activated": AlertState.FIRED,
    "resolved": AlertState.RESOLVED,
    "deactivated": AlertState.RESOLVED,
}
_ACTIVITY_LOG = "activitylog"


@dataclass(frozen=True, slots=True)
class _Alert:
    """What the fields come to, each read once.

    Attributes:
        essentials: by lower-case key.
        rule: name of the alert rule.
        targets: ids of the resources it is about, as they came.
        groups: their resource groups in lower case; None for a resource outside any.
    """

    essentials: Table
    context: Table
    rule: str
    targets: tuple[str, ...]
    groups: tuple[str | None, ...]


def claims(value: Table) -> bool:
    """Essentials make a common alert, whatever `schemaId` says: some senders get that wrong."""
    return isinstance(table(value, "data").get("essentials"), dict)


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """A signal for each workload that the alert is about.

    Raises:
        Rejection: it is about none that we know, or what it says, or when, cannot be made out.
    """
    alert = _alert(table(value, "data"))
    condition = _condition(alert)
    observed_at = _observed_at(alert, condition)
    why = _why_not_act(alert)
    instance = _instance(alert)
    return tuple(
        Signal(
            id=_identity(instance, condition, observed_at, subject),
            subject=subject,
            source=f"alert:{alert.rule}",
            observed_at=observed_at,
            # Where both give the same moment, Resolved is the later word.
            order=int(condition is AlertState.RESOLVED),
            condition=condition,
            alert=alert.rule,
            instance=instance,
            severity=_SEVERITIES.get(text(alert.essentials, "severity").lower()),
            reasons=reasons(alert.context, text(alert.essentials, "description")),
            may_act=not why,
            why=why,
        )
        for subject in _subjects(alert, known, why)
    )


def _alert(data: Table) -> _Alert:
    essentials = lower_keys(table(data, "essentials"))
    targets = tuple(str(target) for target in rows(essentials, "alerttargetids"))
    groups = tuple(resource_group(target) for target in targets)
    return _Alert(
        essentials=essentials,
        context=table(data, "alertContext"),
        rule=_rule(essentials),
        targets=targets,
        groups=groups or _named_group(essentials),
    )


def _rule(essentials: Table) -> str:
    by_id = text(essentials, "alertruleid").rstrip("/").rpartition("/")[2]
    name = text(essentials, "alertrule") or by_id or UNNAMED
    return bounded(clip(name, len(name)))


def _named_group(essentials: Table) -> tuple[str, ...]:
    """Newer alerts name the group of their target; it counts where they name no target."""
    group = text(essentials, "targetresourcegroup") or text(essentials, "resourcegroupname")
    return (group.lower(),) if group else ()


def _condition(alert: _Alert) -> AlertState:
    word = text(alert.essentials, "monitorcondition")
    if not word:
        return AlertState.FIRED  # and may not act: see _why_not_act
    condition = _CONDITIONS.get(word.lower())
    if condition is None:
        reason = f"data.essentials.monitorCondition: Fired or Resolved was expected, found {excerpt(word)}"
        raise Rejection(Code.WRONG_SHAPE, reason)
    return condition


def _observed_at(alert: _Alert, condition: AlertState) -> datetime:
    """When it fired or was resolved; a Resolved is never earlier than its own Fired."""
    fired, resolved = (utc(text(alert.essentials, key)) for key in ("fireddatetime", "resolveddatetime"))
    known = [moment for moment in (fired, resolved) if moment]
    if condition is AlertState.RESOLVED and known:
        return max(known)
    found = fired or _moment_of_context(alert.context)
    if found is None:
        key = "firedDateTime" if condition is AlertState.FIRED else "resolvedDateTime"
        reason = f"data.essentials.{key}: a time such as 2026-03-01T03:00:00Z was expected"
        raise Rejection(Code.BAD_TIME, reason)
    return found


def _moment_of_context(context: Table) -> datetime | None:
    return utc(text(table(context, "condition"), "windowEndTime")) or utc(text(context, "eventTimestamp"))


def _why_not_act(alert: _Alert) -> str:
    """Why it must never cause an action; empty if it may."""
    ids = (*alert.targets, text(alert.essentials, "alertid"))
    if samples.is_sample(alert.rule, ids, alert.groups, alert.context):
        return samples.WHY
    if text(alert.essentials, "signaltype").replace(" ", "").lower() == _ACTIVITY_LOG:
        # These are always Fired: whether something broke, ended or was done on purpose stands in the context.
        return "an alert on the activity log says Fired for anything that happened"
    if not text(alert.essentials, "monitorcondition"):
        return "it does not say whether it fired or was resolved"
    return ""


def _instance(alert: _Alert) -> str:
    """What Fired and Resolved of one alert have in common, and no other alert has.

    Without an alert id: the rule, what it is about, and the dimensions.
    """
    alert_id = text(alert.essentials, "alertid")
    if alert_id:
        return digest(alert_id.lower())
    dimensions = [
        f"{scalar(dimension, 'name')}={scalar(dimension, 'value')}"
        for criterion in rows(table(alert.context, "condition"), "allOf")
        if isinstance(criterion, dict)
        for dimension in rows(criterion, "dimensions")
        if isinstance(dimension, dict)
    ]
    parts = [alert.rule, *sorted(alert.targets), *sorted(dimensions)]
    return digest(*(part.lower() for part in parts))


def _identity(instance: str, condition: AlertState, observed_at: datetime, subject: Subject) -> str:
    """The same notification, by whichever way and however often, has the same identity.

    The moment is part of it: a stateless alert fires again under the same alert id, and that
    is news.
    """
    return f"alert:{digest(instance, condition, observed_at.isoformat(), subject.workload)}"


def _subjects(alert: _Alert, known: Known, why: str) -> tuple[Subject, ...]:
    try:
        return known.owners(alert.groups)
    except Rejection as rejection:
        if why == samples.WHY:
            reason = f"{why}: the way to the worker is open, and nothing else was to be shown"
            raise Rejection(rejection.code, reason) from None
        raise
