"""Is the target what it is taken for, is it where the step wants it from, and can it be moved?"""

from datetime import timedelta

from remediation.decide import levers
from remediation.decide.case import Case, Guardrail, Hold
from remediation.ledger.intent import Verb
from remediation.ledger.stamp import LeverState, StampRecord
from rules.policy import Policy

FAILS_OVER_WITHIN = timedelta(seconds=150)
"""So long a database's client may take to go to another region (F07): about two minutes, and a look."""


def names_a_stamp(case: Case) -> Hold | None:
    """Hold a step whose stamp is none of this workload's. An empty target is an error, never all of them."""
    names = case.situation.workload.stamp_names
    if case.step.stamp in names:
        return None
    said = f"{case.step.stamp} is no stamp" if case.step.stamp else "no stamp is named"
    return Hold(Guardrail.EMPTY_TARGET, f"{said}; the stamps are {', '.join(names) or 'none'}")


def names_what_it_acts_upon(case: Case) -> Hold | None:
    """Hold a restart or webhook whose target is not in the workload file, for that stamp."""
    workload, target = case.situation.workload, case.step.target
    if case.step.verb is Verb.RESTART:
        known = [each.name for each in workload.deployments if each.stamp == case.step.stamp]
        what = f"deployment of {case.step.stamp}"
    else:
        known, what = [each.name for each in workload.webhooks], "webhook of the workload"
    if target in known:
        return None
    return Hold(Guardrail.EMPTY_TARGET, f"{target or 'what is not named'} is no {what}")


def still_in_rotation(case: Case) -> Hold | None:
    """Hold where the stamp is out already: by itself, by other hands, or by ours.

    What came back by itself and fails again is taken out, to keep it out.
    """
    if case.target.drain is not None:
        return Hold(Guardrail.STILL_IN_ROTATION, "it is drained already")
    seen = case.seen(case.step.stamp)
    if seen is None:
        return None
    if seen.out:
        by_file = seen.lever is LeverState.OUT
        gone = "its state file is gone" if by_file else "its Front Door origin is disabled"
        return Hold(Guardrail.STILL_IN_ROTATION, f"other hands have drained it: {gone}")
    if seen.answered and not seen.serves and not _is_kept_out(case):
        return Hold(Guardrail.STILL_IN_ROTATION, f"it is out by itself: {seen.words}")
    return None


def _is_kept_out(case: Case) -> bool:
    """Whether it is taken out to keep it out: it failed again, and for longer than a client's failover takes.

    Its users have been moved already, so nothing is lost by waiting; what goes over to another region
    and back again (F07) comes back by itself.
    """
    out_at = case.target.out_by_itself_at
    lasted = out_at is not None and case.now - out_at >= FAILS_OVER_WITHIN
    return lasted and failed_again(case.target, case.policy)


def failed_again(stamp: StampRecord, policy: Policy) -> bool:
    """Whether it went out by itself, came back by itself, and failed again within the probation."""
    back_at, out_at = stamp.back_by_itself_at, stamp.out_by_itself_at
    if back_at is None or out_at is None:
        return False
    return back_at < out_at <= back_at + policy.probation


def lever_works(case: Case) -> Hold | None:
    """Hold a step for which no lever can be reached, or each lately said no."""
    if levers.usable(case) is not None:
        return None
    reasons = [levers.obstacle(kind, case) for kind in levers.wanted(case)]
    return Hold(Guardrail.LEVER_WORKS, "; ".join(reasons) or "every lever was moved already")
