"""Does the demo's control plane do to its front door what Azure's would, for the worker's own lever?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import ClientSession

from local.workload.control_plane import GROUP, TOKEN, ControlPlane, origin_id
from local.workload.front_door import FrontDoor, Origin
from local.workload.pace import Pace
from local.workload.serving import served
from remediation.act.arm import Arm
from remediation.act.front_door import FrontDoorLever
from remediation.act.http import Door
from remediation.configuration import SystemClock
from remediation.ledger.intent import OutcomeKind
from remediation.ledger.stamp import LeverState
from remediation.tokens import StaticTokens
from tests.builders import a_stamp

FAST = Pace(rollout=timedelta(seconds=0.1), probe_every=timedelta(seconds=0.05))
WEU, NEU = (a_stamp(name, front_door_origin=origin_id(name)) for name in ("weu", "neu"))


@asynccontextmanager
async def lever_on(front_door: FrontDoor, token: str = TOKEN) -> AsyncIterator[FrontDoorLever]:
    """The worker's lever, over HTTP."""
    door = Door(SystemClock())
    async with served(ControlPlane(front_door, FAST).application()) as url:
        yield FrontDoorLever(Arm(door, StaticTokens(token), url=url, pause_seconds=0.05))
        await door.close()


async def test_a_disabled_origin_gets_no_request_and_the_last_one_stays() -> None:
    """The lever disables and enables; the front door honours it, also where it fails open."""
    front_door = FrontDoor([Origin("weu", ""), Origin("neu", "")], FAST)
    async with lever_on(front_door) as lever:
        before = await lever.look(WEU)
        assert before.state is LeverState.IN
        assert (await lever.take_out(WEU, before.tag)).kind is OutcomeKind.APPLIED
        assert (await lever.look(WEU)).state is LeverState.OUT
        for healthy in (True, False):
            front_door.origin("neu").samples.extend([healthy] * 4)
            assert {front_door.choose().name for _ in range(10)} == {"neu"}
        assert front_door.fails_open
        last = await lever.take_out(NEU, (await lever.look(NEU)).tag)
        assert last.kind is OutcomeKind.REFUSED
        assert (await lever.bring_back(WEU, before.content)).kind is OutcomeKind.APPLIED
        assert front_door.origin("weu").enabled


async def test_a_change_takes_its_time_and_a_second_one_waits() -> None:
    """202 with an operation; while that runs the origin is Updating, as before, and 409 for others."""
    front_door = FrontDoor([Origin("weu", ""), Origin("neu", "")], FAST)
    async with served(ControlPlane(front_door, FAST).application()) as url, ClientSession() as session:
        asked = f"{url}{origin_id('weu')}?api-version=1"
        change = {"properties": {"enabledState": "Disabled"}}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with session.patch(asked, headers=headers, json=change) as answer:
            assert answer.status == 202
            operation = answer.headers["Azure-AsyncOperation"]
        assert front_door.origin("weu").enabled
        async with session.patch(asked, headers=headers, json=change) as answer:
            assert answer.status == 409
        async with session.get(operation, headers=headers) as answer:
            assert (await answer.json())["status"] == "InProgress"


async def test_without_token_or_version_nothing_is_answered() -> None:
    """As Azure asks for both."""
    front_door = FrontDoor([Origin("weu", "")], FAST)
    async with lever_on(front_door, "another") as lever:
        assert (await lever.look(WEU)).state is LeverState.UNREACHABLE
    async with served(ControlPlane(front_door, FAST).application()) as url, ClientSession() as session:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with session.get(f"{url}{GROUP}/origins", headers=headers) as answer:
            assert answer.status == 400
