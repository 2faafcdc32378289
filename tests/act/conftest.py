"""What do the tests of what acts and tells share?"""

from collections.abc import AsyncIterator

import pytest

from remediation.act.arm import Arm
from remediation.act.http import Door
from remediation.ports import Lever
from tests.act.far_side import StillClock
from tests.act.front_door_bench import a_lever, an_arm
from tests.arm_server import ArmServer


@pytest.fixture
async def azure() -> AsyncIterator[ArmServer]:
    """Three enabled origins."""
    async with ArmServer() as server:
        for name in ("weu", "neu", "eus"):
            server.has(name)
        yield server


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """A door, closed afterwards."""
    door = Door(StillClock())
    yield door
    await door.close()


@pytest.fixture
def arm(azure: ArmServer, door: Door) -> Arm:
    """Our client before that server."""
    return an_arm(door, azure.url)


@pytest.fixture
def lever(azure: ArmServer, door: Door) -> Lever:
    """The lever on these origins."""
    return a_lever(door, azure.url)
