"""May a person's drain or rejoin be carried out, and what is planned for it?

A person's step rests on no finding, so the guardrails that judge findings are
not asked. All others are, as for a rule's step: when it is ordered, and again
by a live look right before it is taken.
"""

from dataclasses import dataclass, replace

from remediation.decide.approvals import approve, ask_for, plan_of, request_of, use, why_not
from remediation.decide.case import Case, Guardrail, Hold, Step
from remediation.decide.draft import Draft
from remediation.decide.guardrails import Guard, asked_of, serving
from remediation.decide.levers import usable
from remediation.decide.looks import LiveLook
from remediation.decide.orders import (
    Answer,
    ApproveOrder,
    AskedGuardrail,
    DrainOrder,
    RejoinOrder,
    WrongOrderError,
    reason_of,
    said_by,
)
from remediation.decide.passing import Answers, holds_among, note_passed
from remediation.decide.progress import supersede
from remediation.decide.proof import proof_of_recovery
from remediation.ledger.intent import Intent, IntentState, LeverKind, Verb
from remediation.ledger.orders import Approval
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import Drain
from rules.conditions import AnyOf, words
from rules.evaluate import RuleSet
from rules.policy import Mode
from rules.reach import Scope
from rules.rule import Playbook, Rule
from rules.scope import ScopeVerdict, Situation
from rules.signals import Severity

BY_HAND = Rule(
    name="by-hand",
    summary="A person asked for it.",
    when=AnyOf(()),  # never holds: no finding of it ever begins, and none can end
    severity=Severity.WARNING,
    playbook=Playbook.DRAIN,
)
"""Stands for the person where a rule is expected."""


def rule_of(intent: Intent, rules: RuleSet) -> Rule | None:
    """What asks for an intent; None where that rule is gone. A person's word does not go."""
    return BY_HAND if intent.author else rules.by_name.get(intent.rule)


def people_may(case: Case) -> Hold | None:
    """Hold where nothing is touched, whoever asks."""
    if case.situation.workload.mode is not Mode.OBSERVE:
        return None
    return Hold(Guardrail.MODE, "mode is observe: the worker touches nothing, whoever asks")


def ours_to_bring_back(case: Case) -> Hold | None:
    """Hold the rejoin of a stamp that the worker has not taken out."""
    stamp = case.record.stamp(case.step.stamp)
    if stamp.drain is not None:
        return None
    if stamp.adopted_at is not None:
        since = f"{stamp.adopted_at:%Y-%m-%d %H:%M}"
        return Hold(Guardrail.OTHERS_HANDS, f"other hands drained it ({since}): only they bring it back")
    return Hold(Guardrail.STILL_IN_ROTATION, "it is in rotation, as far as the worker knows")


def ask(case: Case) -> tuple[AskedGuardrail, ...]:
    """What each guardrail says to a person's step."""
    return tuple(AskedGuardrail(guard.__name__.replace("_", " "), hold) for guard, hold in answers_to(case))


def answers_to(case: Case) -> Answers:
    """The same, by guardrail."""
    ours: tuple[Guard, ...] = (ours_to_bring_back,) if case.step.verb is Verb.REJOIN else ()
    return [(guard, guard(case)) for guard in (people_may, *ours, *asked_of(case))]


def against(case: Case) -> list[Hold]:
    """Every reason not to take a person's step; none means that it may be taken."""
    return holds_among(answers_to(case))


@dataclass(frozen=True, slots=True)
class Grounds:
    """All that an order to move a stamp is judged by, besides the draft.

    Attributes:
        situation: what stands, by the rules.
        live: the look at all stamps.
    """

    situation: Situation
    live: LiveLook | None = None

    def case(self, step: Step, draft: Draft) -> Case:
        """The case of a person's step, by the lever that works."""
        scope = ScopeVerdict(Scope.NONE, "a person asks for it")
        case = Case(
            step, draft.view(), self.situation, None, scope, draft.now, self.live, marker=draft.marker
        )
        if step.verb is Verb.DRAIN and case.target.drain is not None:
            return case  # it is out already, and no second lever is wanted
        return replace(case, step=replace(step, lever=usable(case)))

    def seen(self, stamp: str, record: WorkloadRecord) -> WorkloadRecord:
        """The record with what the live look shows of a stamp."""
        look = self.live.stamps.get(stamp) if self.live else None
        if look is None:
            return record
        known = record.stamp(stamp)
        seen = look.seen(self.situation.workload.state_file_check, known.seen)
        return replace(record, stamps={**record.stamps, stamp: replace(known, seen=seen)})


def drain(draft: Draft, order: DrainOrder, grounds: Grounds) -> Answer:
    """Plan a drain for a person, or ask for somebody's approval, if no guardrail holds it."""
    case = _case(Verb.DRAIN, order, draft, grounds)
    survivors = ", ".join(sorted(serving(case) - {order.stamp}))
    does = (
        f"{order.stamp} is taken out of rotation at the worker's next tick",
        f"still serving then: {survivors or 'no other stamp'}",
        "it stays out until a person brings it back",
    )
    return _take(draft, case, order, Answer(does, asked=ask(case)))


def rejoin(draft: Draft, order: RejoinOrder, grounds: Grounds) -> Answer:
    """Plan the return of a stamp that the worker took out, for a person who may know more than its proof."""
    withdrawn = _withdraw_drain(draft, order)
    if withdrawn and draft.stamp(order.stamp).drain is None:
        return Answer((f"the drain of {order.stamp} that was planned is withdrawn",))
    case = _case(Verb.REJOIN, order, draft, grounds)
    answer = Answer(
        (f"{order.stamp} is brought back into rotation at the worker's next tick",), asked=ask(case)
    )
    known = case.record.stamp(order.stamp).drain
    if known is not None:
        answer = _with_doubts(answer, order, known, case, grounds)
    return _take(draft, case, order, answer)


def _withdraw_drain(draft: Draft, order: RejoinOrder) -> list[Intent]:
    """Give up a drain of the stamp that is under way, unless a worker is at it this very moment.

    A person's word stands against the finding: only a new one drains the stamp again.
    """
    over = [
        intent
        for intent in draft.going_at(order.stamp)
        if intent.verb is Verb.DRAIN and intent.state in (IntentState.PLANNED, IntentState.APPLIED)
    ]
    for intent in over:
        supersede(draft, intent, f"undone by {said_by(order.author)}")
    if over:
        draft.stamps[order.stamp] = replace(draft.stamp(order.stamp), undone_at=draft.now)
    return over


def _with_doubts(answer: Answer, order: RejoinOrder, known: Drain, case: Case, grounds: Grounds) -> Answer:
    """Say what speaks against it and holds nobody who knows what he does."""
    record, now = grounds.seen(order.stamp, case.record), case.now
    proof = proof_of_recovery(order.stamp, known, record, grounds.situation, now)
    stood, wanted = now - (known.recovering_since or now), case.policy.rejoin_after
    doubts = []
    if not proof.proven:
        doubts.append(f"its recovery is not proven: {proof.reason}")
    elif stood < wanted:
        doubts.append(f"its recovery is proven for {words(stood)} only; the worker waits for {words(wanted)}")
    if known.stays_out:
        doubts.append("it failed again soon after it was last brought back")
    refused = "" if proof.proven or order.unproven else f"{doubts[0]}; `unproven` brings it back all the same"
    return replace(answer, warnings=tuple(doubts), refused=refused)


def approve_step(draft: Draft, order: ApproveOrder, grounds: Grounds) -> Answer:
    """Approve a step. A person's is planned at once, if it is still what was shown and nothing holds it."""
    request = request_of(draft, order.approval)
    refused = why_not(draft, order)
    if refused or request is None or request.rule != BY_HAND.name:
        return approve(draft, order)
    step = Step(request.verb, request.stamp, BY_HAND, author=request.requested_by)
    case = grounds.case(step, draft)
    asked = ask(case)
    if plan_of(case) != request.plan:
        refused = "who would go on serving has changed since it was asked for: it must be ordered again"
    if refused or any(guard.hold for guard in asked):
        return Answer(asked=asked, refused=refused)
    answer = approve(draft, order)
    given = replace(request, approved_by=said_by(order.author))
    use(draft, given)
    _plan(draft, case, given.words, approved_by=given.approved_by)
    return replace(answer, asked=asked)


def _case(verb: Verb, order: DrainOrder | RejoinOrder, draft: Draft, grounds: Grounds) -> Case:
    workload = grounds.situation.workload
    if order.stamp not in workload.stamp_names:
        names = ", ".join(workload.stamp_names)
        raise WrongOrderError(f"{workload.name} has no stamp {order.stamp!r}; it has {names}")
    return grounds.case(Step(verb, order.stamp, BY_HAND, author=said_by(order.author)), draft)


def _take(draft: Draft, case: Case, order: DrainOrder | RejoinOrder, answer: Answer) -> Answer:
    reason = reason_of(order.reason)
    if not answer.follows:
        return answer
    if case.situation.workload.mode is Mode.APPROVE:
        return _ask_another(draft, case, reason, answer)
    _plan(draft, case, reason)
    return answer


def _ask_another(draft: Draft, case: Case, reason: str, answer: Answer) -> Answer:
    note_passed(draft, case, answers_to(case))
    # Whoever approves it must know what speaks against it.
    request = ask_for(draft, case, "; ".join((reason, *answer.warnings)), case.step.author)
    if request is None:
        return replace(answer, refused="too many approvals are waited for; answer some of them first")
    if request.requested_by != case.step.author:
        return replace(answer, refused=_asked_already(request))
    wait = f"somebody else must approve it until {request.expires_at:%H:%M:%S} UTC: {request.id}"
    return replace(answer, does=(*answer.does, wait), approval=request.id)


def _asked_already(request: Approval) -> str:
    return f"{request.requested_by} has asked for the same: approve {request.id}"


def carry_on(draft: Draft, stamp: str, grounds: Grounds) -> None:
    """Move the next lever back, where a person's rejoin has moved one and more of them took the stamp out."""
    drained = draft.stamp(stamp).drain
    at_stamp = [intent for intent in draft.intents.values() if intent.stamp == stamp]
    last = max(at_stamp, key=lambda intent: (intent.planned_at, intent.id), default=None)
    if drained is None or last is None or not _went_well(last) or last.planned_at < drained.at:
        return
    case = grounds.case(Step(Verb.REJOIN, stamp, BY_HAND, author=last.author), draft)
    if not against(case):
        _plan(draft, case, "the next lever", last.approved_by)


def _went_well(last: Intent) -> bool:
    return last.verb is Verb.REJOIN and bool(last.author) and last.state is IntentState.VERIFIED


def _plan(draft: Draft, case: Case, reason: str, approved_by: str = "") -> None:
    step = case.step
    drained = case.target.drain if step.verb is Verb.REJOIN else None
    moved = drained.levers[-1] if drained and drained.levers else None
    allowed = f", approved by {approved_by}" if approved_by else ""
    note_passed(draft, case, answers_to(case))
    draft.put_intent(
        Intent(
            id=f"{draft.before.workload}/{step.stamp}/{step.verb}/{draft.before.revision + 1:010d}",
            verb=step.verb,
            stamp=step.stamp,
            rule=BY_HAND.name,
            # A return belongs to the incident of the drain that it ends.
            family=drained.family if drained else BY_HAND.family,
            reason=f"ordered by {step.author}{allowed}: {reason}",
            planned_at=draft.now,
            content=moved.content if moved else "",
            lever=step.lever or LeverKind.STATE_FILE,
            author=step.author,
            approved_by=approved_by,
        )
    )
    draft.happened(f"{step.verb} of {step.stamp} ordered by {step.author}{allowed}: {reason}")
