"""Does the ledger in Blob Storage hold where answers are lost? The real one, over blobs of the world.

`remediation.ledger.blob` is taken as it is; only the container under it is ours. So its own answer to
a 412 that follows a lost success is rehearsed too, and not a model of it.
"""

from itertools import count
from typing import NamedTuple

from rehearsal.faults.inject import sent_again
from rehearsal.history import Kind
from rehearsal.world.store import Store
from rehearsal.world.what import What
from remediation.ledger.blob import LISTED_FIRST, BlobLedger
from remediation.ledger.codec import decode_entry
from remediation.ledger.latest import Latest
from remediation.ledger.letters import decode_letter
from remediation.ports import LedgerUnavailableError

_RECORDS, _JOURNAL, _LETTERS = "records/", "journal/", "dead-letters/by-id/"

LETTER = "letter"
"""The first word of what is written down of a dead letter; the second is how long its body was."""


class SaidNoError(Exception):
    """The condition of a write does not hold."""


class KeptBlob(NamedTuple):
    """A blob as it was read; see `remediation.ledger.container`."""

    version: str
    data: bytes | None


class Blobs:
    """A container that all workers share; what is written into it goes into the history."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.kept: dict[str, KeptBlob] = {}
        self._tags = count(1)

    def write(self, name: str, data: bytes, who: str) -> str:
        """Keep these bytes under a new ETag."""
        tag = f"0x{next(self._tags):06X}"
        self.kept[name] = KeptBlob(tag, data)
        world, shelf = self.store.world, self.store.shelf
        if name.startswith(_RECORDS):
            workload = world.workload.name
            shelf.records[workload] = (tag, data)
            record = self.store.record(workload)
            words = f"revision {record.revision}, {len(data)} bytes"
            world.note(Kind.WRITTEN, words, who=who, what=record)
        elif name.startswith(_JOURNAL):
            entry = decode_entry(data)
            world.note(Kind.JOURNAL, f"{entry.id} ({entry.cause})", who=who, what=entry)
        elif name.startswith(_LETTERS):
            letter = decode_letter(data)
            words = f"{letter.code}: {letter.reason}"
            world.note(Kind.BURIED, words, who=who, what=(LETTER, str(letter.size)))
        return tag


class WorldContainer:
    """The container, as one worker reaches it. Stands in for `remediation.ledger.container.Container`."""

    def __init__(self, blobs: Blobs, who: str) -> None:
        self._blobs, self._who = blobs, who

    def _reach(self) -> None:
        world = self._blobs.store.world
        for what in (What.LEDGER, What.ENTRA, What.DNS):
            if world.is_broken(what):
                raise LedgerUnavailableError(f"{what} is down")

    async def read(self, name: str, unless: str | None = None) -> KeptBlob | None:
        """See `Container`."""
        self._reach()
        if name.startswith("hold"):
            said = self._blobs.store.shelf.markers.get(name)
            return KeptBlob("", said) if said is not None else None
        found = self._blobs.kept.get(name)
        return KeptBlob(found.version, None) if found and found.version == unless else found

    async def create(self, name: str, data: bytes) -> str:
        """See `Container`."""
        return self._twice(name, data, None)

    async def replace(self, name: str, data: bytes, version: str) -> str:
        """See `Container`."""
        return self._twice(name, data, version)

    async def put(self, name: str, data: bytes) -> None:
        """See `Container`."""
        self._reach()
        self._blobs.write(name, data, self._who)

    async def names(self, prefix: str, limit: int) -> list[str]:
        """See `Container`."""
        self._reach()
        return sorted(name for name in self._blobs.kept if name.startswith(prefix))[:limit]

    async def close(self) -> None:
        """See `Container`."""

    def _twice(self, name: str, data: bytes, version: str | None) -> str:
        """Once as a rule; twice where the answer to the first was lost on its way to the transport."""
        tag = self._once(name, data, version)
        return self._once(name, data, version) if sent_again.get() else tag

    def _once(self, name: str, data: bytes, version: str | None) -> str:
        self._reach()
        found = self._blobs.kept.get(name)
        if (found.version if found else None) != version:
            raise SaidNoError("412" if version else "409")
        return self._blobs.write(name, data, self._who)


class RehearsedBlobLedger(BlobLedger):
    """The ledger of Azure Blob Storage, without Azure."""

    def __init__(self, blobs: Blobs, who: str) -> None:
        """One worker's.

        Args:
            blobs: the container that all workers share.
            who: the worker's name, of which no two are alike.
        """
        numbers = count(1)
        self._container = WorldContainer(blobs, who)  # type: ignore[assignment] # see its docstring
        self._refused = SaidNoError  # type: ignore[assignment] # the real one needs Azure's SDK
        self._new_write_id = lambda: f"{who}/{next(numbers)}"
        self._listed_first = LISTED_FIRST
        self._latest = Latest()
