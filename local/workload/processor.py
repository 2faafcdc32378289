"""Who works off what users have posted? The BackgroundProcessor reads the stamp's hub, with checkpoints."""

import asyncio
import json
import logging
import time
from datetime import timedelta

from azure.eventhub import EventData, LoadBalancingStrategy
from azure.eventhub.aio import CheckpointStore, EventHubConsumerClient, PartitionContext

from local.workload.database import Database, DatabaseUnavailableError
from local.workload.meter import Meter

CONSUMER_GROUP = "backendworker-cs"

_LOGGER = logging.getLogger(__name__)


class BackgroundProcessor:
    """The BackgroundProcessor of one stamp. It can be stopped, and then goes on from its checkpoints.

    Attributes:
        read: the messages that have left the hub: the metric `OutgoingMessages`.
        passed: the sequence number of the last message read, by partition.
        set_aside: comments that could not be written.
    """

    def __init__(
        self, connection: str, checkpoints: CheckpointStore, database: Database, checkpoint_every: timedelta
    ) -> None:
        self.read = Meter()
        self.passed: dict[str, int] = {}
        self.set_aside: list[bytes] = []
        self._connection = connection
        self._checkpoints = checkpoints
        self._database = database
        self._checkpoint_every = checkpoint_every.total_seconds()
        self._checkpoint_at: dict[str, float] = {}
        self._unwritten: dict[str, EventData] = {}
        self._client: EventHubConsumerClient | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def reads(self) -> bool:
        """Whether it is running."""
        return self._client is not None

    async def start(self) -> None:
        """Begin to read, from the checkpoints or else from the start."""
        if self._client is not None:
            return
        self._client = EventHubConsumerClient.from_connection_string(
            self._connection,
            CONSUMER_GROUP,
            checkpoint_store=self._checkpoints,
            load_balancing_strategy=LoadBalancingStrategy.GREEDY,
            load_balancing_interval=1.0,
            retry_backoff_factor=0.1,
        )
        self._task = asyncio.create_task(
            self._client.receive(
                self._on_event,
                on_error=self._on_error,
                starting_position="-1",
                # Called without an event when none came for so long: checkpoints go by time.
                max_wait_time=self._checkpoint_every,
            )
        )

    async def stop(self) -> None:
        """Read no more; messages stay in the hub."""
        client, task, self._client, self._task = self._client, self._task, None, None
        if client is None or task is None:
            return
        self._unwritten.clear()
        # Cancelled, not only closed: closing alone goes on reading for up to a second.
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()

    def forget(self) -> None:
        """Know nothing any more of what was read: the hub is another one."""
        self.passed.clear()
        self._unwritten.clear()

    async def _on_event(self, context: PartitionContext, event: EventData | None) -> None:
        if self._client is None:
            return
        if event is None:
            await self._write_down(context)
            return
        self.read.add()
        # After a stop it reads again what it had read since the last checkpoint.
        number = event.sequence_number or 0
        self.passed[context.partition_id] = max(number, self.passed.get(context.partition_id, -1))
        properties = event.properties or {}
        if properties.get(b"HEALTHCHECK") != b"TRUE" and b"action" in properties:
            await self._write(event)
        self._unwritten[context.partition_id] = event
        if time.monotonic() - self._checkpoint_at.get(context.partition_id, 0.0) >= self._checkpoint_every:
            await self._write_down(context)

    async def _write_down(self, context: PartitionContext) -> None:
        """Keep how far the partition is read, if it was read any further."""
        event = self._unwritten.pop(context.partition_id, None)
        if event is not None:
            self._checkpoint_at[context.partition_id] = time.monotonic()
            await context.update_checkpoint(event)

    async def _write(self, event: EventData) -> None:
        comment = json.loads(event.body_as_str())
        try:
            await self._database.add_comment(comment["item"], comment["text"])
        except DatabaseUnavailableError:
            # One message that cannot be worked off must not hold up its partition.
            self.set_aside.append(event.body_as_str().encode())

    async def _on_error(self, _: PartitionContext | None, error: Exception) -> None:
        _LOGGER.warning("the background processor cannot read: %s", error)
