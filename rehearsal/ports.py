"""What stands between a worker and each port: the gate, and what that port answers when it fails.

One small class for each port. None of them knows anything of the world behind it; all of them send
every call through `gate.Gate`, under a name such as `lever.take_out:weu`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from rehearsal.clock import Process
from rehearsal.gate import Answers, Gate, Perform
from remediation.decide.looks import FRONT_DOOR, HealthLook, LeverLook
from remediation.engine import Ports
from remediation.ledger.intent import Intent, Outcome, OutcomeKind
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ledger.stamp import LeverState
from remediation.ledger.told import Message
from remediation.ports import (
    Clock,
    DeadLetter,
    HealthServices,
    Inbox,
    InboxUnavailableError,
    Ledger,
    LedgerUnavailableError,
    Lever,
    Queues,
    Steps,
    Stored,
    Teller,
)
from rules.queue import QueueLook
from rules.topology import Stamp, Workload


def _ledger_fails(reason: str, seconds: float = 0) -> NoReturn:  # noqa: ARG001 - as every throttled answer
    raise LedgerUnavailableError(reason)


def _inbox_fails(reason: str, seconds: float = 0) -> NoReturn:  # noqa: ARG001 - as every throttled answer
    raise InboxUnavailableError(reason)


_LEDGER = Answers(_ledger_fails, _ledger_fails, _ledger_fails)
_INBOX = Answers(_inbox_fails, _inbox_fails, _inbox_fails)
_OUTCOME = Answers(
    lambda reason: Outcome(OutcomeKind.TRANSIENT, reason),
    lambda reason, seconds: Outcome(OutcomeKind.TRANSIENT, reason, retry_after_seconds=seconds),
    lambda reason: Outcome(OutcomeKind.UNKNOWN, reason),
)


def _blind(answer: Callable[[str], Any]) -> Answers:
    """A look has no effect, so all three ways of failing are the same."""
    return Answers(answer, lambda reason, _: answer(reason), answer)


class GatedLedger:
    """The ledger, as one worker reaches it."""

    def __init__(self, gate: Gate, process: Process, inner: Ledger) -> None:
        self._gate, self._process, self._inner = gate, process, inner

    async def _call(self, name: str, perform: Perform) -> Any:
        return await self._gate.through(self._process, f"ledger.{name}", _LEDGER, perform)

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        found: Stored = await self._call("load", lambda: self._inner.load(workload))
        return found

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        new: str = await self._call("save", lambda: self._inner.save(record, version))
        return new

    async def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        """See `Ledger`."""
        await self._call("append_journal", lambda: self._inner.append_journal(entries))

    async def journal(self, workload: str, limit: int = 100) -> list[JournalEntry]:
        """See `Ledger`."""
        found: list[JournalEntry] = await self._call("journal", lambda: self._inner.journal(workload, limit))
        return found

    async def history(self, workload: str, until: datetime | None = None) -> AsyncIterator[JournalEntry]:
        """See `Ledger`."""

        async def read() -> list[JournalEntry]:
            return [entry async for entry in self._inner.history(workload, until)]

        found: list[JournalEntry] = await self._call("history", read)
        for entry in found:
            yield entry

    async def decision(self, workload: str, revision: int) -> JournalEntry | None:
        """See `Ledger`."""
        found: JournalEntry | None = await self._call(
            "decision", lambda: self._inner.decision(workload, revision)
        )
        return found

    async def bury(self, letter: DeadLetter) -> None:
        """See `Ledger`."""
        await self._call("bury", lambda: self._inner.bury(letter))

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """See `Ledger`."""
        found: list[DeadLetter] = await self._call("dead_letters", lambda: self._inner.dead_letters(limit))
        return found

    async def marker(self, workload: str) -> HoldSwitch | None:
        """See `Ledger`."""
        found: HoldSwitch | None = await self._call("marker", lambda: self._inner.marker(workload))
        return found

    async def check(self) -> None:
        """See `Ledger`."""
        await self._call("check", self._inner.check)

    async def close(self) -> None:
        """See `Ledger`."""


class GatedLever:
    """One kind of lever, as one worker reaches it. `port` is `lever` or `origin`."""

    def __init__(self, gate: Gate, process: Process, inner: Lever, port: str) -> None:
        self._gate, self._process, self._inner, self._port = gate, process, inner, port

    async def look(self, stamp: Stamp) -> LeverLook:
        """See `Lever`."""
        blind = _blind(lambda reason: LeverLook(stamp.name, LeverState.UNREACHABLE, reason=reason))
        found: LeverLook = await self._gate.through(
            self._process, f"{self._port}.look:{stamp.name}", blind, lambda: self._inner.look(stamp)
        )
        return found

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """See `Lever`."""
        return await self._change("take_out", stamp, lambda: self._inner.take_out(stamp, tag))

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:
        """See `Lever`."""
        return await self._change("bring_back", stamp, lambda: self._inner.bring_back(stamp, content))

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:
        """See `Lever`."""
        return await self._change("fence", stamp, lambda: self._inner.fence(stamp, look))

    async def _change(self, method: str, stamp: Stamp, perform: Perform) -> Outcome:
        name = f"{self._port}.{method}:{stamp.name}"
        outcome: Outcome = await self._gate.through(self._process, name, _OUTCOME, perform)
        return outcome


class GatedHealthServices:
    """The HealthServices, as one worker reaches them."""

    def __init__(self, gate: Gate, process: Process, inner: HealthServices, clock: Clock) -> None:
        self._gate, self._process, self._inner, self._clock = gate, process, inner, clock

    async def look(self, stamp: Stamp) -> HealthLook:
        """See `HealthServices`."""
        at = self._clock.now()
        blind = _blind(lambda reason: HealthLook(stamp.name, at, None, reason=reason))
        found: HealthLook = await self._gate.through(
            self._process, f"health.look:{stamp.name}", blind, lambda: self._inner.look(stamp)
        )
        return found

    async def look_through(self, workload: Workload) -> HealthLook | None:
        """See `HealthServices`."""
        at = self._clock.now()
        blind = _blind(lambda reason: HealthLook(FRONT_DOOR, at, None, reason=reason))
        found: HealthLook | None = await self._gate.through(
            self._process, "health.look_through", blind, lambda: self._inner.look_through(workload)
        )
        return found


class GatedQueues:
    """The hubs of the stamps, as one worker reaches them."""

    def __init__(self, gate: Gate, process: Process, inner: Queues, clock: Clock) -> None:
        self._gate, self._process, self._inner, self._clock = gate, process, inner, clock

    async def look(self, stamp: Stamp) -> QueueLook:
        """See `Queues`."""
        at = self._clock.now()
        blind = _blind(lambda reason: QueueLook(stamp.name, at, reason=reason))
        found: QueueLook = await self._gate.through(
            self._process, f"queue.look:{stamp.name}", blind, lambda: self._inner.look(stamp)
        )
        return found


class GatedSteps:
    """Restarts and webhooks, as one worker reaches them."""

    def __init__(self, gate: Gate, process: Process, inner: Steps) -> None:
        self._gate, self._process, self._inner = gate, process, inner

    async def take(self, workload: Workload, intent: Intent) -> Outcome:
        """See `Steps`."""
        outcome: Outcome = await self._gate.through(
            self._process,
            f"step.take:{intent.target}",
            _OUTCOME,
            lambda: self._inner.take(workload, intent),
        )
        return outcome

    async def look(self, workload: Workload, intent: Intent) -> Outcome | None:
        """See `Steps`."""
        blind = _blind(lambda _: None)
        found: Outcome | None = await self._gate.through(
            self._process, f"step.look:{intent.target}", blind, lambda: self._inner.look(workload, intent)
        )
        return found


class GatedTeller:
    """A channel to people, as one worker reaches it. `port` is `page` or `notify`."""

    def __init__(self, gate: Gate, process: Process, inner: Teller, port: str) -> None:
        self._gate, self._process, self._inner, self._port = gate, process, inner, port

    async def tell(self, workload: Workload, message: Message) -> Outcome:
        """See `Teller`."""
        outcome: Outcome = await self._gate.through(
            self._process, f"{self._port}.tell", _OUTCOME, lambda: self._inner.tell(workload, message)
        )
        return outcome


class GatedInbox:
    """The hub of the signals, as one worker's webhook reaches it."""

    def __init__(self, gate: Gate, process: Process, inner: Inbox) -> None:
        self._gate, self._process, self._inner = gate, process, inner

    async def put(self, body: bytes, key: str | None, properties: Mapping[str, str]) -> None:
        """See `Inbox`."""
        await self._gate.through(
            self._process, "inbox.put", _INBOX, lambda: self._inner.put(body, key, properties)
        )

    async def close(self) -> None:
        """See `Inbox`."""


def gated(gate: Gate, process: Process, outside: Ports) -> Ports:
    """The outside world, with the gate in front of every part of it.

    Raises:
        ValueError: a part is missing.
    """
    if outside.origin is None or outside.queues is None or outside.steps is None:
        raise ValueError("a rehearsal needs every port")
    clock = outside.clock
    return Ports(
        clock=clock,
        ledger=GatedLedger(gate, process, outside.ledger),
        lever=GatedLever(gate, process, outside.lever, "lever"),
        origin=GatedLever(gate, process, outside.origin, "origin"),
        health_services=GatedHealthServices(gate, process, outside.health_services, clock),
        queues=GatedQueues(gate, process, outside.queues, clock),
        steps=GatedSteps(gate, process, outside.steps),
        pager=GatedTeller(gate, process, outside.pager, "page"),
        notifier=GatedTeller(gate, process, outside.notifier, "notify"),
        tally=outside.tally,
    )
