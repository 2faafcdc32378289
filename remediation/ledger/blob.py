"""How is the ledger kept in Azure Blob Storage?

A record is one blob, written over only if it still has the ETag that was read.
Journal entries and dead letters are blobs of their own, which are never written
twice. A container lists its names in ascending order only, so whatever is asked
for newest first has a number in its name that counts down: one listing of a few
names finds the last ones, however many there are.

    records/WORKLOAD.json
    journal/WORKLOAD/COUNTDOWN-REVISION.json
    dead-letters/by-id/ID.json
    dead-letters/by-time/COUNTDOWN-ID      empty: it leads to the letter
    hold  hold-WORKLOAD                    laid there by people: the emergency hold
    check                                  written to see whether writing works
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, unquote
from uuid import uuid4

from remediation.ledger.codec import decode, decode_entry, encode, encode_entry, revision_of
from remediation.ledger.latest import Latest
from remediation.ledger.letters import decode_letter, encode_letter
from remediation.ledger.marker import first_marker, marker_names
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import JournalEntry, WorkloadRecord, check_succession
from remediation.ports import ConflictError, DeadLetter, LedgerUnavailableError, Stored

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

DEADLINE = timedelta(seconds=8)
"""Within which the store answers, or is unavailable."""

AT_ONCE = 8
"""How many blobs are read or written at the same time."""

LISTED_FIRST = 1000
"""So many names of the journal are listed at first; ten times as many when those are not enough."""

CLOCKS_APART = timedelta(minutes=10)
"""The journal is in the order of its writes. Their times are workers' clocks, which lie minutes apart."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BY_TIME = "dead-letters/by-time/"

S = TypeVar("S")
T = TypeVar("T")


class BlobLedger:
    """A `Ledger` in a container of an Azure storage account. The version of a record is its ETag."""

    def __init__(  # noqa: PLR0913 - all but two have a default
        self,
        account: str,
        container: str,
        credential: "AsyncTokenCredential | None" = None,
        *,
        deadline: timedelta = DEADLINE,
        listed_first: int = LISTED_FIRST,
        new_write_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        """Remember where to go; nothing is reached for yet.

        Args:
            account: the account's blob URL, or a connection string.
            container: its name; the container is made at the first write if it is absent.
            credential: for a URL. Whoever made it closes it.
            deadline: for each call, with all its retries; a save makes two calls at most.
            listed_first: so many names of the journal are listed at first when all of it is asked for.
            new_write_id: gives each write an id that no other has.
        """
        # Azure's SDK is slow to import, and only those who keep their ledger there should pay for it.
        from remediation.ledger.container import Container, RefusedError  # noqa: PLC0415

        self._container = Container(account, container, credential, deadline=deadline)
        self._refused = RefusedError
        self._listed_first = listed_first
        self._new_write_id = new_write_id
        self._latest = Latest()

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        seen = self._latest.of(workload)
        found = await self._container.read(_record(workload), unless=seen.version if seen else None)
        if found is None:
            return Stored(WorkloadRecord(workload), None)
        if seen and found.data is None:
            return Stored(seen.record, seen.version)
        record, _ = decode(found.data or b"")
        self._latest.see(record, found.version)
        return Stored(record, found.version)

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        check_succession(await self._predecessor(record.workload, version), record)
        write_id = self._new_write_id()
        data = encode(record, write_id)
        name = _record(record.workload)
        try:
            if version is None:
                new = await self._container.create(name, data)
            else:
                new = await self._container.replace(name, data, version)
        except self._refused as refusal:
            new = await self._own_success(name, version, write_id, str(refusal))
        self._latest.see(record, new)
        return new

    async def _predecessor(self, workload: str, version: str | None) -> WorkloadRecord | None:
        """The record that is to be written over: as a rule the one that was just loaded."""
        known = self._latest.at(workload, version)
        if known or version is None:
            return known
        stored = await self.load(workload)
        if stored.version != version:
            raise ConflictError(f"{workload}: version {version} was read, {stored.version} is stored")
        return stored.record

    async def _own_success(self, name: str, version: str | None, write_id: str, refusal: str) -> str:
        """The stored version if this very write stored it: its answer was lost, so it was sent again."""
        found = await self._container.read(name)
        if (found.version if found else None) == version:
            # Nobody wrote: someone holds a lease, or a policy forbids changes.
            raise LedgerUnavailableError(f"{name} cannot be written: {refusal}")
        if found is None:
            raise ConflictError(f"{name}: version {version} was read, and it was removed since")
        record, stored_by = decode(found.data or b"")
        self._latest.see(record, found.version)
        if stored_by != write_id:
            raise ConflictError(f"{name}: version {version} was read, {found.version} is stored")
        return found.version

    async def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        """See `Ledger`."""

        async def keep(entry: JournalEntry) -> bytes:
            return await self._keep(_entry(entry.workload, revision_of(entry)), encode_entry(entry))

        await _few_at_once(keep, entries)

    async def journal(self, workload: str, limit: int = 100) -> list[JournalEntry]:
        """See `Ledger`."""
        names = await self._container.names(_journal(workload), limit)
        return [decode_entry(data) for data in reversed(await self._read_all(names))]

    async def history(self, workload: str, until: datetime | None = None) -> AsyncIterator[JournalEntry]:
        """See `Ledger`."""
        limit, last = self._listed_first, ""
        while True:
            names = await self._container.names(_journal(workload), limit)
            new = [name for name in names if name > last]
            start = await self._later_than(until, new) if until is not None else 0
            for some in range(start, len(new), AT_ONCE):
                for data in await self._read_all(new[some : some + AT_ONCE]):
                    entry = decode_entry(data)
                    if until is None or entry.at <= until:
                        yield entry
            if len(names) < limit:
                return
            limit, last = limit * 10, names[-1]

    async def decision(self, workload: str, revision: int) -> JournalEntry | None:
        """See `Ledger`."""
        found = await self._read_all([_entry(workload, revision)])
        return decode_entry(found[0]) if found else None

    async def _later_than(self, moment: datetime, names: Sequence[str]) -> int:
        """How many of these entries, newest first, are surely later: found by halves, with few reads."""
        low, high = 0, len(names)
        while low < high:
            middle = (low + high) // 2
            found = await self._read_all(names[middle : middle + 1])
            # One that was removed in the meantime is taken for earlier: then more is read than is needed.
            if found and decode_entry(found[0]).at > moment + CLOCKS_APART:
                low = middle + 1
            else:
                high = middle
        return low

    async def bury(self, letter: DeadLetter) -> None:
        """See `Ledger`."""
        kept = await self._keep(_letter(letter.id), encode_letter(letter))
        # A replay leads to the letter as it was first kept: its first writer may have died before this line.
        await self._keep(_by_time(decode_letter(kept)), b"")

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """See `Ledger`."""
        names = await self._container.names(_BY_TIME, limit)
        letters = await self._read_all([_letter(_id_of(name)) for name in names])
        return [decode_letter(data) for data in reversed(letters)]

    async def marker(self, workload: str) -> HoldSwitch | None:
        """See `Ledger`."""
        names = marker_names(_part(workload))
        found = await _few_at_once(self._container.read, names)
        return first_marker((name, blob and blob.data) for name, blob in zip(names, found, strict=True))

    async def check(self) -> None:
        """See `Ledger`."""
        try:
            await self._container.put("check", b"")
        except self._refused as refusal:
            raise LedgerUnavailableError(f"nothing can be written: {refusal}") from refusal

    async def close(self) -> None:
        """See `Ledger`."""
        await self._container.close()

    async def _keep(self, name: str, data: bytes) -> bytes:
        """Write a blob that is never written again; returns what is kept under that name."""
        try:
            await self._container.create(name, data)
        except self._refused as refusal:
            found = await self._container.read(name)
            if found is None:
                raise LedgerUnavailableError(f"{name} cannot be written: {refusal}") from refusal
            return found.data or b""
        return data

    async def _read_all(self, names: Sequence[str]) -> list[bytes]:
        """The blobs of these names, without those that were removed in the meantime."""
        found = await _few_at_once(self._container.read, names)
        return [blob.data or b"" for blob in found if blob]


def _record(workload: str) -> str:
    return f"records/{_part(workload)}.json"


def _journal(workload: str) -> str:
    return f"journal/{_part(workload)}/"


def _entry(workload: str, revision: int) -> str:
    return f"{_journal(workload)}{_countdown(revision, digits=12)}-{revision}.json"


def _letter(letter_id: str) -> str:
    return f"dead-letters/by-id/{_part(letter_id)}.json"


def _by_time(letter: DeadLetter) -> str:
    microseconds = (letter.at - _EPOCH) // timedelta(microseconds=1)
    return f"{_BY_TIME}{_countdown(microseconds, digits=16)}-{_part(letter.id)}"


def _id_of(by_time: str) -> str:
    return unquote(by_time.removeprefix(_BY_TIME).partition("-")[2])


def _countdown(number: int, digits: int) -> str:
    return f"{10**digits - 1 - number:0{digits}d}"


def _part(text: str) -> str:
    """One part of a name: no slash and no dots in it can lead elsewhere."""
    return quote(text, safe="").replace(".", "%2E")


async def _few_at_once(do: Callable[[S], Awaitable[T]], each: Iterable[S]) -> list[T]:
    places = asyncio.Semaphore(AT_ONCE)

    async def in_turn(one: S) -> T:
        async with places:
            return await do(one)

    return await asyncio.gather(*(in_turn(one) for one in each))
