"""Which partition does an event go to, and who may read a partition?

A hub is a fixed number of partitions, each with its durable log and the readers attached to
it now. Here lie the rules of Event Hubs about keys (one key, one partition) and about epochs
(who reads alone).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from local.eventhubs.errors import AmqpError, Condition
from local.eventhubs.log import Draft, open_log
from local.eventhubs.position import Kind
from local.eventhubs.segment import sync_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.eventhubs.cursor import Cursor
    from local.eventhubs.log import PartitionLog, Storage
    from local.eventhubs.message import Event, Publication
    from local.eventhubs.position import Position

MAX_READERS: Final = 5
"""Readers without an epoch that may read a partition at once in one consumer group."""

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?")


class Reader(Protocol):
    """Who reads a partition, as far as the partition has to know."""

    consumer_group: str
    epoch: int | None

    def pump(self) -> None:
        """Send what is there and may be sent."""

    def displace(self, description: str) -> None:
        """Give way to a reader that has the better right."""


class Partition:
    """One partition: its log, and its readers."""

    def __init__(self, log: PartitionLog) -> None:
        self.log = log
        self._readers: list[Reader] = []
        log.on_durable = self._wake

    def _wake(self) -> None:
        for reader in tuple(self._readers):
            reader.pump()

    def admit(self, reader: Reader) -> None:
        """Let a reader in, and those out that its epoch displaces.

        Raises:
            AmqpError: Another one's epoch is higher, or there are too many without.
        """
        rivals = [other for other in self._readers if other.consumer_group == reader.consumer_group]
        highest = max((other.epoch for other in rivals if other.epoch is not None), default=None)
        if highest is not None and (reader.epoch is None or reader.epoch < highest):
            raise AmqpError(
                Condition.STOLEN, f"epoch {reader.epoch} may not read: a reader with epoch {highest} does"
            )
        if reader.epoch is None:
            if len(rivals) >= MAX_READERS:
                raise AmqpError(
                    Condition.RESOURCE_LIMIT, f"{MAX_READERS} readers of this consumer group read already"
                )
        else:
            # An equal epoch wins too: it is how the SDK's load balancing takes a partition over.
            for other in rivals:
                other.displace(f"a reader with epoch {reader.epoch} took over from epoch {other.epoch}")
        self._readers.append(reader)

    def dismiss(self, reader: Reader) -> None:
        """Forget a reader; one that is forgotten already does not matter."""
        if reader in self._readers:
            self._readers.remove(reader)

    def turn_away(self, description: str) -> None:
        """Send all readers away."""
        for reader in tuple(self._readers):
            reader.displace(description)

    def cursor(self, position: Position) -> Cursor:
        """Give a cursor at `position`.

        Raises:
            AmqpError: The log was never that long: it is another log than the reader thinks,
                and to start anywhere would silently leave events out.
        """
        log = self.log
        ends = {Kind.OFFSET: log.end_offset, Kind.SEQUENCE_NUMBER: log.next_sequence_number}
        end = ends.get(position.kind)
        if end is not None and position.value >= max(end, 1) + position.inclusive:
            raise AmqpError(
                Condition.ARGUMENT,
                f"there never was {position.kind} {position.value}: this partition ends before {end}",
            )
        return log.seek(position)


@dataclass
class Hub:
    """One event hub."""

    name: str
    partitions: list[Partition]
    created_ms: int
    _turn: int = field(default=0)

    def publish(self, publication: Publication, partition: int | None) -> asyncio.Future[None]:
        """Append what was published and give what is done when it is on disk.

        It goes to `partition`, else to the one of its key, else to the next in turn.
        """
        if partition is None:
            partition = self._choose(publication.partition_key)
        drafts = [Draft(_size(event), event.stamped) for event in publication.events]
        return self.partitions[partition].log.append(drafts)

    def _choose(self, key: str | None) -> int:
        if key is not None:
            return zlib.crc32(key.encode()) % len(self.partitions)
        self._turn = (self._turn + 1) % len(self.partitions)
        return self._turn

    def become(self, other: Hub) -> list[Partition]:
        """Be another hub of the same name from now on; gives the partitions that are no more."""
        gone, self.partitions, self.created_ms = self.partitions, other.partitions, other.created_ms
        return gone

    async def close(self) -> None:
        """Wait until everything that was published is on disk."""
        await asyncio.gather(*(partition.log.close() for partition in self.partitions))


def _size(event: Event) -> int:
    # The last term is room for the broker's annotations and for the record around it.
    return len(event.head) + len(event.tail) + sum(len(k) + len(v) for k, v in event.annotations) + 512


def open_hub(directory: Path, name: str, partitions: int, storage: Storage) -> Hub:
    """Open a hub whose partitions lie under `directory`; make what is not there. Blocks.

    Raises:
        ValueError: The name or number of partitions is impossible, or the hub had more
            partitions before, whose events nobody would read any more.
        CorruptLogError: Acknowledged events cannot be read.
    """
    if not _NAME.fullmatch(name) or partitions < 1:
        raise ValueError(f"{name!r} with {partitions} partitions is no event hub")
    directory.mkdir(parents=True, exist_ok=True)
    created_ms = _remember(directory / "hub.json", name, partitions, storage.clock)
    logs = (open_log(directory / str(at), storage) for at in range(partitions))
    return Hub(name, [Partition(log) for log in logs], created_ms)


def _remember(path: Path, name: str, partitions: int, clock: Callable[[], int]) -> int:
    """Keep when the hub was made and how many partitions it has; give the first."""
    known = json.loads(path.read_text()) if path.exists() else {"created_ms": clock(), "partitions": 0}
    if known["partitions"] > partitions:
        raise ValueError(f"the hub {name!r} has {known['partitions']} partitions, not {partitions}")
    if known["partitions"] < partitions:
        fresh = path.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump({**known, "partitions": partitions}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_directory(path.parent)
    return int(known["created_ms"])
