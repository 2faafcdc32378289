"""What happens when a record grows beyond what can be stored?"""

from rules.signals import Health
from tests.builders import a_signal
from tests.world import World


async def test_p19_a_record_that_is_too_large_makes_room_and_nothing_is_parked() -> None:
    """Long texts of 500 nodes do not fit: they are cut, every node's state is kept, the drain goes on."""
    world = World()
    await world.run(1)
    now = world.clock.now()
    wordy = [
        a_signal("neu", f"node-{i}", Health.YELLOW, id=f"{i}", observed_at=now, reasons=("ü" * 300,) * 5)
        for i in range(500)
    ]
    red = a_signal("weu", "BackgroundProcessor", Health.RED, observed_at=now)
    assert await world.says(*wordy, red) == {}
    assert world.tally.counts()["ledger.crowded"] >= 1
    known = (await world.record()).registers
    assert sum(key.node is not None and key.node.startswith("node-") for key in known) == 500
    await world.run(2)
    assert world.out() == {"weu"}
