"""What does it cost when Azure does not answer, and only hangs? In virtual time, with two workers."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from rehearsal.clock import virtual_loop
from remediation.decide.looks import LeverLook
from remediation.engine import Engine
from remediation.ledger.intent import IntentState, Outcome
from rules.topology import Stamp
from tests.builders import NOW
from tests.engine.test_guarded_drain import CANNOT_READ, effects, watched
from tests.world import ROOT_RED, FakeLever, FakeOrigin, TestClock, World

pytestmark = pytest.mark.slow

HANGS_SECONDS = 20.0
RECONCILE_SECONDS = 20.0


class LoopClock(TestClock):
    """The clock of the virtual loop."""

    def now(self) -> datetime:
        """The moment."""
        return NOW + timedelta(seconds=asyncio.get_running_loop().time())


class HangingFile(FakeLever):
    """The state files, of which these verbs hang."""

    hanging: Iterable[str] = ()

    async def look(self, stamp: Stamp) -> LeverLook:
        """See `Lever`."""
        await hang("look" in self.hanging)
        return await super().look(stamp)

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """See `Lever`."""
        await hang("take_out" in self.hanging)
        return await super().take_out(stamp, tag)


class HangingOrigin(FakeOrigin):
    """The origins, which hang, or do not."""

    hanging: bool = False

    async def look(self, stamp: Stamp) -> LeverLook:
        """See `Lever`."""
        await hang(self.hanging)
        return await super().look(stamp)


async def hang(really: bool) -> None:  # noqa: FBT001 - the only thing that is said
    """Take as long as Azure does when it does not answer."""
    await asyncio.sleep(HANGS_SECONDS if really else 0)


async def night(file: Iterable[str] = (), *, arm: bool = False) -> tuple[World, float]:
    """Two workers and half an hour in which a processor stands; the longest of their reconciles."""
    world = World(watched(), (ROOT_RED, CANNOT_READ))
    world.clock = LoopClock()
    longest = 0.0

    async def works(engine: Engine, begins: float) -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        await asyncio.sleep(begins)
        while True:
            began = loop.time()
            await engine.reconcile_all()
            longest = max(longest, loop.time() - began)
            await asyncio.sleep(max(0.0, began + 30 - loop.time()))

    workers = []
    for number in range(2):
        lever, origin = HangingFile(world), HangingOrigin(world)
        lever.hanging, origin.hanging = file, arm
        engine = world.a_worker(f"worker-{number + 1}", lever, origin=origin)
        workers.append(asyncio.create_task(works(engine, 7.0 * number)))
    for minute in range(60):
        world.reads -= {"weu"} if minute == 4 else set()
        await asyncio.sleep(30)
        world._queues_move()
    for worker in workers:
        worker.cancel()
    return world, longest


@pytest.mark.parametrize(
    ("file", "arm", "done"),
    [((), True, "drained weu"), (("look", "take_out"), False, "disabled weu")],
)
def test_a_lever_that_hangs_does_not_delay_a_drain_by_the_other(
    file: tuple[str, ...],
    arm: bool,  # noqa: FBT001 - a row of a table
    done: str,
) -> None:
    """Each look ends in time, and is young enough to act upon; two workers do it once (P1, P5)."""
    world, longest = virtual_loop().run(night(file, arm=arm))
    assert effects(world) == [done]
    assert world.effects[0][0] < NOW + timedelta(minutes=8)
    assert longest < RECONCILE_SECONDS / 2


def test_a_delete_that_hangs_whenever_it_is_tried_is_told_within_minutes() -> None:
    """P10: neither worker is held up for longer than one reconcile, and each attempt is fenced off."""
    world, longest = virtual_loop().run(night(("take_out",)))
    assert longest <= RECONCILE_SECONDS
    assert effects(world) == []
    assert [page.title.endswith("STUCK: look at it.") for page in world.pages()] == [False, True]
    assert world.told[-1].created_at < NOW + timedelta(minutes=15)
    (intent,) = virtual_loop().run(world.record()).intents.values()
    assert intent.state is IntentState.ACTING
