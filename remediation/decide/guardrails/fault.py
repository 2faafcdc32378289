"""Is there a fault that the step would mend, and do we know it well enough?"""

from datetime import datetime, timedelta

from remediation.decide.case import Case, Guardrail, Hold, serves
from remediation.decide.proof import not_taken_back
from remediation.ledger.intent import Verb
from rules.conditions import Answer, Verdict, words
from rules.evaluate import ask
from rules.findings import Finding
from rules.health import Registers, facts, last_word
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
    in_rotation, failing = failing_now(case)
    if 2 * len(failing) <= len(in_rotation):
        return None
    names = ", ".join(sorted(failing))
    return Hold(
        Guardrail.ONLY_A_STAMP_FAULT, f"of {len(in_rotation)} stamps in rotation, these fail now: {names}"
    )


def failing_now(case: Case) -> tuple[list[str], set[str]]:
    """The stamps in rotation, and those of them that are seen not to serve; the target is one of both."""
    # By a second lever the target is taken out once more: its users are still there.
    out = case.record.out() - {case.step.stamp}
    in_rotation = [name for name in case.situation.workload.stamp_names if name not in out]
    failing = {name for name in in_rotation if (seen := case.seen(name)) and not serves(seen)}
    return in_rotation, failing | {case.step.stamp}


def settled(case: Case) -> Hold | None:
    """Hold until the finding has stood for `settle`; for a drain, as one stamp's own.

    Transients pass in that time, and global faults show. A fault that reached
    further a moment ago has not settled, however long it has stood.
    """
    if case.finding is None:
        return None
    stood = stood_for(case.finding, case)
    if stood >= case.policy.settle:
        return None
    return Hold(Guardrail.SETTLED, f"settling: {words(stood)} of {words(case.policy.settle)}")


def stood_for(finding: Finding, case: Case) -> timedelta:
    """How long a finding has stood; for a drain, as one stamp's own."""
    alone = finding.alone_since or case.now
    return case.now - (alone if case.step.verb is Verb.DRAIN else finding.since)


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
        unworthy = [s.key for s in verdict.evidence if not _worthy(s, left, case.now, case.policy)]
        if not unworthy:
            return verdict
        for key in unworthy:
            del left[key]


def _worthy(signal: Signal, registers: Registers, now: datetime, policy: Policy) -> bool:
    """Whether it may cause an action: in time, in earnest, and its source has not come to doubt it."""
    if not signal.may_act or last_word(registers, signal.key) != signal:
        return False
    return now - signal.observed_at <= (policy.fresh_for if signal.health else policy.may_act_for)


def _why_not_worthy(case: Case) -> str:
    assert case.finding is not None  # noqa: S101 - the caller has looked
    if not case.finding.may_act:
        return case.finding.why
    said = [key for key in case.finding.evidence if key == key.knowing]
    if doubts := [key.source for key in said if key.doubt in case.record.registers]:
        return f"{', '.join(dict.fromkeys(doubts))} has said since that it does not know"
    return age_of(case.finding, case)


def age_of(finding: Finding, case: Case) -> str:
    """How old the newest word is that the finding rests on, and how old it may be."""
    signals = [case.record.registers.get(key) for key in finding.evidence]
    age = words(min((case.now - signal.observed_at for signal in signals if signal), default=timedelta()))
    return (
        f"the newest signal is {age} old; health may act for {words(case.policy.fresh_for)}, "
        f"an alert for {words(case.policy.may_act_for)}"
    )


def telemetry_sees(case: Case) -> Hold | None:
    """Hold a rejoin while the telemetry is known to be broken: the green that it shows proves nothing."""
    if not case.situation.blind_at(case.step.stamp):
        return None
    return Hold(Guardrail.FRESH_SIGNALS, f"telemetry is blind: {TELEMETRY} is red")


def not_flapping(case: Case) -> Hold | None:
    """Hold what would move a stamp about that comes and goes by itself."""
    policy = case.policy
    turns = turns_of(case)
    if turns < policy.flaps:
        return None
    return Hold(Guardrail.FLAPPING, f"flapping: red {turns} times within {words(policy.flaps_within)}")


def turns_of(case: Case) -> int:
    """How often the target has turned red lately."""
    return sum(1 for at in case.target.turns if at > case.now - case.policy.flaps_within)


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
