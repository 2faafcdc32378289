"""Is what the state machine has once found mended for good? Its shortest lives, as stories."""

from remediation.decide.case import Guardrail
from rules.signals import Health
from tests.engine.in_the_end import rests
from tests.engine.living_world import LivingWorld
from tests.engine.test_guarded_drain import CANNOT_READ, watched
from tests.world import World


async def test_p20_a_drain_that_only_the_live_look_holds_is_not_planned_again_and_again() -> None:
    """One stamp of three is worked on, and its root is green: what the look holds, the record holds too."""
    world = World(watched(), (CANNOT_READ,))
    await world.run(1)
    world.truth["neu"].file = "MAINTENANCE"
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(3)
    assert await world.holds() == {Guardrail.ONLY_A_STAMP_FAULT}
    assert (await world.record()).intents == {}
    await rests(world)


async def test_p3_a_second_lever_is_moved_where_one_other_stamp_of_four_is_worked_on() -> None:
    """The target has its users still, so it counts as in rotation: two of four are no global fault."""
    world = LivingWorld()
    await world.passes(1)
    world.breaks("weu", "notices")
    world.breaks("weu", "processor")
    world.touches("eus", "maintain")
    await world.passes(15)
    assert not world.truth["weu"].enabled
    assert world.witness.broken == []
