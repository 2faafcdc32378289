"""Do consumers, in one process or several, agree on who reads what and how far they are?"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import CheckpointStore, EventHubConsumerClient, EventHubProducerClient

from local.checkpoints import SqliteCheckpointStore
from local.eventhubs import Broker
from tests.local.sdk import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from azure.eventhub.aio import PartitionContext

HUB = {"fully_qualified_namespace": "ns", "eventhub_name": "hub", "consumer_group": "g"}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteCheckpointStore]:
    """An empty store."""
    store = SqliteCheckpointStore(tmp_path / "deep" / "checkpoints.db")
    yield store
    await store.close()


def claim(partition: str, owner: str, **more: Any) -> dict[str, Any]:
    """A claim as the SDK makes it."""
    return {**HUB, "partition_id": partition, "owner_id": owner, **more}


def test_the_sdk_takes_it_for_a_checkpoint_store() -> None:
    """It is what the SDK's consumer wants."""
    assert issubclass(SqliteCheckpointStore, CheckpointStore)


async def test_a_claim_is_listed_with_time_and_etag(store: SqliteCheckpointStore) -> None:
    """What was won can be seen by others, and only in its own hub and group."""
    (won,) = await store.claim_ownership([claim("0", "a")])
    assert await store.list_ownership("ns", "hub", "g") == [won]
    assert won["owner_id"] == "a"
    assert won["etag"]
    assert abs(won["last_modified_time"] - time.time()) < 5
    for other in (("x", "hub", "g"), ("ns", "x", "g"), ("ns", "hub", "x")):
        assert await store.list_ownership(*other) == []


async def test_a_claim_without_etag_loses_against_an_owner(store: SqliteCheckpointStore) -> None:
    """Two that both saw a partition free do not both get it."""
    await store.claim_ownership([claim("0", "a")])
    won = await store.claim_ownership([claim("0", "b"), claim("1", "b")])
    assert [ownership["partition_id"] for ownership in won] == ["1"]


async def test_a_claim_with_an_old_etag_loses(store: SqliteCheckpointStore) -> None:
    """Of two that saw the same owner, the first takes over and the second does not."""
    (seen,) = await store.claim_ownership([claim("0", "a")])
    (taken,) = await store.claim_ownership([{**seen, "owner_id": "b"}])
    assert await store.claim_ownership([{**seen, "owner_id": "c"}]) == []
    assert await store.list_ownership("ns", "hub", "g") == [taken]
    assert taken["etag"] != seen["etag"]


async def test_a_released_partition_can_be_claimed(store: SqliteCheckpointStore) -> None:
    """The SDK releases a partition by claiming it for nobody."""
    (mine,) = await store.claim_ownership([claim("0", "a")])
    (free,) = await store.claim_ownership([{**mine, "owner_id": ""}])
    (won,) = await store.claim_ownership([{**free, "owner_id": "b"}])
    assert won["owner_id"] == "b"


async def test_the_last_checkpoint_stays(store: SqliteCheckpointStore, tmp_path: Path) -> None:
    """A checkpoint replaces the one before it, and another store on the same file sees it."""
    for number in (1, 2):
        await store.update_checkpoint(
            {**HUB, "partition_id": "0", "sequence_number": number, "offset": str(number * 10)}
        )
    other = SqliteCheckpointStore(tmp_path / "deep" / "checkpoints.db")
    assert await other.list_checkpoints("ns", "hub", "g") == [
        {**HUB, "partition_id": "0", "sequence_number": 2, "offset": "20"}
    ]
    assert await other.list_checkpoints("ns", "hub", "other") == []
    await other.close()


_CLAIM = """
import asyncio, pathlib, sys
from local.checkpoints import SqliteCheckpointStore
async def claim():
    store = SqliteCheckpointStore(pathlib.Path(sys.argv[1]))
    wanted = [{"fully_qualified_namespace": "ns", "eventhub_name": "hub", "consumer_group": "g",
               "partition_id": str(at), "owner_id": sys.argv[2]} for at in range(50)]
    won = []
    for ownership in wanted:
        won += await store.claim_ownership([ownership])
    print(len(won))
    await store.close()
asyncio.run(claim())
"""


async def test_processes_never_win_the_same_partition(tmp_path: Path) -> None:
    """Several processes that make the file and claim at once win each partition exactly once."""
    path = tmp_path / "checkpoints.db"
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CLAIM, str(path), owner, stdout=asyncio.subprocess.PIPE
        )
        for owner in "abc"
    ]
    outputs = [(await process.communicate())[0] for process in processes]
    assert sum(int(output) for output in outputs) == 50
    store = SqliteCheckpointStore(path)
    assert len(await store.list_ownership("ns", "hub", "g")) == 50
    await store.close()


async def test_a_busy_file_does_not_stop_the_event_loop(store: SqliteCheckpointStore, tmp_path: Path) -> None:
    """While another process holds the file, everything else in this one goes on."""
    await store.claim_ownership([claim("0", "a")])
    blocker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sqlite3, sys, time; d = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "d.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(0.7)",
        str(tmp_path / "deep" / "checkpoints.db"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert blocker.stdout is not None
    await blocker.stdout.readline()
    waiting = asyncio.create_task(store.claim_ownership([claim("1", "a")]))
    longest, last = 0.0, time.perf_counter()
    while not waiting.done():
        await asyncio.sleep(0.01)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    assert len(waiting.result()) == 1
    assert longest < 0.3
    await blocker.wait()


class Consumer:
    """A consumer of the SDK that checkpoints every event."""

    def __init__(self, broker: Broker, path: Path) -> None:
        self.store = SqliteCheckpointStore(path)
        self.client = EventHubConsumerClient.from_connection_string(
            broker.connection_string("hub"),
            "$Default",
            checkpoint_store=self.store,
            load_balancing_interval=0.3,
        )
        self.bodies: list[str] = []
        self.partitions: set[str] = set()
        self._task = asyncio.create_task(
            self.client.receive(
                self._on_event, starting_position="-1", on_partition_initialize=self._on_start
            )
        )

    async def _on_start(self, context: PartitionContext) -> None:
        self.partitions.add(context.partition_id)

    async def _on_event(self, context: PartitionContext, event: EventData | None) -> None:
        if event is not None:
            await context.update_checkpoint(event)
            self.bodies.append(event.body_as_str())

    async def close(self) -> None:
        """Stop reading and let the partitions go."""
        await self.client.close()
        await asyncio.wait([self._task])
        await self.store.close()


async def _send(broker: Broker, bodies: dict[str, list[str]]) -> None:
    connection = broker.connection_string("hub")
    async with EventHubProducerClient.from_connection_string(connection) as producer:
        await asyncio.gather(
            *(
                producer.send_batch([EventData(body) for body in mine], partition_id=partition)
                for partition, mine in bodies.items()
            )
        )


@pytest.mark.slow
async def test_two_consumers_share_four_partitions(tmp_path: Path) -> None:
    """Each gets two, every event is read, and when one goes the other takes over its partitions."""
    async with Broker(tmp_path / "data", {"hub": 4}) as broker:
        await _send(broker, {str(at): [f"{at}-{turn}" for turn in range(5)] for at in range(4)})
        first = Consumer(broker, tmp_path / "checkpoints.db")
        await until(lambda: len(first.bodies) >= 20)
        second = Consumer(broker, tmp_path / "checkpoints.db")
        store = SqliteCheckpointStore(tmp_path / "checkpoints.db")
        namespace = f"127.0.0.1:{broker.port}"
        deadline = time.monotonic() + 15
        shares: list[int] = []
        while sorted(shares) != [2, 2] and time.monotonic() < deadline:
            owners = [row["owner_id"] for row in await store.list_ownership(namespace, "hub", "$Default")]
            shares = [owners.count(owner) for owner in set(owners)]
            await asyncio.sleep(0.05)
        assert sorted(shares) == [2, 2]
        await _send(broker, {str(at): [f"{at}-new"] for at in range(4)})
        everything = {f"{at}-{turn}" for at in range(4) for turn in [*range(5), "new"]}
        await until(lambda: set(first.bodies) | set(second.bodies) >= everything)
        assert len(second.partitions) == 2
        await first.close()
        await until(lambda: second.partitions == {"0", "1", "2", "3"})
        await second.close()
        await store.close()


@pytest.mark.slow
async def test_reading_resumes_behind_the_checkpoint_after_a_restart(tmp_path: Path) -> None:
    """Neither broker nor consumer begins again: only what is new is read."""
    broker = Broker(tmp_path / "data", {"hub": 2})
    await broker.start()
    await _send(broker, {"0": ["a", "b"], "1": ["c"]})
    consumer = Consumer(broker, tmp_path / "checkpoints.db")
    await until(lambda: sorted(consumer.bodies) == ["a", "b", "c"])
    await consumer.close()
    port = broker.port
    await broker.stop()
    async with Broker(tmp_path / "data", {"hub": 2}, port=port) as broker:
        await _send(broker, {"0": ["d"], "1": ["e"]})
        again = Consumer(broker, tmp_path / "checkpoints.db")
        await until(lambda: len(again.bodies) >= 2)
        await again.close()
    assert sorted(again.bodies) == ["d", "e"]
