"""What happens when signals arrive, and when the timer ticks?

Events give speed: they change state, and people are told at once. The timer
gives correctness: it looks at every stamp, decides from state, and acts.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from remediation.decide.leaving import take_leave
from remediation.decide.plan import Arrival, Charge, Occasion, plan
from remediation.engine.acting import Acting, Hands
from remediation.engine.book import Book, HotRecordError, Written
from remediation.engine.looking import Looking
from remediation.engine.telling import Telling
from remediation.ledger.codec import RecordTooLargeError
from remediation.ledger.intent import Intent, IntentState, LeverKind, Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.told import Channel
from remediation.observe import Tally, log
from remediation.ports import (
    Clock,
    HealthServices,
    Ledger,
    LedgerUnavailableError,
    Lever,
    Queues,
    Steps,
    Teller,
)
from rules.queue import QueueLook

ROUNDS_MOST = 5
ARRIVALS_AT_ONCE = 200
RECONCILE_WITHIN_SECONDS = 20.0
LOOKS_MOST = 3


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world, as the engine needs it."""

    clock: Clock
    ledger: Ledger
    lever: Lever
    health_services: HealthServices
    pager: Teller
    notifier: Teller
    tally: Tally = field(default_factory=Tally)
    origin: Lever | None = None
    queues: Queues | None = None
    steps: Steps | None = None

    @property
    def levers(self) -> Mapping[LeverKind, Lever]:
        """The levers that there are, by their kind."""
        second = {LeverKind.FRONT_DOOR: self.origin} if self.origin else {}
        return {LeverKind.STATE_FILE: self.lever, **second}


class _ActedMeanwhileError(Exception):
    """Somebody acted on a stamp between the look and the decision: look again."""


class NotInForceError(Exception):
    """A signal is about a workload that was taken out of the configuration a moment ago."""


class Engine:
    """The worker's loop, for all workloads in its charge."""

    def __init__(
        self,
        charges: Mapping[str, Charge],
        ports: Ports,
        worker: str,
        *,
        problem: Callable[[], str] = lambda: "",
        token: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """Nothing is read or looked at yet.

        Args:
            charges: what is in force, by workload; it may change from call to call.
            ports: the outside world.
            worker: the name of this worker in leases.
            problem: what is wrong with the configuration; empty if nothing is.
            token: makes the tokens of leases, each of them once.
        """
        self._charges = charges
        self._problem = problem
        self._served: dict[str, Charge] = {}
        self._left: dict[str, Charge] = {}
        self._markers: dict[str, HoldSwitch | None] = {}
        self._clock = ports.clock
        self._tally = ports.tally
        self._book = Book(ports.ledger, ports.tally)
        self._looking = Looking(ports.clock, ports.health_services, ports.levers, ports.queues, ports.steps)
        tellers = {Channel.PAGE: ports.pager, Channel.NOTIFY: ports.notifier}
        self._telling = Telling(self._book, ports.clock, tellers, ports.tally)
        hands = Hands(worker, ports.levers, ports.steps, token)
        self._acting = Acting(self._book, ports.clock, self._looking, hands)

    async def accept(self, arrivals: Iterable[Arrival]) -> dict[str, str]:
        """Take signals in, decide, and tell people.

        Returns:
            The workloads whose signals could not be taken in, each with the
            reason: their record is damaged or too hot. The others went on.

        Raises:
            LedgerUnavailableError: the ledger cannot be reached; pages have gone out.
        """
        by_workload: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            by_workload[arrival.signal.subject.workload].append(arrival)
        names = list(by_workload)
        failed = await self._accept_each(by_workload, names)
        broken = [name for name in names if isinstance(failed.get(name), LedgerUnavailableError)]
        if broken and await self._book.reachable():
            # The store is there, so it may be one record alone: ask once more before its signals are parked.
            failed |= dict.fromkeys(broken) | await self._accept_each(by_workload, broken)
            broken = []
        if broken:
            raise LedgerUnavailableError(str(failed[broken[0]]))
        return {name: str(error) or type(error).__name__ for name, error in failed.items() if error}

    async def _accept_each(
        self, by_workload: Mapping[str, list[Arrival]], names: Iterable[str]
    ) -> dict[str, Exception | None]:
        """Each workload by itself: what goes wrong with one must not take the others with it."""
        chosen = list(names)
        accepted = (self._accept(name, by_workload[name]) for name in chosen)
        results = await asyncio.gather(*accepted, return_exceptions=True)
        failed: dict[str, Exception | None] = {}
        for name, result in zip(chosen, results, strict=True):
            if isinstance(result, Exception):
                failed[name] = result
            elif isinstance(result, BaseException):
                raise result
        return failed

    async def _accept(self, workload: str, arrivals: list[Arrival]) -> None:
        charge = self._charges.get(workload)
        if charge is None:
            raise NotInForceError(f"the workload {workload} is no longer in force")
        for first in range(0, len(arrivals), ARRIVALS_AT_ONCE):
            await self._accept_some(charge, arrivals[first : first + ARRIVALS_AT_ONCE])

    async def _accept_some(self, charge: Charge, arrivals: list[Arrival]) -> None:
        # By the marker as it was last seen: else every batch would plan what the next tick withdraws.
        occasion = Occasion(Cause.SIGNALS, arrivals, marker=self._markers.get(charge.workload.name))
        try:
            written = await self._decide(charge, occasion)
        except Exception as error:
            # A damaged record, a store out of reach, a fault of our own: people are told all the same.
            log.exception("not taken in", workload=charge.workload.name)
            await self._telling.page_without_ledger(charge, occasion, str(error) or type(error).__name__)
            raise
        if not written.changed:
            self._tally.add("signals.replayed", len(arrivals))
            return
        self._tally.add("signals.accepted", len(arrivals))
        await self._telling.deliver(charge.workload, written.record, _queued_by(written))

    async def reconcile_all(self) -> None:
        """Reconcile every workload; one that is broken or slow does not hold up the others."""
        now = dict(self._charges)
        # Those that were taken from the files since; each until all has been told of it.
        gone = {**self._left, **self._served}
        self._served, self._left = now, {name: gone[name] for name in gone if name not in now}
        leaving = [self._leave_in_time(name, charge) for name, charge in list(self._left.items())]
        await asyncio.gather(*(self._reconcile_in_time(name) for name in now), *leaving)

    async def _leave_in_time(self, name: str, charge: Charge) -> None:
        """Tell people that nobody watches a workload any more, on the channels that it had."""
        try:
            async with asyncio.timeout(RECONCILE_WITHIN_SECONDS):
                written = await self._book.write(name, lambda record: take_leave(record, self._clock.now()))
                await self._telling.deliver(charge.workload, written.record, _queued_by(written))
        except Exception as error:  # noqa: BLE001 - it must not stop the others, and is tried again
            log.error("not left yet", workload=name, reason=str(error) or type(error).__name__)
            return
        if not written.record.outbox:
            log.warning("no longer in charge of a workload", workload=name)
            del self._left[name]

    async def _reconcile_in_time(self, name: str) -> None:
        try:
            async with asyncio.timeout(RECONCILE_WITHIN_SECONDS):
                await self.reconcile(name)
        except (HotRecordError, TimeoutError) as error:
            # The next tick goes on from state; nothing is lost.
            self._tally.add("reconcile.failed")
            log.error("reconcile failed", workload=name, reason=str(error) or type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a fault in one workload must not stop the others
            self._tally.add("reconcile.failed")
            log.exception("reconcile failed", workload=name)
            await self._reconcile_blindly(name, str(error) or type(error).__name__)

    async def _reconcile_blindly(self, name: str, reason: str) -> None:
        """Without its record, tell people what is seen of a workload, and that nothing is done about it."""
        charge = self._charges[name]
        live = await self._looking.look(charge.workload)
        await self._telling.page_without_ledger(charge, Occasion(Cause.TIMER, live=live), reason)
        await self._telling.page_unusable(charge.workload, reason)

    async def reconcile(self, name: str) -> None:
        """Derive from state what to do, and do it, until nothing more is to be done now.

        Telling people goes on beside it: a pager that hangs delays no drain.

        Raises:
            LedgerUnavailableError, UnreadableRecordError, UnstorableRecordError, HotRecordError: nothing
                was done by this call that is not in the ledger.
        """
        charge = self._charges[name]
        record = await self._book.read(name)
        # What whoever wrote it did not live to deliver comes before anything that takes time.
        telling = [asyncio.create_task(self._telling.deliver(charge.workload, record))]
        # Hubs answer slowly, and what they say is of use for minutes: they are asked once.
        queues = asyncio.create_task(self._looking.queues(charge.workload))
        try:
            for _ in range(ROUNDS_MOST):
                written = await self._look_and_decide(charge, queues)
                mine = _queued_by(written)
                delivery = self._telling.deliver(charge.workload, written.record, mine, alone=True)
                telling.append(asyncio.create_task(delivery))
                due = self._acting.due(written.record, charge.workload)
                if not due:
                    break
                for intent in due:
                    await self._acting.carry_out(charge, intent)
        finally:
            queues.cancel()
            await asyncio.gather(*telling)
        await self._telling.see_again(charge.workload, written.record)

    async def _look_and_decide(self, charge: Charge, queues: Awaitable[Mapping[str, QueueLook]]) -> Written:
        for _ in range(LOOKS_MOST):
            record = await self._book.read(charge.workload.name)
            live, steps, marker = await asyncio.gather(
                self._looking.look(charge.workload),
                self._looking.steps(charge.workload, _to_be_verified(record)),
                self._book.marker(charge.workload.name),
            )
            self._markers[charge.workload.name] = marker
            live = replace(live, queues=await queues, steps=steps)
            try:
                occasion = Occasion(Cause.TIMER, live=live, marker=marker, problem=self._problem())
                return await self._decide(charge, occasion, hands=_hands(record))
            except _ActedMeanwhileError:
                self._tally.add("looks.outdated")
        raise HotRecordError(f"{charge.workload.name}: acted upon faster than it can be looked at")

    async def _decide(self, charge: Charge, occasion: Occasion, hands: object = None) -> Written:
        def decided(record: WorkloadRecord) -> WorkloadRecord | None:
            if occasion.live is not None and _hands(record) != hands:
                raise _ActedMeanwhileError
            return plan(record, charge, occasion, self._clock.now())

        try:
            return await self._book.write(charge.workload.name, decided)
        except RecordTooLargeError:
            if occasion.crowded:
                raise
            self._tally.add("ledger.crowded")
            return await self._decide(charge, replace(occasion, crowded=True), hands)


def _to_be_verified(record: WorkloadRecord) -> list[Intent]:
    """The steps other than drains and rejoins that were taken and not yet seen to be done."""
    taken = [intent for intent in record.in_flight() if intent.state is IntentState.APPLIED]
    return [intent for intent in taken if intent.verb is Verb.RESTART]


def _hands(record: WorkloadRecord) -> object:
    """What has been done to the stamps, by the record: a look from before it is worth nothing after it."""
    intents = [(intent.id, intent.state) for intent in record.intents.values()]
    drains = [(name, stamp.drain.intent) for name, stamp in record.stamps.items() if stamp.drain]
    return sorted(intents), sorted(drains)


def _queued_by(written: Written) -> set[str]:
    """The messages that this write has queued: its author delivers them."""
    if not written.changed:
        return set()
    mark = f"@{written.record.revision}:"
    return {message.id for message in written.record.outbox if mark in message.id}
