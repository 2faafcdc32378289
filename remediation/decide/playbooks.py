"""Which steps do the findings ask for, and which of them may be taken?

A step that every guardrail lets pass becomes an intent. One that some guardrail
holds is kept with the reasons, so that people can be told and asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from remediation.decide.approvals import approved, ask_for, expire, plan_of, use
from remediation.decide.by_hand import BY_HAND, Grounds, answers_to, carry_on, rule_of
from remediation.decide.case import Case, Guardrail, Hold, Step
from remediation.decide.draft import Draft
from remediation.decide.failing import steps_for
from remediation.decide.guardrails import asked_of
from remediation.decide.guardrails.target import failed_again
from remediation.decide.levers import usable
from remediation.decide.passing import Answers, holds_among, note_passed
from remediation.decide.progress import supersede
from remediation.decide.proof import proof_of_recovery
from remediation.ledger.intent import Intent, IntentState, LeverKind, Verb
from remediation.ledger.record import HeldStep
from remediation.ledger.stamp import Drain
from rules.conditions import words
from rules.evaluate import RuleSet
from rules.findings import EVIDENCE_KEPT, Finding
from rules.policy import Mode
from rules.reach import Scope
from rules.rule import Proof, Rule
from rules.scope import ScopeVerdict, Situation, scope_of
from rules.signals import RegisterKey, Severity

NO_SCOPE = ScopeVerdict(Scope.NONE, "nothing is broken")


def case_for(step: Step, draft: Draft, situation: Situation) -> Case:
    """The case of a step, by the record as the draft leaves it."""
    found = [f for f in draft.findings.values() if f.rule == step.rule.name and (f.stamp or "") == step.stamp]
    finding = found[0] if found else None
    scope = scope_of(finding, situation) if finding else NO_SCOPE
    return Case(step, draft.view(), situation, finding, scope, draft.now, marker=draft.marker)


def plan_steps(draft: Draft, situation: Situation, rules: RuleSet) -> None:
    """Withdraw intents that are no longer wanted, then plan what is: rejoins first, worst findings first."""
    draft.held = []
    expire(draft)
    _withdraw(draft, situation, rules)
    for stamp in situation.workload.stamp_names:
        _consider_rejoin(stamp, draft, situation, rules)
        carry_on(draft, stamp, Grounds(situation))
        _consider_second_lever(stamp, draft, situation, rules)
    for finding, rule in _asking(draft, rules, lambda rule: rule.playbook.drains):
        if finding.stamp is not None:
            _consider_drain(finding, rule, draft, situation)
    for finding, rule in _asking(draft, rules, lambda rule: rule.playbook.targets):
        _consider_other_step(finding, rule, draft, situation)


def step_of(intent: Intent, rule: Rule) -> Step:
    """The step that an intent is."""
    return Step(
        verb=intent.verb,
        stamp=intent.stamp,
        rule=rule,
        intent=intent.id,
        lever=intent.lever,
        author=intent.author,
        target=intent.target,
        second=intent.second,
    )


def _withdraw(draft: Draft, situation: Situation, rules: RuleSet) -> None:
    for intent in list(draft.intents.values()):
        if intent.state is not IntentState.PLANNED:
            continue
        rule = rule_of(intent, rules)
        step = step_of(intent, rule) if rule else None
        held = against_step(case_for(step, draft, situation)) if step else []
        reason = "; ".join(hold.reason for hold in held) if step else f"rule {intent.rule} is gone"
        if held or step is None:
            supersede(draft, intent, reason)


def against_step(case: Case) -> list[Hold]:
    """Every reason not to take a step, by whomever it was asked for."""
    return holds_among(_answers(case))


def judge_step(draft: Draft, case: Case) -> list[Hold]:
    """The same; and what lets the step pass goes into the journal."""
    answers = _answers(case)
    note_passed(draft, case, answers)
    return holds_among(answers)


def _answers(case: Case) -> Answers:
    if case.step.rule is BY_HAND:
        return answers_to(case)
    intent = case.record.intents.get(case.step.intent or "")
    return _by_rule(replace(case, approved=intent is not None and bool(intent.approved_by)))


def _by_rule(case: Case) -> Answers:
    return [(guard, guard(case)) for guard in asked_of(case)]


def _asking(draft: Draft, rules: RuleSet, wanted: Callable[[Rule], bool]) -> list[tuple[Finding, Rule]]:
    asking = [
        (finding, rules.by_name[finding.rule])
        for finding in draft.findings.values()
        if wanted(rules.by_name[finding.rule])
    ]
    loudest = list(Severity)
    return sorted(
        asking,
        key=lambda pair: (loudest.index(pair[1].severity), pair[0].since, str(pair[0].stamp), pair[1].name),
    )


def _consider_drain(finding: Finding, rule: Rule, draft: Draft, situation: Situation) -> None:
    stamp = str(finding.stamp)
    drain = draft.stamp(stamp).drain
    if drain is not None:
        _rest_on(draft, stamp, drain, finding)
        return
    if not all(_gives_way(intent, draft) for intent in draft.going_at(stamp)):
        return
    for intent in draft.going_at(stamp):
        supersede(draft, intent, f"it was not seen to serve again, and now: {finding.reason}")
    case = case_for(Step(Verb.DRAIN, stamp, rule), draft, situation)
    step = replace(case.step, lever=usable(case))
    again = "it came back by itself and failed again, so it is kept out: "
    reason = (again if failed_again(case.target, case.policy) else "") + finding.reason
    _take(draft, replace(case, step=step), reason, Asked(evidence=finding.evidence))


def _gives_way(intent: Intent, draft: Draft) -> bool:
    """A return that is stuck and found to be ill holds up nothing: its levers are where they should be."""
    seen = draft.stamp(intent.stamp).seen
    stuck = intent.verb is Verb.REJOIN and intent.state is IntentState.APPLIED and intent.stuck
    return stuck and seen is not None and seen.settled


def _rest_on(draft: Draft, stamp: str, drain: Drain, finding: Finding) -> None:
    """Let the drain rest on this finding too: its sources must take it back before a rejoin."""
    evidence = tuple(dict.fromkeys((*drain.evidence, *finding.evidence)))[:EVIDENCE_KEPT]
    if evidence != drain.evidence:
        draft.stamps[stamp] = replace(draft.stamp(stamp), drain=replace(drain, evidence=evidence))


def _consider_rejoin(stamp: str, draft: Draft, situation: Situation, rules: RuleSet) -> None:
    known, going = draft.stamp(stamp), draft.going_at(stamp)
    # A drain that was never seen to help is undone by the same proof: else it would be in flight for ever.
    stuck = going[0] if len(going) == 1 and _is_stuck(going[0]) else None
    rule = rules.by_name.get(known.drain.rule) if known.drain else None
    if known.drain is None or rule is None or (going and stuck is None):
        return
    proof = proof_of_recovery(stamp, known.drain, draft.view(), situation, draft.now)
    drain = _note_proof(draft, stamp, known.drain, proven=proof.proven)
    if drain.recovering_since is None:
        return
    stood = draft.now - drain.recovering_since
    if stood < situation.workload.policy.rejoin_after:
        return
    moved = drain.levers[-1]
    step = Step(Verb.REJOIN, stamp, rule, stuck.id if stuck else None, lever=moved.lever)
    case = case_for(step, draft, situation)
    _take(draft, case, f"{proof.reason}, for {words(stood)}", Asked(content=moved.content))
    if stuck and any(intent.verb is Verb.REJOIN for intent in draft.going_at(stamp)):
        supersede(draft, stuck, "it was not seen to help, and its cause is over")


def _is_stuck(intent: Intent) -> bool:
    return intent.verb is Verb.DRAIN and intent.state is IntentState.APPLIED and intent.stuck


def _without_help(draft: Draft, stamp: str) -> Intent | None:
    """The drain of a stamp that was not seen to help: stuck, or its second lever was never moved after all.

    What held that lever when its turn came may let go again; the first one has helped no more since.
    """
    moves = [each for each in draft.intents.values() if each.stamp == stamp and each.verb.moves_a_lever]
    # By revision, for the clocks of workers differ.
    last = max(moves, key=lambda intent: intent.id.rpartition("/")[2], default=None)
    if last is None or draft.stamp(stamp).undone_at is not None:
        return None
    withdrawn = last.second and last.state is IntentState.SUPERSEDED and last.applied_at is None
    return last if _is_stuck(last) or withdrawn else None


def _consider_second_lever(stamp: str, draft: Draft, situation: Situation, rules: RuleSet) -> None:
    """Where the first lever was moved and is not seen to help, move the other one too."""
    first = _without_help(draft, stamp)
    rule = rule_of(first, rules) if first else None
    drain = draft.stamp(stamp).drain
    if first is None or rule is None or drain is None:
        return
    step = Step(Verb.DRAIN, stamp, rule, first.id, author=first.author, second=True)
    case = case_for(step, draft, situation)
    lever = usable(case)
    if lever is None or lever in {moved.lever for moved in drain.levers}:
        return
    case = replace(case, step=replace(case.step, lever=lever))
    if held := judge_step(draft, case):
        hold_step(draft, case.step, held)
        return
    if first.in_flight:
        draft.put_intent(first.to(IntentState.SUPERSEDED, "it did not help: the other lever is moved"))
    # Whoever approved the drain wants the stamp out: the other lever is no other plan.
    asked = Asked(evidence=drain.evidence, approved_by=first.approved_by)
    _plan(draft, case, f"{drain.levers[-1].lever} did not help in time", asked)


def _consider_other_step(finding: Finding, rule: Rule, draft: Draft, situation: Situation) -> None:
    """A restart or a request to another system: once for each finding."""
    stamp, verb = finding.stamp or "", Verb(rule.playbook)
    taken = steps_for(draft, finding)
    step = Step(verb, stamp, rule, target=rule.target or "")
    refused = [intent.outcome for intent in taken if intent.state is IntentState.REFUSED]
    if refused:
        # Kept as a hold, so that people are told why it was not done.
        hold_step(draft, step, [Hold(Guardrail.LEVER_WORKS, f"it was refused: {refused[-1]}")])
    if taken:
        return
    case = case_for(step, draft, situation)
    _take(draft, case, finding.reason, Asked(evidence=finding.evidence))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a step is asked for with, besides itself: whose word it rests on, what it restores."""

    evidence: tuple[RegisterKey, ...] = ()
    content: str = ""
    approved_by: str = ""


def _take(draft: Draft, case: Case, reason: str, asked: Asked) -> None:
    """Plan a step that nothing holds; where it is only people's word that is wanting, ask for that."""
    answers = _by_rule(case)
    held = holds_among(answers)
    given = None
    if held and _only_approval_is_wanting(case, held):
        given = approved(draft.view(), case.step, plan_of(case), draft.now)
        if given is None:
            ask_for(draft, case, reason)
        else:
            answers = _by_rule(replace(case, approved=True))
            held = holds_among(answers)
    note_passed(draft, case, answers)
    if held:
        hold_step(draft, case.step, held)
        return
    if given is not None:
        use(draft, given)
        asked = replace(asked, approved_by=given.approved_by)
    _plan(draft, case, reason, asked)


def _only_approval_is_wanting(case: Case, held: list[Hold]) -> bool:
    mode = case.step.rule.mode.capped_by(case.situation.workload.mode)
    return mode is Mode.APPROVE and all(hold.guardrail is Guardrail.MODE for hold in held)


def _note_proof(draft: Draft, stamp: str, drain: Drain, *, proven: bool) -> Drain:
    """Keep since when the proof has stood; it starts anew whenever it breaks."""
    if proven == (drain.recovering_since is not None):
        return drain
    noted = replace(drain, recovering_since=draft.now if proven else None)
    draft.stamps[stamp] = replace(draft.stamp(stamp), drain=noted)
    draft.happened(f"{stamp}: recovery is proven" if proven else f"{stamp}: the proof of recovery broke")
    return noted


def _plan(draft: Draft, case: Case, reason: str, asked: Asked) -> None:
    workload, step = draft.before.workload, case.step
    rejoined_at = draft.stamp(step.stamp).rejoined_at
    # When it failed is what counts: settling, or a budget, may have held the drain for long.
    failed_at = case.finding.since if case.finding else draft.now
    failed_again = rejoined_at is not None and failed_at - rejoined_at < case.policy.probation
    intent = Intent(
        id=f"{workload}/{step.stamp}/{step.verb}/{draft.before.revision + 1:010d}",
        verb=step.verb,
        stamp=step.stamp,
        rule=step.rule.name,
        family=step.rule.family,
        reason=reason,
        planned_at=draft.now,
        evidence=asked.evidence,
        content=asked.content,
        lever=step.lever or LeverKind.STATE_FILE,
        author=step.author,
        approved_by=asked.approved_by,
        target=step.target,
        second=step.second,
        relapse=step.verb is Verb.DRAIN and failed_again,
        backlog=step.rule.proof is Proof.BACKLOG,
    )
    draft.put_intent(intent)
    draft.happened(f"{step.verb} of {step.stamp} planned: {reason}")


def hold_step(draft: Draft, step: Step, against: list[Hold]) -> None:
    """Keep why a wanted step is not taken, in the words of now: `Draft.finish` says what of it is news."""
    for hold in against:
        draft.held.append(
            HeldStep(step.verb, step.stamp, step.rule.name, str(hold.guardrail), reason=hold.reason)
        )
