"""Where can a call of a worker go wrong? Here: every call through every port passes one gate.

A `Faults` stands around each call and may do anything to it that a network, an outage or the end of
a process does. It knows the call by its name (`lever.take_out:weu`) and number, and what that port
answers when the other side fails. Without faults a call takes a moment and succeeds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NoReturn, Protocol, TypeVar

from rehearsal.clock import Process, VirtualLoop
from remediation.decide.looks import FRONT_DOOR, HealthLook, LeverLook
from remediation.engine import Ports
from remediation.ledger.intent import Intent, LeverKind, Outcome, OutcomeKind
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

T = TypeVar("T")
Perform = Callable[[], Awaitable[Any]]

LATENCIES_SECONDS = {"ledger": (0.004, 0.02), "health": (0.01, 0.06), "page": (0.05, 0.3)}
LATENCY_SECONDS = (0.01, 0.08)
"""How long a call takes when nothing is wrong, at least and at most."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one worker through one port.

    Attributes:
        name: port, method and target: `ledger.save`, `lever.take_out:weu`, `page.tell`.
        number: counts all calls of the run, from 0. The same run has the same numbers.
        nth: counts the calls of this name, from 0.
        at: seconds since the beginning.
        process: the worker's, which a fault may `stop` or `kill`. After a kill the fault must await
            something, such as `asyncio.sleep(0)`, and will never come back from it.
        unavailable: what this port answers when the other side did nothing: returns it, or raises.
        throttled: the same, with the seconds that the other side asks to wait.
        lost: what this port answers when nobody knows whether the other side did it.
    """

    name: str
    number: int
    nth: int
    at: float
    process: Process
    unavailable: Callable[[str], Any]
    throttled: Callable[[str, float], Any]
    lost: Callable[[str], Any]

    @property
    def port(self) -> str:
        """Such as `ledger`."""
        return self.name.partition(".")[0]

    @property
    def method(self) -> str:
        """Such as `take_out`."""
        return self.name.partition(".")[2].partition(":")[0]

    @property
    def changes(self) -> bool:
        """Whether it is meant to change something on the other side."""
        return self.method in CHANGING


CHANGING = frozenset(
    {"save", "append_journal", "bury", "take_out", "bring_back", "fence", "take", "tell", "put"}
)


class Faults(Protocol):
    """What goes wrong with calls."""

    async def around(self, call: Call, perform: Perform) -> Any:
        """Let the call happen, or not, or twice, or later; return what the worker is told.

        To crash before: `call.process.kill(); await asyncio.sleep(0)`. After the effect: perform first.
        Response lost: perform, then `return call.lost(...)`. Late effect: give `perform` to
        `VirtualLoop.spawn` in the world with a sleep before it, and return `call.lost(...)`.
        Stale read: keep what an earlier `perform` of the same name gave, and return that.
        """
        ...


class NoFaults:
    """Nothing goes wrong but what the scenario breaks."""

    async def around(self, call: Call, perform: Perform) -> Any:  # noqa: ARG002 - see `Faults`
        """See `Faults`."""
        return await perform()


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a port answers in the three ways of failing."""

    unavailable: Callable[[str], Any]
    throttled: Callable[[str, float], Any]
    lost: Callable[[str], Any]


class Gate:
    """The one place through which every call passes."""

    def __init__(self, loop: VirtualLoop, faults: Faults, chance: Random) -> None:
        self._loop = loop
        self._faults = faults
        self._chance = chance
        self._numbers: dict[str, int] = {}
        self._count = 0
        self._closed = False

    @property
    def calls(self) -> Mapping[str, int]:
        """How many calls of each name there were."""
        return self._numbers

    def close(self) -> None:
        """Let no call through any more."""
        self._closed = True

    async def through(self, process: Process, name: str, answers: _Answers, perform: Perform) -> Any:
        """One call, which takes a moment and meets whatever stands around it."""
        if self._closed:
            raise asyncio.CancelledError
        nth = self._numbers.get(name, 0)
        self._numbers[name] = nth + 1
        number, self._count = self._count, self._count + 1
        call = Call(
            name,
            number,
            nth,
            self._loop.time(),
            process,
            answers.unavailable,
            answers.throttled,
            answers.lost,
        )
        least, most = LATENCIES_SECONDS.get(call.port, LATENCY_SECONDS)
        await asyncio.sleep(self._chance.uniform(least, most))
        return await self._faults.around(call, perform)


def _ledger_fails(reason: str, seconds: float = 0) -> NoReturn:  # noqa: ARG001 - as every throttled answer
    raise LedgerUnavailableError(reason)


def _inbox_fails(reason: str, seconds: float = 0) -> NoReturn:  # noqa: ARG001 - as every throttled answer
    raise InboxUnavailableError(reason)


_LEDGER = _Answers(_ledger_fails, _ledger_fails, _ledger_fails)
_INBOX = _Answers(_inbox_fails, _inbox_fails, _inbox_fails)
_OUTCOME = _Answers(
    lambda reason: Outcome(OutcomeKind.TRANSIENT, reason),
    lambda reason, seconds: Outcome(OutcomeKind.TRANSIENT, reason, retry_after_seconds=seconds),
    lambda reason: Outcome(OutcomeKind.UNKNOWN, reason),
)


def _blind(answer: Callable[[str], Any]) -> _Answers:
    """A look has no effect, so all three ways of failing are the same."""
    return _Answers(answer, lambda reason, _: answer(reason), answer)


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


__all__ = [
    "Call",
    "Faults",
    "Gate",
    "GatedInbox",
    "LeverKind",
    "NoFaults",
    "Perform",
    "gated",
]
