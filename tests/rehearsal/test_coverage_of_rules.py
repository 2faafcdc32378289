"""Is every rule counted by itself, also where two rule files have one of the same name?"""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

RULE = """
rules:
  - name: vault
    summary: The vault is red.
    severity: error
    playbook: page
    when: CONDITION
"""
FIRST, SECOND = "{node: Keyvault, state: red}", "{any: [{node: Other, state: red}, {node: More, state: red}]}"
TEST = "rules: [rules.yaml]\nrule_tests: [{name: x, given: [{node: weu/Keyvault, state: red}], EXPECTED}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two teams, each with its own `rules.yaml`, in which a rule of the same name means something else."""
    for team, condition, expected in (("a", FIRST, "holds"), ("b", SECOND, "not")):
        (tmp_path / team).mkdir()
        (tmp_path / team / "rules.yaml").write_text(RULE.replace("CONDITION", condition), "utf-8")
        text = TEST.replace("EXPECTED", f"{expected}: [vault at weu]")
        (tmp_path / team / "tests.yaml").write_text(text, "utf-8")
    return tmp_path


def covered(folder: Path) -> dict[str, object]:
    """What `remediation test --json` says of coverage."""
    answer = CliRunner().invoke(app, ["test", str(folder), "--json"])
    assert answer.exit_code == 0, answer.output
    found: dict[str, object] = json.loads(answer.stdout)["coverage"]
    return found


def test_rules_of_one_name_in_two_files_are_two_rules(folder: Path) -> None:
    """Else the first to hold would speak for both, and the parts of the second would be counted nowhere."""
    assert covered(folder) == {
        "rules": 2,
        "held": 1,
        "conditions": 4,
        "true": 1,
        "never_held": [f"vault ({folder}/b/rules.yaml)"],
        "never_true": {},
    }


def test_a_rule_file_that_two_name_differently_is_one_file(folder: Path) -> None:
    """`../a/rules.yaml` and `rules.yaml` are the same rules."""
    (folder / "b/tests.yaml").write_text(
        TEST.replace("rules.yaml", "../a/rules.yaml").replace("EXPECTED", "holds: [vault at weu]"), "utf-8"
    )
    found = covered(folder)
    assert (found["rules"], found["held"], found["never_held"]) == (1, 1, [])


def test_a_scenario_and_a_rule_test_count_for_the_same_rule(folder: Path) -> None:
    """Whichever makes it hold."""
    (folder / "b/night.yaml").write_text(
        "name: n\nrun: 3m\nrules: [rules.yaml]\nexpect: [finding: vault at weu]\n"
        "timeline: [{at: 1m, health: {node: weu/Other, state: red}}]\n",
        "utf-8",
    )
    found = covered(folder)
    assert (found["rules"], found["held"], found["true"]) == (2, 2, 3)
    assert found["never_true"] == {f"vault ({folder}/b/rules.yaml)": ["More is red"]}
