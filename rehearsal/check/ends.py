"""Does it come to rest, is nothing forgotten, and does nothing grow? P10, P11, P14, P19, P20."""

import re
from collections import Counter
from collections.abc import Iterator

from rehearsal.check.acts import root_of
from rehearsal.check.case import SKEW_MOST_SECONDS, Case, Violation
from rehearsal.faults.kinds import CallFault
from rehearsal.history import Kind
from rehearsal.worker import TICK_SECONDS
from remediation.ledger.intent import IntentState, LeverKind
from remediation.ledger.record import Cause
from remediation.ledger.stamp import Drain
from rules.signals import Health

RECORD_BYTES_MOST = 512 * 1024
OUTBOX_MOST = 40
JOURNAL_WAITING_MOST = 14
ATTEMPTS_MOST = 5
ROUNDS_MOST = 5
WRITES_AT_REST_MOST = 4
"""Of one worker in a minute: two ticks that keep how old its looks are, and a snapshot of the model."""

REST_SECONDS = 60.0
SLACK_SECONDS = 25.0
"""What a tick takes at the most, and some."""

UNHELD_SECONDS = 120.0

PROVEN_WITHIN_SECONDS = 270.0
"""So long until all who had accused a stamp have said that it is well: a snapshot and two ticks, twice."""

ERROR = re.compile(r"\b([A-Z]\w*(?:Error|Exception))\(")
NOT_ITS_OWN = frozenset({"LedgerUnavailableError", "InboxUnavailableError", "HotRecordError", "TimeoutError"})


def leases_end(case: Case) -> Iterator[Violation]:
    """P10, P11: whoever held a lease, and whatever his clock says, another finishes or holds in time."""
    bound = case.policy.lease.total_seconds() + 2 * TICK_SECONDS + SLACK_SECONDS
    bound += case.disturbed_seconds + _outages(case)
    begun: dict[str, tuple[float, str]] = {}
    for happening, record in case.records:
        now = {
            intent.lease.token: intent.id
            for intent in record.intents.values()
            if intent.state is IntentState.ACTING and intent.lease is not None
        }
        for token in [token for token in begun if token not in now]:
            del begun[token]
        for token, name in now.items():
            since, _ = begun.setdefault(token, (happening.at, name))
            if happening.at - since > bound:
                yield _stuck(case, token, name, since, happening.at)
                return
    for token, (since, name) in begun.items():
        if case.end - since > bound:
            yield _stuck(case, token, name, since, case.end)


def _stuck(case: Case, token: str, name: str, since: float, at: float) -> Violation:
    promise = "P10" if case.clocks_are_right else "P11"
    return Violation(promise, at, f"the lease {token} of {name} stands since {since:.0f} s")


def _outages(case: Case) -> float:
    steps = case.truths.outages
    return sum(until - since for what in steps for since, until in case.truths.outage_seconds(what, case.end))


def no_lease_is_lost_in_vain(case: Case) -> Iterator[Violation]:
    """P10: a write that the transport sent twice is known as our own: it costs no lease and no minute."""
    benign = {CallFault.RESENT}
    schedule = case.trial.schedule
    if schedule.troubles or not schedule.faults or any(each.kind not in benign for each in schedule.faults):
        return
    if _outages(case) or schedule.workers or case.trial.scenario.workers > 1:
        return
    for happening, entry in case.history.journal():
        taken = [event for event in entry.events if "taken over from" in event]
        if taken:
            yield Violation("P10", happening.at, f"{taken[0]}, who was alive and well")


def intents_go_on(case: Case) -> Iterator[Violation]:
    """P10: an intent that nothing holds is taken up; none lies planned for minutes after all is healed."""
    since: dict[str, float] = {}
    for happening, record in case.records:
        planned = {each.id for each in record.in_flight() if each.state is IntentState.PLANNED}
        since = {key: at for key, at in since.items() if key in planned}
        for key in planned:
            since.setdefault(key, happening.at)
    bound = UNHELD_SECONDS + case.disturbed_seconds + _outages(case)
    for key, at in since.items():
        if case.end - at > bound:
            yield Violation("P10", at, f"{key} lies planned and nobody takes it up")


def none_is_forgotten(case: Case) -> Iterator[Violation]:
    """P14: a stamp that is out at the end is known to be out, and people know of it."""
    told = {message.incident for _, message in case.history.told()}
    for name in case.workload.stamp_names:
        long_ago = case.end - UNHELD_SECONDS - case.disturbed_seconds
        if not case.truths.out[name].always(max(0.0, long_ago), case.end):
            continue
        known = case.last.stamp(name)
        if not known.out and not any(each.stamp == name for each in case.last.in_flight()):
            yield Violation("P14", case.end, f"{name} is out, and the ledger does not know it")
            continue
        about = [one for one in case.last.incidents.values() if one.stamp == name]
        if not any(one.key in told for one in about) and str(case.mode) != "observe":
            yield Violation("P14", case.end, f"{name} is out, and nobody was told")


def ours_stays_ours(case: Case) -> Iterator[Violation]:
    """P14: what a worker drained by the state file is not taken for other hands' work."""
    if case.disturbed_seconds:
        return
    ours = {deed.effect.stamp for deed in case.deeds if deed.effect.lever is LeverKind.STATE_FILE}
    theirs = {effect.stamp for _, effect in case.history.effects() if not effect.by_worker}
    for name in sorted(ours - theirs):
        if case.last.stamp(name).adopted_at is not None:
            yield Violation("P14", case.end, f"{name}, which the worker drained, counts as drained by others")


def the_recovered_come_back(case: Case) -> Iterator[Violation]:
    """P14: a stamp with which all is well comes back, unless a guardrail holds it or people are asked."""
    for name in case.workload.stamp_names:
        drain = case.last.stamp(name).drain
        patience = case.policy.rejoin_after.total_seconds() + PROVEN_WITHIN_SECONDS + case.disturbed_seconds
        patience += _outages(case) + (0.0 if case.clocks_are_right else SKEW_MOST_SECONDS)
        since = case.end - patience
        if drain is None or drain.author or drain.stays_out or since < _moved_last(case, name):
            continue
        if not case.truths.well[name].always(since, case.end) or not _is_vouched_for(case, name, drain):
            continue
        last = case.last
        known = [*(each.stamp for each in last.held), *(each.stamp for each in last.approvals)]
        if name not in (*known, *(each.stamp for each in last.in_flight())):
            yield Violation("P14", case.end, f"{name} has recovered and stays out without a reason")


def _moved_last(case: Case, stamp: str) -> float:
    return max((deed.at for deed in case.deeds if deed.effect.stamp == stamp), default=0.0)


def _is_vouched_for(case: Case, stamp: str, drain: Drain) -> bool:
    """Whether all who accused it have taken their word back, and its root is green."""
    said = [case.last.registers.get(key) for key in drain.evidence]
    accused = any(each.stamp == stamp for each in case.last.findings.values())
    healthy = all(each is None or each.health in (None, Health.GREEN) for each in said)
    return healthy and not accused and root_of(case, case.last, stamp) is Health.GREEN


def nothing_grows(case: Case) -> Iterator[Violation]:
    """P19: the record, what waits to be told, what waits to be journalled, and the attempts."""
    for happening in case.history.of(Kind.WRITTEN):
        size = int(happening.words.rsplit(" ", 2)[-2])
        if size > RECORD_BYTES_MOST:
            yield Violation("P19", happening.at, f"the record has {size} bytes")
    for happening, record in case.records:
        if len(record.outbox) > OUTBOX_MOST:
            yield Violation("P19", happening.at, f"{len(record.outbox)} messages wait")
        if len(record.journal) > JOURNAL_WAITING_MOST:
            yield Violation("P19", happening.at, f"{len(record.journal)} decisions wait for the journal")
        worn = [each.id for each in record.intents.values() if each.attempts > ATTEMPTS_MOST]
        if worn:
            yield Violation("P19", happening.at, f"{worn[0]} was tried more than {ATTEMPTS_MOST} times")


def comes_to_rest(case: Case) -> Iterator[Violation]:
    """P20: at the end, with nothing new, no worker decides more than five times at one tick."""
    ticks: Counter[tuple[str, int]] = Counter()
    for each, entry in case.history.journal():
        if each.at > case.end - REST_SECONDS and entry.cause is Cause.TIMER:
            ticks[each.who, int(each.at // TICK_SECONDS)] += 1
    for (who, tick), times in ticks.items():
        if times > ROUNDS_MOST:
            yield Violation("P20", tick * TICK_SECONDS, f"{who} decides {times} times at one tick, at rest")
    moved = any(each.at > case.end - 2 * REST_SECONDS for each, _ in case.history.effects())
    if moved or case.last.in_flight():
        return  # it is about to act, or has yet to see that it helped
    writes = Counter(each.who for each in case.history.of(Kind.WRITTEN) if each.at > case.end - REST_SECONDS)
    for who, times in writes.items():
        if times > WRITES_AT_REST_MOST:
            yield Violation("P20", case.end, f"{who} writes {times} times in the last minute, at rest")


def nothing_is_a_fault(case: Case) -> Iterator[Violation]:
    """P5: the worker never logs a fault of its own, such as a step that must not follow on another.

    That a store, a hub or a channel could not be reached in time is no fault of its own.
    """
    for each in case.history.of(Kind.FAULT):
        own = [name for name in ERROR.findall(each.words) if name not in NOT_ITS_OWN]
        if own or "channel failed" in each.words or "probe failed" in each.words:
            yield Violation("P5", each.at, f"{each.who}: {each.words}")


ENDS = (
    leases_end,
    no_lease_is_lost_in_vain,
    intents_go_on,
    none_is_forgotten,
    ours_stays_ours,
    the_recovered_come_back,
    nothing_grows,
    comes_to_rest,
    nothing_is_a_fault,
)
