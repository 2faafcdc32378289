"""Which restart, or request to another system, came to nothing, so that people must see to it?

A rule that has something restarted wakes nobody, for the restart is to help. Where it does not come
about, somebody must know: else the fault stands, and everybody believes that it is being dealt with.
"""

from remediation.decide.draft import Draft
from remediation.ledger.intent import Intent, IntentState
from remediation.ledger.told import Action
from rules.findings import Finding


def steps_for(draft: Draft, finding: Finding) -> list[Intent]:
    """The restarts and requests that were made for a finding, or are on their way; none that never began."""
    return [
        intent
        for intent in draft.intents.values()
        if (intent.rule, intent.stamp) == (finding.rule, finding.stamp or "")
        and not intent.verb.moves_a_lever
        and (intent.in_flight or (intent.attempts > 0 and intent.planned_at >= finding.since))
    ]


def action_of(draft: Draft, finding: Finding) -> Action:
    """What people must know of the step that a finding asked for: that it came to nothing, or no news."""
    steps = steps_for(draft, finding)
    if any(intent.state is IntentState.REFUSED for intent in steps):
        return Action.REFUSED
    return Action.STUCK if any(intent.stuck for intent in steps) else Action.NONE


def words_of_failing(draft: Draft, family: str, stamp: str | None) -> str:
    """Which steps for such a fault came to nothing there (None: anywhere), and why; empty if none did."""
    findings = [f for f in draft.findings.values() if f.family == family and stamp in (None, f.stamp)]
    steps = [intent for finding in findings for intent in steps_for(draft, finding)]
    return "; ".join(
        f"the {intent.verb} of {intent.target}{f' at {intent.stamp}' if intent.stamp else ''} {_why(intent)}"
        for intent in steps
        if intent.stuck or intent.state is IntentState.REFUSED
    )


def _why(intent: Intent) -> str:
    if intent.state is IntentState.REFUSED:
        return f"was refused: {intent.outcome}"
    if intent.in_flight:
        return "was not seen to help in time"
    return f"came to nothing: {intent.outcome}"
