"""Is every page ended and every fault told, whatever happens to nodes, silences and rules?"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from remediation.decide.plan import Occasion, plan
from remediation.ledger.orders import Silence
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Action, Channel, Incident, MessageKind
from rules.conditions import NodeIs
from rules.findings import Finding
from rules.policy import Mode
from rules.rule import Playbook
from rules.signals import Health, Severity
from tests.builders import NOW, STAMPS, a_record, a_rule, a_seen, a_signal, a_workload, at, refused
from tests.decide.cases import a_charge, an_auto_workload, arrived

RED = frozenset({Health.RED})
ROOT = a_rule("root", when=NodeIs("Stamp", RED), playbook=Playbook.PAGE)
FLOW = a_rule("flow", when=NodeIs("CatalogService", RED), playbook=Playbook.PAGE, severity=Severity.ERROR)
VAULT = a_rule("vault", when=NodeIs("Keyvault", RED), playbook=Playbook.PAGE, severity=Severity.ERROR)
SLOW = a_rule(
    "slow", when=NodeIs("Keyvault", RED | {Health.YELLOW}), playbook=Playbook.NOTIFY, family="vault"
)
CLUSTER = a_rule("cluster", when=NodeIs("AKSCluster", RED), playbook=Playbook.NOTIFY)
READS = a_rule("reads", mode=Mode.APPROVE)

WORKLOAD = an_auto_workload(escalate_after=at(300) - NOW)
CHARGES = (
    a_charge(ROOT, FLOW, VAULT, SLOW, CLUSTER, READS, workload=WORKLOAD),
    a_charge(ROOT, replace(VAULT, severity=Severity.CRITICAL), CLUSTER, workload=WORKLOAD),
    a_charge(replace(ROOT, playbook=Playbook.NOTIFY), VAULT, replace(CLUSTER, playbook=Playbook.PAGE)),
    a_charge(ROOT, VAULT, workload=a_workload(mode=Mode.OBSERVE)),
)
NODES = ("Stamp", "CatalogService", "Keyvault", "AKSCluster", "BackgroundProcessor")

Told = dict[tuple[Channel, str], bool]
"""Whether the far side has an incident open, by channel."""


@dataclass(slots=True)
class Life:
    """What a worker tells while nodes turn, silences come and go, and files are changed."""

    charge_of: int = 0
    seconds: float = 0
    record: WorkloadRecord = field(default_factory=a_record)
    open_there: Told = field(default_factory=lambda: defaultdict(bool))

    def happens(self, event: tuple[str, Any]) -> None:
        """One event, and the decisions until nothing changes any more (P20)."""
        what, how = event
        signals = []
        match what:
            case "say":
                now = at(self.seconds)
                signals = [
                    a_signal(*word, id=f"{word}/{self.seconds}/{self.record.revision}", observed_at=now)
                    for word in how
                ]
            case "wait":
                self.seconds += how
            case "silence":
                self._silence(*how)
            case "configure":
                self.charge_of = how
            case "turn":
                self._turn(how)
            case _:
                self._refuse(how)
        occasions = [Occasion(Cause.SIGNALS, arrived(*signals)), *[Occasion(Cause.TIMER)] * 5]
        if not any(self._decides(occasion) for occasion in occasions):
            raise AssertionError("it does not come to rest")

    def _silence(self, stamp: str | None, family: str, lasts: float) -> None:
        muted = Silence("s", "ada", "why", at(self.seconds), at(self.seconds + lasts), stamp, family)
        self.record = replace(self.record, silences=(*self.record.silences[-2:], muted))

    def _turn(self, stamp: str) -> None:
        known = self.record.stamp(stamp)
        turned = replace(known, turns=(*known.turns, at(self.seconds))[-5:])
        self.record = replace(self.record, stamps={**self.record.stamps, stamp: turned})

    def _refuse(self, stamp: str) -> None:
        no = StampRecord(refusals=refused(at(self.seconds), "403"), seen=a_seen())
        self.record = replace(self.record, stamps={**self.record.stamps, stamp: no})

    def _decides(self, occasion: Occasion) -> bool:
        """One decision, whose messages are delivered at once; whether nothing was left to decide."""
        after = plan(self.record, CHARGES[self.charge_of], occasion, at(self.seconds))
        if after is None:
            return occasion.cause is Cause.TIMER
        for message in after.outbox:
            key = (message.channel, message.incident)
            # No resolve of what was never told.
            assert message.kind is MessageKind.TRIGGER or self.open_there[key], message
            self.open_there[key] = message.kind is MessageKind.TRIGGER
        self.record = replace(after, outbox=(), journal=())
        return False

    def muted(self, incident: Incident) -> bool:
        """Whether a silence covers it now."""
        return any(
            silence.since <= at(self.seconds) < silence.until
            and silence.stamp in (None, incident.stamp)
            and fnmatch(incident.family, silence.family)
            for silence in self.record.silences
        )

    def told_findings(self) -> list[tuple[Finding, bool]]:
        """What people must know of, and whether it wakes someone."""
        charge = CHARGES[self.charge_of]
        if charge.workload.mode is Mode.OBSERVE:
            return []
        rules = charge.rules.by_name
        found = self.record.findings.values()
        return [(finding, rules[finding.rule].playbook.pages) for finding in found]


stamps = st.sampled_from(STAMPS)
words = st.tuples(stamps, st.sampled_from(NODES), st.sampled_from(Health))
events: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("say"), st.lists(words, min_size=1, max_size=4)),
    st.tuples(
        st.just("say"),
        st.sampled_from([[("weu", "Stamp", Health.RED)], [("weu", "Keyvault", Health.RED)]]),
    ),
    st.tuples(st.just("say"), st.just([(stamp, "Stamp", Health.GREEN) for stamp in STAMPS])),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 400, 1000])),
    st.tuples(
        st.just("silence"),
        st.tuples(
            st.none() | stamps, st.sampled_from(["*", "root", "va*"]), st.sampled_from([30, 300, 3000])
        ),
    ),
    st.tuples(st.just("turn"), st.just("weu")),
    st.tuples(st.just("refuse"), st.just("weu")),
    st.tuples(st.just("configure"), st.integers(0, len(CHARGES) - 1)),
)
lives = st.lists(events, max_size=14)


@settings(max_examples=150)
@given(lives)
def test_every_page_ends_and_every_fault_is_told(life: Any) -> None:
    """P8: no resolve without its trigger, none left open, and nobody is left in the dark.

    After every event: the far side has no incident open that has ended here;
    every finding that pages is open there, or is under one that is, or is
    silenced; and what is under another has nothing of its own to be done.
    """
    worker = Life()
    for event in life:
        worker.happens(event)
        _nothing_is_orphaned(worker)
        _nobody_is_left_in_the_dark(worker)
        _only_what_may_is_under(worker)


def _nothing_is_orphaned(worker: Life) -> None:
    for (channel, key), is_open in worker.open_there.items():
        incident = worker.record.incidents.get(key)
        assert not is_open or incident is not None, (channel, key)
        assert incident is None or is_open or not incident.pages, (channel, key)


def _nobody_is_left_in_the_dark(worker: Life) -> None:
    incidents = worker.record.incidents
    for finding, pages in worker.told_findings():
        keys = (f"shop/{finding.stamp}/{finding.family}", f"shop/global/{finding.family}")
        found = [incidents[key] for key in keys if key in incidents]
        assert found, finding
        channel = Channel.PAGE if pages else Channel.NOTIFY
        for incident in found:
            told = worker.open_there[channel, incident.key]
            assert told or incident.under or worker.muted(incident), incident


def _only_what_may_is_under(worker: Life) -> None:
    incidents, rules = worker.record.incidents, CHARGES[worker.charge_of].rules.rules
    for lower in incidents.values():
        assert not lower.silenced or worker.muted(lower)
        if not lower.under:
            continue
        upper = incidents[lower.under]
        assert worker.open_there[Channel.PAGE, upper.key]
        assert (upper.stamp, upper.under, upper.silenced) == (lower.stamp, "", False)
        assert lower.action is not Action.DRAINED
        assert not [rule for rule in rules if rule.family == lower.family and rule.playbook.drains]
