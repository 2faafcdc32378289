"""What stands in an entry of Azure's activity log, whichever way it came?

Alerts of both schemas carry the entry, and so does the log's own stream; each
spells it otherwise, with integers for words, JSON in strings and nulls for objects.
They come to one form here, of what all ways carry alike, so that one entry is one
fact. Ids, sub-statuses and descriptions differ by the way and are left behind, and
so are callers and claims: nobody needs them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remediation.intake import limits
from remediation.intake.loose import Table, lower_keys, scalar, table, text
from remediation.intake.rejection import Code, Rejection
from remediation.intake.resource import resource_group
from remediation.intake.times import utc
from rules.signals import Severity


class Category(StrEnum):
    """Which part of Azure wrote the entry."""

    ADMINISTRATIVE = "administrative"
    SERVICE_HEALTH = "servicehealth"
    RESOURCE_HEALTH = "resourcehealth"
    POLICY = "policy"
    AUTOSCALE = "autoscale"
    SECURITY = "security"
    RECOMMENDATION = "recommendation"
    ALERT = "alert"


LEVELS: Mapping[str, Severity] = {
    **dict.fromkeys(("1", "critical"), Severity.CRITICAL),
    **dict.fromkeys(("2", "error"), Severity.ERROR),
    **dict.fromkeys(("3", "warning"), Severity.WARNING),
    **dict.fromkeys(("4", "informational", "information", "5", "verbose"), Severity.INFO),
}
"""The log's own levels. The common schema gives .NET's numbers of them, the legacy one words."""

STATUSES: Mapping[str, str] = {
    "success": "succeeded",
    "failure": "failed",
    "error": "failed",
    "start": "started",
    "accept": "accepted",
    "inprogress": "in progress",
    "cancelled": "canceled",
}
"""What the stream of the log, and some services, say for the words of the alerts."""

_OPERATIONS = {
    "microsoft.servicehealth/": Category.SERVICE_HEALTH,
    "microsoft.resourcehealth/": Category.RESOURCE_HEALTH,
    "microsoft.authorization/policies/": Category.POLICY,
    "microsoft.insights/autoscalesettings/": Category.AUTOSCALE,
    "microsoft.security/": Category.SECURITY,
    "microsoft.advisor/": Category.RECOMMENDATION,
}
_CATEGORIES = frozenset(Category)
_NUMBER_OF_SERVICE_HEALTH = "2"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        category: which part of Azure wrote it.
        operation: lower case, such as `microsoft.compute/virtualmachines/start/action`.
        status: lower case, such as `failed`, `succeeded`, `started`, `active`; empty where it gives none.
        severity: what its level means; None for a level that is not known.
        resource: the id of the resource it is about, or of the group or subscription; may be empty.
        scope: what the operation was allowed on: a resource, group or subscription.
        at: when it happened.
        properties: with keys in lower case.
    """

    category: Category
    operation: str
    status: str
    severity: Severity | None
    resource: str
    scope: str
    at: datetime
    properties: Table


def entry_of(raw: Table, *, target: str = "", fired_at: datetime | None = None) -> Entry:
    """The entry in an alert of either schema.

    Args:
        raw: the alert's context, or its `activityLog`.
        target: what the alert is about, where the entry does not say.
        fired_at: when the alert fired, where the entry does not say.

    Raises:
        Rejection: `wrong_shape` without any operation, `bad_time` without any time.
    """
    fields = lower_keys(raw)
    properties = _properties(fields)
    allowed = opened(fields, "authorization")
    operation = (word(fields, "operationname") or text(allowed, "action")).lower()
    if not operation and not word(fields, "eventsource"):
        reason = (
            "operationName: the name of an operation was expected, as every entry of the activity log has one"
        )
        raise Rejection(Code.WRONG_SHAPE, reason)
    named = [utc(text(fields, key)) for key in ("eventtimestamp", "submissiontimestamp")]
    at = next((moment for moment in (named[0], fired_at, named[1]) if moment), None)
    if at is None:
        raise Rejection(Code.BAD_TIME, "eventTimestamp: a time such as 2026-03-01T03:00:00Z was expected")
    scope = text(allowed, "scope")
    return Entry(
        category=_category(fields, properties, operation),
        operation=operation,
        status=_status(word(fields, "status")),
        severity=LEVELS.get(scalar(fields, "level").lower()),
        resource=_resource(fields, properties, scope) or target or scope,
        scope=scope,
        at=at,
        properties=properties,
    )


def opened(value: Table, key: str) -> Table:
    """An object in an object, or in a string of JSON; an empty one for anything else."""
    found = value.get(key)
    inner = json_in(found) if isinstance(found, str) else found
    return inner if isinstance(inner, dict) else {}


def json_in(value: str) -> object:
    """What JSON a string holds, read under the limits for bodies; None where it holds none."""
    if value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return limits.parse(value.encode(errors="replace"))
    except Rejection:
        return None


def word(value: Table, key: str) -> str:
    """A word, or the `value` of a word that comes with a translation of it."""
    return text(value, key) or text(table(value, key), "value")


def _properties(fields: Table) -> Table:
    """With the inner ones of a stream laid over the outer ones."""
    outer = lower_keys(opened(fields, "properties"))
    return {**outer, **lower_keys(opened(outer, "eventproperties"))}


def _category(fields: Table, properties: Table, operation: str) -> Category:
    """The operation tells best: `eventSource` is an integer in the common schema."""
    for beginning, category in _OPERATIONS.items():
        if operation.startswith(beginning):
            return category
    if scalar(fields, "eventsource") == _NUMBER_OF_SERVICE_HEALTH:
        return Category.SERVICE_HEALTH
    for named in (word(fields, "eventsource"), word(fields, "category"), text(properties, "eventcategory")):
        compact = named.replace(" ", "").lower()
        if compact in _CATEGORIES:
            return Category(compact)
    return Category.ADMINISTRATIVE


def _status(said: str) -> str:
    lower = said.lower()
    return STATUSES.get(lower, lower)


def _resource(fields: Table, properties: Table, scope: str) -> str:
    """Autoscale names what it scales in its properties; `resourceId` is that of its settings.

    A scope is as good, unless it is a whole subscription.
    """
    named = text(properties, "resourcename")
    scaled = named if named.startswith("/subscriptions/") else ""
    narrow = scope if resource_group(scope) else ""
    return scaled or text(fields, "resourceid") or text(properties, "entity") or narrow
