"""Why did the worker do that, and why did it not do the other thing?

Answered from the ledger alone: the journal says what was considered, chosen and
held at each decision; the record says what stands now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from remediation.ledger.record import HeldStep, JournalEntry, WorkloadRecord
from remediation.ledger.stamp import StampRecord
from rules.conditions import words
from rules.signals import Signal


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands for one stamp now.

    Attributes:
        stamp: which; `global` for the workload as a whole.
        state: in rotation, drained, or out by other hands.
        seen: the last look, in words.
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
class Explanation:
    """What stands, and the decisions that led there."""

    workload: str
    revision: int
    standing: tuple[Standing, ...]
    decisions: tuple[JournalEntry, ...]


SIGNALS_MOST = 10
INTENTS_MOST = 5


def explain(  # noqa: PLR0913 - what is asked for is told apart by keywords
    record: WorkloadRecord,
    entries: Iterable[JournalEntry],
    stamps: Iterable[str],
    *,
    now: datetime,
    decision: str | None = None,
    until: datetime | None = None,
) -> Explanation:
    """What stands for these stamps, and the decisions about them.

    Args:
        record: the workload's record.
        entries: of its journal, oldest first.
        stamps: of the workload, those that are asked about.
        now: from which ages are counted.
        decision: only the decision of this id.
        until: only decisions up to this moment.
    """
    wanted = list(stamps)
    decisions = [
        entry
        for entry in entries
        if (decision is None or entry.id == decision)
        and (until is None or entry.at <= until)
        and any(concerns(entry, stamp) for stamp in (*wanted, "global"))
    ]
    standing = tuple(_standing(record, stamp, now) for stamp in wanted)
    return Explanation(record.workload, record.revision, standing, tuple(decisions))


def concerns(entry: JournalEntry, stamp: str) -> bool:
    """Whether a decision says anything about a stamp."""
    judged = any(where == stamp for _, where, *_ in (*entry.verdicts, *entry.passed, *entry.scopes))
    held = any(held.stamp == stamp for held in entry.held)
    return judged or held or any(stamp in _names(said) for said in (*entry.events, *entry.heard))


def _names(sentence: str) -> set[str]:
    """The words of a sentence that could be names: keys like `shop/weu/rule` are taken apart."""
    return set(sentence.replace("/", " ").replace(":", " ").replace(",", " ").split())


def _standing(record: WorkloadRecord, stamp: str, now: datetime) -> Standing:
    known = record.stamp(stamp)
    found = [finding for finding in record.findings.values() if finding.stamp == stamp]
    steps = sorted(
        (intent for intent in record.intents.values() if intent.stamp == stamp),
        key=lambda intent: (intent.planned_at, intent.id),
    )
    return Standing(
        stamp=stamp,
        state=_state(known),
        seen=known.seen.words if known.seen else "nobody has looked yet",
        signals=_bad_words(record, stamp, now),
        findings=tuple(f"{f.rule} since {f.since:%Y-%m-%d %H:%M:%S}: {f.reason}" for f in found),
        held=tuple(held for held in record.held if held.stamp == stamp),
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


def _bad_words(record: WorkloadRecord, stamp: str, now: datetime) -> tuple[str, ...]:
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
