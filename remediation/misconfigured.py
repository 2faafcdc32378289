"""What does a process do whose configuration is bad at its start?

It loses nothing: senders try again, and the hub waits. It goes to work by the
files that were in force last, if somebody has kept them, or by mended ones as
soon as they are there. Until then nobody looks at anything, and people are told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from remediation.observe import log
from remediation.ports import Clock
from remediation.texts import words_of
from remediation.worker import HubEvent, Reply, Route, Worker
from rules.problems import FileError

TRIED_EVERY = timedelta(seconds=30)


class Beginning:
    """How a worker comes to be after all, and who is told while there is none."""

    def __init__(
        self,
        clock: Clock,
        begin: Callable[[], Awaitable[Worker]],
        tell: Callable[[str], Awaitable[None]],
    ) -> None:
        """Nothing is tried yet.

        Args:
            clock: tells when it is time to try again.
            begin: makes the worker; raises FileError, OSError or UnicodeError if it cannot.
            tell: tells people the reason.
        """
        self.clock = clock
        self.begin = begin
        self.tell = tell


class Misconfigured:
    """Stands in for the worker until there is one: it loses nothing and says why."""

    def __init__(self, reason: str, beginning: Beginning | None = None) -> None:
        """Nothing is tried yet.

        Args:
            reason: what is wrong.
            beginning: how it may end; None where only a new process can mend it.
        """
        self._reason = reason
        self._beginning = beginning
        self._worker: Worker | None = None
        self._not_before: datetime | None = None
        self._turn = asyncio.Lock()

    async def receive(self, route: Route, body: bytes) -> Reply:
        """Ask the sender to try again."""
        worker = await self._after_all()
        return await worker.receive(route, body) if worker else _not_now()

    async def consume(self, events: Sequence[HubEvent]) -> None:
        """Hold the partition until the configuration is mended.

        Raises:
            RuntimeError: so that the retry policy delivers the batch again.
        """
        worker = await self._after_all()
        if worker is None:
            raise RuntimeError(self._reason)
        await worker.consume(events)

    async def order(self, body: bytes) -> Reply:
        """Ask the person to try again."""
        worker = await self._after_all()
        return await worker.order(body) if worker else _not_now()

    async def tick(self) -> None:
        """Say again what is wrong, to people too."""
        worker = await self._after_all()
        if worker is not None:
            await worker.tick()
            return
        log.error("misconfigured", reason=self._reason)
        if self._beginning is not None:
            await self._beginning.tell(self._reason)

    async def ready(self) -> Reply:
        """Not ready, and why."""
        worker = await self._after_all()
        return (
            await worker.ready()
            if worker
            else Reply(503, {"status": "misconfigured", "reason": self._reason})
        )

    async def _after_all(self) -> Worker | None:
        """The worker, if there can be one; that is tried at most every 30 s."""
        if self._worker is not None or self._beginning is None:
            return self._worker
        async with self._turn:
            now = self._beginning.clock.now()
            if self._worker is None and (self._not_before is None or now >= self._not_before):
                self._not_before = now + TRIED_EVERY
                try:
                    self._worker = await self._beginning.begin()
                except (FileError, OSError, UnicodeError) as error:
                    self._reason = words_of(error)
            return self._worker


def _not_now() -> Reply:
    return Reply(503, {"error": "misconfigured", "reason": "the worker's configuration cannot be read"})
