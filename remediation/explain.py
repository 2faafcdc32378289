"""Why did the worker do that, and why did it not do the other thing?

Answered from the ledger alone: the journal says what was considered, chosen and
held at each decision; the record says what stands now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from remediation.ledger.record import HeldStep, JournalEntry, WorkloadRecord


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands for one stamp now.

    Attributes:
        stamp: which; `global` for the workload as a whole.
        state: in rotation, drained, or out by other hands.
        seen: the last look, in words.
        findings: the rules that hold, with since when and why.
        held: why a wanted step is not taken.
        intents: the steps in flight.
        incidents: what people were told.
    """

    stamp: str
    state: str
    seen: str
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


def explain(
    record: WorkloadRecord,
    entries: Iterable[JournalEntry],
    stamps: Iterable[str],
    *,
    decision: str | None = None,
    until: datetime | None = None,
) -> Explanation:
    """What stands for these stamps, and the decisions about them.

    Args:
        record: the workload's record.
        entries: of its journal, oldest first.
        stamps: of the workload, those that are asked about.
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
    standing = tuple(_standing(record, stamp) for stamp in wanted)
    return Explanation(record.workload, record.revision, standing, tuple(decisions))


def concerns(entry: JournalEntry, stamp: str) -> bool:
    """Whether a decision says anything about a stamp."""
    judged = any(where == stamp for _, where, _, _ in entry.verdicts)
    held = any(held.stamp == stamp for held in entry.held)
    return judged or held or any(stamp in _names(event) for event in entry.events)


def _names(sentence: str) -> set[str]:
    """The words of a sentence that could be names: keys like `shop/weu/rule` are taken apart."""
    return set(sentence.replace("/", " ").replace(":", " ").replace(",", " ").split())


def _standing(record: WorkloadRecord, stamp: str) -> Standing:
    known = record.stamp(stamp)
    found = [finding for finding in record.findings.values() if finding.stamp == stamp]
    return Standing(
        stamp=stamp,
        state=_state(record, stamp),
        seen=known.seen.words if known.seen else "nobody has looked yet",
        findings=tuple(f"{f.rule} since {f.since:%Y-%m-%d %H:%M:%S}: {f.reason}" for f in found),
        held=tuple(held for held in record.held if held.stamp == stamp),
        intents=tuple(
            f"{intent.id} is {intent.state}: {intent.reason}"
            for intent in record.in_flight()
            if intent.stamp == stamp
        ),
        incidents=tuple(
            f"{incident.key} since {incident.opened_at:%Y-%m-%d %H:%M:%S}: {incident.summary}"
            for incident in record.incidents.values()
            if incident.stamp == stamp
        ),
    )


def _state(record: WorkloadRecord, stamp: str) -> str:
    known = record.stamp(stamp)
    if known.drain is not None:
        mending = known.drain.recovering_since
        proof = f"recovery proven since {mending:%H:%M:%S}" if mending else "recovery is not proven"
        return f"drained since {known.drain.at:%Y-%m-%d %H:%M:%S}; {proof}"
    if known.adopted_at is not None:
        return f"out by other hands since {known.adopted_at:%Y-%m-%d %H:%M:%S}"
    return "in rotation"
