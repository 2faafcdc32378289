"""What must be remembered of a stamp's queue from one look to the next?

A stall is only seen over time, and workers come and go: whatever tells a stall
from a pause lies in this state, which is stored, and never in a process. The
state is small: what is asked of single partitions is kept for each, all else
is one number for the queue.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

PARTITIONS_MOST = 64
"""So many partitions are looked at one by one; of a larger hub, the first ones."""

GROWTH_WINDOW = timedelta(minutes=3)
"""A backlog grows if in one such window it was always above all of the window before."""

REASON_MOST = 200


@dataclass(frozen=True, slots=True)
class PartitionLook:
    """One partition as it was seen.

    Attributes:
        last_enqueued: sequence number of the newest event; -1 where there never was one.
        last_enqueued_at: when that one came, by the hub's clock.
        checkpoint: sequence number up to which the consumer group has read; None without a checkpoint.
        checkpoint_at: when the checkpoint was last written, by the storage's clock.
        owned_at: when a consumer last claimed the partition, by the storage's clock; None if nobody does.
        first: sequence number of the oldest event that is still there.
    """

    last_enqueued: int
    last_enqueued_at: datetime | None = None
    checkpoint: int | None = None
    checkpoint_at: datetime | None = None
    owned_at: datetime | None = None
    first: int = 0


@dataclass(frozen=True, slots=True)
class QueueLook:
    """One look at a stamp's hub and at the checkpoints of its consumer group.

    The checkpoints were read first and the hub after them, so that no checkpoint
    is ahead of its partition by chance.

    Attributes:
        stamp: which.
        at: when the look began.
        hub_created_at: when the hub was made, by its own account.
        partitions: by id; empty when the look failed.
        reason: why it failed; empty when it did not.
        beyond: how many partitions there are besides those that were looked at.
    """

    stamp: str
    at: datetime
    hub_created_at: datetime | None = None
    partitions: Mapping[str, PartitionLook] = field(default_factory=dict)
    reason: str = ""
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class PartitionState:
    """What is remembered of one partition.

    Attributes:
        last_enqueued: as last seen.
        checkpoint: as last seen.
        unread: how many events wait to be read.
        expired: how many events are gone and were never read.
        still_since: the first look that saw unread events and the checkpoint where it is now.
        stale: the checkpoint is ahead of the newest event: it is of another hub, and says nothing.
    """

    last_enqueued: int
    checkpoint: int | None = None
    unread: int = 0
    expired: int = 0
    still_since: datetime | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many events wait in all, over two windows of time.

    Attributes:
        since: when the present window began.
        least: the least in the present window.
        most: the most in the present window.
        before: the most in the window before; None in the first.
        growing_since: when growth was first certain; None while it is not.
    """

    since: datetime
    least: int
    most: int
    before: int | None = None
    growing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueState:
    """What is remembered of a stamp's queue.

    Attributes:
        stamp: which.
        looked_at: of the last look, good or not.
        at: of the last look that saw anything; None if there was none.
        blind: why the last look failed; empty when it did not.
        hub_created_at: as last seen.
        remade_at: the look that found the hub deleted and made anew.
        partitions: by id, as of `at`.
        beyond: how many partitions are not followed.
        stalled_since: the first look since which events wait and no checkpoint has moved at all.
        well_at: the last look that saw a checkpoint move, or everything read, on this hub.
        sent_at: when the newest event came, by the hub's clock.
        checkpoint_at: when the newest checkpoint was written, by the storage's clock.
        owned_at: when a partition was last claimed, by the storage's clock; None if all were given up.
        backlog: the unread events of all partitions, over time.
    """

    stamp: str
    looked_at: datetime
    at: datetime | None = None
    blind: str = ""
    hub_created_at: datetime | None = None
    remade_at: datetime | None = None
    partitions: Mapping[str, PartitionState] = field(default_factory=dict)
    beyond: int = 0
    stalled_since: datetime | None = None
    well_at: datetime | None = None
    sent_at: datetime | None = None
    checkpoint_at: datetime | None = None
    owned_at: datetime | None = None
    backlog: Backlog | None = None

    @property
    def unread(self) -> int:
        """The events that wait, in all partitions."""
        return sum(partition.unread for partition in self.partitions.values())

    @property
    def expired(self) -> int:
        """The events that are gone and were never read, in all partitions."""
        return sum(partition.expired for partition in self.partitions.values())


def follow(state: QueueState | None, look: QueueLook) -> QueueState:
    """The state after one more look.

    A look that failed changes nothing but that it failed. One that is not newer
    than the last changes nothing at all: it comes twice, or late.
    """
    if state is not None and look.at <= state.looked_at:
        return state
    if look.reason or not look.partitions:
        reason = (look.reason or "the hub has no partitions")[:REASON_MOST]
        return replace(state or QueueState(look.stamp, look.at), looked_at=look.at, blind=reason)
    return _after(state or QueueState(look.stamp, look.at), look)


def _after(state: QueueState, look: QueueLook) -> QueueState:
    remade = state.hub_created_at is not None and look.hub_created_at not in (None, state.hub_created_at)
    # Of a hub that was deleted and made anew, nothing that was seen of the old one counts.
    known = QueueState(look.stamp, look.at, remade_at=look.at) if remade else state
    ids = sorted(look.partitions, key=by_number)
    seen = {name: look.partitions[name] for name in ids[:PARTITIONS_MOST]}
    partitions = {name: _partition(known.partitions.get(name), one, look.at) for name, one in seen.items()}
    unread = sum(partition.unread for partition in partitions.values())
    moved = any(_moved(known.partitions.get(name), now) for name, now in partitions.items())
    return QueueState(
        stamp=state.stamp,
        looked_at=look.at,
        at=look.at,
        hub_created_at=look.hub_created_at or state.hub_created_at,
        remade_at=known.remade_at,
        partitions=partitions,
        beyond=look.beyond + len(ids) - len(seen),
        stalled_since=None if moved or not unread else known.stalled_since or look.at,
        well_at=look.at if moved or _all_read(known, partitions) else known.well_at,
        sent_at=_newest(one.last_enqueued_at for one in seen.values()),
        checkpoint_at=_newest(one.checkpoint_at for one in seen.values()),
        owned_at=_newest(one.owned_at for one in seen.values()),
        backlog=_backlog(known, unread, look.at, moved=moved),
    )


def _partition(before: PartitionState | None, seen: PartitionLook, at: datetime) -> PartitionState:
    """One partition after a look.

    A checkpoint ahead of the newest event is of another hub: to its own it cannot be ahead.
    Then nobody reads, until it is deleted or the numbers have caught up with it.
    """
    checkpoint = seen.checkpoint
    stale = checkpoint is not None and checkpoint > seen.last_enqueued
    read_to = -1 if checkpoint is None or stale else checkpoint
    unread = max(0, seen.last_enqueued - max(read_to, seen.first - 1))
    stood = before is not None and before.checkpoint == checkpoint
    since = before.still_since if before is not None and stood else None
    return PartitionState(
        last_enqueued=seen.last_enqueued,
        checkpoint=checkpoint,
        unread=unread,
        expired=max(0, seen.last_enqueued - read_to - unread),
        still_since=(since or at) if unread else None,
        stale=stale,
    )


def _moved(before: PartitionState | None, now: PartitionState) -> bool:
    """Whether a consumer has written another checkpoint since the look before. A deletion is none."""
    return before is not None and not now.stale and now.checkpoint not in (None, before.checkpoint)


def _all_read(known: QueueState, partitions: Mapping[str, PartitionState]) -> bool:
    """Whether everything was read on this hub, by checkpoints that are certainly its own."""
    certain = known.remade_at is None or known.well_at is not None
    return certain and not any(one.unread or one.expired or one.stale for one in partitions.values())


def _backlog(state: QueueState, unread: int, at: datetime, *, moved: bool) -> Backlog:
    """The windows after one more look; they begin anew when a stall ends, for it had made them grow."""
    old, fresh = state.backlog, Backlog(at, unread, unread)
    stalled = state.stalled_since
    if old is None or (moved and stalled is not None and at - stalled >= GROWTH_WINDOW):
        return fresh
    if at - old.since >= GROWTH_WINDOW:
        grew = old.before is not None and old.least > old.before
        return replace(fresh, before=old.most, growing_since=(old.growing_since or at) if grew else None)
    shrank = old.before is not None and unread <= old.before
    return replace(
        old,
        least=min(old.least, unread),
        most=max(old.most, unread),
        growing_since=None if shrank else old.growing_since,
    )


def marks(state: QueueState) -> dict[str, int]:
    """How far each partition is filled now: what must have been read before a rejoin."""
    return {name: one.last_enqueued for name, one in state.partitions.items() if one.last_enqueued >= 0}


def not_passed(state: QueueState, wanted: Mapping[str, int]) -> list[str]:
    """The partitions whose checkpoint has not reached its mark.

    A partition that is gone has not, nor one whose checkpoint is of another hub.
    """
    return [name for name in sorted(wanted, key=by_number) if not _reached(state, name, wanted[name])]


def _reached(state: QueueState, name: str, mark: int) -> bool:
    one = state.partitions.get(name)
    return one is not None and not one.stale and one.checkpoint is not None and one.checkpoint >= mark


def by_number(name: str) -> tuple[int, str]:
    """The order of partitions: `2` before `10`."""
    return (len(name), name)


def _newest(times: Iterable[datetime | None]) -> datetime | None:
    return max((time for time in times if time is not None), default=None)
