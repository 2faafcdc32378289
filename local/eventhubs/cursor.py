"""How does a reader walk through a partition's log?

A cursor is an offset and a small buffer, so many readers at different places cost little
memory, and a reader that retention has overtaken goes on at the oldest event there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.eventhubs.segment import MAX_PAYLOAD, CorruptLogError, Record, read_record, record_size

if TYPE_CHECKING:
    from local.eventhubs.log import PartitionLog
    from local.eventhubs.position import Position

READ_AHEAD: Final = 64 * 1024
"""Bytes a cursor reads at once, and about what it holds in memory."""


class Cursor:
    """A place in a partition's log, before the event it will give next."""

    def __init__(self, log: PartitionLog, offset: int) -> None:
        self._log = log
        self._offset = offset
        self._buffer = b""
        self._buffer_offset = offset

    def take(self) -> Record | None:
        """Give the next durable event and step behind it; None if there is none yet.

        Raises:
            CorruptLogError: The file was damaged since it was opened.
        """
        record = self._look()
        if record is not None:
            self._offset = record.end
        return record

    def skip_until(self, position: Position) -> None:
        """Step over events that `position` does not let through."""
        while (record := self._look()) is not None and not position.admits(record.stamp):
            self._offset = record.end

    def _look(self) -> Record | None:
        segment = self._log.segment_at(self._offset)
        self._offset = max(self._offset, segment.base_offset)
        if self._offset >= segment.end_offset:
            return None
        try:
            record = self._buffered()
            # A record larger than the buffer shows itself by not being complete after a read.
            for limit in (READ_AHEAD, record_size(MAX_PAYLOAD)):
                if record is not None:
                    return record
                self._buffer = segment.read(self._offset, limit)
                self._buffer_offset = self._offset
                record = self._buffered()
        except ValueError as error:
            raise CorruptLogError(segment.path, self._offset - segment.base_offset, str(error)) from error
        if record is None:
            raise CorruptLogError(segment.path, self._offset - segment.base_offset, "the record is cut short")
        return record

    def _buffered(self) -> Record | None:
        return read_record(self._buffer, self._offset - self._buffer_offset, self._offset)
