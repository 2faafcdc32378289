"""What happened, in order?

All that a checker may read: never the engine's own variables. Each happening is written down by
the world when it happens there, so that a lost answer or a dead worker hides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from remediation.ledger.intent import LeverKind, Verb
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ledger.told import Message


class Kind(StrEnum):
    """What kind of thing happened."""

    WORLD = "world"  # something broke, or was mended
    PERSON = "person"  # somebody gave an order or moved a file
    PROCESS = "process"  # a worker started, stopped, died, or its clock was set
    SENT = "sent"  # a body is on its way to the worker
    REFUSED = "refused"  # a body was not accepted from its sender
    TAKEN = "taken"  # a worker has taken a batch of the hub in
    BURIED = "buried"  # a dead letter
    WRITTEN = "written"  # the ledger has a new record
    JOURNAL = "journal"  # the journal has a new entry
    EFFECT = "effect"  # a lever was moved, a step was taken
    TOLD = "told"  # people received a message
    NOT_TOLD = "not told"  # they did not
    ROUTED = "routed"  # Front Door changed its mind about a stamp
    SERVED = "served"  # another share of the users is served
    FAULT = "fault"  # a worker logged an error


FENCE = "fence"
"""The verb of the rewriting of a state file, which is no step of its own."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A change of the world outside of the ledger.

    Attributes:
        verb: drain, rejoin, restart or webhook. The rewriting of a state file is `fence`.
        stamp: of which stamp; empty for a webhook about the workload.
        lever: which was moved.
        target: the deployment or endpoint.
        intent: the intent's id, where the other side is told of it.
        by_worker: whether a worker did it, and not a person.
    """

    verb: Verb | str
    stamp: str
    lever: LeverKind | None = None
    target: str = ""
    intent: str = ""
    by_worker: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """A body that was sent: the ids of the signals in it; none where it cannot be read."""

    signals: tuple[str, ...]
    body: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class Served:
    """Which stamps the users are sent to, and how many of a hundred of them are served."""

    percent: float
    to: tuple[str, ...]


What = Effect | Sent | Served | Message | JournalEntry | WorkloadRecord | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened.

    Attributes:
        at: seconds since the beginning, by the true clock.
        kind: of what kind.
        words: a sentence.
        stamp: which stamp it is about, if one.
        who: the worker or person who did it; empty for the world.
        what: the thing itself, for checkers: an `Effect`, a `Message`, a whole `WorkloadRecord`, …
    """

    at: float
    kind: Kind
    words: str
    stamp: str | None = None
    who: str = ""
    what: What = None

    def line(self) -> str:
        """On one line, as two runs are compared."""
        who = f" {self.who}" if self.who else ""
        return f"{self.at:.3f} {self.kind}{who} [{self.stamp or '-'}] {self.words}"

    def row(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "at": self.at,
            "kind": str(self.kind),
            "stamp": self.stamp,
            "who": self.who,
            "words": self.words,
        }


class History:
    """All happenings of one run, oldest first."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self._over = False

    def add(self, happening: Happening) -> None:
        """Write one down; after the end of the run nothing counts any more."""
        if not self._over:
            self.happenings.append(happening)

    def end(self) -> None:
        """The run is over."""
        self._over = True

    def of(self, *kinds: Kind) -> Iterator[Happening]:
        """Those of some kinds, in order."""
        return (each for each in self.happenings if each.kind in kinds)

    def effects(self) -> Iterator[tuple[Happening, Effect]]:
        """Everything that was done to the world, by workers and by people."""
        for each in self.of(Kind.EFFECT):
            if isinstance(each.what, Effect):
                yield each, each.what

    def told(self, *, received: bool = True) -> Iterator[tuple[Happening, Message]]:
        """The messages that people received, or those that did not reach them."""
        for each in self.of(Kind.TOLD if received else Kind.NOT_TOLD):
            if isinstance(each.what, Message):
                yield each, each.what

    def journal(self) -> Iterator[tuple[Happening, JournalEntry]]:
        """The journal's entries, in the order in which they came into it."""
        for each in self.of(Kind.JOURNAL):
            if isinstance(each.what, JournalEntry):
                yield each, each.what

    def records(self) -> Iterator[tuple[Happening, WorkloadRecord]]:
        """Every record that the ledger has had."""
        for each in self.of(Kind.WRITTEN):
            if isinstance(each.what, WorkloadRecord):
                yield each, each.what

    def text(self) -> str:
        """The whole history, one line each: the same run has the same text."""
        return "\n".join(each.line() for each in self.happenings)
