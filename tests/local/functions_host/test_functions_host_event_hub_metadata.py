"""Does a function see of its events what Azure's host and worker would show it?

Three functions read the same hub, each in a group of its own: one as batches of bytes, one as batches of
text, one event by event. What they saw is collected once; the tests look at it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest
import pytest_asyncio
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from local.eventhubs import Broker
from local.functions_host import FunctionsHost

Eventually = Callable[..., Awaitable[None]]

pytestmark = pytest.mark.slow


@dataclass
class Seen:
    """What the three functions were given, and what the log said."""

    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    as_bytes: list[func.EventHubEvent] = field(default_factory=list)
    as_text: list[func.EventHubEvent] = field(default_factory=list)
    one_by_one: list[func.EventHubEvent] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


def _app(seen: Seen) -> func.FunctionApp:
    app = func.FunctionApp()
    trigger: dict[str, Any] = {"arg_name": "events", "event_hub_name": "signals", "connection": "HEALTH"}

    @app.event_hub_message_trigger(**trigger, consumer_group="bytes", cardinality="many", data_type="binary")
    async def as_bytes(events: list[func.EventHubEvent]) -> None:
        seen.as_bytes.extend(events)

    @app.event_hub_message_trigger(**trigger, consumer_group="text", cardinality="many")
    async def as_text(events: list[func.EventHubEvent]) -> None:
        seen.as_text.extend(events)

    @app.event_hub_message_trigger(**trigger, consumer_group="one", data_type="binary")
    def one_by_one(events: func.EventHubEvent) -> None:
        seen.one_by_one.append(events)

    return app


def _event(number: int, body: str | bytes) -> EventData:
    event = EventData(body)
    event.properties = {"n": number, "HEALTHCHECK": "TRUE", "test": True}
    event.message_id = f"m-{number}"
    return event


async def _send(connection: str) -> None:
    async with EventHubProducerClient.from_connection_string(connection) as producer:
        batches: list[tuple[str | None, list[str | bytes]]] = [
            ("shop", [b"\xff", "two"]),
            ("a", ["", "with an empty one"]),
            (None, ["no key"]),
        ]
        for key, bodies in batches:
            batch = await producer.create_batch(partition_key=key)
            for number, body in enumerate(bodies):
                batch.add(_event(number, body))
            await producer.send_batch(batch)


class _Messages(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> AsyncIterator[Seen]:
    """What was seen of two events with one key, two with another (one empty) and one without."""
    seen = Seen()
    handler = _Messages(seen.log)
    logging.getLogger("local.functions_host").addHandler(handler)
    async with Broker(tmp_path_factory.mktemp("hubs"), {"signals": 4}) as broker:
        connection = broker.connection_string("signals")
        host = FunctionsHost(_app(seen), settings={"HEALTH": connection}, port=0)
        await asyncio.gather(host.start(), _send(connection))
        await eventually(
            lambda: len(seen.as_bytes) == len(seen.one_by_one) == 5 and len(seen.as_text) == 3 and seen.log,
            within_s=10,
        )
        await host.stop()
    logging.getLogger("local.functions_host").removeHandler(handler)
    yield seen


def _of(events: list[func.EventHubEvent], key: str | None) -> list[func.EventHubEvent]:
    return [event for event in events if event.partition_key == key]


def _metadata(event: func.EventHubEvent) -> Any:
    assert event.metadata is not None
    return event.metadata


def test_events_of_a_batch_share_their_metadata(seen: Seen) -> None:
    """Properties and system properties of a batch are arrays in its order, on each of its events alike."""
    events = _of(seen.as_bytes, "shop")
    metadata = _metadata(events[0])
    assert [event.get_body() for event in events] == [b"\xff", b"two"]
    assert _metadata(events[1]) == metadata
    assert metadata["PropertiesArray"] == [
        {"n": number, "HEALTHCHECK": "TRUE", "test": True} for number in range(2)
    ]
    assert metadata["SequenceNumberArray"] == [event.sequence_number for event in events] == [0, 1]
    assert metadata["PartitionKeyArray"] == ["shop"] * 2
    assert metadata["OffsetArray"] == [str(event.offset) for event in events]
    origin = metadata["PartitionContext"]
    assert (origin["EventHubName"], origin["ConsumerGroup"]) == ("signals", "bytes")
    assert origin["PartitionId"] in "0123"
    system = metadata["SystemPropertiesArray"][1]
    assert (system["SequenceNumber"], system["PartitionKey"], system["message-id"]) == (1, "shop", "m-1")
    assert system["EnqueuedTimeUtc"] == metadata["EnqueuedTimeUtcArray"][1]
    assert system["x-opt-enqueued-time"] == system["EnqueuedTimeUtc"] + "+00:00"


def test_the_enqueued_time_is_utc_without_saying_so(seen: Seen) -> None:
    """As from the real host, the time of enqueueing is a naive datetime that means UTC."""
    for event in (seen.as_bytes[0], seen.one_by_one[0]):
        assert event.enqueued_time is not None
        assert event.enqueued_time.tzinfo is None
        assert abs(event.enqueued_time.replace(tzinfo=UTC) - seen.sent_at) < timedelta(seconds=10)


def test_arrays_of_text_leave_out_what_is_empty(seen: Seen) -> None:
    """An event without a key has none in `PartitionKeyArray`, which is then shorter than the batch."""
    (event,) = _of(seen.as_bytes, None)
    assert _metadata(event)["PartitionKeyArray"] == []
    assert _metadata(event)["SystemPropertiesArray"][0]["PartitionKey"] is None


def test_bytes_arrive_as_they_are(seen: Seen) -> None:
    """With `data_type=BINARY` foreign bytes and empty bodies are given unchanged."""
    assert [event.get_body() for event in _of(seen.as_bytes, "a")] == [b"", b"with an empty one"]


def test_text_loses_foreign_bytes_and_batches_with_an_empty_body(seen: Seen) -> None:
    """Without it, foreign bytes are replaced, and an empty body makes its whole batch fail, as in Azure."""
    assert [event.get_body() for event in _of(seen.as_text, "shop")] == ["\ufffd".encode(), b"two"]
    assert _of(seen.as_text, "a") == []
    assert any("Number of bodies and metadata mismatched" in message for message in seen.log)


def test_one_by_one_each_event_has_metadata_of_its_own(seen: Seen) -> None:
    """With cardinality one there are `Properties` and `SystemProperties`, and no key where there was none."""
    for number, event in enumerate(_of(seen.one_by_one, "shop")):
        metadata = _metadata(event)
        assert event.sequence_number == number == metadata["SequenceNumber"]
        assert metadata["Properties"]["n"] == number
        assert metadata["SystemProperties"]["SequenceNumber"] == number
        assert metadata["PartitionKey"] == "shop"
        assert str(metadata["Offset"]) == event.offset
    (event,) = _of(seen.one_by_one, None)
    assert "PartitionKey" not in _metadata(event)
    assert event.get_body() == b"no key"
