"""What does the engine need from the outside world, in its own words?

Adapters stand in `ledger`, `probes`, `act` and `inbox`; `wiring` is the only
place where the two meet. Every fake passes the contract test of the real thing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from remediation.decide.looks import HealthLook, LeverLook
from remediation.ledger.intent import Intent, Outcome
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ledger.told import Message
from rules.queue import QueueLook
from rules.topology import Stamp, Workload


class Clock(Protocol):
    """The time. Taken once per decision and handed on as an argument."""

    def now(self) -> datetime:
        """The moment, aware UTC."""
        ...


class LedgerUnavailableError(Exception):
    """The ledger cannot be reached or used now. Pages go on without it; drains do not."""


class ConflictError(Exception):
    """Somebody else wrote the record first: read it again and plan again from scratch."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was read, and the version to write over.

    `version` is None where there is no record yet.
    """

    record: WorkloadRecord
    version: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A body that could not be read, with the reason.

    Attributes:
        id: the same body by the same route has the same id, so that a replay buries it once.
        at: when.
        route: how it came: `alerts`, `health-events`, `hub`.
        code: stable error code.
        reason: a sentence.
        body: the first bytes of it.
        size: of the whole body, in bytes.
    """

    id: str
    at: datetime
    route: str
    code: str
    reason: str
    body: bytes
    size: int


class Ledger(Protocol):
    """The durable record of each workload, its journal, and the dead letters.

    Every method raises `LedgerUnavailableError` when the store cannot be reached.
    """

    async def load(self, workload: str) -> Stored:
        """The record; a blank one with version None where there is none.

        Raises:
            UnreadableRecordError: it is damaged, or of a newer version of the worker.
        """
        ...

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """Write the record over the version that was read; returns the new version.

        One's own write whose answer was lost counts as success: it is known by its write id.

        Raises:
            ConflictError: the stored version is another.
            IllegalTransitionError: the record must not follow the stored one; nothing was written.
        """
        ...

    async def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        """Add entries to the journal; one whose id is there already is left as it is."""
        ...

    async def journal(self, workload: str, limit: int = 100) -> list[JournalEntry]:
        """The last entries, oldest first."""
        ...

    def history(self, workload: str, until: datetime | None = None) -> AsyncIterator[JournalEntry]:
        """The whole journal, newest first, read no further than it is asked for.

        Args:
            workload: whose.
            until: only what was decided up to this moment. What is later is passed over, not read
                through, as far as the store allows.
        """
        ...

    async def decision(self, workload: str, revision: int) -> JournalEntry | None:
        """The entry that was written with this revision of the record, however old; None if there is none."""
        ...

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; one whose id is there already is left as it is."""
        ...

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """The last dead letters, oldest first."""
        ...

    async def marker(self, workload: str) -> HoldSwitch | None:
        """The emergency hold that a person laid into the store by hand, for this workload or for all.

        It needs nothing of ours: a file or blob `hold` (or `hold-WORKLOAD`), its content the reason.
        One that is there and cannot be read holds as well.
        """
        ...

    async def check(self) -> None:
        """Pass if the store can be reached and written."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...


class HealthServices(Protocol):
    """The HealthServices of the stamps."""

    async def look(self, stamp: Stamp) -> HealthLook:
        """Ask one, within the probe time-out. Never raises: no answer is an answer."""
        ...

    async def look_through(self, workload: Workload) -> HealthLook | None:
        """Ask some stamp's through Front Door; None where no such way is configured. Never raises."""
        ...


class Queues(Protocol):
    """The hubs that the stamps' BackgroundProcessors read."""

    async def look(self, stamp: Stamp) -> QueueLook:
        """Look at one, and at the checkpoints of its consumer group. Never raises."""
        ...


class Steps(Protocol):
    """Steps other than moving a lever: the restart of a deployment, a request to another system."""

    async def take(self, workload: Workload, intent: Intent) -> Outcome:
        """Take the step. Idempotent by the intent's id. Never raises."""
        ...

    async def look(self, workload: Workload, intent: Intent) -> Outcome | None:
        """Whether a step that was taken is seen to be done: applied, refused, or None while it goes on."""
        ...


class Lever(Protocol):
    """Something that takes a stamp out of rotation and back: the four verbs without `verify`.

    `verify` is the engine's: it looks at the lever and at the HealthService.
    """

    async def look(self, stamp: Stamp) -> LeverLook:
        """What it shows. Never raises: what cannot be reached is `unreachable`."""
        ...

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """Take the stamp out of rotation, if it is still exactly as the look that gave `tag` saw it."""
        ...

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:
        """Bring the stamp back into rotation. Already there is `applied`, and is left as it is."""
        ...

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:
        """Make every tag handed out so far worthless, changing nothing else."""
        ...


class Teller(Protocol):
    """A channel to people: pages or notifications."""

    async def tell(self, workload: Workload, message: Message) -> Outcome:
        """Deliver one message. Idempotent by the incident's key where the channel can be."""
        ...


class Inbox(Protocol):
    """Where a body is made durable before anyone is told that it was accepted."""

    async def put(self, body: bytes, key: str | None, properties: Mapping[str, str]) -> None:
        """Return once the body is durable.

        Raises:
            InboxUnavailableError: it could not be made durable within the time allowed.
        """
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...


class InboxUnavailableError(Exception):
    """The body could not be made durable; the sender must try again."""
