"""What does autoscale tell of what it did?

That a resource was scaled out or in. Nothing is broken by that, so it never acts;
a rule may still want to know. Of one autoscale setting the latest operation stands.
"""

from dataclasses import replace

from remediation.intake import moments, samples
from remediation.intake.alert import Alert, last_part, rule_name, signals_of
from remediation.intake.alert_reasons import MAX_REASON
from remediation.intake.identity import digest
from remediation.intake.legacy import clues_of, context_of, envelope, is_sample
from remediation.intake.limits import clip
from remediation.intake.loose import Table, scalar, table, text
from remediation.intake.subject import Known
from rules.signals import AlertState, Signal

FAMILY = "autoscale"
WHY = "autoscale tells what it did, not that something is broken"


def claims(value: Table) -> bool:
    """An operation beside a context with capacities."""
    context = context_of(value)
    return bool(text(envelope(value), "operation")) and ("oldCapacity" in context or "newCapacity" in context)


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """A signal for each workload to which the scaled resource belongs: `autoscale:scale out`, fired.

    Raises:
        Rejection: it belongs to none that we know, or it is not said when it was scaled.
    """
    body = envelope(value)
    context, properties = table(body, "context"), table(body, "properties")
    setting = text(context, "id") or text(context, "name")
    rule = rule_name(f"autoscale:{text(body, 'operation').lower()}")
    clues = clues_of(context, properties, rule)
    alert = Alert(
        rule=rule,
        condition=AlertState.FIRED,
        observed_at=moments.required("context.timestamp", text(context, "timestamp")),
        instance=digest(*(part.lower() for part in (setting, *clues.resources))),
        clues=clues,
        reasons=(_told(context, setting),),
        why=samples.WHY if is_sample(last_part(setting), clues, setting, properties) else WHY,
    )
    # One source for all operations, so that a later one takes the place of an earlier one.
    return tuple(replace(each, source=FAMILY, id=_identity(each)) for each in signals_of(alert, known))


def _identity(signal: Signal) -> str:
    """Two operations of one moment are two facts."""
    return f"{FAMILY}:{digest(signal.id, signal.alert or '')}"


def _told(context: Table, setting: str) -> str:
    """In the words of autoscale, or at least from how many to how many."""
    old, new = (scalar(context, key) or "?" for key in ("oldCapacity", "newCapacity"))
    return clip(text(context, "details") or f"{last_part(setting)}: from {old} to {new}", MAX_REASON)
