"""Why not act? One function for each reason, each with its numbers.

A guardrail answers with a `Hold` or with None. All of a step's are asked every
time, twice for every step: once by the record when it is planned, once by a
live look when it is about to be taken. None of them can be configured away.
"""

from collections.abc import Callable, Mapping

from remediation.decide.case import Case, Hold
from remediation.decide.guardrails.fault import (
    not_flapping,
    only_a_stamp_fault,
    proven_healthy,
    rests_on_fresh_signals,
    settled,
    still_wanted,
    telemetry_sees,
)
from remediation.decide.guardrails.pace import (
    cooled_down,
    one_at_a_time,
    target_cooled_down,
    touches_one_stamp,
    verb_within_budget,
    within_budget,
)
from remediation.decide.guardrails.permission import (
    hold_switch_is_off,
    mode_allows,
    not_drained_by_a_person,
    not_in_maintenance,
    not_on_probation,
    not_undone_by_others,
)
from remediation.decide.guardrails.survivors import (
    enough_capacity,
    keeps_enough_serving,
    looked_at,
    others_have_headroom,
    serving,
)
from remediation.decide.guardrails.target import (
    lever_works,
    names_a_stamp,
    names_what_it_acts_upon,
    still_in_rotation,
)
from remediation.ledger.intent import Verb

Guard = Callable[[Case], Hold | None]

DRAIN: tuple[Guard, ...] = (
    names_a_stamp,
    still_wanted,
    mode_allows,
    hold_switch_is_off,
    only_a_stamp_fault,
    settled,
    rests_on_fresh_signals,
    not_flapping,
    looked_at,
    still_in_rotation,
    not_undone_by_others,
    not_in_maintenance,
    keeps_enough_serving,
    enough_capacity,
    others_have_headroom,
    one_at_a_time,
    cooled_down,
    within_budget,
    lever_works,
)

FALLBACK: tuple[Guard, ...] = (
    # The stamp is drained, and counted: only that it is not seen to be out. So neither
    # rotation nor cooldown nor budget is asked again; who serves is, for that may have changed.
    names_a_stamp,
    still_wanted,
    mode_allows,
    hold_switch_is_off,
    only_a_stamp_fault,
    looked_at,
    not_in_maintenance,
    keeps_enough_serving,
    enough_capacity,
    others_have_headroom,
    one_at_a_time,
    lever_works,
)

REJOIN: tuple[Guard, ...] = (
    names_a_stamp,
    mode_allows,
    hold_switch_is_off,
    telemetry_sees,
    not_flapping,
    looked_at,
    not_drained_by_a_person,
    not_on_probation,
    not_in_maintenance,
    proven_healthy,
    one_at_a_time,
    lever_works,
)

RESTART: tuple[Guard, ...] = (
    names_a_stamp,
    names_what_it_acts_upon,
    still_wanted,
    mode_allows,
    hold_switch_is_off,
    settled,
    rests_on_fresh_signals,
    not_in_maintenance,
    one_at_a_time,
    touches_one_stamp,
    target_cooled_down,
    verb_within_budget,
)

WEBHOOK: tuple[Guard, ...] = RESTART[1:]  # it may be about the workload as a whole

BY_HAND: Mapping[Verb, tuple[Guard, ...]] = {
    # A person needs no rule, no finding and no proof. What keeps users served is asked all the same.
    Verb.DRAIN: (
        names_a_stamp,
        hold_switch_is_off,
        not_flapping,
        looked_at,
        still_in_rotation,
        not_in_maintenance,
        keeps_enough_serving,
        enough_capacity,
        others_have_headroom,
        one_at_a_time,
        cooled_down,
        within_budget,
        lever_works,
    ),
    Verb.REJOIN: (
        names_a_stamp,
        hold_switch_is_off,
        looked_at,
        not_in_maintenance,
        one_at_a_time,
        lever_works,
    ),
}

BY_RULE: Mapping[Verb, tuple[Guard, ...]] = {
    Verb.DRAIN: DRAIN,
    Verb.REJOIN: REJOIN,
    Verb.RESTART: RESTART,
    Verb.WEBHOOK: WEBHOOK,
}


def asked_of(case: Case) -> tuple[Guard, ...]:
    """The guardrails that a step must pass."""
    by_hand = BY_HAND.get(case.step.verb) if case.step.author else None
    if not case.step.second:
        return by_hand or BY_RULE[case.step.verb]
    return tuple(guard for guard in FALLBACK if by_hand is None or guard in by_hand)


def holds(case: Case) -> list[Hold]:
    """Every reason not to take the step; none means that it may be taken."""
    return [hold for guardrail in asked_of(case) if (hold := guardrail(case)) is not None]


__all__ = [
    "BY_HAND",
    "DRAIN",
    "FALLBACK",
    "REJOIN",
    "RESTART",
    "WEBHOOK",
    "Guard",
    "asked_of",
    "cooled_down",
    "enough_capacity",
    "hold_switch_is_off",
    "holds",
    "keeps_enough_serving",
    "lever_works",
    "looked_at",
    "mode_allows",
    "names_a_stamp",
    "names_what_it_acts_upon",
    "not_drained_by_a_person",
    "not_flapping",
    "not_in_maintenance",
    "not_on_probation",
    "not_undone_by_others",
    "one_at_a_time",
    "only_a_stamp_fault",
    "others_have_headroom",
    "proven_healthy",
    "rests_on_fresh_signals",
    "serving",
    "settled",
    "still_in_rotation",
    "still_wanted",
    "target_cooled_down",
    "telemetry_sees",
    "touches_one_stamp",
    "verb_within_budget",
    "within_budget",
]
