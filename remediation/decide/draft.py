"""How does a decision change the record?

A draft gathers the changes of one decision and becomes the next revision, or
nothing at all where nothing changed: a decision that changes nothing is not
written, so that reconcile comes to rest.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from remediation.ledger.intent import Intent
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import Cause, DrainMade, HeldStep, JournalEntry, WorkloadRecord
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Channel, Incident, Message, MessageKind
from rules.conditions import Verdict
from rules.evaluate import Asked
from rules.signals import Signal

AUTHOR_DELIVERS_FOR = timedelta(seconds=15)
"""Who writes a message delivers it; only after this time does any other worker try."""

ENDED_INTENTS_KEPT = 20

LISTED_MOST = 20
"""So many lines of a kind are journalled of one decision: in a storm the first tell what the others do."""


class Draft:
    """The record as this decision leaves it, and what it has to say for itself."""

    def __init__(
        self,
        record: WorkloadRecord,
        now: datetime,
        marker: HoldSwitch | None = None,
        problem: str | None = None,
    ) -> None:
        """The record as it is.

        Args:
            record: what is to be changed.
            now: the moment of the decision.
            marker: the emergency hold, which lies beside the record.
            problem: what is wrong with the configuration; empty if nothing is, None if nobody has looked.
        """
        self.before = record
        self.now = now
        self.marker = marker
        self.problem = problem
        self.registers = dict(record.registers)
        self.since = dict(record.since)
        self.findings = dict(record.findings)
        self.incidents = dict(record.incidents)
        self.stamps = dict(record.stamps)
        self.intents = dict(record.intents)
        self.drains = record.drains
        self.hold = record.hold
        self.silences = record.silences
        self.approvals = record.approvals
        self.took = dict(record.took)
        self.held: list[HeldStep] = list(record.held)
        self.outbox: list[Message] = list(record.outbox)
        self.signals: list[str] = []
        self.verdicts: dict[Asked, Verdict] = {}
        self.events: list[str] = []
        self.heard: list[Signal] = []
        self.scopes: list[tuple[str, str, str, str]] = []
        self.passed: list[tuple[str, str, str, str]] = []

    def view(self) -> WorkloadRecord:
        """The record as it stands in this draft, for those who only read it."""
        return replace(
            self.before,
            registers=self.registers,
            since=self.since,
            findings=self.findings,
            incidents=self.incidents,
            stamps=self.stamps,
            intents=self.intents,
            drains=self.drains,
            held=tuple(self.held),
            outbox=tuple(self.outbox),
            hold=self.hold,
            silences=self.silences,
            approvals=self.approvals,
            took=self.took,
        )

    def stamp(self, name: str) -> StampRecord:
        """What is known of a stamp."""
        return self.stamps.get(name) or StampRecord()

    def going_at(self, stamp: str) -> list[Intent]:
        """The intents in flight at a stamp."""
        return [intent for intent in self.intents.values() if intent.in_flight and intent.stamp == stamp]

    def happened(self, sentence: str) -> None:
        """Say in the journal what happened."""
        self.events.append(sentence)

    def put_intent(self, intent: Intent) -> None:
        """Keep an intent in its new state."""
        self.intents[intent.id] = intent

    def spend(self, stamp: str) -> None:
        """Count a drain against budgets and cooldown."""
        self.drains = (*self.drains, DrainMade(stamp, self.now))

    def tell(
        self,
        incident: Incident,
        channel: Channel,
        kind: MessageKind,
        title: str,
        facts: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Queue a message. It replaces one of the same kind that is still waiting: the newest words count."""
        same = (incident.key, channel, kind)
        self.outbox = [m for m in self.outbox if (m.incident, m.channel, m.kind) != same]
        self.outbox.append(
            Message(
                id=f"{incident.key}@{self.before.revision + 1}:{channel}:{kind}",
                channel=channel,
                kind=kind,
                incident=incident.key,
                severity=incident.severity,
                title=title,
                created_at=self.now,
                not_before=self.now + AUTHOR_DELIVERS_FOR,
                facts=facts,
            )
        )

    def repeat(self, late: Message, kind: MessageKind, title: str) -> None:
        """Queue what is true now, after that message came late and said otherwise. Anyone may deliver it."""
        self.outbox.append(
            replace(
                late,
                id=f"{late.incident}@{self.before.revision + 1}:{late.channel}:{kind}",
                kind=kind,
                title=title,
                created_at=self.now,
                not_before=self.now,
                facts=(),
                attempts=0,
            )
        )
        self.happened(f"{late.channel} {late.kind} of {late.incident} came late: {kind} is told again")

    def unspend(self, stamp: str) -> None:
        """Take back the last drain that was counted for a stamp: it came to nothing."""
        made_here = (made for made in self.drains if made.stamp == stamp)
        spent = max(made_here, key=lambda made: made.at, default=None)
        self.drains = tuple(made for made in self.drains if made is not spent)

    def finish(self, cause: Cause) -> WorkloadRecord | None:
        """The next revision; None when this decision changes nothing."""
        self._forget_the_past()
        after = self.view()
        said = bool(self.signals or self.events or self.held_anew())
        # Numbers of a hold that only count up are no reason to write; what else is written takes them along.
        if not said and replace(after, held=self.before.held) == self.before:
            return None
        journal = (*self.before.journal, self._entry(cause)) if said else self.before.journal
        return replace(after, revision=self.before.revision + 1, journal=journal)

    def held_anew(self) -> bool:
        """Whether other guardrails hold than before."""
        return [replace(held, reason="") for held in self.held] != [
            replace(held, reason="") for held in self.before.held
        ]

    def _entry(self, cause: Cause) -> JournalEntry:
        verdicts = tuple(
            (asked.rule, asked.stamp or "global", str(verdict.answer), verdict.reason)
            for asked, verdict in self.verdicts.items()
        )
        return JournalEntry(
            id=f"{self.before.workload}/{self.before.revision + 1:010d}",
            workload=self.before.workload,
            at=self.now,
            cause=cause,
            signals=tuple(self.signals),
            verdicts=verdicts,
            held=tuple(self.held),
            events=(*self.events, *self._left_out()),
            heard=tuple(self.heard[:LISTED_MOST]),
            scopes=tuple(self.scopes[:LISTED_MOST]),
            passed=tuple(sorted(self.passed, key=self._is_not_taken)[:LISTED_MOST]),
        )

    def _is_not_taken(self, passed: tuple[str, str, str, str]) -> bool:
        """What was only considered is listed after what is done: the list may be cut."""
        new = (intent for intent in self.intents.values() if intent.id not in self.before.intents)
        return passed[:3] not in {(intent.verb, intent.stamp, intent.rule) for intent in new}

    def _left_out(self) -> list[str]:
        """How much is not listed, so that nobody takes the list for all there was."""
        kinds = (("scopes", len(self.scopes)), ("steps that were considered", len(self.passed)))
        return [
            f"not listed: {count - LISTED_MOST} more {what}" for what, count in kinds if count > LISTED_MOST
        ]

    def _forget_the_past(self) -> None:
        yesterday = self.now - timedelta(hours=24)
        self.drains = tuple(made for made in self.drains if made.at > yesterday)
        # What ends by this very decision stays: the ledger must see what became of it, however old it is.
        going = {intent.id for intent in self.before.in_flight()}
        ended = sorted(
            (each for each in self.intents.values() if not each.in_flight and each.id not in going),
            key=lambda intent: (intent.planned_at, intent.id),
        )
        for intent in ended[:-ENDED_INTENTS_KEPT]:
            del self.intents[intent.id]
