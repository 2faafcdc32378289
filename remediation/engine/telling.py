"""Who must be told, and were they? Delivers the outbox: pages first, never waiting for anything else."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from remediation.decide.draft import Draft
from remediation.decide.outbox import due, make_up_for, settle
from remediation.decide.plan import Arrival, Charge, Occasion, plan
from remediation.engine.book import Book
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.record import Cause, Channel, Message, WorkloadRecord
from remediation.observe import Tally, log
from remediation.ports import Clock, Teller
from rules.topology import Workload

BLIND_PAGE_EVERY = timedelta(minutes=5)


class Telling:
    """The channels to people."""

    def __init__(self, book: Book, clock: Clock, tellers: dict[Channel, Teller], tally: Tally) -> None:
        self._book = book
        self._clock = clock
        self._tellers = tellers
        self._tally = tally
        self._paged_blind: dict[str, datetime] = {}

    async def deliver(self, workload: Workload, record: WorkloadRecord, mine: Collection[str] = ()) -> None:
        """Deliver what is due; pages before notifications. What fails stays in the outbox."""
        for channel in Channel:
            messages = due(record, channel, mine, self._clock.now())
            if messages:
                await self._deliver(workload, messages)

    async def _deliver(self, workload: Workload, messages: list[Message]) -> None:
        outcomes = await asyncio.gather(*(self._tell(workload, message) for message in messages))
        told = {message.id: outcome for message, outcome in zip(messages, outcomes, strict=True)}

        def settled(record: WorkloadRecord) -> WorkloadRecord | None:
            draft = Draft(record, self._clock.now())
            settle(draft, told)
            make_up_for(draft, [m for m in messages if told[m.id].kind is not OutcomeKind.REFUSED])
            return draft.finish(Cause.DELIVERY)

        await self._book.write(workload.name, settled)

    async def _tell(self, workload: Workload, message: Message) -> Outcome:
        outcome = await self._tellers[message.channel].tell(workload, message)
        self._tally.add(f"told.{message.channel}.{outcome.kind}")
        if outcome.kind is not OutcomeKind.APPLIED:
            log.warning(
                "not delivered",
                workload=workload.name,
                message=message.id,
                outcome=str(outcome.kind),
                reason=outcome.reason,
            )
        return outcome

    async def page_without_ledger(self, charge: Charge, arrivals: list[Arrival], reason: str) -> None:
        """Page for what came in, on the strength of these signals alone.

        Nothing can be remembered, so no `for` can be waited out and nothing is
        done but telling; the dedup key is the same as with the ledger.
        """
        now = self._clock.now()
        for message in _blind_pages(charge, arrivals, now):
            last = self._paged_blind.get(message.incident)
            if last is not None and now - last < BLIND_PAGE_EVERY:
                continue
            facts = (*message.facts[:1], ("Worker", f"does nothing by itself: {reason}"))
            outcome = await self._tell(charge.workload, replace(message, facts=facts))
            if outcome.kind is OutcomeKind.APPLIED:
                self._paged_blind[message.incident] = now


def _blind_pages(charge: Charge, arrivals: list[Arrival], now: datetime) -> list[Message]:
    blank = WorkloadRecord(charge.workload.name)
    occasion = Occasion(Cause.SIGNALS, arrivals)
    first = plan(blank, charge, occasion, now) or blank
    long_ago = now - timedelta(days=1)
    waited = replace(blank, since=dict.fromkeys(first.since, long_ago))
    planned = plan(waited, charge, occasion, now) or blank
    return [message for message in planned.outbox if message.channel is Channel.PAGE]
