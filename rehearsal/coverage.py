"""Which rules, and which parts of their conditions, has anything here ever made true?

A rule that no scenario and no test ever makes hold is a guess; so is a branch of `any:` that never did.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rehearsal.rule_tests import RuleTest
from rehearsal.run import Run
from rehearsal.scenario.workload import START
from rules.conditions import (
    AlertFires,
    AllOf,
    Answer,
    AnyOf,
    Condition,
    HeldFor,
    Moment,
    NodeIs,
    Not,
    judge,
    words,
)
from rules.evaluate import Asked, RuleSet, Since
from rules.health import Facts, facts
from rules.policy import Policy
from rules.rule import AskedOf, Rule

JUDGED_EVERY_SECONDS = 5.0
_NOTHING_OLD = timedelta(days=1)


@dataclass(slots=True)
class RuleCovered:
    """What was ever true of one rule.

    Attributes:
        rule: which.
        holds: how often it was seen to hold.
        parts: each part of its condition by its path, in words.
        seen: the paths of those parts that were ever true.
    """

    rule: Rule
    holds: int = 0
    parts: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    @property
    def never(self) -> list[str]:
        """The parts that were never true, in words."""
        return [said for path, said in self.parts.items() if path not in self.seen]


Key = tuple[str, str]
"""File and name of a rule: rules of two files may have the same name."""


@dataclass(slots=True)
class Coverage:
    """Of all rules that took part.

    Attributes:
        rules: what was true of each, by its file and name.
    """

    rules: dict[Key, RuleCovered] = field(default_factory=dict)

    def add_run(self, run: Run) -> None:
        """Judge the rules of a run's workload again, at each of its records."""
        charge, last = run.scenario.charge, -JUDGED_EVERY_SECONDS
        self._know(charge.rules)
        workload = charge.workload
        for happening, record in run.history.records():
            self._held(charge.rules, record.findings)
            if happening.at - last < JUDGED_EVERY_SECONDS:
                continue
            last, now = happening.at, START + timedelta(seconds=happening.at)
            standing = facts(record.registers, now, workload.policy, charge.asked_for)
            self._judge(charge.rules, standing, (*workload.stamp_names, None), record.since, now)

    def add_test(self, test: RuleTest) -> None:
        """Judge the rules of a rule test."""
        self._know(test.rules)
        self._held(test.rules, test.evaluation.holding)
        standing = facts(test.given, START, Policy(fresh_for=_NOTHING_OLD))
        stamps = dict.fromkeys(key.stamp for key in test.given)
        self._judge(test.rules, standing, (*stamps, None), test.since, START)

    @property
    def held(self) -> int:
        """How many rules ever held."""
        return sum(1 for each in self.rules.values() if each.holds)

    @property
    def branches(self) -> tuple[int, int]:
        """How many parts of conditions were ever true, and how many there are."""
        every = list(self.rules.values())
        return sum(len(each.seen) for each in every), sum(len(each.parts) for each in every)

    @property
    def named(self) -> dict[str, RuleCovered]:
        """What was true of each rule by its name, with its file where several rules have that name."""
        count = Counter(name for _, name in self.rules)
        return {
            name if count[name] == 1 else f"{name} ({file})": each
            for (file, name), each in self.rules.items()
        }

    def _know(self, rules: RuleSet) -> None:
        for rule in rules.rules:
            if key_of(rule) not in self.rules:
                parts = {path: described(part) for path, part in parts_of(rule.when)}
                self.rules[key_of(rule)] = RuleCovered(rule, parts=parts)

    def _held(self, rules: RuleSet, found: Iterable[Asked]) -> None:
        for asked in found:
            self.rules[key_of(rules.by_name[asked.rule])].holds += 1

    def _judge(
        self, rules: RuleSet, standing: Facts, stamps: tuple[str | None, ...], since: Since, now: datetime
    ) -> None:
        for rule in rules.rules:
            covered = self.rules[key_of(rule)]
            if len(covered.seen) == len(covered.parts):
                continue
            for stamp in stamps:
                if (rule.asked_of is AskedOf.WORKLOAD) != (stamp is None):
                    continue
                begun = {w.path: at for w, at in since.items() if (w.rule, w.stamp) == (rule.name, stamp)}
                moment = Moment(standing, stamp, now, begun, {})
                for path, part in parts_of(rule.when):
                    if path not in covered.seen and judge(part, moment, path).answer is Answer.HOLDS:
                        covered.seen.add(path)


def key_of(rule: Rule) -> Key:
    """By what a rule is counted."""
    return rule.where.rpartition(":")[0], rule.name


def parts_of(condition: Condition, path: str = "") -> Iterator[tuple[str, Condition]]:
    """A condition and all of its parts, each with its path as `judge` counts it."""
    yield path, condition
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for number, part in enumerate(parts):
                yield from parts_of(part, f"{path}.{number}")
        case Not(part):
            yield from parts_of(part, f"{path}.not")
        case HeldFor(part):
            yield from parts_of(part, f"{path}.for")
        case _:
            return


def described(condition: Condition) -> str:
    """A condition in a few words."""
    match condition:
        case NodeIs(node, states, source):
            by = f" by {source}" if source else ""
            return f"{node} is {' or '.join(sorted(states))}{by}"
        case AlertFires(alert):
            return f"alert {alert} fires"
        case AllOf(parts):
            return f"all of: {'; '.join(map(described, parts))}"
        case AnyOf(parts):
            return f"any of: {'; '.join(map(described, parts))}"
        case Not(part):
            return f"not: {described(part)}"
        case HeldFor(part, duration):
            return f"for {words(duration)}: {described(part)}"
