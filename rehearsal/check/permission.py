"""Was the worker allowed to? P17 (observe, hold switch) and P18 (approvals)."""

from collections import Counter
from collections.abc import Iterator

from rehearsal.check.case import LATENCY_MOST_SECONDS, Case, Violation
from rehearsal.history import Kind
from rehearsal.worker import TICK_SECONDS
from remediation.decide.approvals import WORKER
from rules.policy import Mode


def observes(case: Case) -> Iterator[Violation]:
    """P17: in `observe` nothing is done, and no file is rewritten either."""
    if case.mode is not Mode.OBSERVE:
        return
    for each, effect in case.history.effects():
        if effect.by_worker:
            yield Violation("P17", each.at, f"{effect.verb} of {effect.stamp} in observe")


def heeds_the_hold(case: Case) -> Iterator[Violation]:
    """P17: one period of the timer after the switch was set nothing new is done until it is released."""
    for since, until in holds(case):
        for deed in case.deeds:
            if since + TICK_SECONDS + LATENCY_MOST_SECONDS < deed.at < until and not deed.delayed:
                yield Violation("P17", deed.at, f"{deed} although held since {since:.0f} s")


def holds(case: Case) -> list[tuple[float, float]]:
    """From when to when somebody held the worker."""
    spans: list[tuple[float, float]] = []
    begun: dict[str, float] = {}
    for each in case.history.of(Kind.PERSON):
        if each.words.startswith("the emergency hold is laid"):
            begun.setdefault("marker", each.at)
        elif each.words.startswith("the emergency hold is taken"):
            _ended(spans, begun, "marker", each.at)
        elif each.words.startswith("order hold") and ": 200" in each.words:
            begun.setdefault("switch", each.at)
        elif each.words.startswith("order release"):
            _ended(spans, begun, "switch", each.at)
    return spans + [(since, case.end) for since in begun.values()]


def _ended(spans: list[tuple[float, float]], begun: dict[str, float], what: str, at: float) -> None:
    if what in begun:
        spans.append((begun.pop(what), at))


def is_approved(case: Case) -> Iterator[Violation]:
    """P18: each step in `approve` has the word of somebody else, and each word is used once."""
    if case.mode is not Mode.APPROVE:
        return
    given = [each for each in case.history.of(Kind.PERSON) if _is_approval(each.words)]
    taken: dict[str, tuple[float, str]] = {}
    for deed in case.deeds:
        intent = deed.intent or deed.before
        if intent is None or intent.second:
            continue
        taken.setdefault(intent.id, (deed.at, str(deed)))
        if not intent.approved_by:
            yield Violation("P18", deed.at, f"{deed}, which nobody approved")
        elif intent.approved_by.casefold() in (intent.author.casefold(), WORKER):
            yield Violation("P18", deed.at, f"{deed}, approved by whoever asked for it")
    words = Counter(each.who for each in given)
    for place, (at, said) in enumerate(taken.values(), start=1):
        before = sum(1 for each in given if each.at < at)
        if place > before:
            yield Violation(
                "P18", at, f"{said}: step {place} by {before} approvals ({sum(words.values())} ever)"
            )


def approvals_expire(case: Case) -> Iterator[Violation]:
    """P18: what is used was asked for at most `approve_within` before."""
    asked: dict[str, float] = {}
    within = case.policy.approve_within.total_seconds()
    for happening, record in case.records:
        for one in record.approvals:
            asked.setdefault(f"{one.id} {one.requested_at.isoformat()}", happening.at)
            late = happening.at - asked[f"{one.id} {one.requested_at.isoformat()}"] - within
            if late > TICK_SECONDS * 2 + case.disturbed_seconds and case.clocks_are_right:
                yield Violation("P18", happening.at, f"approval {one.id} stands {late:.0f} s after its time")


def _is_approval(words: str) -> bool:
    return words.startswith("order approve") and ": 200" in words


PERMISSION = (observes, heeds_the_hold, is_approved, approvals_expire)
