"""What does a person or a pipeline get from `rehearse` and `test`?"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.rehearsal.stories import SCENARIOS

pytestmark = pytest.mark.slow

FLAGSHIP = str(SCENARIOS / "F21-cannot-read.yaml")
WRONG = """
name: an expectation that is wrong, with <b>markup</b> in it
run: 12m
timeline: [{at: 1m, break: {what: processor, stamp: weu, as: "<script>x</script>"}}]
expect: ["drained: weu by 1m", "pages: 1"]
"""
Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs a command."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A scenario of which one expectation does not hold."""
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG, "utf-8")
    return file


def test_rehearse_tells_the_story_and_every_expectation(run: Run) -> None:
    """In order of time, with what was done and why."""
    result = run("rehearse", FLAGSHIP)
    assert result.exit_code == 0
    places = [result.stdout.index(word) for word in ("processor breaks", "deleted the state file", "passed")]
    assert places == sorted(places)
    assert "holds  drained: weu by state_file" in result.stdout


def test_rehearse_ends_with_1_and_says_why_where_an_expectation_fails(run: Run, wrong: Path) -> None:
    """What happened instead, when, and which guardrail held."""
    result = run("rehearse", wrong)
    assert result.exit_code == 1
    assert "FAILS  drained: weu by 1m" in result.stdout
    assert re.search(r"instead: drain of weu \(deleted the state file\) at \dm", result.stdout)
    assert "held by settled" in result.stdout


def test_rehearse_as_json_has_the_fixed_fields(run: Run, wrong: Path) -> None:
    """DESIGN §6: effects, pages, holds, verdicts, each with time, stamp and words; and expectations."""
    found = json.loads(run("rehearse", wrong, "--json").stdout)
    for name in ("effects", "pages", "holds", "verdicts"):
        assert found[name]
        for each in found[name]:
            assert isinstance(each["at"], int | float)
            assert each["stamp"] == "weu"
            assert each["words"]
    assert [(each["text"], each["holds"]) for each in found["expectations"]] == [
        ("drained: weu by 1m", False),
        ("pages: 1", True),
    ]
    both = json.loads(run("rehearse", wrong, FLAGSHIP, "--json").stdout)
    assert [each["passed"] for each in both["scenarios"]] == [False, True]


def test_rehearse_writes_a_page_that_loads_nothing_and_trusts_nothing(
    run: Run, wrong: Path, tmp_path: Path
) -> None:
    """Self-contained, drawn, and every text from outside escaped."""
    out = tmp_path / "page.html"
    run("rehearse", wrong, "--html", out)
    text = out.read_text("utf-8")
    assert "<svg" in text
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "<b>" not in text
    assert not re.search(r"src=|href=\"[^#]|url\(|@import", text)


def test_rehearse_tells_an_incident_in_full_once_and_then_what_is_new(run: Run) -> None:
    """A page that the team reads as well is one line; what follows names the family and what was done."""
    told = [
        line for line in run("rehearse", FLAGSHIP).stdout.splitlines() if " page " in line or "notif" in line
    ]
    said = [line.split("  ", 3)[-1].strip() for line in told]
    assert sum("does not read its event hub" in line for line in said) == 1
    assert "(the team is told, too)" in said[0]
    family = "background-processor-cannot-read"
    news = [line.partition(f"{family}: ")[2] for line in said[1:-1]]
    assert news[:2] == ["drain of weu is planned", "drain of weu is applied"]
    assert said[-1].endswith(f"resolved: {family} (the team is told, too)")


def test_rehearse_of_a_folder_acts_out_every_scenario_and_nothing_else(run: Run, tmp_path: Path) -> None:
    """Rules, rule tests and workload files may lie beside them."""
    quiet = "{name: NAME, run: 1m, expect: [no pages]}"
    (tmp_path / "deeper").mkdir()
    (tmp_path / "a.yaml").write_text(quiet.replace("NAME", "first"), "utf-8")
    (tmp_path / "deeper/b.yaml").write_text(quiet.replace("NAME", "second"), "utf-8")
    (tmp_path / "own-rules.yaml").write_text("rules: []\n", "utf-8")
    (tmp_path / "tests.yaml").write_text("rule_tests: [{name: x, given: []}]\n", "utf-8")
    out = tmp_path / "page.html"
    result = run("rehearse", tmp_path, "--html", out)
    assert result.exit_code == 0, result.output
    assert [line for line in result.stdout.splitlines() if line in ("first", "second", "x")] == [
        "first",
        "second",
    ]
    assert "2 scenarios rehearsed" in out.read_text("utf-8")


def test_rehearse_takes_another_seed(run: Run) -> None:
    """The same scenario, another chance."""
    results = [run("rehearse", FLAGSHIP, "--json", "--seed", seed).stdout for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]


@pytest.mark.parametrize("words", [["none.yaml"], []])
def test_rehearse_of_nothing_is_wrong_usage(run: Run, words: list[str]) -> None:
    """Exit status 2, with the reason."""
    assert run("rehearse", *words).exit_code == 2


def test_rehearse_lists_every_problem_of_a_file(run: Run, tmp_path: Path) -> None:
    """With its place, as `check` does."""
    file = tmp_path / "bad.yaml"
    file.write_text("name: x\nrun: 1m\nexpect: [pagez: 1]\nruin: 3\n", "utf-8")
    result = run("rehearse", file)
    assert result.exit_code == 2
    assert "bad.yaml:4:1: unknown key `ruin`; did you mean 'run'?" in result.stderr
    assert "did you mean 'pages'?" in result.stderr


def test_test_reports_scenarios_rule_tests_and_coverage(run: Run, tmp_path: Path) -> None:
    """A user's folder in a pipeline: what holds, what does not, what was never tried."""
    (tmp_path / "good.yaml").write_text("name: quiet\nrow: F14\nrun: 2m\nexpect: [no pages]\n", "utf-8")
    (tmp_path / "own-rules.yaml").write_text("rules: []\n", "utf-8")  # no test: it is left alone
    (tmp_path / "rules-test.yaml").write_text(
        "rule_tests:\n"
        "  - {name: vault, given: [{node: weu/Keyvault, state: red}], holds: [key-vault-red at weu]}\n"
        "  - {name: wrong, given: [{node: weu/Keyvault, state: red}], holds: [root-node-red at weu],"
        " not: [key-vault-red at weu]}\n",
        "utf-8",
    )
    out = tmp_path / "junit.xml"
    result = run("test", tmp_path, "--junit", out)
    assert result.exit_code == 1
    assert "3 tests, 1 failed" in result.stdout
    assert (
        "expected that root-node-red at weu, but it does not hold; none of its facts is given"
        in result.stdout
    )
    assert "expected not that key-vault-red at weu, but it holds" in result.stdout
    assert "never held   root-node-yellow (catalog/mission_critical.yaml:" in result.stdout
    assert "rows of the failure table proved: F14" in result.stdout
    suites = ET.fromstring(out.read_text("utf-8"))  # noqa: S314 - we have just written it
    assert (suites.get("tests"), suites.get("failures")) == ("3", "1")
    assert len(suites.findall(".//failure")) == 1


COUNTS = {"tests": int, "failures": int, "errors": int, "skipped": int, "time": float}
JUNIT: dict[str, tuple[set[str], dict[str, Callable[[str], object]]]] = {
    "testsuites": ({"testsuite"}, {"name": str, **COUNTS}),
    "testsuite": ({"testcase"}, {"name": str, **COUNTS}),
    "testcase": ({"failure"}, {"classname": str, "name": str, "file": str, "time": float}),
    "failure": (set(), {"type": str, "message": str}),
}
"""What readers of the format expect: which elements may stand in each, and all of its attributes."""


def test_junit_is_what_pipelines_read(run: Run, wrong: Path, tmp_path: Path) -> None:
    """Every element and attribute where it belongs, numbers that add up, and no letter that XML forbids."""
    (tmp_path / "unreadable.yaml").write_text('name: "x \\u0007"\nexpect: [no pagez]\nrun: 1m\n', "utf-8")
    (tmp_path / "good.yaml").write_text(
        '{name: "a <b> & \\"c\\" \u2713", run: 1m, expect: [no pages]}', "utf-8"
    )
    out = tmp_path / "junit.xml"
    assert run("test", tmp_path, "--junit", out).exit_code == 2
    root = ET.fromstring(out.read_text("utf-8"))  # noqa: S314 - we have just written it
    for element in root.iter():
        children, attributes = JUNIT[element.tag]
        assert {child.tag for child in element} <= children
        assert element.keys() == list(attributes)
        for name, value in element.attrib.items():
            attributes[name](value)
    cases, failed = root.findall(".//testcase"), root.findall(".//failure")
    assert (len(cases), len(failed)) == (3, 2) == (int(root.attrib["tests"]), int(root.attrib["failures"]))
    assert sum(int(suite.attrib["tests"]) for suite in root) == 3
    assert any(each.attrib["message"].startswith("drained: weu by 1m") for each in failed)


def test_test_tells_each_outcome_as_soon_as_it_is_known(run: Run, wrong: Path, tmp_path: Path) -> None:
    """And at the end once more what failed, so that nobody must look for it among a hundred lines."""
    (tmp_path / "zzz.yaml").write_text("{name: quiet, run: 1m, expect: [no pages]}", "utf-8")
    lines = run("test", tmp_path).stdout.splitlines()
    assert [line[:4] for line in lines if line.startswith(("ok", "FAIL"))] == ["FAIL", "ok  ", "FAIL"]
    assert lines[-2] == f"FAIL  {wrong}: an expectation that is wrong, with <b>markup</b> in it"


def test_test_counts_the_branches_of_conditions(run: Run, tmp_path: Path) -> None:
    """A branch of `any` that nothing ever made true is named."""
    (tmp_path / "own.yaml").write_text(
        "rules:\n"
        "  - name: either\n    summary: One of two.\n    severity: error\n    playbook: page\n"
        "    when: {any: [{node: A, state: red}, {node: B, state: red, for: 1m}]}\n",
        "utf-8",
    )
    test = "  - {name: a, given: [{node: weu/NODE, state: red, since: SINCE}], holds: [either at weu]}\n"
    file = tmp_path / "tests.yaml"
    file.write_text(
        f"rules: [own.yaml]\nrule_tests:\n{test.replace('NODE', 'A').replace('SINCE', '2m')}", "utf-8"
    )
    found = json.loads(run("test", file, "--json").stdout)["coverage"]
    assert (found["rules"], found["held"], found["conditions"], found["true"]) == (1, 1, 4, 2)
    assert found["never_true"] == {"either": ["for 1m: B is red", "B is red"]}
    second = test.replace("NODE", "B").replace("SINCE", "2m")
    file.write_text(file.read_text("utf-8") + second, "utf-8")
    assert json.loads(run("test", file, "--json").stdout)["coverage"]["true"] == 4


def test_test_ends_with_2_where_a_file_cannot_be_read_and_counts_each(run: Run, tmp_path: Path) -> None:
    """A scenario that is not run must not look like one that passed; the others are run all the same."""
    (tmp_path / "bad.yaml").write_text("name: x\nexpect: [no pages\n", "utf-8")
    (tmp_path / "worse.yaml").write_text("run: 1m\nruin: 2m\nexpect: [pagez: 1]\n", "utf-8")
    (tmp_path / "quiet.yaml").write_text("{name: quiet, run: 1m, expect: [pages: 1]}\n", "utf-8")
    result = run("test", tmp_path)
    assert result.exit_code == 2
    assert "bad.yaml:" in result.stdout
    assert "1 test, 1 failed, 2 files could not be read; " in result.stdout
    alone = run("test", tmp_path / "bad.yaml")
    assert alone.exit_code == 2
    assert "0 tests, 0 failed, 1 file could not be read; " in alone.stdout


def test_a_file_that_is_not_there_is_the_same_to_test_and_to_rehearse(run: Run, tmp_path: Path) -> None:
    """2: it could not be read. 1 would mean that an expectation failed."""
    nowhere = tmp_path / "nowhere"
    told = [run(command, nowhere) for command in ("test", "rehearse")]
    assert [each.exit_code for each in told] == [2, 2]
    assert all(f"{nowhere}: No such file or directory" in each.output for each in told)


def test_test_of_an_empty_folder_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    """Nothing tested is not everything well."""
    assert run("test", tmp_path).exit_code == 2


def test_schemas_are_published(run: Run) -> None:
    """For editors."""
    assert json.loads(run("schema", "scenario").stdout)["title"] == "scenario for the remediation worker"
    assert "rule_tests" in json.loads(run("schema", "rule-tests").stdout)["properties"]
