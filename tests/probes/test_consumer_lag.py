"""Does the probe see on a real hub, and in what Azure's SDK wrote, how far was read?"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

import pytest
import pytest_asyncio
from azure.eventhub.aio import EventHubConsumerClient

from local.eventhubs import Broker
from remediation.decide.lag import Lag, QueueState, follow, judge
from remediation.probes.blind import BlindError
from remediation.probes.consumer_lag import ConsumerLag
from remediation.probes.event_hub import Filled, read_hub
from rules.policy import Policy
from rules.signals import Health
from rules.topology import BlobContainer
from tests.azurite import connection_string, port_of
from tests.builders import NOW, a_stamp
from tests.local.sdk import Clients, until
from tests.probes.lag_stage import (
    GROUP,
    HUB,
    STORAGE,
    LagStage,
    NoToken,
    a_listener,
    passes_on,
    says_nothing,
)
from tests.storage_proxy import Exchange, storage_proxy

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

HUBS = [f"Orders-{at}" for at in range(40)]
_NEXT = count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    """A broker with a hub of two partitions for each test."""
    hubs = dict.fromkeys(HUBS, 2) | {"wide": 80}
    async with Broker(tmp_path_factory.mktemp("broker"), hubs, key="the right key") as broker:
        yield broker


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(broker: Broker) -> AsyncIterator[Clients]:
    """The SDK; what it made is closed before the broker is."""
    clients = Clients()
    clients.producer(broker.connection_string("wide"))  # one at least, or there is nothing to close
    yield clients
    await clients.close()


@pytest_asyncio.fixture(loop_scope="module")
async def stage(broker: Broker, clients: Clients, azurite: str, container_name: str) -> LagStage:
    """A stamp with a hub that nobody has used, and an empty container for its checkpoints."""
    stage = LagStage(broker.connection_string(), HUBS[next(_NEXT)], azurite, container_name, clients)
    async with stage.blobs() as container:
        await container.create_container()
    return stage


@pytest_asyncio.fixture(loop_scope="module")
async def probe(stage: LagStage) -> AsyncIterator[ConsumerLag]:
    """The probe, closed afterwards."""
    probe = stage.probe()
    yield probe
    await probe.close()


# --- what it sees ---


async def test_it_sees_what_the_sdks_processor_wrote(stage: LagStage, probe: ConsumerLag) -> None:
    """A real consumer with the SDK's own store reads everything: checkpoints stand at the newest events."""
    await stage.send("0", 3)
    await stage.send("1", 5)
    async with stage.processing() as done:
        await until(lambda: len(done) == 8, within=30)
        look = await probe.look(stage.stamp)
    assert (look.stamp, look.at, look.reason, look.beyond) == ("weu", NOW, "", 0)
    assert {name: (one.last_enqueued, one.checkpoint) for name, one in look.partitions.items()} == {
        "0": (2, 2),
        "1": (4, 4),
    }
    just_now = datetime.now(UTC) - timedelta(minutes=2)
    for one in look.partitions.values():
        times = (one.last_enqueued_at, one.checkpoint_at, one.owned_at)
        assert all(seen is not None and just_now < seen for seen in times)
    assert look.hub_created_at is not None


async def test_a_processor_that_goes_in_peace_gives_up_its_claims(
    stage: LagStage, probe: ConsumerLag
) -> None:
    """The SDK empties its claims at its close: nobody owns the partitions, however new the blobs are."""
    await stage.send("0", 1)
    await stage.process(1)
    look = await probe.look(stage.stamp)
    assert look.partitions["0"].checkpoint == 0
    assert [one.owned_at for one in look.partitions.values()] == [None, None]


async def test_f21_a_processor_that_stops_is_seen_and_judged(stage: LagStage, probe: ConsumerLag) -> None:
    """It reads, stops, and more is sent: green, and red three minutes later; when it reads again, green."""
    state: QueueState | None = None

    async def verdict() -> tuple[Lag, Health]:
        nonlocal state
        state = follow(state, await probe.look(stage.stamp))
        judged = judge(state, stage.clock.moment, Policy(), database_red=False)
        return judged.kind, judged.health

    await stage.send("0", 4)
    await stage.process(4)
    assert await verdict() == (Lag.READING, Health.GREEN)
    await stage.send("0", 2)
    await stage.send("1", 1)
    for _ in range(6):
        stage.clock.forward(30)
        assert await verdict() == (Lag.READING, Health.GREEN)
    stage.clock.forward(30)
    assert await verdict() == (Lag.STALLED, Health.RED)
    assert state is not None
    assert state.unread == 3
    await stage.process(3)
    stage.clock.forward(30)
    assert await verdict() == (Lag.READING, Health.GREEN)


async def test_a_hub_that_nobody_used_has_no_numbers(stage: LagStage, probe: ConsumerLag) -> None:
    """Never written, never read: minus one, no checkpoint, and no time that somebody could take for one."""
    look = await probe.look(stage.stamp)
    assert list(look.partitions) == ["0", "1"]
    for one in look.partitions.values():
        assert (one.last_enqueued, one.last_enqueued_at, one.first) == (-1, None, 0)
        assert (one.checkpoint, one.checkpoint_at, one.owned_at) == (None, None, None)


class Emptied:
    """A hub all of whose events have expired, as Azure describes it; the local broker keeps the newest."""

    async def get_eventhub_properties(self) -> dict[str, Any]:
        """One partition."""
        return {"created_at": NOW, "partition_ids": ["0"]}

    async def get_partition_properties(self, _: str) -> dict[str, Any]:
        """There were a hundred events, and none is left."""
        return {
            "beginning_sequence_number": 40,
            "last_enqueued_sequence_number": 99,
            "last_enqueued_time_utc": NOW,
            "is_empty": True,
        }


async def test_of_an_emptied_partition_nothing_can_be_read() -> None:
    """Where the hub says that a partition is empty, its oldest event is the next one to come."""
    seen = await read_hub(cast("EventHubConsumerClient", Emptied()), "orders")
    assert seen.partitions["0"] == Filled(99, NOW, first=100)


async def test_it_reads_the_layout_of_azures_sdks_and_ignores_the_rest(
    stage: LagStage, probe: ConsumerLag
) -> None:
    """Other groups and odd blobs do not count, nor a claim given up, nor a number that nobody can read."""
    await stage.send("0", 3)
    prefix = f"{stage.namespace}/{stage.hub}/{GROUP}/".lower()
    async with stage.blobs() as blobs:
        for name, metadata in {
            f"{prefix}checkpoint/0": {"SequenceNumber": "1", "Offset": "17"},
            f"{prefix}ownership/0": {"ownerid": ""},
            f"{prefix}checkpoint/1": {"offset": "9"},
            f"{prefix}ownership/1": {"ownerid": "someone"},
            f"{prefix}checkpoint/77": {"sequencenumber": "5"},
            f"{prefix}notes": {"ownerid": "x"},
            f"{prefix.replace(GROUP, GROUP + '-2')}checkpoint/0": {"sequencenumber": "2"},
        }.items():
            await blobs.upload_blob(name, b"", metadata=metadata)
    look = await probe.look(stage.stamp)
    zero, one = look.partitions["0"], look.partitions["1"]
    assert (zero.checkpoint, zero.owned_at, one.checkpoint) == (1, None, None)
    assert one.owned_at is not None
    assert set(look.partitions) == {"0", "1"}


async def test_the_storage_is_asked_once_a_look(stage: LagStage, azurite: str) -> None:
    """Checkpoints and claims of all partitions come with one listing."""
    await stage.send("0", 1)
    await stage.send("1", 1)
    await stage.process(2)
    async with storage_proxy(port_of(azurite)) as proxy:
        stage.secrets[STORAGE.name] = connection_string(proxy.port)
        probe = stage.probe()
        look = await probe.look(stage.stamp)
        await probe.close()
        assert look.reason == ""
        assert look.partitions["1"].checkpoint == 0
        assert len(proxy.exchanges) == 1


async def test_a_checkpoint_is_never_ahead_of_the_hub_by_chance(stage: LagStage, azurite: str) -> None:
    """Sent and read while we look: the hub is asked after the checkpoints, so it knows of every event."""
    await stage.send("0", 1)

    async def meanwhile(_: Exchange) -> None:
        await stage.send("0", 5)
        await stage.process(6)

    async with storage_proxy(port_of(azurite)) as proxy:
        proxy.hold = meanwhile
        stage.secrets[STORAGE.name] = connection_string(proxy.port)
        probe = stage.probe(timeout_seconds=60)
        look = await probe.look(stage.stamp)
        await probe.close()
    assert (look.partitions["0"].last_enqueued, look.partitions["0"].checkpoint) == (5, 5)


async def test_of_a_very_wide_hub_the_first_partitions_are_seen(stage: LagStage) -> None:
    """Sixty-four are asked for, in the order of their numbers; the rest is counted."""
    stage.hub = "wide"
    # How long it takes is not what is asked here, and a busy machine takes its time.
    probe = stage.probe(timeout_seconds=60)
    try:
        look = await probe.look(stage.stamp)
    finally:
        await probe.close()
    assert list(look.partitions) == [str(number) for number in range(64)]
    assert look.beyond == 16


# --- what is in the way ---


async def test_a_missing_container_is_named(stage: LagStage, probe: ConsumerLag) -> None:
    """A container that is not there is blindness with its own words, not a group without checkpoints."""
    stage.container = "never-made"
    look = await probe.look(stage.stamp)
    assert look.reason == "checkpoint container never-made not found"
    assert not look.partitions


async def test_a_missing_hub_is_named(stage: LagStage, probe: ConsumerLag) -> None:
    """A hub that is not there is not an unreachable one."""
    stage.hub = "nowhere"
    assert (await probe.look(stage.stamp)).reason == "event hub nowhere not found"


async def test_missing_rights_are_named(stage: LagStage, probe: ConsumerLag) -> None:
    """A wrong key is told for either side, with the status, and the key is not."""
    stage.secrets[HUB.name] = stage.connection.replace("the right key", "SECRET")
    look = await probe.look(stage.stamp)
    assert look.reason == f"no right to look at event hub {stage.hub}: 401"
    wrong = stage.storage.replace("AccountKey=", "AccountKey=U0VDUkVU")
    stage.secrets |= {HUB.name: stage.connection, STORAGE.name: wrong}
    await probe.close()
    look = await probe.look(stage.stamp)
    words = f"no right to read checkpoint container {stage.container}: 403 AuthorizationFailure"
    assert look.reason == words


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        (HUB, "event hub {hub} unreachable: connect call failed"),
        (STORAGE, "checkpoints' storage unreachable: connection refused"),
    ],
)
async def test_an_unreachable_side_is_told_at_once(
    stage: LagStage, probe: ConsumerLag, ref: object, reason: str
) -> None:
    """Where nobody listens the look ends without waiting for the time-out."""
    async with a_listener(says_nothing) as port:
        pass
    stage.secrets |= {
        HUB.name: f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=a;SharedAccessKey=b;"
        "UseDevelopmentEmulator=true"
        if ref is HUB
        else stage.connection,
        STORAGE.name: connection_string(port) if ref is STORAGE else stage.storage,
    }
    begun = time.monotonic()
    look = await probe.look(stage.stamp)
    assert look.reason == reason.format(hub=stage.hub)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("silent", ["event hub", "checkpoints' storage"])
async def test_a_silent_side_is_told_when_time_is_up(stage: LagStage, silent: str) -> None:
    """Whoever takes the connection and says nothing costs the time-out and no more, and is named."""
    async with a_listener(says_nothing) as port:
        if silent == "event hub":
            stage.secrets[HUB.name] = (
                f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=a;SharedAccessKey=b;"
                "UseDevelopmentEmulator=true"
            )
        else:
            stage.secrets[STORAGE.name] = connection_string(port)
        probe = stage.probe(timeout_seconds=0.5)
        await probe.look(a_stamp())
        begun = time.monotonic()
        look = await probe.look(stage.stamp)
        took = time.monotonic() - begun
        await probe.close()
    named = f"event hub {stage.hub}" if silent == "event hub" else silent
    assert look.reason == f"{named} did not answer within 0.5 s"
    assert 0.4 < took < 2.5


async def test_a_storage_that_is_busy_is_told_with_its_status(stage: LagStage, probe: ConsumerLag) -> None:
    """What is neither missing nor forbidden is unreadable, and the storage's own words say why."""

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nx-ms-error-code: ServerBusy\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with a_listener(busy) as port:
        stage.secrets[STORAGE.name] = connection_string(port)
        look = await probe.look(stage.stamp)
    assert look.reason == f"checkpoint container {stage.container} unreadable: 503 ServerBusy"


async def test_a_stamp_without_a_hub_cannot_be_looked_at(probe: ConsumerLag) -> None:
    """The workload file may leave the hub out; then there is nothing to see."""
    look = await probe.look(a_stamp())
    assert look.reason == "the workload file names no event hub of this stamp"


@pytest.mark.parametrize(
    ("secrets", "reason"),
    [
        ({HUB.name: None}, "environment variable SHOP_HUB is not set"),
        ({STORAGE.name: None}, "environment variable SHOP_CHECKPOINTS is not set"),
        ({HUB.name: "SECRET"}, "SHOP_HUB holds no connection string of an event hub"),
        ({STORAGE.name: "SECRET"}, "SHOP_CHECKPOINTS holds no connection string of a storage"),
    ],
)
async def test_a_missing_or_odd_secret_is_named_and_not_told(
    stage: LagStage, probe: ConsumerLag, secrets: dict[str, str | None], reason: str
) -> None:
    """People read which variable is wrong, and never what it holds."""
    kept = {**stage.secrets, **secrets}
    stage.secrets = {name: value for name, value in kept.items() if value is not None}
    assert (await probe.look(stage.stamp)).reason == reason


async def test_an_identity_that_gives_no_token_is_told(stage: LagStage, probe: ConsumerLag) -> None:
    """Where managed identity is wanted and there is none, each side says so in its own words."""
    hub = stage.stamp.event_hub
    assert hub is not None
    by_url = BlobContainer(stage.container, account_url="https://127.0.0.1:1/account")
    look = await probe.look(a_stamp(event_hub=replace(hub, checkpoints=by_url)))
    assert look.reason == "no token for the checkpoints' storage"
    # The probe itself speaks TLS where an identity is used, which the broker does not.
    async with EventHubConsumerClient(
        stage.namespace, stage.hub, GROUP, NoToken(), use_tls=False, retry_total=0
    ) as client:
        with pytest.raises(BlindError, match=r"^no token for the event hub$"):
            await read_hub(client, stage.hub)


async def test_a_namespace_is_reached_by_identity(stage: LagStage, probe: ConsumerLag) -> None:
    """Without a connection string the namespace's own name is used, and its blobs are looked for by it."""
    hub = stage.stamp.event_hub
    assert hub is not None
    by_name = replace(hub, connection=None, namespace="no-such-namespace.invalid")
    look = await probe.look(a_stamp(event_hub=by_name))
    assert look.reason.startswith(f"event hub {stage.hub} unreachable: ")


async def test_a_hub_lost_in_the_middle_of_a_look_is_told(stage: LagStage, probe: ConsumerLag) -> None:
    """One partition that does not answer ends the look: the others alone are no sight of the queue."""
    connections = count()

    async def only_the_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(connections) == 0:
            await passes_on(stage.namespace)(reader, writer)
        writer.close()

    async with a_listener(only_the_first) as port:
        stage.secrets[HUB.name] = stage.connection.replace(stage.namespace, f"127.0.0.1:{port}")
        look = await probe.look(stage.stamp)
    assert look.reason.startswith(f"event hub {stage.hub} unreachable: ")
    assert not look.partitions


async def test_an_address_that_is_none_is_told(stage: LagStage, probe: ConsumerLag) -> None:
    """A storage account without a URL is a fault in the file, told as one."""
    hub = stage.stamp.event_hub
    assert hub is not None
    nowhere = replace(hub, checkpoints=BlobContainer("c"))
    look = await probe.look(a_stamp(event_hub=nowhere))
    assert look.reason == "the URL of the checkpoints' storage account cannot be used"


# --- afterwards ---


async def test_after_an_error_everything_is_made_anew(stage: LagStage, probe: ConsumerLag) -> None:
    """A secret that is put right is used by the next look: nothing broken is kept."""
    stage.secrets[HUB.name] = stage.connection.replace("the right key", "a wrong key")
    assert (await probe.look(stage.stamp)).reason.startswith("no right")
    stage.secrets[HUB.name] = stage.connection
    assert (await probe.look(stage.stamp)).reason == ""


async def test_after_its_close_a_probe_can_look_again(stage: LagStage, probe: ConsumerLag) -> None:
    """Closing gives up connections, not the ability to look."""
    assert (await probe.look(stage.stamp)).reason == ""
    await probe.close()
    assert (await probe.look(stage.stamp)).reason == ""


async def test_a_broker_that_restarts_is_seen_again(
    stage: LagStage, probe: ConsumerLag, broker: Broker
) -> None:
    """Connections cut between two looks do not blind the next one."""
    assert (await probe.look(stage.stamp)).reason == ""
    await broker.drop_connections()
    assert (await probe.look(stage.stamp)).reason == ""


async def test_a_look_that_is_cancelled_ends(stage: LagStage) -> None:
    """Who stops waiting for a look leaves nothing running behind."""
    async with a_listener(says_nothing) as port:
        stage.secrets[STORAGE.name] = connection_string(port)
        probe = stage.probe(timeout_seconds=30)
        looking = asyncio.create_task(probe.look(stage.stamp))
        await asyncio.sleep(0.5)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        begun = time.monotonic()
        await probe.close()
        assert time.monotonic() - begun < 1.5


async def test_looks_at_two_stamps_do_not_wait_for_each_other(stage: LagStage) -> None:
    """One stamp whose storage hangs costs the others nothing."""
    async with a_listener(says_nothing) as port:
        stage.secrets["OTHER"] = connection_string(port)
        hub = stage.stamp.event_hub
        assert hub is not None
        container = BlobContainer("c", connection=replace(STORAGE, name="OTHER"))
        other = a_stamp("neu", event_hub=replace(hub, checkpoints=container))
        probe = stage.probe(timeout_seconds=5)
        hanging = asyncio.create_task(probe.look(other))
        look = await probe.look(stage.stamp)
        assert look.reason == ""
        assert not hanging.done()
        hanging.cancel()
        await probe.close()
