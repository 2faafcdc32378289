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
from rehearsal.scenario.named import NamedFiles, located
from rehearsal.scenario.sense import below, wrong_rule, wrong_stamp
from rehearsal.scenario.workload import START
from rules.evaluate import Asked, Evaluation, RuleSet, Since, evaluate
from rules.fields import AlertName, Line, Matches, SeverityWord, StampName, Strict
from rules.health import facts
from rules.load import checked, listed, load_catalog, load_rules
from rules.policy import Policy
from rules.problems import Complaint, FileError, refuse
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
        if self.node is not None and (self.stamp is not None or self.severity is not None):
            yield Complaint("`stamp` and `severity` are an alert's", "a node is written STAMP/NODE")
        if self.alert is not None and self.source is not None:
            yield Complaint("an alert has no `source`", "its source is its name", ("source",))

    @property
    def stamp_name(self) -> str | None:
        """The stamp that it is about; None for none."""
        if self.node is None:
            return self.stamp
        stamp = self.node.partition("/")[0]
        return None if stamp == ALL else stamp

    def signal(self, now: datetime, number: int) -> Signal:
        """As a source would say it. Health is repeated all the time, so it is fresh."""
        if self.node is not None:
            subject = Subject(WORKLOAD, self.stamp_name, self.node.partition("/")[2])
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

    @model_validator(mode="after")
    def _is_sound(self) -> "RuleTestModel":
        if not (self.holds or self.holds_not):
            refuse([Complaint("expected rules under `holds` or `not`, found none", "else it tests nothing")])
        return self


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
        FileError: with every problem of the file, and of the rule files that it names.
        OSError: it cannot be opened.
    """
    model, tree, problems = checked(RuleTestFile, path.read_bytes(), str(path))
    if model is None or problems:
        raise FileError(listed(problems))
    named = NamedFiles(tree, path.parent)
    texts = named.texts(model.rules, "rules")
    if named.problems:
        raise FileError(named.problems)
    rules = RuleSet(load_rules(texts) if texts else load_catalog())
    if wrong := located(tree, _senseless(model, rules)):
        raise FileError(listed(wrong))
    return [_run(str(path), test, model.stamps, rules) for test in model.rule_tests]


def rule_tests_schema() -> dict[str, Any]:
    """The JSON Schema of a file of rule tests."""
    return schema_of(RuleTestFile)


def _senseless(model: RuleTestFile, rules: RuleSet) -> Iterator[Complaint]:
    """Stamps and rules that are not there: `not: [root-node-red at wue]` would hold for ever."""
    for number, test in enumerate(model.rule_tests):
        for place, fact in enumerate(test.given):
            if fact.stamp_name is not None:
                of_it = wrong_stamp(fact.stamp_name, model.stamps, "node" if fact.node else "stamp")
                yield from below(of_it, "rule_tests", number, "given", place)
        for key, said in (("holds", test.holds), ("not", test.holds_not)):
            for place, (rule, stamp) in enumerate(map(_asked, said)):
                if stamp is not None:
                    yield from below(wrong_stamp(stamp, model.stamps), "rule_tests", number, key, place)
                yield from below(wrong_rule(rule, stamp or ALL, rules), "rule_tests", number, key, place)


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
    faults = (*_missing(test, evaluation), *_unwanted(test, evaluation))
    return RuleTest(file, test.name, faults, rules, evaluation, given, since)


def _missing(test: RuleTestModel, evaluation: Evaluation) -> Iterator[str]:
    holding = evaluation.holding
    for said in test.holds:
        asked = _asked(said)
        if asked not in holding:
            verdict = evaluation.verdicts.get(asked)
            why = f"{verdict.answer}: {verdict.reason}" if verdict else "none of its facts is given"
            yield f"expected that {said}, but it does not hold; {why}"


def _unwanted(test: RuleTestModel, evaluation: Evaluation) -> Iterator[str]:
    for said in test.holds_not:
        if (verdict := evaluation.holding.get(_asked(said))) is not None:
            yield f"expected not that {said}, but it holds; {verdict.reason}"


def _asked(said: str) -> Asked:
    rule, _, where = said.partition(" at ")
    return Asked(rule, None if where == ALL else where)
