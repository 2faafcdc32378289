"""What can be broken in the workload, on purpose? A closed list; each fault breaks the real thing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum

from local.workload.database import Database
from local.workload.front_door import FrontDoor
from local.workload.pace import Pace
from local.workload.stamp import RunningStamp, forget_checkpoints, least_checkpoint
from local.workload.state_storage import refuse_changes, take_changes
from local.workload.telemetry import Telemetry


class Fault(StrEnum):
    """What can be broken."""

    CANNOT_READ = "cannot-read"  # the background processor stops reading; all that usually tells stays green
    ROOT_RED = "root-red"  # the catalogue fails, and the HealthService does not see it
    SEND_FAILS = "send-fails"  # nothing can be sent to the stamp's hub; the HealthService takes the stamp out
    ALL_RED = "all-red"  # the database that all stamps share takes no writes
    EDGE = "edge"  # the front door reaches no stamp, though every stamp is well
    FLAP = "flap"  # the catalogue fails, is well, fails again
    TELEMETRY_LOST = "telemetry-lost"  # nothing is heard of any stamp, and queries of the health score fail
    LEVER_BROKEN = "lever-broken"  # as root-red, and the storage of the stamp's state file takes no changes
    HUB_RECREATED = "hub-recreated"  # the stamp's hub is deleted and made anew; its checkpoints are stale
    SENDERS_DOWN = "senders-down"  # nobody sends, by a switch; nothing is wrong, and the alert fires


EVERYWHERE = "all"
PAST = 200
"""So many messages each partition of a hub has had before it is deleted and made anew."""

_POLL_SECONDS = 0.05
WIDE = frozenset({Fault.ALL_RED, Fault.EDGE, Fault.TELEMETRY_LOST})
"""They break no single stamp."""

IN_WORDS: Mapping[Fault, str] = {
    Fault.CANNOT_READ: "the background processor stops reading its event hub; no health check sees it",
    Fault.ROOT_RED: "the catalogue answers 500; Log Analytics has no rows, so the HealthService stays 200",
    Fault.SEND_FAILS: "nothing can be sent to the stamp's event hub; its HealthService turns 503 by itself",
    Fault.ALL_RED: "the database that all stamps share takes no writes; every HealthService turns 503",
    Fault.EDGE: "the front door reaches no stamp, though every stamp is well",
    Fault.FLAP: "the catalogue fails and recovers, again and again",
    Fault.TELEMETRY_LOST: "no health event and no alert arrives, and every query of a health score fails",
    Fault.LEVER_BROKEN: "the catalogue answers 500, and the storage of the state file takes no changes",
    Fault.HUB_RECREATED: "the event hub is deleted and made anew; the processor's checkpoints are stale",
    Fault.SENDERS_DOWN: "sending is switched off, so no message leaves the hub, and nothing is wrong",
}


class Faults:
    """Breaks and mends.

    Attributes:
        active: what is broken now: by stamp, or `all`.
    """

    def __init__(
        self,
        stamps: Sequence[RunningStamp],
        database: Database,
        front_door: FrontDoor,
        telemetry: Telemetry,
        pace: Pace,
    ) -> None:
        self.active: dict[str, Fault] = {}
        self._stamps = {stamp.name: stamp for stamp in stamps}
        self._database = database
        self._front_door = front_door
        self._telemetry = telemetry
        self._pace = pace
        self._flapping: dict[str, asyncio.Task[None]] = {}

    @property
    def stamps(self) -> list[str]:
        """The names of what can be broken."""
        return list(self._stamps)

    async def cause(self, stamp: str, fault: Fault) -> str:
        """Break something, after what was broken there is mended; gives where.

        Args:
            stamp: which; for a fault that breaks no single stamp it does not matter.
            fault: how.

        Raises:
            KeyError: there is no such stamp.
        """
        where = EVERYWHERE if fault in WIDE else stamp
        if where != EVERYWHERE and where not in self._stamps:
            raise KeyError(where)
        await self.mend(where)
        self.active[where] = fault
        await self._breaking(fault)(where)
        return where

    async def mend(self, stamp: str = EVERYWHERE) -> None:
        """Undo what was broken at a stamp; `all` undoes everything.

        Raises:
            KeyError: there is no such stamp.
        """
        for name in self._stamps if stamp == EVERYWHERE else [stamp]:
            await self._mend_stamp(self._stamps[name])
            self.active.pop(name, None)
        if stamp == EVERYWHERE:
            self._database.writable = True
            for origin in self._front_door.origins:
                origin.cut = False
            self._let_telemetry(arrive=True)
            self.active.pop(EVERYWHERE, None)

    async def _mend_stamp(self, stamp: RunningStamp) -> None:
        flapping = self._flapping.pop(stamp.name, None)
        if flapping is not None:
            flapping.cancel()
            with suppress(asyncio.CancelledError):
                await flapping
        fault = self.active.get(stamp.name)
        stamp.catalogue.broken = False
        stamp.score.ingested = True
        stamp.sender.quiet = False
        take_changes(stamp.place.state_file)
        if fault is Fault.SEND_FAILS:
            await stamp.sender.find_the_way()
        if fault is Fault.HUB_RECREATED:
            await stamp.processor.stop()
            await forget_checkpoints(stamp)
        await stamp.processor.start()

    def _breaking(self, fault: Fault) -> Callable[[str], Awaitable[None]]:
        return {
            Fault.CANNOT_READ: self._cannot_read,
            Fault.ROOT_RED: self._root_red,
            Fault.SEND_FAILS: self._send_fails,
            Fault.ALL_RED: self._all_red,
            Fault.EDGE: self._edge,
            Fault.FLAP: self._flap,
            Fault.TELEMETRY_LOST: self._telemetry_lost,
            Fault.LEVER_BROKEN: self._lever_broken,
            Fault.HUB_RECREATED: self._hub_recreated,
            Fault.SENDERS_DOWN: self._senders_down,
        }[fault]

    async def _cannot_read(self, stamp: str) -> None:
        await self._stamps[stamp].processor.stop()

    async def _root_red(self, stamp: str) -> None:
        self._stamps[stamp].score.ingested = False
        self._stamps[stamp].catalogue.broken = True

    async def _send_fails(self, stamp: str) -> None:
        await self._stamps[stamp].sender.lose_the_way()

    async def _all_red(self, _: str) -> None:
        self._database.writable = False

    async def _edge(self, _: str) -> None:
        for origin in self._front_door.origins:
            origin.cut = True

    async def _flap(self, stamp: str) -> None:
        self._flapping[stamp] = asyncio.create_task(self._on_and_off(self._stamps[stamp]))

    async def _telemetry_lost(self, _: str) -> None:
        self._let_telemetry(arrive=False)

    def _let_telemetry(self, *, arrive: bool) -> None:
        self._telemetry.arrives = arrive
        for stamp in self._stamps.values():
            stamp.score.readable = arrive

    async def _lever_broken(self, stamp: str) -> None:
        refuse_changes(self._stamps[stamp].place.state_file)
        await self._root_red(stamp)

    async def _hub_recreated(self, name: str) -> None:
        stamp = self._stamps[name]
        # The old hub has a past: for a long time, no event of the new one has its numbers. Each
        # partition's checkpoint must lie in it, else that partition would be read from there on.
        await stamp.sender.send_many(PAST)
        while await least_checkpoint(stamp) < PAST // 2:  # noqa: ASYNC110 - the SDK writes, and tells nobody
            await asyncio.sleep(_POLL_SECONDS)
        # Else events of the old hub that are on their way would be taken for events of the new one.
        await stamp.processor.stop()
        await stamp.hub.make_anew()
        stamp.processor.forget()
        await stamp.processor.start()

    async def _senders_down(self, stamp: str) -> None:
        self._stamps[stamp].sender.quiet = True

    async def _on_and_off(self, stamp: RunningStamp) -> None:
        while True:
            stamp.catalogue.broken = not stamp.catalogue.broken
            await asyncio.sleep(self._pace.flap_every.total_seconds())
