"""Which lever can take the stamp out, or bring it back, as far as can be known now?

Two of them exist. The state file works in seconds and is preferred; the Front
Door origin takes minutes, and stands in where the first cannot be reached, has
said no, or did not help.
"""

from remediation.decide.case import Case, unreachable
from remediation.ledger.intent import LeverKind, Verb
from remediation.ledger.stamp import LeverState

NAMES = {LeverKind.STATE_FILE: "state file", LeverKind.FRONT_DOOR: "Front Door origin"}


def usable(case: Case) -> LeverKind | None:
    """The lever to move for this step; None where none of those that could be moved works now."""
    return next((kind for kind in wanted(case) if not obstacle(kind, case)), None)


def wanted(case: Case) -> tuple[LeverKind, ...]:
    """The levers that the step may be taken by, the preferred one first.

    A rejoin undoes what was done, the last thing first: no other lever will do.
    """
    if case.step.lever is not None:
        return (case.step.lever,)
    drain = case.target.drain
    moved = [each.lever for each in drain.levers] if drain else []
    if case.step.verb is Verb.DRAIN:
        return tuple(kind for kind in LeverKind if not (case.step.second and kind in moved))
    return (moved[-1] if moved else LeverKind.STATE_FILE,)


def obstacle(kind: LeverKind, case: Case) -> str:
    """Why that lever cannot be moved now; empty where it can."""
    unfit = _state_file(case) if kind is LeverKind.STATE_FILE else _front_door(case)
    return unfit or _refusal(kind, case)


def _state_file(case: Case) -> str:
    seen = case.seen(case.step.stamp)
    return seen.words if seen is not None and seen.lever is LeverState.UNREACHABLE else ""


def _front_door(case: Case) -> str:
    """Changes of it are queued by Azure, so a second one waits until the first is rolled out."""
    stamps = case.situation.workload.stamps
    if not any(stamp.name == case.step.stamp and stamp.front_door_origin for stamp in stamps):
        return "it has no Front Door origin"
    seen = case.seen(case.step.stamp)
    if seen is None or unreachable(seen.origin):
        return "its Front Door origin cannot be reached"
    if not seen.settled:
        return "a change of its Front Door origin is still being rolled out"
    if case.step.verb is Verb.DRAIN and seen.origin is LeverState.OUT:
        return "its Front Door origin is disabled already"
    return ""


def _refusal(kind: LeverKind, case: Case) -> str:
    """It may have been mended after a while; until then it would only say no again."""
    refused = case.target.refusals.get(kind)
    if refused is None or case.now - refused.at >= case.policy.cooldown:
        return ""
    return f"{NAMES[kind]} refused at {refused.at:%H:%M:%S}: {refused.reason}"
