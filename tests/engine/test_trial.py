"""May a rule on trial change what the others do?"""

from dataclasses import replace

from rules.policy import Mode
from rules.signals import Health
from tests.world import CANNOT_READ_RULE, ROOT_RED, World


async def test_p17_a_rule_in_observe_holds_back_nothing() -> None:
    """It finds the same fault on every other stamp, and the one real fault is drained all the same."""
    trial = replace(ROOT_RED, name="trial", family=CANNOT_READ_RULE.family, mode=Mode.OBSERVE)
    world = World(rules=(CANNOT_READ_RULE, replace(trial, when=trial.when)))
    await world.run(1)
    await world.node("neu", "Stamp", Health.RED)
    await world.run(1)
    await world.node("neu", "Stamp", Health.GREEN)
    assert world.told == []
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(2)
    assert world.out() == {"weu"}
