"""Do events reach their function as Azure's host brings them, and are they done with when it says so?

Everything is real but the cloud: azure-functions apps, the azure-eventhub SDK on both sides, the broker of
`local/`.
"""

import asyncio
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import azure.functions as func
import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from local.checkpoints import SqliteCheckpointStore
from local.eventhubs import Broker
from local.functions_host import FunctionsHost

pytestmark = pytest.mark.slow

Serve = Callable[..., Awaitable[FunctionsHost]]
Eventually = Callable[..., Awaitable[None]]
WriteHostJson = Callable[[dict[str, Any]], Path]
OnEvents = Callable[..., Awaitable[None]]
Listen = Callable[..., Awaitable[FunctionsHost]]
Send = Callable[..., Awaitable[None]]

KEYS = ("a", "b", "d", "shop")  # of a partition each
RETRY_SOON = {"strategy": "fixed_delay", "max_retry_count": "-1", "delay_interval": "00:00:00.05"}


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """A broker with one hub of four partitions."""
    async with Broker(tmp_path / "hubs", {"signals": 4}) as running:
        yield running


@pytest.fixture
async def checkpoints(tmp_path: Path) -> AsyncIterator[SqliteCheckpointStore]:
    """Checkpoints that outlive a host."""
    store = SqliteCheckpointStore(tmp_path / "checkpoints.db")
    yield store
    await store.close()


@pytest.fixture
def listen(broker: Broker, checkpoints: SqliteCheckpointStore, serve: Serve) -> Listen:
    """Starts a host whose one function takes the hub's events."""

    async def start(on_events: OnEvents, **options: Any) -> FunctionsHost:
        host_options = {key: options.pop(key) for key in ("host_json", "stop_within_s") if key in options}
        return await serve(
            _app(on_events, **options),
            settings={"HUB": "signals", "HEALTH": broker.connection_string("signals")},
            checkpoint_store=checkpoints,
            load_balancing_interval_s=0.2,
            **host_options,
        )

    return start


def _app(on_events: OnEvents, **trigger: Any) -> func.FunctionApp:
    app = func.FunctionApp()
    _add(app, on_events, **trigger)
    return app


@pytest.fixture
async def send(broker: Broker) -> AsyncIterator[Send]:
    """Sends one event per body."""
    connection = broker.connection_string("signals")
    async with EventHubProducerClient.from_connection_string(connection) as producer:

        async def send_batch(*bodies: str, key: str = KEYS[0]) -> None:
            batch = await producer.create_batch(partition_key=key)
            for body in bodies:
                batch.add(EventData(body))
            await producer.send_batch(batch)

        yield send_batch


def _collector(bodies: list[bytes]) -> OnEvents:
    """A function that keeps the bodies that it is given."""

    async def on_events(events: list[func.EventHubEvent]) -> None:
        bodies.extend(event.get_body() for event in events)

    return on_events


def _add(
    app: func.FunctionApp,
    on_events: OnEvents,
    *,
    retry: Mapping[str, Any] | None = None,
    consumer_group: str = "remediation",
    cardinality: func.Cardinality = func.Cardinality.MANY,
    data_type: func.DataType = func.DataType.BINARY,
) -> None:
    add_trigger = app.event_hub_message_trigger(
        arg_name="events",
        event_hub_name="%HUB%",
        connection="HEALTH",
        consumer_group=consumer_group,
        cardinality=cardinality,
        data_type=data_type,
    )
    builder = add_trigger(on_events)
    if retry:
        app.retry(**retry)(builder)


def _origin(events: list[func.EventHubEvent]) -> Mapping[str, str]:
    metadata = events[0].metadata
    assert metadata is not None
    origin: Mapping[str, str] = metadata["PartitionContext"]
    return origin


def _partition(events: list[func.EventHubEvent]) -> str:
    return _origin(events)["PartitionId"]


async def _done_with(checkpoints: SqliteCheckpointStore, origin: Mapping[str, str]) -> int | None:
    """The sequence number of the last event that is done with, by the partition's checkpoint."""
    found = await checkpoints.list_checkpoints(
        origin["FullyQualifiedNamespace"], origin["EventHubName"], origin["ConsumerGroup"]
    )
    return next(
        (each["sequence_number"] for each in found if each["partition_id"] == origin["PartitionId"]), None
    )


@pytest.mark.slow
async def test_a_failed_batch_is_not_given_again(send: Send, listen: Listen, eventually: Eventually) -> None:
    """Without a retry policy a failure is checkpointed too: neither the next batch nor a restart repeats."""
    got: list[bytes] = []

    async def on_events(events: list[func.EventHubEvent]) -> None:
        got.extend(event.get_body() for event in events)
        if b"poison" in got:
            raise ValueError("poison")

    host, _ = await asyncio.gather(listen(on_events), send("poison"))
    await eventually(lambda: got == [b"poison"])
    await send("second")
    await eventually(lambda: got == [b"poison", b"second"])
    await host.stop()
    await send("third")
    await listen(on_events)
    await eventually(lambda: len(got) == 3)
    assert got == [b"poison", b"second", b"third"]


async def test_a_retried_batch_blocks_its_partition_only(
    send: Send, listen: Listen, eventually: Eventually
) -> None:
    """Under a retry policy the same batch comes again, later ones wait for it, other partitions go on."""
    got: dict[str, list[tuple[int, list[bytes]]]] = defaultdict(list)
    ledger_is_back = asyncio.Event()

    async def on_events(events: list[func.EventHubEvent], context: func.Context) -> None:
        retry, key = context.retry_context, events[0].partition_key or ""
        assert retry.max_retry_count == -1
        assert ("unreachable" in retry.exception.message) == (retry.retry_count > 0)
        got[key].append((retry.retry_count, [event.get_body() for event in events]))
        if key == KEYS[0] and not ledger_is_back.is_set():
            raise ConnectionError("ledger unreachable")

    await asyncio.gather(listen(on_events, retry=RETRY_SOON), send("first"))
    await eventually(lambda: len(got[KEYS[0]]) >= 2)
    await send("second")
    await send("elsewhere", key=KEYS[1])
    await eventually(lambda: got[KEYS[1]])
    assert got[KEYS[1]] == [(0, [b"elsewhere"])]
    ledger_is_back.set()
    await eventually(lambda: got[KEYS[0]][-1] == (0, [b"second"]))
    tries = got[KEYS[0]][:-1]
    assert tries == [(number, [b"first"]) for number in range(len(tries))]


async def test_when_retries_are_used_up_the_partition_goes_on(
    send: Send, listen: Listen, eventually: Eventually, checkpoints: SqliteCheckpointStore
) -> None:
    """After the last allowed retry the batch is checkpointed, and not before, and the next one comes."""
    got: list[bytes] = []
    done_with: list[int | None] = []

    async def on_events(events: list[func.EventHubEvent]) -> None:
        got.extend(event.get_body() for event in events)
        done_with.append(await _done_with(checkpoints, _origin(events)))
        if events[0].get_body() == b"poison":
            raise ValueError("poison")

    await asyncio.gather(listen(on_events, retry={**RETRY_SOON, "max_retry_count": "2"}), send("poison"))
    await eventually(lambda: len(got) == 3)
    await send("next")
    await eventually(lambda: len(got) == 4)
    assert got == [b"poison"] * 3 + [b"next"]
    assert done_with == [None] * 3 + [0]


@pytest.mark.slow
async def test_stopping_while_a_batch_waits_to_be_retried_keeps_it(
    send: Send, listen: Listen, eventually: Eventually
) -> None:
    """A batch whose retry the stop prevented is not checkpointed: the next start gives it anew."""
    tries: list[tuple[bytes, int]] = []
    broken = True

    async def on_events(events: list[func.EventHubEvent], context: func.Context) -> None:
        tries.append((events[0].get_body(), context.retry_context.retry_count))
        if broken:
            raise ConnectionError

    retry = {**RETRY_SOON, "delay_interval": "00:10:00"}
    host, _ = await asyncio.gather(listen(on_events, retry=retry), send("kept"))
    await eventually(lambda: tries)
    await host.stop()
    broken = False
    await listen(on_events)
    await eventually(lambda: len(tries) == 2)
    assert tries == [(b"kept", 0)] * 2


async def test_stopping_is_done_with_what_succeeded(
    send: Send, listen: Listen, eventually: Eventually, checkpoints: SqliteCheckpointStore
) -> None:
    """While the host stops, a batch in flight may end: success is checkpointed, failure is not."""
    begun: dict[bytes, Mapping[str, str]] = {}
    ends: dict[bytes, str] = {}
    seconds = {b"succeeds": 0.2, b"fails": 0.2, b"stuck": 600}

    async def on_events(events: list[func.EventHubEvent]) -> None:
        body = events[0].get_body()
        begun[body] = _origin(events)
        ends[body] = "cancelled"
        await asyncio.sleep(seconds[body])
        ends[body] = "ended"
        if body == b"fails":
            raise ConnectionError

    sending = [send(body.decode(), key=key) for body, key in zip(seconds, KEYS, strict=False)]
    host, _ = await asyncio.gather(listen(on_events, stop_within_s=0.5), asyncio.gather(*sending))
    await eventually(lambda: len(begun) == 3)
    await host.stop()
    assert ends == {b"succeeds": "ended", b"fails": "ended", b"stuck": "cancelled"}
    done_with = {body: await _done_with(checkpoints, origin) for body, origin in begun.items()}
    assert done_with == {b"succeeds": 0, b"fails": None, b"stuck": None}


async def test_a_partitions_batches_come_in_order_one_at_a_time(
    send: Send,
    listen: Listen,
    eventually: Eventually,
    host_json: WriteHostJson,
) -> None:
    """Batches keep to the size of host.json, and within a partition to their order, without overlap."""
    running: dict[str, int] = defaultdict(int)
    together: set[int] = set()
    got: dict[str, list[int]] = defaultdict(list)
    sizes: list[int] = []

    async def on_events(events: list[func.EventHubEvent]) -> None:
        partition = _partition(events)
        running[partition] += 1
        assert running[partition] == 1
        together.add(sum(running.values()))
        await asyncio.sleep(0.02)
        sizes.append(len(events))
        got[partition].extend(event.sequence_number or 0 for event in events)
        running[partition] -= 1

    await asyncio.gather(*(send(*map(str, range(40)), key=key) for key in KEYS))
    await listen(on_events, host_json=host_json({"eventHubs": {"maxEventBatchSize": 7}}))
    await eventually(lambda: sum(map(len, got.values())) == 160)
    assert all(numbers == list(range(40)) for numbers in got.values())
    assert max(sizes) == 7
    assert max(together) > 1  # partitions do not wait for each other


async def test_events_are_given_promptly_from_every_partition(
    send: Send, listen: Listen, eventually: Eventually
) -> None:
    """All partitions are served within three seconds of the start, and an idle one within a half."""
    got: list[str] = []

    async def on_events(events: list[func.EventHubEvent]) -> None:
        got.append(_partition(events))

    await asyncio.gather(*(send("hello", key=key) for key in KEYS))
    begun = monotonic()
    await listen(on_events)
    await eventually(lambda: set(got) == {"0", "1", "2", "3"})
    assert monotonic() - begun < 3
    waits = []
    for number, key in enumerate(KEYS):
        await asyncio.sleep(0.1)
        sent = monotonic()
        await send("again", key=key)
        await eventually(lambda count=5 + number: len(got) == count)
        waits.append(monotonic() - sent)
    assert sorted(waits)[1] < 0.5


async def test_without_checkpoints_the_start_is_host_jsons(
    broker: Broker, send: Send, serve: Serve, eventually: Eventually, host_json: WriteHostJson
) -> None:
    """`fromStart`, `fromEnd` and `fromEnqueuedTime` decide what a host without checkpoints gets."""
    await send("old")
    await asyncio.sleep(0.05)
    between = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await send("recent")
    starts = {
        "fromStart": {"type": "fromStart"},
        "fromEnd": {"type": "fromEnd"},
        "fromEnqueuedTime": {"type": "fromEnqueuedTime", "enqueuedTimeUtc": between.isoformat()},
    }
    got: dict[str, list[bytes]] = {name: [] for name in starts}
    await asyncio.gather(
        *(
            serve(
                _app(_collector(got[name])),
                settings={"HUB": "signals", "HEALTH": broker.connection_string("signals")},
                host_json=host_json({"eventHubs": {"initialOffsetOptions": options}}),
            )
            for name, options in starts.items()
        )
    )
    await send("new")
    await eventually(lambda: all(bodies[-1:] == [b"new"] for bodies in got.values()))
    assert got == {
        "fromStart": [b"old", b"recent", b"new"],
        "fromEnd": [b"new"],
        "fromEnqueuedTime": [b"recent", b"new"],
    }


@pytest.mark.slow
async def test_a_hub_that_comes_up_later_is_found(
    serve: Serve, eventually: Eventually, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The host starts without its hub, says so in the log, and gives events once the hub is there."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    got: list[bytes] = []
    connection = (
        f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
        "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;EntityPath=signals"
    )
    await serve(_app(_collector(got)), settings={"HUB": "signals", "HEALTH": connection})
    assert "event hub signals: not reached" in caplog.text
    async with (
        Broker(tmp_path / "hubs", {"signals": 1}, port=port) as broker,
        EventHubProducerClient.from_connection_string(broker.connection_string("signals")) as producer,
    ):
        await producer.send_event(EventData("finally"))
        await eventually(lambda: got == [b"finally"], within_s=15)
