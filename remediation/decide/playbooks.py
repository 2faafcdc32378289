"""Which steps do the findings ask for, and which of them may be taken?

A step that every guardrail lets pass becomes an intent. One that some guardrail
holds is kept with the reasons, so that people can be told and asked.
"""

from dataclasses import replace

from remediation.decide.case import Case, Hold, Step
from remediation.decide.draft import Draft
from remediation.decide.guardrails import holds
from remediation.decide.proof import proof_of_recovery
from remediation.ledger.intent import Intent, IntentState, Verb
from remediation.ledger.record import HeldStep
from remediation.ledger.stamp import Drain
from rules.conditions import words
from rules.evaluate import RuleSet
from rules.findings import EVIDENCE_KEPT, Finding
from rules.reach import Scope
from rules.rule import Rule
from rules.scope import ScopeVerdict, Situation, scope_of
from rules.signals import RegisterKey, Severity

NO_SCOPE = ScopeVerdict(Scope.NONE, "nothing is broken")


def case_for(step: Step, draft: Draft, situation: Situation) -> Case:
    """The case of a step, by the record as the draft leaves it."""
    found = [f for f in draft.findings.values() if f.rule == step.rule.name and f.stamp == step.stamp]
    finding = found[0] if found else None
    scope = scope_of(finding, situation) if finding else NO_SCOPE
    return Case(step, draft.view(), situation, finding, scope, draft.now)


def plan_steps(draft: Draft, situation: Situation, rules: RuleSet) -> None:
    """Withdraw intents that are no longer wanted, then plan what is: rejoins first, worst findings first."""
    draft.held = []
    _withdraw(draft, situation, rules)
    for stamp in situation.workload.stamp_names:
        _consider_rejoin(stamp, draft, situation, rules)
    for finding, rule in _asking_for_a_drain(draft, rules):
        _consider_drain(finding, rule, draft, situation)


def _withdraw(draft: Draft, situation: Situation, rules: RuleSet) -> None:
    for intent in list(draft.intents.values()):
        if intent.state is not IntentState.PLANNED:
            continue
        rule = rules.by_name.get(intent.rule)
        step = Step(intent.verb, intent.stamp, rule, intent.id) if rule else None
        against = holds(case_for(step, draft, situation)) if step else []
        reason = "; ".join(hold.reason for hold in against) if step else f"rule {intent.rule} is gone"
        if against or step is None:
            draft.put_intent(intent.to(IntentState.SUPERSEDED, reason))
            draft.happened(f"{intent.verb} of {intent.stamp} withdrawn: {reason}")


def _asking_for_a_drain(draft: Draft, rules: RuleSet) -> list[tuple[Finding, Rule]]:
    asking = [
        (finding, rules.by_name[finding.rule])
        for finding in draft.findings.values()
        if finding.stamp is not None and rules.by_name[finding.rule].playbook.drains
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
    if draft.going_at(stamp):
        return
    step = Step(Verb.DRAIN, stamp, rule)
    against = holds(case_for(step, draft, situation))
    if against:
        hold_step(draft, step, against)
        return
    _plan(draft, step, finding.reason, evidence=finding.evidence)


def _rest_on(draft: Draft, stamp: str, drain: Drain, finding: Finding) -> None:
    """Let the drain rest on this finding too: its sources must take it back before a rejoin."""
    evidence = tuple(dict.fromkeys((*drain.evidence, *finding.evidence)))[:EVIDENCE_KEPT]
    if evidence != drain.evidence:
        draft.stamps[stamp] = replace(draft.stamp(stamp), drain=replace(drain, evidence=evidence))


def _consider_rejoin(stamp: str, draft: Draft, situation: Situation, rules: RuleSet) -> None:
    known = draft.stamp(stamp)
    rule = rules.by_name.get(known.drain.rule) if known.drain else None
    if known.drain is None or rule is None or draft.going_at(stamp):
        return
    proof = proof_of_recovery(stamp, known.drain, draft.view(), situation, draft.now)
    drain = _note_proof(draft, stamp, known.drain, proven=proof.proven)
    if drain.recovering_since is None:
        return
    stood = draft.now - drain.recovering_since
    if stood < situation.workload.policy.rejoin_after:
        return
    step = Step(Verb.REJOIN, stamp, rule)
    against = holds(case_for(step, draft, situation))
    if against:
        hold_step(draft, step, against)
        return
    _plan(draft, step, f"{proof.reason}, for {words(stood)}", content=drain.levers[-1].content)


def _note_proof(draft: Draft, stamp: str, drain: Drain, *, proven: bool) -> Drain:
    """Keep since when the proof has stood; it starts anew whenever it breaks."""
    if proven == (drain.recovering_since is not None):
        return drain
    noted = replace(drain, recovering_since=draft.now if proven else None)
    draft.stamps[stamp] = replace(draft.stamp(stamp), drain=noted)
    draft.happened(f"{stamp}: recovery is proven" if proven else f"{stamp}: the proof of recovery broke")
    return noted


def _plan(
    draft: Draft, step: Step, reason: str, *, evidence: tuple[RegisterKey, ...] = (), content: str = ""
) -> None:
    workload = draft.before.workload
    intent = Intent(
        id=f"{workload}/{step.stamp}/{step.verb}/{draft.before.revision + 1:010d}",
        verb=step.verb,
        stamp=step.stamp,
        rule=step.rule.name,
        family=step.rule.family,
        reason=reason,
        planned_at=draft.now,
        evidence=evidence,
        content=content,
    )
    draft.put_intent(intent)
    draft.happened(f"{step.verb} of {step.stamp} planned: {reason}")


def hold_step(draft: Draft, step: Step, against: list[Hold]) -> None:
    """Keep why a wanted step is not taken.

    Where the same guardrails held before, their first words stay: numbers that
    only count up are no news, and no reason to write.
    """
    known = {(held.verb, held.stamp, held.rule, held.guardrail): held for held in draft.before.held}
    for hold in against:
        key = (step.verb, step.stamp, step.rule.name, str(hold.guardrail))
        draft.held.append(known.get(key) or HeldStep(*key, reason=hold.reason))
