"""Is a new stamp judged by what was said of the one that had its name before?"""

from dataclasses import replace

from remediation.decide.plan import Charge
from remediation.ledger.told import MessageKind
from rules.policy import Mode, Policy
from rules.signals import AlertState, Health
from tests.builders import a_workload
from tests.engine.test_guarded_drain import effects
from tests.world import CANNOT_READ_RULE, ROOT_RED, World


def there(world: World, *names: str) -> None:
    """Of all stamps these are part of the workload from now on."""
    stamps = tuple(stamp for stamp in a_workload().stamps if stamp.name in names)
    world.workload = replace(world.workload, stamps=stamps)
    world.charge = Charge(world.workload, world.charge.rules)
    world.engine = world.a_worker("worker-1")


async def test_an_alert_of_a_stamp_that_was_deleted_drains_no_later_one_of_its_name() -> None:
    """Blue/green: the alert on the old hub fires while it is deleted, and never resolves (P3)."""
    world = World(a_workload(mode=Mode.AUTO), (ROOT_RED, CANNOT_READ_RULE))
    await world.run(2)
    await world.alert("weu", AlertState.FIRED)
    there(world, "neu", "eus")
    await world.run(10)
    there(world, "weu", "neu", "eus")
    await world.run(20)
    record = await world.record()
    assert (effects(world), record.intents, record.findings) == ([], {}, {})


async def test_a_red_of_a_stamp_that_was_deleted_pages_nobody_about_a_later_one() -> None:
    """The page of the old one was closed, and says that its stamp is gone."""
    never_drains = a_workload(mode=Mode.AUTO, policy=Policy(min_serving=3))
    world = World(never_drains, (ROOT_RED, CANNOT_READ_RULE))
    await world.run(2)
    await world.node("weu", "Stamp", Health.RED)
    await world.run(1)
    there(world, "neu", "eus")
    await world.run(2)
    (closed,) = world.pages(MessageKind.RESOLVE)
    assert closed.title.endswith("(closed: weu is no longer part of the workload)")
    told = len(world.told)
    there(world, "weu", "neu", "eus")
    await world.run(120)
    assert len(world.told) == told
