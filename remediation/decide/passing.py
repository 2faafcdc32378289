"""By what numbers did a guardrail let a step pass?

A guardrail that holds says why; one that lets a step pass answers nothing, and people
ask later how near it was. So its numbers go into the journal with its name. Where a
question has no number, its name is the whole answer.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from remediation.decide import levers
from remediation.decide.case import Case, Hold
from remediation.decide.draft import Draft
from remediation.decide.guardrails import (
    Guard,
    cooled_down,
    enough_capacity,
    keeps_enough_serving,
    lever_works,
    looked_at,
    mode_allows,
    not_flapping,
    one_at_a_time,
    only_a_stamp_fault,
    proven_healthy,
    rests_on_fresh_signals,
    settled,
    still_in_rotation,
    still_wanted,
    target_cooled_down,
    verb_within_budget,
    within_budget,
)
from remediation.decide.guardrails.fault import age_of, failing_now, stood_for, turns_of
from remediation.decide.guardrails.pace import of_this_verb, on_this_target, others_drains, spent
from remediation.decide.guardrails.survivors import carried, survivors_of, wanted_serving
from rules.conditions import words
from rules.policy import Mode

Answers = list[tuple[Guard, Hold | None]]
"""What each guardrail says to a step."""

NOT_SEEN = "not asked: nobody has looked yet at every stamp"
NO_FINDING = "not asked: nothing is found any more"


def holds_among(answers: Answers) -> list[Hold]:
    """The reasons not to take the step."""
    return [hold for _, hold in answers if hold is not None]


def note_passed(draft: Draft, case: Case, answers: Answers) -> None:
    """Say in the journal which guardrails let a step pass: a line each, its name, and by what numbers."""
    step = case.step
    said = "\n".join(_line(guard, case) for guard, hold in answers if hold is None)
    draft.passed.append((step.verb, step.stamp, step.rule.name, said))


def _line(guard: Guard, case: Case) -> str:
    numbers = NUMBERS.get(guard)
    return f"{guard.__name__}: {numbers(case)}" if numbers else guard.__name__


def _wanted(case: Case) -> str:
    return f"since {case.finding.since:%Y-%m-%d %H:%M:%S}" if case.finding else NO_FINDING


def _mode(case: Case) -> str:
    mode = case.step.rule.mode.capped_by(case.situation.workload.mode)
    return f"mode is {mode}, and a person has approved" if mode is Mode.APPROVE else f"mode is {mode}"


def _scope(case: Case) -> str:
    in_rotation, failing = failing_now(case)
    return f"{case.scope.reason}; of {len(in_rotation)} stamps in rotation, {len(failing)} fails now"


def _settled(case: Case) -> str:
    if case.finding is None:
        return NO_FINDING
    return f"{words(stood_for(case.finding, case))} of {words(case.policy.settle)}"


def _fresh(case: Case) -> str:
    return NO_FINDING if case.finding is None else age_of(case.finding, case)


def _flapping(case: Case) -> str:
    policy = case.policy
    return f"red {turns_of(case)} times within {words(policy.flaps_within)}, and {policy.flaps} are too many"


def _in_rotation(case: Case) -> str:
    seen = case.seen(case.step.stamp)
    return seen.words if seen else NOT_SEEN


def _serving(case: Case) -> str:
    if looked_at(case):
        return NOT_SEEN
    return f"{', '.join(survivors_of(case))} would serve, and {wanted_serving(case)} must"


def _capacity(case: Case) -> str:
    if looked_at(case):
        return NOT_SEEN
    return "not asked: the workload gives no load" if case.policy.load is None else carried(case)[1]


def _cooled_down(case: Case) -> str:
    back_at = case.target.rejoined_at
    if back_at is not None and case.now - back_at <= case.policy.probation:
        return f"a relapse need not wait: it was brought back {words(case.now - back_at)} ago"
    return _since_the_last(others_drains(case), "no drain in the last 24 hours", case)


def _target_cooled_down(case: Case) -> str:
    return _since_the_last(on_this_target(case), f"no {case.step.verb} of it before", case)


def _since_the_last(made: list[datetime], none: str, case: Case) -> str:
    if not made:
        return none
    return f"the last one was {words(case.now - max(made))} ago, of {words(case.policy.cooldown)}"


def _proven(case: Case) -> str:
    drain = case.target.drain
    since = (drain and drain.recovering_since) or case.now
    return f"for {words(case.now - since)} of {words(case.policy.rejoin_after)}"


NUMBERS: Mapping[Guard, Callable[[Case], str]] = {
    still_wanted: _wanted,
    mode_allows: _mode,
    only_a_stamp_fault: _scope,
    settled: _settled,
    rests_on_fresh_signals: _fresh,
    not_flapping: _flapping,
    looked_at: lambda case: f"all {len(case.situation.workload.stamp_names)} stamps",
    still_in_rotation: _in_rotation,
    keeps_enough_serving: _serving,
    enough_capacity: _capacity,
    one_at_a_time: lambda case: "no other step is in flight",  # noqa: ARG005 - like the others
    cooled_down: _cooled_down,
    within_budget: lambda case: spent(others_drains(case), "drains", case),
    target_cooled_down: _target_cooled_down,
    verb_within_budget: lambda case: spent(of_this_verb(case), f"{case.step.verb}s", case),
    proven_healthy: _proven,
    lever_works: lambda case: " or ".join(
        levers.NAMES[kind] for kind in levers.wanted(case) if not levers.obstacle(kind, case)
    ),
}
