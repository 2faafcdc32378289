"""What is told while nobody can see whether a processor reads, and what while it need not?"""

from structlog.testing import capture_logs

from remediation.decide.lag import DATABASE_RETRIES
from remediation.ledger.told import Channel
from rules.load import load_catalog
from rules.signals import Health
from tests.engine.test_guarded_drain import CANNOT_READ, EDGE, effects, watched
from tests.world import ROOT_RED, World


async def test_a_stall_is_excused_while_the_health_model_says_that_the_database_fails() -> None:
    """Its processor tries again by itself for 275 s, and HealthService need not have seen it (F21)."""
    world = World(watched(), (ROOT_RED, CANNOT_READ, EDGE))
    await world.run(2)
    await world.node("weu", "Database", Health.RED)
    world.reads.discard("weu")
    await world.run(DATABASE_RETRIES.total_seconds() / 60)
    assert effects(world) == []
    await world.run(6)
    assert effects(world) == ["drained weu"]


async def test_a_hub_that_nobody_may_look_at_is_told_and_in_the_end_somebody_is_woken() -> None:
    """A right that was taken away opens the hole of F21 again, without a word of anybody else."""
    world = World(watched(), load_catalog())
    for stamp in world.workload.stamp_names:
        await world.node(stamp, "Stamp", Health.GREEN)
    await world.run(2)
    assert world.told == []
    world.truth["weu"].hub = False
    with capture_logs() as lines:
        await world.run(14)
        assert world.told == []
        await world.run(3)
    (told,) = world.told
    assert told.channel is Channel.NOTIFY
    assert "cannot see whether the background processor reads" in told.title
    assert [line["stamp"] for line in lines if line["event"] == "hub cannot be looked at"] == ["weu"]
    await world.run(50)
    assert len(world.pages()) == 1
    world.truth["weu"].hub = True
    await world.run(10)
    assert (await world.record()).incidents == {}
    assert effects(world) == []


async def test_a_stamp_whose_hub_is_not_named_is_nothing_to_be_told_of() -> None:
    """Not being asked to look is not being blind."""
    world = World(rules=load_catalog())
    await world.run(120)
    assert not any("cannot see" in message.title for message in world.told)
