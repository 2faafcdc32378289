"""Is docs/failure-table.md what the rehearsals of the shipped scenarios show?"""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from rehearsal.rows import ROWS, answering, row_scenarios
from rehearsal.run import rehearse
from rehearsal.scenario.load import Scenario
from rehearsal.table import HEAD, lines, table
from tests.rehearsal.stories import a_run, a_scenario

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "failure-table.md"
NO_RULE_NEEDED = {"F14"}


@cache
def scenarios() -> dict[str, list[Scenario]]:
    """The shipped ones, by row."""
    return row_scenarios()


def rows_of_page() -> dict[str, list[str]]:
    """The lines of each row, as they stand in the page."""
    found: dict[str, list[str]] = {}
    row = ""
    for line in PAGE.read_text("utf-8").removeprefix(HEAD).splitlines():
        row = line.split(" | ")[0].strip("| ") or row
        found.setdefault(row, []).append(line)
    return found


@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_page_is_what_its_rehearsals_show(row: str) -> None:
    """Else: python -m rehearsal.table > docs/failure-table.md."""
    assert rows_of_page()[row] == list(lines(row, scenarios()[row]))


def test_the_page_has_the_head_and_every_row_in_order_and_nothing_else() -> None:
    """Thirty rows and four incidents, each once."""
    assert PAGE.read_text("utf-8").startswith(HEAD)
    assert list(rows_of_page()) == list(ROWS)
    assert list(ROWS) == [*(f"F{number:02}" for number in range(1, 31)), "I1", "I2", "I3", "I4"]


def test_every_row_is_proved_by_a_scenario_and_answered_by_a_rule() -> None:
    """By what comes first, and not only by what a scenario lets fail beside it."""
    for row, found in rows_of_page().items():
        for line in found:
            rules = line.strip("| ").split(" | ")[-4]
            assert rules.startswith("`") or row in NO_RULE_NEEDED, line
        assert scenarios()[row], row


def test_every_link_of_the_page_leads_to_a_scenario_of_its_row() -> None:
    """A proof that cannot be opened is none."""
    for row, found in rows_of_page().items():
        linked = [line.rpartition("](../scenarios/")[2].removesuffix(") |") for line in found]
        assert linked == [Path(scenario.file).name for scenario in scenarios()[row]]


def test_the_page_is_the_same_in_another_process() -> None:
    """Hashes of strings differ between processes, and must not show."""
    one = scenarios()["F29"][:1]
    program = (
        "from rehearsal.rows import row_scenarios; from rehearsal.table import lines;"
        "print(*lines('F29', row_scenarios()['F29'][:1]), sep='\\n')"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.splitlines() == list(lines("F29", one))


def test_a_row_without_a_scenario_says_that_nothing_proves_it() -> None:
    """A gap is shown, not left out."""
    assert table({"F09": []}).removeprefix(HEAD) == (
        "| F09 | **Cosmos DB**: a logical partition is full |  |  |  | nothing |\n"
    )


def test_what_rests_on_later_facts_stands_in_italics() -> None:
    """So that a drain beside a throttled vault is not taken for its answer."""
    scenario = a_scenario(
        "timeline:\n"
        "  - {at: 2m, alert: {rule: key-vault-429, stamp: weu}}\n"
        "  - {at: 10m, break: {what: processor, stamp: neu}}\n",
        name="two at once",
        run="25m",
    )
    [line] = lines("F26", [scenario])
    cells = line.strip("| ").split(" | ")
    assert cells[2] == "`key-vault-throttled`<br>*background-processor-cannot-read*"
    assert cells[4] == (
        "*drains neu by its state file*<br>*pages background-processor-cannot-read (neu)*"
        "<br>notifies key-vault-throttled (weu)"
    )


def test_the_first_facts_are_those_of_the_first_minutes_and_not_what_was_bad_before() -> None:
    """A rule that answers slowly still rests on them; one that answers another fault does not."""
    run = a_run(
        "timeline:\n"
        "  - {at: 2m, break: {what: processor, stamp: weu}}\n"
        "  - {at: 12m, health: {node: neu/Keyvault, state: red}}\n",
        run="20m",
    )
    assert answering(run) == (["background-processor-cannot-read"], ["key-vault-red"])


def test_what_is_held_and_what_is_held_until_the_drain_are_told_apart() -> None:
    """The last of a row's cells says both, each once."""
    found = {Path(scenario.file).stem: scenario for scenario in scenarios()["F20"]}
    assert "F20-cannot-send" in found
    run = rehearse(found["F20-cannot-send"])
    assert answering(run) == (["root-node-red"], [])
    [line] = lines("F20", scenarios()["F20"])
    assert "drains weu by its state file, first held by `still_in_rotation`" in line
    assert "does not drain" not in line
