"""Which decisions has a worker written down? Its journal, out of a ledger or out of a file of JSON lines."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path

from remediation.explain import newest_first
from remediation.ledger.codec import UnreadableRecordError, decode_entry, encode_entry
from remediation.ledger.record import JournalEntry
from remediation.ports import LedgerUnavailableError
from remediation.settings import LedgerKind, Settings
from remediation.wiring import ledger_of
from rules.problems import did_you_mean

LEDGER = "ledger.db"
"""Where a worker without Azure keeps its ledger, in its data folder."""

CLOCKS_APART = timedelta(minutes=5)
"""No two workers' clocks differ by more: what lies so long before `since` ends the search."""

_KEYS = tuple(field.name for field in fields(JournalEntry))
_EXPECTED = (
    'expected a journal entry: {"id": "shop/0000000042", "workload": "shop", "at": "2026-11-21T03:00:00Z", '
    '"cause": "signals", "heard": [{"id": …, "subject": ["shop", "weu", "Stamp"], "source": …, '
    '"observed_at": …, "health": "red"}], …}'
)


class NoJournalError(Exception):
    """There is no journal there, or it cannot be read; the reason is for people."""


def in_folder(data_dir: Path, found: Settings) -> Settings:
    """The settings by which the ledger in that data folder is read."""
    return found.model_copy(update={"data_dir": data_dir, "ledger": LedgerKind.SQLITE})


def ledger_words(found: Settings) -> str:
    """Where the ledger of these settings lies."""
    where = {LedgerKind.SQLITE: str(found.data_dir / LEDGER), LedgerKind.BLOB: "Blob Storage"}
    return f"the ledger in {where.get(found.ledger, 'memory')}"


def journal_of(
    found: Settings, workloads: Iterable[str], since: datetime | None, until: datetime | None
) -> list[JournalEntry]:
    """The decisions about these workloads in that time, oldest first, out of the ledger of these settings.

    Raises:
        NoJournalError: there is none, or it cannot be read, or nothing was decided in that time.
    """
    if found.ledger is LedgerKind.SQLITE and not (found.data_dir / LEDGER).exists():
        raise NoJournalError(f"there is no ledger in {found.data_dir}: expected {LEDGER}")
    try:
        entries = asyncio.run(_read(found, list(workloads), since, until))
    except (LedgerUnavailableError, UnreadableRecordError) as error:
        raise NoJournalError(f"the ledger cannot be read: {error}") from error
    if not entries:
        raise NoJournalError(
            f"the journal has no decision about {', '.join(workloads)}"
            f"{f' from {since:%Y-%m-%d %H:%M:%S}' if since else ''}"
            f"{f' up to {until:%Y-%m-%d %H:%M:%S}' if until else ''}"
        )
    return sorted(entries, key=lambda entry: entry.at)


async def _read(
    found: Settings, workloads: Sequence[str], since: datetime | None, until: datetime | None
) -> list[JournalEntry]:
    entries: list[JournalEntry] = []
    async with AsyncExitStack() as opened:
        ledger = ledger_of(found, opened)
        for name in workloads:
            async for entry in newest_first(ledger, (await ledger.load(name)).record, until):
                if since is not None and entry.at < since - CLOCKS_APART:
                    break
                if since is None or entry.at >= since:
                    entries.append(entry)
    return entries


def is_entry(row: object) -> bool:
    """Whether a line of a file is meant for a journal entry, and not for a body."""
    return isinstance(row, dict) and "body" not in row and bool({"cause", "heard", "verdicts"} & row.keys())


def entries_of(file: Path, lines: Sequence[str]) -> Iterator[JournalEntry]:
    """The journal entries of a file of JSON lines.

    Raises:
        NoJournalError: a line is none; with its place, and what is expected.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _entry(line)
            except (ValueError, UnreadableRecordError) as error:
                raise NoJournalError(f"{file}:{number}:1: {_EXPECTED}: {error}") from error


def _entry(line: str) -> JournalEntry:
    row = json.loads(line)
    for key in row if isinstance(row, dict) else ():
        if key not in _KEYS:
            known = f"known are {', '.join(_KEYS)}"
            raise ValueError(f"unknown key `{key}`; {did_you_mean(key, _KEYS, known)}")
    entry = decode_entry(line.encode())
    if any(moment.tzinfo is None for moment in (entry.at, *(each.observed_at for each in entry.heard))):
        raise ValueError("each time needs its zone, such as Z")
    for signal in entry.heard:
        if signal.subject.workload != entry.workload:
            raise ValueError(f"a signal about {signal.subject.workload} in a decision about {entry.workload}")
        if (signal.health is None) == (signal.condition is None):
            raise ValueError(f"the signal {signal.id} needs either `health` or `condition`")
    return entry


def saved_entries(entries: Iterable[JournalEntry]) -> str:
    """The entries as a file of JSON lines."""
    return "".join(f"{encode_entry(entry).decode()}\n" for entry in entries)
