"""How much at once, and how often? What follows too fast on something else is seldom a stamp's own fault."""

from datetime import datetime, timedelta

from remediation.decide.case import Case, Guardrail, Hold, serves
from remediation.ledger.intent import Intent, IntentState, Verb
from rules.conditions import words

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)


def one_at_a_time(case: Case) -> Hold | None:
    """Hold while another step of this workload is in flight."""
    others = [intent for intent in case.record.in_flight() if intent.id != case.step.intent]
    if not others:
        return _a_drain_that_nobody_saw(case)
    going = ", ".join(f"{_words(intent)} is {intent.state}" for intent in others)
    stuck = any(intent.stuck for intent in others)
    return Hold(Guardrail.STUCK_STEP if stuck else Guardrail.ONE_AT_A_TIME, going)


def _a_drain_that_nobody_saw(case: Case) -> Hold | None:
    """Hold a drain while another stamp is drained and was never seen to be, though nothing is tried any more.

    It may still have users, or be about to lose them: what it is worth to the others is not known.
    """
    if case.step.verb is not Verb.DRAIN:
        return None
    drained = (name for name, known in case.record.stamps.items() if known.drain and name != case.step.stamp)
    unseen = [name for name in drained if _was_given_up(name, case)]
    if not unseen:
        return None
    return Hold(Guardrail.STUCK_STEP, f"the drain of {', '.join(sorted(unseen))} was never seen to help")


def _was_given_up(stamp: str, case: Case) -> bool:
    """Whether the last that is known of its drain is that it was given up."""
    drains = [i for i in case.record.intents.values() if i.verb is Verb.DRAIN and i.stamp == stamp]
    last = max(drains, key=lambda intent: (intent.planned_at, intent.id), default=None)
    return last is not None and last.state in (IntentState.SUPERSEDED, IntentState.REFUSED)


def cooled_down(case: Case) -> Hold | None:
    """Hold a drain too soon after the last one: what follows so fast was not a stamp's own fault.

    A relapse is the exception: the same stamp, just brought back, fails again.
    """
    back_at = case.target.rejoined_at
    if back_at is not None and case.now - back_at <= case.policy.probation:
        return None
    made = others_drains(case)
    if not made:
        return None
    passed = case.now - made[-1]
    if passed >= case.policy.cooldown:
        return None
    waited = f"{words(passed)} of {words(case.policy.cooldown)}"
    return Hold(Guardrail.COOLDOWN, f"the last drain was {waited} ago")


def within_budget(case: Case) -> Hold | None:
    """Hold when this workload has been drained often enough, by whichever rule, worker or person."""
    return _over_budget(others_drains(case), "drains", case)


def others_drains(case: Case) -> list[datetime]:
    """When drains were begun in the last 24 hours, oldest first; not this step's own begun attempt."""
    own = case.own_intent
    begun = own is not None and own.attempts > 0
    made = sorted(made.at for made in case.record.drains if made.at > case.now - DAY)
    return made[:-1] if begun else made


def target_cooled_down(case: Case) -> Hold | None:
    """Hold a restart or webhook too soon after the same one: had that helped, nobody would ask again."""
    step, made = case.step, on_this_target(case)
    if not made:
        return None
    passed = case.now - max(made)
    if passed >= case.policy.cooldown:
        return None
    waited = f"{words(passed)} of {words(case.policy.cooldown)}"
    return Hold(Guardrail.COOLDOWN, f"the last {step.verb} of {step.target} was {waited} ago")


def on_this_target(case: Case) -> list[datetime]:
    """When the same step was taken on the same target."""
    same = (case.step.stamp, case.step.target)
    return [_at(each) for each in _others_like_it(case) if (each.stamp, each.target) == same]


def verb_within_budget(case: Case) -> Hold | None:
    """Hold when restarts, or webhooks, have been tried often enough: each verb has the budget of drains."""
    return _over_budget(of_this_verb(case), f"{case.step.verb}s", case)


def of_this_verb(case: Case) -> list[datetime]:
    """When such steps were taken in the last 24 hours, whatever they were taken on, oldest first."""
    made = sorted(_at(intent) for intent in _others_like_it(case))
    return [at for at in made if at > case.now - DAY]


def _over_budget(made: list[datetime], what: str, case: Case) -> Hold | None:
    hour = sum(1 for at in made if at > case.now - HOUR)
    policy = case.policy
    if hour < policy.drains_per_hour and len(made) < policy.drains_per_day:
        return None
    return Hold(Guardrail.BUDGET, spent(made, what, case))


def spent(made: list[datetime], what: str, case: Case) -> str:
    """How much of the budget is spent, in words."""
    hour = sum(1 for at in made if at > case.now - HOUR)
    return (
        f"{hour} of {case.policy.drains_per_hour} {what} in the last hour, "
        f"{len(made)} of {case.policy.drains_per_day} in the last 24 hours"
    )


def _others_like_it(case: Case) -> list[Intent]:
    """The intents of the same verb that have been begun, but for the step's own."""
    return [
        intent
        for intent in case.record.intents.values()
        if intent.verb is case.step.verb and intent.attempts > 0 and intent.id != case.step.intent
    ]


def touches_one_stamp(case: Case) -> Hold | None:
    """Hold a restart while another stamp is being moved, or has not come back from its own restart.

    Act on one, see that it is well, go on: what fails everywhere is found at the first.
    """
    moving = [intent for intent in case.record.in_flight() if intent.verb in (Verb.DRAIN, Verb.REJOIN)]
    if moving:
        names = ", ".join(_words(intent) for intent in moving)
        return Hold(Guardrail.BLAST_RADIUS, f"{names} is in flight: traffic is on its way elsewhere")
    recent = case.now - case.policy.cooldown
    touched = {intent.stamp for intent in _others_like_it(case) if intent.stamp and _at(intent) > recent}
    sick = [name for name in sorted(touched - {case.step.stamp}) if not serves(case.seen(name))]
    if not sick:
        return None
    return Hold(Guardrail.BLAST_RADIUS, f"{', '.join(sick)} does not serve since the {case.step.verb} there")


def _at(intent: Intent) -> datetime:
    return intent.applied_at or intent.planned_at


def _words(intent: Intent) -> str:
    return f"{intent.verb} of {intent.stamp or intent.target}"
