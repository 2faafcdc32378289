"""Is Front Door given the time that it takes, whatever the state file usually takes?"""

from dataclasses import replace

from remediation.ledger.intent import LeverKind, Verb
from rules.policy import Policy
from rules.signals import Health
from tests.engine.test_guarded_drain import CANNOT_READ, EDGE, effects, watched
from tests.world import ROOT_RED, World


async def slowly_disabled(policy: Policy) -> World:
    """Six drains by the state file took 30 s; now weu is disabled in Front Door, which takes its time."""
    world = World(watched(policy=policy), (ROOT_RED, CANNOT_READ, EDGE))
    await world.run(1)
    stored = await world.ledger.load("shop")
    usual = {(Verb.DRAIN, LeverKind.STATE_FILE): (20, 25, 30, 30, 30, 30)}
    after = replace(stored.record, revision=stored.record.revision + 1, took=usual)
    await world.ledger.save(after, stored.version)
    world.truth["weu"].lever_works = False
    world.truth["weu"].slow = True
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(2)
    assert effects(world) == ["disabled weu"]
    return world


async def test_a_rollout_of_a_quarter_of_an_hour_is_not_stuck() -> None:
    """The state file takes seconds, Front Door minutes: nobody is woken for what is as it should be."""
    world = await slowly_disabled(Policy())
    await world.run(15)
    world.truth["weu"].settled = True
    await world.run(1)
    assert not any("STUCK" in message.title for message in world.told)
    took = (await world.record()).took
    assert [*took] == [(Verb.DRAIN, LeverKind.STATE_FILE), (Verb.DRAIN, LeverKind.FRONT_DOOR)]
    assert took[Verb.DRAIN, LeverKind.FRONT_DOOR][0] >= 15 * 60


async def test_a_rollout_that_does_not_end_is_stuck_by_front_doors_own_bound() -> None:
    """It is not waited for without end."""
    world = await slowly_disabled(Policy())
    await world.run(42)
    assert not any("STUCK" in page.title for page in world.pages())
    await world.run(5)
    assert any("STUCK" in page.title for page in world.pages())
