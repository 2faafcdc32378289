"""What can a worker still tell, or write, that was held up while others went on?"""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest

from remediation.engine import Engine, Ports
from remediation.ledger.intent import Outcome
from remediation.ledger.memory import MemoryLedger
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.told import Message, MessageKind
from remediation.observe import Tally
from remediation.ports import Stored
from rules.signals import Health
from rules.topology import Workload
from tests.builders import a_signal
from tests.world import FakeHealthServices, FakeLever, FakeTeller, World


class PausedTeller(FakeTeller):
    """The channel of a worker that sleeps with one kind of message on the way."""

    def __init__(self, world: World, kind: MessageKind) -> None:
        super().__init__(world)
        self._kind = kind
        self.asleep = asyncio.Event()
        self.awake = asyncio.Event()

    async def tell(self, workload: Workload, message: Message) -> Outcome:
        """Deliver, perhaps much later."""
        if message.kind is self._kind:
            self.asleep.set()
            await self.awake.wait()
        return await super().tell(workload, message)


def a_worker_who_tells_late(world: World, teller: PausedTeller) -> Engine:
    """A worker with that teller."""
    ports = Ports(world.clock, world.ledger, FakeLever(world), FakeHealthServices(world), teller, teller)
    return Engine({world.workload.name: world.charge}, ports, "late")


def last_words(world: World) -> dict[str, set[MessageKind]]:
    """What each channel shows of the incident in the end: the last word counts."""
    last = {message.channel: message.kind for message in world.told}
    shown = defaultdict(set)
    for channel, kind in last.items():
        shown[str(channel)].add(kind)
    return shown


async def test_p8_a_trigger_that_comes_after_the_resolve_is_resolved_again() -> None:
    """P8: on-call is not left with an open page whose incident has ended, though a worker slept meanwhile."""
    world = World()
    await world.run(1)
    heir, teller = world.engine, PausedTeller(world, MessageKind.TRIGGER)
    world.engine = a_worker_who_tells_late(world, teller)
    sleeping = asyncio.create_task(world.node("weu", "BackgroundProcessor", Health.RED))
    await asyncio.wait_for(teller.asleep.wait(), 5)
    world.engine = heir
    await world.run(0.5)
    await world.node("weu", "BackgroundProcessor", Health.GREEN)
    await world.run(1)
    assert last_words(world)["page"] == {MessageKind.RESOLVE}
    teller.awake.set()
    await sleeping
    assert last_words(world)["page"] == {MessageKind.TRIGGER}
    await world.run(0.5)
    assert last_words(world) == {"page": {MessageKind.RESOLVE}, "notify": {MessageKind.RESOLVE}}
    assert (await world.record()).outbox == ()


class CutShortTeller(PausedTeller):
    """The same, and its worker's tick is over before it can say that the message was delivered."""

    async def tell(self, workload: Workload, message: Message) -> Outcome:
        """Deliver, and do not come back from it the first time."""
        first = not self.awake.is_set()
        outcome = await super().tell(workload, message)
        if first and message.kind is self._kind:
            await asyncio.Event().wait()
        return outcome


async def test_p8_what_a_tick_told_that_was_cut_short_is_made_up_for_at_the_next() -> None:
    """P8: the worker does not know whether its late page arrived, and says again what is so."""
    world = World()
    await world.run(1)
    heir, teller = world.engine, CutShortTeller(world, MessageKind.TRIGGER)
    late = world.engine = a_worker_who_tells_late(world, teller)
    sleeping = asyncio.create_task(world.node("weu", "BackgroundProcessor", Health.RED))
    await asyncio.wait_for(teller.asleep.wait(), 5)
    world.engine = heir
    await world.run(0.5)
    await world.node("weu", "BackgroundProcessor", Health.GREEN)
    await world.run(1)
    teller.awake.set()
    async with asyncio.timeout(5):
        while last_words(world)["page"] != {MessageKind.TRIGGER}:
            await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    world.engine = late
    await world.run(1)
    assert last_words(world) == {"page": {MessageKind.RESOLVE}, "notify": {MessageKind.RESOLVE}}


async def test_p8_a_resolve_that_comes_after_a_new_trigger_is_made_up_for() -> None:
    """P8: a late resolve does not close the page of the incident that has opened again meanwhile."""
    world = World()
    await world.run(1)
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(0.5)
    heir, teller = world.engine, PausedTeller(world, MessageKind.RESOLVE)
    world.engine = a_worker_who_tells_late(world, teller)
    sleeping = asyncio.create_task(world.node("weu", "BackgroundProcessor", Health.GREEN))
    await asyncio.wait_for(teller.asleep.wait(), 5)
    world.engine = heir
    await world.run(0.5)
    await world.node("weu", "BackgroundProcessor", Health.RED)
    teller.awake.set()
    await sleeping
    await world.run(0.5)
    assert last_words(world)["page"] == {MessageKind.TRIGGER}


class SlowLedger(MemoryLedger):
    """A ledger that takes its time, as one across a network does."""

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        await asyncio.sleep(0.001)
        return await super().load(workload)

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        await asyncio.sleep(0.003)
        return await super().save(record, version)


@pytest.mark.parametrize("workers", [1, 2])
async def test_p6_many_partitions_at_once_park_no_signal(workers: int) -> None:
    """P6: eight partitions of one workload write one record at once; nobody gives up, nothing is parked."""
    world = World()
    world.ledger = SlowLedger(world.shelf)
    world.tally = Tally()
    engines = [world.a_worker(f"worker-{number}") for number in range(workers)]

    async def partition(number: int) -> None:
        world.engine = engines[number % workers]
        for count in range(20):
            now = world.clock.now() + timedelta(milliseconds=count)
            node = f"node-{number}"
            said = a_signal("neu", node, id=f"{number}/{count}", observed_at=now)
            assert await world.says(said) == {}

    await asyncio.gather(*(partition(number) for number in range(8)))
    considered = {signal for entry in await world.ledger.journal("shop", 1000) for signal in entry.signals}
    assert len(considered) == 160
    if workers == 1:
        assert "ledger.conflicts" not in world.tally.counts()
