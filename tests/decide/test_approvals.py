"""Is a step taken by somebody else's word, once, in time, and as it was shown?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.approvals import (
    APPROVALS_MOST,
    WORKER,
    approve,
    approved,
    ask_for,
    expire,
    plan_of,
    request_of,
    use,
)
from remediation.decide.case import Case
from remediation.decide.draft import Draft
from remediation.decide.orders import ApproveOrder, WrongOrderError
from remediation.ledger.intent import LeverKind
from remediation.ledger.orders import Approval
from remediation.ledger.record import Cause
from remediation.ledger.stamp import LeverState, StampRecord
from tests.builders import NOW, a_finding, a_seen, at, findings
from tests.decide.cases import a_case, a_red_record, looked_at

IN_TIME = 900
"""Seconds: the default of `approve_within`."""


def asked(**changes: Any) -> tuple[Draft, Case, Approval]:
    """The drain of weu, which the worker has asked about."""
    case = a_case()
    draft = Draft(case.record, NOW)
    request = ask_for(draft, case, "BackgroundProcessor is red")
    assert request is not None
    return draft, case, replace(request, **changes)


def again(draft: Draft, seconds: float) -> Draft:
    """A later decision about the same record."""
    return Draft(draft.view(), at(seconds))


def test_p18_a_step_is_asked_for_once() -> None:
    """The id is the same for as long as the same finding asks; repeating changes nothing."""
    draft, case, request = asked()
    assert (request.requested_by, request.expires_at) == (WORKER, at(IN_TIME))
    assert draft.approvals == (request,)
    [sentence] = draft.events
    assert sentence == (
        f"approval {request.id} of drain of weu asked for by the worker until 03:15:00: "
        "BackgroundProcessor is red"
    )
    assert ask_for(draft, case, "BackgroundProcessor is red") == request
    assert (len(draft.approvals), len(draft.events)) == (1, 1)


def test_p18_another_finding_is_another_question() -> None:
    """What was approved for yesterday's fault says nothing of today's."""
    _, _, request = asked()
    later = a_case(a_red_record(findings=findings(a_finding(since=at(-90)))))
    other = ask_for(Draft(later.record, NOW), later, "BackgroundProcessor is red")
    assert other is not None
    assert other.id != request.id


def test_p18_somebody_else_approves() -> None:
    """The approval stands in the record with who gave it, and in the journal."""
    draft, case, request = asked()
    answer = approve(draft, ApproveOrder("ada", request.id))
    assert answer.does == ("drain of weu, asked for by the worker: BackgroundProcessor is red",)
    assert draft.events[-1] == f"approval {request.id} of drain of weu given by ada"
    given = approved(draft.view(), case.step, plan_of(case), NOW)
    assert given == replace(request, approved_by="ada")


@pytest.mark.parametrize("author", [WORKER, "The Worker", "  the   worker "])
def test_p18_nobody_approves_what_he_asked_for(author: str) -> None:
    """However he writes his name."""
    draft, case, request = asked()
    answer = approve(draft, ApproveOrder(author, request.id))
    assert answer.refused.endswith("asked for it: somebody else must approve it")
    assert approved(draft.view(), case.step, plan_of(case), NOW) is None


def test_p18_an_approval_is_given_once() -> None:
    """The second person learns who was first."""
    draft, _, request = asked()
    approve(draft, ApproveOrder("ada", request.id))
    answer = approve(draft, ApproveOrder("grace", request.id))
    assert answer.refused == f"ada has approved {request.id} already"


def test_what_nobody_asks_for_cannot_be_approved() -> None:
    """The answer names what is open."""
    draft, _, request = asked()
    refused = approve(draft, ApproveOrder("ada", "0123456789")).refused
    assert refused == (
        f"nobody asks for 0123456789; it may have been used or have expired. Open: {request.id}"
    )
    assert approve(Draft(a_red_record(), NOW), ApproveOrder("ada", "x")).refused.endswith("Open: none")
    with pytest.raises(WrongOrderError):
        approve(draft, ApproveOrder("", request.id))


@pytest.mark.parametrize(("after", "counts"), [(IN_TIME - 1, True), (IN_TIME, False)])
def test_p18_an_approval_counts_until_it_expires(after: float, counts: bool) -> None:  # noqa: FBT001 - a row of a table
    """Both the giving and the using."""
    draft, case, request = asked()
    late = again(draft, after)
    assert approve(late, ApproveOrder("ada", request.id)).follows is counts
    approve(draft, ApproveOrder("ada", request.id))
    assert (approved(draft.view(), case.step, plan_of(case), at(after)) is not None) is counts


def test_p18_an_approval_is_used_once() -> None:
    """Whoever takes the step takes the approval with it."""
    draft, case, request = asked()
    approve(draft, ApproveOrder("ada", request.id))
    given = approved(draft.view(), case.step, plan_of(case), NOW)
    assert given is not None
    use(draft, given)
    assert draft.approvals == ()
    assert draft.events[-1] == f"approval {request.id} of ada used"
    assert approved(draft.view(), case.step, plan_of(case), NOW) is None
    assert not approve(draft, ApproveOrder("grace", request.id)).follows


def test_p18_an_approval_is_for_the_plan_that_was_shown() -> None:
    """With one survivor less it is another plan: what was said counts no more, and is asked for again."""
    draft, case, request = asked()
    approve(draft, ApproveOrder("ada", request.id))
    fewer = a_case(a_red_record(stamps=looked_at(neu=StampRecord(seen=a_seen(LeverState.OUT)))))
    assert plan_of(fewer) != plan_of(case)
    assert approved(draft.view(), fewer.step, plan_of(fewer), NOW) is None
    renewed = ask_for(draft, fewer, "BackgroundProcessor is red")
    assert renewed is not None
    assert (renewed.id, renewed.approved_by) == (request.id, "")
    assert draft.approvals == (renewed,)
    assert "for the plan has changed" in draft.events[-1]


def test_p18_another_lever_is_another_plan() -> None:
    """Minutes instead of seconds: people may think otherwise of it."""
    case = a_case()
    by_origin = replace(case, step=replace(case.step, lever=LeverKind.FRONT_DOOR))
    assert plan_of(by_origin) != plan_of(case)


def test_expired_requests_go_and_say_what_became_of_them() -> None:
    """One that nobody answered, one that nobody used; the same question may then be asked again."""
    draft, case, request = asked()
    other = replace(request, id="other", approved_by="ada")
    draft.approvals = (request, other, replace(request, id="later", expires_at=at(IN_TIME + 1)))
    late = again(draft, IN_TIME)
    expire(late)
    assert [one.id for one in late.approvals] == ["later"]
    assert late.events == [
        f"approval {request.id} of drain of weu expired: nobody answered",
        "approval other of drain of weu expired: given by ada, and not used",
    ]
    renewed = ask_for(late, replace(case, now=late.now), "BackgroundProcessor is red")
    assert renewed is not None
    assert (renewed.id, renewed.expires_at) == (request.id, at(2 * IN_TIME))


def test_a_request_that_expired_and_still_lies_there_is_not_given() -> None:
    """Between two ticks nobody has removed it yet."""
    draft, _, request = asked()
    late = again(draft, IN_TIME)
    assert approve(late, ApproveOrder("ada", request.id)).refused == f"{request.id} expired at 03:15:00"
    assert request_of(late, request.id) == request


def test_p19_requests_are_bounded() -> None:
    """No more than people can answer; the guardrail of the mode still holds the others and says so."""
    draft, case, request = asked()
    draft.approvals = tuple(replace(request, id=str(n)) for n in range(APPROVALS_MOST))
    assert ask_for(draft, case, "one more") is None
    assert len(draft.approvals) == APPROVALS_MOST


def test_asking_changes_the_record_and_is_journalled() -> None:
    """So that whoever reads the record next knows of it."""
    draft, _, request = asked()
    after = draft.finish(Cause.TIMER)
    assert after is not None
    assert after.approvals == (request,)
