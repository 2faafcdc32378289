"""Which bodies has the worker received? A recording, out of the embedded broker's log or out of a file.

The log is only read: nothing is locked, cut or deleted, so that the worker whose log it is may run on.
A ledger's journal is no recording: it keeps what the worker made of the signals, and not the bodies.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from local.eventhubs.errors import DecodeError
from local.eventhubs.message import SectionCode, sections
from local.eventhubs.segment import Segment, read_record
from rehearsal.replay import Recorded

HUB = Path("hub") / "signals"
"""Where the embedded broker keeps the hub of the signals, in the worker's data folder."""


class NoRecordingError(Exception):
    """There is no recording there, or it cannot be read; the reason is for people."""


def recording_of(source: Path) -> list[Recorded]:
    """The bodies of a file or of a worker's data folder, oldest first.

    Raises:
        NoRecordingError: nothing can be read there.
        OSError: a file cannot be opened.
    """
    found = list(_of_log(source) if source.is_dir() else _of_lines(source))
    if not found:
        raise NoRecordingError(f"{source}: no body was ever recorded here")
    return sorted(found, key=lambda one: one.at)


def saved(recording: Iterable[Recorded]) -> str:
    """The recording as a file of JSON lines."""
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


def _of_lines(file: Path) -> Iterator[Recorded]:
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        if line.strip():
            try:
                yield _read(json.loads(line))
            except (ValueError, TypeError) as error:
                expected = 'expected {"at": "2026-11-21T03:00:00Z", "body": {…}}'
                raise NoRecordingError(f"{file}:{number}:1: {expected}: {error}") from error


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
            f"{data_dir}: there is no log of the embedded broker ({HUB}) here; a ledger's journal keeps no "
            "bodies and cannot be played. Give a file of JSON lines with what the hub has received"
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
