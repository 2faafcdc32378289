"""What may happen to a workload, in any order? Random histories of a world that is as bad as it can be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from remediation.decide.draft import Draft
from remediation.decide.looks import LiveLook
from remediation.decide.outbox import settle
from remediation.decide.plan import Arrival, Charge, Occasion, plan
from remediation.decide.progress import begin, record_outcome
from remediation.ledger.intent import IntentState, Lease, Outcome, OutcomeKind
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.stamp import LeverState
from rules.conditions import AlertFires, AnyOf, HeldFor, NodeIs
from rules.policy import Mode, Policy
from rules.rule import Playbook
from rules.signals import AlertState, Health, Severity, Signal
from tests.builders import (
    NODE,
    NOW,
    STAMPS,
    a_live_look,
    a_look,
    a_rule,
    a_signal,
    a_workload,
    an_alert,
    seconds,
)
from tests.decide.cases import a_charge, an_auto_workload

READS = a_rule("reads", when=AnyOf((a_rule().when, AlertFires("Lag*"))))
LAGS = a_rule("lags", when=HeldFor(AlertFires("Lag"), seconds(60)), family="reads", severity=Severity.ERROR)
TELLS = a_rule("tells", when=NodeIs("Stamp", frozenset(Health) - {Health.GREEN}), playbook=Playbook.PAGE)

CHARGES: tuple[Charge, ...] = (
    a_charge(READS, LAGS, TELLS, workload=an_auto_workload(cooldown=seconds(60), rejoin_after=seconds(60))),
    a_charge(TELLS, replace(READS, mode=Mode.APPROVE)),
    a_charge(LAGS, READS, workload=an_auto_workload(["neu", "eus"])),
    a_charge(READS, workload=a_workload(mode=Mode.OBSERVE, policy=Policy(min_serving=3))),
)
"""A workload, and what people may make of its files in the meantime: rules and stamps go and come."""

HORIZONS = (0, 1, 30, 60, 300, 1800, 86_400)


@dataclass(slots=True)
class History:
    """What a worker has lived through so far."""

    charge: Charge = CHARGES[0]
    now: datetime = NOW
    record: WorkloadRecord = field(default_factory=lambda: WorkloadRecord("shop"))
    said: int = 0

    def decides(self, occasion: Occasion) -> WorkloadRecord | None:
        """One decision; the record that follows, if any."""
        after = plan(self.record, self.charge, occasion, self.now)
        self.record = after or self.record
        return after

    def signals(self, words: Iterable[tuple[Signal, float]]) -> list[Arrival]:
        """Each of these words, as a fact of its own that was observed so long ago."""
        arrivals = []
        for word, ago in words:
            self.said += 1
            signal = replace(word, id=str(self.said), observed_at=self.now - timedelta(seconds=ago))
            arrivals.append(Arrival(signal, self.now))
        return arrivals

    def look(self, truths: dict[str, dict[str, Any]]) -> LiveLook:
        """A look at every stamp, now."""
        looks = (a_look(name, look_at=self.now, **truth) for name, truth in truths.items())
        live = a_live_look(*looks, look_at=self.now)
        names = self.charge.workload.stamp_names
        return LiveLook({name: look for name, look in live.stamps.items() if name in names})

    def acts(self, kind: OutcomeKind) -> WorkloadRecord | None:
        """The engine takes the oldest intent one step further, whatever the guardrails would say now."""
        draft = Draft(self.record, self.now)
        for intent in self.record.in_flight()[:1]:
            if intent.state is IntentState.PLANNED:
                begin(draft, intent, Lease("worker", str(self.said), self.now), "up")
            elif intent.state is IntentState.ACTING:
                record_outcome(draft, intent, Outcome(kind, "so"))
        return self._ends(draft, Cause.ACT)

    def tells(self, kind: OutcomeKind) -> WorkloadRecord | None:
        """Everything that waits is delivered, or is not."""
        draft = Draft(self.record, self.now)
        settle(draft, {message.id: Outcome(kind, "so") for message in self.record.outbox})
        return self._ends(draft, Cause.DELIVERY)

    def _ends(self, draft: Draft, cause: Cause) -> WorkloadRecord | None:
        after = draft.finish(cause)
        self.record = after or self.record
        return after

    def happens(self, event: tuple[str, Any]) -> WorkloadRecord | None:
        """One event."""
        what, how = event
        match what:
            case "wait":
                self.now += seconds(how)
                return None
            case "configure":
                self.charge = CHARGES[how]
                return None
            case "say":
                return self.decides(Occasion(Cause.SIGNALS, self.signals(how)))
            case "look":
                return self.decides(Occasion(Cause.TIMER, live=self.look(how)))
            case "act":
                return self.acts(how)
            case _:
                return self.tells(how)


words = st.builds(
    a_signal, st.sampled_from((*STAMPS, None)), st.sampled_from([NODE, "Stamp"]), st.sampled_from(Health)
) | st.builds(
    an_alert,
    st.sampled_from(["Lag", "Lagging"]),
    st.sampled_from(AlertState),
    st.sampled_from(STAMPS),
    may_act=st.sampled_from([True, True, False]),
)
healthy = st.just([(a_signal(stamp, "Stamp"), 0) for stamp in STAMPS])
truths = st.dictionaries(
    st.sampled_from(STAMPS),
    st.fixed_dictionaries(
        {
            "lever": st.sampled_from(LeverState),
            "answers": st.booleans(),
            "failing": st.sampled_from([(), ("Database",)]),
            "content": st.sampled_from(["", "MAINTENANCE"]),
        }
    ),
    max_size=2,
)
kinds = st.sampled_from(OutcomeKind)
ages = st.sampled_from([-600, -200, *HORIZONS])
events: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from(HORIZONS)),
    st.tuples(
        st.just("say"), st.lists(st.tuples(words, st.sampled_from([-600, -200, *HORIZONS])), max_size=3)
    ),
    st.tuples(st.just("say"), healthy),
    st.tuples(st.just("look"), truths),
    st.tuples(st.just("look"), st.just({})),
    st.tuples(st.just("act"), kinds),
    st.tuples(st.just("act"), st.just(OutcomeKind.APPLIED)),
    st.tuples(st.just("tell"), kinds),
    st.tuples(st.just("configure"), st.integers(0, len(CHARGES) - 1)),
)
histories = st.lists(events, max_size=14)

RED_FOR_A_WHILE: list[tuple[str, Any]] = [
    ("say", [(a_signal(stamp, "Stamp"), 0) for stamp in STAMPS]),
    ("look", {}),
    ("say", [(a_signal(health=Health.RED), 0)]),
    ("wait", 60),
    ("look", {}),
    ("act", OutcomeKind.APPLIED),
]
"""How every drain begins: from here on a history can go anywhere."""


def lived(some: Iterable[tuple[str, Any]]) -> Iterator[tuple[WorkloadRecord, WorkloadRecord | None, History]]:
    """Each event of a history in turn: the record before, the one that follows, and where we stand."""
    history = History()
    for event in some:
        before = history.record
        yield before, history.happens(event), history
