"""Where can a call of a worker go wrong? Here: every call through every port passes one gate.

A `Faults` stands around each call and may do anything to it that a network, an outage or the end of
a process does. It knows the call by its name (`lever.take_out:weu`) and number, and what that port
answers when the other side fails. Without faults a call takes a moment and succeeds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from rehearsal.clock import Process, VirtualLoop
from remediation.ledger.intent import IllegalTransitionError
from remediation.ports import ConflictError, InboxUnavailableError, LedgerUnavailableError

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
        `land_later`, and return `call.lost(...)`.
        Stale read: keep what an earlier `perform` of the same name gave, and return that.
        """
        ...


class NoFaults:
    """Nothing goes wrong but what the scenario breaks."""

    async def around(self, call: Call, perform: Perform) -> Any:  # noqa: ARG002 - see `Faults`
        """See `Faults`."""
        return await perform()


@dataclass(frozen=True, slots=True)
class Answers:
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
        self._next: dict[str, Callable[[Call, Perform], Awaitable[Any]]] = {}

    def befall_next(self, name: str, around: Callable[[Call, Perform], Awaitable[Any]]) -> None:
        """Let this stand around the next call of that name, whoever makes it, instead of the faults."""
        self._next[name] = around

    @property
    def calls(self) -> Mapping[str, int]:
        """How many calls of each name there were."""
        return self._numbers

    def close(self) -> None:
        """Let no call through any more."""
        self._closed = True

    async def through(self, process: Process, name: str, answers: Answers, perform: Perform) -> Any:
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
        around = self._next.pop(name, self._faults.around)
        return await around(call, perform)


def land_later(loop: VirtualLoop, seconds: float, perform: Perform) -> None:
    """Let a call take effect later, whoever dies meanwhile; what it answers then is heard by nobody."""

    async def lands() -> None:
        await asyncio.sleep(seconds)
        with suppress(LedgerUnavailableError, ConflictError, IllegalTransitionError, InboxUnavailableError):
            await perform()

    loop.spawn(lands(), name="late effect")
