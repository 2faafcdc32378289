"""What does a test of the consumer-lag probe look at? A real broker, a real container, a real processor.

The processor is the SDK's own consumer with its own checkpoint store, so that
the probe reads what Azure's SDK writes, and not what we believe it writes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from azure.core.credentials_async import AsyncTokenCredential
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.identity import CredentialUnavailableError
from azure.storage.blob.aio import ContainerClient

from remediation.probes.consumer_lag import ConsumerLag
from rules.topology import BlobContainer, EventHub, SecretRef, Stamp
from tests.builders import NOW, a_stamp
from tests.local.sdk import Clients, Place, until

GROUP = "backendworker-cs"
HUB, STORAGE = SecretRef("SHOP_HUB"), SecretRef("SHOP_CHECKPOINTS")


@dataclass
class SetClock:
    """A clock that goes when the test says so."""

    moment: datetime = NOW

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


class NoToken(AsyncTokenCredential):
    """A managed identity that is not there."""

    async def get_token(self, *_: object, **__: object) -> object:  # type: ignore[override]
        """Give none, as the SDK's own credentials do."""
        raise CredentialUnavailableError("no identity here")

    async def close(self) -> None:
        """There is nothing to close."""

    async def __aexit__(self, *_: object) -> None:
        """There is nothing to close."""


@dataclass
class LagStage:
    """One stamp's queue, and what looks at it.

    Attributes:
        connection: of the broker.
        hub: of the stamp.
        storage: connection string of the checkpoints' storage.
        container: in which they lie.
        clients: the SDK's.
        secrets: what stands behind the references.
        clock: of the looks.
    """

    connection: str
    hub: str
    storage: str
    container: str
    clients: Clients
    secrets: dict[str, str] = field(default_factory=dict)
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        self.secrets |= {HUB.name: self.connection, STORAGE.name: self.storage}

    @property
    def namespace(self) -> str:
        """Host and port of the broker, as clients name it."""
        return self.connection.split("//")[1].split(";")[0]

    @property
    def stamp(self) -> Stamp:
        """As the workload file describes it."""
        checkpoints = BlobContainer(self.container, connection=STORAGE)
        return a_stamp(event_hub=EventHub(self.hub, GROUP, checkpoints, connection=HUB))

    def probe(self, timeout_seconds: float = 10.0) -> ConsumerLag:
        """The probe. Its own time-out is shorter; a machine under tests is slow."""
        return ConsumerLag(
            lambda ref: self.secrets.get(ref.name), NoToken, self.clock, timeout_seconds=timeout_seconds
        )

    async def send(self, partition: str, count: int) -> None:
        """Send events to one partition."""
        place = Place(f"{self.connection};EntityPath={self.hub}", partition)
        await self.clients.send(place, *["{}"] * count)

    def blobs(self) -> ContainerClient:
        """The container, with the test's own eyes."""
        return ContainerClient.from_connection_string(self.storage, self.container)

    @asynccontextmanager
    async def processing(self) -> AsyncIterator[list[int]]:
        """The processor at work; gives the sequence numbers that it has read and written down."""
        done: list[int] = []

        async def read(context: PartitionContext, event: EventData | None) -> None:
            if event is not None:
                await context.update_checkpoint(event)
                done.append(event.sequence_number or 0)

        store = BlobCheckpointStore.from_connection_string(self.storage, self.container)
        consumer = EventHubConsumerClient.from_connection_string(
            self.connection,
            GROUP,
            eventhub_name=self.hub,
            checkpoint_store=store,
            load_balancing_interval=1.0,
        )
        task = asyncio.create_task(consumer.receive(read, starting_position="-1"))
        try:
            yield done
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await consumer.close()
            await store.close()

    async def process(self, count: int) -> None:
        """Read that many events, and stop."""
        async with self.processing() as done:
            await until(lambda: len(done) >= count, within=30)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_listener(answer: Answer) -> AsyncIterator[int]:
    """Something that listens on a port of this machine and is no broker."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything and answer nothing, until the other side goes."""
    while await reader.read(4096):
        pass
    writer.close()


def passes_on(address: str) -> Answer:
    """Hand everything on to that host and port, and back."""
    host, _, port = address.partition(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))

    return carry


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(4096):
            writer.write(piece)
            await writer.drain()
    writer.close()
