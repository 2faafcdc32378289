"""Who uses the workload? Steady synthetic users, who read items and post comments through the front door."""

import asyncio
from datetime import timedelta
from itertools import count

import aiohttp
from aiohttp import ClientSession, ClientTimeout

from local.workload.catalogue import COMMENTS, ITEMS
from local.workload.database import ITEMS as NAMES
from local.workload.meter import Meter

PER_SECOND = 20


class Traffic:
    """Sends requests at a steady rate, whatever becomes of them.

    Attributes:
        served: the requests that were answered well.
        failed: those that were not.
    """

    def __init__(self, front_door: str, per_second: float = PER_SECOND) -> None:
        self.served = Meter()
        self.failed = Meter()
        self._front_door = front_door
        self._every = 1 / per_second

    def success(self, window: timedelta) -> float | None:
        """The share of requests within the last `window` that were answered well, from 0 to 1."""
        served, failed = self.served.within(window), self.failed.within(window)
        return served / (served + failed) if served + failed else None

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        async with ClientSession(timeout=ClientTimeout(total=5)) as session, asyncio.TaskGroup() as users:
            due = loop.time()
            for number in count():
                users.create_task(self._request(session, number))
                due = max(due + self._every, loop.time() - 1)
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def _request(self, session: ClientSession, number: int) -> None:
        # Of five requests two post: the hub's backlog is to be seen within seconds.
        posts = number % 5 < 2
        path = COMMENTS.format(item=number % len(NAMES)) if posts else ITEMS
        method, body = ("POST", f"comment {number}") if posts else ("GET", None)
        try:
            async with session.request(method, self._front_door + path, data=body) as answer:
                well = answer.status < 500
        except (aiohttp.ClientError, TimeoutError):
            well = False
        (self.served if well else self.failed).add()
