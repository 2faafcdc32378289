"""Does docs/rehearsal.md say what the code does?"""

import re
from pathlib import Path

import pytest

from rehearsal.expect.words import FORMS, Ask
from rehearsal.report.story import document
from rehearsal.rule_tests import RuleTestFile
from rehearsal.run import Run, rehearse
from rehearsal.scenario.happens import FaultHappens, PersonHappens
from rehearsal.scenario.load import read_scenario
from rehearsal.scenario.model import KINDS
from rehearsal.world.what import MEANS, OF_ALL
from rules.yaml_tree import read

PAGE = (Path(__file__).parents[2] / "docs/rehearsal.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
RULES = """
rules:
  - name: queue-not-worked-off
    summary: The stamp does not read.
    when: {node: BackgroundProcessor, state: red, source: consumer-lag}
    severity: critical
    playbook: drain
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The scenario of the page, acted out."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "my-rules.yaml").write_text(RULES, "utf-8")
    return rehearse(read_scenario(EXAMPLES[0], "page.yaml", folder))


def table(first: str) -> dict[str, str]:
    """The rows of the table that begins so: the first cell's code, and the rest."""
    text = PAGE[PAGE.index(first) :].partition("\n\n")[0]
    return dict(re.findall(r"^\| (`.+?`(?:, `.+?`)*) \| (.*) \|$", text, re.MULTILINE))


def test_the_scenario_of_the_page_comes_out_as_it_says(run: Run) -> None:
    """It can be pasted."""
    assert [(each.text, each.instead) for each in run.judged if not each.holds] == []


def test_the_rule_test_of_the_page_can_be_read() -> None:
    """It can be pasted, too."""
    assert RuleTestFile.model_validate(read(EXAMPLES[1], "page.yaml").value).rule_tests[0].holds


def test_everything_that_can_happen_is_in_the_table() -> None:
    """With each key of people and faults."""
    rows = table("| key | happens |")
    assert [word for key in rows for word in re.findall(r"\w+", key)] == list(KINDS)
    for model, row in ((PersonHappens, rows["`person`"]), (FaultHappens, rows["`fault`"])):
        assert set(re.findall(r"`(\w+)`", row)) == set(model.model_fields)


def test_everything_that_can_break_is_in_the_table() -> None:
    """In the words of the code; what is never one stamp's own is said to be so."""
    rows = {what: f"{means}{' (of all stamps)' if what in OF_ALL else ''}" for what, means in MEANS.items()}
    assert table("| what | means |") == {f"`{what}`": words for what, words in rows.items()}


def test_every_sentence_is_in_the_table() -> None:
    """With its form."""
    rows = table("| sentence | |")
    assert [f"`{ask}: {FORMS[ask]}`" if ask in FORMS else f"`{ask}`" for ask in Ask] == list(rows)[:-2]


def test_every_field_of_the_json_is_in_the_table(run: Run) -> None:
    """And every field of what is in its lists."""
    found, rows = document(run), table("| field | has |")
    assert [word for key in rows for word in re.findall(r"\w+", key)] == list(found)
    for key, content in found.items():
        if isinstance(content, list):
            assert content, f"the scenario of the page shows no {key}"
            [row] = [words for cell, words in rows.items() if f"`{key}`" in cell]
            assert set(content[0]) <= set(re.findall(r"`(\w+)`", row)), key
