"""What is this body, and which signals does it hold?

One table names the families, by shape and not by sender: the first that claims a
body reads it. A new family is a file and a row. A body may be a batch, an array
of items of any family; each item stands for itself.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from remediation.intake import (
    azure_monitor,
    event_grid,
    health_events,
    legacy_activity,
    legacy_autoscale,
    legacy_budget,
    legacy_log,
    legacy_metric,
    limits,
    records,
    relay,
)
from remediation.intake.discretion import discreet
from remediation.intake.rejection import Code, Rejection
from remediation.intake.subject import Known
from rules.signals import Signal


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of body.

    Attributes:
        name: as `remediation inspect` and the metrics show it.
        claims: whether a JSON object has its shape.
        read: its signals; raises `Rejection`.
    """

    name: str
    claims: Callable[[Mapping[str, object]], bool]
    read: Callable[[Mapping[str, object], Known], tuple[Signal, ...]]


FAMILIES = (
    Family(health_events.FAMILY, health_events.claims, health_events.read),
    Family(azure_monitor.FAMILY, azure_monitor.claims, azure_monitor.read),
    Family(event_grid.FAMILY, event_grid.claims, event_grid.read),
    Family(legacy_activity.FAMILY, legacy_activity.claims, legacy_activity.read),
    Family(legacy_autoscale.FAMILY, legacy_autoscale.claims, legacy_autoscale.read),
    Family(legacy_metric.FAMILY, legacy_metric.claims, legacy_metric.read),
    Family(legacy_log.FAMILY, legacy_log.claims, legacy_log.read),
    Family(legacy_budget.FAMILY, legacy_budget.claims, legacy_budget.read),
    Family(records.FAMILY, records.claims, records.read),
)
"""In order of precedence."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One item of a batch that cannot be read. The others of the batch go on."""

    body: bytes
    code: Code
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body holds.

    Attributes:
        family: of the body, or of all items of a batch that could be read; else `mixed` or `none`.
        signals: in the order of the body.
        rejected: items of a batch that are to be buried.
    """

    family: str
    signals: tuple[Signal, ...]
    rejected: tuple[Rejected, ...] = ()


def read(body: bytes, known: Known) -> Reading:
    """The reading of one body from outside.

    Raises:
        Rejection: why nothing in it can be read.
    """
    signal = health_events.read_plain(body, known)
    if signal:
        return Reading(health_events.FAMILY, (_discreet(signal),))
    try:
        value = relay.unwrapped(limits.parse(body))
    except Rejection as rejection:
        items = limits.items_of(body) if rejection.code in limits.OF_ONE_ITEM else None
        if items is None:
            raise
        return _read_apart(items, known)
    batch = value if isinstance(value, list) else records.unwrap(value)
    if batch is not None:
        return _read_batch(batch, known)
    limits.check_item_size(len(body))
    return _read_item(value, known)


def family_of(body: bytes) -> str | None:
    """The family that claims a body which is no batch, though it may reject it; None where none does."""
    try:
        value = relay.unwrapped(limits.parse(body))
    except Rejection:
        return None
    found = _claiming(value) if isinstance(value, dict) else None
    return found.name if found else None


def key_of(reading: Reading) -> str | None:
    """The workload that all signals are about, for the partition key of the inbox; else None."""
    workloads = {signal.subject.workload for signal in reading.signals}
    return workloads.pop() if len(workloads) == 1 else None


def is_heartbeat(properties: Mapping[str, object] | Mapping[bytes, object]) -> bool:
    """Whether application properties mark a message as a heartbeat: `HEALTHCHECK=TRUE`.

    Strings, bytes (as Event Hubs clients give them) and booleans, in any case.
    """
    return any(_word(key) == "healthcheck" and _word(value) == "true" for key, value in properties.items())


def _word(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text.strip().lower()


def _read_item(value: object, known: Known) -> Reading:
    if not isinstance(value, dict):
        reason = f"a JSON object, or an array of them, was expected, not {type(value).__name__}"
        raise Rejection(Code.NOT_AN_OBJECT, reason)
    family = _claiming(value)
    if family is not None:
        return Reading(family.name, tuple(map(_discreet, family.read(value, known))))
    names = ", ".join(family.name for family in FAMILIES)
    reason = f"no family of bodies has this shape; known are: {names}"
    raise Rejection(Code.UNKNOWN_FAMILY, reason)


def _discreet(signal: Signal) -> Signal:
    """Whatever the family: what a sender wrote is told to people, and kept."""
    reasons = tuple(map(discreet, signal.reasons))
    return signal if reasons == signal.reasons else replace(signal, reasons=reasons)


def _claiming(value: Mapping[str, object]) -> Family | None:
    return next((family for family in FAMILIES if family.claims(value)), None)


def _items(value: object) -> list[object]:
    """The records of a diagnostic stream, or the array that was forwarded; anything else is one item."""
    try:
        inner = relay.unwrapped(value)
    except Rejection:  # it is told why when it is read
        return [value]
    if inner is not value and isinstance(inner, list):
        return inner
    found = records.unwrap(inner)
    return [value] if found is None else found


def _read_apart(items: list[bytes], known: Known) -> Reading:
    """A batch in which some items cannot even be parsed: those are rejected as they came."""
    limits.check_count(len(items))
    values: list[object] = []
    rejected: list[Rejected] = []
    for item in items:
        try:
            values.append(limits.parse(item))
        except Rejection as why:
            rejected.append(Rejected(item, why.code, why.reason))
    reading = _read_batch(values, known)
    return replace(reading, rejected=(*rejected, *reading.rejected))


def _read_batch(batch: list[object], known: Known) -> Reading:
    values = list(chain.from_iterable(map(_items, batch)))
    limits.check_count(len(values))
    families: set[str] = set()
    signals: list[Signal] = []
    rejected: list[Rejected] = []
    for value in values:
        item = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            limits.check_item_size(len(item))
            reading = _read_item(relay.unwrapped(value), known)
        except Rejection as why:
            rejected.append(Rejected(item, why.code, why.reason))
        else:
            families.add(reading.family)
            signals += reading.signals
    family = families.pop() if len(families) == 1 else "mixed" if families else "none"
    return Reading(family, tuple(signals), tuple(rejected))
