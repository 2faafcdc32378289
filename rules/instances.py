"""Has this alert ended, although its end was placed elsewhere?

Azure's Resolved may carry less than its Fired did: no context, a rule that was
renamed meanwhile, a mapping that was changed. It is the same alert by its
instance, and what is resolved must not fire for ever where it was first placed.
"""

from collections.abc import Iterable
from dataclasses import replace

from rules.health import Registers
from rules.signals import AlertState, RegisterKey, Signal

OF_ALERTS = "alert:"
"""With this begins the source of an alert by Azure Monitor, before the name of its rule."""


def with_ends(registers: Registers, arrived: Iterable[Signal]) -> dict[RegisterKey, Signal]:
    """The registers, in which alerts are over that are resolved under another key.

    The end may come before its beginning: both are in the registers, and the later word counts.

    Args:
        registers: after `fold`.
        arrived: what was folded in; only its instances are looked at.
    """
    settled = dict(registers)
    instances = {signal.instance for signal in arrived if _is_alert(signal)}
    if not instances:
        return settled
    same: dict[str, list[Signal]] = {}
    for signal in registers.values():
        if signal.instance in instances and _is_alert(signal):
            same.setdefault(signal.instance, []).append(signal)
    for signals in same.values():
        last = max(signals, key=lambda signal: (signal.observed_at, signal.order, signal.id))
        if last.condition is AlertState.RESOLVED:
            settled.update({each.key: _over(each, last) for each in signals if each.condition is _FIRED})
    return settled


_FIRED = AlertState.FIRED


def _over(signal: Signal, end: Signal) -> Signal:
    """The same alert, as its end says."""
    return replace(end, subject=signal.subject, source=signal.source, alert=signal.alert)


def _is_alert(signal: Signal) -> bool:
    return bool(signal.instance) and signal.source.startswith(OF_ALERTS)
