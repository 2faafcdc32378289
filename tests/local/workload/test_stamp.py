"""Does a stamp really queue what users post, and does its processor really work it off?"""

from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession

from local.workload.catalogue import COMMENTS, ITEMS
from local.workload.database import Database
from local.workload.pace import COMPRESSED
from local.workload.shop import put_into_rotation
from local.workload.stamp import Place, RunningStamp, running_stamps
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
