"""What is a stamp made of? A HealthService, a catalogue, an event hub and a BackgroundProcessor."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.checkpoints import SqliteCheckpointStore
from local.eventhubs import Broker
from local.workload.catalogue import Catalogue
from local.workload.database import Database
from local.workload.health_service import (
    MESSAGE_PRODUCER_CHECK,
    PATH,
    STATE_FILE_CHECK,
    HealthService,
    messages_can_be_sent,
    score_is_not_red,
    state_file_is_there,
    writes_reach,
)
from local.workload.pace import Pace
from local.workload.processor import BackgroundProcessor
from local.workload.sender import Sender
from local.workload.serving import in_background, served
from rules.signals import Health

PARTITIONS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stamp is to be.

    Attributes:
        name: of the stamp.
        region: Azure's short name.
        state_file: whose deletion takes it out of rotation.
        port: of its ingress; 0 for any free one.
    """

    name: str
    region: str
    state_file: Path
    port: int = 0


class Score:
    """The health score of one stamp, as Log Analytics gives it to who asks.

    Attributes:
        health: as the health model wrote it last; None before it has.
        ingested: whether Log Analytics has any rows at all to give.
    """

    def __init__(self) -> None:
        self.health: Health | None = None
        self.ingested = True

    def latest(self) -> Health | None:
        """What the query gives; None for no row."""
        return self.health if self.ingested else None


@dataclass(frozen=True, slots=True)
class RunningStamp:
    """A stamp that runs.

    Attributes:
        place: where.
        url: of its ingress.
        health_service: at `PATH` of the ingress.
        catalogue: the API that users call.
        sender: to its hub.
        processor: from its hub.
        score: what the HealthService's query for the health score gives.
    """

    place: Place
    url: str
    health_service: HealthService
    catalogue: Catalogue
    sender: Sender
    processor: BackgroundProcessor
    score: Score

    @property
    def name(self) -> str:
        """Its name."""
        return self.place.name

    @property
    def health_url(self) -> str:
        """Where its HealthService answers."""
        return self.url + PATH

    @property
    def in_rotation(self) -> bool:
        """Whether the state file is there."""
        return self.place.state_file.exists()

    @property
    def unread(self) -> int:
        """How many messages wait in a hub that was empty at first."""
        return max(0, self.sender.sent.total - sum(last + 1 for last in self.processor.passed.values()))


@asynccontextmanager
async def running_stamps(
    places: Sequence[Place], database: Database, folder: Path, pace: Pace, *, hub_port: int = 0
) -> AsyncIterator[list[RunningStamp]]:
    """Run stamps that share a database, and nothing else.

    Args:
        places: one for each stamp.
        database: what they share.
        folder: for what is kept: their hubs, and how far those are read.
        pace: how fast they live.
        hub_port: of the broker with their hubs. Checkpoints are kept by it: 0, any free one, starts anew.

    Raises:
        OSError: a port is taken, or the folder is in use.
    """
    async with AsyncExitStack() as running:
        hubs = {hub_of(place.name): PARTITIONS for place in places}
        broker = await running.enter_async_context(Broker(folder / "hubs", hubs, port=hub_port))
        store = SqliteCheckpointStore(folder / "checkpoints.db")
        running.push_async_callback(store.close)
        stamps = []
        for place in places:
            connection = broker.connection_string(hub_of(place.name))
            sender = Sender(connection)
            running.push_async_callback(sender.close)
            processor = BackgroundProcessor(connection, store, database, pace.checkpoint_every)
            stamps.append(await _served(place, sender, processor, database, pace, running))
        # The SDK takes its time to close a consumer: all at once.
        running.push_async_callback(lambda: asyncio.gather(*(stamp.processor.stop() for stamp in stamps)))
        for stamp in stamps:
            await stamp.processor.start()
        yield stamps


def hub_of(stamp: str) -> str:
    """The name of a stamp's event hub."""
    return f"backendqueue-{stamp}"


async def _served(  # noqa: PLR0913, PLR0917 - the parts of a stamp
    place: Place,
    sender: Sender,
    processor: BackgroundProcessor,
    database: Database,
    pace: Pace,
    running: AsyncExitStack,
) -> RunningStamp:
    app = web.Application()
    catalogue = Catalogue(place.name, database, sender)
    catalogue.serve_in(app)
    score = Score()
    health_service = HealthService(
        {
            "AzMonitorHealthScore": score_is_not_red(score.latest),
            STATE_FILE_CHECK: state_file_is_there(place.state_file),
            "Database": writes_reach(database),
            MESSAGE_PRODUCER_CHECK: messages_can_be_sent(sender),
        },
        cache=pace.health_cache,
        timeout=pace.health_timeout,
    )
    health_service.serve_in(app)
    url = await running.enter_async_context(served(app, place.port))
    await running.enter_async_context(in_background(health_service.run()))
    return RunningStamp(place, url, health_service, catalogue, sender, processor, score)
