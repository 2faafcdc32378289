"""Is no more drained than may be, and not too soon after the last? P13."""

from collections.abc import Iterator
from itertools import pairwise

from rehearsal.check.case import JUST_BEFORE_SECONDS, LATENCY_MOST_SECONDS, Case, Violation
from rehearsal.deeds import Deed
from rehearsal.worker import TICK_SECONDS
from remediation.ledger.intent import Verb

HOUR_SECONDS, DAY_SECONDS = 3600, 86_400

SEEN_WITHIN_SECONDS = 2 * TICK_SECONDS
"""What has been so for that long is known to every worker."""


def within_budget(case: Case) -> Iterator[Violation]:
    """P13: drains of the last hour and day, whoever made them and by whichever worker.

    They are counted by the workers' clocks: where those are wrong, nothing is said here.
    """
    if not case.clocks_are_right:
        return
    ours = [deed.at for deed in case.moves(Verb.DRAIN) if deed.intent and not deed.intent.second]
    made = sorted((*ours, *_by_hand(case)))
    for deed in _firsts(case):
        lately = [at for at in made if at < deed.at]
        hour = [at for at in lately if deed.at - at < HOUR_SECONDS]
        day = [at for at in lately if deed.at - at < DAY_SECONDS]
        if len(hour) >= case.policy.drains_per_hour or len(day) >= case.policy.drains_per_day:
            yield Violation("P13", deed.at, f"{deed} after {len(hour)} drains in the last hour")


def cools_down(case: Case) -> Iterator[Violation]:
    """P13: between two drains lies the cooldown, but where a stamp fails again on probation."""
    if not case.clocks_are_right:
        return
    for before, deed in pairwise(_firsts(case)):
        passed = deed.at - before.at
        if passed >= case.policy.cooldown.total_seconds() - LATENCY_MOST_SECONDS:
            continue
        relapse = deed.intent is not None and deed.intent.relapse
        if not relapse and not case.was_delayed(before):
            yield Violation("P13", deed.at, f"{deed} {passed:.0f} s after the one before")


def _firsts(case: Case) -> list[Deed]:
    """The drains of workers, each once: not the same by another lever, nor tried again."""
    drains = (deed for deed in case.moves(Verb.DRAIN) if deed.intent is not None)
    return [deed for deed in drains if deed.intent and not deed.intent.second and deed.intent.attempts == 1]


def _by_hand(case: Case) -> Iterator[float]:
    """When people took a stamp out that was in, for long enough that a worker must have seen it."""
    for each, effect in case.history.effects():
        if effect.by_worker or effect.verb != Verb.DRAIN or effect.stamp not in case.truths.out:
            continue
        out = case.truths.out[effect.stamp]
        was_in = not out.at(each.at - JUST_BEFORE_SECONDS)
        if was_in and out.always(each.at, each.at + SEEN_WITHIN_SECONDS + case.disturbed_seconds):
            yield each.at


PACE = (within_budget, cools_down)
