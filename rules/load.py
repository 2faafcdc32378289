"""What do these files say, or what is wrong with them, and where?

The one way in: text goes in, frozen dataclasses come out, or a `FileError` with
every problem that was found, each at its line and column. Nothing here reads a
file but the shipped catalogue, which is part of the package.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from rules.fields import Strict, is_tag
from rules.problems import Complaint, FileError, Path, Problem, did_you_mean
from rules.rule import Rule
from rules.rule_file import RuleFile
from rules.topology import Workload
from rules.workload_file import WorkloadFile
from rules.yaml_tree import Place, Tree, read

MAX_PROBLEMS = 100
"""More are not listed: nobody mends the hundredth without running the check again."""

_CATALOG = "mission_critical.yaml"
_File = TypeVar("_File", bound=Strict)


def load_rules(texts: Mapping[str, str | bytes]) -> tuple[Rule, ...]:
    """The rules of some files, given by display name, in their order.

    Raises:
        FileError: with every problem of every file.
    """
    rules, problems = _rules(texts)
    if problems:
        raise FileError(problems)
    return rules


def rule_problems(texts: Mapping[str, str | bytes]) -> tuple[Problem, ...]:
    """Every problem of some rule files; none, if `load_rules` would take them."""
    return _rules(texts)[1]


def catalog_texts() -> dict[str, str]:
    """The shipped rule files, by display name.

    Load them together with one's own, so that names stay unique over both.
    """
    text = files("rules").joinpath("catalog", _CATALOG).read_text("utf-8")
    return {f"catalog/{_CATALOG}": text}


def load_catalog() -> tuple[Rule, ...]:
    """The shipped rules."""
    return load_rules(catalog_texts())


def load_workload(text: str | bytes, name: str) -> Workload:
    """The workload of a file; `name` is the file's display name.

    Raises:
        FileError: with every problem of the file.
    """
    model, _, problems = checked(WorkloadFile, text, name)
    if model is None or problems:
        raise FileError(listed(problems))
    return model.frozen()


def workload_problems(text: str | bytes, name: str) -> tuple[Problem, ...]:
    """Every problem of a workload file; none, if `load_workload` would take it."""
    return listed(checked(WorkloadFile, text, name)[2])


def _rules(texts: Mapping[str, str | bytes]) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    rules: list[Rule] = []
    problems: list[Problem] = []
    first: dict[str, str] = {}
    for file, text in texts.items():
        model, tree, found = checked(RuleFile, text, file)
        problems += _sorted([*found, *_names_twice(tree, first)])
        for place, rule in enumerate(model.rules if model else ()):
            rules.append(rule.rule(f"{file}:{tree.place(('rules', place)).line}"))
    return tuple(rules), listed(problems)


def _names_twice(tree: Tree, first: dict[str, str]) -> Iterator[Problem]:
    """Asked of the plain tree, so that a fault elsewhere in a file does not hide it."""
    rules = tree.value.get("rules") if isinstance(tree.value, dict) else None
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        name = rule.get("name") if isinstance(rule, dict) else None
        if not isinstance(name, str):
            continue
        place = tree.place(("rules", number, "name"))
        here = f"{tree.file}:{place.line}:{place.column}"
        earlier = first.setdefault(name, here)
        if earlier != here:
            yield Problem(
                tree.file, *place, f"the rule `{name}` stands at {earlier} already", "rename one of them"
            )


def checked(kind: type[_File], text: str | bytes, file: str) -> tuple[_File | None, Tree, list[Problem]]:
    """The model of a file where it has one, its tree, and what is wrong with it."""
    try:
        tree = read(text, file)
    except FileError as error:
        return None, Tree(file), list(error.problems)
    try:
        return kind.model_validate(tree.value), tree, tree.problems
    except ValidationError as error:
        # Words for many thousands, none of which would be shown, would take minutes.
        faults = error.errors(include_url=False)[: 10 * MAX_PROBLEMS]
        found = [problem for fault in faults for problem in _problems(kind, tree, fault)]
        return None, tree, _sorted([*tree.problems, *found])


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def listed(problems: list[Problem]) -> tuple[Problem, ...]:
    """The first problems, and that there are more where there are."""
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    last = problems[MAX_PROBLEMS]
    more = "the problems from here on are not listed"
    return (
        *problems[:MAX_PROBLEMS],
        Problem(last.file, last.line, last.column, more, "mend the others first"),
    )


def _problems(kind: type[Strict], tree: Tree, fault: Any) -> Iterator[Problem]:
    """What pydantic found, in our words and at its place."""
    if fault["input"] is None:
        return  # the tree itself has complained of the value that is not there
    path = tuple(part for part in fault["loc"] if not is_tag(part))
    if fault["type"] == "extra_forbidden":
        complaint = _unknown_key(kind, fault["loc"])
        place = tree.place(path, key=True)
        yield Problem(tree.file, *place, complaint.message, complaint.hint)
        return
    for complaint in _complaints(fault):
        place = tree.place((*path, *complaint.at))
        yield Problem(tree.file, *place, complaint.message, complaint.hint)


def _unknown_key(kind: type[Strict], loc: Path) -> Complaint:
    known = _keys(kind, loc[:-1])
    return Complaint(
        f"unknown key `{_short(loc[-1])}`", did_you_mean(str(loc[-1]), known, f"known: {', '.join(known)}")
    )


def _short(word: object) -> str:
    text = str(word)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _keys(kind: type[BaseModel], loc: Path) -> list[str]:
    """The keys of the mapping at the end of a path, found by walking the models along it."""
    models: list[type[BaseModel]] = [kind]
    for part in loc:
        if is_tag(part):
            models = [model for model in models if issubclass(model, Strict) and model.tag() == part]
        elif isinstance(part, str):
            models = [found for model in models for found in _models(_fields(model).get(part))]
    return [key for model in models for key in _fields(model)]


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {known.alias or name: known.annotation for name, known in model.model_fields.items()}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


_TYPES = {
    "model_type": "a mapping",
    "list_type": "a list",
    "string_type": "a text",
    "int_type": "a whole number",
}


def _complaints(fault: Any) -> tuple[Complaint, ...]:
    match fault["type"]:
        case "complaint":
            said: tuple[Complaint, ...] = fault["ctx"]["complaints"]
            return said
        case "missing":
            return (Complaint(f"expected the key `{fault['loc'][-1]}`, which is missing", "add it"),)
        case "enum":
            return (_unknown_word(fault),)
        case "too_short":
            return (Complaint("expected at least one entry, found none", "add one"),)
        case "too_long":
            words = f"expected at most {fault['ctx']['max_length']} entries"
            return (Complaint(words, "every word once"),)
        case known:
            return (_wrong_type(_TYPES.get(known, "another value"), fault["input"]),)


def _unknown_word(fault: Any) -> Complaint:
    # Pydantic gives the words of the enum in a sentence, each in quotes.
    known = re.findall("'([^']+)'", fault["ctx"]["expected"])
    found = fault["input"]
    if not isinstance(found, str):
        return _wrong_type(f"one of {', '.join(known)}", found)
    return Complaint(
        f"expected one of {', '.join(known)}, found '{_short(found)}'", did_you_mean(found, known)
    )


def _wrong_type(expected: str, found: object) -> Complaint:
    """A text that was found is not repeated: it may be a secret in the wrong place."""
    hint = ""
    match found:
        case bool():
            kind = f"the boolean {str(found).lower()}"
        case int() | float():
            kind = f"the number {_short(found)}"
            hint = "put it in quotes" if expected == "a text" else ""
        case str():
            kind = "a text"
            hint = "write the number without quotes" if expected == "a whole number" else ""
        case list():
            kind = "a list"
        case _:
            kind = "a mapping"
    return Complaint(f"expected {expected}, found {kind}", hint)


__all__ = [
    "FileError",
    "Place",
    "Problem",
    "catalog_texts",
    "load_catalog",
    "load_rules",
    "load_workload",
    "rule_problems",
    "workload_problems",
]
