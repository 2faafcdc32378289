"""What does an entry of Azure's activity log tell us?

Health of services and of resources has readers of its own. Whatever else somebody
did or Azure refused becomes an alert by the name of the operation and its error,
so that a rule can ask for it: no capacity, no quota, a failed upgrade.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from remediation.intake import resource_health, samples, service_health
from remediation.intake.activity_entry import Category, Entry, entry_of
from remediation.intake.activity_failure import error_code, error_message
from remediation.intake.alert import Alert, rule_name, signals_of
from remediation.intake.alert_reasons import MAX_REASON, MAX_REASONS
from remediation.intake.identity import digest
from remediation.intake.limits import clip
from remediation.intake.loose import Table, text
from remediation.intake.place import Clues
from remediation.intake.resource import resource_group
from remediation.intake.subject import Known
from rules.signals import AlertState, Signal

SOURCE = "activity-log"

NEVER: Mapping[Category, str] = {
    Category.ADMINISTRATIVE: "an entry of the activity log tells what somebody did",
    Category.POLICY: "a policy's word about a resource is no fault of a stamp",
    Category.SECURITY: "what to do about a threat is for people to say",
    Category.RECOMMENDATION: "a recommendation is advice, not a fault",
}
"""Categories that never cause an action, and why."""

SETTLED: Mapping[str, AlertState] = {
    "failed": AlertState.FIRED,
    "active": AlertState.FIRED,
    "succeeded": AlertState.RESOLVED,
    "resolved": AlertState.RESOLVED,
}
"""Statuses that decide about the operation on its resource, each until the next one of these.

Any other (started, accepted, canceled) is written down and decides nothing: that a
second try began does not mend what the first one met.
"""

_UNSAID = "no-status"
_TELLING = "description", "recommendationname", "threatstatus"


def read_entry(
    entry: Table, known: Known, *, target: str = "", fired_at: datetime | None = None
) -> tuple[Signal, ...]:
    """The facts in an entry, whichever schema it came in.

    Args:
        entry: as it came: an alert's context, or its `activityLog`.
        known: whom it may be about.
        target: what the alert is about, where the entry does not say.
        fired_at: when the alert fired, where the entry does not say.

    Raises:
        Rejection: it is about nothing that we know, or does not say what or when.
    """
    return facts_of(entry_of(entry, target=target, fired_at=fired_at), known)


def facts_of(entry: Entry, known: Known) -> tuple[Signal, ...]:
    """The facts in an entry. A sample says nothing but that it came: nobody would ever take its red back.

    Raises:
        Rejection: `not_ours`.
    """
    if _is_sample(entry):
        return _recorded(entry, known, samples.WHY)
    if entry.category is Category.SERVICE_HEALTH:
        return service_health.signals(entry, known)
    if entry.category is Category.RESOURCE_HEALTH:
        return resource_health.signals(entry, known)
    return _recorded(entry, known, NEVER.get(entry.category, ""))


def _recorded(entry: Entry, known: Known, why: str) -> tuple[Signal, ...]:
    status = entry.status or _UNSAID
    code = error_code(entry) if status == "failed" else ""
    name = rule_name(f"{SOURCE}:{entry.operation or 'unnamed'}:{code or status}")
    thing = entry.resource.rstrip("/").lower()
    instance = (entry.operation, thing) if status in SETTLED else (entry.operation, thing, status)
    alert = Alert(
        rule=name,
        condition=SETTLED.get(status, AlertState.RESOLVED),
        observed_at=entry.at,
        instance=digest(*instance),
        clues=Clues(resources=(entry.resource,) if entry.resource else (), alert=name),
        severity=entry.severity,
        reasons=_reasons(entry, status, code),
        why=why,
    )
    return tuple(replace(each, source=SOURCE) for each in signals_of(alert, known))


def _reasons(entry: Entry, status: str, code: str) -> tuple[str, ...]:
    said = [
        f"{entry.operation} {status}" + (f" ({code})" if code else ""),
        error_message(entry),
        *(text(entry.properties, key) for key in _TELLING),
    ]
    return tuple(clip(each, MAX_REASON) for each in said if each)[:MAX_REASONS]


def _is_sample(entry: Entry) -> bool:
    ids = tuple(each for each in (entry.resource, entry.scope) if each)
    groups = tuple(resource_group(each) for each in ids)
    return samples.is_sample("", ids, groups, {"properties": entry.properties})
