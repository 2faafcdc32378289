"""Do rules hold for what they should hold for? Given facts, without a worker, a world or time passing.

The small brother of a scenario: a list of facts, and which rules hold of which stamp. A fact has stood
since some time, so that a `for` can have been waited out or not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from rehearsal.scenario.happens import ALL, NodeOf
from rehearsal.scenario.moments import Moment
from rehearsal.scenario.workload import START
from rules.evaluate import Asked, Evaluation, RuleSet, Since, evaluate
from rules.fields import AlertName, Line, Matches, SeverityWord, StampName, Strict
from rules.health import facts
from rules.load import checked, listed, load_catalog, load_rules
from rules.policy import Policy
from rules.problems import Complaint, FileError, did_you_mean, refuse
from rules.schema import schema_of
from rules.signals import AlertState, Health, RegisterKey, Severity, Signal, Subject

WORKLOAD = "shop"
_FOR_EVER = timedelta(minutes=2)
_STEP = timedelta(seconds=30)
_FRESH = timedelta(days=1)

RuleAt = Annotated[
    str, Matches(r"^[a-z0-9-]{1,80} at [a-z0-9-]{1,63}$", "RULE at STAMP, or RULE at global", "name where")
]


class FactModel(Strict):
    """Something that stands: a node's health, or an alert that fires."""

    model_config = ConfigDict(title="fact")

    node: NodeOf | None = Field(None, description="STAMP/NODE, or global/NODE.")
    state: Annotated[Health, Field(strict=False)] | None = Field(None, description="Of the node.")
    source: Line | None = Field(None, description="Who says so. Default: a health model.")
    alert: AlertName | None = Field(None, description="An alert that fires.")
    stamp: StampName | None = Field(None, description="Of the alert. Not given: of no stamp.")
    severity: SeverityWord | None = Field(None, description="Of the alert.")
    since: Moment = Field(_FOR_EVER, description="How long it has stood. Default: 2m.")

    @model_validator(mode="after")
    def _is_sound(self) -> "FactModel":
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        if (self.node is None) == (self.alert is None):
            yield Complaint("expected exactly one of `node` and `alert`")
        if (self.node is None) != (self.state is None):
            yield Complaint("a `node` needs its `state`, and an alert has none")

    def signal(self, now: datetime, number: int) -> Signal:
        """As a source would say it. Health is repeated all the time, so it is fresh."""
        if self.node is not None:
            stamp, _, node = self.node.partition("/")
            subject = Subject(WORKLOAD, None if stamp == ALL else stamp, node)
            source = self.source or f"/health-models/{WORKLOAD}"
            return Signal(str(number), subject, source, now, health=self.state)
        assert self.alert is not None  # noqa: S101 - the model has one of them
        return Signal(
            id=str(number),
            subject=Subject(WORKLOAD, self.stamp),
            source=f"alert:{self.alert}",
            observed_at=now - self.since,
            condition=AlertState.FIRED,
            alert=self.alert,
            instance=str(number),
            severity=self.severity or Severity.ERROR,
        )


class RuleTestModel(Strict):
    """One test: what is given, and which rules hold."""

    model_config = ConfigDict(title="rule test")

    name: Line = Field(description="What it claims.")
    given: list[FactModel] = Field(description="What stands. All else is unknown.")
    holds: list[RuleAt] = Field([], description="Rules that hold, each with where.")
    holds_not: list[RuleAt] = Field([], alias="not", description="Rules that do not.")


class RuleTestFile(Strict):
    """Tests of rules."""

    model_config = ConfigDict(title="rule tests for the remediation worker")

    rules: list[Line] = Field([], description="Rule files, relative. Default: the shipped catalogue.")
    stamps: list[StampName] = Field(["weu", "neu", "sdc"], min_length=1, description="The stamps there are.")
    rule_tests: list[RuleTestModel] = Field(min_length=1, description="The tests.")


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One rule test, and what came of it.

    Attributes:
        file: where it stands.
        name: what it claims.
        faults: what is not as expected, with the reason that the rule gives.
        evaluation: of every rule.
        given: the signals, for coverage.
    """

    file: str
    name: str
    faults: tuple[str, ...]
    rules: RuleSet
    evaluation: Evaluation
    given: Mapping[RegisterKey, Signal]
    since: Since

    @property
    def passed(self) -> bool:
        """Everything is as expected."""
        return not self.faults


def run_rule_tests(path: Path) -> list[RuleTest]:
    """Run the tests of a file.

    Raises:
        FileError: with every problem of the file.
        OSError: it, or a rule file that it names, cannot be opened.
    """
    model, _, problems = checked(RuleTestFile, path.read_bytes(), str(path))
    if model is None or problems:
        raise FileError(listed(problems))
    texts = {file: (path.parent / file).read_text("utf-8") for file in model.rules}
    rules = RuleSet(load_rules(texts) if texts else load_catalog())
    return [_run(str(path), test, model.stamps, rules) for test in model.rule_tests]


def rule_tests_schema() -> dict[str, Any]:
    """The JSON Schema of a file of rule tests."""
    return schema_of(RuleTestFile)


def _run(file: str, test: RuleTestModel, stamps: list[str], rules: RuleSet) -> RuleTest:
    """Judge the facts as they appeared, every 30 s, so that each `for` begins when its fact did."""
    policy = Policy(fresh_for=_FRESH)
    longest = max((fact.since for fact in test.given), default=timedelta())
    now = START - longest
    since: Since = {}
    while True:
        present = [fact.signal(now, n) for n, fact in enumerate(test.given) if fact.since >= START - now]
        given = {signal.key: signal for signal in present}
        evaluation = evaluate(rules, facts(given, now, policy), stamps, since, now)
        since = dict(evaluation.since)
        if now >= START:
            break
        now = min(START, now + _STEP)
    faults = (*_missing(test, rules, evaluation), *_unwanted(test, rules, evaluation))
    return RuleTest(file, test.name, faults, rules, evaluation, given, since)


def _missing(test: RuleTestModel, rules: RuleSet, evaluation: Evaluation) -> Iterator[str]:
    holding = evaluation.holding
    for said in test.holds:
        asked = _asked(said)
        if asked.rule not in rules.by_name:
            yield _no_rule(asked.rule, rules)
        elif asked not in holding:
            verdict = evaluation.verdicts.get(asked)
            why = f"{verdict.answer}: {verdict.reason}" if verdict else "none of its facts is given"
            yield f"expected that {said}, but it does not hold; {why}"


def _unwanted(test: RuleTestModel, rules: RuleSet, evaluation: Evaluation) -> Iterator[str]:
    for said in test.holds_not:
        asked = _asked(said)
        if asked.rule not in rules.by_name:
            yield _no_rule(asked.rule, rules)
        elif (verdict := evaluation.holding.get(asked)) is not None:
            yield f"expected not that {said}, but it holds; {verdict.reason}"


def _no_rule(name: str, rules: RuleSet) -> str:
    return f"there is no rule {name}; {did_you_mean(name, list(rules.by_name), 'look at the rule files')}"


def _asked(said: str) -> Asked:
    rule, _, where = said.partition(" at ")
    return Asked(rule, None if where == ALL else where)
