"""Can a new user paste what the README shows of writing and testing a rule, and does it look like that?"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
JOURNEY = README[README.index("### Write a rule") : README.index("### Approve or undo")]
COMMAND = re.compile(r"^\$ \.venv/bin/remediation (.+)$")
CHANGES = re.compile(r"\d+\.\d+s|  +")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the journey, in which the commands are given."""
    (tmp_path / "my").mkdir()
    for block in re.findall(r"```yaml\n(.*?)```", JOURNEY, re.DOTALL):
        name = re.match(r"# (my/\w+\.yaml)\n", block)
        (tmp_path / (name[1] if name else "my/rules.yaml")).write_text(block, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown() -> Iterator[tuple[str, list[str]]]:
    """Each command of the journey, and the lines that it is said to print; what is left out is left out."""
    for block in re.findall(r"```\n(\$ .*?)```", JOURNEY, re.DOTALL):
        command, lines = "", list[str]()
        for line in block.splitlines():
            found = COMMAND.match(line)
            if found is None:
                lines.append(line)
                continue
            if command:
                yield command, lines
            command, lines = found[1], []
        yield command, lines


def given(command: str) -> Result:
    """What comes of a command."""
    return CliRunner().invoke(app, command.split(), env={"COLUMNS": "200", "REMEDIATION_RULES": ""})


def test_every_command_of_the_journey_prints_what_is_shown(folder: Path) -> None:
    """Line by line, but for how long it took and what is left out. Coverage takes a minute: not here."""
    commands = [(command, lines) for command, lines in shown() if "--coverage" not in command]
    assert [command.split()[0] for command, _ in commands] == ["check", "rehearse", "test"]
    for command, lines in commands:
        result = given(command)
        assert result.exit_code == 0, result.output
        printed = [CHANGES.sub(" ", line).strip() for line in result.stdout.splitlines()]
        for line in (each.strip() for each in lines):
            if line and line != "…":
                assert CHANGES.sub(" ", line).strip() in printed, command
    assert {"night.html", "result.xml"} <= {path.name for path in folder.iterdir()}
