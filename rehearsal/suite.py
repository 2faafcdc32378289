"""What is there to be tested in this folder, and how did it go? Scenarios and rule tests together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from rehearsal.coverage import Coverage
from rehearsal.rule_tests import RuleTest, run_rule_tests
from rehearsal.run import Run, rehearse
from rehearsal.scenario.load import load_scenario
from rules.problems import FileError
from rules.yaml_tree import read


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario or rule test, and what came of it.

    Attributes:
        file: where it stands.
        name: what it claims.
        row: of the failure table; empty for none.
        passed: whether it holds.
        faults: what does not, with what happened instead and why.
        seconds: how long it took here.
    """

    file: str
    name: str
    row: str
    passed: bool
    faults: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class Suite:
    """Everything that was tested.

    Attributes:
        outcomes: of each, in the order of the files.
        coverage: of the rules.
        unread: the files that could not be read.
        unreadable: their problems, each with file, line and column.
        virtual_seconds: how much time passed in the rehearsals.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    unread: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    virtual_seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Everything holds, and every file could be read."""
        return not self.unread and all(each.passed for each in self.outcomes)

    @property
    def rows(self) -> list[str]:
        """The rows of the failure table that a passed scenario proves."""
        return sorted({each.row for each in self.outcomes if each.row and each.passed})


def run_suite(
    folder: Path, *, seed: int | None = None, told: Callable[[Outcome], None] = lambda _: None
) -> Suite:
    """Run every scenario and every rule test in a folder, or in one file.

    Args:
        folder: where they are, or the file.
        seed: of all chance; each scenario's own where none is given.
        told: is called with each outcome as soon as it is known.

    Raises:
        FileNotFoundError: nothing to be tested is there.
    """
    suite, found = Suite(), files_of(folder)
    if not found:
        raise FileNotFoundError(f"no scenario and no rule test in {folder}")
    for file, is_scenario in found:
        known = len(suite.outcomes)
        try:
            if is_scenario:
                _rehearse(suite, file, seed)
            else:
                _test(suite, file)
        except FileError as error:
            suite.unread.append(str(file))
            suite.unreadable += str(error).splitlines()
        except OSError as error:
            suite.unread.append(str(file))
            suite.unreadable.append(f"{error.filename}: {error.strerror}")
        for outcome in suite.outcomes[known:]:
            told(outcome)
    return suite


def files_of(folder: Path) -> list[tuple[Path, bool]]:
    """The files to be tested, and whether each is a scenario. Rule and workload files are none."""
    files = sorted(folder.rglob("*.y*ml")) if folder.is_dir() else [folder]
    found = []
    for file in files:
        keys = _keys(file)
        if "rule_tests" in keys:
            found.append((file, False))
        elif keys is _UNREADABLE or {"expect", "timeline"} & set(keys) or file == folder:
            found.append((file, True))
    return found


_UNREADABLE = ("unreadable",)


def _keys(file: Path) -> Sequence[str]:
    """The keys of a file; one that cannot be read is told of when it is run."""
    try:
        value = read(file.read_bytes(), str(file)).value
    except (FileError, OSError):
        return _UNREADABLE
    return [str(key) for key in value] if isinstance(value, dict) else []


def _rehearse(suite: Suite, file: Path, seed: int | None) -> None:
    scenario, began = load_scenario(file), perf_counter()
    run = rehearse(scenario, seed=seed)
    seconds = perf_counter() - began
    suite.coverage.add_run(run)
    suite.virtual_seconds += scenario.run.total_seconds()
    suite.outcomes.append(
        Outcome(str(file), scenario.name, scenario.row, run.passed, faults_of(run), seconds)
    )


def faults_of(run: Run) -> tuple[str, ...]:
    """What does not hold in a run, each with what happened instead and why."""
    return tuple(
        "\n".join([f"{each.text}", f"  instead: {each.instead}", *(f"  because {why}" for why in each.why)])
        for each in run.judged
        if not each.holds
    )


def _test(suite: Suite, file: Path) -> None:
    began = perf_counter()
    tests: list[RuleTest] = run_rule_tests(file)
    each_took = (perf_counter() - began) / len(tests)
    for test in tests:
        suite.coverage.add_test(test)
        suite.outcomes.append(Outcome(test.file, test.name, "", test.passed, test.faults, each_took))
