"""When is each source asked, and what is said while it does not answer?

Some facts are told by nobody and must be asked for. Whoever asks on a timer can
become the loop that keeps a sick service down, so this frame alone decides when:
seldom, not all at once, and ever more seldom where there is no answer. Meanwhile
what the source would have told is unknown, and never what it was before.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from remediation.observe import Tally, log
from remediation.ports import Clock
from rules.signals import Signal

BACK_OFF_MOST = timedelta(minutes=5)
"""So seldom a source is still asked that does not answer, unless it wants more peace or `every` is longer."""

ASKED_AT_ONCE = 8
"""Of all workloads together."""

ASK_WITHIN_SECONDS = 4.0
"""What one source may take, with all its pages."""

ROUND_WITHIN_SECONDS = 8.0
"""What is not begun by then is left for the next round."""

_DOUBLINGS_MOST = 20  # of the least `every` they are more than any back-off


class NotAnsweredError(Exception):
    """A source gave no usable answer. The reason is one short phrase without secrets."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking.

    Attributes:
        signals: what is known now.
        bodies: alerts in the common schema, for the one reader of bodies.
        failed: why not everything was answered; empty if all was well.
        retry_after_seconds: how long the other side asked us to wait.
    """

    signals: tuple[Signal, ...] = ()
    bodies: tuple[bytes, ...] = ()
    failed: str = ""
    retry_after_seconds: float | None = None


class Source(Protocol):
    """Something that is asked about one workload."""

    @property
    def name(self) -> str:
        """What it is, for counts: `health-score`."""
        ...

    @property
    def about(self) -> str:
        """What it is asked about, for people: `shop/weu`."""
        ...

    @property
    def every(self) -> timedelta:
        """It is never asked more often, and its answer is as good as that is long."""
        ...

    async def ask(self, now: datetime) -> Asked:
        """Ask it, once.

        Raises:
            NotAnsweredError, OSError, ValueError: there is no usable answer.
        """
        ...

    def blind(self, reason: str, now: datetime) -> tuple[Signal, ...]:
        """What is to be said of its subjects while there is no answer: they are unknown."""
        ...


@dataclass(slots=True)
class _Standing:
    """How it stands with one source."""

    not_before: datetime | None = None
    failures: int = 0
    last: Asked = field(default_factory=Asked)


class Rounds:
    """Asks the sources of workloads when they are due.

    Between two asks the last answer is given again. That is no news to the fold: a
    signal that it knows already changes nothing.
    """

    def __init__(  # noqa: PLR0913 - all but three have a default
        self,
        sources: Mapping[str, Iterable[Source]],
        clock: Clock,
        tally: Tally,
        *,
        ask_within_seconds: float = ASK_WITHIN_SECONDS,
        round_within_seconds: float = ROUND_WITHIN_SECONDS,
        asked_at_once: int = ASKED_AT_ONCE,
    ) -> None:
        """Nothing is asked yet.

        Args:
            sources: by workload.
            clock: tells when a source is due.
            tally: counts `probe.NAME.asked`, `.failed` and `.backed_off`.
            ask_within_seconds: for one source.
            round_within_seconds: until when a source of a round may be begun.
            asked_at_once: how many sources, over all workloads.
        """
        self._sources: dict[str, Sequence[tuple[Source, _Standing]]] = {
            workload: [(source, _Standing()) for source in its] for workload, its in sources.items()
        }
        self._clock = clock
        self._tally = tally
        self._ask_within_seconds = ask_within_seconds
        self._round_within_seconds = round_within_seconds
        self._turns = asyncio.Semaphore(asked_at_once)

    async def due(self, workload: str) -> Asked:
        """What the sources of a workload say now; those that are due are asked, all at once.

        Never raises: no answer is an answer, and a fault of ours in one source leaves the others be.
        """
        sources = self._sources.get(workload, ())
        until = asyncio.get_running_loop().time() + self._round_within_seconds
        answers = await asyncio.gather(
            *(self._answer(workload, source, standing, until) for source, standing in sources)
        )
        return Asked(
            tuple(signal for answer in answers for signal in answer.signals),
            tuple(body for answer in answers for body in answer.bodies),
            "; ".join(
                f"{source.name} {source.about}: {answer.failed}"
                for (source, _), answer in zip(sources, answers, strict=True)
                if answer.failed
            ),
        )

    async def _answer(self, workload: str, source: Source, standing: _Standing, until: float) -> Asked:
        if not self._is_due(standing):
            if standing.failures:
                self._tally.add(f"probe.{source.name}.backed_off")
            return standing.last
        try:
            async with asyncio.timeout_at(until):
                await self._turns.acquire()
        except TimeoutError:
            # Its turn did not come. That is no fault of the source's: it is due again the next time.
            return standing.last
        try:
            # While it waited for its turn, another round may have asked.
            return await self._ask(workload, source, standing) if self._is_due(standing) else standing.last
        finally:
            self._turns.release()

    def _is_due(self, standing: _Standing) -> bool:
        return standing.not_before is None or self._clock.now() >= standing.not_before

    async def _ask(self, workload: str, source: Source, standing: _Standing) -> Asked:
        now = self._clock.now()
        # Taken before the first await: a round that overtakes this one must not ask again.
        standing.not_before = now + source.every
        self._tally.add(f"probe.{source.name}.asked")
        answer = await self._outcome(source, now)
        if answer.failed:
            self._failed(workload, source, standing, answer, self._clock.now())
        else:
            if standing.failures:
                log.info("source answers again", workload=workload, source=source.name, about=source.about)
            standing.failures = 0
        standing.last = answer
        return answer

    async def _outcome(self, source: Source, now: datetime) -> Asked:
        """The answer; where there is none, that its subjects are unknown."""
        wait: float | None = None
        # A fault of ours comes back as a result: it must not take the answers of the others with it.
        [result] = await asyncio.gather(self._in_time(source, now), return_exceptions=True)
        if isinstance(result, Asked):
            return result
        if isinstance(result, NotAnsweredError):
            reason, wait = result.reason, result.retry_after_seconds
        elif isinstance(result, TimeoutError):
            reason = f"no answer within {self._ask_within_seconds:g} s"
        elif isinstance(result, (OSError, ValueError)):
            reason = f"no usable answer ({type(result).__name__})"
        elif isinstance(result, Exception):
            log.error("fault while asking", source=source.name, about=source.about, exc_info=result)
            reason = f"a fault of the worker ({type(result).__name__})"
        else:
            raise result
        return Asked(source.blind(reason, now), failed=reason, retry_after_seconds=wait)

    async def _in_time(self, source: Source, now: datetime) -> Asked:
        async with asyncio.timeout(self._ask_within_seconds):
            return await source.ask(now)

    def _failed(
        self, workload: str, source: Source, standing: _Standing, answer: Asked, now: datetime
    ) -> None:
        self._tally.add(f"probe.{source.name}.failed")
        standing.failures += 1
        pause = back_off(source.every, standing.failures, answer.retry_after_seconds)
        standing.not_before = now + pause
        if standing.failures == 1:  # once for an outage, however long it is
            log.warning(
                "source does not answer",
                workload=workload,
                source=source.name,
                about=source.about,
                reason=answer.failed,
            )


def back_off(every: timedelta, failures: int, retry_after_seconds: float | None = None) -> timedelta:
    """How long a source is left alone after so many failures in a row; never shorter than it asks for."""
    doubled = every * (1 << min(failures - 1, _DOUBLINGS_MOST))
    asked_for = timedelta(seconds=retry_after_seconds or 0.0)
    return max(min(doubled, max(BACK_OFF_MOST, every)), asked_for)
