"""What do people see of a workload whose file is deleted while the worker runs?"""

from remediation.decide.plan import Charge
from remediation.engine import Engine, Ports
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.told import Channel, MessageKind
from rules.signals import Health
from tests.builders import a_workload
from tests.engine.test_broken_ledger import FailingLedger
from tests.engine.test_guarded_drain import CANNOT_READ, effects, watched
from tests.world import ROOT_RED, FakeHealthServices, FakeLever, FakeQueues, FakeTeller, World

CLOSED = "(closed: shop is no longer in the worker's charge; weu was left out of rotation by the worker)"


def a_worker(world: World, charges: dict[str, Charge]) -> Engine:
    """A worker whose charges may be changed under it."""
    ports = Ports(
        clock=world.clock,
        ledger=world.ledger,
        lever=FakeLever(world),
        health_services=FakeHealthServices(world),
        pager=FakeTeller(world),
        notifier=FakeTeller(world),
        queues=FakeQueues(world),
    )
    return Engine(charges, ports, "worker-1")


async def a_drained_world() -> tuple[World, Engine, dict[str, Charge]]:
    """One stamp is drained, and there is a page for that."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    charges = {"shop": world.charge}
    await world.run(2)
    world.reads.discard("weu")
    await world.run(8)
    assert effects(world) == ["drained weu"]
    engine = a_worker(world, charges)
    await engine.reconcile_all()
    return world, engine, charges


def ends(world: World) -> list[tuple[Channel, str]]:
    """What was told to be over."""
    return [(each.channel, each.title) for each in world.told if each.kind is MessageKind.RESOLVE]


async def test_its_pages_are_closed_and_say_what_is_left_out_of_rotation() -> None:
    """Nothing is orphaned (P8, P14): nobody will ask about that stamp any more, so it is said now."""
    world, engine, charges = await a_drained_world()
    charges.clear()
    await engine.reconcile_all()
    assert {channel for channel, _ in ends(world)} == set(Channel)
    assert all(title.endswith(CLOSED) for _, title in ends(world))
    for _ in range(3):
        await engine.reconcile_all()
    assert len(ends(world)) == 2
    assert (await world.record()).incidents == {}


async def test_it_is_told_when_the_pager_and_the_ledger_answer_again() -> None:
    """Neither a pager nor a ledger that is away loses it."""
    world, _, charges = await a_drained_world()
    world.ledger = ledger = FailingLedger(world.shelf)
    engine = a_worker(world, charges)
    await engine.reconcile_all()
    charges.clear()
    ledger.gone = True
    await engine.reconcile_all()
    ledger.gone = False
    world.pager_answers = [Outcome(OutcomeKind.TRANSIENT, "503")]
    await engine.reconcile_all()
    assert [channel for channel, _ in ends(world)] == [Channel.NOTIFY]
    world.clock.turn(world.workload.policy.settle)
    await engine.reconcile_all()
    assert len(ends(world)) == 2


async def test_a_file_that_comes_back_finds_its_stamp_where_it_was() -> None:
    """The record keeps the drain as ours: it is told again, and ends by proof."""
    world, engine, charges = await a_drained_world()
    charge = charges.pop("shop")
    await engine.reconcile_all()
    charges["shop"] = charge
    await engine.reconcile_all()
    assert list((await world.record()).incidents) == ["shop/weu/background-processor-cannot-read"]
    world.reads.add("weu")
    await world.run(13)
    assert effects(world) == ["drained weu", "rejoined weu"]


async def test_of_a_workload_that_is_well_nothing_is_told() -> None:
    """Whoever deleted the file knows it."""
    world = World(a_workload())
    charges = {"shop": world.charge}
    engine = a_worker(world, charges)
    await world.node("weu", "Stamp", Health.GREEN)
    await engine.reconcile_all()
    charges.clear()
    await engine.reconcile_all()
    assert world.told == []
