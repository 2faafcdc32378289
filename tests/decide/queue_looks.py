"""What does a test of the consumer lag mean when it does not say?

Partitions are written as `(newest event, checkpoint)`, in the order of their
ids; times are seconds after NOW.
"""

from dataclasses import replace
from datetime import datetime

from remediation.decide.lag import (
    Lag,
    LagVerdict,
    PartitionLook,
    QueueLook,
    QueueState,
    follow,
    judge,
)
from rules.policy import Policy
from rules.signals import Health
from tests.builders import NOW, at

MADE = at(-86400)
EVERY = 30
"""Seconds between two looks."""

Pair = tuple[int, int | None]


def a_partition(
    last_enqueued: int = 100,
    checkpoint: int | None = 100,
    *,
    sent_at: datetime | None = NOW,
    first: int = 0,
) -> PartitionLook:
    """A partition whose newest event came just now, claimed and read a while ago."""
    wrote = at(-20) if checkpoint is not None else None
    return PartitionLook(last_enqueued, sent_at, checkpoint, wrote, at(-10), first)


def a_queue_look(
    seconds: float, *pairs: Pair, made: datetime | None = MADE, sent_at: datetime | None = None
) -> QueueLook:
    """A look at partitions `0`, `1`, …; their newest events came with the look if nothing else is said."""
    partitions = {
        str(number): a_partition(last, checkpoint, sent_at=sent_at or at(seconds))
        for number, (last, checkpoint) in enumerate(pairs)
    }
    return QueueLook("weu", at(seconds), made, partitions)


def blind(seconds: float, reason: str = "event hub orders unreachable") -> QueueLook:
    """A look that failed."""
    return QueueLook("weu", at(seconds), reason=reason)


class Watch:
    """A queue watched over time: what the record would remember, and what is said of it."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.state: QueueState | None = None
        self.policy = policy or Policy()

    def see(
        self,
        seconds: float,
        *pairs: Pair,
        made: datetime | None = MADE,
        sent_at: datetime | None = None,
        database_red: bool = False,
    ) -> LagVerdict:
        """Look once, and judge at that moment."""
        return self.take(a_queue_look(seconds, *pairs, made=made, sent_at=sent_at), database_red=database_red)

    def take(self, look: QueueLook, *, database_red: bool = False) -> LagVerdict:
        """Take in a look, and judge at its moment."""
        self.state = follow(self.state, look)
        return judge(self.state, look.at, self.policy, database_red=database_red)

    def stand(
        self, start: float, end: float, *pairs: Pair, made: datetime | None = MADE, database_red: bool = False
    ) -> LagVerdict:
        """See the same again and again, up to and with `end`."""
        verdict = self.see(start, *pairs, made=made, database_red=database_red)
        for seconds in range(int(start) + EVERY, int(end) + 1, EVERY):
            verdict = self.see(seconds, *pairs, made=made, database_red=database_red)
        return verdict

    @property
    def remembered(self) -> QueueState:
        """The state, once there is one."""
        assert self.state is not None
        return self.state


def said(verdict: LagVerdict) -> tuple[Lag, Health]:
    """The verdict without its words."""
    return verdict.kind, verdict.health


def with_partition(look: QueueLook, name: str, partition: PartitionLook) -> QueueLook:
    """The look with one more partition, or another one of that name."""
    return replace(look, partitions={**look.partitions, name: partition})
