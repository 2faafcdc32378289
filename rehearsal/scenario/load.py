"""What does this scenario file say, or what is wrong with it, and where?

Faults are told as those of workload and rule files are: file, line, column, what was expected, and
what was probably meant. Files that a scenario names are read with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.expect.words import Expectation
from rehearsal.scenario.model import EntryModel, ScenarioFile
from rehearsal.scenario.named import NamedFiles, located
from rehearsal.scenario.sense import senseless
from rehearsal.scenario.workload import workload_of
from remediation.decide.plan import Charge
from rules.evaluate import RuleSet
from rules.load import checked, listed, load_catalog, load_rules, load_workload
from rules.problems import FileError
from rules.rule import Rule
from rules.schema import schema_of
from rules.topology import Workload


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, ready to be rehearsed.

    Attributes:
        file: where it stands.
        name: what it is called.
        row: of the failure table; empty where it proves none.
        about: why it is worth rehearsing.
        charge: the workload and its rules.
        entries: what happens, in the order of the file.
        run: how long.
        expectations: what must come of it.
        workers: how many.
        score_check: whether the HealthServices ask for the health score.
        seed: of all chance.
        bodies: the texts of the files with bodies, by name.
    """

    file: str
    name: str
    charge: Charge
    entries: tuple[EntryModel, ...]
    run: timedelta
    expectations: tuple[Expectation, ...]
    row: str = ""
    about: str = ""
    workers: int = 1
    score_check: bool = True
    seed: int = 1
    bodies: Mapping[str, str] = field(default_factory=dict)

    @property
    def absent(self) -> frozenset[str]:
        """The stamps that are not there when the run begins."""
        return frozenset(entry.stamp.comes for entry in self.entries if entry.stamp and entry.stamp.comes)


def load_scenario(path: Path, name: str = "") -> Scenario:
    """The scenario of a file.

    Raises:
        FileError: with every problem of the file, and of the files that it names.
        OSError: it cannot be opened.
    """
    return read_scenario(path.read_bytes(), name or str(path), path.parent)


def read_scenario(text: str | bytes, name: str, folder: Path) -> Scenario:
    """The scenario of a text; files that it names are looked for in a folder.

    Raises:
        FileError: with every problem.
    """
    model, tree, problems = checked(ScenarioFile, text, name)
    if model is None or problems:
        raise FileError(listed(problems))
    named = NamedFiles(tree, folder)
    bodies = {
        entry.body.file: named.text(entry.body.file, ("timeline", place, "body", "file"))
        for place, entry in enumerate(model.timeline)
        if entry.body is not None
    }
    texts, own = named.texts(model.rules, "rules"), model.workload.file
    workload_text = named.text(own, ("workload", "file")) if own else ""
    if named.problems:
        raise FileError(named.problems)
    rules = RuleSet(load_rules(texts) if texts else _shipped())
    workload = load_workload(workload_text, named.path(own)) if own else workload_of(model)
    if wrong := located(tree, senseless(model, workload, rules)):
        raise FileError(listed(wrong))
    return Scenario(
        file=name,
        name=model.name,
        row=model.row or "",
        about=model.about or "",
        charge=Charge(_in_mode(workload, model), rules),
        entries=tuple(model.timeline),
        run=model.run,
        expectations=tuple(model.expect),
        workers=model.workers,
        score_check=model.health_score_check,
        seed=model.seed,
        bodies=bodies,
    )


@cache
def _shipped() -> tuple[Rule, ...]:
    """The shipped rules: to read them anew for each scenario takes longer than to run it."""
    return load_catalog()


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors."""
    return schema_of(ScenarioFile)


def _in_mode(workload: Workload, model: ScenarioFile) -> Workload:
    """A workload file says its own mode, unless the scenario names one."""
    return replace(workload, mode=model.mode) if "mode" in model.model_fields_set else workload
