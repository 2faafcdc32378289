"""What is a history, made ready for those who check it?"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rehearsal.check.truth import Truths
from rehearsal.deeds import Deed, deeds_of
from rehearsal.faults.kinds import CallFault
from rehearsal.faults.trial import FAULT, Trial
from rehearsal.faults.troubles import Trouble
from rehearsal.history import Effect, Happening, Kind
from rehearsal.scenario.late import LANDED
from rehearsal.worker import TICK_SECONDS
from remediation.ledger.intent import LeverKind, Verb
from remediation.ledger.record import WorkloadRecord
from rules.policy import Mode, Policy

LATENCY_MOST_SECONDS = 1.0
"""More than all calls of one act take together when nothing is wrong."""

JUST_BEFORE_SECONDS = 0.001

SKEW_MOST_SECONDS = 300.0
"""So far clocks differ where they do."""

DELAYED_MOST_SECONDS = 120.0
"""No fault holds one call up for longer."""

_DELAYING = frozenset({CallFault.SLOW, CallFault.LATE, CallFault.HANGS, CallFault.PAUSE, CallFault.LOST})
_CLOCKS = frozenset({Trouble.AHEAD, Trouble.BEHIND})


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise, and how it was broken.

    Attributes:
        promise: such as P1.
        at: seconds since the beginning.
        words: what happened.
    """

    promise: str
    at: float
    words: str

    def __str__(self) -> str:
        return f"{self.promise} at {self.at:.1f} s: {self.words}"


class Case:
    """One run, and what can be asked of it.

    Attributes:
        trial: the run.
        end: seconds at its end.
    """

    def __init__(self, trial: Trial) -> None:
        """Nothing is worked out yet.

        Args:
            trial: what is checked.
        """
        self.trial = trial
        self.history = trial.history
        self.end = trial.end
        self.workload = trial.scenario.charge.workload
        self.rules = trial.scenario.charge.rules

    @property
    def policy(self) -> Policy:
        """The workload's numbers."""
        return self.workload.policy

    @property
    def mode(self) -> Mode:
        """Of the workload."""
        return self.workload.mode

    @cached_property
    def truths(self) -> Truths:
        """How the stamps really were."""
        return Truths(self.history, self.workload.stamp_names)

    @cached_property
    def records(self) -> list[tuple[Happening, WorkloadRecord]]:
        """Every record that was written, in order."""
        return list(self.history.records())

    def record_at(self, moment: float) -> WorkloadRecord:
        """What stood in the ledger then."""
        before = [record for happening, record in self.records if happening.at <= moment]
        return before[-1] if before else WorkloadRecord(self.workload.name)

    @property
    def last(self) -> WorkloadRecord:
        """The ledger's last word."""
        return self.records[-1][1] if self.records else WorkloadRecord(self.workload.name)

    @cached_property
    def faults(self) -> list[tuple[float, CallFault, str, str]]:
        """The faults that happened: when, which, at which call, of which worker."""
        return [
            (each.at, CallFault(each.what[1]), each.what[2], each.who)
            for each in self.history.of(Kind.WORLD)
            if isinstance(each.what, tuple) and each.what[0] == FAULT
        ]

    @property
    def clocks_are_right(self) -> bool:
        """Whether no worker's clock was ever wrong."""
        said = any(entry.fault and entry.fault.clock for entry in self.trial.scenario.entries)
        return not said and not any(each.kind in _CLOCKS for each in self.trial.schedule.troubles)

    @cached_property
    def deeds(self) -> list[Deed]:
        """What workers did, in order; fencing is none of it."""
        return list(deeds_of(self.history, self.workload.name))

    def moves(self, verb: Verb) -> Iterator[Deed]:
        """Those that moved a lever that way."""
        return (deed for deed in self.deeds if deed.effect.verb == verb)

    def drained_by_a_person(
        self, stamp: str, lever: LeverKind | None, moment: float
    ) -> tuple[float, Effect] | None:
        """When a person's hand, and not a worker's, made it be out by that lever at that moment."""
        last = None
        for each, effect in self.history.effects():
            if each.at >= moment or (effect.stamp, effect.lever) != (stamp, lever):
                continue
            if effect.verb == Verb.REJOIN:
                last = None
            elif effect.verb == Verb.DRAIN and last is None:
                last = each.at, effect  # whoever finds it gone already has not done it
        return None if last is None or last[1].by_worker else last

    def was_delayed(self, deed: Deed) -> bool:
        """Whether the very call that did it was long on its way, by a fault or as its worker stood still.

        What comes of that is a residual risk: no look can exclude it, and `residual` counts it.
        """
        calls = _calls_of(deed.effect)
        slow = any(
            kind in _DELAYING and who == deed.who and name in calls
            for at, kind, name, who in self.faults
            if 0 <= deed.at - at <= DELAYED_MOST_SECONDS
        )
        still = any(
            one.who == deed.who and one.words.endswith("goes on") and 0 <= deed.at - one.at < 1
            for one in self.history.of(Kind.PROCESS)
        )
        landed = any(
            isinstance(one.what, tuple) and one.what[0] == LANDED and one.who == deed.who
            for one in self.history.of(Kind.WORLD)
            if 0 <= one.at - deed.at < JUST_BEFORE_SECONDS
        )
        return slow or still or landed

    @cached_property
    def disturbed_seconds(self) -> float:
        """For how long all that went wrong may have held things up, taken together."""
        troubles = sum(each.lasts for each in self.trial.schedule.troubles)
        return troubles + sum(_HOLDS_UP.get(kind, 25.0) for _, kind, _, _ in self.faults)


def _calls_of(effect: Effect) -> set[str]:
    """The names of the calls that make such an effect."""
    if effect.lever is None:
        return {f"step.take:{effect.target}"}
    port = "lever" if effect.lever is LeverKind.STATE_FILE else "origin"
    return {f"{port}.{method}:{effect.stamp}" for method in ("take_out", "bring_back")}


_HOLDS_UP = {
    CallFault.RESENT: 0.0,
    CallFault.PAUSE: 95.0 + TICK_SECONDS,
    CallFault.LATE: 75.0,
    CallFault.HANGS: 75.0,
    CallFault.CRASH_BEFORE: TICK_SECONDS + 5,
    CallFault.CRASH_AFTER: TICK_SECONDS + 5,
    CallFault.THROTTLED: 20.0 + TICK_SECONDS,
}
