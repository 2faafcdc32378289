"""How is an incident said to people, in the line they read first and in its details?"""

from remediation.decide.draft import Draft
from remediation.decide.failing import words_of_failing
from remediation.decide.levers import NAMES
from remediation.ledger.intent import LeverKind, Verb
from remediation.ledger.told import Action, Incident
from rules.reach import Scope

ACTION_IN_TITLE = {
    Action.PLANNED: " The worker is about to act.",
    Action.APPLIED: " The worker has acted.",
    Action.DRAINED: " Drained.",
    Action.STUCK: " STUCK: look at it.",
    Action.REFUSED: " REFUSED: the worker cannot do it.",
}

FLAPPING = "flapping: "
"""How the summary of an incident begins whose stamp turns red again and again."""


def is_flapping(incident: Incident) -> bool:
    """Whether people are told that it flaps."""
    return incident.summary.startswith(FLAPPING)


def title_of(incident: Incident) -> str:
    """The line that is read at three in the morning: where, how far, what."""
    where = incident.key.rsplit("/", 1)[0]
    scope = "" if incident.scope is Scope.STAMP else f" [{incident.scope}]"
    return f"{where}{scope}: {incident.summary}"


def news_of(incident: Incident) -> str:
    """The same line, and what the worker has done about it."""
    return title_of(incident) + ACTION_IN_TITLE.get(incident.action, "")


def what_the_worker_does(draft: Draft, incident: Incident) -> str:
    """What the worker does about it, and if nothing, why not."""
    match incident.action:
        case Action.DRAINED:
            by = _by_which_levers(draft, str(incident.stamp))
            return f"{incident.stamp} is drained{by}, and seen to be; {_when_it_comes_back(draft, incident)}"
        case Action.STUCK:
            said = words_of_failing(draft, incident.family, incident.stamp)
            unseen = f"{incident.stamp} was acted upon, but it was not seen to help in time"
            return f"STUCK: {said or unseen}; look at it"
        case Action.REFUSED:
            refused = draft.stamp(str(incident.stamp)).refused
            said = words_of_failing(draft, incident.family, incident.stamp)
            return f"REFUSED: {said or (refused.reason if refused else '')}; do it by hand if it must be"
        case Action.PLANNED | Action.APPLIED:
            going = draft.going_at(str(incident.stamp))
            return "; ".join(f"{intent.verb} of {intent.stamp} is {intent.state}" for intent in going)
        case _:
            return _why_nothing_is_done(draft, incident)


def _by_which_levers(draft: Draft, stamp: str) -> str:
    """By which levers, where it was not the state file alone; and why that would not do."""
    known = draft.stamp(stamp)
    moved = [each.lever for each in known.drain.levers] if known.drain else []
    if moved in ([], [LeverKind.STATE_FILE]):
        return ""
    by = " and ".join(f"its {NAMES[lever]}" for lever in moved)
    refused = known.refusals.get(LeverKind.STATE_FILE)
    return f" by {by}" + (f", for the state file would not do ({refused.reason})" if refused else "")


def _when_it_comes_back(draft: Draft, incident: Incident) -> str:
    drain = draft.stamp(str(incident.stamp)).drain
    if drain is not None and drain.stays_out:
        return "it fell back soon after its return, and stays out until a person decides"
    if drain is not None and drain.author:
        return f"it was {drain.author}'s word, and only a person brings it back"
    held = [held for held in draft.held if held.verb is Verb.REJOIN and held.stamp == incident.stamp]
    if not held:
        return "it comes back when recovery is proven"
    against = "; ".join(f"{h.reason} ({h.guardrail})" for h in held)
    return "; ".join((f"recovery is proven, but it stays out: {against}", *_questions(draft, incident)))


def _why_nothing_is_done(draft: Draft, incident: Incident) -> str:
    against: dict[Verb, dict[str, None]] = {}
    for held in draft.held:
        if incident.stamp in (held.stamp, None) and held.verb is not Verb.REJOIN:
            against.setdefault(held.verb, {})[f"{held.reason} ({held.guardrail})"] = None
    if not against:
        return "no rule asks for more than to tell you"
    not_now = (f"no {verb} now: {'; '.join(reasons)}" for verb, reasons in against.items())
    return "; ".join((*not_now, *_questions(draft, incident)))


def _questions(draft: Draft, incident: Incident) -> list[str]:
    """By which ids a person may approve what the worker would do."""
    return [
        f"approve {one.verb} of {one.stamp} as {one.id} until {one.expires_at:%H:%M:%S}"
        for one in draft.approvals
        if incident.stamp in (one.stamp, None) and not one.approved_by
    ]
