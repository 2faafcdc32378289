"""What is to be done, given all that is known? The whole decision, in order.

Pure: the same record, arrivals, looks and moment give the same next record,
byte for byte.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from remediation.decide.draft import Draft
from remediation.decide.incidents import remind_people, update_incidents
from remediation.decide.lagging import (
    CONSUMER_LAG,
    LAG_PROBE,
    database_nodes,
    signal_of_queue,
    signal_of_sight,
)
from remediation.decide.looks import FRONT_DOOR, FRONT_DOOR_NODE, LiveLook, signal_of, signal_of_path
from remediation.decide.notice import take_note
from remediation.decide.playbooks import plan_steps
from remediation.decide.progress import let_go, remind, turned
from remediation.ledger.intent import Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.stamp import Drain
from rules.evaluate import RuleSet, evaluate
from rules.findings import Finding, update
from rules.health import (
    BAD_NEWS,
    Facts,
    Registers,
    bounded,
    facts,
    fold,
    forget,
    from_future,
    last_word,
    too_old,
)
from rules.instances import with_ends
from rules.policy import Policy
from rules.queue import QueueState, follow, marks
from rules.reach import Scope
from rules.scope import TELEMETRY, Situation, scope_of
from rules.signals import Health, RegisterKey, Signal
from rules.topology import Workload

REASON_MOST = 200

REGISTERS_CAREFREE = 600
"""So many registers fit as a rule; measuring them at every batch would cost more than all the rest."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A signal, and when it was made durable: the only clock that both sides share."""

    signal: Signal
    enqueued_at: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """What the worker is in charge of: a workload, and the rules that hold for it."""

    workload: Workload
    rules: RuleSet

    @property
    def asked_for(self) -> frozenset[str]:
        """The nodes of a stamp that a rule names, and the root."""
        return self.rules.nodes | {self.workload.root_node, TELEMETRY}


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a decision is made now, and what is new.

    Attributes:
        cause: why.
        arrivals: signals that came in.
        live: what was seen of the stamps; nothing may have been done to them since.
        crowded: the record has been found too large to be stored: make room.
        marker: the emergency hold that lies beside the record.
        problem: what is wrong with the configuration, so that an older one is in force; empty if nothing
            is. None where nobody has looked: of several workers only the one with the timer says so.
    """

    cause: Cause
    arrivals: Sequence[Arrival] = ()
    live: LiveLook | None = None
    crowded: bool = False
    marker: HoldSwitch | None = None
    problem: str | None = None


def plan(record: WorkloadRecord, charge: Charge, occasion: Occasion, now: datetime) -> WorkloadRecord | None:
    """The next record; None when nothing changes."""
    draft = Draft(record, now, occasion.marker, occasion.problem)
    _take_in(draft, occasion, charge)
    let_go(draft, charge.workload)
    if occasion.live is not None:
        take_note(draft, occasion.live, charge.workload)
    situation = _judge(draft, charge)
    plan_steps(draft, situation, charge.rules)
    update_incidents(draft, situation, charge.rules)
    remind_people(draft, remind(draft, situation))
    return draft.finish(occasion.cause)


def situation_of(record: WorkloadRecord, charge: Charge, now: datetime) -> Situation:
    """What stands by the record's registers and findings, without judging the rules again."""
    return _situation(record, charge, _facts(record.registers, charge, now))


def _facts(registers: Registers, charge: Charge, now: datetime) -> Facts:
    """What stands about those nodes that a rule or a guardrail asks for."""
    return facts(registers, now, charge.workload.policy, charge.asked_for)


def _situation(record: WorkloadRecord, charge: Charge, standing: Facts) -> Situation:
    """A rule on trial decides and journals; what it finds must not make others hold."""
    return Situation(
        workload=charge.workload,
        facts=standing,
        findings=_in_earnest(record.findings.values(), charge),
        out=record.out(),
        draining_rules=charge.rules.draining,
        rules=charge.rules.by_name,
        deaf=_deaf(record, charge.workload),
    )


def _deaf(record: WorkloadRecord, workload: Workload) -> frozenset[str]:
    """The stamps whose HealthService fails by its look at the health model and by nothing else."""
    seen = ((name, known.seen) for name, known in record.stamps.items())
    return frozenset(name for name, look in seen if look and look.failing == (workload.health_score_check,))


def _judge(draft: Draft, charge: Charge) -> Situation:
    workload, rules = charge.workload, charge.rules
    standing = _facts(draft.registers, charge, draft.now)
    evaluation = evaluate(rules, standing, workload.stamp_names, draft.since, draft.now)
    findings = update(draft.findings, evaluation, rules, draft.now)
    ailing = {asked.stamp for asked in draft.findings if asked.rule in rules.draining}
    # In the order of the mappings, never of a set: every worker must write the same bytes.
    for asked in [asked for asked in findings if asked not in draft.findings]:
        draft.happened(f"{asked.rule} holds for {asked.stamp or 'the workload'}: {findings[asked].reason}")
        if asked.stamp and asked.rule in rules.draining and asked.stamp not in ailing:
            turned(draft, asked.stamp, workload.policy)
    for asked in [asked for asked in draft.findings if asked not in findings]:
        draft.happened(f"{asked.rule} no longer holds for {asked.stamp or 'the workload'}")
    draft.findings, draft.since = findings, dict(evaluation.since)
    draft.verdicts = dict(evaluation.verdicts)
    situation = _situation(draft.view(), charge, standing)
    draft.findings = {asked: _remember_scope(found, situation, draft) for asked, found in findings.items()}
    return replace(situation, findings=_in_earnest(draft.findings.values(), charge))


def _in_earnest(findings: Iterable[Finding], charge: Charge) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.rule not in charge.rules.on_trial)


def _remember_scope(finding: Finding, situation: Situation, draft: Draft) -> Finding:
    """Keep since when a fault has been one stamp's own: a glimpse of that is no reason to drain it."""
    verdict = scope_of(finding, situation)
    draft.scopes.append((finding.rule, finding.stamp or "global", str(verdict.scope), verdict.reason))
    if verdict.scope is not Scope.STAMP:
        return replace(finding, alone_since=None) if finding.alone_since else finding
    return finding if finding.alone_since else replace(finding, alone_since=draft.now)


def _take_in(draft: Draft, occasion: Occasion, charge: Charge) -> None:
    """Fold what came in. Every signal is named in the journal, but for those that say nothing new."""
    policy, before = charge.workload.policy, draft.registers
    good = []
    for arrival in occasion.arrivals:
        signal = arrival.signal
        if from_future(signal, arrival.enqueued_at, policy):
            _set_aside(draft, signal, "its time lies in the future")
        elif too_old(signal, draft.now, policy):
            _set_aside(draft, signal, "it is too old")
        else:
            good.append(signal)
    new = [s for s in good if _is_new(s, before.get(s.key))]
    draft.signals += dict.fromkeys(s.id for s in new)
    arrived = with_ends(fold(before, good), good)
    by_queues = _by_queues(draft, occasion.live, charge, arrived)
    looked = [*_by_looking(draft, occasion.live, charge.workload), *by_queues]
    draft.heard += map(_to_be_listed, sorted(new, key=lambda s: _says_less(s, before, charge)))
    seen = [s for s in looked if (known := before.get(s.key)) is None or known.says != s.says]
    draft.signals += [s.id for s in seen]
    draft.heard += map(_to_be_listed, seen)
    # What a drain waits to be taken back is kept, however old: else its proof could never come.
    needed = {key for stamp in draft.stamps.values() if stamp.drain for key in stamp.drain.evidence}
    folded = forget(fold(arrived, looked), draft.now, policy, needed)
    _forget_unwatched(draft, folded, charge.workload)
    if occasion.crowded or len(folded) > REGISTERS_CAREFREE:
        folded = bounded(folded, precious=needed, roots={charge.workload.root_node})
    draft.registers = folded


def _forget_unwatched(draft: Draft, folded: dict[RegisterKey, Signal], workload: Workload) -> None:
    """Drop our own words about what the files no longer have us look at: nobody else takes them back."""
    if workload.front_door_url is None:
        _drop(folded, RegisterKey(None, FRONT_DOOR_NODE, FRONT_DOOR))
    for stamp in workload.stamps:
        if stamp.event_hub is not None:
            continue
        for node in (workload.processor_node, LAG_PROBE):
            _drop(folded, RegisterKey(stamp.name, node, CONSUMER_LAG))
        known = draft.stamp(stamp.name)
        if known.queue is not None and known.drain is None:
            draft.stamps[stamp.name] = replace(known, queue=None)


def _drop(folded: dict[RegisterKey, Signal], key: RegisterKey) -> None:
    for each in (key, key.doubt):
        folded.pop(each, None)


def _by_looking(draft: Draft, live: LiveLook | None, workload: Workload) -> list[Signal]:
    """What the looks say about the roots, where it is worth writing down.

    Not of a stamp that is on its way back: its HealthService may still speak of the drain, unless that
    takes too long. And what only repeats a word that is still good for a while is no reason to write.
    """
    if live is None:
        return []
    back = (i for i in draft.intents.values() if i.in_flight and i.verb is Verb.REJOIN)
    returning = {intent.stamp for intent in back if not intent.stuck}
    signals = [signal_of(look, workload) for name, look in live.stamps.items() if name not in returning]
    path = signal_of_path(live, workload)
    return [each for each in (*signals, *([path] if path else [])) if _is_news(each, draft, workload.policy)]


def _by_queues(draft: Draft, live: LiveLook | None, charge: Charge, arrived: Registers) -> list[Signal]:
    """What the looks at the hubs say about the processors; what must be remembered of them is kept."""
    if live is None or not live.queues:
        return []
    workload, signals = charge.workload, list[Signal]()
    standing = facts(arrived, draft.now, workload.policy, database_nodes(workload))
    for name, look in live.queues.items():
        known = draft.stamp(name)
        state = follow(known.queue, look)
        if state == known.queue:
            continue
        draft.stamps[name] = replace(known, queue=state, drain=_of_this_hub(draft, name, state))
        reads = signal_of_queue(state, live, standing, workload, draft.now)
        signals += [reads, signal_of_sight(state, workload)]
    return [each for each in signals if _is_news(each, draft, workload.policy)]


def _of_this_hub(draft: Draft, name: str, state: QueueState) -> Drain | None:
    """The drain of a stamp, if any; its return waits for nothing that lay in a hub which is gone.

    A hub that is made anew counts from nought: the old numbers would never be passed.
    """
    known = draft.stamp(name)
    before = known.queue.remade_at if known.queue else None
    if known.drain is None or not known.drain.marks or state.remade_at in (None, before):
        return known.drain
    draft.happened(f"{name}: its hub was made anew; what it holds now must be worked off, the rest is lost")
    return replace(known.drain, marks=marks(state))


def _is_news(signal: Signal, draft: Draft, policy: Policy) -> bool:
    known = last_word(draft.registers, signal.key)
    if known is None:
        return True
    if signal.newness <= known.newness:
        return False  # by a clock that lies behind: it changes nothing
    if signal.health is Health.UNKNOWN and known.health in BAD_NEWS:
        return False  # that a stamp cannot be reached from here is no doubt about what was seen of it
    says_the_same = (known.says, known.reasons) == (signal.says, signal.reasons)
    return not says_the_same or signal.observed_at - known.observed_at >= policy.fresh_for / 2


def _to_be_listed(signal: Signal) -> Signal:
    """The signal as the journal keeps it: with the beginning of its first reason."""
    return replace(signal, reasons=tuple(reason[:REASON_MOST] for reason in signal.reasons[:1]))


def _says_less(signal: Signal, before: Registers, charge: Charge) -> tuple[bool, bool]:
    """Which are listed last, where not all are: those that repeat what is known or that no rule asks for.

    Then the journal of a storm tells what changed, and played again it is nearest to what was decided.
    """
    known = before.get(signal.key)
    repeats = known is not None and known.says == signal.says
    return repeats, signal.condition is None and signal.subject.node not in charge.asked_for


def _is_new(signal: Signal, known: Signal | None) -> bool:
    """Not a replay."""
    return known is None or known.id != signal.id


def _set_aside(draft: Draft, signal: Signal, why: str) -> None:
    draft.signals.append(signal.id)
    draft.happened(f"signal {signal.id} set aside: {why} ({signal.observed_at.isoformat()})")
