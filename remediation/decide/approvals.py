"""Who has said yes to which step, and is that still worth anything?

An approval is asked for, given by somebody else, and used once, before its
time is over, for exactly what was shown: another plan needs another one (P18).
"""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from remediation.decide.case import Case, Step
from remediation.decide.draft import Draft
from remediation.decide.guardrails import serving
from remediation.decide.orders import Answer, ApproveOrder, said_by
from remediation.ledger.intent import Verb
from remediation.ledger.orders import Approval
from remediation.ledger.record import WorkloadRecord
from rules.evaluate import Asked

WORKER = "the worker"
"""Who asks for the steps that rules want."""

APPROVALS_MOST = 50
"""So many may be open at once: the record is bounded."""

ID_LENGTH = 10


def plan_of(case: Case) -> str:
    """What people are shown, as a digest: the step, by which lever, and who would go on serving."""
    step, survivors = case.step, sorted(serving(case) - {case.step.stamp})
    return _digest(step.verb, step.stamp, step.rule.name, step.target, step.lever or "", *survivors)


def ask_for(draft: Draft, case: Case, words: str, requested_by: str = WORKER) -> Approval | None:
    """Ask people about a step; None where too many questions are open already.

    The same question is asked once. Where the plan has changed since, what was
    said to the old one counts no more.
    """
    step, plan = case.step, plan_of(case)
    asked = _request_id(case)
    known = next((one for one in draft.approvals if one.id == asked and one.expires_at > draft.now), None)
    if known is not None and known.plan == plan:
        return known
    if known is None and len(draft.approvals) >= APPROVALS_MOST:
        return None
    expires = draft.now + case.policy.approve_within
    request = Approval(
        asked, step.verb, step.stamp, step.rule.name, plan, words, requested_by, draft.now, expires
    )
    draft.approvals = (*(one for one in draft.approvals if one.id != asked), request)
    again = ", for the plan has changed" if known else ""
    draft.happened(
        f"approval {asked} of {step.verb} of {step.stamp} asked for by {requested_by} "
        f"until {expires:%H:%M:%S}{again}: {words}"
    )
    return request


def approve(draft: Draft, order: ApproveOrder) -> Answer:
    """Say yes to a step that somebody else asked for."""
    author, request = said_by(order.author), request_of(draft, order.approval)
    refused = why_not(draft, order)
    if refused or request is None:
        return Answer(refused=refused)
    given = replace(request, approved_by=author)
    draft.approvals = tuple(given if one.id == request.id else one for one in draft.approvals)
    draft.happened(f"approval {request.id} of {request.verb} of {request.stamp} given by {author}")
    step = f"{request.verb} of {request.stamp}"
    return Answer((f"{step}, asked for by {request.requested_by}: {request.words}",))


def why_not(draft: Draft, order: ApproveOrder) -> str:
    """Why this person cannot approve that; empty where he can."""
    author, request = said_by(order.author), request_of(draft, order.approval)
    if request is None:
        waiting = ", ".join(one.id for one in draft.approvals if one.expires_at > draft.now) or "none"
        return f"nobody asks for {order.approval}; it may have been used or have expired. Open: {waiting}"
    if request.expires_at <= draft.now:
        return f"{request.id} expired at {request.expires_at:%H:%M:%S}"
    if request.approved_by:
        return f"{request.approved_by} has approved {request.id} already"
    if author.casefold() == request.requested_by.casefold():
        return f"{author} asked for it: somebody else must approve it"
    return ""


def request_of(draft: Draft, approval: str) -> Approval | None:
    """The request of that id."""
    return next((one for one in draft.approvals if one.id == approval), None)


def approved(record: WorkloadRecord, step: Step, plan: str, now: datetime) -> Approval | None:
    """The approval by which this step may be taken now, as it was shown to people."""
    wanted = (step.verb, step.stamp, step.rule.name, plan)
    for one in record.approvals:
        if (one.verb, one.stamp, one.rule, one.plan) == wanted and one.approved_by and now < one.expires_at:
            return one
    return None


def use(draft: Draft, approval: Approval) -> None:
    """Take the step by this approval: it is worth nothing from here on."""
    draft.approvals = tuple(one for one in draft.approvals if one.id != approval.id)
    draft.happened(f"approval {approval.id} of {approval.approved_by} used")


def expire(draft: Draft) -> None:
    """Remove what nobody said yes to in time, or nobody used in time, and what has lost its cause."""
    for one in draft.approvals:
        late = one.expires_at <= draft.now
        if not late and _has_its_cause(one, draft):
            continue
        draft.approvals = tuple(other for other in draft.approvals if other.id != one.id)
        unused = f"given by {one.approved_by}, and not used" if one.approved_by else "nobody answered"
        how = "expired" if late else "is over with its cause"
        draft.happened(f"approval {one.id} of {one.verb} of {one.stamp} {how}: {unused}")


def _has_its_cause(one: Approval, draft: Draft) -> bool:
    """Whether the finding still stands that a step is asked for. A return rests on its proof instead.

    The next fault is another question, even if the same stamps would go on serving then.
    """
    if one.requested_by != WORKER or one.verb is Verb.REJOIN:
        return True
    return Asked(one.rule, one.stamp or None) in draft.findings


def _request_id(case: Case) -> str:
    """The same for as long as the same finding asks for the same step."""
    since = case.finding.since.isoformat() if case.finding else ""
    step = case.step
    return _digest(case.record.workload, step.stamp, step.verb, step.rule.name, step.target, since)[
        :ID_LENGTH
    ]


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()
