"""What is broken: one stamp, or something that draining a stamp cannot mend?

Draining moves traffic away from one stamp. It helps only where the fault is
that stamp's own, and does harm anywhere else.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from rules.conditions import words
from rules.findings import Finding
from rules.health import Facts
from rules.signals import Health
from rules.topology import Workload


class Scope(StrEnum):
    """What is broken. Only for `stamp` does a drain help."""

    NONE = "none"
    STAMP = "stamp"
    PARTIAL = "partial"
    GLOBAL = "global"
    EDGE = "edge"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ScopeVerdict:
    """The scope, and the evidence for it in words."""

    scope: Scope
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the scope of a fault, and the guardrails, are judged by.

    Attributes:
        workload: its stamps and numbers.
        facts: what stands.
        findings: the rules that hold.
        out: the stamps out of rotation, by whomever.
        draining_rules: the rules that ask for a drain; a stamp with such a finding counts as red.
    """

    workload: Workload
    facts: Facts
    findings: Collection[Finding]
    out: Collection[str]
    draining_rules: Collection[str]

    @property
    def asked_to_drain(self) -> set[str]:
        """The stamps for which some rule asks for a drain."""
        return {found.stamp for found in self.findings if found.stamp and found.rule in self.draining_rules}

    def root(self, stamp: str) -> Health:
        """The health of a stamp's root node."""
        return self.facts.node(stamp, self.workload.root_node).health


def scope_of(finding: Finding, situation: Situation) -> ScopeVerdict:
    """The scope of the fault behind a finding."""
    if finding.stamp is None:
        return ScopeVerdict(Scope.GLOBAL, "the finding is about the workload as a whole")
    return (
        _global_node(situation.facts)
        or _same_fault_elsewhere(finding, situation)
        or _most_are_red_or_unknown(finding, situation)
        or ScopeVerdict(Scope.STAMP, f"only {finding.stamp} is affected")
    )


def _global_node(facts: Facts) -> ScopeVerdict | None:
    red = {node for (stamp, node), view in facts.nodes.items() if stamp is None and view.health is Health.RED}
    return ScopeVerdict(Scope.GLOBAL, f"global node {_names(red)} is red") if red else None


def _same_fault_elsewhere(finding: Finding, situation: Situation) -> ScopeVerdict | None:
    window = situation.workload.policy.same_fault_within
    stamps = {
        other.stamp
        for other in situation.findings
        if other.stamp and other.family == finding.family and abs(other.since - finding.since) <= window
    }
    if len(stamps) < 2:
        return None
    return ScopeVerdict(Scope.GLOBAL, f"{finding.family} on {_names(stamps)} within {words(window)}")


def _most_are_red_or_unknown(finding: Finding, situation: Situation) -> ScopeVerdict | None:
    in_rotation = [name for name in situation.workload.stamp_names if name not in situation.out]
    asked = situation.asked_to_drain
    red = {name for name in in_rotation if situation.root(name) is Health.RED or name in asked}
    blind = {name for name in in_rotation if situation.root(name) is Health.UNKNOWN} - red
    if 2 * len(red | blind) <= len(in_rotation):
        return None
    reason = f"of {len(in_rotation)} stamps in rotation, red: {_names(red)}; unknown: {_names(blind)}"
    others_red = red - {finding.stamp}
    return ScopeVerdict(Scope.GLOBAL if others_red else Scope.UNKNOWN, reason)


def _names(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
