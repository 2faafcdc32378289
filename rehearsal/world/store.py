"""Where does the ledger lie? On one shelf for all workers, as bytes that went through the codec.

Rules (DESIGN §3): compare-and-swap by version; a write that must not follow is refused. Every record
that is written goes into the history as it is read back, and every journal entry and dead letter.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rehearsal.history import Kind
from rehearsal.world.what import What
from remediation.ledger.codec import decode
from remediation.ledger.memory import MemoryLedger, Shelf
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ports import DeadLetter, LedgerUnavailableError, Stored

if TYPE_CHECKING:
    from rehearsal.world.world import World


class Store:
    """The shelf, and who may reach it."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.shelf = Shelf()
        self._decoded: dict[str, Stored] = {}

    def stored(self, workload: str) -> Stored:
        """The record as its bytes say; each version is decoded once, for records do not change."""
        found = self.shelf.records.get(workload)
        if found is None:
            return Stored(WorkloadRecord(workload), None)
        known = self._decoded.get(workload)
        if known is None or known.version != found[0]:
            known = self._decoded[workload] = Stored(decode(found[1])[0], found[0])
        return known

    def record(self, workload: str) -> WorkloadRecord:
        """The record as it is, without asking anybody."""
        return self.stored(workload).record


class StoreLedger:
    """A `Ledger` on the shelf, which can be out of reach."""

    def __init__(self, store: Store, who: str) -> None:
        self._store, self._who = store, who
        self._inner = MemoryLedger(store.shelf)

    def _reach(self) -> None:
        world = self._store.world
        for what in (What.LEDGER, What.ENTRA, What.DNS):
            if world.is_broken(what):
                raise LedgerUnavailableError(f"{what} is down")

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        self._reach()
        return self._store.stored(workload)

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        self._reach()
        new = await self._inner.save(record, version)
        words = f"revision {record.revision}, {len(self._store.shelf.records[record.workload][1])} bytes"
        self._store.world.note(Kind.WRITTEN, words, who=self._who, what=self._store.record(record.workload))
        return new

    async def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        """See `Ledger`."""
        self._reach()
        known = self._store.shelf.journal
        before = {name: set(kept) for name, kept in known.items()}
        await self._inner.append_journal(entries)
        for entry in entries:
            revision = int(entry.id.rpartition("/")[2])
            if revision not in before.get(entry.workload, set()):
                self._store.world.note(Kind.JOURNAL, _told(entry), who=self._who, what=entry)

    async def journal(self, workload: str, limit: int = 100) -> list[JournalEntry]:
        """See `Ledger`."""
        self._reach()
        return await self._inner.journal(workload, limit)

    async def history(self, workload: str, until: datetime | None = None) -> AsyncIterator[JournalEntry]:
        """See `Ledger`."""
        self._reach()
        async for entry in self._inner.history(workload, until):
            yield entry

    async def decision(self, workload: str, revision: int) -> JournalEntry | None:
        """See `Ledger`."""
        self._reach()
        return await self._inner.decision(workload, revision)

    async def bury(self, letter: DeadLetter) -> None:
        """See `Ledger`."""
        self._reach()
        new = letter.id not in self._store.shelf.letters
        await self._inner.bury(letter)
        if new:
            self._store.world.note(Kind.BURIED, f"{letter.code}: {letter.reason}", who=self._who)

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """See `Ledger`."""
        self._reach()
        return await self._inner.dead_letters(limit)

    async def marker(self, workload: str) -> HoldSwitch | None:
        """See `Ledger`."""
        self._reach()
        return await self._inner.marker(workload)

    async def check(self) -> None:
        """See `Ledger`."""
        self._reach()

    async def close(self) -> None:
        """See `Ledger`."""


def _told(entry: JournalEntry) -> str:
    held = [f"{each.verb} {each.stamp} held by {each.guardrail}" for each in entry.held]
    said = "; ".join([*entry.events, *held]) or "nothing new"
    return f"{entry.id} ({entry.cause}): {said}"
