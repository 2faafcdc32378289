"""Was each effect on the world one that may be made? P1, P2, P3, P4, P5, P10 (late effects), P12, P13."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from rehearsal.check.case import LATENCY_MOST_SECONDS, Case, Deed, Violation
from rehearsal.history import FENCE, Effect
from rehearsal.worker import TICK_SECONDS
from remediation.ledger.intent import IntentState, LeverKind, Verb
from remediation.ledger.record import WorkloadRecord
from rules.rule import Proof
from rules.signals import Health

HOUR_SECONDS, DAY_SECONDS = 3600, 86_400
JUST_BEFORE_SECONDS = 0.001


def one_drain_in_flight(case: Case) -> Iterator[Violation]:
    """P1: by every record, and by what is moved while a drain is in flight."""
    for happening, record in case.records:
        drains = [each for each in record.in_flight() if each.verb is Verb.DRAIN]
        if len(drains) > 1:
            names = ", ".join(each.id for each in drains)
            yield Violation("P1", happening.at, f"{len(drains)} drains in flight: {names}")
    for deed in _moves(case, Verb.DRAIN):
        others = {
            each.stamp
            for each in deed.record.in_flight()
            if each.verb is Verb.DRAIN and each.stamp != deed.effect.stamp
        }
        if others:
            yield Violation("P1", deed.at, f"{deed} while {', '.join(sorted(others))} is being drained")


def others_serve(case: Case) -> Iterator[Violation]:
    """P2: by the truth as a look of at most `look_fresh_for` shows it, and by the record of the lease."""
    for deed in _moves(case, Verb.DRAIN):
        if deed.delayed:
            continue  # it was held up on its way: a residual risk, which `residual` counts
        wanted = max(1, case.policy.min_serving)
        left = sorted(survivors(case, deed))
        if len(left) < wanted:
            said = ", ".join(left) or "nobody"
            yield Violation("P2", deed.at, f"{deed}: only {said} serves besides, and {wanted} must")


def survivors(case: Case, deed: Deed) -> set[str]:
    """The stamps besides the target that could be taken to serve."""
    since = deed.at - case.policy.look_fresh_for.total_seconds() - LATENCY_MOST_SECONDS
    out = deed.leased.out()
    lied_about = {
        name.partition(":")[2]
        for at, kind, name, _ in case.faults
        if kind == "wrong answer" and since - TICK_SECONDS <= at <= deed.at
    }
    return {
        name
        for name in case.workload.stamp_names
        if name != deed.effect.stamp
        and name not in out
        and (case.truths.serves[name].ever(since, deed.at) or name in lied_about)
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
    for deed in _moves(case, Verb.DRAIN):
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
        if _red_global(case, deed.leased):
            yield Violation("P3", deed.at, f"{deed} although a node is red that all stamps share")


def _red_global(case: Case, record: WorkloadRecord) -> bool:  # noqa: ARG001 - as its siblings
    return any(
        signal.subject[1] is None and signal.health is Health.RED for signal in record.registers.values()
    )


def still_wanted(case: Case) -> Iterator[Violation]:
    """P3: no drain by a rule whose finding had ended when the lease was taken."""
    for deed in _moves(case, Verb.DRAIN):
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


def rejoins_only_its_own(case: Case) -> Iterator[Violation]:
    """P12: what comes back was drained by us, by that lever, and its cause was not there all the time."""
    for deed in _moves(case, Verb.REJOIN):
        drain = deed.leased.stamp(deed.effect.stamp).drain
        if drain is None or deed.effect.lever not in {each.lever for each in drain.levers}:
            yield Violation("P12", deed.at, f"{deed}, which the ledger does not know as ours")
            continue
        intent = deed.intent or deed.before
        if intent is None or intent.author:
            continue
        if drain.stays_out:
            yield Violation("P12", deed.at, f"{deed}, which relapsed and was to stay out")
        if _drained_last_by_a_person(case, deed):
            yield Violation("P12", deed.at, f"{deed}, which a person drained")
        since = deed.at - case.policy.rejoin_after.total_seconds()
        if case.truths.sick[deed.effect.stamp].always(since, deed.at):
            yield Violation("P12", deed.at, f"{deed} although its cause has not been mended")
        rule = case.rules.by_name.get(drain.rule)
        if rule is not None and rule.proof is Proof.BACKLOG:
            yield from _backlog_is_done(case, deed)


def _drained_last_by_a_person(case: Case, deed: Deed) -> bool:
    """Whether a person's hand, and not a worker's, made it be out by that lever."""
    last = None
    for each, effect in case.history.effects():
        if each.at >= deed.at or (effect.stamp, effect.lever) != (deed.effect.stamp, deed.effect.lever):
            continue
        if effect.verb == Verb.REJOIN:
            last = None
        elif effect.verb == Verb.DRAIN and last is None:
            last = each.at, effect  # whoever finds it gone already has not done it
    return last is not None and not last[1].by_worker and not _fell_silent_at_it(case, *last)


def _fell_silent_at_it(case: Case, at: float, effect: Effect) -> bool:
    """Whether a worker was about to do just that, and nobody heard what came of it.

    A deleted blob names no author: where the delete of a worker was never answered, and the file is gone,
    it must be taken for the worker's.
    """
    begun = {
        intent.id: intent.lease.owner
        for intent in case.record_at(at).intents.values()
        if intent.state is IntentState.ACTING and intent.lease is not None
        if (intent.verb, intent.stamp, intent.lever) == (effect.verb, effect.stamp, effect.lever)
    }
    taken_over = any(
        each.lease is not None and each.lease.owner != begun.get(each.id, each.lease.owner)
        for happening, record in case.records
        if happening.at > at
        for each in record.intents.values()
    )
    call = f"lever.take_out:{effect.stamp}"
    unanswered = any(name == call and who in begun.values() for _, _, name, who in case.faults)
    return taken_over or unanswered


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


def _backlog_is_done(case: Case, deed: Deed) -> Iterator[Violation]:
    rows = case.truths.hubs[deed.effect.stamp]
    drains = [row for row in rows if row[0] < deed.at]
    now = next((row for row in rows if row[0] == deed.at), None)
    if not drains or now is None or not _drained_by_file(case, deed, drains[-1][0]):
        return
    sent = [int(each.split()[0]) for each in drains[-1][1]]
    read = [int(each.split()[1]) for each in now[1]]
    left = sum(1 for had, got in zip(sent, read, strict=True) if got < had)
    if left:
        yield Violation("P12", deed.at, f"{deed} with {left} partitions that have not worked off the backlog")


def _drained_by_file(case: Case, deed: Deed, at: float) -> bool:
    """Whether that row of the hub is the drain that this rejoin ends."""
    return any(
        other.at == at and other.effect.verb == Verb.DRAIN and other.effect.stamp == deed.effect.stamp
        for other in case.deeds
    )


def keeps_out_of_maintenance(case: Case) -> Iterator[Violation]:
    """P12: a state file that says MAINTENANCE is not touched, nor its stamp by another lever."""
    for each, effect in case.history.effects():
        if not effect.by_worker or effect.stamp not in case.truths.maintenance:
            continue
        since = each.at - case.policy.look_fresh_for.total_seconds() - LATENCY_MOST_SECONDS
        until = each.at - JUST_BEFORE_SECONDS  # the deed itself ends it
        if effect.verb != FENCE and case.truths.maintenance[effect.stamp].always(since, until):
            yield Violation("P12", each.at, f"{effect.verb} of {effect.stamp}, which is in maintenance")


def within_budget(case: Case) -> Iterator[Violation]:
    """P13: drains of the last hour and day, and the time between two, over all workers.

    They are counted by the workers' clocks: with clocks five minutes apart, by five minutes less well.
    """
    drains = [deed for deed in _moves(case, Verb.DRAIN) if deed.intent and not deed.intent.second]
    firsts = [deed for deed in drains if deed.intent is not None and deed.intent.attempts == 1]
    if not case.clocks_are_right:
        return
    for deed in firsts:
        lately = [other for other in drains if deed.at - other.at > 0]
        hour = [other for other in lately if deed.at - other.at < HOUR_SECONDS]
        if len(hour) >= case.policy.drains_per_hour or len(lately) >= case.policy.drains_per_day:
            yield Violation("P13", deed.at, f"{deed} after {len(hour)} drains in the last hour")
    for before, deed in pairwise(firsts):
        passed = deed.at - before.at
        if passed >= case.policy.cooldown.total_seconds() - LATENCY_MOST_SECONDS:
            continue
        back = deed.leased.stamp(deed.effect.stamp).rejoined_at
        if back is None and not before.delayed:
            yield Violation("P13", deed.at, f"{deed} {passed:.0f} s after the one before")


def _moves(case: Case, verb: Verb) -> Iterator[Deed]:
    return (deed for deed in case.deeds if deed.effect.verb == verb)


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
    rejoins_only_its_own,
    keeps_out_of_maintenance,
    within_budget,
    only_leased,
)
