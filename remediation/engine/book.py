"""How is a change written, when others write too?

Every change is a pure function of the record as it is now. On a conflict it is
asked again of the new record; an old answer is never applied to a new question.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import WorkloadRecord
from remediation.observe import Tally, log
from remediation.ports import ConflictError, Ledger, LedgerUnavailableError

Change = Callable[[WorkloadRecord], WorkloadRecord | None]
"""From the record as it is to the record as it shall be; None leaves it as it is."""

MAX_CONFLICTS = 12
PAUSE_FIRST_SECONDS = 0.005
PAUSE_LONGEST_SECONDS = 0.5
TURN_WITHIN_SECONDS = 2.0
PENDING_ENTRIES_MOST = 10


class HotRecordError(Exception):
    """Others write this workload's record faster than we can."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a change.

    Attributes:
        record: as it is now.
        changed: whether this change wrote it.
    """

    record: WorkloadRecord
    changed: bool


class Book:
    """The ledger, as the engine uses it."""

    def __init__(self, ledger: Ledger, tally: Tally) -> None:
        self._ledger = ledger
        self._tally = tally
        self._journalled: dict[str, str] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def read(self, workload: str) -> WorkloadRecord:
        """The record as it is now."""
        return (await self._ledger.load(workload)).record

    async def marker(self, workload: str) -> HoldSwitch | None:
        """The emergency hold that lies beside the record. Where that cannot be known, nothing is done.

        Raises:
            LedgerUnavailableError: the store cannot be reached.
        """
        return await self._ledger.marker(workload)

    async def reachable(self) -> bool:
        """Whether the store as a whole can be used."""
        try:
            await self._ledger.check()
        except LedgerUnavailableError:
            return False
        return True

    async def write(self, workload: str, change: Change, *, journal: bool = True) -> Written:
        """Apply a change by compare-and-swap, and move the decision into the journal.

        Args:
            workload: whose record.
            change: a pure function of the record as it is.
            journal: False leaves the decision in the record until the next write, to save time before an act.

        Raises:
            LedgerUnavailableError: the ledger cannot be reached; nothing is known to be written.
            HotRecordError: too many conflicts.
        """
        async with self._in_turn(workload):
            return await self._write(workload, change, journal=journal)

    @asynccontextmanager
    async def _in_turn(self, workload: str) -> AsyncIterator[None]:
        """Let the writers of this process go one after another, rather than lose to each other.

        For speed alone: the compare-and-swap is what keeps writes apart. Where the ledger hangs,
        nobody waits long for whoever is before him: a page may depend on knowing that it does.
        """
        turn = self._turns.setdefault(workload, asyncio.Lock())
        try:
            async with asyncio.timeout(TURN_WITHIN_SECONDS):
                await turn.acquire()
        except TimeoutError:
            yield
            return
        try:
            yield
        finally:
            turn.release()

    async def _write(self, workload: str, change: Change, *, journal: bool) -> Written:
        for attempt in range(MAX_CONFLICTS):
            stored = await self._ledger.load(workload)
            record = await self._without_journalled(stored.record)
            after = change(record)
            if after is None:
                return Written(stored.record, changed=False)
            try:
                await self._ledger.save(after, stored.version)
            except ConflictError:
                self._tally.add("ledger.conflicts")
                await asyncio.sleep(_pause(attempt))
                continue
            self._tally.add("ledger.writes")
            if journal:
                await self._append_journal(after)
            return Written(after, changed=True)
        raise HotRecordError(f"{workload}: {MAX_CONFLICTS} conflicts in a row")

    async def _without_journalled(self, record: WorkloadRecord) -> WorkloadRecord:
        """The record without those pending entries that are known to lie in the journal."""
        if len(record.journal) > PENDING_ENTRIES_MOST:
            # The record is bounded: the journal must take them before more are added.
            await self._ledger.append_journal(record.journal)
            self._journalled[record.workload] = record.journal[-1].id
        done = self._journalled.get(record.workload, "")
        return replace(record, journal=tuple(entry for entry in record.journal if entry.id > done))

    async def _append_journal(self, record: WorkloadRecord) -> None:
        if not record.journal:
            return
        try:
            await self._ledger.append_journal(record.journal)
        except LedgerUnavailableError as error:
            # They lie in the record as well, and go with the next write.
            log.warning("journal behind", workload=record.workload, reason=str(error))
            return
        self._journalled[record.workload] = record.journal[-1].id
        newest = record.journal[-1]
        if newest.id.endswith(f"/{record.revision:010d}"):
            log.info(
                "decision",
                workload=record.workload,
                decision=newest.id,
                cause=str(newest.cause),
                signals=len(newest.signals),
                events=list(newest.events),
                held=[f"{held.stamp}: {held.guardrail}" for held in newest.held],
            )


def _pause(attempt: int) -> float:
    """Seconds until the next attempt: more every time, and by chance, so that writers do not stay in step."""
    longest = min(PAUSE_LONGEST_SECONDS, PAUSE_FIRST_SECONDS * (1 << attempt))
    return random.uniform(0, longest)  # noqa: S311 - it guards nothing
