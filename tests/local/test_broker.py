"""Is the broker an Event Hubs namespace, as far as the unmodified SDK can tell?"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from azure.eventhub import EventData
from azure.eventhub import EventHubProducerClient as BlockingProducerClient
from azure.eventhub.exceptions import EventDataSendError, EventHubError

from local.eventhubs import Broker
from tests.local.sdk import Clients, Place, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from azure.eventhub.amqp import AmqpAnnotatedMessage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

HUBS = {"shared": 32, **{f"hub-{at}": 4 for at in range(10)}}
_HUBS = iter([name for name in HUBS if name != "shared"])
_PARTITIONS = iter([str(at) for at in range(HUBS["shared"])])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    """A broker that the tests of this module share, each with a hub of its own."""
    async with Broker(tmp_path_factory.mktemp("broker"), HUBS) as broker:
        yield broker


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(broker: Broker) -> AsyncIterator[Clients]:
    """The SDK; what it made is closed before the broker is."""
    clients = Clients()
    yield clients
    await clients.close()


@pytest.fixture
def hub(broker: Broker) -> Place:
    """A hub that nobody has used."""
    return Place(broker.connection_string(next(_HUBS)))


@pytest.fixture
def place(broker: Broker) -> Place:
    """A partition that nobody has used."""
    return Place(broker.connection_string("shared"), next(_PARTITIONS))


def partitions_of(listening: Any) -> dict[str, list[str]]:
    """Which bodies came from which partition."""
    found: dict[str, list[str]] = {}
    for partition, body in zip(listening.partitions, listening.bodies, strict=True):
        found.setdefault(partition, []).append(body)
    return found


# --- what comes out is what went in ---


async def test_an_event_keeps_its_body_and_properties(place: Place, clients: Clients) -> None:
    """All that a publisher says of an event survives the round trip, with its types."""
    event = EventData(b"\x00\xffbody")
    event.message_id = "id-1"
    event.correlation_id = "about-2"
    event.content_type = "application/octet-stream"
    event.properties = {"text": "ü", "number": -7, "yes": True, "id": uuid.UUID(int=9), "none": None}
    event.raw_amqp_message.properties.subject = "a subject"  # type: ignore[union-attr]
    before = datetime.now(UTC) - timedelta(seconds=1)
    producer = clients.producer(place.connection)
    await producer.send_event(event, partition_id=place.partition)
    (got,) = (await clients.receive(place, 1)).events
    message: AmqpAnnotatedMessage = got.raw_amqp_message
    assert b"".join(message.body) == b"\x00\xffbody"
    assert (got.message_id, got.correlation_id) == ("id-1", "about-2")
    assert got.content_type == "application/octet-stream"
    assert message.properties is not None
    assert message.properties.subject == b"a subject"
    assert got.properties == {
        b"text": "ü".encode(),
        b"number": -7,
        b"yes": True,
        b"id": uuid.UUID(int=9),
        b"none": None,
    }
    assert (got.sequence_number, got.offset, got.partition_key) == (0, "0", None)
    assert got.enqueued_time is not None
    assert before < got.enqueued_time < datetime.now(UTC) + timedelta(seconds=1)


async def test_events_of_one_key_share_a_partition_in_order(hub: Place, clients: Clients) -> None:
    """Batches and single events of a key all go to the same place, and carry the key."""
    producer = clients.producer(hub.connection)
    for turn in range(3):
        for key in "abcdefgh":
            batch = await producer.create_batch(partition_key=key)
            for at in range(2):
                batch.add(EventData(f"{key}{2 * turn + at}"))
            await producer.send_batch(batch)
    await producer.send_event(EventData("a6"), partition_key="a")
    got = await clients.receive(hub, 49)
    where: dict[str, set[str]] = {}
    for partition, bodies in partitions_of(got).items():
        for key in {body[0] for body in bodies}:
            where.setdefault(key, set()).add(partition)
            mine = [body for body in bodies if body[0] == key]
            assert mine == sorted(mine)
    assert all(len(places) == 1 for places in where.values())
    assert len(set.union(*where.values())) > 1
    assert all(event.partition_key == event.body_as_str()[0].encode() for event in got.events)


async def test_events_without_a_key_go_round(hub: Place, clients: Clients) -> None:
    """Every partition gets its share."""
    producer = clients.producer(hub.connection)
    for at in range(12):
        await producer.send_event(EventData(str(at)))
    got = partitions_of(await clients.receive(hub, 12))
    assert sorted(len(bodies) for bodies in got.values()) == [3, 3, 3, 3]


async def test_the_blocking_client_works_too(place: Place, clients: Clients) -> None:
    """The SDK's client without asyncio sends as well."""

    def send() -> None:
        with BlockingProducerClient.from_connection_string(place.connection) as producer:
            producer.send_batch([EventData("a"), EventData("b")], partition_id=place.partition)

    await asyncio.to_thread(send)
    assert (await clients.receive(place, 2)).bodies == ["a", "b"]


async def test_a_message_just_under_a_mebibyte_passes(place: Place, clients: Clients) -> None:
    """A message of many frames comes out as it went in."""
    body = bytes(at % 251 for at in range(1024 * 1024 - 500))
    producer = clients.producer(place.connection)
    await producer.send_event(EventData(body), partition_id=place.partition)
    (got,) = (await clients.receive(place, 1)).events
    assert b"".join(got.raw_amqp_message.body) == body


async def test_a_message_over_a_mebibyte_is_refused(place: Place, clients: Clients) -> None:
    """It is refused for its size, and the next one passes."""
    producer = clients.producer(place.connection, retry_total=0)
    with pytest.raises(EventHubError, match="LinkMessageSizeExceeded"):
        await producer.send_event(EventData(b"x" * (1024 * 1024 + 1)), partition_id=place.partition)
    await producer.send_event(EventData("small"), partition_id=place.partition)
    assert (await clients.receive(place, 1)).bodies == ["small"]


# --- from where on ---


@pytest.mark.slow
async def test_each_starting_position_gives_what_lies_behind_it(place: Place, clients: Clients) -> None:
    """Offset, sequence number and time, exclusive and inclusive, the start, and only news; each
    in a consumer group of its own, which disturbs no other.
    """
    for body in "abc":
        await clients.send(place, body)
        await asyncio.sleep(0.01)
    async with clients.listening(place, starting_position="@latest") as news:
        everything = await clients.receive(place, 3)
        middle = everything.events[1]
        positions: list[tuple[Any, bool, str]] = [
            ("-1", False, "abcd"),
            (middle.offset, False, "cd"),
            (middle.offset, True, "bcd"),
            (middle.sequence_number, False, "cd"),
            (middle.sequence_number, True, "bcd"),
            (middle.enqueued_time, False, "cd"),
            (middle.enqueued_time, True, "bcd"),
        ]
        await asyncio.sleep(0.5)  # the one who wants only news has to be there before them
        await clients.send(place, "d")
        got = await asyncio.gather(
            *(
                clients.receive(
                    place,
                    len(expected),
                    group=f"group-{at}",
                    starting_position=position,
                    starting_position_inclusive=inclusive,
                )
                for at, (position, inclusive, expected) in enumerate(positions)
            )
        )
        await until(lambda: bool(news.events))
    assert ["".join(listening.bodies) for listening in got] == [expected for *_, expected in positions]
    assert news.bodies == ["d"]


async def test_a_position_the_partition_never_had_is_an_error(place: Place, clients: Clients) -> None:
    """A checkpoint of another log is refused: to read on from anywhere would leave events out."""
    await clients.send(place, "a")
    got = await clients.receive(place, 1, client={"retry_total": 0}, starting_position="123456")
    assert got.events == []
    assert "never was offset 123456" in got.errors[0]


async def test_the_newest_event_is_tracked_when_asked_for(place: Place, clients: Clients) -> None:
    """Each event then carries what is known of the partition's last one."""
    await clients.send(place, "a", "b", "c")
    got = await clients.receive(place, 3, track_last_enqueued_event_properties=True)
    last = got.events[-1]
    # The SDK gives it through the partition context only; this is where that looks.
    told = got.events[0].raw_amqp_message.delivery_annotations
    assert told is not None
    assert told[b"last_enqueued_sequence_number"] == 2
    assert told[b"last_enqueued_offset"] == str(last.offset).encode()


# --- $management, $cbs ---


@pytest.mark.slow
async def test_properties_tell_of_hub_and_partitions(broker: Broker, clients: Clients) -> None:
    """`$management` knows the hub, and for each partition where it begins and ends."""
    name = next(_HUBS)
    connection = broker.connection_string(name)
    place = Place(connection, "1")
    await clients.send(place, "a", "b")
    producer = clients.producer(connection)
    about = await producer.get_eventhub_properties()
    empty = await producer.get_partition_properties("0")
    filled = await producer.get_partition_properties("1")
    assert (about["eventhub_name"], about["partition_ids"]) == (name, ["0", "1", "2", "3"])
    assert abs(datetime.now(UTC) - about["created_at"]) < timedelta(minutes=5)
    assert (empty["is_empty"], empty["last_enqueued_sequence_number"]) == (True, -1)
    assert (filled["is_empty"], filled["beginning_sequence_number"]) == (False, 0)
    assert filled["last_enqueued_sequence_number"] == 1
    (_, last) = (await clients.receive(place, 2)).events
    assert filled["last_enqueued_offset"] == last.offset
    assert filled["last_enqueued_time_utc"] == last.enqueued_time


@pytest.mark.slow
async def test_only_the_right_key_opens_a_broker_that_has_one(tmp_path: Path, clients: Clients) -> None:
    """With a key, signatures are checked."""
    async with Broker(tmp_path, {"a": 1}, key="c2VjcmV0") as broker:
        right = Place(broker.connection_string("a"))
        await clients.send(right, "in")
        wrong = right.connection.replace("c2VjcmV0", "d3Jvbmc=")
        producer = clients.producer(wrong, retry_total=0)
        with pytest.raises(EventHubError, match="401"):
            await producer.send_event(EventData("out"))
        assert (await clients.receive(right, 1)).bodies == ["in"]


# --- who may read ---


async def test_a_higher_epoch_steals(place: Place, clients: Clients) -> None:
    """A consumer with a higher owner level takes over, and the other one is told."""
    alone: dict[str, Any] = {"client": {"retry_total": 0}}
    async with clients.listening(place, owner_level=1, **alone) as first:
        await clients.send(place, "a")
        await until(lambda: first.bodies == ["a"])
        async with clients.listening(place, owner_level=2, **alone) as second:
            await until(lambda: second.bodies == ["a"] and bool(first.errors))
    assert "took over from epoch 1" in first.errors[0]
    assert second.errors == []


# --- it stays ---


async def test_a_restart_keeps_everything(tmp_path: Path, clients: Clients) -> None:
    """Events, numbers and times go on where they were, even with the clock set back."""
    now = 1_700_000_000_000
    async with Broker(tmp_path, {"hub": 1}, clock=lambda: now) as broker:
        await clients.send(Place(broker.connection_string("hub")), "a", "b")
    now -= 60_000
    async with Broker(tmp_path, {"hub": 1}, clock=lambda: now) as broker:
        place = Place(broker.connection_string("hub"))
        await clients.send(place, "c")
        got = await clients.receive(place, 3)
    assert got.bodies == ["a", "b", "c"]
    assert got.numbers == [0, 1, 2]
    assert {event.enqueued_time for event in got.events} == {datetime.fromtimestamp(1_700_000_000, UTC)}


_SERVE = """
import asyncio, pathlib, sys
from local.eventhubs import Broker
async def serve():
    async with Broker(pathlib.Path(sys.argv[1]), {"hub": 1}) as broker:
        print(broker.connection_string("hub"), flush=True)
        await asyncio.Event().wait()
asyncio.run(serve())
"""


async def test_an_acknowledged_event_survives_a_kill(tmp_path: Path, clients: Clients) -> None:
    """A broker killed right after it acknowledged has the event when it is started again."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVE, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    connection = (await process.stdout.readline()).decode().strip()
    producer = clients.producer(connection)
    for at in range(20):
        await producer.send_event(EventData(str(at)))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with Broker(tmp_path, {"hub": 1}) as broker:
        got = await clients.receive(Place(broker.connection_string("hub")), 20)
    assert got.bodies == [str(at) for at in range(20)]


async def test_what_the_disk_refuses_is_not_acknowledged(tmp_path: Path, clients: Clients) -> None:
    """The sender is told, nothing of it is kept, and when the disk is well again it goes on."""
    async with Broker(tmp_path / "data", {"hub": 1}) as broker:
        connection = broker.connection_string("hub")
        producer = clients.producer(connection, retry_total=0)
        await producer.send_event(EventData("before"))
        (tmp_path / "data").rename(tmp_path / "gone")
        with pytest.raises(EventDataSendError, match="could not be stored"):
            await producer.send_event(EventData("refused"))
        (tmp_path / "gone").rename(tmp_path / "data")
        await producer.send_event(EventData("after"))
        got = await clients.receive(Place(connection), 2)
    assert got.bodies == ["before", "after"]


async def test_a_cut_network_loses_nothing_that_was_acknowledged(tmp_path: Path, clients: Clients) -> None:
    """Senders and readers reconnect, and every acknowledged event arrives."""
    async with Broker(tmp_path, {"hub": 1}) as broker:
        connection = broker.connection_string("hub")
        acknowledged: list[str] = []
        fast = {"retry_backoff_factor": 0.1}

        async def send() -> None:
            producer = clients.producer(connection, **fast)
            for at in range(60):
                await producer.send_event(EventData(str(at)))
                acknowledged.append(str(at))

        async with clients.listening(Place(connection), client=fast) as listening:
            sender = asyncio.create_task(send())
            for done in (10, 30):
                await until(lambda done=done: len(acknowledged) > done)  # type: ignore[misc]
                await broker.drop_connections()
            await sender
            await until(lambda: set(listening.bodies) >= set(acknowledged))
    assert len(acknowledged) == 60


async def test_a_second_broker_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """Two writers would destroy each other's log; when the first has stopped, another may start."""
    async with Broker(tmp_path, {"hub": 1}):
        with pytest.raises(BlockingIOError, match="another broker"):
            await Broker(tmp_path, {"hub": 1}).start()
    async with Broker(tmp_path, {"hub": 1}):
        pass


@pytest.mark.parametrize("hubs", [{"hub": 2}, {"hub": 0}, {"a/b": 1}, {"..": 1}])
async def test_impossible_hubs_are_refused(tmp_path: Path, hubs: dict[str, int]) -> None:
    """A hub cannot lose partitions that have events, and its name is no path."""
    async with Broker(tmp_path, {"hub": 3}):
        pass
    with pytest.raises(ValueError, match="hub"):
        await Broker(tmp_path, hubs).start()


@pytest.mark.slow
async def test_many_senders_share_the_disk(place: Place, clients: Clients) -> None:
    """Concurrent senders all get their own acknowledgement, and every event is there once."""

    async def send(who: int) -> None:
        producer = clients.producer(place.connection, user_agent=f"sender-{who}")
        for at in range(25):
            await producer.send_event(EventData(f"{who}-{at}"), partition_id=place.partition)

    started = time.monotonic()
    await asyncio.gather(*(send(who) for who in range(8)))
    assert time.monotonic() - started < 10
    got = await clients.receive(place, 200)
    assert sorted(got.bodies) == sorted(f"{who}-{at}" for who in range(8) for at in range(25))
    assert got.numbers == list(range(200))
