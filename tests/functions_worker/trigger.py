"""How does an event of a real hub come to a worker under test? By a host in miniature.

It does what the Functions host does for one partition, and no more: receive with
the SDK, hand on a batch, and go on whatever came of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient

from tests.functions_worker.host import FunctionsWorker, Invocation
from tests.functions_worker.messages import Event, event_hub_batch


@asynccontextmanager
async def delivered(connection: str, worker: FunctionsWorker) -> AsyncIterator[list[Invocation]]:
    """Deliver what the hub holds to the function `signals`; gives what came of each batch."""
    invocations: list[Invocation] = []

    async def on_batch(context: Any, events: list[EventData]) -> None:
        if events:
            inputs, metadata = event_hub_batch(
                "events", [_event(each) for each in events], context.partition_id
            )
            invocations.append(await worker.invoke("signals", inputs, metadata))

    async with EventHubConsumerClient.from_connection_string(connection, "remediation") as client:
        receiving = asyncio.create_task(client.receive_batch(on_batch, starting_position="-1"))
        try:
            yield invocations
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)


async def send(connection: str, body: str, key: str) -> None:
    """Send an event as the health model does, with the unmodified SDK."""
    async with EventHubProducerClient.from_connection_string(connection) as producer:
        await producer.send_event(EventData(body), partition_key=key)


async def held(connection: str) -> int:
    """How many events a hub of one partition holds."""
    async with EventHubProducerClient.from_connection_string(connection) as producer:
        found = await producer.get_partition_properties("0")
    return int(found["last_enqueued_sequence_number"]) + 1


def _event(event: EventData) -> Event:
    properties = {_text(name): _text(value) for name, value in (event.properties or {}).items()}
    key = event.partition_key
    assert event.enqueued_time is not None
    body: Any = event.body
    return Event(
        body=b"".join(body),
        properties=properties,
        key=key.decode() if key else None,
        sequence_number=event.sequence_number or 0,
        offset=event.offset or "",
        enqueued=event.enqueued_time,
    )


def _text(value: Any) -> Any:
    """The SDK gives AMQP text as bytes."""
    return value.decode() if isinstance(value, bytes) else value
