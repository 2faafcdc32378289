"""Does the front door choose as Azure Front Door does?"""

from collections import Counter
from datetime import timedelta

import pytest
from aiohttp import ClientSession, web

from local.workload.front_door import SAMPLES, FrontDoor, Origin
from local.workload.health_service import PATH
from local.workload.pace import Pace
from local.workload.serving import served
from tests.local.sdk import until

FAST = Pace(probe_every=timedelta(seconds=0.02), probe_timeout=timedelta(seconds=1))
STAMPS = ("weu", "neu", "sdc")


class Ingress:
    """A stamp that answers with its name, and with a status when it is probed."""

    def __init__(self, name: str) -> None:
        self.status = 200
        self.agents: set[str] = set()
        self.app = web.Application()
        self.app.router.add_get(PATH, self._health)
        self.app.router.add_get("/name", self._name)
        self._text = name

    async def _health(self, request: web.Request) -> web.Response:
        self.agents.add(f"{request.method} {request.headers['User-Agent']}")
        return web.Response(status=self.status)

    async def _name(self, _: web.Request) -> web.Response:
        return web.Response(text=self._text)


async def asked(url: str, times: int = 30) -> Counter[str]:
    """Which stamps answer how many of so many requests."""
    answers: Counter[str] = Counter()
    async with ClientSession() as session:
        for _ in range(times):
            async with session.get(f"{url}/name") as answer:
                answers[await answer.text() if answer.status == 200 else str(answer.status)] += 1
    return answers


@pytest.mark.parametrize("good", range(SAMPLES + 1))
def test_two_good_samples_of_four_make_an_origin_healthy(good: int) -> None:
    """An origin is healthy while at least two of its last four probes were good."""
    origin = Origin("weu", "")
    origin.samples.extend([False] * (SAMPLES - good) + [True] * good)
    assert origin.healthy is (good >= 2)


async def test_requests_follow_health_and_come_back() -> None:
    """Requests are shared by weight among healthy origins; one that answers 503 gets none."""
    stamps = {name: Ingress(name) for name in STAMPS}
    async with served(stamps["weu"].app) as weu, served(stamps["neu"].app) as neu:
        front_door = FrontDoor([Origin("weu", weu), Origin("neu", neu, weight=200)], FAST)
        async with served(front_door.application()) as url:
            assert await asked(url) == {"weu": 10, "neu": 20}
            stamps["weu"].status = 503
            await until(lambda: not front_door.origin("weu").healthy)
            assert await asked(url) == {"neu": 30}
            stamps["weu"].status = 200
            await until(lambda: front_door.origin("weu").healthy)
            assert (await asked(url))["weu"] >= 9
    assert stamps["neu"].agents == {"HEAD Edge Health Probe"}


async def test_it_fails_open_when_no_origin_is_healthy() -> None:
    """If every origin fails its probes, requests go to all of them."""
    stamps = {name: Ingress(name) for name in ("weu", "neu")}
    async with served(stamps["weu"].app) as weu, served(stamps["neu"].app) as neu:
        front_door = FrontDoor([Origin("weu", weu), Origin("neu", neu)], FAST)
        async with served(front_door.application()) as url:
            for stamp in stamps.values():
                stamp.status = 503
            await until(lambda: front_door.fails_open)
            assert await asked(url) == {"weu": 15, "neu": 15}


async def test_a_cut_way_is_the_front_doors_fault_alone() -> None:
    """Where the way to an origin is cut its probes fail and requests get 502, though the origin is well."""
    weu_stamp = Ingress("weu")
    async with served(weu_stamp.app) as weu:
        front_door = FrontDoor([Origin("weu", weu, cut=True)], FAST)
        async with served(front_door.application()) as url:
            await until(lambda: front_door.fails_open)
            assert await asked(url, 3) == {"502": 3}
        assert await asked(weu, 3) == {"weu": 3}
