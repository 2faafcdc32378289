"""How does a fault happen to a call?

A `gate.Faults` that knows which calls it is to spoil. It belongs to the world: what it lets land late
lands although the worker that asked for it is long dead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from rehearsal.clock import Process, VirtualLoop
from rehearsal.faults.kinds import CallFault, Fault, Point
from rehearsal.gate import Call, Perform, land_later
from remediation.decide.looks import HealthLook

SLOW_SECONDS = 4.0
"""Longer than a probe waits, and shorter than a look stays fresh."""

LEDGER_SLOW_SECONDS = 10.0
"""Longer than a look stays fresh, and shorter than a tick may last."""

LATE_SECONDS = 75.0
"""Longer than a lease."""

STILL_SECONDS = 95.0
GIVES_UP_SECONDS = 6.0
RETRY_AFTER_SECONDS = 20.0
STALE_BY = 2
"""A stale answer is the last but so many."""

OLD_ANSWERS_KEPT = 8

sent_again: ContextVar[bool] = ContextVar("sent_again", default=False)
"""Whether the transport is to send the next write once more, as if its answer had been lost."""

Happened = Callable[[Fault, Call], None]


class Injector:
    """Spoils the calls that it is told to, each once.

    A stale read of the record is something that neither Blob Storage nor SQLite does: both are strongly
    consistent. It is injected all the same, for the compare-and-swap must stand even that.

    Attributes:
        seen: every call, and when it was made.
        latest: when the latest fault happened.
    """

    def __init__(
        self, loop: VirtualLoop, faults: Collection[Fault], dies: Callable[[Process], None], note: Happened
    ) -> None:
        """Nothing happens yet.

        Args:
            loop: of the world.
            faults: what is to happen; of one call, the first.
            dies: ends a process, as the host notices it.
            note: is told of each fault that happens.
        """
        self._loop = loop
        self._faults: Mapping[Point, CallFault] = {each.point: each.kind for each in reversed([*faults])}
        self._dies = dies
        self._note = note
        self._old: dict[str, list[Any]] = {}
        self.seen: dict[Point, float] = {}
        self.latest = 0.0
        self._ways: Mapping[CallFault, Callable[[Call, Perform], Awaitable[Any]]] = {
            CallFault.CRASH_BEFORE: self._crash_before,
            CallFault.CRASH_AFTER: self._crash_after,
            CallFault.UNAVAILABLE: self._unavailable,
            CallFault.THROTTLED: self._throttled,
            CallFault.LOST: self._lost,
            CallFault.RESENT: self._resent,
            CallFault.SLOW: self._slow,
            CallFault.HANGS: self._hangs,
            CallFault.LATE: self._late,
            CallFault.WRONG: self._wrong,
            CallFault.STALE: self._wrong,
            CallFault.PAUSE: self._pause,
        }

    async def around(self, call: Call, perform: Perform) -> Any:
        """See `Faults`."""
        point = Point(call.name, call.nth)
        self.seen[point] = call.at
        kind = self._faults.get(point)
        if kind is None:
            answer = await perform()
            if not call.changes:
                kept = self._old.setdefault(call.name, [])
                kept.append(answer)
                del kept[:-OLD_ANSWERS_KEPT]
            return answer
        self.latest = call.at
        self._note(Fault(kind, point), call)
        return await self._ways[kind](call, perform)

    async def _crash_before(self, call: Call, perform: Perform) -> Any:  # noqa: ARG002 - it never comes to it
        self._dies(call.process)
        await asyncio.sleep(0)

    async def _crash_after(self, call: Call, perform: Perform) -> Any:
        await perform()
        self._dies(call.process)
        await asyncio.sleep(0)

    async def _unavailable(self, call: Call, perform: Perform) -> Any:  # noqa: ARG002 - nothing is done
        return call.unavailable("rehearsed: unavailable")

    async def _throttled(self, call: Call, perform: Perform) -> Any:  # noqa: ARG002 - nothing is done
        return call.throttled("rehearsed: throttled", RETRY_AFTER_SECONDS)

    async def _lost(self, call: Call, perform: Perform) -> Any:
        await perform()
        await asyncio.sleep(GIVES_UP_SECONDS)
        return call.lost("rehearsed: the answer was lost")

    async def _resent(self, call: Call, perform: Perform) -> Any:  # noqa: ARG002 - the same for all
        """The transport retries by itself: it is the container of the ledger that is asked twice."""
        sent_again.set(True)
        try:
            return await perform()
        finally:
            sent_again.set(False)

    async def _slow(self, call: Call, perform: Perform) -> Any:
        await asyncio.sleep(LEDGER_SLOW_SECONDS if call.port == "ledger" else SLOW_SECONDS)
        return await perform()

    async def _hangs(self, call: Call, perform: Perform) -> Any:  # noqa: ARG002 - the same for all
        """Done at once, and answered when nobody may be waiting any more."""
        answer = await perform()
        await asyncio.sleep(LATE_SECONDS)
        return answer

    async def _late(self, call: Call, perform: Perform) -> Any:
        land_later(self._loop, LATE_SECONDS, perform)
        await asyncio.sleep(GIVES_UP_SECONDS)
        return call.lost("rehearsed: timed out")

    async def _wrong(self, call: Call, perform: Perform) -> Any:
        """What was true some looks ago, with today's date: a cache in between."""
        answer = await perform()
        kept = self._old.get(call.name, [])
        old = kept[-min(STALE_BY, len(kept))] if kept else answer
        if isinstance(old, HealthLook) and isinstance(answer, HealthLook):
            return replace(old, at=answer.at)
        return old

    async def _pause(self, call: Call, perform: Perform) -> Any:
        call.process.stop()
        self._loop.after(STILL_SECONDS, lambda: self._loop.resume(call.process))
        await asyncio.sleep(0)
        return await perform()
