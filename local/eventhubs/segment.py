"""What does one file of a partition's log look like, and is it whole?

A segment holds consecutive records. Each record carries a checksum, and the sequence number
at which its *commit* (the group of records that one fsync made durable) began. That tells a
torn tail from damage: a commit is only written after the one before it is on disk, so if a
record cannot be read and one of a *later* commit can, then acknowledged events were lost and
the log refuses to open. If nothing of a later commit follows, the write was cut short before
anyone was told it succeeded, and cutting it off loses nothing.

The name of the file gives the sequence number and the offset of its first record, so that
they survive when retention has removed everything before it.
"""

from __future__ import annotations

import logging
import os
import re
import struct
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOGGER = logging.getLogger(__name__)

# length of the payload, checksum, sequence number, first sequence number of the commit, milliseconds
_HEADER: Final = struct.Struct(">IIqqq")
_CHECKED_FROM: Final = 8  # the checksum covers everything behind it, and the length
_SEQUENCE_AT: Final = 8
_NAME: Final = re.compile(r"(\d{20})-(\d{20})\.segment")

MAX_PAYLOAD: Final = 4 * 1024 * 1024
"""Bytes no payload exceeds; a length beyond it is damage."""
INDEX_EVERY: Final = 32 * 1024
"""Bytes of log between two entries of the index that is kept in memory."""


class CorruptLogError(Exception):
    """Acknowledged events in a log cannot be read any more."""

    def __init__(self, path: Path, position: int, reason: str) -> None:
        super().__init__(f"{path} is corrupt at byte {position}: {reason}")
        self.path = path
        self.position = position


class Stamp(NamedTuple):
    """What the log gives an event: its number, its place and its time."""

    sequence_number: int
    offset: int
    enqueued_ms: int


class Record(NamedTuple):
    """One event in the log; `end` is the offset behind it."""

    stamp: Stamp
    payload: bytes
    commit: int
    end: int


def encode_record(stamp: Stamp, commit: int, payload: bytes) -> bytes:
    """Write one record."""
    times = struct.pack(">qqq", stamp.sequence_number, commit, stamp.enqueued_ms)
    length = struct.pack(">I", len(payload))
    return length + struct.pack(">I", _checksum(length, times, payload)) + times + payload


def _checksum(length: bytes, times: bytes, payload: bytes | memoryview) -> int:
    return zlib.crc32(payload, zlib.crc32(times, zlib.crc32(length)))


def record_size(payload_size: int) -> int:
    """Bytes a record with such a payload takes."""
    return _HEADER.size + payload_size


def read_record(buffer: bytes, at: int, offset: int) -> Record | None:
    """Read the record at `at`, whose offset is `offset`.

    Gives None if the buffer ends before the record does.

    Raises:
        ValueError: There is no record here.
    """
    if at + _HEADER.size > len(buffer):
        return None
    length, checksum, sequence_number, commit, enqueued_ms = _HEADER.unpack_from(buffer, at)
    if length > MAX_PAYLOAD:
        raise ValueError("the length is impossible")
    start = at + _HEADER.size
    end = start + length
    if end > len(buffer):
        return None
    times = buffer[at + _CHECKED_FROM : start]
    payload = buffer[start:end]
    if _checksum(buffer[at : at + 4], times, payload) != checksum:
        raise ValueError("the checksum does not match")
    stamp = Stamp(sequence_number, offset, enqueued_ms)
    return Record(stamp, payload, commit, offset + end - at)


class Segment:
    """One file of the log, as far as it is durable.

    `size` only ever covers what is on disk; bytes behind it do not count.
    """

    def __init__(self, path: Path, first_sequence_number: int, base_offset: int) -> None:
        self.path = path
        self.first_sequence_number = first_sequence_number
        self.next_sequence_number = first_sequence_number
        self.base_offset = base_offset
        self.size = 0
        self.last: Stamp | None = None
        self.index: list[Stamp] = []

    @classmethod
    def named(cls, path: Path) -> Self | None:
        """The segment a file name speaks of, or None if the file is something else."""
        match = _NAME.fullmatch(path.name)
        return cls(path, int(match[1]), int(match[2])) if match else None

    @classmethod
    def create(cls, directory: Path, first_sequence_number: int, base_offset: int) -> Self:
        """Make an empty segment whose directory entry is durable."""
        path = directory / f"{first_sequence_number:020d}-{base_offset:020d}.segment"
        # Emptied, if a failed roll left something there: nothing in it was ever acknowledged.
        path.write_bytes(b"")
        sync_directory(directory)
        return cls(path, first_sequence_number, base_offset)

    @property
    def end_offset(self) -> int:
        """The offset the next record will have."""
        return self.base_offset + self.size

    def extend(self, stamps: Iterator[Stamp] | list[Stamp], size: int) -> None:
        """Count records that became durable; `size` is the file's size with them."""
        for stamp in stamps:
            if not self.index or stamp.offset - self.index[-1].offset >= INDEX_EVERY:
                self.index.append(stamp)
            self.last = stamp
            self.next_sequence_number = stamp.sequence_number + 1
        self.size = size

    def read(self, offset: int, limit: int) -> bytes:
        """Bytes from `offset` on, at most `limit` and nothing that is not durable."""
        at = offset - self.base_offset
        with self.path.open("rb", buffering=0) as file:
            file.seek(at)
            return file.read(min(limit, self.size - at))

    def load(self, *, may_be_torn: bool) -> None:
        """Check every record and build the index; cut a torn tail off if there may be one.

        Raises:
            CorruptLogError: A record that was acknowledged cannot be read.
        """
        raw = self.path.read_bytes()
        at, reason = 0, ""
        while at < len(raw) and not reason:
            try:
                record = read_record(raw, at, self.base_offset + at)
            except ValueError as error:
                reason = str(error)
                continue
            if record is None:
                reason = "the record ends behind the end of the file"
            elif record.stamp.sequence_number != self.next_sequence_number:
                reason = f"expected number {self.next_sequence_number}, found {record.stamp.sequence_number}"
            else:
                at = record.end - self.base_offset
                self.extend([record.stamp], at)
        if reason:
            if not may_be_torn or _later_commit_follows(raw, at, self.next_sequence_number):
                raise CorruptLogError(self.path, at, reason)
            self._truncate(at, len(raw) - at, reason)

    def _truncate(self, at: int, dropped: int, reason: str) -> None:
        _LOGGER.warning("%s: cut off %d unacknowledged bytes at byte %d: %s", self.path, dropped, at, reason)
        with self.path.open("r+b") as file:
            file.truncate(at)
            os.fsync(file.fileno())


def _later_commit_follows(raw: bytes, torn_at: int, torn_number: int) -> bool:
    """Whether a record of a later commit than that of record `torn_number` follows.

    The length of the damaged record may be damaged too, so look for the numbers records
    would have: their upper bytes are known, which makes the search one of `bytes.find`.
    """
    # A disk that lost its power may leave megabytes of zeros: no header starts among them.
    limit = len(raw.rstrip(b"\0")) + _SEQUENCE_AT + 6
    for high in {torn_number >> 16, (torn_number >> 16) + 1}:
        prefix = struct.pack(">q", high << 16)[:6]
        at = raw.find(prefix, torn_at + _SEQUENCE_AT + 1, limit)
        while at >= 0:
            try:
                record = read_record(raw, at - _SEQUENCE_AT, 0)
            except ValueError:
                record = None
            if record is not None and record.commit > torn_number:
                return True
            at = raw.find(prefix, at + 1, limit)
    return False


def sync_directory(directory: Path) -> None:
    """Make the entries of a directory durable, where the system knows how to."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
