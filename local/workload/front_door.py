"""Where does a user's request go? The front door probes the stamps, and sends requests to the healthy ones.

As Azure Front Door does, seen from one edge site: each origin is probed; it is
healthy while enough of its last samples were good; only a 200 is good. If no
origin is healthy, requests go to all of them: Front Door fails open. One that was
disabled, by the control plane, gets none.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
from aiohttp import ClientSession, ClientTimeout, web

from local.workload.health_service import PATH
from local.workload.meter import Meter
from local.workload.pace import Pace

SAMPLES = 4
SUCCESSES_REQUIRED = 2
WEIGHT = 100

_NOBODY_LISTENS = "http://127.0.0.1:9"
_NOT_PASSED_ON = {"host", "content-length", "transfer-encoding", "connection"}
_REQUEST_TIMEOUT = ClientTimeout(total=5)


@dataclass(slots=True)
class Origin:
    """A stamp, as the front door knows it.

    Attributes:
        name: of the stamp.
        url: of its ingress.
        weight: its share of requests, beside the others'.
        samples: whether the last probes were good, oldest first. At first all are taken for good.
        cut: the way from the front door to it is broken, though it may be well.
        enabled: whether it may get requests at all; one that is not is not even probed.
        rollout: how far the last change of it is, in Azure's word.
        routed: the requests that were sent to it.
        turn: how long it has waited for its next request, by weight.
    """

    name: str
    url: str
    weight: int = WEIGHT
    samples: deque[bool] = field(default_factory=lambda: deque([True] * SAMPLES, maxlen=SAMPLES))
    cut: bool = False
    enabled: bool = True
    rollout: str = "Succeeded"
    routed: Meter = field(default_factory=Meter)
    turn: int = 0

    @property
    def healthy(self) -> bool:
        """Enough of the last samples were good."""
        return sum(self.samples) >= SUCCESSES_REQUIRED

    @property
    def way(self) -> str:
        """Where requests for it really go."""
        return _NOBODY_LISTENS if self.cut else self.url


class FrontDoor:
    """Probes origins, and passes requests on."""

    def __init__(self, origins: Sequence[Origin], pace: Pace) -> None:
        self.origins = tuple(origins)
        self._pace = pace
        self._session: ClientSession | None = None

    @property
    def fails_open(self) -> bool:
        """No origin is healthy, so all that are enabled get requests."""
        return not any(origin.healthy for origin in self.origins if origin.enabled)

    def origin(self, name: str) -> Origin:
        """The origin of a stamp."""
        return next(origin for origin in self.origins if origin.name == name)

    def shares(self, window: timedelta) -> dict[str, float]:
        """The share of requests that each origin was sent within the last `window`, from 0 to 1."""
        counts = {origin.name: origin.routed.within(window) for origin in self.origins}
        in_all = sum(counts.values())
        return {name: count / in_all if in_all else 0.0 for name, count in counts.items()}

    def application(self) -> web.Application:
        """What users call; it probes as long as it is served."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        app.cleanup_ctx.append(self._probing)
        return app

    async def _probing(self, _: web.Application) -> AsyncIterator[None]:
        async with ClientSession(timeout=_REQUEST_TIMEOUT) as self._session:
            probes = [asyncio.create_task(self._probe_again_and_again(each)) for each in self.origins]
            yield
            for probe in probes:
                probe.cancel()
            await asyncio.gather(*probes, return_exceptions=True)

    async def _probe_again_and_again(self, origin: Origin) -> None:
        while True:
            await asyncio.sleep(self._pace.probe_every.total_seconds())
            if origin.enabled:
                origin.samples.append(await self._probe(origin))

    async def _probe(self, origin: Origin) -> bool:
        assert self._session is not None  # noqa: S101 - the caller runs within it
        timeout = ClientTimeout(total=self._pace.probe_timeout.total_seconds())
        headers = {"User-Agent": "Edge Health Probe"}
        try:
            async with self._session.head(origin.way + PATH, headers=headers, timeout=timeout) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._session is not None  # noqa: S101 - it is there while the application is served
        origin = self.choose()
        origin.routed.add()
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _NOT_PASSED_ON}
        try:
            async with self._session.request(
                request.method, origin.way + request.path_qs, headers=headers, data=await request.read()
            ) as answer:
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in _NOT_PASSED_ON}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except (aiohttp.ClientError, TimeoutError):
            return web.Response(status=502, text="the front door does not reach the origin")

    def choose(self) -> Origin:
        """The enabled origin that has waited longest for its share: of the healthy ones, else of all."""
        enabled = [origin for origin in self.origins if origin.enabled]
        among = [origin for origin in enabled if origin.healthy] or enabled
        for origin in among:
            origin.turn += origin.weight
        chosen = max(among, key=lambda origin: origin.turn)
        chosen.turn -= sum(origin.weight for origin in among)
        return chosen
