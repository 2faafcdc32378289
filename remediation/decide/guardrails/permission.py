"""Who says that it may be done? A mode, a person, or nobody."""

from remediation.decide.case import Case, Guardrail, Hold
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.stamp import LeverState
from rules.policy import Mode


def mode_allows(case: Case) -> Hold | None:
    """Hold unless both the rule and the workload are in `auto`, or a person has approved of the step."""
    mode = case.step.rule.mode.capped_by(case.situation.workload.mode)
    if mode is Mode.AUTO or (mode is Mode.APPROVE and case.approved):
        return None
    wanted = "a person's approval" if mode is Mode.APPROVE else "mode auto"
    what = f"{case.step.verb} {case.step.stamp}".rstrip()
    return Hold(Guardrail.MODE, f"mode is {mode}: it takes {wanted} to {what}")


def hold_switch_is_off(case: Case) -> Hold | None:
    """Hold everything while a person says so, in the record or by the marker beside it."""
    on = [switch for switch in (case.record.hold, case.marker) if switch is not None and _is_on(switch, case)]
    return Hold(Guardrail.HOLD_SWITCH, "; ".join(_words(switch) for switch in on)) if on else None


def _is_on(switch: HoldSwitch, case: Case) -> bool:
    return switch.until is None or switch.until > case.now


def _words(switch: HoldSwitch) -> str:
    until = f" until {switch.until:%Y-%m-%d %H:%M} UTC" if switch.until else ""
    return f"held by {switch.author}{until}: {switch.reason}"


def not_in_maintenance(case: Case) -> Hold | None:
    """Hold whatever would touch a stamp that people are working on."""
    window = case.window(case.step.stamp)
    if window is not None:
        where = "the whole workload" if window.stamp is None else window.stamp
        reason = f"{where} is in maintenance until {window.until:%Y-%m-%d %H:%M} UTC: {window.reason}"
        return Hold(Guardrail.MAINTENANCE, reason)
    seen = case.seen(case.step.stamp)
    if seen is None or not seen.maintenance:
        return None
    unread = seen.lever is LeverState.UNREACHABLE
    says = "said MAINTENANCE when it could last be read" if unread else "says MAINTENANCE"
    return Hold(Guardrail.MAINTENANCE, f"its state file {says}")


def not_undone_by_others(case: Case) -> Hold | None:
    """Hold a drain that people have undone, as long as the same finding stands: their decision counts."""
    undone_at = case.target.undone_at
    if undone_at is None or case.finding is None or case.finding.since > undone_at:
        return None
    reason = f"other hands brought it back at {undone_at:%H:%M:%S}; only a new finding drains it again"
    return Hold(Guardrail.OTHERS_HANDS, reason)


def not_drained_by_a_person(case: Case) -> Hold | None:
    """Hold the rejoin of a stamp that a person took out by our hand: a person knows why, and we do not."""
    drain = case.target.drain
    if drain is None or not drain.author:
        return None
    return Hold(Guardrail.OTHERS_HANDS, f"{drain.author} drained it; a person brings it back")


def not_on_probation(case: Case) -> Hold | None:
    """Hold the rejoin of a stamp that relapsed after the last one: what was proven then proved nothing."""
    drain = case.target.drain
    if drain is None or not drain.stays_out:
        return None
    reason = f"drained at {drain.at:%H:%M:%S} for a relapse on probation: it stays out until a person decides"
    return Hold(Guardrail.PROBATION, reason)
