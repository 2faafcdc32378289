"""How do tests use the SDK's clients without waiting for each to open and to close?

The SDK sleeps 50 ms after every frame while it connects, and a second while it closes. So
`Clients` keeps producers for as long as the module runs, closes consumers in the background
while other tests go on, and waits for all of them at the end.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from azure.eventhub.aio import PartitionContext
    from azure.eventhub.amqp import AmqpAnnotatedMessage


async def until(condition: Callable[[], bool], within: float = 15.0) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It did not come true in time (seconds).
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not happen")
        await asyncio.sleep(0.01)


class Place(NamedTuple):
    """Where tests send to and read from: a hub, or one of its partitions."""

    connection: str
    partition: str | None = None


class Listening:
    """A consumer at work, and what it got and what went wrong."""

    def __init__(self) -> None:
        self.events: list[EventData] = []
        self.partitions: list[str] = []
        self.errors: list[str] = []

    async def on_event(self, context: PartitionContext, event: EventData | None) -> None:
        """Keep an event."""
        if event is not None:
            self.events.append(event)
            self.partitions.append(context.partition_id)

    async def on_error(self, _context: PartitionContext | None, error: Exception) -> None:
        """Keep an error."""
        self.errors.append(f"{type(error).__name__}: {error}")

    @property
    def bodies(self) -> list[str]:
        """The bodies of the events, in the order in which they came."""
        return [event.body_as_str() for event in self.events]

    @property
    def numbers(self) -> list[int | None]:
        """The sequence numbers of the events, in the order in which they came."""
        return [event.sequence_number for event in self.events]


class Clients:
    """Makes clients and disposes of them."""

    def __init__(self) -> None:
        self._closing: set[asyncio.Task[Any]] = set()
        self._producers: dict[str, EventHubProducerClient] = {}

    def _later(self, work: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
        self._closing.add(asyncio.ensure_future(work))

    async def close(self) -> None:
        """Wait until all clients are closed."""
        for producer in self._producers.values():
            self._later(producer.close())
        # A client whose broker is gone takes up to 30 s to notice; nobody has to wait for that.
        if not self._closing:
            return
        _, late = await asyncio.wait(self._closing, timeout=2)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def producer(self, connection: str, **options: Any) -> EventHubProducerClient:
        """A producer; the same one for the same question."""
        key = f"{connection} {options}"
        if key not in self._producers:
            self._producers[key] = EventHubProducerClient.from_connection_string(connection, **options)
        return self._producers[key]

    async def send(self, place: Place, *bodies: str) -> None:
        """Send events in one batch."""
        events: list[EventData | AmqpAnnotatedMessage] = [EventData(body) for body in bodies]
        await self.producer(place.connection).send_batch(events, partition_id=place.partition)

    @asynccontextmanager
    async def listening(
        self, place: Place, *, group: str = "$Default", client: dict[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[Listening]:
        """A consumer that listens, by default to everything from the start."""
        consumer = EventHubConsumerClient.from_connection_string(place.connection, group, **(client or {}))
        listening = Listening()
        options = {"starting_position": "-1", "partition_id": place.partition, **options}
        task = asyncio.create_task(
            consumer.receive(listening.on_event, on_error=listening.on_error, **options)
        )
        try:
            yield listening
        finally:
            self._later(consumer.close())
            self._later(task)

    async def receive(self, place: Place, count: int, **options: Any) -> Listening:
        """Listen until `count` events came, or an error."""
        async with self.listening(place, **options) as listening:
            await until(lambda: len(listening.events) >= count or bool(listening.errors))
            return listening
