"""Does nothing come back but what is ours and well, and is nothing touched that people work on? P12."""

from collections.abc import Iterator
from datetime import timedelta

from rehearsal.check.case import (
    JUST_BEFORE_SECONDS,
    LATENCY_MOST_SECONDS,
    SKEW_MOST_SECONDS,
    Case,
    Violation,
)
from rehearsal.deeds import Deed
from rehearsal.history import FENCE, Effect
from rehearsal.scenario.workload import START
from rehearsal.worker import TICK_SECONDS
from remediation.ledger.intent import Verb
from rules.rule import Proof


def rejoins_only_its_own(case: Case) -> Iterator[Violation]:
    """P12: what comes back was drained by us, by that lever, and its cause was not there all the time."""
    for deed in case.moves(Verb.REJOIN):
        drain = deed.leased.stamp(deed.effect.stamp).drain
        if drain is None or deed.effect.lever not in {each.lever for each in drain.levers}:
            yield Violation("P12", deed.at, f"{deed}, which the ledger does not know as ours")
            continue
        intent = deed.intent or deed.before
        if intent is None or intent.author:
            continue
        if drain.stays_out:
            yield Violation("P12", deed.at, f"{deed}, which relapsed and was to stay out")
        if _drained_last_by_a_person(case, deed):
            yield Violation("P12", deed.at, f"{deed}, which a person drained")
        # What breaks anew is not seen at once: a processor may stand still for so long before it counts.
        unseen = case.policy.rejoin_after + case.policy.cannot_read_after
        since = deed.at - unseen.total_seconds() - TICK_SECONDS
        if case.truths.sick[deed.effect.stamp].always(since, deed.at):
            yield Violation("P12", deed.at, f"{deed} although its cause has not been mended")
        rule = case.rules.by_name.get(drain.rule)
        if rule is not None and rule.proof is Proof.BACKLOG:
            yield from _backlog_is_done(case, deed)


def _drained_last_by_a_person(case: Case, deed: Deed) -> bool:
    """Whether a person's hand, and not a worker's, made it be out by that lever."""
    theirs = case.drained_by_a_person(deed.effect.stamp, deed.effect.lever, deed.at)
    return theirs is not None and not _fell_silent_at_it(case, *theirs) and not _undone_shortly(case, *theirs)


def _undone_shortly(case: Case, at: float, effect: Effect) -> bool:
    """Whether it had been brought back for less than the two looks that it takes to believe that.

    Of a drain that was undone and done anew in that time nobody can tell that it is another's.
    """
    same = effect.stamp, effect.lever, Verb.REJOIN
    back = [
        each.at
        for each, one in case.history.effects()
        if each.at < at and (one.stamp, one.lever, one.verb) == same
    ]
    return bool(back) and at - back[-1] < 2 * TICK_SECONDS


def _fell_silent_at_it(case: Case, at: float, effect: Effect) -> bool:
    """Whether a worker was about to do just that, and nobody heard what came of it.

    A deleted blob names no author: where the delete of a worker was never answered, and the file is gone,
    it must be taken for the worker's. So it must where a worker had looked before the person came, leased
    after that, and was taken over: whether it still sent its delete cannot be known.
    """
    same = effect.verb, effect.stamp, effect.lever
    then = case.record_at(at)
    about_to = {one.id for one in then.in_flight() if (one.verb, one.stamp, one.lever) == same}
    owners = {
        one.lease.token: one.lease.owner
        for record in (then, *(record for happening, record in case.records if happening.at > at))
        for one in record.intents.values()
        if one.id in about_to and one.lease is not None
    }
    taken_over = len(owners) > 1  # at most one drain is in flight
    call = f"lever.take_out:{effect.stamp}"
    unanswered = any(name == call and who in owners.values() for _, _, name, who in case.faults)
    return taken_over or unanswered


def _backlog_is_done(case: Case, deed: Deed) -> Iterator[Violation]:
    rows = case.truths.hubs[deed.effect.stamp]
    drains = [row for row in rows if row[0] < deed.at]
    now = next((row for row in rows if row[0] == deed.at), None)
    if not drains or now is None or not _drained_by_file(case, deed, drains[-1][0]):
        return
    sent = [int(each.split()[0]) for each in drains[-1][1]]
    read = [int(each.split()[1]) for each in now[1]]
    left = sum(1 for had, got in zip(sent, read, strict=True) if got < had)
    if left:
        yield Violation("P12", deed.at, f"{deed} with {left} partitions that have not worked off the backlog")


def _drained_by_file(case: Case, deed: Deed, at: float) -> bool:
    """Whether that row of the hub is the drain that this rejoin ends."""
    return any(
        other.at == at and other.effect.verb == Verb.DRAIN and other.effect.stamp == deed.effect.stamp
        for other in case.deeds
    )


def keeps_out_of_maintenance(case: Case) -> Iterator[Violation]:
    """P12: a state file that says MAINTENANCE is not touched, nor its stamp by another lever."""
    for each, effect in case.history.effects():
        if not effect.by_worker or effect.stamp not in case.truths.maintenance:
            continue
        since = each.at - case.policy.look_fresh_for.total_seconds() - LATENCY_MOST_SECONDS
        until = each.at - JUST_BEFORE_SECONDS  # the deed itself ends it
        if effect.verb != FENCE and case.truths.maintenance[effect.stamp].always(since, until):
            yield Violation("P12", each.at, f"{effect.verb} of {effect.stamp}, which is in maintenance")


def keeps_out_of_windows(case: Case) -> Iterator[Violation]:
    """P12: in a window of planned work nothing is moved, whoever's clock says that it is over."""
    slack = timedelta(seconds=LATENCY_MOST_SECONDS + (0.0 if case.clocks_are_right else SKEW_MOST_SECONDS))
    for each, effect in case.history.effects():
        at = START + timedelta(seconds=each.at)
        for window in case.workload.maintenance:
            on = window.since + slack < at < window.until - slack
            if effect.by_worker and effect.verb != FENCE and on and window.stamp in (None, effect.stamp):
                yield Violation("P12", each.at, f"{effect.verb} of {effect.stamp} in a window of maintenance")


RETURNS = (rejoins_only_its_own, keeps_out_of_maintenance, keeps_out_of_windows)
