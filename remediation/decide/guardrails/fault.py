"""Is there a fault that the step would mend, and do we know it well enough?"""

from datetime import datetime, timedelta

from remediation.decide.case import Case, Guardrail, Hold, serves
from remediation.decide.proof import not_taken_back
from remediation.ledger.intent import Verb
from rules.conditions import Answer, Verdict, words
from rules.evaluate import ask
from rules.health import facts
from rules.policy import Policy
from rules.reach import Scope
from rules.scope import TELEMETRY
from rules.signals import Signal


def still_wanted(case: Case) -> Hold | None:
    """Hold a step whose finding has ended in the meantime."""
    if case.finding is not None:
        return None
    where = case.step.stamp or "the workload"
    return Hold(Guardrail.STILL_WANTED, f"{case.step.rule.name} no longer holds for {where}")


def only_a_stamp_fault(case: Case) -> Hold | None:
    """Hold where a drain cannot mend what is broken, or where that cannot be known."""
    if case.scope.scope is not Scope.STAMP:
        return Hold(Guardrail.ONLY_A_STAMP_FAULT, f"{case.scope.scope}: {case.scope.reason}")
    in_rotation = [name for name in case.situation.workload.stamp_names if name not in case.record.out()]
    failing = {name for name in in_rotation if (seen := case.seen(name)) and not serves(seen)}
    failing.add(case.step.stamp)
    if case.live is None or 2 * len(failing) <= len(in_rotation):
        return None
    names = ", ".join(sorted(failing))
    return Hold(
        Guardrail.ONLY_A_STAMP_FAULT, f"of {len(in_rotation)} stamps in rotation, these fail now: {names}"
    )


def settled(case: Case) -> Hold | None:
    """Hold until the finding has stood for `settle`; for a drain, as one stamp's own.

    Transients pass in that time, and global faults show. A fault that reached
    further a moment ago has not settled, however long it has stood.
    """
    if case.finding is None:
        return None
    alone = case.finding.alone_since or case.now
    stood = case.now - (alone if case.step.verb is Verb.DRAIN else case.finding.since)
    if stood >= case.policy.settle:
        return None
    return Hold(Guardrail.SETTLED, f"settling: {words(stood)} of {words(case.policy.settle)}")


def rests_on_fresh_signals(case: Case) -> Hold | None:
    """Hold unless the rule would hold by those signals alone that may cause an action now.

    Health must be fresh. An alert is said only once and may be older. What was
    said by a test, or about something people did on purpose, never counts.
    """
    if case.finding is None:
        return None
    verdict = _verdict_by_worthy_signals(case)
    if verdict.answer is Answer.HOLDS and verdict.evidence:
        return None
    return Hold(Guardrail.FRESH_SIGNALS, _why_not_worthy(case))


def _verdict_by_worthy_signals(case: Case) -> Verdict:
    """The verdict once every word that speaks for the rule and may not cause an action is struck out.

    Only what speaks *for* it is struck out: old bad news that speaks against
    it, under a `not`, still stands, or a drain could begin where nothing holds.
    """
    left = dict(case.record.registers)
    while True:
        standing = facts(left, case.now, case.policy)
        verdict, _ = ask(case.step.rule, case.step.stamp or None, standing, case.record.since, case.now)
        unworthy = [s.key for s in verdict.evidence if not _worthy(s, case.now, case.policy)]
        if not unworthy:
            return verdict
        for key in unworthy:
            del left[key]


def _worthy(signal: Signal, now: datetime, policy: Policy) -> bool:
    age = now - signal.observed_at
    return signal.may_act and age <= (policy.fresh_for if signal.health else policy.may_act_for)


def _why_not_worthy(case: Case) -> str:
    assert case.finding is not None  # noqa: S101 - the caller has looked
    if not case.finding.may_act:
        return case.finding.why
    signals = [case.record.registers.get(key) for key in case.finding.evidence]
    ages = [case.now - signal.observed_at for signal in signals if signal]
    age = words(min(ages, default=timedelta()))
    policy = case.policy
    return (
        f"the newest signal is {age} old; health may act for {words(policy.fresh_for)}, "
        f"an alert for {words(policy.may_act_for)}"
    )


def telemetry_sees(case: Case) -> Hold | None:
    """Hold a rejoin while the telemetry is known to be broken: the green that it shows proves nothing."""
    if not case.situation.blind_at(case.step.stamp):
        return None
    return Hold(Guardrail.FRESH_SIGNALS, f"telemetry is blind: {TELEMETRY} is red")


def not_flapping(case: Case) -> Hold | None:
    """Hold what would move a stamp about that comes and goes by itself."""
    policy = case.policy
    turns = sum(1 for at in case.target.turns if at > case.now - policy.flaps_within)
    if turns < policy.flaps:
        return None
    return Hold(Guardrail.FLAPPING, f"flapping: red {turns} times within {words(policy.flaps_within)}")


def proven_healthy(case: Case) -> Hold | None:
    """Hold a rejoin unless the drain is ours, its cause is taken back, and every other check is healthy.

    Asked again right before the act, for what was proven when the rejoin was
    planned may have broken while it waited.
    """
    drain, seen = case.target.drain, case.seen(case.step.stamp)
    if drain is None:
        return Hold(Guardrail.PROVEN_HEALTHY, "the worker has not drained it")
    if case.step.stamp in case.situation.asked_to_drain:
        return Hold(Guardrail.PROVEN_HEALTHY, "a rule asks for its drain again")
    wanting = not_taken_back(drain, case.record, case.situation, case.now)
    if seen is not None and not seen.others_healthy:
        wanting.append(seen.words)
    return Hold(Guardrail.PROVEN_HEALTHY, "; ".join(wanting)) if wanting else None
