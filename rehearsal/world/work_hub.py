"""How far has a stamp's BackgroundProcessor read? The hub behind it, with its partitions.

Rules (AZURE-FACTS §1.4, §1.8): the HealthService sends a message about every ten seconds, users send
more; the processor checkpoints every ten seconds, and only what it has read. Its tests before a drain
rest on that. While its database fails it tries the same message again and reads nothing.
Nothing runs here: what has come and gone since the last look is worked out when somebody looks.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rules.queue import PartitionLook

PARTITIONS = 4
"""The reference has 32; four show the same."""

PER_SECOND_BY_HEALTH_CHECKS = 0.1
PER_SECOND_BY_USERS = 2.0
READ_PER_SECOND = 20.0
CHECKPOINT_EVERY_SECONDS = 10.0


@dataclass(slots=True)
class Partition:
    """One partition: how many messages came, how many were read, and the last checkpoint."""

    sent: float = 0.0
    read: float = 0.0
    checkpoint: int | None = None
    checkpoint_at: float = 0.0


@dataclass(slots=True)
class WorkHub:
    """The hub of one stamp.

    Attributes:
        created_at: when it was made, in seconds since the beginning; made anew, this changes.
        per_second: how many messages come now.
        reads: whether the processor reads now.
        stuck: partitions that it does not read.
        alive: whether it claims its partitions; a processor that cannot read may well do so.
    """

    created_at: float = -86_400.0
    per_second: float = PER_SECOND_BY_HEALTH_CHECKS + PER_SECOND_BY_USERS
    reads: bool = True
    alive: bool = True
    stuck: set[int] = field(default_factory=set)
    partitions: list[Partition] = field(
        default_factory=lambda: [Partition(1000.0, 1000.0, 999) for _ in range(PARTITIONS)]
    )
    _at: float = 0.0

    @classmethod
    def made_at(cls, now: float) -> "WorkHub":
        """A hub into which nothing has come yet."""
        return cls(created_at=now, partitions=[Partition() for _ in range(PARTITIONS)], _at=now)

    def settle(self, now: float) -> None:
        """Let what came and was read until now have happened."""
        passed, self._at = now - self._at, max(now, self._at)
        if passed <= 0:
            return
        for number, one in enumerate(self.partitions):
            one.sent += self.per_second * passed / len(self.partitions)
            if not self.reads or number in self.stuck:
                continue
            one.read = min(one.sent, one.read + READ_PER_SECOND * passed / len(self.partitions))
            done = int(one.read) - 1
            if now - one.checkpoint_at >= CHECKPOINT_EVERY_SECONDS and done >= 0 and done != one.checkpoint:
                one.checkpoint, one.checkpoint_at = done, now

    def remake(self, now: float) -> None:
        """Delete the hub and make it anew; the checkpoints stay where they are (F21's worst twin)."""
        self.settle(now)
        self.created_at = now
        for one in self.partitions:
            one.sent = one.read = 0.0

    def look(self, now: float, start: datetime) -> dict[str, PartitionLook]:
        """The partitions as they are seen now."""
        self.settle(now)
        owned = start + timedelta(seconds=now) if self.alive else None
        return {
            str(number): PartitionLook(
                last_enqueued=int(one.sent) - 1,
                last_enqueued_at=start + timedelta(seconds=now) if self.per_second else start,
                checkpoint=one.checkpoint,
                checkpoint_at=start + timedelta(seconds=one.checkpoint_at),
                owned_at=owned,
            )
            for number, one in enumerate(self.partitions)
        }

    @property
    def backlog(self) -> int:
        """How many messages wait."""
        return sum(int(one.sent) - int(one.read) for one in self.partitions)
