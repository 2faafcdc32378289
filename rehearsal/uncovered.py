"""Which failures that we know of would these rules not see, or answer with harm?

The shipped scenarios are acted out under a user's own rules. What the shipped rules say of them does not
matter here, and neither do times: only whether somebody would be told, and whether a stamp would be
drained where none must be.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePath

from rehearsal.expect.words import Ask, Expectation, Span
from rehearsal.rows import ROWS, SCENARIOS, answering, row_scenarios
from rehearsal.run import Run, rehearse
from rehearsal.scenario.load import Scenario
from rules.evaluate import RuleSet


class Covering(StrEnum):
    """How far rules answer a row."""

    COVERED = "covered"  # a rule tells people in every scenario of it
    PARTLY = "partly covered"  # in some
    NOT = "not covered"  # in none
    NOT_NEEDED = "needs no rule"  # nobody is to be told, and by these rules nobody is


@dataclass(frozen=True, slots=True)
class RowCovered:
    """What some rules make of one row.

    Attributes:
        row: which.
        failure: what fails, in words.
        covering: whether somebody is told.
        rules: the rules that tell of it.
        later: those that hold in its scenarios too, but only by what comes later.
        missed: the scenarios in which nobody is told of it, where there are others.
        harm: what is done that must not be, each with its scenario.
    """

    row: str
    failure: str
    covering: Covering
    rules: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    harm: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Nothing is wanting, and nothing done that must not be."""
        return self.covering in (Covering.COVERED, Covering.NOT_NEEDED) and not self.harm

    def __str__(self) -> str:
        """In a line, for people."""
        by = f" by {', '.join(self.rules)}" if self.rules else ""
        said = "NOT covered" if self.covering is Covering.NOT else f"{self.covering}{by}"
        but = [f"nobody is told in {', '.join(self.missed)}"] if self.missed else []
        if self.covering is Covering.NOT and self.later:
            but.append(f"{', '.join(self.later)} would hold only by what comes later")
        but += [f"HARM: {each}" for each in self.harm]
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
    return replace(scenario, charge=replace(scenario.charge, rules=rules))


def _row(row: str, runs: list[Run]) -> RowCovered:
    answers = [(run, *answering(run)) for run in runs]
    told = dict.fromkeys(name for _, at_once, _ in answers for name in at_once)
    later = dict.fromkeys(name for _, _, names in answers for name in names if name not in told)
    missed = [_file(run) for run, at_once, _ in answers if not at_once and not _nobody_is_to_be_told(run)]
    if not told:
        quiet = all(_nobody_is_to_be_told(run) for run in runs)
        covering, missed = (Covering.NOT_NEEDED if quiet else Covering.NOT), []
    else:
        covering = Covering.PARTLY if missed else Covering.COVERED
    harm = [each for run in runs for each in _harm(run)]
    return RowCovered(
        row, ": ".join(ROWS[row]), covering, tuple(told), tuple(later), tuple(missed), tuple(harm)
    )


def _nobody_is_to_be_told(run: Run) -> bool:
    silent = {each.ask for each in run.scenario.expectations if each.most == 0 and _always(each)}
    return {Ask.PAGES, Ask.NOTIFIED} <= silent


def _harm(run: Run) -> Iterator[str]:
    """The drains that the scenario forbids for all of its time."""
    for each, expectation in zip(run.judged, run.scenario.expectations, strict=True):
        if not each.holds and expectation.never and expectation.ask is Ask.DRAINED and _always(expectation):
            yield f"{each.instead}, where {_file(run)} says `{each.text}`"


def _always(expectation: Expectation) -> bool:
    return expectation.span == Span()


def _file(run: Run) -> str:
    return PurePath(run.scenario.file).stem
