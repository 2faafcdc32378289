"""Who must be told, and were they? Delivers the outbox, beside whatever else the worker does."""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from remediation.decide.draft import Draft
from remediation.decide.incidents import incident_key
from remediation.decide.outbox import due, make_up_for, settle
from remediation.decide.plan import Charge, Occasion, plan
from remediation.engine.book import Book, HotRecordError
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.told import Channel, Message, MessageKind
from remediation.observe import Tally, log
from remediation.ports import Clock, Teller
from rules.signals import Severity
from rules.topology import Workload

TELL_WITHIN_SECONDS = 5.0
BLIND_PAGE_EVERY = timedelta(minutes=5)
TICKS_BEFORE_UNUSABLE = 2

LEDGER_UNUSABLE = "ledger-unusable"
"""The family of the incident that tells of a workload whose record cannot be used."""


class Telling:
    """The channels to people."""

    def __init__(self, book: Book, clock: Clock, tellers: dict[Channel, Teller], tally: Tally) -> None:
        self._book = book
        self._clock = clock
        self._tellers = tellers
        self._tally = tally
        self._paged_blind: dict[str, Message] = {}
        self._unsettled: dict[str, dict[tuple[str, Channel], Message]] = {}
        self._unusable: Counter[str] = Counter()

    async def deliver(
        self, workload: Workload, record: WorkloadRecord, mine: Collection[str] = (), *, alone: bool = False
    ) -> None:
        """Deliver what is due, on all channels at the same time. What fails stays in the outbox.

        Args:
            workload: whose outbox.
            record: in which it lies.
            mine: the messages that the caller has just written.
            alone: deliver these and no others.
        """
        now = self._clock.now()
        messages = [message for channel in Channel for message in due(record, channel, mine, now)]
        messages = [message for message in messages if message.id in mine or not alone]
        # A delivery that was cut short, by a tick that took too long: nobody knows who heard what.
        unsettled = self._unsettled.setdefault(workload.name, {})
        before = list(unsettled.values())
        if not messages and not before:
            return
        unsettled.update({(message.incident, message.channel): message for message in messages})
        try:
            await self._deliver(workload, messages, before)
        except HotRecordError as error:
            # What was told is told once more from the outbox.
            log.warning("delivery not recorded", workload=workload.name, reason=str(error))
            return
        for message in (*before, *messages):
            key = message.incident, message.channel
            if unsettled.get(key) is message:  # another delivery may have begun with newer words meanwhile
                del unsettled[key]

    async def _deliver(self, workload: Workload, messages: list[Message], before: list[Message]) -> None:
        outcomes = await asyncio.gather(*(self._tell(workload, message) for message in messages))
        told = {message.id: outcome for message, outcome in zip(messages, outcomes, strict=True)}
        heard = [message for message in messages if told[message.id].kind is not OutcomeKind.REFUSED]

        def settled(record: WorkloadRecord) -> WorkloadRecord | None:
            draft = Draft(record, self._clock.now())
            settle(draft, told)
            make_up_for(draft, [*before, *heard])
            return draft.finish(Cause.DELIVERY)

        await self._book.write(workload.name, settled)

    async def _tell(self, workload: Workload, message: Message) -> Outcome:
        outcome = await self._told_in_time(workload, message)
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

    async def _told_in_time(self, workload: Workload, message: Message) -> Outcome:
        try:
            async with asyncio.timeout(TELL_WITHIN_SECONDS):
                return await self._tellers[message.channel].tell(workload, message)
        except TimeoutError:
            return Outcome(OutcomeKind.UNKNOWN, f"no answer within {TELL_WITHIN_SECONDS:.0f}s")
        except Exception as error:  # noqa: BLE001 - a channel's fault must not keep the others silent
            log.exception("channel failed", workload=workload.name, message=message.id)
            return Outcome(OutcomeKind.UNKNOWN, type(error).__name__)

    async def page_without_ledger(self, charge: Charge, occasion: Occasion, reason: str) -> None:
        """Page for what is new, on the strength of that alone.

        Nothing can be remembered, so no `for` can be waited out and nothing is
        done but telling; the dedup key is the same as with the ledger.
        """
        for message in _blind_pages(charge, occasion, self._clock.now()):
            facts = (*message.facts[:1], ("Worker", f"does nothing by itself: {reason}"))
            await self._page_blindly(charge.workload, replace(message, facts=facts))

    async def page_unusable(self, workload: Workload, reason: str) -> None:
        """Page that a workload is without its worker, when that has lasted for more than one tick."""
        self._unusable[workload.name] += 1
        if self._unusable[workload.name] < TICKS_BEFORE_UNUSABLE:
            return
        now = self._clock.now()
        key = incident_key(workload.name, None, LEDGER_UNUSABLE)
        title = (
            f"{workload.name}: the worker cannot use its ledger; it drains nothing and brings nothing back."
        )
        message = Message(
            id=key,
            channel=Channel.PAGE,
            kind=MessageKind.TRIGGER,
            incident=key,
            severity=Severity.CRITICAL,
            title=title,
            created_at=now,
            not_before=now,
            facts=(("Reason", reason),),
        )
        await self._page_blindly(workload, message)

    async def _page_blindly(self, workload: Workload, message: Message) -> None:
        now = self._clock.now()
        known = self._paged_blind.get(message.incident)
        if known is not None and now - known.not_before < BLIND_PAGE_EVERY:
            return
        outcome = await self._tell(workload, message)
        if outcome.kind in (OutcomeKind.APPLIED, OutcomeKind.UNKNOWN):
            # What may have arrived is resolved in the end. As it may not have, it is told again at once.
            told_at = now if outcome.kind is OutcomeKind.APPLIED else now - BLIND_PAGE_EVERY
            self._paged_blind[message.incident] = replace(message, not_before=told_at)

    async def see_again(self, workload: Workload, record: WorkloadRecord) -> None:
        """The record can be used again: what was paged without it ends, but for what it knows to be open."""
        self._unusable.pop(workload.name, None)
        for key, page in list(self._paged_blind.items()):
            if not key.startswith(f"{workload.name}/"):
                continue
            if key in record.incidents:
                del self._paged_blind[key]
                continue
            resolve = replace(page, kind=MessageKind.RESOLVE, facts=())
            if (await self._tell(workload, resolve)).kind is OutcomeKind.APPLIED:
                del self._paged_blind[key]


def _blind_pages(charge: Charge, occasion: Occasion, now: datetime) -> list[Message]:
    """The pages that these facts alone would cause, if every `for` had been waited out."""
    blank = WorkloadRecord(charge.workload.name)
    first = plan(blank, charge, occasion, now) or blank
    long_ago = now - timedelta(days=1)
    waited = replace(blank, since=dict.fromkeys(first.since, long_ago))
    planned = plan(waited, charge, occasion, now) or blank
    return [message for message in planned.outbox if message.channel is Channel.PAGE]
