"""How does a ledger behave, without a store?

For tests and rehearsal. What it holds are bytes that went through the codec, so
what cannot be stored fails here as it would anywhere, and it passes the same
contract tests as the real ones. It makes up nothing at random: the same calls
give the same versions.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from remediation.ledger.codec import decode, decode_entry, encode, encode_entry, revision_of
from remediation.ledger.letters import decode_letter, encode_letter
from remediation.ledger.marker import first_marker, marker_names
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import JournalEntry, WorkloadRecord, check_succession
from remediation.ports import ConflictError, DeadLetter, Stored


@dataclass(slots=True)
class Shelf:
    """What several ledgers, each of another worker, have in common.

    Attributes:
        records: version and bytes, by workload.
        journal: bytes, by workload and then by revision.
        letters: bytes, by id.
        markers: content, by name.
        write_ids: numbers the writes.
    """

    records: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    journal: dict[str, dict[int, bytes]] = field(default_factory=dict)
    letters: dict[str, bytes] = field(default_factory=dict)
    markers: dict[str, bytes] = field(default_factory=dict)
    write_ids: Callable[[], int] = field(default_factory=lambda: count(1).__next__)


class MemoryLedger:
    """A `Ledger` that lasts as long as its shelf. No answer of it can be lost."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.shelf = shelf or Shelf()

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        found = self.shelf.records.get(workload)
        if found is None:
            return Stored(WorkloadRecord(workload), None)
        version, data = found
        return Stored(decode(data)[0], version)

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        stored, data = self.shelf.records.get(record.workload, (None, b""))
        if stored != version:
            raise ConflictError(f"{record.workload}: version {version} was read, {stored} is stored")
        check_succession(decode(data)[0] if data else None, record)
        new = str(self.shelf.write_ids())
        self.shelf.records[record.workload] = (new, encode(record, new))
        return new

    async def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        """See `Ledger`."""
        for entry in entries:
            self.shelf.journal.setdefault(entry.workload, {}).setdefault(
                revision_of(entry), encode_entry(entry)
            )

    async def journal(self, workload: str, limit: int = 100) -> list[JournalEntry]:
        """See `Ledger`."""
        entries = self.shelf.journal.get(workload, {})
        return [decode_entry(entries[revision]) for revision in sorted(entries)[-limit:]]

    async def history(self, workload: str, until: datetime | None = None) -> AsyncIterator[JournalEntry]:
        """See `Ledger`."""
        entries = self.shelf.journal.get(workload, {})
        for revision in sorted(entries, reverse=True):
            entry = decode_entry(entries[revision])
            if until is None or entry.at <= until:
                yield entry

    async def decision(self, workload: str, revision: int) -> JournalEntry | None:
        """See `Ledger`."""
        found = self.shelf.journal.get(workload, {}).get(revision)
        return decode_entry(found) if found is not None else None

    async def bury(self, letter: DeadLetter) -> None:
        """See `Ledger`."""
        self.shelf.letters.setdefault(letter.id, encode_letter(letter))

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """See `Ledger`."""
        letters = [decode_letter(data) for data in self.shelf.letters.values()]
        return sorted(letters, key=lambda letter: (letter.at, letter.id))[-limit:]

    async def marker(self, workload: str) -> HoldSwitch | None:
        """See `Ledger`."""
        markers = self.shelf.markers
        return first_marker((name, markers.get(name)) for name in marker_names(workload))

    async def check(self) -> None:
        """See `Ledger`."""

    async def close(self) -> None:
        """See `Ledger`."""
