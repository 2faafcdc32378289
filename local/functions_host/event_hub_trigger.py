"""How do the events of a hub reach a function, and when are they done with?

The real SDK receives, shares partitions and keeps checkpoints. This module adds what the Functions host
adds: one batch of a partition at a time, a checkpoint after each batch *whether or not the function
failed*, and with a retry policy the same batch again, while its partition waits and the others go on.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from azure.eventhub import EventData, LoadBalancingStrategy, TransportType
from azure.eventhub.aio import CheckpointStore, EventHubConsumerClient, PartitionContext
from azure.eventhub.exceptions import EventHubError

from local.functions_host.bindings import EventHubTrigger, LoadedFunction
from local.functions_host.event_hub_metadata import Origin, decode_many, decode_one
from local.functions_host.host_json import EventHubSettings, InitialOffset
from local.functions_host.invocation import Finish, Invoker

_LOGGER = logging.getLogger(__name__)

# `start` waits this long for the hub, so that what is sent after it is received even with `fromEnd`.
_HUB_EXPECTED_WITHIN_S = 3.0
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.2, 5.0

Position = str | datetime | dict[str, Any]


@dataclass(frozen=True)
class Listening:
    """How to receive, beyond what the function and host.json say."""

    checkpoint_store: CheckpointStore | None
    load_balancing_interval_s: float
    stop_within_s: float


@dataclass(eq=False)
class _Delivery:
    """A batch that is being worked on."""

    events: list[EventData]
    give_up: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False  # the partition is another's now, and so is its checkpoint


class EventHubListener:
    """Gives one function the events of its hub."""

    def __init__(
        self,
        function: LoadedFunction,
        trigger: EventHubTrigger,
        settings: EventHubSettings,
        invoker: Invoker,
        listening: Listening,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._settings = settings
        self._invoker = invoker
        self._listening = listening
        self._stopping = False
        self._reached = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._deliveries: dict[asyncio.Task[None], _Delivery] = {}
        self._partitions: dict[str, asyncio.Lock] = {}

    async def start(self) -> None:
        """Begin to receive; a hub that cannot be reached yet is tried until it can."""
        self._task = asyncio.create_task(self._run(), name=f"event hub {self._trigger.hub}")
        self._task.add_done_callback(self._log_end)
        reached = asyncio.create_task(self._reached.wait())
        await asyncio.wait(
            [reached, self._task], timeout=_HUB_EXPECTED_WITHIN_S, return_when=asyncio.FIRST_COMPLETED
        )
        reached.cancel()

    async def stop(self) -> None:
        """Take no more batches; what runs may finish within the bound, what waits for a retry is left."""
        self._stopping = True
        for delivery in self._deliveries.values():
            delivery.give_up.set()
        if self._deliveries:
            _, late = await asyncio.wait(list(self._deliveries), timeout=self._listening.stop_within_s)
            for task in late:
                task.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        client = EventHubConsumerClient.from_connection_string(
            self._trigger.connection_string,
            self._trigger.consumer_group,
            eventhub_name=self._trigger.hub,
            checkpoint_store=self._listening.checkpoint_store,
            load_balancing_strategy=LoadBalancingStrategy.GREEDY,
            load_balancing_interval=self._listening.load_balancing_interval_s,
            transport_type=self._transport(),
            retry_backoff_factor=0.1,  # a local broker is back at once or not at all
            retry_backoff_max=_LONGEST_DELAY_S,
        )
        async with client:
            position = await self._when_reached(lambda: self._starting_position(client))
            self._reached.set()
            await client.receive_batch(
                self._on_batch,
                on_error=self._on_error,
                max_batch_size=self._settings.max_batch_size,
                max_wait_time=None,  # never an empty batch: a batch is handed on as soon as there is one
                prefetch=self._settings.prefetch_count,
                starting_position=position,
            )

    def _transport(self) -> TransportType:
        # host.json is Azure's; an emulator speaks plain AMQP only.
        emulator = "usedevelopmentemulator=true" in self._trigger.connection_string.lower()
        return (
            TransportType.AmqpOverWebsocket
            if self._settings.web_sockets and not emulator
            else TransportType.Amqp
        )

    async def _when_reached(self, ask: Callable[[], Any]) -> Position:
        delay = _FIRST_DELAY_S
        while True:
            try:
                position: Position = await ask()
            except (EventHubError, OSError) as error:
                _LOGGER.warning(
                    "event hub %s: not reached, again in %.1f s: %s", self._trigger.hub, delay, error
                )
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY_S)
            else:
                return position

    async def _starting_position(self, client: EventHubConsumerClient) -> Position:
        """Where to begin in partitions that have no checkpoint."""
        partitions = await client.get_partition_ids()
        match self._settings.initial_offset:
            case InitialOffset.FROM_START:
                return "-1"
            case InitialOffset.FROM_END:
                # Not "@latest", which is looked up anew whenever a link is opened: what is sent while the
                # first one opens, or while a broken one is replaced, would be lost.
                properties = await asyncio.gather(*map(client.get_partition_properties, partitions))
                return {each["id"]: each["last_enqueued_sequence_number"] for each in properties}
            case InitialOffset.FROM_ENQUEUED_TIME:
                after = self._settings.enqueued_after
                if after is None:
                    raise ValueError("fromEnqueuedTime without a time")
                # One tick earlier and exclusive: the SDK's "inclusive" would also apply to checkpoints, and
                # deliver the last event before a restart again.
                return after - timedelta(milliseconds=1)

    async def _on_error(self, context: PartitionContext | None, error: Exception) -> None:
        where = f", partition {context.partition_id}" if context else ""
        _LOGGER.warning("event hub %s%s: %s", self._trigger.hub, where, error)

    async def _on_batch(self, context: PartitionContext, events: list[EventData]) -> None:
        if not events or self._stopping:
            return
        delivery = _Delivery(events)
        task = asyncio.create_task(self._deliver(context, delivery))
        self._deliveries[task] = delivery
        task.add_done_callback(self._deliveries.pop)
        try:
            # Shielded: the SDK cancels this call when the partition is lost or the client closes. A
            # function is not to be torn down in the middle of an action because of that.
            await asyncio.shield(task)
        except asyncio.CancelledError:
            delivery.lost = True
            delivery.give_up.set()
            raise

    async def _deliver(self, context: PartitionContext, delivery: _Delivery) -> None:
        partition = self._partitions.setdefault(context.partition_id, asyncio.Lock())
        async with partition:  # a batch whose partition was lost and won back may still be running
            if delivery.give_up.is_set():
                return
            origin = Origin(
                context.fully_qualified_namespace,
                context.eventhub_name,
                context.consumer_group,
                context.partition_id,
            )
            finished = await (self._as_batch if self._trigger.many else self._one_by_one)(origin, delivery)
            if finished is not None and not delivery.lost:
                await context.update_checkpoint(finished)

    async def _as_batch(self, origin: Origin, delivery: _Delivery) -> EventData | None:
        finish = await self._invoke(
            decode_many(origin, delivery.events, binary=self._trigger.binary), delivery
        )
        return delivery.events[-1] if self._is_done(finish) else None

    async def _one_by_one(self, origin: Origin, delivery: _Delivery) -> EventData | None:
        done = None
        for event in delivery.events:
            if delivery.give_up.is_set():
                break
            if not self._is_done(
                await self._invoke(decode_one(origin, event, binary=self._trigger.binary), delivery)
            ):
                break
            done = event
        return done

    async def _invoke(self, decode: Callable[[], Any], delivery: _Delivery) -> Finish:
        return await self._invoker.invoke_with_retries(
            self._function.callee, decode, self._function.retry, delivery.give_up
        )

    def _is_done(self, finish: Finish) -> bool:
        # The real host checkpoints failures too: Event Hubs knows no poison events. Not while it stops,
        # though, for then the stop itself may be the reason for the failure.
        return finish is Finish.SUCCEEDED or (finish is Finish.FAILED and not self._stopping)

    def _log_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.critical("event hub %s: receiving has ended", self._trigger.hub, exc_info=error)
