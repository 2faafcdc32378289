"""Which rules hold now, since when, and on whose word?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rules.conditions import Verdict
from rules.evaluate import Asked, Evaluation, RuleSet
from rules.signals import RegisterKey

EVIDENCE_KEPT = 16


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that holds for a stamp, or for the workload as a whole.

    Attributes:
        rule: the rule's name.
        family: the rule's family.
        stamp: the stamp; None for the workload.
        since: the reconcile at which it first held.
        reason: the verdict's words, as they were last seen to differ in substance.
        evidence: whose words it has rested on since it began: only they can prove recovery.
        alone_since: since when its scope has been this one stamp; None while it reaches further.
        may_act: whether every word it rests on now may cause an action; `why` tells why not.
    """

    rule: str
    family: str
    stamp: str | None
    since: datetime
    reason: str
    evidence: tuple[RegisterKey, ...] = ()
    alone_since: datetime | None = None
    may_act: bool = True
    why: str = ""


def update(
    known: Mapping[Asked, Finding], evaluation: Evaluation, rules: RuleSet, now: datetime
) -> dict[Asked, Finding]:
    """The findings at `now`: those that began, those that go on; the others have ended."""
    return {
        asked: _went_on(known[asked], verdict) if asked in known else _began(asked, verdict, rules, now)
        for asked, verdict in evaluation.holding.items()
    }


def _began(asked: Asked, verdict: Verdict, rules: RuleSet, now: datetime) -> Finding:
    blank = Finding(asked.rule, rules.by_name[asked.rule].family, asked.stamp, now, verdict.reason)
    return _went_on(blank, verdict)


def _went_on(finding: Finding, verdict: Verdict) -> Finding:
    keys = dict.fromkeys((*finding.evidence, *(signal.key for signal in verdict.evidence)))
    never = [signal.why for signal in verdict.evidence if not signal.may_act]
    return replace(
        finding,
        # The words carry times that move with every refresh; the first are the ones that were acted upon.
        evidence=tuple(keys)[:EVIDENCE_KEPT],
        may_act=not never,
        why=never[0] if never else "",
    )
