"""Are harm and needless messages of a user's rules found, row by row?"""

import shutil
from pathlib import Path

import pytest

from rehearsal.rows import SCENARIOS, row_scenarios
from rehearsal.uncovered import Covering, RowCovered, rows_covered
from rules.evaluate import RuleSet
from rules.load import load_rules

pytestmark = pytest.mark.slow

ROOM = """
rules:
  - name: processor-red
    summary: The processor is red.
    when: {node: BackgroundProcessor, state: red}
    severity: critical
    playbook: drain
  - name: tell-all
    summary: Some alert.
    when: {alert: '*'}
    severity: info
    playbook: notify
"""
WAKES = """
rules:
  - name: any-alert
    summary: An alert.
    when: {alert: '*'}
    severity: critical
    playbook: page
  - name: any-alert-of-all
    summary: An alert of the workload.
    when: {alert: '*'}
    severity: critical
    playbook: page
    asked_of: workload
"""
RESTARTS = """
rules:
  - name: vault-red
    summary: The vault is red.
    when: {node: Keyvault, state: red}
    severity: critical
    playbook: restart
    target: of-our-own-name
"""
FELT = """
name: pods that are killed again and again are felt by users
row: F14
timeline: [{at: 3m, health: {node: weu/Stamp, state: red}}]
run: 10m
expect: ["pages: at least 1 at weu"]
"""


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Where people are told little: of a registry, a pod, a vault that fails, and one that is slow."""
    names = (
        "F12-registry-throttled",
        "F14-pod-killed",
        "F24-key-vault-get-secret",
        "F26-key-vault-throttled",
    )
    return shipped(tmp_path / "scenarios", *names)


def covered(text: str, folder: Path) -> dict[str, RowCovered]:
    """What some rules make of the rows in a folder."""
    return {each.row: each for each in rows_covered(RuleSet(load_rules({"own.yaml": text})), folder)}


def shipped(folder: Path, *names: str) -> Path:
    """A folder of shipped scenarios, and of the bodies that they send."""
    shutil.copytree(SCENARIOS / "bodies", folder / "bodies")
    for name in names:
        (folder / f"{name}.yaml").write_bytes((SCENARIOS / f"{name}.yaml").read_bytes())
    return folder


def test_a_drain_while_the_row_forbids_it_is_harm_too(tmp_path: Path) -> None:
    """To tell of an alert is not to know that a stamp has no room: neu is drained onto weu all the same."""
    names = ("F13-cluster-upgrade-fails", "F15-no-capacity-in-the-region", "F16-core-quota-reached")
    found = covered(ROOM, shipped(tmp_path / "scenarios", *names))
    for name, until in zip(names, ("32m", "28m", "26m"), strict=True):
        row = found[name[:3]]
        assert "covered by tell-all; HARM: drain of neu" in str(row)
        assert f"{name} says `never: drained neu by {until}`" in str(row)
        assert not row.well


def test_a_stamp_that_is_told_to_have_no_room_gets_none_of_that_harm(tmp_path: Path) -> None:
    """The same rules, where the one that tells also says that there is no headroom."""
    folder = shipped(tmp_path / "scenarios", "F16-core-quota-reached")
    found = covered(f"{ROOM}    no_headroom: true\n", folder)["F16"]
    assert (found.harm, found.needless, found.well) == ((), (), True)


def test_a_page_where_the_row_wakes_nobody_is_needless(few: Path) -> None:
    """What a cluster mends by itself needs no rule, and what is throttled is for the morning."""
    found = covered(WAKES, few)
    said = {row: str(each) for row, each in found.items()}
    assert said["F14"].startswith(
        "F14 needs no rule; NEEDLESS: 1 page: 'shop/weu: An alert.' at 3m 00s, where "
    )
    assert "F14-pod-killed says `no pages`; NEEDLESS: 1 notification: " in said["F14"]
    assert "F12 covered by any-alert-of-all; NEEDLESS: 1 page: " in said["F12"]
    assert said["F12"].count("NEEDLESS") == 1  # the file forbids that page twice
    assert "F26 covered by any-alert; NEEDLESS: 1 page: " in said["F26"]
    assert "F26-key-vault-throttled says `no pages`" in said["F26"]
    assert not any(found[row].well for row in ("F12", "F14", "F26"))


def test_to_tell_the_team_what_is_theirs_is_not_needless(few: Path) -> None:
    """But of a pod that is started anew even they need not hear."""
    found = covered(WAKES.replace("page", "notify"), few)
    assert (found["F12"].rules, found["F12"].well) == (("any-alert-of-all",), True)
    assert (found["F14"].covering, found["F14"].well) == (Covering.NOT_NEEDED, False)
    [said] = found["F14"].needless
    assert said.endswith("where F14-pod-killed says `no notifications`")


def test_to_tell_of_what_is_nothing_covers_nothing(few: Path) -> None:
    """Of the row's two scenarios people are told in the one that is nobody's business."""
    (few / "F14-felt.yaml").write_text(FELT, "utf-8")
    found = covered(WAKES, few)["F14"]
    assert found.covering is Covering.NOT
    assert found.needless


def test_a_restart_where_the_row_forbids_it_is_harm_by_whatever_name(few: Path) -> None:
    """A pod that is started without its secrets does not come up; a page would have been right."""
    file = few / "F24-key-vault-get-secret.yaml"
    file.write_text(f"{file.read_text('utf-8')}  - never: restarted\n", "utf-8")
    found = covered(RESTARTS, few)["F24"]
    [said] = found.harm
    assert said.startswith("restart of weu")
    assert said.endswith("where F24-key-vault-get-secret says `never: restarted`")
    assert found.covering is Covering.COVERED
    assert not found.well
    paged = RESTARTS.replace("restart\n", "page\n").replace("    target: of-our-own-name\n", "")
    assert covered(paged, few)["F24"].well


def test_the_scenario_of_the_key_vault_has_pods_that_could_be_restarted() -> None:
    """Else nothing that a rule says there could show that it must not be."""
    [scenario] = row_scenarios()["F24"]
    assert {each.stamp for each in scenario.charge.workload.deployments} == {"weu", "neu", "sdc"}


def test_a_stamp_that_comes_back_too_early_is_harm(tmp_path: Path) -> None:
    """A rule that asks for no proof but its own silence gives users a stamp with hours of backlog."""
    folder = shipped(tmp_path / "scenarios", "F21-backlog-of-hours")
    [said] = covered(ROOM, folder)["F21"].harm
    assert said.startswith("rejoin of weu")
    assert said.endswith("where F21-backlog-of-hours says `never: rejoined weu by 3h 30m`")
    assert not covered(ROOM.replace("drain\n", "drain\n    proof: backlog\n"), folder)["F21"].harm


def test_to_bring_back_what_should_not_have_been_drained_is_no_further_harm(few: Path) -> None:
    """It ends it."""
    file = few / "F24-key-vault-get-secret.yaml"
    file.write_text(f"{file.read_text('utf-8')}  - never: rejoined\n", "utf-8")
    [said] = covered(ROOM, few)["F24"].harm
    assert said.startswith("drain of weu")
