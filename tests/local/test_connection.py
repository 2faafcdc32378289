"""Does the broker keep to the protocol where the SDK does not look, and stand what peers do wrong?"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from local.eventhubs import Broker
from local.eventhubs.amqp import encode_binary, encode_described, encode_uint
from local.eventhubs.frames import AMQP_HEADER, SASL_HEADER, Performative, encode_frame
from local.eventhubs.link import CREDIT
from local.eventhubs.message import SectionCode
from tests.local.peer import Peer, condition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

READ = "hub/ConsumerGroups/$Default/Partitions/0"
WRITE = "hub/Partitions/0"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """A broker with one hub of one partition."""
    async with Broker(tmp_path, {"hub": 1}) as broker:
        yield broker


def message(body: bytes = b"body") -> bytes:
    """A message with nothing but a body."""
    return encode_described(SectionCode.DATA, encode_binary(body))


async def publish(broker: Broker, count: int, size: int = 4) -> None:
    """Put events into the partition, and wait until they are on disk."""
    async with Peer.connected(broker) as peer:
        peer.open()
        peer.begin()
        peer.attach(WRITE, receives=False)
        for at in range(count):
            peer.transfer(message(bytes(size)), delivery_id=at)
            if at % 200 == 199:
                for _ in range(200):
                    await peer.expect(Performative.DISPOSITION)
        for _ in range(count % 200):
            await peer.expect(Performative.DISPOSITION)


def reading(peer: Peer, window: int = 1_000_000) -> None:
    """Attach to the partition as a reader from the start, without credit."""
    peer.open()
    peer.begin(window)
    peer.attach(READ, receives=True)


async def serves(broker: Broker) -> bool:
    """Whether the broker still takes events."""
    await publish(broker, 1)
    return True


# --- flow control ---


async def test_an_event_is_pushed_as_soon_as_it_is_durable(broker: Broker) -> None:
    """A waiting reader has an event well before a poll would have found it."""
    async with Peer.connected(broker) as reader, Peer.connected(broker) as writer:
        reading(reader)
        reader.flow(credit=10)
        await reader.expect(Performative.ATTACH)
        writer.open()
        writer.begin()
        writer.attach(WRITE, receives=False)
        await writer.expect(Performative.FLOW)
        delays = []
        for at in range(5):
            started = time.perf_counter()
            writer.transfer(message(), delivery_id=at)
            await reader.expect(Performative.TRANSFER)
            delays.append(time.perf_counter() - started)
    assert sorted(delays)[2] < 0.1


async def test_no_more_is_delivered_than_there_is_credit(broker: Broker) -> None:
    """Three credits, three events; two more, two more."""
    await publish(broker, 10)
    async with Peer.connected(broker) as peer:
        reading(peer)
        peer.flow(credit=3)
        first = await peer.drain()
        peer.flow(credit=2, count=3, seen=3)
        second = await peer.drain()
    assert [f.performative for f in first].count(Performative.TRANSFER) == 3
    assert [f.performative for f in second] == [Performative.TRANSFER] * 2


async def test_the_session_window_is_obeyed_frame_by_frame(broker: Broker) -> None:
    """A large event stops in its middle when the window is used up, and goes on when it opens."""
    await publish(broker, 1, size=5_000)
    async with Peer.connected(broker) as peer:
        peer.open(max_frame_size=1024)
        peer.begin(window=2)
        peer.attach(READ, receives=True)
        peer.flow(credit=10, window=2)
        first = [frame for frame in await peer.drain() if frame.performative is Performative.TRANSFER]
        peer.flow(credit=9, count=1, window=100, seen=2)
        rest = [frame for frame in await peer.drain() if frame.performative is Performative.TRANSFER]
    assert len(first) == 2
    assert [frame.fields.flag(5) for frame in (*first, *rest)] == [True] * (len(rest) + 1) + [False]
    whole = b"".join(frame.payload for frame in (*first, *rest))
    assert whole.endswith(message(bytes(5_000)))


async def test_drain_uses_up_the_credit(broker: Broker) -> None:
    """With drain the peer gets what there is, and is told that the rest of the credit is gone."""
    await publish(broker, 2)
    async with Peer.connected(broker) as peer:
        reading(peer)
        peer.flow(credit=10, drain=True)
        flow = await peer.expect(Performative.FLOW)
    transfers = [frame for frame in peer.received if frame.performative is Performative.TRANSFER]
    assert len(transfers) == 2
    assert (flow.fields.uint(5), flow.fields.uint(6)) == (10, 0)


async def test_a_publisher_is_kept_in_credit(broker: Broker) -> None:
    """A link that sends more than its first credit never runs dry."""
    await publish(broker, 2 * CREDIT)
    async with Peer.connected(broker) as peer:
        reading(peer)
        peer.flow(credit=5_000)
        await peer.drain()
    assert sum(frame.performative is Performative.TRANSFER for frame in peer.received) == 2 * CREDIT


async def test_a_reader_that_does_not_read_costs_little_memory(broker: Broker) -> None:
    """With credit for everything and a full socket, the broker stops reading the log."""
    await publish(broker, 400, size=60_000)
    async with Peer.connected(broker) as peer:
        reading(peer)
        peer.flow(credit=1_000)
        await peer.writer.drain()
        await asyncio.sleep(0.5)
        (connection,) = broker._connections
        assert 0 < connection._transport.get_write_buffer_size() < 2_000_000
        assert await serves(broker)
        await peer.drain()
    transfers = [frame for frame in peer.received if frame.performative is Performative.TRANSFER]
    assert sum(not frame.fields.flag(5) for frame in transfers) == 401


# --- who may read ---


async def test_of_readers_with_epochs_the_highest_reads_alone(broker: Broker) -> None:
    """An equal or higher epoch displaces whoever reads, a lower one or none is refused."""
    async with Peer.connected(broker) as peer:
        peer.open()
        peer.begin()
        for handle, epoch in enumerate([None, 3, 3, 2, None, 5]):
            peer.attach(READ, receives=True, handle=handle, epoch=epoch)
        peer.attach(READ.replace("$Default", "other"), receives=True, handle=6)
        frames = await peer.drain()
    detached = [frame for frame in frames if frame.performative is Performative.DETACH]
    assert {condition(frame, at=2) for frame in detached} == {"amqp:link:stolen"}
    # 1 displaces 0, 2 displaces 1, 3 and 4 are refused, 5 displaces 2; the other group is left alone.
    assert [frame.fields.uint(0) for frame in detached] == [0, 1, 3, 4, 2]


async def test_a_sixth_reader_is_refused_until_one_leaves(broker: Broker) -> None:
    """Five may read a partition without an epoch in one group, as in Event Hubs."""
    await publish(broker, 1)
    async with Peer.connected(broker) as sixth, AsyncExitStack() as five:
        others = [await five.enter_async_context(Peer.connected(broker)) for _ in range(5)]
        for peer in others:
            reading(peer)
            await peer.expect(Performative.ATTACH)
        reading(sixth)
        sixth.flow(credit=1)
        assert condition(await sixth.expect(Performative.DETACH), at=2) == "amqp:resource-limit-exceeded"
        others[0].writer.close()
        await others[1].drain(0.05)
        sixth.attach(READ, receives=True)
        sixth.flow(credit=1)
        await sixth.expect(Performative.TRANSFER)


async def test_a_stopped_broker_can_be_reached_no_more(tmp_path: Path) -> None:
    """Its connections are cut and its port is free again."""
    broker = Broker(tmp_path / "other", {"hub": 1})
    await broker.start()
    async with Peer.connected(broker) as peer:
        reading(peer)
        await peer.expect(Performative.ATTACH)
        await broker.stop()
        assert await peer.is_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", broker.port)


# --- time ---


async def test_a_peer_that_wants_heartbeats_gets_them(broker: Broker) -> None:
    """An idle connection carries empty frames in time."""
    async with Peer.connected(broker) as peer:
        peer.open(idle_timeout_ms=300)
        await peer.expect(Performative.OPEN)
        for _ in range(4):
            await peer.expect(None, within=0.3)


async def test_a_silent_peer_is_told_and_closed(tmp_path: Path) -> None:
    """A peer that sends nothing for twice the time it was told is gone."""
    async with Broker(tmp_path, {"hub": 1}, idle_timeout=timedelta(milliseconds=100)) as broker:
        async with Peer.connected(broker) as peer:
            peer.open()
            close = await peer.expect(Performative.CLOSE, within=2)
            assert condition(close) == "amqp:connection:forced"
            assert await peer.is_closed()
        async with Peer.connected(broker) as silent:
            assert await silent.is_closed(within=2)


# --- what peers do wrong ---


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(4096),
        b"\xff" * 100_000,
        b"AMQP\x02\x01\x00\x00",
        AMQP_HEADER + b"\x00\x10\x00\x01\x02\x00\x00\x00",
        AMQP_HEADER + b"\x00\x00\x00\x10\x02\x00\x00\x00" + b"\xc0" * 8,
        SASL_HEADER + encode_frame(0, Performative.OPEN, []),
        AMQP_HEADER + encode_frame(0, Performative.BEGIN, []),
        AMQP_HEADER + encode_frame(0, Performative.OPEN, []) * 2,
    ],
)
async def test_garbage_ends_its_own_connection_only(broker: Broker, garbage: bytes) -> None:
    """The connection is closed; others are served."""
    async with Peer.connected(broker) as peer:
        peer.writer.write(garbage)
        assert await peer.is_closed()
    assert await serves(broker)


@pytest.mark.parametrize(
    ("performative", "fields", "expected"),
    [
        (Performative.TRANSFER, [b"\xa1\x01x"], "amqp:invalid-field"),
        (
            Performative.ATTACH,
            [b"\xa1\x01x", encode_uint(0), b"\x41", b"\x40", b"\x40", b"\x43"],
            "amqp:invalid-field",
        ),
        (Performative.BEGIN, [b"\x40", encode_uint(0), encode_uint(1)], "amqp:not-allowed"),
        (Performative.SASL_INIT, [], "amqp:not-allowed"),
    ],
)
async def test_a_wrong_frame_is_answered_with_its_condition(
    broker: Broker, performative: Performative, fields: list[bytes], expected: str
) -> None:
    """The peer is told what was wrong before the connection ends."""
    async with Peer.connected(broker) as peer:
        peer.open()
        peer.begin()
        peer.send(performative, fields)
        assert condition(await peer.expect(Performative.CLOSE)) == expected
        assert await peer.is_closed()
    assert await serves(broker)


async def test_a_transfer_without_a_link_ends_the_session_only(broker: Broker) -> None:
    """The connection lives on, and a new session can begin on it."""
    async with Peer.connected(broker) as peer:
        peer.open()
        peer.begin()
        peer.transfer(message(), handle=9)
        end = await peer.expect(Performative.END)
        assert condition(end) == "amqp:session:unattached-handle"
        peer.transfer(message(), handle=9)  # it was on its way before the peer knew
        peer.begin()
        peer.attach(WRITE, receives=False)
        peer.transfer(message())
        await peer.expect(Performative.DISPOSITION)


@pytest.mark.parametrize(
    ("address", "receives", "expected"),
    [
        ("nowhere", False, "amqp:not-found"),
        ("hub/Partitions/1", False, "amqp:not-found"),
        ("hub/ConsumerGroups/x/Partitions/1", True, "amqp:not-found"),
        ("hub", True, "amqp:invalid-field"),
        ("sb://[", False, "amqp:not-found"),
    ],
)
async def test_an_impossible_address_is_refused(
    broker: Broker, address: str, *, receives: bool, expected: str
) -> None:
    """The link is refused with its reason; the session lives on."""
    async with Peer.connected(broker) as peer:
        peer.open()
        peer.begin()
        peer.attach(address, receives=receives)
        assert condition(await peer.expect(Performative.DETACH), at=2) == expected
        peer.attach(WRITE, receives=False)
        peer.transfer(message())
        await peer.expect(Performative.DISPOSITION)


async def test_a_malformed_message_is_rejected_and_not_stored(broker: Broker) -> None:
    """The publisher is told, and readers never meet it."""
    async with Peer.connected(broker) as peer:
        peer.open()
        peer.begin()
        peer.attach(WRITE, receives=False)
        peer.transfer(b"no message", delivery_id=0)
        rejected = await peer.expect(Performative.DISPOSITION)
        peer.transfer(message(b"good"), delivery_id=1)
        accepted = await peer.expect(Performative.DISPOSITION)
    assert "amqp:decode-error" in str(rejected.fields.values[4])
    assert accepted.fields.values[4].descriptor == 0x24  # type: ignore[attr-defined]
    async with Peer.connected(broker) as reader:
        reading(reader)
        reader.flow(credit=10)
        assert (await reader.expect(Performative.TRANSFER)).payload.endswith(message(b"good"))


async def test_a_flood_without_end_is_bounded(broker: Broker) -> None:
    """A message that never ends is not kept, and is rejected for its size when it does."""
    async with Peer.connected(broker) as peer:
        peer.open()
        peer.begin()
        peer.attach(WRITE, receives=False)
        for _ in range(100):
            peer.transfer(bytes(60_000), more=True)
            await peer.writer.drain()
        (connection,) = broker._connections
        assert connection._unfinished <= 1024 * 1024
        peer.transfer(b"")
        rejected = await peer.expect(Performative.DISPOSITION)
    assert "amqp:link:message-size-exceeded" in str(rejected.fields.values[4])


async def test_mutated_frames_never_take_the_broker_down(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever single bytes of a good conversation become, the broker answers or closes, and serves on."""
    async with Peer.connected(broker) as peer:
        peer.open()
        peer.begin()
        peer.attach(WRITE, receives=False)
        peer.attach(READ, receives=True, handle=1)
        peer.transfer(message())
        peer.flow(credit=5)
        good = b"".join(peer.written)
    chance = random.Random(7)  # noqa: S311 - to be the same in every run
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        _reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(bad)
        await writer.drain()
        writer.close()
    await asyncio.sleep(0.2)
    assert await serves(broker)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
