"""What is broken: one stamp, or something that draining a stamp cannot mend?

Draining moves traffic away from one stamp. It helps only where the fault is
that stamp's own, and does harm anywhere else.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rules.findings import Finding
from rules.health import Facts
from rules.reach import Scope
from rules.rule import Rule
from rules.signals import Health
from rules.topology import Workload

TELEMETRY = "AzureTelemetry"
"""The node of what we see by: red, and neither silence nor any health score proves anything."""

AT_THE_EDGE = frozenset({"FrontDoor", "AzureEdge"})
"""Nodes that lie before every stamp: red while the stamps are well."""

HELD_BY = (Scope.GLOBAL, Scope.EDGE, Scope.UNKNOWN, Scope.PARTIAL)
"""The scopes for which a drain does not help, the one that says most first."""


@dataclass(frozen=True, slots=True)
class ScopeVerdict:
    """The scope, and the evidence for it in words."""

    scope: Scope
    reason: str


TELEMETRY_LEAST = 2
"""One stamp that fails so is a stamp that is red by the health model."""


@dataclass(frozen=True)
class Situation:
    """All that the scope of a fault, and the guardrails, are judged by.

    Attributes:
        workload: its stamps and numbers.
        facts: what stands.
        findings: the rules that hold.
        out: the stamps out of rotation, by whomever.
        draining_rules: the rules that ask for a drain; a stamp with such a finding counts as red.
        rules: by name; what some of them say of a fault's reach, and of a stamp's headroom.
        deaf: the stamps whose HealthService fails by its look at the health model alone.
    """

    workload: Workload
    facts: Facts
    findings: Collection[Finding]
    out: Collection[str]
    draining_rules: Collection[str]
    rules: Mapping[str, Rule] = field(default_factory=dict)
    deaf: Collection[str] = ()

    # What every finding is compared with is worked out once: a storm has hundreds of findings.

    @cached_property
    def asked_to_drain(self) -> frozenset[str]:
        """The stamps for which some rule asks for a drain."""
        asking = (found for found in self.findings if found.rule in self.draining_rules)
        return frozenset(found.stamp for found in asking if found.stamp)

    @cached_property
    def by_family(self) -> Mapping[str, list[Finding]]:
        """The findings about stamps, by their family."""
        families: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.findings:
            if finding.stamp is not None:
                families[finding.family].append(finding)
        return families

    @cached_property
    def declared(self) -> Mapping[str | None, ScopeVerdict]:
        """What rules that hold say of the reach, by stamp (None: of all): of several, what says most."""
        said: dict[str | None, list[tuple[int, str]]] = defaultdict(list)
        for finding in self.findings:
            rule = self.rules.get(finding.rule)
            if rule is not None and rule.scope in HELD_BY:
                said[finding.stamp].append((HELD_BY.index(rule.scope), _by_rule(rule)))
        return {stamp: ScopeVerdict(HELD_BY[min(some)[0]], min(some)[1]) for stamp, some in said.items()}

    @cached_property
    def full(self) -> Mapping[str | None, str]:
        """The stamps that can take no more load (None: no stamp can), and why."""
        asked = ((finding.stamp, self.rules.get(finding.rule)) for finding in self.findings)
        said = [(stamp, rule.summary) for stamp, rule in asked if rule is not None and rule.no_headroom]
        # The last of equals stays in a mapping: sorted, so that the order of the findings does not matter.
        return dict(sorted(said, key=lambda row: (row[0] or "", row[1]), reverse=True))

    @cached_property
    def red_global_nodes(self) -> frozenset[str]:
        """The nodes that all stamps share and that are red."""
        red = ((stamp, node) for (stamp, node), view in self.facts.nodes.items() if view.health is Health.RED)
        return frozenset(node for stamp, node in red if stamp is None)

    @cached_property
    def in_rotation(self) -> tuple[str, ...]:
        """The stamps that nobody has taken out."""
        return tuple(name for name in self.workload.stamp_names if name not in self.out)

    @cached_property
    def red(self) -> frozenset[str]:
        """Of those, the ones whose root is red or that some rule wants out."""
        return frozenset(
            name for name in self.in_rotation if self.root(name) is Health.RED or name in self.asked_to_drain
        )

    @cached_property
    def blind(self) -> frozenset[str]:
        """Of those, the ones of which nothing is known."""
        return frozenset(name for name in self.in_rotation if self.root(name) is Health.UNKNOWN) - self.red

    def root(self, stamp: str) -> Health:
        """The health of a stamp's root node."""
        return self.facts.node(stamp, self.workload.root_node).health

    def blind_at(self, stamp: str | None) -> bool:
        """Whether the telemetry of all stamps, or of this one, is known to be broken."""
        here = self.facts.node(stamp, TELEMETRY).health
        return here is Health.RED or TELEMETRY in self.red_global_nodes


def scope_of(finding: Finding, situation: Situation) -> ScopeVerdict:
    """The scope of the fault behind a finding: what reaches furthest is said first."""
    own = _declared_by_its_rule(finding, situation)
    if finding.stamp is None:
        own = own if own and own.scope is not Scope.STAMP else None
        return own or ScopeVerdict(Scope.GLOBAL, "the finding is about the workload as a whole")
    return (
        _shared_node(finding, situation)
        or _telemetry_alone(finding, situation)
        or _same_fault_elsewhere(finding, situation)
        or _declared(finding, situation)
        or _most_are_red_or_unknown(finding, situation)
        or own
        or ScopeVerdict(Scope.STAMP, f"only {finding.stamp} is affected")
    )


def _declared_by_its_rule(finding: Finding, situation: Situation) -> ScopeVerdict | None:
    rule = situation.rules.get(finding.rule)
    return ScopeVerdict(rule.scope, _by_rule(rule)) if rule is not None and rule.scope else None


def _declared(finding: Finding, situation: Situation) -> ScopeVerdict | None:
    """What a rule says of every stamp, or of this one. That it were only a stamp's own opens nothing."""
    said = [situation.declared[at] for at in (None, finding.stamp) if at in situation.declared]
    return min(said, key=lambda verdict: HELD_BY.index(verdict.scope), default=None)


def _by_rule(rule: Rule) -> str:
    return f"by rule {rule.name}: {rule.summary}"


def _shared_node(finding: Finding, situation: Situation) -> ScopeVerdict | None:
    """What all stamps share is red, or what tells us of them is."""
    red = situation.red_global_nodes - {TELEMETRY}
    if red:
        scope = Scope.EDGE if red <= AT_THE_EDGE else Scope.GLOBAL
        return ScopeVerdict(scope, f"global node {_names(red)} is red")
    if situation.blind_at(finding.stamp):
        return ScopeVerdict(Scope.UNKNOWN, f"telemetry is blind: {TELEMETRY} is red")
    return None


def _telemetry_alone(finding: Finding, situation: Situation) -> ScopeVerdict | None:
    """Several stamps are red, and not one by anything but its HealthService's look at the health model.

    That check fails as well when its query cannot be asked (incident I1): then every stamp says 503,
    and users are served all the same. What is true cannot be known.
    """
    red = situation.red
    if finding.stamp not in red or len(red) < TELEMETRY_LEAST or not red <= set(situation.deaf):
        return None
    reason = f"HealthService of {_names(red)} fails by {situation.workload.health_score_check} alone"
    return ScopeVerdict(Scope.UNKNOWN, f"{reason}: telemetry may be lost")


def _same_fault_elsewhere(finding: Finding, situation: Situation) -> ScopeVerdict | None:
    """The same fault began on another stamp at about the same time, or stands on one that is in rotation.

    A stamp that is out does not count but for the beginning: its traffic has been moved already.
    """
    window = situation.workload.policy.same_fault_within

    def in_rotation(*found: Finding) -> bool:
        return not any(each.stamp in situation.out for each in found)

    others = {
        other.stamp
        for other in situation.by_family.get(finding.family, ())
        if other.stamp != finding.stamp
        and (in_rotation(finding, other) or abs(other.since - finding.since) <= window)
    }
    if not others:
        return None
    listed = _names({str(finding.stamp), *map(str, others)})
    return ScopeVerdict(Scope.GLOBAL, f"{finding.family} on {listed}")


def _most_are_red_or_unknown(finding: Finding, situation: Situation) -> ScopeVerdict | None:
    count, red, blind = len(situation.in_rotation), situation.red, situation.blind
    if 2 * len(red | blind) <= count:
        return None
    reason = f"of {count} stamps in rotation, red: {_names(red)}; unknown: {_names(blind)}"
    others_red = red - {finding.stamp}
    return ScopeVerdict(Scope.GLOBAL if others_red else Scope.UNKNOWN, reason)


def _names(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
