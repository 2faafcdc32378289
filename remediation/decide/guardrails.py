"""Why not act? One function for each reason, each with its numbers.

A guardrail answers with a `Hold` or with None. All of them are asked every
time, twice for every step: once by the record when it is planned, once by a
live look when it is about to be taken. None of them can be configured away.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from remediation.decide.case import Case, Guardrail, Hold
from remediation.decide.proof import not_taken_back
from remediation.ledger.intent import Verb
from remediation.ledger.stamp import LeverState, Seen
from rules.conditions import Answer, Verdict, words
from rules.evaluate import ask
from rules.health import facts
from rules.policy import Mode, Policy
from rules.reach import Scope
from rules.signals import Health, Signal


def mode_allows(case: Case) -> Hold | None:
    """Hold unless both the rule and the workload are in `auto`."""
    mode = case.step.rule.mode.capped_by(case.situation.workload.mode)
    if mode is Mode.AUTO:
        return None
    wanted = "a person's approval" if mode is Mode.APPROVE else "mode auto"
    return Hold(Guardrail.MODE, f"mode is {mode}: it takes {wanted} to {case.step.verb} {case.step.stamp}")


def hold_switch_is_off(case: Case) -> Hold | None:
    """Hold everything while a person says so."""
    switch = case.record.hold
    if switch is None or (switch.until is not None and switch.until <= case.now):
        return None
    until = f" until {switch.until:%Y-%m-%d %H:%M} UTC" if switch.until else ""
    return Hold(Guardrail.HOLD_SWITCH, f"held by {switch.author}{until}: {switch.reason}")


def only_a_stamp_fault(case: Case) -> Hold | None:
    """Hold where a drain cannot mend what is broken, or where that cannot be known."""
    if case.scope.scope is not Scope.STAMP:
        return Hold(Guardrail.ONLY_A_STAMP_FAULT, f"{case.scope.scope}: {case.scope.reason}")
    in_rotation = [name for name in case.situation.workload.stamp_names if name not in case.record.out()]
    failing = {name for name in in_rotation if (seen := case.seen(name)) and not _serves(seen)}
    failing.add(case.step.stamp)
    if case.live is None or 2 * len(failing) <= len(in_rotation):
        return None
    names = ", ".join(sorted(failing))
    return Hold(
        Guardrail.ONLY_A_STAMP_FAULT, f"of {len(in_rotation)} stamps in rotation, these fail now: {names}"
    )


def settled(case: Case) -> Hold | None:
    """Hold until the finding has been one stamp's own for `settle`.

    Transients pass in that time, and global faults show. A fault that reached
    further a moment ago has not settled, however long it has stood.
    """
    if case.finding is None:
        return None
    stood = case.now - (case.finding.alone_since or case.now)
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
        verdict, _ = ask(case.step.rule, case.step.stamp, standing, case.record.since, case.now)
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


def looked_at(case: Case) -> Hold | None:
    """Hold until every stamp has been looked at: a worker that has just begun knows nothing."""
    blind = [name for name in case.situation.workload.stamp_names if case.seen(name) is None]
    return Hold(Guardrail.LOOKED_AT, f"nobody has looked yet at {', '.join(blind)}") if blind else None


def keeps_enough_serving(case: Case) -> Hold | None:
    """Hold a drain that would leave fewer than `min_serving` stamps that serve.

    A stamp of unknown health does not count: when we cannot see, we keep
    traffic where it is. Neither does one that is out, whoever took it out, nor
    one that some rule wants out.
    """
    if looked_at(case):
        return None  # that one holds already, and says more
    survivors = serving(case) - {case.step.stamp}
    wanted = max(1, case.policy.min_serving)
    if len(survivors) >= wanted:
        return None
    # Name the survivors: the engineer on call judges an override by them.
    names = ", ".join(sorted(survivors)) or "no other stamp"
    return Hold(Guardrail.KEEPS_ENOUGH_SERVING, f"only {names} would serve, and {wanted} must")


def serving(case: Case) -> set[str]:
    """The stamps that serve: by the record, and by the live look where there is one."""
    situation = case.situation
    out, asked = case.record.out(), situation.asked_to_drain
    by_record = {
        name
        for name in situation.workload.stamp_names
        if name not in out
        and name not in asked
        and situation.root(name) is Health.GREEN
        and _serves(case.seen(name))
    }
    if case.live is None:
        return by_record
    return by_record & case.live.serving(case.now, case.policy.look_fresh_for)


def _serves(seen: Seen | None) -> bool:
    return seen is not None and seen.serves and seen.lever is not LeverState.OUT and not seen.maintenance


def one_at_a_time(case: Case) -> Hold | None:
    """Hold while another step of this workload is in flight."""
    others = [intent for intent in case.record.in_flight() if intent.id != case.step.intent]
    if not others:
        return None
    going = ", ".join(f"{intent.verb} of {intent.stamp} is {intent.state}" for intent in others)
    stuck = any(intent.stuck for intent in others)
    return Hold(Guardrail.STUCK_STEP if stuck else Guardrail.ONE_AT_A_TIME, going)


def cooled_down(case: Case) -> Hold | None:
    """Hold a drain too soon after the last one: what follows so fast was not a stamp's own fault."""
    made = _others_drains(case)
    if not made:
        return None
    passed = case.now - made[-1]
    if passed >= case.policy.cooldown:
        return None
    waited = f"{words(passed)} of {words(case.policy.cooldown)}"
    return Hold(Guardrail.COOLDOWN, f"the last drain was {waited} ago")


def within_budget(case: Case) -> Hold | None:
    """Hold when this workload has been drained often enough, by whichever rule or worker."""
    made = _others_drains(case)
    hour = sum(1 for at in made if at > case.now - timedelta(hours=1))
    policy = case.policy
    if hour < policy.drains_per_hour and len(made) < policy.drains_per_day:
        return None
    return Hold(
        Guardrail.BUDGET,
        f"{hour} of {policy.drains_per_hour} drains in the last hour, "
        f"{len(made)} of {policy.drains_per_day} in the last 24 hours",
    )


def _others_drains(case: Case) -> list[datetime]:
    """When drains were begun in the last 24 hours, oldest first; not this step's own begun attempt."""
    own = case.record.intents.get(case.step.intent or "")
    begun = own is not None and own.attempts > 0
    made = sorted(made.at for made in case.record.drains if made.at > case.now - timedelta(hours=24))
    return made[:-1] if begun else made


def still_in_rotation(case: Case) -> Hold | None:
    """Hold where the stamp is out already: by itself, by other hands, or by ours."""
    if case.record.stamp(case.step.stamp).drain is not None:
        return Hold(Guardrail.STILL_IN_ROTATION, "it is drained already")
    seen = case.seen(case.step.stamp)
    if seen is None:
        return None
    if seen.lever is LeverState.OUT:
        return Hold(Guardrail.STILL_IN_ROTATION, "other hands have drained it: its state file is gone")
    if seen.answered and not seen.serves:
        return Hold(Guardrail.STILL_IN_ROTATION, f"it is out by itself: {seen.words}")
    return None


def not_undone_by_others(case: Case) -> Hold | None:
    """Hold a drain that people have undone, as long as the same finding stands: their decision counts."""
    undone_at = case.record.stamp(case.step.stamp).undone_at
    if undone_at is None or case.finding is None or case.finding.since > undone_at:
        return None
    reason = f"other hands brought it back at {undone_at:%H:%M:%S}; only a new finding drains it again"
    return Hold(Guardrail.OTHERS_HANDS, reason)


def not_in_maintenance(case: Case) -> Hold | None:
    """Hold whatever would touch a stamp that people are working on."""
    seen = case.seen(case.step.stamp)
    if seen is None or not seen.maintenance:
        return None
    return Hold(Guardrail.MAINTENANCE, "its state file says MAINTENANCE")


def lever_works(case: Case) -> Hold | None:
    """Hold a step whose lever cannot be reached, or lately said no."""
    stamp = case.record.stamp(case.step.stamp)
    seen = case.seen(case.step.stamp)
    if seen is not None and seen.lever is LeverState.UNREACHABLE:
        return Hold(Guardrail.LEVER_WORKS, seen.words)
    if stamp.refused is not None and case.now - stamp.refused.at < case.policy.cooldown:
        return Hold(Guardrail.LEVER_WORKS, f"refused at {stamp.refused.at:%H:%M:%S}: {stamp.refused.reason}")
    return None


def still_wanted(case: Case) -> Hold | None:
    """Hold a drain whose finding has ended in the meantime."""
    if case.finding is not None:
        return None
    return Hold(Guardrail.STILL_WANTED, f"{case.step.rule.name} no longer holds for {case.step.stamp}")


def proven_healthy(case: Case) -> Hold | None:
    """Hold a rejoin unless the drain is ours, its cause is taken back, and every other check is healthy.

    Asked again right before the act, for what was proven when the rejoin was
    planned may have broken while it waited.
    """
    stamp = case.step.stamp
    drain, seen = case.record.stamp(stamp).drain, case.seen(stamp)
    if drain is None:
        return Hold(Guardrail.PROVEN_HEALTHY, "the worker has not drained it")
    if stamp in case.situation.asked_to_drain:
        return Hold(Guardrail.PROVEN_HEALTHY, "a rule asks for its drain again")
    wanting = not_taken_back(drain, case.record, case.situation, case.now)
    if seen is not None and not seen.others_healthy:
        wanting.append(seen.words)
    return Hold(Guardrail.PROVEN_HEALTHY, "; ".join(wanting)) if wanting else None


DRAIN: tuple[Callable[[Case], Hold | None], ...] = (
    still_wanted,
    mode_allows,
    hold_switch_is_off,
    only_a_stamp_fault,
    settled,
    rests_on_fresh_signals,
    looked_at,
    still_in_rotation,
    not_undone_by_others,
    not_in_maintenance,
    keeps_enough_serving,
    one_at_a_time,
    cooled_down,
    within_budget,
    lever_works,
)

REJOIN: tuple[Callable[[Case], Hold | None], ...] = (
    mode_allows,
    hold_switch_is_off,
    looked_at,
    not_in_maintenance,
    proven_healthy,
    one_at_a_time,
    lever_works,
)


def holds(case: Case) -> list[Hold]:
    """Every reason not to take the step; none means that it may be taken."""
    asked = DRAIN if case.step.verb is Verb.DRAIN else REJOIN
    return [hold for guardrail in asked if (hold := guardrail(case)) is not None]
