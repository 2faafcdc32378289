"""How does a record become bytes, and bytes a record again, across versions of the worker?

The stored form is JSON: a version, the write id, and the record with its
mappings as lists (their keys can be read off their values). A newer worker
reads what an older one wrote, through `UPGRADES`; an older one refuses what it
does not know, because a record half understood is worse than none. A field
added or taken away is therefore a new version.

Registers make up nearly all of a large record, so they are rows and not
objects, and what is said a thousand times over (workload, source) is said once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from remediation.ledger.intent import Intent, LeverKind, Verb
from remediation.ledger.orders import Approval, HoldSwitch, Silence
from remediation.ledger.record import DrainMade, HeldStep, JournalEntry, WorkloadRecord
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Incident, Message
from rules.evaluate import Asked, Waiting
from rules.findings import Finding
from rules.signals import AlertState, Health, Severity, Signal, Subject

VERSION = 1

MAX_RECORD_BYTES = 512 * 1024
"""No record is stored that is larger. Room for 2,000 nodes, each with a word of why."""

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

UPGRADES: Mapping[int, Upgrade] = {}
"""From each older version's envelope to the next version's."""


class UnreadableRecordError(Exception):
    """The stored bytes are no record that this worker knows how to read."""


class UnstorableRecordError(Exception):
    """This record cannot be stored, now or later: a fault in the worker, not in the store."""


class RecordTooLargeError(UnstorableRecordError):
    """The record would take more than `MAX_RECORD_BYTES`."""


@dataclass(frozen=True, slots=True)
class _Rest:
    """What is unusual about a signal."""

    condition: AlertState | None = None
    alert: str | None = None
    instance: str = ""
    severity: Severity | None = None
    reasons: tuple[str, ...] = ()
    may_act: bool = True
    why: str = ""
    placed_by: str = ""


_Row = tuple[
    str | None, str | None, Annotated[int, Field(ge=0)], str, datetime, int, Health | None, _Rest | None
]
"""A register: stamp, node, which of the sources, id, observed_at, order, health, and the rest."""


def _with_signals(entry: object) -> object:
    """An entry as it is now. An older worker kept what it heard in sentences: they stay, as what happened."""
    if not isinstance(entry, dict) or not isinstance(heard := entry.get("heard"), list):
        return entry
    events = entry.get("events", [])
    if not isinstance(events, list) or not all(isinstance(each, str) for each in heard):
        return entry
    return {**entry, "heard": [], "events": [*(f"heard: {each}" for each in heard), *events]}


_Entry = Annotated[JournalEntry, BeforeValidator(_with_signals)]


@dataclass(frozen=True, slots=True)
class _Stored:
    """The record as it is stored: mappings whose keys lie in their values become lists."""

    workload: str
    revision: int
    sources: tuple[str, ...] = ()
    registers: tuple[_Row, ...] = ()
    since: tuple[tuple[Waiting, datetime], ...] = ()
    findings: tuple[Finding, ...] = ()
    incidents: tuple[Incident, ...] = ()
    stamps: dict[str, StampRecord] | None = None
    intents: tuple[Intent, ...] = ()
    drains: tuple[DrainMade, ...] = ()
    held: tuple[HeldStep, ...] = ()
    outbox: tuple[Message, ...] = ()
    journal: tuple[_Entry, ...] = ()
    hold: HoldSwitch | None = None
    silences: tuple[Silence, ...] = ()
    approvals: tuple[Approval, ...] = ()
    # By verb alone in older records, when nearly every move was one of the state file.
    took: dict[Verb, tuple[int, ...]] | tuple[tuple[Verb, LeverKind, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Envelope:
    # Holds for every dataclass within: an unknown field comes from a worker that knows more.
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    version: int
    write_id: str
    record: _Stored


_ENVELOPE = TypeAdapter(_Envelope)
_ENTRY: TypeAdapter[JournalEntry] = TypeAdapter(_Entry)
_ANY = TypeAdapter(dict[str, Any])


def encode(record: WorkloadRecord, write_id: str) -> bytes:
    """The bytes of a record. The same record and write id give the same bytes.

    Raises:
        RecordTooLargeError: there would be more than `MAX_RECORD_BYTES` of them.
        UnstorableRecordError: some text in it is not Unicode, or a signal is another workload's.
    """
    sources, rows = _rows(record)
    stored = _Stored(
        workload=record.workload,
        revision=record.revision,
        sources=sources,
        registers=rows,
        since=tuple(record.since.items()),
        findings=tuple(record.findings.values()),
        incidents=tuple(record.incidents.values()),
        stamps=dict(record.stamps),
        intents=tuple(record.intents.values()),
        drains=record.drains,
        held=record.held,
        outbox=record.outbox,
        journal=record.journal,
        hold=record.hold,
        silences=record.silences,
        approvals=record.approvals,
        took=tuple((*moved, seconds) for moved, seconds in record.took.items()),
    )
    try:
        data = _ENVELOPE.dump_json(_Envelope(VERSION, write_id, stored), exclude_defaults=True)
    except PydanticSerializationError as error:
        raise UnstorableRecordError(f"record of {record.workload}: {error}") from error
    if len(data) > MAX_RECORD_BYTES:
        raise RecordTooLargeError(
            f"record of {record.workload} takes {len(data)} bytes, more than {MAX_RECORD_BYTES}: "
            f"{len(rows)} registers, {len(record.outbox)} messages, {len(record.journal)} journal entries"
        )
    return data


def decode(data: bytes, upgrades: Mapping[int, Upgrade] = UPGRADES) -> tuple[WorkloadRecord, str]:
    """The record and the id of the write that stored it.

    Raises:
        UnreadableRecordError: the bytes are damaged, or of a version this worker does not know.
    """
    try:
        envelope = _ENVELOPE.validate_json(_upgraded(data, upgrades))
        stored = envelope.record
        signals = [_signal(stored, row) for row in stored.registers]
    except ValidationError as error:
        raise UnreadableRecordError(f"damaged record: {_first(error)}") from error
    except IndexError as error:
        raise UnreadableRecordError("damaged record: a register names no source") from error
    record = WorkloadRecord(
        workload=stored.workload,
        revision=stored.revision,
        registers={signal.key: signal for signal in signals},
        since=dict(stored.since),
        findings={Asked(finding.rule, finding.stamp): finding for finding in stored.findings},
        incidents={incident.key: incident for incident in stored.incidents},
        stamps=stored.stamps or {},
        intents={intent.id: intent for intent in stored.intents},
        drains=stored.drains,
        held=stored.held,
        outbox=stored.outbox,
        journal=stored.journal,
        hold=stored.hold,
        silences=stored.silences,
        approvals=stored.approvals,
        took=_took(stored),
    )
    return record, envelope.write_id


def _took(stored: _Stored) -> dict[tuple[Verb, LeverKind], tuple[int, ...]]:
    if isinstance(stored.took, dict):
        return {(verb, LeverKind.STATE_FILE): seconds for verb, seconds in stored.took.items()}
    return {(verb, lever): seconds for verb, lever, seconds in stored.took}


_NOTHING_UNUSUAL = _Rest()


def _rows(record: WorkloadRecord) -> tuple[tuple[str, ...], tuple[_Row, ...]]:
    """The sources in the order in which they first appear, and the registers that point to them."""
    sources: dict[str, int] = {}
    rows: list[_Row] = []
    for signal in record.registers.values():
        workload, stamp, node = signal.subject
        if workload != record.workload:
            raise UnstorableRecordError(f"record of {record.workload} with a signal about {signal.subject}")
        source = sources.setdefault(signal.source, len(sources))
        rest: _Rest | None = _Rest(
            signal.condition,
            signal.alert,
            signal.instance,
            signal.severity,
            signal.reasons,
            signal.may_act,
            signal.why,
            signal.placed_by,
        )
        rest = None if rest == _NOTHING_UNUSUAL else rest
        rows.append((stamp, node, source, signal.id, signal.observed_at, signal.order, signal.health, rest))
    return tuple(sources), tuple(rows)


def _signal(stored: _Stored, row: _Row) -> Signal:
    stamp, node, source, signal_id, observed_at, order, health, rest = row
    rest = rest or _NOTHING_UNUSUAL
    return Signal(
        id=signal_id,
        subject=Subject(stored.workload, stamp, node),
        source=stored.sources[source],
        observed_at=observed_at,
        order=order,
        health=health,
        condition=rest.condition,
        alert=rest.alert,
        instance=rest.instance,
        severity=rest.severity,
        reasons=rest.reasons,
        may_act=rest.may_act,
        why=rest.why,
        placed_by=rest.placed_by,
    )


def _upgraded(data: bytes, upgrades: Mapping[int, Upgrade]) -> bytes:
    if data.startswith(b'{"version":%d,' % VERSION):
        return data
    envelope = _ANY.validate_json(data)
    version = envelope.get("version")
    if not isinstance(version, int):
        raise UnreadableRecordError("damaged record: it has no version")
    if version > VERSION:
        raise UnreadableRecordError(
            f"record of version {version}, written by a newer worker; this one reads up to {VERSION}"
        )
    for older in range(version, VERSION):
        if older not in upgrades:
            raise UnreadableRecordError(f"record of version {version}; this worker cannot read it any more")
        envelope = upgrades[older](envelope) | {"version": older + 1}
    return _ANY.dump_json(envelope)


def _first(error: ValidationError) -> str:
    """The first complaint, and where; never the value itself, which may be anything."""
    complaint = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in complaint["loc"])
    return f"{where}: {complaint['msg']}" if where else complaint["msg"]


def encode_entry(entry: JournalEntry) -> bytes:
    """The bytes of one journal entry, on one line.

    Raises:
        UnstorableRecordError: some text in it is not Unicode.
    """
    try:
        return _ENTRY.dump_json(entry, exclude_defaults=True)
    except PydanticSerializationError as error:
        raise UnstorableRecordError(f"journal entry {entry.id}: {error}") from error


def decode_entry(data: bytes) -> JournalEntry:
    """The journal entry of these bytes.

    Raises:
        UnreadableRecordError: they are damaged.
    """
    try:
        return _ENTRY.validate_json(data)
    except ValidationError as error:
        raise UnreadableRecordError(f"damaged journal entry: {_first(error)}") from error


def revision_of(entry: JournalEntry) -> int:
    """The revision of the record that the decision was written with: the last part of its id."""
    return int(entry.id.rpartition("/")[2])
