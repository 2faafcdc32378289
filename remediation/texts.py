"""Which charges do some files make, and what is wrong with those that make none?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from remediation.decide.plan import Charge
from rules.evaluate import RuleSet
from rules.load import load_catalog, load_rules, load_workload
from rules.problems import FileError, Problem
from rules.topology import Stamp, Workload

PROBLEMS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Texts:
    """The files as they are: text by display name. No rules: the shipped catalogue."""

    workloads: Mapping[str, str]
    rules: Mapping[str, str] = field(default_factory=dict)


def charges_of(texts: Texts, place: Callable[[Stamp], Stamp] = lambda stamp: stamp) -> dict[str, Charge]:
    """The charges that some files make, by workload.

    Raises:
        FileError: with every problem of every file.
    """
    problems: list[Problem] = []
    charges: dict[str, Charge] = {}
    first: dict[str, str] = {}
    rules = None
    try:
        rules = RuleSet(load_rules(texts.rules) if texts.rules else load_catalog())
    except FileError as error:
        problems += error.problems
    for file, text in texts.workloads.items():
        try:
            workload = load_workload(text, file)
        except FileError as error:
            problems += error.problems
            continue
        if (earlier := first.setdefault(workload.name, file)) != file:
            message = f"the workload {workload.name} stands in {earlier} already"
            problems.append(Problem(file, 1, 1, message, "delete one of them"))
        elif rules is not None:
            charges[workload.name] = Charge(_placed(workload, place), rules)
    if problems:
        raise FileError(problems)
    return charges


def _placed(workload: Workload, place: Callable[[Stamp], Stamp]) -> Workload:
    return replace(workload, stamps=tuple(place(stamp) for stamp in workload.stamps))


def words_of(error: Exception) -> str:
    """The first problems of a file, or why it cannot be opened."""
    if not isinstance(error, FileError):
        file = getattr(error, "filename", None)
        return f"{file}: {getattr(error, 'strerror', None) or type(error).__name__}" if file else str(error)
    lines = str(error).splitlines()
    more = f"; and {len(lines) - PROBLEMS_TOLD} more" if len(lines) > PROBLEMS_TOLD else ""
    return "; ".join(lines[:PROBLEMS_TOLD]) + more
