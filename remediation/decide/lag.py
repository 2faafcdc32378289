"""Can a stamp's BackgroundProcessor read from its hub?

Failure F21: it cannot, and HealthService and the root of the health model stay
green, for both look at sending alone. What tells is whether checkpoints move
while events wait. `rules.queue` remembers that from look to look.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rules.conditions import words
from rules.policy import Policy
from rules.queue import (
    PARTITIONS_MOST,
    PartitionLook,
    PartitionState,
    QueueLook,
    QueueState,
    follow,
    marks,
    not_passed,
)
from rules.signals import Health

__all__ = [
    "DATABASE_RETRIES",
    "PARTITIONS_MOST",
    "Lag",
    "LagVerdict",
    "PartitionLook",
    "PartitionState",
    "QueueLook",
    "QueueState",
    "follow",
    "judge",
    "marks",
    "not_passed",
]

DATABASE_RETRIES = timedelta(seconds=275)
"""How long the reference's processor tries one message again while the database fails: 5 + 10 + … + 50 s."""

NAMED_MOST = 8


class Lag(StrEnum):
    """What the queue shows, each told apart from the others."""

    READING = "reading"  # checkpoints move, or everything is read
    SLOW = "slow"  # checkpoints move, and the backlog grows all the same
    ONE_STUCK = "one stuck"  # some partitions stand while others move
    STALLED = "stalled"  # events wait, and no partition moves
    WAITING = "waiting"  # stands because the database fails: it tries again by itself
    IDLE = "idle"  # nothing comes: nobody sends
    NEW_GROUP = "new group"  # the consumer group has no checkpoint at all
    HUB_RECREATED = "hub recreated"  # the checkpoints are of an older hub of that name
    TOO_SOON = "too soon to tell"  # events wait, and it was not seen for long enough
    BLIND = "blind"  # we cannot look


@dataclass(frozen=True, slots=True)
class LagVerdict:
    """What a queue's state means for the health of its processor."""

    kind: Lag
    health: Health
    reason: str


def judge(state: QueueState, now: datetime, policy: Policy, *, database_red: bool) -> LagVerdict:
    """What the state means at this moment.

    Durations of standing still end at the last look that saw something: what
    came after it is not known. Whether the database is red is for the caller to
    say; while it is, a stall is red only after the processor's own retries and
    `cannot_read_after` on top of them.
    """
    if (blind := _blind(state, now, policy)) is not None:
        return blind
    limit = policy.cannot_read_after + (DATABASE_RETRIES if database_red else timedelta())
    has_stalled = state.stalled_since is not None and _stood(state, state.stalled_since) >= limit
    if (unproven := _never_read(state, now, has_stalled=has_stalled)) is not None:
        return unproven
    if not state.unread:
        return _nothing_unread(state, now, policy)
    if has_stalled:
        return LagVerdict(Lag.STALLED, Health.RED, _stall_words(state, now))
    if database_red and state.stalled_since is not None:
        return _waiting(state, now, limit)
    return _moving(state, policy)


def _blind(state: QueueState, now: datetime, policy: Policy) -> LagVerdict | None:
    """Nothing is known if the last look failed, or is long ago."""
    if state.blind or state.at is None:
        last = f"; last seen {words(now - state.at)} ago" if state.at else ""
        return LagVerdict(Lag.BLIND, Health.UNKNOWN, f"cannot look: {state.blind}{last}")
    if now - state.at > policy.fresh_for:
        return LagVerdict(Lag.BLIND, Health.UNKNOWN, f"nobody has looked for {words(now - state.at)}")
    return None


def _never_read(state: QueueState, now: datetime, *, has_stalled: bool) -> LagVerdict | None:
    """Nothing is proven yet where no checkpoint was ever written on this hub."""
    checkpoints = [one for one in state.partitions.values() if one.checkpoint is not None]
    if not checkpoints:
        return _new_group(state, now, has_stalled=has_stalled)
    remade = state.remade_at is not None or any(one.stale for one in checkpoints)
    if remade and state.well_at is None:
        return _older_hub(state, has_stalled=has_stalled)
    return None


def _older_hub(state: QueueState, *, has_stalled: bool) -> LagVerdict:
    since = f" since {_clock(state.stalled_since)}" if state.stalled_since else ""
    reason = (
        f"checkpoints are of an older hub of that name: {_events(state.unread)} unread in"
        f" {_count(state)}, no checkpoint written{since}"
    )
    if has_stalled:
        return LagVerdict(Lag.HUB_RECREATED, Health.RED, f"{reason}; delete them, or nothing is read")
    return LagVerdict(Lag.HUB_RECREATED, Health.UNKNOWN, reason)


def _new_group(state: QueueState, now: datetime, *, has_stalled: bool) -> LagVerdict:
    if not state.unread:
        return LagVerdict(Lag.NEW_GROUP, Health.UNKNOWN, "no checkpoint yet, and nothing to read")
    if has_stalled:
        return LagVerdict(Lag.NEW_GROUP, Health.RED, f"has never read: {_stall_words(state, now)}")
    reason = f"no checkpoint yet, {_events(state.unread)} unread since {_clock(state.stalled_since)}"
    return LagVerdict(Lag.NEW_GROUP, Health.UNKNOWN, reason)


def _nothing_unread(state: QueueState, now: datetime, policy: Policy) -> LagVerdict:
    """Idle is green only by proof: every checkpoint is at its newest event."""
    quiet = now - state.sent_at if state.sent_at else timedelta.max
    idle = f"nothing was sent for {words(quiet)}" if state.sent_at else "the hub is empty"
    if state.expired:
        reason = f"{_events(state.expired)} expired before they were read; nothing is left to read"
        return LagVerdict(Lag.IDLE, Health.UNKNOWN, reason)
    if quiet >= policy.cannot_read_after:
        return LagVerdict(Lag.IDLE, Health.GREEN, f"idle: {idle}; everything is read")
    return LagVerdict(Lag.READING, Health.GREEN, f"everything is read in {_count(state)}")


def _waiting(state: QueueState, now: datetime, limit: timedelta) -> LagVerdict:
    since = state.stalled_since or now
    phase = "it tries again by itself" if _stood(state, since) < DATABASE_RETRIES else "its retries are over"
    reason = (
        f"the database is red and {phase}: no checkpoint moved since {_clock(since)},"
        f" {_events(state.unread)} unread; red from {_clock(since + limit)} on"
    )
    return LagVerdict(Lag.WAITING, Health.YELLOW, reason)


def _moving(state: QueueState, policy: Policy) -> LagVerdict:
    """Events wait, and it is not a stall, or not yet."""
    limit = policy.cannot_read_after
    stuck = [
        name
        for name, one in state.partitions.items()
        if one.still_since is not None and _stood(state, one.still_since) >= limit
    ]
    if stuck:
        return LagVerdict(Lag.ONE_STUCK, Health.YELLOW, _stuck_words(state, stuck))
    if not _was_well(state, limit):
        reason = f"too soon to tell: {_events(state.unread)} unread, first seen {_clock(state.stalled_since)}"
        return LagVerdict(Lag.TOO_SOON, Health.UNKNOWN, reason)
    backlog = state.backlog
    if backlog is not None and backlog.growing_since is not None:
        reason = (
            f"reads slower than is sent: {_events(state.unread)} unread,"
            f" growing since {_clock(backlog.growing_since)}"
        )
        return LagVerdict(Lag.SLOW, Health.YELLOW, reason)
    paused = f", no checkpoint moved since {_clock(state.stalled_since)}" if state.stalled_since else ""
    return LagVerdict(Lag.READING, Health.GREEN, f"reads: {_events(state.unread)} unread{paused}")


def _was_well(state: QueueState, limit: timedelta) -> bool:
    """Whether it was seen to read not long before it paused: a look after an hour's gap knows nothing."""
    end = state.stalled_since or state.at
    return state.well_at is not None and end is not None and end - state.well_at <= limit


def _stood(state: QueueState, since: datetime) -> timedelta:
    """How long it is known to have stood still."""
    return (state.at or since) - since


def _stall_words(state: QueueState, now: datetime) -> str:
    waiting = [name for name, one in state.partitions.items() if one.unread]
    since = state.stalled_since or now
    checkpoint = f"{words(now - state.checkpoint_at)} old" if state.checkpoint_at else "none"
    claimed = f"last claimed {words(now - state.owned_at)} ago" if state.owned_at else "claimed by nobody"
    return (
        f"no checkpoint moved for {words(_stood(state, since))} (since {_clock(since)}):"
        f" {_events(state.unread)} unread in {len(waiting)} of {_count(state)};"
        f" newest checkpoint: {checkpoint}; partitions {claimed}"
    )


def _stuck_words(state: QueueState, stuck: list[str]) -> str:
    parts = [state.partitions[name] for name in stuck]
    since = min(one.still_since for one in parts if one.still_since is not None)
    plural = "partition" if len(stuck) == 1 else "partitions"
    stale = [name for name in stuck if state.partitions[name].stale]
    advice = f"; checkpoints of an older hub: {_names(stale)}" if stale else ""
    return (
        f"{plural} {_names(stuck)} of {_count(state)} not read since {_clock(since)} while others are:"
        f" {_events(sum(one.unread for one in parts))} unread{advice}"
    )


def _names(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - NAMED_MOST} more" if len(known) > NAMED_MOST else ""
    return ", ".join(known[:NAMED_MOST]) + more


def _count(state: QueueState) -> str:
    count = len(state.partitions)
    beyond = f" (and {state.beyond} not looked at)" if state.beyond else ""
    return f"{count} partition{'' if count == 1 else 's'}{beyond}"


def _events(count: int) -> str:
    return f"{count} event{'' if count == 1 else 's'}"


def _clock(time: datetime | None) -> str:
    """The time of day, to the second: reasons are read beside a log."""
    return f"{time:%H:%M:%S}Z" if time is not None else "now"
