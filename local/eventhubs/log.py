"""How does a partition keep its events so that an acknowledged one is never lost?

`PartitionLog` appends events to segment files (see `segment`) with a group commit: while one
group is written and fsynced in a worker thread, whatever else arrives forms the next group,
so many senders share one fsync and the event loop waits for none. An append is done when its
group is on disk; only then do readers see it. When the disk refuses, the whole group fails,
the file is cut back to what was durable, and no number has been used.

Only the index (one entry per 32 KiB) is in memory; events are read from the files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from local.eventhubs.cursor import Cursor
from local.eventhubs.position import Kind, Position
from local.eventhubs.segment import CorruptLogError, Segment, Stamp, encode_record, sync_directory

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

MAX_COMMIT_BYTES: Final = 4 * 1024 * 1024
"""Bytes after which a group is closed, so that a commit and its torn tail stay small."""

Clock = Callable[[], int]
"""Gives the time in milliseconds since 1970."""


def wall_clock() -> int:
    """The time of day in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Draft(NamedTuple):
    """An event without its stamp: about how large it is, and how to write it with one."""

    size: int
    stamped: Callable[[Stamp], bytes]


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of a partition is kept; the oldest segments go first, the newest always stays.

    Age is looked at when something is appended and when the log is opened: a partition that
    is written no more keeps its last segments.
    """

    size: int = 128 * 1024 * 1024
    age: timedelta = timedelta(days=7)
    segment_size: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Storage:
    """What all logs of a broker share: the threads that write, how much is kept, the clock."""

    executor: Executor
    retention: Retention = Retention()
    clock: Clock = wall_clock


class _Append(NamedTuple):
    drafts: Sequence[Draft]
    size: int
    done: asyncio.Future[None]


class _Committed(NamedTuple):
    segment: Segment
    stamps: list[Stamp]
    size: int


class PartitionLog:
    """The durable log of one partition. Open it with `open_log`; use it on one event loop."""

    def __init__(self, directory: Path, segments: list[Segment], storage: Storage) -> None:
        self._directory = directory
        self._segments = segments
        self._executor = storage.executor
        self._retention = storage.retention
        self._clock = storage.clock
        self._pending: deque[_Append] = deque()
        self._committer: asyncio.Task[None] | None = None
        self._tail_is_dirty = False
        self._last_ms = max((s.last.enqueued_ms for s in segments if s.last), default=0)
        self.on_durable: Callable[[], None] = lambda: None

    # --- what is in it ---

    @property
    def first_sequence_number(self) -> int:
        """The number of the oldest event that is still kept, or of the next if there is none."""
        return self._segments[0].first_sequence_number

    @property
    def next_sequence_number(self) -> int:
        """The number the next event will have, as far as the log is durable."""
        return self._segments[-1].next_sequence_number

    @property
    def end_offset(self) -> int:
        """The offset the next event will have, as far as the log is durable."""
        return self._segments[-1].end_offset

    @property
    def last(self) -> Stamp | None:
        """The newest event that is kept."""
        return next((segment.last for segment in reversed(self._segments) if segment.last), None)

    def seek(self, position: Position) -> Cursor:
        """Give a cursor before the first event that `position` lets through."""
        if position.kind is Kind.LATEST:
            return Cursor(self, self.end_offset)
        within = self._segments[0]
        for segment in self._segments:
            if segment.index and not position.admits(segment.index[0]):
                within = segment
        jump = bisect_left(within.index, True, key=position.admits) - 1  # noqa: FBT003 - what the key gives
        start = within.index[jump].offset if jump >= 0 else within.base_offset
        cursor = Cursor(self, start)
        cursor.skip_until(position)
        return cursor

    def segment_at(self, offset: int) -> Segment:
        """The segment that holds `offset`, or the oldest if that one is gone."""
        at = bisect_right(self._segments, offset, key=lambda segment: segment.base_offset) - 1
        return self._segments[max(at, 0)]

    # --- appending ---

    def append(self, drafts: Sequence[Draft]) -> asyncio.Future[None]:
        """Append events, next to each other, and give what is done when they are on disk.

        Nothing is kept of events whose future fails with OSError.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._pending.append(_Append(drafts, sum(draft.size for draft in drafts), done))
        if self._committer is None or self._committer.done():
            self._committer = loop.create_task(self._commit_pending())
        return done

    async def close(self) -> None:
        """Wait until everything that was appended is on disk or has failed."""
        while self._committer is not None and not self._committer.done():
            await asyncio.wait([self._committer])

    async def _commit_pending(self) -> None:
        loop = asyncio.get_running_loop()
        while self._pending:
            group = self._next_group()
            # Whatever goes wrong is told to those who wait for this group; the next one is tried anew.
            (outcome,) = await asyncio.gather(
                loop.run_in_executor(self._executor, self._commit, group), return_exceptions=True
            )
            if isinstance(outcome, BaseException):
                for append in group:
                    if not append.done.done():
                        append.done.set_exception(outcome)
                continue
            self._publish(outcome)
            for append in group:
                if not append.done.done():
                    append.done.set_result(None)
            self.on_durable()

    def _next_group(self) -> list[_Append]:
        group = [self._pending.popleft()]
        size = group[0].size
        while self._pending and size + self._pending[0].size <= MAX_COMMIT_BYTES:
            group.append(self._pending.popleft())
            size += group[-1].size
        return group

    def _commit(self, group: Sequence[_Append]) -> _Committed:
        """Write a group and make it durable. Runs in a worker thread, one group at a time."""
        segment = self._segments[-1]
        if self._tail_is_dirty:
            self._cut_back(segment)
        if segment.size >= self._retention.segment_size or self._is_old(segment):
            segment = Segment.create(self._directory, segment.next_sequence_number, segment.end_offset)
        stamps, block = self._stamped(segment, group)
        try:
            with segment.path.open("r+b", buffering=0) as file:
                file.seek(segment.size)
                written = 0
                while written < len(block):
                    written += file.write(block[written:]) or 0
                os.fsync(file.fileno())
        except OSError:
            # What a failed write or fsync left behind must never be taken for an event.
            self._tail_is_dirty = True
            with contextlib.suppress(OSError):
                self._cut_back(segment)
            raise
        return _Committed(segment, stamps, segment.size + len(block))

    def _stamped(self, segment: Segment, group: Sequence[_Append]) -> tuple[list[Stamp], memoryview]:
        """Number the events of a group and write them into one block."""
        now = max(self._clock(), self._last_ms)
        first = number = segment.next_sequence_number
        block, stamps = bytearray(), []
        for append in group:
            for draft in append.drafts:
                stamp = Stamp(number, segment.end_offset + len(block), now)
                block += encode_record(stamp, first, draft.stamped(stamp))
                stamps.append(stamp)
                number += 1
        return stamps, memoryview(block)

    def _cut_back(self, segment: Segment) -> None:
        with segment.path.open("r+b") as file:
            file.truncate(segment.size)
            os.fsync(file.fileno())
        self._tail_is_dirty = False

    def _is_old(self, segment: Segment) -> bool:
        """Whether a segment holds something, and all of it is past its age."""
        limit = self._clock() - self._retention.age // timedelta(milliseconds=1)
        return segment.last is not None and segment.last.enqueued_ms < limit

    def _publish(self, committed: _Committed) -> None:
        if committed.segment is not self._segments[-1]:
            self._segments.append(committed.segment)
        committed.segment.extend(committed.stamps, committed.size)
        if committed.stamps:
            self._last_ms = committed.stamps[-1].enqueued_ms
        self.enforce_retention()

    def enforce_retention(self) -> None:
        """Delete the oldest segments that are past size or age; never the one that is written."""
        kept = sum(segment.size for segment in self._segments)
        while len(self._segments) > 1 and (
            kept - self._segments[0].size >= self._retention.size or self._is_old(self._segments[0])
        ):
            oldest = self._segments.pop(0)
            kept -= oldest.size
            oldest.path.unlink(missing_ok=True)


def open_log(directory: Path, storage: Storage) -> PartitionLog:
    """Open the log in `directory`, checking every record; make it if there is none. Blocks.

    Raises:
        CorruptLogError: Acknowledged events cannot be read.
    """
    directory.mkdir(parents=True, exist_ok=True)
    found = [segment for path in directory.iterdir() if (segment := Segment.named(path))]
    segments = sorted(found, key=lambda segment: segment.first_sequence_number)
    for segment in segments:
        segment.load(may_be_torn=segment is segments[-1])
    for segment, following in pairwise(segments):
        if (
            following.first_sequence_number != segment.next_sequence_number
            or following.base_offset != segment.end_offset
        ):
            raise CorruptLogError(segment.path, segment.size, f"{following.path.name} does not follow it")
    if not segments:
        segments = [Segment.create(directory, 0, 0)]
        sync_directory(directory.parent)
    log = PartitionLog(directory, segments, storage)
    log.enforce_retention()
    return log
