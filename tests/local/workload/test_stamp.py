"""Does a stamp really queue what users post, and does its processor really work it off?"""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession

from local.workload.catalogue import COMMENTS, ITEMS
from local.workload.database import Database
from local.workload.faults import PAST, Fault, Faults
from local.workload.front_door import FrontDoor, Origin
from local.workload.own_hub import HUB
from local.workload.pace import COMPRESSED
from local.workload.processor import CONSUMER_GROUP
from local.workload.shop import put_into_rotation
from local.workload.stamp import CHECKPOINTS, Place, RunningStamp, running_stamps
from local.workload.telemetry import Telemetry
from remediation.probes.checkpoints import CheckpointFolder, read_checkpoints
from tests.local.sdk import until

pytestmark = pytest.mark.slow

WINDOW = timedelta(seconds=30)


async def post(stamp: RunningStamp, text: str) -> int:
    """A user posts a comment; the status of the answer."""
    async with (
        ClientSession() as session,
        session.post(stamp.url + COMMENTS.format(item=1), data=text) as answer,
    ):
        return answer.status


async def test_what_is_posted_waits_in_the_hub_while_nobody_reads(tmp_path: Path) -> None:
    """A stopped processor leaves messages unread and every check healthy; started again, it goes on."""
    database = Database()
    place = Place("weu", "westeurope", tmp_path / "weu" / "stamp.health")
    put_into_rotation(place.state_file)
    async with running_stamps([place], database, tmp_path / "kept", COMPRESSED) as [stamp]:
        assert await post(stamp, "first") == 202
        await until(lambda: database.comments[1] == ["first"])
        await until(lambda: stamp.health_service.report is not None and stamp.health_service.report.healthy)
        await stamp.processor.stop()
        assert await post(stamp, "second") == 202
        await until(lambda: stamp.unread > 1)
        assert stamp.health_service.report is not None
        assert stamp.health_service.report.healthy
        await stamp.processor.start()
        await until(lambda: "second" in database.comments[1] and stamp.unread <= 1)
        assert stamp.processor.read.within(WINDOW) >= 2


async def test_when_the_hub_cannot_be_found_users_and_checks_are_told(tmp_path: Path) -> None:
    """Sending fails for users with 503 and for the check MessageProducer; reading items goes on."""
    place = Place("weu", "westeurope", tmp_path / "weu" / "stamp.health")
    put_into_rotation(place.state_file)
    async with running_stamps([place], Database(), tmp_path / "kept", COMPRESSED) as [stamp]:
        await until(lambda: stamp.health_service.report is not None and stamp.health_service.report.healthy)
        await stamp.sender.lose_the_way()
        assert await post(stamp, "lost") == 503
        async with ClientSession() as session, session.get(stamp.url + ITEMS) as answer:
            assert answer.status == 200
        await until(
            lambda: (
                stamp.health_service.report is not None
                and stamp.health_service.report.failing() == ["MessageProducer"]
            )
        )
        await stamp.sender.find_the_way()
        assert await post(stamp, "found") == 202


async def test_where_nothing_is_sent_everything_is_written_down(tmp_path: Path) -> None:
    """Sending switched off: comments are refused, checks stay healthy, and every checkpoint is at the end."""
    place = Place("weu", "westeurope", tmp_path / "weu" / "stamp.health")
    put_into_rotation(place.state_file)
    async with running_stamps([place], Database(), tmp_path / "kept", COMPRESSED) as [stamp]:
        await until(lambda: stamp.unread == 0 and stamp.hub.filled > 2)
        stamp.sender.quiet = True
        assert await post(stamp, "nowhere") == 409
        await until(lambda: stamp.unread == 0)
        folder = CheckpointFolder(tmp_path / "kept" / CHECKPOINTS / "weu")

        async def written() -> int:
            seen = await read_checkpoints(folder, stamp.hub.namespace, HUB, CONSUMER_GROUP)
            return sum((each.checkpoint if each.checkpoint is not None else -1) + 1 for each in seen.values())

        for _ in range(100):
            if await written() == stamp.hub.filled:
                break
            await asyncio.sleep(0.1)
        assert await written() == stamp.hub.filled
        assert stamp.health_service.report is not None
        assert stamp.health_service.report.healthy


async def test_a_hub_made_anew_is_not_read_until_its_old_checkpoints_are_gone(tmp_path: Path) -> None:
    """Numbers begin again, senders notice nothing, and nothing is read before they are deleted."""
    place = Place("weu", "westeurope", tmp_path / "weu" / "stamp.health")
    put_into_rotation(place.state_file)
    async with running_stamps([place], Database(), tmp_path / "kept", COMPRESSED) as [stamp]:
        front_door = FrontDoor([Origin("weu", stamp.url)], COMPRESSED)
        faults = Faults([stamp], Database(), front_door, Telemetry(), COMPRESSED)
        await faults.cause("weu", Fault.HUB_RECREATED)
        assert stamp.hub.filled < PAST
        read = stamp.processor.read.total
        assert await post(stamp, "new") == 202
        await until(lambda: stamp.unread > 2)
        assert stamp.processor.read.total == read
        await faults.mend("weu")
        await until(lambda: stamp.unread <= 1)
