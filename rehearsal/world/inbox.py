"""How do bodies reach the worker? By an event hub: late, twice, and not always in order.

Rules (AZURE-FACTS §6.1): one partition holds what is about one workload, in the order in which it
came in; one worker reads it at a time, in batches; a batch that was not finished is delivered again,
to whoever takes the partition over. Senders retry, so a body may come in twice, and later ones may
come in before it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from rehearsal.clock import VirtualLoop, WorldClock

BATCH_MOST = 100
AGAIN_SECONDS = 5.0
DELAY_SECONDS = (0.2, 1.5)


@dataclass(frozen=True, slots=True)
class HubMessage:
    """One message of a batch, as the Functions worker hands it over.

    Attributes:
        body: the bytes.
        properties: what the sender has set beside it.
        enqueued_time: when the hub took it, by the hub's clock.
        metadata: the trigger's, shared by its batch.
    """

    body: bytes
    properties: Mapping[str, str]
    enqueued_time: datetime
    metadata: Mapping[str, Any] | None = None

    def get_body(self) -> bytes:
        """The bytes."""
        return self.body


@dataclass(slots=True)
class SignalHub:
    """The hub `signals`, of one partition.

    Attributes:
        messages: all that ever came in.
        cursor: how many of them have been read for good.
        late: how long a body takes at least and at most.
        twice: how many of a hundred bodies come twice.
        closed: whether it cannot be reached now.
    """

    loop: VirtualLoop
    clock: WorldClock
    chance: Random
    messages: list[HubMessage] = field(default_factory=list)
    cursor: int = 0
    late: tuple[float, float] = DELAY_SECONDS
    twice: float = 0.0
    closed: Callable[[], bool] = lambda: False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def send(
        self,
        body: bytes,
        properties: Mapping[str, str] | None = None,
        *,
        ago: timedelta | None = None,
    ) -> None:
        """Put a body on its way; with `ago`, one that the hub has had for so long."""
        self.send_all([body], properties, ago=ago)

    def send_all(
        self,
        batch: Sequence[bytes],
        properties: Mapping[str, str] | None = None,
        *,
        ago: timedelta | None = None,
    ) -> None:
        """Put several bodies on their way, which travel together."""
        times = 2 if self.chance.uniform(0, 100) < self.twice else 1
        for _ in range(times):
            wait = self.chance.uniform(*self.late)
            self.loop.after(wait, lambda: self._arrive(batch, properties or {}, ago))

    def _arrive(self, batch: Sequence[bytes], properties: Mapping[str, str], ago: timedelta | None) -> None:
        for body in batch:
            self.put(body, properties, ago)

    def put(self, body: bytes, properties: Mapping[str, str], ago: timedelta | None = None) -> None:
        """Take a body in now."""
        at = self.clock.now() - (ago or timedelta())
        self.messages.append(HubMessage(body, dict(properties), at))
        self._news.set()

    def replay(self, last: int | None = None) -> int:
        """Forget how far was read: everything, or the last so many, is delivered again. Returns how many."""
        kept = 0 if last is None else max(0, len(self.messages) - last)
        self.cursor = min(self.cursor, kept)
        self._news.set()
        return len(self.messages) - self.cursor

    async def batch(self) -> list[HubMessage]:
        """What comes next; waits until there is something."""
        while self.closed() or self.cursor >= len(self.messages):
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), AGAIN_SECONDS if self.closed() else None)
        chosen = self.messages[self.cursor : self.cursor + BATCH_MOST]
        shared = {"PropertiesArray": [dict(each.properties) for each in chosen]}
        return [HubMessage(each.body, each.properties, each.enqueued_time, shared) for each in chosen]

    def done(self, count: int, began_at: int) -> None:
        """Note a batch as read, unless the cursor was moved back meanwhile."""
        if self.cursor == began_at:
            self.cursor += count
