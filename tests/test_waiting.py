"""Do people learn of a workload that is not in force, and that it is again?"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from azure.eventhub.aio import EventHubProducerClient

from remediation.charges import Charges, InForce
from remediation.desk import Desk
from remediation.engine import Engine, Ports
from remediation.inbox import HubInbox
from remediation.intake.subject import Known
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.told import Channel, MessageKind
from remediation.probes.stamps import Listed
from remediation.views import View, Views
from remediation.waiting import AGAIN_AFTER, Alarm, Waiting
from remediation.worker import Parts, Worker
from tests.builders import a_workload
from tests.rules.test_discovery_file import WEU_GROUP
from tests.test_charges import BAKERY, FOUND, Stage
from tests.world import FakeHealthServices, FakeLever, FakeTeller, World

SHOP = "shop/global/configuration"
UNKNOWN = OutcomeKind.UNKNOWN
FORBIDDEN = "the stamps of shop cannot be found: HTTP 403"


@dataclass
class Kept:
    """A memory that outlives workers."""

    content: dict[str, bytes] = field(default_factory=dict)

    async def recall(self, key: str) -> bytes | None:
        """See `Memory`."""
        return self.content.get(key)

    async def keep(self, key: str, content: bytes) -> None:
        """See `Memory`."""
        self.content[key] = content


def told_by_page(world: World) -> list[tuple[MessageKind, str]]:
    """What people were paged."""
    return [(one.kind, one.incident) for one in world.told if one.channel is Channel.PAGE]


def told(world: World) -> list[tuple[MessageKind, str]]:
    """What people were told, and about what."""
    assert all(message.channel is Channel.PAGE for message in world.told)
    return [(message.kind, message.incident) for message in world.told]


async def test_p8_a_workload_that_waits_is_paged_under_one_key_until_it_is_well() -> None:
    """At once, again every five minutes, and its end once."""
    world, shop = World(), a_workload()
    alarm = Alarm(FakeTeller(world), world.clock, Kept())
    for _ in range(3):
        await alarm.tell([(shop, "HTTP 403")])
        world.clock.turn(AGAIN_AFTER / 2)
    assert told(world) == [(MessageKind.TRIGGER, SHOP)] * 2
    assert world.told[0].facts == (("Reason", "HTTP 403"),)
    for _ in range(2):
        await alarm.tell([], [shop])
    assert told(world)[2:] == [(MessageKind.RESOLVE, SHOP)]


async def test_p8_a_page_that_was_not_taken_is_tried_at_the_next_tick() -> None:
    """So is its end."""
    world, shop = World(), a_workload()
    alarm = Alarm(FakeTeller(world), world.clock, Kept())
    world.pager_answers = [
        Outcome(UNKNOWN, "lost"),
        Outcome(OutcomeKind.APPLIED, ""),
        Outcome(UNKNOWN, "lost"),
    ]
    await alarm.tell([(shop, "x")])
    await alarm.tell([(shop, "x")])
    await alarm.tell([], [shop])
    await alarm.tell([], [shop])
    assert told(world) == [(MessageKind.TRIGGER, SHOP), (MessageKind.RESOLVE, SHOP)]
    assert world.pager_answers == []


async def test_p8_a_page_that_may_have_been_taken_ends_too() -> None:
    """Nobody heard what came of it, and it is over before it could be said again."""
    world, shop = World(), a_workload()
    alarm = Alarm(FakeTeller(world), world.clock, Kept())
    world.pager_answers = [Outcome(UNKNOWN, "lost")]
    await alarm.tell([(shop, "x")])
    await alarm.tell([], [shop])
    assert told(world) == [(MessageKind.RESOLVE, SHOP)]


async def test_p8_the_next_process_ends_what_the_last_one_paged() -> None:
    """A mended file is most often a new process; who was never told is told nothing."""
    world, shop, kept = World(), a_workload(), Kept()
    await Alarm(FakeTeller(world), world.clock, kept).tell([(shop, "x")])
    later = Alarm(FakeTeller(world), world.clock, kept)
    await later.tell([], [shop, a_workload(name="bakery")])
    assert told(world)[1:] == [(MessageKind.RESOLVE, SHOP)]
    await Alarm(FakeTeller(world), world.clock, kept).tell([], [shop])
    assert len(world.told) == 2


@pytest.mark.parametrize("content", [b"{", b"3", b"\xff"])
async def test_what_was_kept_and_cannot_be_read_is_nothing(content: bytes) -> None:
    """A page goes out all the same."""
    world = World()
    await Alarm(FakeTeller(world), world.clock, Kept({"told-of-waiting": content})).tell(
        [(a_workload(), "x")]
    )
    assert len(world.told) == 1


def _no_hub() -> EventHubProducerClient:
    raise NotImplementedError("nothing goes through the hub")


@dataclass
class Bench:
    """A worker whose only workload waits for its stamps."""

    world: World
    stage: Stage
    charges: Charges
    worker: Worker

    async def tick(self, times: int = 1, seconds: float = 30) -> None:
        """Let time pass, with a tick at its end."""
        for _ in range(times):
            self.stage.clock.forward(seconds)
            self.world.clock.turn(timedelta(seconds=seconds))
            await self.worker.tick()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Azure refuses to list its resource groups."""
    (tmp_path / "workloads").mkdir()
    stage = Stage(tmp_path / "workloads", tmp_path / "rules.yaml")
    stage.write(shop=FOUND)
    stage.lists.now = Listed(None, None, "HTTP 403")
    world, charges = World(), stage.charges()
    in_force, teller = InForce(charges), FakeTeller(world)
    ports = Ports(
        world.clock,
        world.ledger,
        FakeLever(world),
        FakeHealthServices(world),
        pager=teller,
        notifier=teller,
        tally=world.tally,
    )
    worker = Worker(
        Parts(
            Views(charges, lambda: View(Known({}))),
            Engine(in_force, ports, "worker-1", problem=lambda: charges.problem or ""),
            HubInbox(_no_hub),
            world.ledger,
            world.clock,
            world.tally,
            Desk(in_force, ports, charges),
            Waiting(charges, Alarm(teller, world.clock, Kept())),
        )
    )
    return Bench(world, stage, charges, worker)


async def test_p9_people_are_paged_for_the_only_workload_that_waits(bench: Bench) -> None:
    """Not for a hiccup; after two minutes, with the reason, and its end when the stamps are known."""
    await bench.tick(4)
    assert bench.world.told == []
    await bench.tick(2)
    assert told(bench.world) == [(MessageKind.TRIGGER, SHOP)]
    assert bench.world.told[0].facts == (("Reason", FORBIDDEN),)
    bench.stage.told()
    await bench.tick()
    assert told(bench.world)[1:] == [(MessageKind.RESOLVE, SHOP)]


async def test_one_that_waits_beside_others_is_paged_by_its_own_channel(bench: Bench) -> None:
    """The others' records tell theirs; what stands there ends there."""
    bench.stage.write(bakery=BAKERY)
    await bench.tick(8)
    assert bench.charges.problem == FORBIDDEN
    pages = [incident for kind, incident in told_by_page(bench.world) if kind is MessageKind.TRIGGER]
    assert set(pages) >= {SHOP, "bakery/global/configuration"}
    bench.stage.told(WEU_GROUP)
    await bench.tick(2)
    ends = [incident for kind, incident in told_by_page(bench.world) if kind is MessageKind.RESOLVE]
    assert sorted(ends) == ["bakery/global/configuration", SHOP]


async def test_a_worker_with_a_workload_that_waits_is_not_ready(bench: Bench) -> None:
    """503 with the reason; a problem while something is in force is told beside the counts."""
    reply = await bench.worker.ready()
    assert (reply.status, reply.content) == (503, {"status": "waiting", "reason": f"shop waits: {FORBIDDEN}"})
    bench.stage.told()
    await bench.tick()
    reply = await bench.worker.ready()
    assert reply.status == 200
    assert "problem" not in reply.content
    bench.stage.write(shop="")
    await bench.tick(3)
    reply = await bench.worker.ready()
    assert reply.status == 200
    assert "shop.yaml" in reply.content["problem"]


async def test_orders_that_move_no_stamp_are_taken_for_a_workload_that_waits(bench: Bench) -> None:
    """People hold, silence and release it; nothing is moved that nobody can look at."""
    await bench.tick()
    for order in ("hold", "silence", "release"):
        said = {"order": order, "workload": "shop", "author": "ada", "reason": "x"}
        timed = {"for": "1h"} if order != "release" else {}
        reply = await bench.worker.order(json.dumps(said | timed).encode())
        assert reply.status == 200, reply.content
    record = (await bench.world.ledger.load("shop")).record
    assert (record.hold, [muted.reason for muted in record.silences]) == (None, ["x"])
    said = {"order": "drain", "workload": "shop", "author": "ada", "reason": "x", "stamp": "weu"}
    reply = await bench.worker.order(json.dumps(said).encode())
    assert reply.status == 400
    assert reply.content["reason"] == (
        f"shop is not in force, and none of its stamps can be moved: {FORBIDDEN}"
    )
    reply = await bench.worker.order(json.dumps(said | {"workload": "bakery"}).encode())
    assert reply.content["reason"] == "workload: there is no 'bakery'; there are: shop"
