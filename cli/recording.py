"""What has the worker received? A recording, out of the embedded broker's log or out of a file.

The log is only read: nothing is locked, cut or deleted, so that the worker whose log it is may run on.
A file may hold the decisions of a journal instead of bodies: they list the signals (`cli.journal`).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli.journal import LEDGER, entries_of, in_folder, is_entry, journal_of, ledger_words
from local.eventhubs.errors import DecodeError
from local.eventhubs.message import SectionCode, sections
from local.eventhubs.segment import Segment, read_record
from rehearsal.replay import OWN_PROBES, Heard, Played, Recorded, heard
from remediation.ledger.record import JournalEntry
from remediation.settings import Settings

HUB = Path("hub") / "signals"
"""Where the embedded broker keeps the hub of the signals, in the worker's data folder."""


class NoRecordingError(Exception):
    """There is no recording there, or it cannot be read; the reason is for people."""


@dataclass(frozen=True, slots=True)
class Time:
    """From when to when; None: without an end."""

    first: datetime | None = None
    last: datetime | None = None

    def has(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.first is None or at >= self.first) and (self.last is None or at <= self.last)


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be played: bodies, or the decisions of a journal.

    Attributes:
        source: where it was read.
        bodies: oldest first; none where a journal is played.
        entries: oldest first; none where bodies are played.
        played: each of them, at least one, as it is played.
    """

    source: str
    bodies: Sequence[Recorded]
    entries: Sequence[JournalEntry]
    played: Sequence[Played]

    @property
    def signals(self) -> int:
        """How many signals the decisions list."""
        return sum(len(entry.heard) for entry in self.entries)

    @property
    def own(self) -> int:
        """How many of them the worker's own probes have seen."""
        return sum(signal.source in OWN_PROBES for entry in self.entries for signal in entry.heard)

    @property
    def partly(self) -> int:
        """How many decisions list only some of their signals."""
        return sum(isinstance(one, Heard) and one.partly for one in self.played)


def recording_in(source: Path | None, found: Settings, workloads: Iterable[str], time: Time) -> Recording:
    """What was recorded in that time; of a data folder that has both, the log of its broker.

    Args:
        source: a file or a worker's data folder; None for the ledger of the settings.
        found: the settings.
        workloads: whose journal is read.
        time: which of it.

    Raises:
        NoRecordingError, NoJournalError: nothing can be read there, or there is nothing of that time.
        OSError: a file cannot be opened.
    """
    if source is None or (not (source / HUB).is_dir() and (source / LEDGER).is_file()):
        settings = found if source is None else in_folder(source, found)
        entries = journal_of(settings, workloads, time.first, time.last)
        return Recording(ledger_words(settings), (), entries, [heard(entry) for entry in entries])
    everything = recording_of(source)
    bodies = [one for one in everything if isinstance(one, Recorded) and time.has(one.at)]
    entries = [one for one in everything if isinstance(one, JournalEntry) and time.has(one.at)]
    if not bodies and not entries:
        there = " to ".join(f"{one.at:%Y-%m-%d %H:%M:%S}" for one in (everything[0], everything[-1]))
        raise NoRecordingError(f"{source}: nothing was recorded in that time; it goes from {there}")
    return Recording(str(source), bodies, entries, bodies or [heard(entry) for entry in entries])


def recording_of(source: Path) -> list[Recorded] | list[JournalEntry]:
    """The bodies of a file or of a worker's data folder, or the decisions of a file, oldest first.

    Raises:
        NoRecordingError: nothing can be read there.
        OSError: a file cannot be opened.
    """
    if source.is_dir():
        found = list(_of_log(source))
    else:
        lines = source.read_text("utf-8").splitlines()
        if is_entry(_first(lines)):
            return sorted(entries_of(source, lines), key=lambda entry: entry.at)
        found = list(_of_lines(source, lines))
    if not found:
        raise NoRecordingError(f"{source}: no body was ever recorded here")
    return sorted(found, key=lambda one: one.at)


def _first(lines: Iterable[str]) -> object:
    """What the first line holds: it tells what the others are meant for."""
    try:
        return json.loads(next((line for line in lines if line.strip()), "null"))
    except ValueError:
        return None


def saved(recording: Iterable[Recorded]) -> str:
    """The bodies as a file of JSON lines."""
    return "".join(f"{json.dumps(_row(one))}\n" for one in recording)


def _row(one: Recorded) -> dict[str, object]:
    text = one.body.decode(errors="replace")
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    # A JSON text that is a string itself would be taken for the body: it stays as it was sent.
    row: dict[str, object] = {
        "at": one.at.isoformat().replace("+00:00", "Z"),
        "body": text if isinstance(body, str) else body,
    }
    return row | ({"properties": dict(one.properties)} if one.properties else {})


# --- a file --------------------------------------------------------------------------------------


def _of_lines(file: Path, lines: Iterable[str]) -> Iterator[Recorded]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _read(json.loads(line))
            except (ValueError, TypeError) as error:
                expected = 'expected {"at": "2026-11-21T03:00:00Z", "body": {…}}'
                journal = " (or in every line an entry of a journal)" if number == 1 else ""
                raise NoRecordingError(f"{file}:{number}:1: {expected}{journal}: {error}") from error


def _read(row: object) -> Recorded:
    if not isinstance(row, dict) or not isinstance(row.get("at"), str) or "body" not in row:
        raise TypeError("`at` and `body` are needed")
    at, body, properties = datetime.fromisoformat(row["at"]), row["body"], row.get("properties") or {}
    if at.tzinfo is None:
        raise ValueError("`at` needs its zone, such as Z")
    if unknown := sorted(row.keys() - {"at", "body", "properties"}):
        raise ValueError(f"unknown key `{unknown[0]}`")
    if not isinstance(properties, dict):
        raise TypeError("`properties` must be an object")
    text = body if isinstance(body, str) else json.dumps(body)
    return Recorded(at.astimezone(UTC), text.encode(), {str(k): str(v) for k, v in properties.items()})


# --- the broker's log ----------------------------------------------------------------------------


def _of_log(data_dir: Path) -> Iterator[Recorded]:
    hub = data_dir / HUB
    if not hub.is_dir():
        raise NoRecordingError(
            f"{data_dir}: expected the data folder of a worker: here is neither the log of the embedded "
            f"broker ({HUB}) nor a ledger ({LEDGER})"
        )
    for path in sorted(hub.glob("*/*.segment")):
        segment = Segment.named(path)
        if segment is not None:
            yield from _of_segment(path, segment.base_offset)


def _of_segment(path: Path, base_offset: int) -> Iterator[Recorded]:
    """The events of one file, up to what is not whole: the worker may be writing it now."""
    raw, at = path.read_bytes(), 0
    while at < len(raw):
        try:
            record = read_record(raw, at, base_offset + at)
        except ValueError:
            return
        if record is None:
            return
        yield _event(record.payload, record.stamp.enqueued_ms)
        at = record.end - base_offset


def _event(message: bytes, enqueued_ms: int) -> Recorded:
    body, properties = b"", dict[str, str]()
    try:
        for section in sections(message):
            value = section.decoded()
            if section.code is SectionCode.DATA and isinstance(value, bytes):
                body += value
            elif section.code is SectionCode.APPLICATION_PROPERTIES and isinstance(value, dict):
                properties = {_text(key): _text(each) for key, each in value.items()}
    except DecodeError as error:  # the broker has checked it: the file is not what it was
        raise NoRecordingError(f"an event in the broker's log cannot be read: {error}") from error
    return Recorded(datetime.fromtimestamp(enqueued_ms / 1000, UTC), body, properties)


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
