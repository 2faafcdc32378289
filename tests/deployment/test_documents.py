"""Do the documents say what the code does, and do their links and commands lead anywhere?"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cli.main import app
from remediation.decide import by_hand
from remediation.decide.case import Guardrail
from remediation.decide.guardrails import BY_HAND, BY_RULE, FALLBACK, Guard, fault, pace, survivors, target
from remediation.decide.notice import LEARNED_FROM, LEARNED_LEAST
from remediation.decide.progress import MAX_ATTEMPTS
from remediation.ledger.intent import LeverKind, Verb
from rules.conditions import words
from rules.load import load_workload
from rules.policy import Policy
from rules.reach import Scope
from rules.schema import workload_schema
from rules.yaml_tree import read

ROOT = Path(__file__).parents[2]
GUARDRAILS = (ROOT / "docs/guardrails.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.yaml"))
ALL, RULES_ONLY = "●", "○"
COLUMNS = ("drain", "2nd", "rejoin", "restart", "webhook")


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading of docs/guardrails.md, without its head."""
    section = GUARDRAILS.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def asked_by_the_code() -> dict[str, tuple[Guard, dict[str, str]]]:
    """By name, each guardrail and who is asked it, column by column."""
    of_people = {Verb.DRAIN: BY_HAND[Verb.DRAIN], Verb.REJOIN: BY_HAND[Verb.REJOIN]}
    of_rules = {str(verb): guards for verb, guards in BY_RULE.items()} | {"2nd": FALLBACK}
    by_people = {str(verb): guards for verb, guards in of_people.items()} | {"2nd": of_people[Verb.DRAIN]}
    found: dict[str, tuple[Guard, dict[str, str]]] = {}
    for column, guards in of_rules.items():
        for guard in guards:
            who = ALL if guard in by_people.get(column, ()) else RULES_ONLY
            found.setdefault(guard.__name__, (guard, {}))[1][column] = who
    return found


def test_the_table_of_guardrails_names_each_of_them_and_the_steps_that_ask_it() -> None:
    """Every guardrail has a row; a mark says of which step it is asked, and whether of people too."""
    shown = {
        row[0].strip("`"): {column: mark for column, mark in zip(COLUMNS, row[3:], strict=True) if mark}
        for row in table("Guardrails")
    }
    assert shown == {name: marks for name, (_, marks) in asked_by_the_code().items()}


def test_people_are_asked_no_guardrail_that_rules_are_not() -> None:
    """Else the table would need a third mark."""
    for verb, guards in BY_HAND.items():
        assert set(guards) <= set(BY_RULE[verb])


def test_the_table_gives_every_name_under_which_a_step_is_held() -> None:
    """The holds are the closed list of reasons, and each guardrail has those that it gives itself."""
    shown = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in table("Guardrails")}
    assert set().union(*shown.values()) == set(Guardrail)
    for name, (guard, _) in asked_by_the_code().items():
        given = re.findall(r"Guardrail\.([A-Z_]+)", inspect.getsource(guard))
        assert {Guardrail[each] for each in given} <= shown[name], name


def test_every_number_of_the_page_is_the_default() -> None:
    """A number that follows a name of the policy is what holds where a workload says nothing."""
    defaults = {number.name: number.default for number in fields(Policy)}
    said = re.findall(r"`(\w+)` (\d\w*)", GUARDRAILS)
    assert said
    for name, number in said:
        default = defaults[name]
        assert number == (words(default) if isinstance(default, timedelta) else str(default)), name


def test_every_number_that_a_guardrail_asks_for_stands_in_its_table() -> None:
    """Whoever is held can look up which number to change."""
    sources = "".join(inspect.getsource(module) for module in (fault, pace, survivors, target))
    asked = set(re.findall(r"policy\.(\w+)", sources)) & {number.name for number in fields(Policy)}
    shown = {name for row in table("Guardrails") for name in re.findall(r"`(\w+)`", row[2])}
    assert asked
    assert not asked - shown


def test_the_page_tells_of_each_scope_and_each_lever() -> None:
    """None is missing, and none is made up."""
    assert [row[0].strip("`") for row in table("Scope")] == [
        Scope.GLOBAL,
        Scope.EDGE,
        Scope.UNKNOWN,
        Scope.PARTIAL,
        Scope.STAMP,
        Scope.NONE,
    ]
    assert {row[0].split("`")[1] for row in table("Scope")} == set(Scope)
    assert {row[0].split("`")[1] for row in table("Levers")} == set(LeverKind)


def test_the_page_counts_as_the_code_does() -> None:
    """What is learned from, how often it is tried; and it stays short enough to be read."""
    assert f"last {LEARNED_FROM} drains" in " ".join(GUARDRAILS.split())
    assert f"fewer than {LEARNED_LEAST} known" in " ".join(GUARDRAILS.split())
    assert f"tried {MAX_ATTEMPTS} times" in GUARDRAILS
    for guard in (by_hand.people_may, by_hand.ours_to_bring_back):
        assert f"`{guard.__name__}`" in GUARDRAILS
    assert len(GUARDRAILS.splitlines()) <= 120


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the usual sites."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> Iterator[str]:
    """The links of a page that lead into this repository."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files are there, and so are the headings."""
    for link in links(page):
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_shows_is_one(page: Path) -> None:
    """`remediation X` in code is a command of that name."""
    known = {command.name for command in app.registered_commands} | {
        group.name for group in app.registered_groups
    }
    text = page.read_text(encoding="utf-8")
    code = " ".join(re.findall(r"```.*?```", text, re.DOTALL) + re.findall(r"`[^`\n]+`", text))
    shown = re.findall(r"(?:^|[\s`/])remediation ([a-z]+)", code)
    assert set(shown) <= known


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_read_by_the_loader_and_by_editors(example: Path) -> None:
    """What people copy is right."""
    text = example.read_text(encoding="utf-8")
    load_workload(text, example.name)
    assert Draft202012Validator(workload_schema()).is_valid(read(text, example.name).value)


def test_the_examples_show_every_part_of_a_workload() -> None:
    """Every source, lever and statement has an example, but for names that differ from the reference's."""
    texts = "".join(example.read_text(encoding="utf-8") for example in EXAMPLES)
    shown = set(re.findall(r"^\s*(?:- )?(\w+):", texts, re.MULTILINE))
    left_out = set(workload_schema()["properties"]) - shown
    assert {key for key in left_out if not key.endswith(("_node", "_check"))} == {"dependencies"}
    assert {"front_door_origin", "event_hub", "health_query", "capacity", "state_file"} <= shown
