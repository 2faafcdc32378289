"""How does a record become bytes, and bytes a record again, across versions of the worker?

The stored form is JSON: a version, the write id, and the record with its
mappings as lists (their keys can be read off their values). A newer worker
reads what an older one wrote, through `UPGRADES`; an older one refuses what it
does not know, because a record half understood is worse than none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from remediation.ledger.intent import Intent
from remediation.ledger.record import (
    DrainMade,
    HeldStep,
    HoldSwitch,
    Incident,
    JournalEntry,
    Message,
    StampRecord,
    WorkloadRecord,
)
from rules.evaluate import Asked, Waiting
from rules.findings import Finding
from rules.signals import Signal

VERSION = 1

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From each older version to the next."""


class UnreadableRecordError(Exception):
    """The stored bytes are no record that this worker knows how to read."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """The record as it is stored: mappings whose keys lie in their values become lists."""

    workload: str
    revision: int
    registers: tuple[Signal, ...] = ()
    since: tuple[tuple[Waiting, datetime], ...] = ()
    findings: tuple[Finding, ...] = ()
    incidents: tuple[Incident, ...] = ()
    stamps: dict[str, StampRecord] | None = None
    intents: tuple[Intent, ...] = ()
    drains: tuple[DrainMade, ...] = ()
    held: tuple[HeldStep, ...] = ()
    outbox: tuple[Message, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    hold: HoldSwitch | None = None


@dataclass(frozen=True, slots=True)
class _Envelope:
    version: int
    write_id: str
    record: _Stored


_ENVELOPE = TypeAdapter(_Envelope)
_ENTRY = TypeAdapter(JournalEntry)
_ANY = TypeAdapter(dict[str, Any])


def encode(record: WorkloadRecord, write_id: str) -> bytes:
    """The bytes of a record. The same record and write id give the same bytes."""
    stored = _Stored(
        workload=record.workload,
        revision=record.revision,
        registers=tuple(record.registers.values()),
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
    )
    return _ENVELOPE.dump_json(_Envelope(VERSION, write_id, stored), exclude_defaults=True)


def decode(data: bytes) -> tuple[WorkloadRecord, str]:
    """The record and the id of the write that stored it.

    Raises:
        UnreadableRecordError: the bytes are damaged, or of a version this worker does not know.
    """
    try:
        envelope = _ENVELOPE.validate_json(_upgraded(data))
    except ValidationError as error:
        raise UnreadableRecordError(f"damaged record: {error.errors()[0]['msg']}") from error
    stored = envelope.record
    record = WorkloadRecord(
        workload=stored.workload,
        revision=stored.revision,
        registers={signal.key: signal for signal in stored.registers},
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
    )
    return record, envelope.write_id


def _upgraded(data: bytes) -> bytes:
    if data.startswith(b'{"version":%d,' % VERSION):
        return data
    envelope = _ANY.validate_json(data)
    version = envelope.get("version")
    while version in UPGRADES:
        envelope = UPGRADES[version](envelope)
        version = envelope["version"]
    if version != VERSION:
        raise UnreadableRecordError(f"record of version {version}; this worker reads up to {VERSION}")
    return _ANY.dump_json(envelope)


def encode_entry(entry: JournalEntry) -> bytes:
    """The bytes of one journal entry, on one line."""
    return _ENTRY.dump_json(entry, exclude_defaults=True)


def decode_entry(data: bytes) -> JournalEntry:
    """The journal entry of these bytes."""
    return _ENTRY.validate_json(data)
