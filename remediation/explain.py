"""Why did the worker do that, and why did it not do the other thing?

Answered from the ledger alone, however long ago it was: the journal says what was
considered, chosen and held at each decision; the record says what stands now.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from remediation.ledger.codec import revision_of
from remediation.ledger.orders import Approval, HoldSwitch
from remediation.ledger.record import Cause, HeldStep, JournalEntry, WorkloadRecord
from remediation.ledger.stamp import StampRecord
from remediation.ports import Ledger
from rules.conditions import words
from rules.signals import Signal

GLOBAL = "global"
"""In the place of a stamp's name, where it is the workload as a whole; no stamp may be called so."""

WHOLE = "the workload as a whole"
GONE = "no stamp of the workload any more"

SIGNALS_MOST = 10
INTENTS_MOST = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands for one stamp now, or for the workload as a whole.

    Attributes:
        stamp: which; `global` for the workload as a whole.
        state: in rotation, drained, out by other hands, or gone.
        seen: the last look, in words; empty where there is nothing to look at.
        signals: the bad and unknown words that stand about it, with their ages, the newest first.
        findings: the rules that hold, with since when and why.
        held: why a wanted step is not taken, the guardrail that is asked first in front.
        intents: the last steps, with how far they got.
        incidents: what people were told.
    """

    stamp: str
    state: str
    seen: str
    signals: tuple[str, ...]
    findings: tuple[str, ...]
    held: tuple[HeldStep, ...]
    intents: tuple[str, ...]
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Orders:
    """What people have said that counts now, in words.

    Attributes:
        holds: by order and by marker.
        silences: those that are on.
        approvals: the steps that wait for somebody's word, or have it and wait to be taken.
    """

    holds: tuple[str, ...]
    silences: tuple[str, ...]
    approvals: tuple[str, ...]


def orders(record: WorkloadRecord, marker: HoldSwitch | None, now: datetime) -> Orders:
    """What people have said that counts now."""
    holds = (each for each in (record.hold, marker) if each and (each.until is None or now < each.until))
    return Orders(
        tuple(
            f"all acting, by {each.author}{_until(each.until)}: {each.reason or 'no reason is given'}"
            for each in holds
        ),
        tuple(
            f"{each.id} of {each.family} at {each.stamp or 'every stamp and the whole'}, "
            f"by {each.author}{_until(each.until)}: {each.reason}"
            for each in record.silences
            if each.since <= now < each.until
        ),
        tuple(_asked_for(each) for each in record.approvals if now < each.expires_at),
    )


def _asked_for(request: Approval) -> str:
    where = request.stamp or "the workload"
    given = f"given by {request.approved_by}" if request.approved_by else "nobody has answered"
    until = _until(request.expires_at)
    return f"{request.id} of {request.verb} of {where} by {request.rule}{until}, {given}: {request.words}"


def _until(moment: datetime | None) -> str:
    return f" until {moment:%Y-%m-%d %H:%M:%S}" if moment else ""


async def decisions(
    ledger: Ledger, record: WorkloadRecord, stamp: str | None, *, most: int, until: datetime | None = None
) -> list[JournalEntry]:
    """The last decisions, oldest first, from the whole journal.

    Args:
        ledger: whose journal is read.
        record: of the workload; some of its decisions may not be in the journal yet.
        stamp: only what concerns that one; None for everything.
        most: so many at most.
        until: only decisions up to this moment.

    Raises:
        LedgerUnavailableError: it cannot be read.
        UnreadableRecordError: an entry of it cannot be understood.
    """
    found: list[JournalEntry] = []
    async for entry in newest_first(ledger, record, until):
        if stamp is None or concerns(entry, stamp):
            found.append(entry)
        if len(found) == most:
            break
    return found[::-1]


async def decision(ledger: Ledger, record: WorkloadRecord, revision: int) -> JournalEntry | None:
    """The decision that was written with this revision of the record, however old.

    Raises:
        LedgerUnavailableError: it cannot be read.
        UnreadableRecordError: it cannot be understood.
    """
    pending = next((entry for entry in record.journal if revision_of(entry) == revision), None)
    return pending or await ledger.decision(record.workload, revision)


async def is_known(ledger: Ledger, record: WorkloadRecord, stamp: str) -> bool:
    """Whether any decision ever named a stamp of that name."""
    async for entry in newest_first(ledger, record, None):
        if _is_about(entry, stamp):
            return True
    return False


async def newest_first(
    ledger: Ledger, record: WorkloadRecord, until: datetime | None
) -> AsyncIterator[JournalEntry]:
    """The journal, and in front of it what the record has still to hand on to it."""
    pending = {entry.id for entry in record.journal}
    for entry in reversed(record.journal):
        if until is None or entry.at <= until:
            yield entry
    async for entry in ledger.history(record.workload, until):
        if entry.id not in pending:
            yield entry


def heard(entry: JournalEntry) -> tuple[str, ...]:
    """What the new signals of a decision said, with their ages then.

    Such as `shop/weu/Stamp red by healthservice, 4s old: Database is not healthy`.
    """
    return tuple(_heard(signal, entry.at) for signal in entry.heard)


def _heard(signal: Signal, at: datetime) -> str:
    what = f"alert {signal.alert} {signal.says}" if signal.condition else signal.says
    why = f": {signal.reasons[0]}" if signal.reasons else ""
    placed = f" ({signal.placed_by})" if signal.placed_by else ""
    never = f"; never acts: {signal.why}" if signal.why else ""
    age = words(at - signal.observed_at)
    return f"{signal.subject} {what} by {signal.source}, {age} old{why}{placed}{never}"


def concerns(entry: JournalEntry, stamp: str) -> bool:
    """Whether a decision concerns a stamp: it is about it, about all of them, or a person's."""
    return entry.cause is Cause.PERSON or _is_about(entry, stamp) or _is_about(entry, GLOBAL)


def _is_about(entry: JournalEntry, stamp: str) -> bool:
    judged = any(where == stamp for _, where, *_ in (*entry.verdicts, *entry.passed, *entry.scopes))
    held = any(held.stamp == stamp for held in entry.held)
    return judged or held or any(stamp in _names(said) for said in (*entry.events, *heard(entry)))


def _names(sentence: str) -> set[str]:
    """The words of a sentence that could be names: keys like `shop/weu/rule` are taken apart."""
    return set(sentence.replace("/", " ").replace(":", " ").replace(",", " ").split())


def stamps_of(record: WorkloadRecord) -> Iterator[str]:
    """The stamps that the record knows something of."""
    yield from record.stamps
    for each in record.incidents.values():
        if each.stamp is not None:
            yield each.stamp


def standing(
    record: WorkloadRecord, stamps: Iterable[str | None], now: datetime, there: Iterable[str] | None = None
) -> tuple[Standing, ...]:
    """What stands for each of these stamps now; None among them is the workload as a whole.

    Args:
        record: the workload's record.
        stamps: those that are asked about.
        now: from which ages are counted.
        there: the stamps that the workload has by its file; None for all that are asked about.
    """
    known = None if there is None else {*there, *record.stamps}
    return tuple(
        _standing(record, stamp, now, gone=stamp is not None and known is not None and stamp not in known)
        for stamp in stamps
    )


def _standing(record: WorkloadRecord, stamp: str | None, now: datetime, *, gone: bool) -> Standing:
    known = record.stamp(stamp or "")
    found = [finding for finding in record.findings.values() if finding.stamp == stamp]
    steps = sorted(
        (intent for intent in record.intents.values() if intent.stamp == (stamp or "")),
        key=lambda intent: (intent.planned_at, intent.id),
    )
    seen = known.seen.words if known.seen else "nobody has looked yet"
    return Standing(
        stamp=stamp or GLOBAL,
        state=WHOLE if stamp is None else GONE if gone else _state(known),
        seen="" if gone or stamp is None else seen,
        signals=_bad_words(record, stamp, now),
        findings=tuple(f"{f.rule} since {f.since:%Y-%m-%d %H:%M:%S}: {f.reason}" for f in found),
        held=tuple(held for held in record.held if held.stamp == (stamp or "")),
        intents=tuple(
            f"{intent.id} is {intent.state}{' and stuck' if intent.stuck else ''} ({intent.lever}): "
            f"{intent.reason}{f'; {intent.outcome}' if intent.outcome else ''}"
            for intent in steps[-INTENTS_MOST:]
        ),
        incidents=tuple(
            f"{incident.key} since {incident.opened_at:%Y-%m-%d %H:%M:%S}: {incident.summary}"
            for incident in record.incidents.values()
            if incident.stamp == stamp
        ),
    )


def _bad_words(record: WorkloadRecord, stamp: str | None, now: datetime) -> tuple[str, ...]:
    """What is not green about the stamp, and who says so."""
    bad = [
        signal
        for signal in record.registers.values()
        if signal.subject.stamp == stamp and signal.says not in ("green", "resolved")
    ]
    newest = sorted(bad, key=lambda signal: (signal.observed_at, signal.id), reverse=True)[:SIGNALS_MOST]
    return tuple(_line(signal, now) for signal in newest)


def _line(signal: Signal, now: datetime) -> str:
    what = (
        f"alert {signal.alert} {signal.says}" if signal.condition else f"{signal.subject.node} {signal.says}"
    )
    why = f": {signal.reasons[0]}" if signal.reasons else ""
    never = f" (never acts: {signal.why})" if signal.why else ""
    return f"{what} by {signal.source}, {words(now - signal.observed_at)} old{why}{never}"


def _state(known: StampRecord) -> str:
    if known.drain is not None:
        mending = known.drain.recovering_since
        proof = f"recovery proven since {mending:%H:%M:%S}" if mending else "recovery is not proven"
        levers = " and ".join(moved.lever.replace("_", " ") for moved in known.drain.levers)
        by = f" by {known.drain.author}" if known.drain.author else ""
        stays = "; it stays out until a person decides" if known.drain.stays_out else ""
        return f"drained since {known.drain.at:%Y-%m-%d %H:%M:%S}{by} ({levers}); {proof}{stays}"
    if known.adopted_at is not None:
        return f"out by other hands since {known.adopted_at:%Y-%m-%d %H:%M:%S}"
    return "in rotation"
