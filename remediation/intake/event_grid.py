"""What does an Event Grid event say?

Of all that Event Grid carries, two types are about health: a virtual machine's
availability, and Azure's remarks on why it changed. Both come in CloudEvents and in
Event Grid's own schema.
"""

from datetime import datetime

from remediation.intake import moments, resource_health
from remediation.intake.alert import Alert, rule_name, signals_of
from remediation.intake.alert_reasons import MAX_REASON, MAX_REASONS
from remediation.intake.discretion import discreet
from remediation.intake.handshake import VALIDATION, type_of
from remediation.intake.identity import digest
from remediation.intake.limits import clip
from remediation.intake.loose import Table, table, text
from remediation.intake.place import Clues
from remediation.intake.rejection import Code, Rejection
from remediation.intake.subject import Known
from rules.signals import AlertState, Signal

FAMILY = "event-grid"

_HEALTH = "microsoft.resourcenotifications.healthresources."
_AVAILABILITY = f"{_HEALTH}availabilitystatuschanged"
_ANNOTATED = f"{_HEALTH}resourceannotated"
_MAX_TYPE = 120
_PEOPLE = "customer", "user"
"""Words for those who do things on purpose, at the beginning of a context or category."""


def claims(value: Table) -> bool:
    """An event in either schema. Our own health events, a CloudEvent too, come before this."""
    of_cloud_events = isinstance(value.get("specversion"), str) and isinstance(value.get("type"), str)
    return of_cloud_events or isinstance(value.get("eventType"), str)


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """The signals of an event about health.

    Raises:
        Rejection: its type is another, it is about nothing that we know, or does not say when.
    """
    kind = type_of(value)
    if kind == _AVAILABILITY:
        return _availability(value, known)
    if kind == _ANNOTATED:
        return _annotated(value, known)
    if kind == VALIDATION:
        reason = "the handshake of an Event Grid subscription must come by HTTP, alone in its body"
        raise Rejection(Code.UNKNOWN_FAMILY, reason)
    # The end of a type says most, and Azure's are longer than an excerpt.
    named = clip(ascii(discreet(text(value, "eventType") or text(value, "type"))), _MAX_TYPE)
    reason = (
        f"events of type {named} are not read; of Event Grid those are read whose type is "
        "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged or .ResourceAnnotated"
    )
    raise Rejection(Code.UNKNOWN_FAMILY, reason)


def _properties(value: Table) -> Table:
    return table(table(table(value, "data"), "resourceInfo"), "properties")


def _availability(value: Table, known: Known) -> tuple[Signal, ...]:
    properties = _properties(value)
    state, before = text(properties, "availabilityState"), text(properties, "previousAvailabilityState")
    words = f"{state or 'no state given'}" + (f", before it {before}" if before else "")
    return resource_health.health_signal(
        _resource(value, properties),
        state,
        _occurred_at(value, properties),
        known,
        # Why it changed comes in another event, or never; Resource Health says it in one.
        why=resource_health.NOT_SAID,
        event_id=text(value, "id"),
        reasons=(clip(words, MAX_REASON),),
    )


def _annotated(value: Table, known: Known) -> tuple[Signal, ...]:
    properties, resource = _properties(value), _resource(value, _properties(value))
    name = rule_name(f"resource-annotated:{text(properties, 'annotationName') or 'unnamed'}")
    said = [text(properties, key) for key in ("reason", "summary")]
    alert = Alert(
        rule=name,
        condition=AlertState.FIRED,
        observed_at=_occurred_at(value, properties),
        instance=digest(resource.lower(), name.lower()),
        clues=Clues(resources=(resource,) if resource else (), alert=name),
        reasons=tuple(clip(each, MAX_REASON) for each in said if each)[:MAX_REASONS],
        why=_why_not_act(properties),
    )
    return signals_of(alert, known)


def _why_not_act(properties: Table) -> str:
    said = text(properties, "context").lower(), text(properties, "category").lower()
    return resource_health.ON_PURPOSE if any(each.startswith(_PEOPLE) for each in said) else ""


def _resource(value: Table, properties: Table) -> str:
    return text(properties, "targetResourceId") or text(value, "subject")


def _occurred_at(value: Table, properties: Table) -> datetime:
    """When it came to be so; the event itself may be half a minute younger, and counts for want of it."""
    return moments.required(
        "data.resourceInfo.properties.occurredTime",
        text(properties, "occurredTime"),
        text(table(table(value, "data"), "operationalInfo"), "resourceEventTime"),
        text(value, "time") or text(value, "eventTime"),
    )
