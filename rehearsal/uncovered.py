"""Which failures that we know of would these rules not see, or answer with harm or needless messages?

The shipped scenarios are acted out under a user's own rules. What the shipped rules say of them does not
matter here, nor does what is late or left undone: only whether somebody would be told, whether a step
would be taken where and while it must not be (harm), and whether people would be told, or woken, of what
is nothing to them (needless).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePath

from rehearsal.expect.judge import Judged
from rehearsal.expect.words import Ask, Expectation, Span
from rehearsal.rows import ROWS, SCENARIOS, answering, row_scenarios
from rehearsal.run import Run, rehearse
from rehearsal.scenario.load import Scenario
from rules.evaluate import RuleSet
from rules.rule import Playbook
from rules.topology import Deployment, Workload

_STEPS = (Ask.DRAINED, Ask.RESTARTED, Ask.REJOINED)
_TOLD = {Ask.PAGES: "page", Ask.NOTIFIED: "notification"}


class Covering(StrEnum):
    """How far rules answer a row."""

    COVERED = "covered"  # a rule tells people in every scenario of it
    PARTLY = "partly covered"  # in some
    NOT = "not covered"  # in none
    NOT_NEEDED = "needs no rule"  # nobody is to be told; where somebody is, that is needless


@dataclass(frozen=True, slots=True)
class RowCovered:
    """What some rules make of one row.

    Attributes:
        row: which.
        failure: what fails, in words.
        covering: whether somebody is told who should be.
        rules: the rules that tell of it, needlessly too.
        later: those that hold in its scenarios too, but only by what comes later.
        missed: the scenarios in which nobody is told of it, where there are others.
        harm: steps that are taken where, or while, the scenario says that they must never be.
        needless: who is told, or woken, where the scenario says that nobody is.
    """

    row: str
    failure: str
    covering: Covering
    rules: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    harm: tuple[str, ...] = ()
    needless: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Nothing is wanting, nothing is done that must not be, and nobody is told of nothing."""
        answered = self.covering in (Covering.COVERED, Covering.NOT_NEEDED)
        return answered and not self.harm and not self.needless

    def __str__(self) -> str:
        """In a line, for people."""
        by = f" by {', '.join(self.rules)}" if self.rules and self.covering is not Covering.NOT_NEEDED else ""
        said = "NOT covered" if self.covering is Covering.NOT else f"{self.covering}{by}"
        but = [f"nobody is told in {', '.join(self.missed)}"] if self.missed else []
        if self.covering is Covering.NOT and self.later:
            but.append(f"{', '.join(self.later)} would hold only by what comes later")
        but += [f"HARM: {each}" for each in self.harm]
        but += [f"NEEDLESS: {each}" for each in self.needless]
        return "; ".join([f"{self.row:<4}{said}", *but, self.failure])


def rows_covered(rules: RuleSet, folder: Path = SCENARIOS) -> Iterator[RowCovered]:
    """Each row of the failure table, as soon as its scenarios have been acted out under these rules.

    Raises:
        FileError: a scenario cannot be read.
        FileNotFoundError: there are no scenarios.
    """
    for row, scenarios in row_scenarios(folder).items():
        if scenarios:
            yield _row(row, [rehearse(_under(rules, scenario)) for scenario in scenarios])


def _under(rules: RuleSet, scenario: Scenario) -> Scenario:
    workload = _with_targets(scenario.charge.workload, rules)
    return replace(scenario, charge=replace(scenario.charge, rules=rules, workload=workload))


def _with_targets(workload: Workload, rules: RuleSet) -> Workload:
    """The workload with every deployment that these rules restart.

    Theirs have names of their own, and a step upon what the workload does not name is held.
    """
    names = dict.fromkeys(str(rule.target) for rule in rules.rules if rule.playbook is Playbook.RESTART)
    known = {(each.name, each.stamp) for each in workload.deployments}
    added = tuple(
        Deployment(f"https://{stamp}.aks.example", workload.name, name, name=name, stamp=stamp)
        for stamp in workload.stamp_names
        for name in names
        if (name, stamp) not in known
    )
    return replace(workload, deployments=(*workload.deployments, *added))


def _row(row: str, runs: list[Run]) -> RowCovered:
    answers = [(run, *answering(run)) for run in runs]
    to_tell = [(run, at_once) for run, at_once, _ in answers if not _nobody_is_to_be_told(run)]
    missed = [_file(run) for run, at_once in to_tell if not at_once]
    if not to_tell:
        covering = Covering.NOT_NEEDED
    elif len(missed) == len(to_tell):
        covering, missed = Covering.NOT, []
    else:
        covering = Covering.PARTLY if missed else Covering.COVERED
    told = dict.fromkeys(name for _, at_once, _ in answers for name in at_once)
    later = dict.fromkeys(name for _, _, names in answers for name in names if name not in told)
    return RowCovered(
        row,
        ": ".join(ROWS[row]),
        covering,
        tuple(told),
        tuple(later),
        tuple(missed),
        harm=tuple(each for run in runs for each in _harm(run)),
        needless=tuple(each for run in runs for each in _needless(run)),
    )


def _nobody_is_to_be_told(run: Run) -> bool:
    silent = {each.ask for each in run.scenario.expectations if each.most == 0 and _always(each)}
    return {Ask.PAGES, Ask.NOTIFIED} <= silent


def _always(expectation: Expectation) -> bool:
    return expectation.span == Span()


def _broken(run: Run) -> Iterator[tuple[Judged, Expectation]]:
    """The expectations that do not hold. Two that say the same thing of the same deed are one."""
    known: set[tuple[Ask, str]] = set()
    for judged, expectation in zip(run.judged, run.scenario.expectations, strict=True):
        key = (expectation.ask, judged.instead)
        if not judged.holds and key not in known:
            known.add(key)
            yield judged, expectation


def _harm(run: Run) -> Iterator[str]:
    """The steps that the scenario forbids, for all of its time or for some."""
    found = [each for each in _broken(run) if each[1].never and each[1].ask in _STEPS]
    drained = any(expectation.ask is Ask.DRAINED for _, expectation in found)
    for judged, expectation in found:
        # To bring back what should not have been drained ends the harm.
        if not (drained and expectation.ask is Ask.REJOINED):
            yield f"{judged.instead}, where {_file(run)} says `{judged.text}`"


def _needless(run: Run) -> Iterator[str]:
    """The messages that the scenario forbids, for all of its time or for some."""
    for judged, expectation in _broken(run):
        if expectation.most == 0 and expectation.ask in _TOLD:
            count, _, said = judged.instead.partition(": ")
            word = _TOLD[expectation.ask] + ("" if count == "1" else "s")
            yield f"{count} {word}: {said}, where {_file(run)} says `{judged.text}`"


def _file(run: Run) -> str:
    return PurePath(run.scenario.file).stem
