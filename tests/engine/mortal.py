"""What if a worker dies in the middle of anything, and a store need not be read twice to know what it holds?

For worlds that live thousands of lives: a death at any call that changes something, time that
passes only when nothing else is to be done, and a ledger whose bytes are decoded once for each version.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from rehearsal.clock import VirtualLoop
from remediation.ledger.codec import encode
from remediation.ledger.memory import MemoryLedger
from remediation.ledger.record import WorkloadRecord, check_succession
from remediation.ports import ConflictError, Stored

_T = TypeVar("_T")

CHANGES = frozenset({"save", "append_journal", "take_out", "bring_back", "fence", "tell", "take"})
"""What only reads lies between two of these, so dying there is dying at one of them."""


class CrashedError(BaseException):
    """The process is gone. Nothing in the worker catches it."""


class Life:
    """How many calls that change something a worker has left; without end, as long as nobody says so.

    Attributes:
        calls: how many it has made.
    """

    def __init__(self) -> None:
        self.calls = 0
        self._left: int | None = None
        self._after = False
        self._over = False

    def ends(self, calls: int, *, after: bool) -> None:
        """Die at that call from now: before it has an effect, or when it has had it and not yet answered."""
        self._left, self._after = calls, after

    def through(self, port: object) -> Any:
        """The port, as long as the worker lives."""
        return _Mortal(port, self)

    async def call(self, call: Coroutine[Any, Any, object]) -> object:
        """Make the call, or die of it; the dead make none."""
        self.calls += not self._over
        if self._left is not None and not self._over:
            self._left -= 1
            self._over = self._left <= 0
            if self._over and self._after:
                await call
                raise CrashedError
        if self._over:
            call.close()
            raise CrashedError
        return await call


class _Mortal:
    def __init__(self, port: object, life: Life) -> None:
        self._port = port
        self._life = life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in CHANGES:
            return method

        async def call(*args: object) -> object:
            return await self._life.call(method(*args))

        return call


class Years(VirtualLoop):
    """A virtual loop that can be asked again and again, for a machine whose rules are plain functions."""

    def live(self, what: Coroutine[Any, Any, _T]) -> _T:
        """Run until it is done. Whatever else has been started waits for the next time."""
        asyncio.events._set_running_loop(self)
        try:
            task = self.spawn(what)
            self._go_on_until(task)
        finally:
            asyncio.events._set_running_loop(None)
        return task.result()


def years() -> Years:
    """A loop at its beginning."""
    return Years()  # type: ignore[abstract] # as `virtual_loop` does


class OnceReadLedger(MemoryLedger):
    """A ledger in memory that decodes every version once: records cannot be changed, so they are shared."""

    def __init__(self) -> None:
        super().__init__()
        self._read: dict[str, tuple[str | None, Stored]] = {}

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        version = self.shelf.records.get(workload, (None, b""))[0]
        if workload not in self._read or self._read[workload][0] != version:
            self._read[workload] = (version, await super().load(workload))
        return self._read[workload][1]

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        stored = await self.load(record.workload)
        if stored.version != version:
            raise ConflictError(f"{record.workload}: version {version} was read, {stored.version} is stored")
        check_succession(stored.record if version else None, record)
        new = str(self.shelf.write_ids())
        self.shelf.records[record.workload] = (new, encode(record, new))
        return new
