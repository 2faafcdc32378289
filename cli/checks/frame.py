"""How is one thing checked, so that every other is checked all the same?"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

AT_ONCE = 8

WITHIN_SECONDS = 15.0


class NotWellError(Exception):
    """What was checked is not well: why, and how that is mended."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(why)
        self.why = why
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is checked.

    Attributes:
        name: what it is, for people.
        run: says in a few words what was found, or raises `NotWellError`.
        slow: what to do if it does not end in time.
        within_seconds: its time.
    """

    name: str
    run: Callable[[], Awaitable[str]]
    slow: str = "see that it can be reached from here"
    within_seconds: float = WITHIN_SECONDS


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a check.

    Attributes:
        check: its name.
        ok: whether all is well.
        said: what was found, or why it is not well.
        mend: how it is mended; empty where all is well.
    """

    check: str
    ok: bool
    said: str
    mend: str = ""

    def __str__(self) -> str:
        """As people read it."""
        if self.ok:
            return f"ok: {self.check}: {self.said}"
        return f"FAILED: {self.check}: {self.said}; {self.mend}"


async def examine(checks: Sequence[Check], at_once: int = AT_ONCE) -> AsyncIterator[Finding]:
    """Run all checks, a few at once; gives what came of each, in their order, as soon as it is known."""
    turn = asyncio.Semaphore(at_once)
    running = [asyncio.create_task(_in_turn(check, turn)) for check in checks]
    for task in running:
        yield await task


async def _in_turn(check: Check, turn: asyncio.Semaphore) -> Finding:
    async with turn:
        # As a result, and not raised: a fault of one check must not take the others with it.
        [result] = await asyncio.gather(_in_time(check), return_exceptions=True)
    match result:
        case str():
            return Finding(check.name, ok=True, said=result)
        case NotWellError():
            return Finding(check.name, ok=False, said=result.why, mend=result.mend)
        case TimeoutError():
            return Finding(check.name, ok=False, said=_too_long(check), mend=check.slow)
        case Exception():
            # Its own text is not told: it may hold an address with a signature.
            said = f"a fault of the doctor's ({type(result).__name__})"
            return Finding(check.name, ok=False, said=said, mend="report it")
        case _:
            raise result


async def _in_time(check: Check) -> str:
    async with asyncio.timeout(check.within_seconds):
        return await check.run()


def _too_long(check: Check) -> str:
    return f"no answer within {check.within_seconds:g} s"
