"""Was the worker allowed to? P17 (observe, hold switch) and P18 (approvals)."""

from collections.abc import Iterator
from datetime import timedelta

from rehearsal.check.case import LATENCY_MOST_SECONDS, SKEW_MOST_SECONDS, Case, Violation
from rehearsal.history import Kind
from rehearsal.scenario.workload import START
from rehearsal.worker import TICK_SECONDS
from remediation.decide.approvals import WORKER
from remediation.ledger.record import WorkloadRecord
from rules.policy import Mode

ANSWERED_WITHIN_SECONDS = 10.0
"""So long people wait for the answer to an order."""


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
            if since + TICK_SECONDS + LATENCY_MOST_SECONDS < deed.at < until and not case.was_delayed(deed):
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
    """P18: each step in `approve` has the word of somebody else."""
    if case.mode is not Mode.APPROVE:
        return
    for deed in case.deeds:
        intent = deed.intent or deed.before
        if intent is None or intent.second:
            continue
        if not intent.approved_by:
            yield Violation("P18", deed.at, f"{deed}, which nobody approved")
        elif intent.approved_by.casefold() in (intent.author.casefold(), WORKER):
            yield Violation("P18", deed.at, f"{deed}, approved by whoever asked for it")


def approved_once(case: Case) -> Iterator[Violation]:
    """P18: each word is used once: no more steps rest on somebody's word than words were given before."""
    given, taken = list(_approvals(case)), set()
    for happening, record in case.records:
        for intent in record.intents.values():
            if not intent.approved_by or intent.second:
                continue
            # What a person ordered goes on with the next lever by the same word.
            key = (intent.stamp, intent.verb, intent.author) if intent.author else intent.id
            if key in taken:
                continue
            taken.add(key)
            before = sum(1 for each in given if each <= happening.at)
            if len(taken) > before:
                words = f"{intent.id} is step {len(taken)} by {before} approvals ({len(given)} ever)"
                yield Violation("P18", happening.at, words)


def approved_for_that(case: Case) -> Iterator[Violation]:
    """P18: the word that a step rests on was given for that step and stamp, and stood when it was used."""
    before = WorkloadRecord(case.workload.name)
    slack = timedelta(0) if case.clocks_are_right else timedelta(seconds=SKEW_MOST_SECONDS)
    for happening, record in case.records:
        now = START + timedelta(seconds=happening.at)
        for intent in record.intents.values():
            if intent.id in before.intents or not intent.approved_by or intent.second or intent.author:
                continue
            wanted = (intent.verb, intent.stamp, intent.rule, intent.approved_by)
            given = [
                one
                for one in before.approvals
                if (one.verb, one.stamp, one.rule, one.approved_by) == wanted and now < one.expires_at + slack
            ]
            if not given:
                yield Violation("P18", happening.at, f"{intent.id} rests on a word that was not for it")
        before = record


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


def _approvals(case: Case) -> Iterator[float]:
    """When each approval was given at the earliest. One that nobody answered may have been kept as well."""
    for each in case.history.of(Kind.PERSON):
        said = each.words.startswith("order approve")
        if said and (": 200" in each.words or ": 503" in each.words or each.words.endswith("nobody answers")):
            yield each.at - ANSWERED_WITHIN_SECONDS


PERMISSION = (observes, heeds_the_hold, is_approved, approved_once, approved_for_that, approvals_expire)
