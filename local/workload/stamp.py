"""What is a stamp made of? A HealthService, a catalogue, an event hub and a BackgroundProcessor."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.folder_checkpoints import FolderCheckpointStore
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
from local.workload.own_hub import HUB, PARTITIONS, OwnHub, own_hub
from local.workload.pace import Pace
from local.workload.processor import CONSUMER_GROUP, BackgroundProcessor
from local.workload.sender import Sender
from local.workload.serving import in_background, served
from local.workload.telemetry import QueryFailedError
from rules.signals import Health

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stamp is to be.

    Attributes:
        name: of the stamp.
        region: Azure's short name.
        state_file: whose deletion takes it out of rotation.
        port: of its ingress; 0 for any free one.
        hub_port: of the namespace of its hub. Checkpoints are kept by it: 0, any free one, starts anew.
    """

    name: str
    region: str
    state_file: Path
    port: int = 0
    hub_port: int = 0


class Score:
    """The health score of one stamp, as Log Analytics gives it to who asks.

    Attributes:
        health: as the health model wrote it last; None before it has.
        ingested: whether Log Analytics has any rows at all to give.
        readable: whether it answers queries.
    """

    def __init__(self) -> None:
        self.health: Health | None = None
        self.ingested = True
        self.readable = True

    def latest(self) -> Health | None:
        """What the query gives; None for no row.

        Raises:
            QueryFailedError: it gives nothing.
        """
        if not self.readable:
            raise QueryFailedError
        return self.health if self.ingested else None


@dataclass(frozen=True, slots=True)
class RunningStamp:
    """A stamp that runs.

    Attributes:
        place: where.
        url: of its ingress.
        health_service: at `PATH` of the ingress.
        catalogue: the API that users call.
        hub: its event hub.
        checkpoints: how far that is read.
        sender: to its hub.
        processor: from its hub.
        score: what the HealthService's query for the health score gives.
    """

    place: Place
    url: str
    health_service: HealthService
    catalogue: Catalogue
    hub: OwnHub
    checkpoints: FolderCheckpointStore
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
        """How many messages wait in its hub."""
        return max(0, self.hub.filled - sum(last + 1 for last in self.processor.passed.values()))


@asynccontextmanager
async def running_stamps(
    places: Sequence[Place], database: Database, folder: Path, pace: Pace
) -> AsyncIterator[list[RunningStamp]]:
    """Run stamps that share a database, and nothing else.

    Args:
        places: one for each stamp.
        database: what they share.
        folder: for what is kept: their hubs, and in `CHECKPOINTS` how far those are read.
        pace: how fast they live.

    Raises:
        OSError: a port is taken, or the folder is in use.
    """
    async with AsyncExitStack() as running:
        stamps = [await _served(place, database, folder, pace, running) for place in places]
        # The SDK takes its time to close a consumer: all at once.
        running.push_async_callback(lambda: asyncio.gather(*(stamp.processor.stop() for stamp in stamps)))
        for stamp in stamps:
            await stamp.processor.start()
        yield stamps


async def _served(
    place: Place, database: Database, folder: Path, pace: Pace, running: AsyncExitStack
) -> RunningStamp:
    hub = await running.enter_async_context(own_hub(folder / "hubs" / place.name, place.hub_port))
    checkpoints = FolderCheckpointStore(folder / CHECKPOINTS / place.name)
    sender = Sender(hub.connection)
    running.push_async_callback(sender.close)
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
    processor = BackgroundProcessor(hub.connection, checkpoints, database, pace.checkpoint_every)
    return RunningStamp(place, url, health_service, catalogue, hub, checkpoints, sender, processor, score)


async def least_checkpoint(stamp: RunningStamp) -> int:
    """How far the partition is read that is read least; -1 while one of them has no checkpoint."""
    written = await stamp.checkpoints.list_checkpoints(stamp.hub.namespace, HUB, CONSUMER_GROUP)
    return min(int(one["sequence_number"]) for one in written) if len(written) == PARTITIONS else -1


async def forget_checkpoints(stamp: RunningStamp) -> None:
    """Delete its checkpoints, as a person does after its hub was deleted and made anew."""
    await stamp.checkpoints.forget(stamp.hub.namespace, HUB, CONSUMER_GROUP)
