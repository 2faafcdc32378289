"""Do the levers of the simulated world keep the contract of the real ones?"""

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from rehearsal.clock import WorldClock, virtual_loop
from rehearsal.scenario.model import ScenarioFile
from rehearsal.scenario.workload import START, workload_of
from rehearsal.world.adapters import WorldOrigins, WorldStateFiles
from rehearsal.world.front_door import receiving
from rehearsal.world.what import What
from rehearsal.world.world import World
from remediation.ledger.intent import OutcomeKind
from remediation.ledger.stamp import LeverState
from rules.topology import Stamp
from tests.act.contract_lever import LeverBench, LeverContract


def a_world() -> World:
    """Three stamps that are well; no time passes in it."""
    loop = virtual_loop()
    scenario = ScenarioFile.model_validate({"name": "x", "run": "1m", "expect": ["no pages"]})
    return World(workload_of(scenario), loop, WorldClock(loop, START), "1")


@dataclass
class WorldBench:
    """A state file of the simulated world."""

    world: World = field(default_factory=a_world)

    def __post_init__(self) -> None:
        """The file is absent at first."""
        self.lever = WorldStateFiles(self.world, "worker-1")
        self.world.stamps["weu"].file.delete("a test")

    @property
    def stamp(self) -> Stamp:
        """One of the three."""
        return self.world.workload.stamp("weu")

    @property
    def misplaced(self) -> Stamp:
        """One that is not there."""
        return replace(self.stamp, name="none")

    async def put(self, content: str) -> None:
        """By hand."""
        self.world.stamps["weu"].file.write(content, "a test")

    async def remove(self) -> None:
        """By hand."""
        self.world.stamps["weu"].file.delete("a test")

    async def content(self) -> str | None:
        """As it is."""
        return self.world.stamps["weu"].file.content


class TestWorldStateFiles(LeverContract):
    """The simulated state files behave as real ones do."""

    @pytest.fixture
    def bench(self) -> LeverBench:
        """A stamp's state file."""
        return WorldBench()


async def test_a_storage_account_out_of_reach_is_not_a_file_that_is_absent() -> None:
    """What cannot be looked at is neither in nor out."""
    world = a_world()
    lever, stamp = WorldStateFiles(world, "worker-1"), world.workload.stamp("weu")
    world.set_broken(What.STORAGE, "weu", broken=True)
    assert (await lever.look(stamp)).state is LeverState.UNREACHABLE
    assert (await lever.take_out(stamp, "tag")).kind is OutcomeKind.TRANSIENT
    assert (await lever.look(world.workload.stamp("neu"))).state is LeverState.IN


async def test_a_disabled_origin_gets_users_until_the_change_is_rolled_out() -> None:
    """The control plane says disabled at once; the edge follows minutes later."""
    world = a_world()
    lever, stamp = WorldOrigins(world, "worker-1"), world.workload.stamp("weu")
    look = await lever.look(stamp)
    assert (await lever.take_out(stamp, look.tag)).kind is OutcomeKind.APPLIED
    after = await lever.look(stamp)
    assert (after.state, after.settled) == (LeverState.OUT, False)
    assert "weu" in receiving(world.origins)
    world.origins["weu"].at_the_edge = False
    assert receiving(world.origins) == ("neu", "sdc")


async def test_the_last_enabled_origin_is_never_disabled() -> None:
    """As the real lever refuses it."""
    world = a_world()
    for name in ("neu", "sdc"):
        world.origins[name].enabled = False
    lever, stamp = WorldOrigins(world, "worker-1"), world.workload.stamp("weu")
    outcome = await lever.take_out(stamp, (await lever.look(stamp)).tag)
    assert outcome.kind is OutcomeKind.REFUSED


def test_where_no_origin_is_healthy_front_door_fails_open() -> None:
    """Users are sent to all that are enabled, rather than to nobody."""
    world = a_world()
    for origin in world.origins.values():
        origin.samples.extend([False] * 4)
    assert receiving(world.origins) == ("weu", "neu", "sdc")
    world.origins["neu"].samples.extend([True, True])
    assert receiving(world.origins) == ("neu",)


def test_chance_for_one_purpose_is_not_shifted_by_another() -> None:
    """What is added to the world does not change all the rest of a run."""
    first, second = a_world(), a_world()
    second.chance("something else").random()
    assert isinstance(first.chance("latency"), Random)
    assert first.chance("latency").random() == second.chance("latency").random()
