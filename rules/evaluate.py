"""Which rules hold, for which stamps, and why?

Rules are indexed by the facts they need. A rule none of whose facts is there is
never looked at, so ten rules and a thousand cost the same where nothing is wrong.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from rules.conditions import (
    ANY_ALERT,
    Answer,
    Condition,
    FactKey,
    Moment,
    NodeIs,
    Verdict,
    judge,
    walk,
    watched,
)
from rules.health import Facts
from rules.policy import Mode
from rules.rule import AskedOf, Rule


class Asked(NamedTuple):
    """One rule, asked about one stamp (None: the workload)."""

    rule: str
    stamp: str | None


class Waiting(NamedTuple):
    """One `for` of one rule, asked about one stamp."""

    rule: str
    stamp: str | None
    path: str


Since = Mapping[Waiting, datetime]
"""Since when each `for` has been seen to hold. Lies in the record, so that it outlives the worker."""


_NO_HEALTH: frozenset[str] = frozenset()


class RuleSet:
    """Rules, in the order of their files, and the index over what they need."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: tuple[Rule, ...] = tuple(rules)
        self.by_name: dict[str, Rule] = {rule.name: rule for rule in self.rules}
        self.draining: frozenset[str] = frozenset(rule.name for rule in self.rules if rule.playbook.drains)
        self.on_trial: frozenset[str] = frozenset(
            rule.name for rule in self.rules if rule.mode is Mode.OBSERVE
        )
        self._order = {rule.name: place for place, rule in enumerate(self.rules)}
        self._by_fact: dict[FactKey, list[Rule]] = defaultdict(list)
        self._always: list[Rule] = []
        for rule in self.rules:
            needed = watched(rule.when)
            if needed is None:
                self._always.append(rule)
            for key in needed or ():
                self._by_fact[key].append(rule)
        self.watched_healths: dict[str, set[str]] = defaultdict(set)
        for kind, name, health in self._by_fact:
            if kind == "node":
                self.watched_healths[name].add(health)
        self.nodes: frozenset[str] = frozenset(_nodes(self.rules))

    def candidates(self, keys: Iterable[FactKey], asked_of: AskedOf) -> list[Rule]:
        """The rules that could hold, or begin to wait, given that only these facts are there."""
        found = {rule.name: rule for key in keys for rule in self._by_fact.get(key, ())}
        found.update({rule.name: rule for rule in self._always})
        return sorted((rule for rule in found.values() if rule.asked_of is asked_of), key=self._place)

    def _place(self, rule: Rule) -> int:
        return self._order[rule.name]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The verdicts on all rules that were looked at, and the beginnings of their `for`s."""

    verdicts: Mapping[Asked, Verdict]
    since: Since = field(default_factory=dict)

    @property
    def holding(self) -> dict[Asked, Verdict]:
        """Those that hold."""
        return {asked: verdict for asked, verdict in self.verdicts.items() if verdict.answer is Answer.HOLDS}


def evaluate(rules: RuleSet, facts: Facts, stamps: Sequence[str], since: Since, now: datetime) -> Evaluation:
    """Judge every rule that could hold, for each stamp and for the workload as a whole."""
    present = _facts_by_stamp(rules, facts)
    verdicts: dict[Asked, Verdict] = {}
    waiting: dict[Waiting, datetime] = {}
    for stamp in (*stamps, None):
        asked_of = AskedOf.WORKLOAD if stamp is None else AskedOf.STAMP
        for rule in rules.candidates(present.get(stamp, ()), asked_of):
            asked = Asked(rule.name, stamp)
            verdicts[asked], begun = ask(rule, stamp, facts, since, now)
            waiting.update(begun)
    return Evaluation(verdicts, waiting)


def ask(
    rule: Rule, stamp: str | None, facts: Facts, since: Since, now: datetime
) -> tuple[Verdict, dict[Waiting, datetime]]:
    """Judge one rule about one stamp, whether or not it could hold."""
    begun = {wait.path: at for wait, at in since.items() if (wait.rule, wait.stamp) == (rule.name, stamp)}
    seen: dict[str, datetime] = {}
    verdict = judge(rule.when, Moment(facts, stamp, now, begun, seen))
    return verdict, {Waiting(rule.name, stamp, path): at for path, at in seen.items()}


def _nodes(rules: Iterable[Rule]) -> set[str]:
    """The nodes that these rules name anywhere in their conditions."""
    named: set[str] = set()

    def note(part: Condition) -> None:
        if isinstance(part, NodeIs):
            named.add(part.node)

    for rule in rules:
        walk(rule.when, note)
    return named


def _facts_by_stamp(rules: RuleSet, facts: Facts) -> dict[str | None, list[FactKey]]:
    """The facts that rules are found by. Most nodes are green, and hardly a rule asks for that."""
    present: dict[str | None, list[FactKey]] = defaultdict(list)
    watched = rules.watched_healths
    for (stamp, node), view in facts.nodes.items():
        if view.health in watched.get(node, _NO_HEALTH):
            present[stamp].append(("node", node, view.health))
    for stamp, alert in facts.alerts:
        present[stamp] += (("alert", alert, ""), ANY_ALERT)
    return present
