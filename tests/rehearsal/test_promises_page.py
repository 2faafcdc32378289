"""Does docs/promises.md name only what there is? A page of promises that rots is worse than none."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/promises.md").read_text("utf-8")
PROMISES = [f"P{number}" for number in range(1, 21)]
NAMED = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")
ENTRY = re.compile(r"^## (P\d+): ([^\n]+)\n\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
PARTS = ("Kept", "Falsified by", "Limits")
WITHOUT_CHECKER = {"P15", "P16"}


@cache
def entries() -> dict[str, dict[str, str]]:
    """What the page says of each promise, by part."""
    found = {}
    for number, _, text in ENTRY.findall(PAGE):
        parts = re.split(r"^- \*\*([^*]+)\*\*: ", text, flags=re.MULTILINE)
        found[number] = dict(zip(parts[1::2], parts[2::2], strict=True))
    return found


@cache
def definitions(file: str) -> dict[str, str]:
    """Every function and class of a file, with its source."""
    text = (ROOT / file).read_text("utf-8")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, kinds)
    }


def is_there(file: str, name: str) -> bool:
    """Whether the file is, and defines that."""
    return (ROOT / file).is_file() and (not name or name in definitions(file))


def checkers() -> set[tuple[str, str]]:
    """Every checker of the simulation, with each promise that it can find broken."""
    found = set()
    for path in sorted((ROOT / "rehearsal/check").glob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        for name, source in definitions(file).items():
            if not name.startswith("_") and "-> Iterator[Violation]" in source:
                broken = re.findall(r'Violation\(\s*"(P\d+)"', source)
                found |= {(number, f"{file}::{name}") for number in broken}
    return found


def test_every_promise_has_an_entry_with_each_part() -> None:
    """In order; nothing is promised without saying how it is kept, what would falsify it, and its limits."""
    assert list(entries()) == PROMISES
    for number, parts in entries().items():
        assert tuple(parts) == PARTS, number
        assert all(len(text.split()) >= 5 for text in parts.values()), number


@pytest.mark.slow
@pytest.mark.parametrize("number", PROMISES)
def test_everything_that_is_named_is_there(number: str) -> None:
    """Modules, functions and tests; at least one of the first by which it is kept, and two of the last."""
    kept, falsified = (NAMED.findall(entries()[number][part]) for part in PARTS[:2])
    assert [f"{file}::{name}" for file, name in [*kept, *falsified] if not is_there(file, name)] == []
    assert [file for file, _ in kept if file.split("/")[0] in ("rules", "remediation")]
    tests = [name for file, name in falsified if file.startswith("tests/")]
    assert len(tests) >= 2
    assert all(name.startswith("test_") for name in tests)


def test_the_rest_of_the_page_names_only_what_is_there() -> None:
    """In its introduction, and where it tells of the simulation."""
    named = NAMED.findall(PAGE)
    assert len(named) > 100
    assert [f"{file}::{name}" for file, name in named if not is_there(file, name)] == []


def test_every_checker_is_named_with_the_promises_that_it_holds() -> None:
    """So that a promise that no checker sees any more is not said to be seen by one."""
    said = {
        (number, f"{file}::{name}")
        for number, parts in entries().items()
        for file, name in NAMED.findall(parts["Falsified by"])
        if file.startswith("rehearsal/check/")
    }
    assert checkers() - said == set()
    assert {number for number, _ in said} == set(PROMISES) - WITHOUT_CHECKER
    for number, named in said:
        file, _, name = named.partition("::")
        assert number in definitions(file)[name], f"{named} says nothing of {number}"


def test_links_of_the_page_lead_somewhere() -> None:
    """Other pages, and headings of its own."""
    headings = {
        re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-")
        for each in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        page, _, heading = target.partition("#")
        assert not page or (ROOT / "docs" / page).exists(), target
        assert not heading or heading in headings, target
