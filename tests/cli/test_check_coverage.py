"""Does `check --coverage` say which failures a user's own rules would not see?"""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from rehearsal.rows import SCENARIOS
from rehearsal.uncovered import Covering, RowCovered, rows_covered
from rules.evaluate import RuleSet
from rules.load import load_catalog, load_rules

OWN = """
rules:
  - name: processor-red
    summary: The processor is red.
    when: {node: BackgroundProcessor, state: red}
    severity: critical
    playbook: drain
  - name: vault-noted
    summary: Something is said of a vault.
    when: {alert: '*vault*'}
    severity: info
    playbook: record
"""
ALERT_UNHEARD = """
name: the same, by the alert alone
row: F21
workload: {lag_probe: false}
timeline: [{at: 3m, alert: {rule: EventHub-metricalert-OutgoingMessages-Error, stamp: weu}}]
run: 10m
expect: ["pages: 1"]
"""
DRAINED = """
name: a drain at any time
row: F21
timeline: [{at: 3m, break: {what: processor, stamp: weu}}]
run: 15m
expect: ["drained: weu"]
"""
Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs a command."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's rules: of the processor, and one that tells nobody."""
    file = tmp_path / "own.yaml"
    file.write_text(OWN, "utf-8")
    return file


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A few of the shipped scenarios."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    for name in ("F12-registry-throttled", "F14-pod-killed", "F21-cannot-read", "F24-key-vault-get-secret"):
        (folder / f"{name}.yaml").write_bytes((SCENARIOS / f"{name}.yaml").read_bytes())
    return folder


@pytest.mark.slow
def test_each_row_is_covered_by_a_rule_or_not(run: Run, own: Path, few: Path) -> None:
    """The exit status speaks of the files alone: what is uncovered is a warning."""
    result = run("check", "--rules", own, "--coverage", "--scenarios", few)
    assert result.exit_code == 0
    assert "F12 NOT covered; processor-red would hold only by what comes later" in result.stdout
    assert "F14 needs no rule" in result.stdout
    assert "F21 covered by processor-red" in result.stdout
    assert "2 of 4 rows of the failure table are covered; look at F12, F24" in result.stdout


@pytest.mark.slow
def test_a_drain_where_the_row_forbids_it_is_called_harm(run: Run, own: Path, few: Path) -> None:
    """A rule that is too broad is worse than none: the vault is red, pods go on, and weu is drained."""
    result = run("check", "--rules", own, "--coverage", "--scenarios", few)
    [line] = [line for line in result.stdout.splitlines() if line.startswith("F24")]
    assert "HARM: drain of weu" in line
    assert "says `never: drained`" in line


def test_every_field_and_word_of_the_coverage_is_documented() -> None:
    """Whoever reads `--json` has the page."""
    page = (SCENARIOS.parent / "docs" / "rehearsal.md").read_text("utf-8")
    part = page.partition("## Coverage of the failure table")[2].partition("\n## ")[0]
    for word in (*(each.name for each in fields(RowCovered)), *Covering):
        assert f"`{word}`" in part, word
    assert "`HARM`" in part
    assert "`NEEDLESS`" in part


@pytest.mark.slow
def test_coverage_is_there_for_scripts(run: Run, own: Path, few: Path) -> None:
    """One object for each row, and nothing else on standard output."""
    found = json.loads(run("check", "--rules", own, "--coverage", "--scenarios", few, "--json").stdout)
    assert found["ok"] is True
    assert [(each["row"], each["covering"], each["rules"]) for each in found["coverage"]] == [
        ("F12", "not covered", []),
        ("F14", "needs no rule", []),
        ("F21", "covered", ["processor-red"]),
        ("F24", "covered", ["processor-red"]),
    ]
    assert found["coverage"][3]["harm"]
    for each in found["coverage"]:
        assert list(each) == [field.name for field in fields(RowCovered)]


def test_without_the_option_nothing_is_rehearsed_and_own_rules_get_a_hint(run: Run, own: Path) -> None:
    """`check` stays as fast as reading files."""
    result = run("check", "--rules", own)
    assert "--coverage tells" in result.stdout
    assert "F21" not in result.stdout
    assert "coverage" not in run("check").stdout
    assert "coverage" not in json.loads(run("check", "--rules", own, "--json").stdout)


@pytest.mark.slow
def test_a_row_that_is_seen_in_some_of_its_scenarios_only_is_partly_covered(few: Path) -> None:
    """The other sense is named: whoever has only that one would not be told."""
    (few / "F21-unheard.yaml").write_text(ALERT_UNHEARD, "utf-8")
    found = {each.row: each for each in rows_covered(RuleSet(load_rules({"own.yaml": OWN})), few)}
    assert found["F21"].covering is Covering.PARTLY
    assert found["F21"].missed == ("F21-unheard",)
    assert "partly covered by processor-red; nobody is told in F21-unheard" in str(found["F21"])


@pytest.mark.slow
def test_a_rule_that_only_writes_down_covers_nothing(few: Path) -> None:
    """Nobody would know."""
    text = OWN.replace("BackgroundProcessor", "Nothing").replace("'*vault*'", "'*registry*'")
    text += "    asked_of: workload\n"
    found = {each.row: each for each in rows_covered(RuleSet(load_rules({"own.yaml": text})), few)}
    assert found["F12"].covering is Covering.NOT
    text = text.replace("record", "notify")
    found = {each.row: each for each in rows_covered(RuleSet(load_rules({"own.yaml": text})), few)}
    assert found["F12"].rules == ("vault-noted",)


@pytest.mark.slow
def test_a_drain_that_is_not_made_is_no_harm(few: Path) -> None:
    """Whoever only wants to be woken by a rule is covered; how far rules act is their author's choice."""
    (few / "F21-drained.yaml").write_text(DRAINED, "utf-8")
    text = OWN.replace("drain", "page")
    found = {each.row: each for each in rows_covered(RuleSet(load_rules({"own.yaml": text})), few)}
    assert (found["F21"].covering, found["F21"].harm) == (Covering.COVERED, ())


@pytest.mark.slow
def test_the_shipped_rules_cover_these_rows_without_harm(few: Path) -> None:
    """As docs/failure-table.md shows of all rows."""
    assert all(each.well for each in rows_covered(RuleSet(load_catalog()), few))


def test_rules_that_cannot_be_read_are_told_as_ever_and_not_rehearsed(run: Run, tmp_path: Path) -> None:
    """Their problems, and exit status 1."""
    file = tmp_path / "bad.yaml"
    file.write_text("rules: [{name: x}]\n", "utf-8")
    result = run("check", "--rules", file, "--coverage")
    assert result.exit_code == 1
    assert "bad.yaml:1:" in result.stdout


def test_a_folder_without_scenarios_is_wrong_usage(run: Run, own: Path, tmp_path: Path) -> None:
    """Nothing covered is not the same as nothing tried."""
    result = run("check", "--rules", own, "--coverage", "--scenarios", tmp_path / "none")
    assert result.exit_code == 2
    assert "no scenarios here" in result.stderr
