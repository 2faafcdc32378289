"""Was each effect on the world one that may be made? P1, P2, P3, P4, P5, P10 (late effects)."""

from collections import Counter
from collections.abc import Iterator

from rehearsal.check.case import LATENCY_MOST_SECONDS, Case, Violation
from rehearsal.deeds import Deed
from rehearsal.faults.kinds import CallFault
from rehearsal.worker import TICK_SECONDS
from remediation.ledger.intent import Intent, IntentState, LeverKind, Verb
from remediation.ledger.record import WorkloadRecord
from rules.findings import Finding
from rules.reach import Scope
from rules.signals import Health

WIDER = frozenset({Scope.GLOBAL, Scope.EDGE, Scope.UNKNOWN})
"""What no drain of one stamp mends."""


def one_drain_in_flight(case: Case) -> Iterator[Violation]:
    """P1: by every record, and by what is moved while a drain is in flight."""
    for happening, record in case.records:
        drains = [each for each in record.in_flight() if each.verb is Verb.DRAIN]
        if len(drains) > 1:
            names = ", ".join(each.id for each in drains)
            yield Violation("P1", happening.at, f"{len(drains)} drains in flight: {names}")
    for deed in case.moves(Verb.DRAIN):
        others = {
            each.stamp
            for each in deed.record.in_flight()
            if each.verb is Verb.DRAIN and each.stamp != deed.effect.stamp
        }
        if others:
            yield Violation("P1", deed.at, f"{deed} while {', '.join(sorted(others))} is being drained")


def others_serve(case: Case) -> Iterator[Violation]:
    """P2: by the truth as a look of at most `look_fresh_for` shows it, and by the record of the lease."""
    for deed in case.moves(Verb.DRAIN):
        if case.was_delayed(deed):
            continue
        wanted = max(1, case.policy.min_serving)
        left = sorted(survivors(case, deed))
        if len(left) < wanted:
            said = ", ".join(left) or "nobody"
            yield Violation("P2", deed.at, f"{deed}: only {said} serves besides, and {wanted} must")


def survivors(case: Case, deed: Deed) -> set[str]:
    """The stamps besides the target that could be taken to serve."""
    since = deed.at - case.policy.look_fresh_for.total_seconds() - LATENCY_MOST_SECONDS
    out = deed.leased.out()
    return {
        name
        for name in case.workload.stamp_names
        if name != deed.effect.stamp
        and name not in out
        and (case.truths.serves[name].ever(since, deed.at) or _lied_about(case, name, since, deed.at))
        and root_of(case, deed.leased, name) is Health.GREEN
        and not _asked_to_drain(case, deed.leased, name)
    }


def root_of(case: Case, record: WorkloadRecord, stamp: str) -> Health:
    """The health of a root as the registers say it: the worst of what stands; nothing is unknown."""
    at = max((each.observed_at for each in record.registers.values()), default=None)
    said = []
    for signal in record.registers.values():
        _, where, node = signal.subject
        if where != stamp or node != case.workload.root_node or signal.health is None or at is None:
            continue
        bad = signal.health in (Health.RED, Health.YELLOW)
        if bad or at - signal.observed_at <= case.policy.fresh_for:
            said.append(signal.health)
    order = [Health.GREEN, Health.YELLOW, Health.UNKNOWN, Health.RED]
    return max(said, key=order.index, default=Health.UNKNOWN)


def _asked_to_drain(case: Case, record: WorkloadRecord, stamp: str) -> bool:
    return any(asked.stamp == stamp and asked.rule in case.rules.draining for asked in record.findings)


def only_a_stamp_fault(case: Case) -> Iterator[Violation]:
    """P3: no drain by a rule whose family's finding began on another stamp too, within the time for that."""
    within = case.policy.same_fault_within
    for deed in case.moves(Verb.DRAIN):
        intent = deed.intent or deed.before
        if intent is None or intent.author:
            continue
        own = [f for f in deed.leased.findings.values() if f.stamp == intent.stamp and f.rule == intent.rule]
        others = {
            str(other.stamp)
            for other in deed.leased.findings.values()
            for mine in own
            if other.family == mine.family and other.stamp not in (None, intent.stamp)
            if other.stamp not in deed.leased.out() or abs(other.since - mine.since) <= within
        }
        if others:
            yield Violation("P3", deed.at, f"{deed} although {', '.join(sorted(others))} has the same fault")
        shared = deed.leased.registers.values()
        if any(signal.subject[1] is None and signal.health is Health.RED for signal in shared):
            yield Violation("P3", deed.at, f"{deed} although a node is red that all stamps share")
        wider = [f"{found.rule} ({scope})" for found, scope in _declared(case, deed) if scope in WIDER]
        if wider:
            yield Violation("P3", deed.at, f"{deed} although {', '.join(sorted(wider))} stands")


def _declared(case: Case, deed: Deed) -> Iterator[tuple[Finding, Scope]]:
    """What stands of the workload or of that stamp, and how far its rule says that it reaches."""
    for found in deed.leased.findings.values():
        rule = case.rules.by_name.get(found.rule)
        if rule is not None and rule.scope is not None and found.stamp in (None, deed.effect.stamp):
            yield found, rule.scope


def still_wanted(case: Case) -> Iterator[Violation]:
    """P3: no drain by a rule whose finding had ended when the lease was taken."""
    for deed in case.moves(Verb.DRAIN):
        intent = deed.intent
        if intent is None or intent.author or intent.rule not in case.rules.by_name:
            continue
        found = deed.leased.findings.values()
        if not any(each.stamp == intent.stamp and each.rule == intent.rule for each in found):
            yield Violation("P3", deed.at, f"{deed} although {intent.rule} no longer holds")


def intent_before_effect(case: Case) -> Iterator[Violation]:
    """P4, P10: at the moment of an effect the ledger holds its intent, leased; a late one was fenced off.

    A change of a Front Door origin cannot be fenced: it has no ETag. There it is enough that the intent
    was leased before; what comes of a late one `residual` counts.
    """
    for deed in case.deeds:
        if deed.intent is not None:
            continue
        if deed.before is None:
            yield Violation("P4", deed.at, f"{deed} without an intent in the ledger before it")
        elif deed.effect.lever is LeverKind.STATE_FILE and deed.effect.verb == Verb.DRAIN:
            state = deed.record.intents.get(deed.before.id)
            said = state.state if state else "forgotten"
            yield Violation("P10", deed.at, f"{deed} landed when its intent was {said}: it was not fenced")


def at_most_once(case: Case) -> Iterator[Violation]:
    """P5: one intent, one effect."""
    made = Counter(deed.intent.id for deed in case.deeds if deed.intent is not None)
    for intent, times in made.items():
        if times > 1:
            at = max(deed.at for deed in case.deeds if deed.intent and deed.intent.id == intent)
            yield Violation("P5", at, f"{intent} took effect {times} times")


def applied_is_seen(case: Case) -> Iterator[Violation]:
    """P5: an intent is `applied` only when its lever has been moved: a time-out is no success."""
    known: dict[str, IntentState] = {}
    for happening, record in case.records:
        for intent in record.intents.values():
            before, known[intent.id] = known.get(intent.id), intent.state
            if (
                intent.state is before
                or intent.state is not IntentState.APPLIED
                or intent.verb is not Verb.DRAIN
            ):
                continue
            since = happening.at - case.policy.look_fresh_for.total_seconds() - TICK_SECONDS
            if not case.truths.out[intent.stamp].ever(since, happening.at):
                yield Violation(
                    "P5", happening.at, f"{intent.id} is taken for applied, and nothing was moved"
                )


def verified_is_seen(case: Case) -> Iterator[Violation]:
    """P5: an intent is `verified` only when it could be seen to have helped: `applied` is not drained."""
    known: dict[str, IntentState] = {}
    for happening, record in case.records:
        for intent in record.intents.values():
            before, known[intent.id] = known.get(intent.id), intent.state
            if intent.state is before or intent.state is not IntentState.VERIFIED:
                continue
            since = happening.at - case.policy.look_fresh_for.total_seconds() - TICK_SECONDS
            lied = _lied_about(case, intent.stamp, since, happening.at) or _misled(case, intent.stamp)
            if lied or not intent.verb.moves_a_lever:
                continue
            if not _could_be_seen(case, intent, since, happening.at):
                words = f"{intent.id} counts as verified, and nobody could see it"
                yield Violation("P5", happening.at, words)


def _could_be_seen(case: Case, intent: Intent, since: float, until: float) -> bool:
    truths = case.truths
    if intent.verb is Verb.REJOIN:
        kept_out = case.record_at(until).stamp(intent.stamp).out or any(
            case.drained_by_a_person(intent.stamp, lever, until) is not None
            for lever in LeverKind
            if lever is not intent.lever
        )
        return kept_out or truths.serves[intent.stamp].ever(since, until)
    noticed = intent.lever is LeverKind.FRONT_DOOR or truths.noticed[intent.stamp].ever(since, until)
    return noticed and truths.out[intent.stamp].ever(since, until)


def _lied_about(case: Case, stamp: str, since: float, until: float) -> bool:
    """Whether a look at that stamp was answered wrongly."""
    return any(
        kind is CallFault.WRONG and name.partition(":")[2] == stamp and since - TICK_SECONDS <= at <= until
        for at, kind, name, _ in case.faults
    )


def _misled(case: Case, stamp: str) -> bool:
    """Whether looks at its levers lied twice, so that its record may say that others moved what was ours."""
    looks = (f"lever.look:{stamp}", f"origin.look:{stamp}")
    return sum(kind is CallFault.WRONG and name in looks for _, kind, name, _ in case.faults) > 1


def only_leased(case: Case) -> Iterator[Violation]:
    """P4: an intent that is acted upon has a lease, and its first state is `planned`."""
    known: set[str] = set()
    for happening, record in case.records:
        for intent in record.intents.values():
            if intent.id not in known and intent.state is not IntentState.PLANNED:
                yield Violation("P4", happening.at, f"{intent.id} begins as {intent.state}")
            known.add(intent.id)
            if intent.state is IntentState.ACTING and intent.lease is None:
                yield Violation("P4", happening.at, f"{intent.id} is acted upon without a lease")


ACTS = (
    one_drain_in_flight,
    others_serve,
    only_a_stamp_fault,
    still_wanted,
    applied_is_seen,
    intent_before_effect,
    at_most_once,
    verified_is_seen,
    only_leased,
)
