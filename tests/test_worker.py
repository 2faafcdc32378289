"""What becomes of each body that reaches the worker, by HTTP and by the hub?"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient

from local.eventhubs import Broker
from remediation.inbox import HubInbox
from remediation.intake.subject import Known
from remediation.ledger.memory import MemoryLedger
from remediation.misconfigured import Misconfigured
from remediation.ports import DeadLetter, LedgerUnavailableError
from remediation.views import unchanging
from remediation.worker import ROUTE_PROPERTY, Parts, Route, Worker, may_send
from rules.signals import Health
from tests.builders import NOW
from tests.test_desk import a_desk
from tests.world import World


class BuryingLedger(MemoryLedger):
    """A ledger whose dead letters can be out of reach."""

    gone = False

    async def bury(self, letter: DeadLetter) -> None:
        """See `Ledger`."""
        if self.gone:
            raise LedgerUnavailableError("no graves today")
        await super().bury(letter)

    async def check(self) -> None:
        """See `Ledger`."""
        if self.gone:
            raise LedgerUnavailableError("no graves today")


@dataclass
class Message:
    """A message of a batch, as the Functions worker hands it over."""

    body: bytes
    metadata: dict[str, Any] | None = None
    enqueued_time: datetime | None = NOW

    def get_body(self) -> bytes:
        """See `HubEvent`."""
        return self.body


@dataclass
class Bench:
    """A worker with a real hub behind its inbox."""

    worker: Worker
    world: World
    ledger: BuryingLedger
    broker: Broker
    letters: list[DeadLetter] = field(default_factory=list)

    async def codes(self) -> list[str]:
        """Why the dead letters are dead."""
        return sorted(letter.code for letter in await self.ledger.dead_letters())

    async def in_the_hub(self) -> list[tuple[bytes, str]]:
        """The bodies in the hub, each with its route."""
        found: list[tuple[bytes, str]] = []
        connection = self.broker.connection_string("signals")
        async with EventHubConsumerClient.from_connection_string(connection, "remediation") as client:
            last = (await client.get_partition_properties("0"))["last_enqueued_sequence_number"]

            async def on_event(context: Any, event: Any) -> None:
                found.append((b"".join(event.body), event.properties[ROUTE_PROPERTY.encode()].decode()))

            reading = asyncio.create_task(client.receive(on_event, partition_id="0", starting_position="-1"))
            while len(found) <= last:
                await asyncio.sleep(0.01)
            reading.cancel()
        return found


@asynccontextmanager
async def a_bench(folder: Path) -> AsyncIterator[Bench]:
    """A worker, its world, and a broker of one partition."""
    ledger = BuryingLedger()
    world = World(ledger=ledger)
    async with Broker(folder, {"signals": 1}) as broker:
        connection = broker.connection_string("signals")
        inbox = HubInbox(lambda: EventHubProducerClient.from_connection_string(connection, retry_total=0))
        known = Known({world.workload.name: world.workload})
        worker = Worker(
            Parts(unchanging(known), world.engine, inbox, ledger, world.clock, world.tally, a_desk(world))
        )
        yield Bench(worker, world, ledger, broker)
        await inbox.close()


def an_event(stamp: str = "weu", state: Health = Health.RED, **changes: Any) -> bytes:
    """A health-state change event."""
    data = {"workload": "shop", "stamp": stamp, "node": "BackgroundProcessor", "state": state, **changes}
    event = {
        "specversion": "1.0",
        "id": f"{stamp}-{state}",
        "source": "/health-models/shop",
        "type": "health.state.changed.v1",
        "time": "2026-11-21T03:00:00Z",
        "data": {"observed_at": "2026-11-21T03:00:00Z", "root": False, **data},
    }
    return json.dumps(event).encode()


async def test_a_body_is_accepted_when_the_hub_holds_it(tmp_path: Path) -> None:
    """202 means durable: the body lies in the hub as it came, with its route."""
    async with a_bench(tmp_path) as bench:
        reply = await bench.worker.receive(Route.HEALTH_EVENTS, an_event())
        assert (reply.status, reply.content["family"]) == (202, "health-event")
        assert await bench.in_the_hub() == [(an_event(), "health-events")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"half":', 400, "not_json"),
        (b"\xff\xfe", 400, "not_utf8"),
        (b'{"a": 1, "a": 2}', 400, "duplicate_key"),
        (b'{"a": "' + b"x" * 2_000_000 + b'"}', 413, "too_large"),
    ],
)
async def test_p7_what_nobody_could_read_is_refused_and_buried(
    tmp_path: Path, body: bytes, status: int, code: str
) -> None:
    """4xx, a dead letter with the reason, and nothing in the hub."""
    async with a_bench(tmp_path) as bench:
        reply = await bench.worker.receive(Route.ALERTS, body)
        assert (reply.status, reply.content["error"]) == (status, code)
        assert await bench.codes() == [code]
        assert await bench.in_the_hub() == []


@pytest.mark.parametrize("body", [b'{"what": "is this"}', an_event(workload="unheard-of")])
async def test_p7_what_no_family_knows_is_accepted_and_buried_by_the_consumer(
    tmp_path: Path, body: bytes
) -> None:
    """JSON that means nothing to us yet: 202, for the sender can do nothing about it; kept, for we may."""
    async with a_bench(tmp_path) as bench:
        assert (await bench.worker.receive(Route.ALERTS, body)).status == 202
        assert await bench.codes() == []
        await bench.worker.consume([Message(body, {"PropertiesArray": [{ROUTE_PROPERTY: "alerts"}]})])
        [letter] = await bench.ledger.dead_letters()
        assert (letter.route, letter.body) == ("alerts", body)


def a_handshake(code: object = "512d38b6-c7b8") -> dict[str, Any]:
    """The event by which Event Grid opens a webhook subscription."""
    data = {"validationCode": code, "validationUrl": "https://rp.example.net/validate?id=1"}
    return {
        "id": "h-1",
        "topic": "/subscriptions/6f1d",
        "subject": "",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": "2026-03-01T03:00:00Z",
        "dataVersion": "1",
        "data": data,
    }


@pytest.mark.parametrize("route", [Route.ALERTS, Route.HEALTH_EVENTS])
@pytest.mark.parametrize("body", [[a_handshake()], a_handshake()])
async def test_event_grid_s_handshake_is_answered_and_not_kept(
    tmp_path: Path, body: object, route: Route
) -> None:
    """200 with the code, as Event Grid wants it; it is no fact, so the hub and the graves stay empty."""
    async with a_bench(tmp_path) as bench:
        reply = await bench.worker.receive(route, json.dumps(body).encode())
        assert (reply.status, reply.content) == (200, {"validationResponse": "512d38b6-c7b8"})
        assert bench.world.tally.counts()["handshakes"] == 1
        assert await bench.codes() == []
        assert await bench.in_the_hub() == []


ALMOST_HANDSHAKES: list[object] = [
    [a_handshake(), a_handshake()],
    [a_handshake(), json.loads(an_event())],
    [[a_handshake()]],
    [],
    a_handshake(code=None),
    a_handshake(code=7),
    a_handshake(code=" "),
    a_handshake(code="x" * 257),
    a_handshake(code="a\nb"),
    {**a_handshake(), "eventType": "Microsoft.EventGrid.SubscriptionDeletedEvent"},
    {**a_handshake(), "data": None},
]


async def test_p7_what_only_looks_like_a_handshake_is_kept(tmp_path: Path) -> None:
    """Not alone, or without a code: it is taken in like any body, and nothing of it is lost."""
    bodies = [json.dumps(body).encode() for body in ALMOST_HANDSHAKES]
    async with a_bench(tmp_path) as bench:
        replies = [await bench.worker.receive(Route.ALERTS, body) for body in bodies]
        assert [reply.status for reply in replies] == [202] * len(bodies)
        assert [body for body, _ in await bench.in_the_hub()] == bodies


def test_a_sender_of_cloud_events_that_names_itself_may_send() -> None:
    """The handshake of CloudEvents: its own name comes back, and no limit to how often."""
    reply = may_send("eventgrid.azure.net")
    assert reply.status == 200
    assert reply.headers == {"WebHook-Allowed-Origin": "eventgrid.azure.net", "WebHook-Allowed-Rate": "*"}


@pytest.mark.parametrize("origin", [None, "", "x" * 257, "a\r\nSet-Cookie: b", "naïve.example"])
def test_a_sender_without_a_name_may_not(origin: str | None) -> None:
    """400, with the header that is missing, and nothing odd of the request in the answer."""
    reply = may_send(origin)
    assert (reply.status, reply.headers) == (400, {})
    assert "WebHook-Request-Origin" in reply.content["reason"]


async def test_without_a_hub_the_sender_must_try_again(tmp_path: Path) -> None:
    """503 and never 500: Azure Monitor tries again for the one and gives up for the other."""
    async with a_bench(tmp_path) as bench:
        await bench.broker.stop()
        reply = await bench.worker.receive(Route.ALERTS, an_event())
        assert reply.status == 503
        assert bench.world.tally.counts()["inbox.unavailable"] == 1


async def test_p7_a_body_that_can_be_kept_nowhere_is_not_refused(tmp_path: Path) -> None:
    """Unreadable, and no ledger to bury it in: the sender keeps it."""
    async with a_bench(tmp_path) as bench:
        bench.ledger.gone = True
        assert (await bench.worker.receive(Route.ALERTS, b"{")).status == 503


async def test_p7_an_unreadable_message_does_not_stop_its_batch(tmp_path: Path) -> None:
    """Buried with its reason and counted; the red beside it opens its incident."""
    async with a_bench(tmp_path) as bench:
        batch = [Message(b"{"), Message(an_event()), Message(b"[1, 2]"), Message(b"")]
        await bench.worker.consume(batch)
        assert len(await bench.codes()) == 4
        assert [page.incident for page in bench.world.pages()] == [
            "shop/weu/background-processor-cannot-read"
        ]
        counted = {
            name: n for name, n in bench.world.tally.counts().items() if name.startswith("dead_letters.")
        }
        assert sum(counted.values()) == 4


async def test_a_heartbeat_is_no_signal(tmp_path: Path) -> None:
    """`HEALTHCHECK=TRUE` is counted and otherwise left alone, by its place in the batch."""
    async with a_bench(tmp_path) as bench:
        shared = {"PropertiesArray": [{"HEALTHCHECK": "TRUE"}, {}]}
        await bench.worker.consume([Message(b"{}", shared), Message(an_event(), shared)])
        counts = bench.world.tally.counts()
        assert (counts["heartbeats"], counts["signals.accepted"]) == (1, 1)
        assert await bench.codes() == []


async def test_a_batch_without_metadata_or_times_is_taken_in(tmp_path: Path) -> None:
    """Older hosts leave out what newer ones give."""
    async with a_bench(tmp_path) as bench:
        await bench.worker.consume([Message(an_event(), metadata=None, enqueued_time=None)])
        await bench.worker.consume([Message(an_event("neu"), enqueued_time=NOW.replace(tzinfo=None))])
        assert bench.world.tally.counts()["signals.accepted"] == 2


async def test_replays_that_change_nothing_are_counted(tmp_path: Path) -> None:
    """P6: the hub delivers a batch again; no second decision is made of it."""
    async with a_bench(tmp_path) as bench:
        await bench.worker.consume([Message(an_event())])
        revision = (await bench.world.record()).revision
        await bench.worker.consume([Message(an_event())])
        assert (await bench.world.record()).revision == revision
        assert bench.world.tally.counts()["signals.replayed"] == 1


async def test_a_real_event_of_the_functions_library_is_taken_in(tmp_path: Path) -> None:
    """The library's own class fits what the worker asks of a message."""
    async with a_bench(tmp_path) as bench:
        event = func.EventHubEvent(body=an_event(), enqueued_time=NOW, trigger_metadata={})
        await bench.worker.consume([event])
        assert bench.world.tally.counts()["signals.accepted"] == 1


async def test_ready_says_what_was_counted_or_what_is_wrong(tmp_path: Path) -> None:
    """200 with the counts; 503 with the reason when the ledger is out of reach."""
    async with a_bench(tmp_path) as bench:
        await bench.worker.receive(Route.ALERTS, b"{")
        reply = await bench.worker.ready()
        assert (reply.status, reply.content["counts"]["received.alerts"]) == (200, 1)
        bench.ledger.gone = True
        assert (await bench.worker.ready()).status == 503


async def test_a_misconfigured_worker_loses_nothing_and_says_why() -> None:
    """Every sender tries again, the partition is held, and `/readyz` names the problem."""
    broken = Misconfigured("workload.yaml:3:1: unknown key `stamp`, did you mean `stamps`?")
    assert (await broken.receive(Route.ALERTS, b"{}")).status == 503
    with pytest.raises(RuntimeError, match="did you mean"):
        await broken.consume([])
    await broken.tick()
    assert "did you mean" in (await broken.ready()).content["reason"]
