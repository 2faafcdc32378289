"""What must be told now, by whom, and what becomes of a message that could not be delivered?

Nothing is ever dropped. A message that a channel refuses is tried again, more
slowly: the routing key may be mended while the incident lasts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from remediation.decide.draft import Draft
from remediation.decide.muting import never_told
from remediation.decide.wording import news_of
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.told import Channel, Message, MessageKind

RETRY_FIRST = timedelta(seconds=5)
RETRY_LONGEST = timedelta(minutes=5)


def due(record: WorkloadRecord, channel: Channel, mine: Collection[str], now: datetime) -> list[Message]:
    """The messages of one channel to be delivered now, oldest first.

    A message waits for an older one of its incident, so that no resolve
    overtakes its trigger. `mine` are those that the caller has just written.
    """
    found: list[Message] = []
    waiting: set[str] = set()
    for message in record.outbox:
        if message.channel is not channel:
            continue
        if message.incident not in waiting and (message.id in mine or message.not_before <= now):
            found.append(message)
        waiting.add(message.incident)
    return found


def settle(draft: Draft, outcomes: Mapping[str, Outcome]) -> None:
    """Take what was delivered out of the outbox; set the next attempt of what was not."""
    kept = []
    for message in draft.outbox:
        outcome = outcomes.get(message.id)
        if outcome is None:
            kept.append(message)
            continue
        if outcome.kind is OutcomeKind.APPLIED:
            draft.happened(f"{message.channel} {message.kind} delivered: {message.title}")
            continue
        if message.attempts == 0:
            draft.happened(f"{message.channel} {message.kind} not delivered yet: {outcome.reason}")
        wait = _wait(message, outcome)
        kept.append(replace(message, attempts=message.attempts + 1, not_before=draft.now + wait))
    draft.outbox = kept


def make_up_for(draft: Draft, told: Iterable[Message]) -> None:
    """Say again what is so, where words were told that were no longer in the outbox.

    A worker that is held up may deliver a message after another one has delivered it in its
    stead, and also what came next. The far side goes by the last word: a late trigger opens
    an incident that has ended, a late resolve closes one that stands.
    """
    waiting = {(m.incident, m.channel, m.kind) for m in draft.outbox}
    ids = {message.id for message in draft.before.outbox}
    for message in told:
        incident = draft.incidents.get(message.incident)
        over = incident is None or never_told(incident)
        true = MessageKind.RESOLVE if over else MessageKind.TRIGGER
        if message.id in ids or message.kind is true or (message.incident, message.channel, true) in waiting:
            continue
        title = news_of(incident) if incident and not over else f"{message.title} (has ended)"
        draft.repeat(message, true, title)


def _wait(message: Message, outcome: Outcome) -> timedelta:
    if outcome.kind is OutcomeKind.REFUSED:
        return RETRY_LONGEST
    doubled = RETRY_FIRST.total_seconds() * (1 << min(message.attempts, 6))
    asked = outcome.retry_after_seconds or 0
    # However long the other side asks for: a page that is told tomorrow is no page.
    return timedelta(seconds=min(RETRY_LONGEST.total_seconds(), max(asked, doubled)))
