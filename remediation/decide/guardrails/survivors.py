"""Who serves after the drain, and can they carry what comes?"""

from remediation.decide.case import Case, Guardrail, Hold, serves
from rules.signals import Health


def looked_at(case: Case) -> Hold | None:
    """Hold until every stamp has been looked at: a worker that has just begun knows nothing."""
    blind = [name for name in case.situation.workload.stamp_names if case.seen(name) is None]
    return Hold(Guardrail.LOOKED_AT, f"nobody has looked yet at {', '.join(blind)}") if blind else None


def keeps_enough_serving(case: Case) -> Hold | None:
    """Hold a drain that would leave fewer than `min_serving` stamps that serve.

    A stamp of unknown health does not count: when we cannot see, we keep
    traffic where it is. Neither does one that is out, whoever took it out, nor
    one that some rule wants out, nor one that people are working on.
    """
    if looked_at(case):
        return None  # that one holds already, and says more
    survivors = survivors_of(case)
    wanted = wanted_serving(case)
    if len(survivors) >= wanted:
        return None
    # Name the survivors: the engineer on call judges an override by them.
    names = ", ".join(survivors) or "no other stamp"
    return Hold(Guardrail.KEEPS_ENOUGH_SERVING, f"only {names} would serve, and {wanted} must")


def wanted_serving(case: Case) -> int:
    """How many others must serve. Not `min_serving` alone: no configuration takes the last stamp out."""
    return max(1, case.policy.min_serving)


def enough_capacity(case: Case) -> Hold | None:
    """Hold a drain after which the others could not carry the load, even if some of them failed besides.

    Asked only where the workload says how much load there is. Of those that
    may fail the largest are taken; one of which no capacity is known carries nothing.
    """
    load = case.policy.load
    if load is None or looked_at(case):
        return None
    left, words = carried(case)
    return None if left >= load else Hold(Guardrail.ENOUGH_CAPACITY, words)


def carried(case: Case) -> tuple[int, str]:
    """How much the others would carry, the largest `spare` of them left out; and in words."""
    survivors, spare = survivors_of(case), case.policy.spare
    known = {stamp.name: stamp.capacity for stamp in case.situation.workload.stamps}
    left = sum(sorted((known.get(name) or 0 for name in survivors), reverse=True)[spare:])
    names = ", ".join(survivors) or "no other stamp"
    without = f" without the {spare} largest" if spare else ""
    unsaid = [name for name in survivors if not known.get(name)]
    also = f"; no capacity is given for {', '.join(unsaid)}" if unsaid else ""
    return left, f"{names} would carry {left}{without}, and the load is {case.policy.load}{also}"


def others_have_headroom(case: Case) -> Hold | None:
    """Hold a drain while a stamp that would get its load can take no more.

    Whether or not that one serves just now: it would be sent load as soon as it does.
    """
    full = case.situation.full
    if None in full:
        return Hold(Guardrail.HEADROOM, f"no stamp can take more load: {full[None]}")
    out = case.record.out() | {case.step.stamp}
    names = [name for name in case.situation.workload.stamp_names if name in full and name not in out]
    said = "; ".join(f"{name} can take no more load: {full[name]}" for name in names)
    return Hold(Guardrail.HEADROOM, said) if said else None


def serving(case: Case) -> set[str]:
    """The stamps that serve: by the record, and by the live look where there is one."""
    situation = case.situation
    out, asked = case.record.out(), situation.asked_to_drain
    by_record = {
        name
        for name in situation.workload.stamp_names
        if name not in out
        and name not in asked
        and situation.root(name) is Health.GREEN
        and serves(case.seen(name))
        and case.window(name) is None
    }
    if case.live is None:
        return by_record
    return by_record & case.live.serving(case.now, case.policy.look_fresh_for)


def survivors_of(case: Case) -> list[str]:
    """Those that would go on serving, but for the target."""
    return sorted(serving(case) - {case.step.stamp})
