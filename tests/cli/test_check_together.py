"""Does `check` find what is wrong with files that are right one by one?"""

from pathlib import Path

from typer.testing import CliRunner, Result

from cli.main import app
from local.workload import shop

UNSET = dict.fromkeys(("REMEDIATION_WORKLOADS", "REMEDIATION_RULES", "WEBSITE_SITE_NAME"))

RULES = """
rules:
  - name: restart-the-processor
    summary: The processor is red.
    when: {node: BackgroundProcessor, state: red}
    severity: error
    playbook: restart
    target: processor
"""


def check(*words: str) -> Result:
    """The command, in an environment that names no files."""
    return CliRunner().invoke(app, ["check", *words], env={**UNSET, "COLUMNS": "200"})


def test_a_target_that_no_workload_names_is_a_problem(tmp_path: Path) -> None:
    """It would be held at three in the morning; with the example workload alone nobody can say."""
    workload, rules = tmp_path / "workload.yaml", tmp_path / "rules.yaml"
    workload.write_text(shop.FILE.read_text())
    rules.write_text(RULES)
    answer = check(str(workload), "--rules", str(rules))
    assert answer.exit_code == 1
    assert "no workload names a deployment 'processor'" in answer.output
    assert check("--rules", str(rules)).exit_code == 0


def test_a_workload_that_stands_in_two_files_is_a_problem(tmp_path: Path) -> None:
    """The worker would not start with them."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(shop.FILE.read_text())
    answer = check(str(tmp_path))
    assert answer.exit_code == 1
    assert "the workload shop stands in" in answer.output
