"""Is a scenario that speaks of what does not exist refused, wherever its workload and rules stand?"""

from pathlib import Path

import pytest

from rehearsal.scenario.load import load_scenario
from rules.problems import FileError

WORKLOAD = """
workload: shop
mode: auto
webhooks: [{name: scale-out, url: env:SCALE_OUT_URL}]
stamps:
"""
STAMP = """
  - name: {name}
    region: {region}
    health_service: https://{name}.shop.example/healthservice/health/stamp
    state_file: {{account_url: "https://{name}prist.blob.core.windows.net", container: healthservice}}
    resource_group: shop-{name}-rg
"""
RULES = """
rules:
  - name: vault-red
    summary: The key vault is red.
    when: {node: Keyvault, state: red}
    severity: error
    playbook: webhook
    target: tickets
  - name: all-is-red
    summary: The workload is red.
    when: {node: Global, state: red}
    asked_of: workload
    severity: error
    playbook: page
"""
HEAD = "name: x\nrun: 15m\nworkload: {file: shop.yaml}\nrules: [own/rules.yaml]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a user has it: a workload file, and rules in a folder below."""
    stamps = (("weu", "westeurope"), ("neu", "northeurope"))
    text = WORKLOAD + "".join(STAMP.format(name=name, region=region) for name, region in stamps)
    (tmp_path / "shop.yaml").write_text(text, "utf-8")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/rules.yaml").write_text(RULES, "utf-8")
    return tmp_path


def problems(folder: Path, text: str) -> list[str]:
    """What the loader has to say about a scenario there, by relative paths; nothing where it is well."""
    file = folder / "s.yaml"
    file.write_text(text, "utf-8")
    try:
        load_scenario(file)
    except FileError as error:
        return str(error).replace(f"{folder}/", "").splitlines()
    return []


@pytest.mark.parametrize(
    ("entry", "column"),
    [
        ("{at: 1m, break: {what: processor, stamp: weeu}}", 53),
        ("{at: 1m, mend: {what: processor, stamp: weeu}}", 52),
        ("{at: 1m, health: {node: weeu/Stamp, state: red}}", 36),
        ("{at: 1m, alert: {rule: r, stamp: weeu}}", 45),
        ("{at: 1m, person: {drain: weeu}}", 37),
        ("{at: 1m, person: {order: {order: drain, stamp: weeu}}}", 59),
        ("{at: 1m, fault: {remake_hub: weeu}}", 41),
        ("{at: 1m, stamp: {comes: weeu}}", 36),
        ("{at: 1m, stamp: {goes: weeu}}", 35),
    ],
)
def test_a_stamp_that_the_workload_file_does_not_have_is_told_with_its_place(
    folder: Path, entry: str, column: int
) -> None:
    """It was a bare KeyError in the middle of the run, or nothing happened at all."""
    found = problems(folder, f"{HEAD}expect: [no pages]\ntimeline: [{entry}]\n")
    assert found == [f"s.yaml:6:{column}: there is no stamp weeu; did you mean 'weu'?"]


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("never: drained weeu", "there is no stamp weeu; did you mean 'weu'?"),
        ("at the end: weeu is in", "there is no stamp weeu; did you mean 'weu'?"),
        ("never: paged at weeu", "there is no stamp weeu; did you mean 'weu'?"),
        ("restarted: xyz", "there is no stamp xyz; the stamps are weu, neu"),
        ("never: drained global", "`drained` is said of a stamp, found global; the stamps are weu, neu"),
        ("at the end: global is in", "`at the end` is said of a stamp, found global"),
        ("never: finding vault-rad", "there is no rule vault-rad; did you mean 'vault-red'?"),
        ("never: finding root-node-red", "there is no rule root-node-red; look at the rule files"),
        ("never: finding vault-red at global", "asked of each stamp, never of the workload as a whole"),
        ("never: finding all-is-red at weu", "asked of the workload as a whole, never of weu"),
        ("never: asked ticket", "there is no webhook ticket; did you mean 'tickets'?"),
        ("asked: pagerduty", "there is no webhook pagerduty; the webhooks are scale-out, tickets"),
        ("never: drained neu after 2h", "it asks for what comes after 2h 00m 00s; the run ends at 15m 00s"),
        ("no pages after 30m", "it asks for what comes after 30m 00s; the run ends at 15m 00s"),
        ("no pages after 15m", "it asks for what comes after 15m 00s; the run ends at 15m 00s"),
        ("never: drained by 16m", "it asks for what comes until 16m 00s; the run ends at 15m 00s"),
        ("users served: at least 9% between 1h and 2h", "it asks for what comes after 1h 00m 00s"),
        ("users served: at least 101%", "expected at most 100 %, found 101 %"),
        ("users served: at least 0%", "it holds whatever happens; ask for more than 0"),
        ("pages: at least 0 at weu", "it holds whatever happens; ask for more than 0"),
    ],
)
def test_an_expectation_that_nothing_could_fail_or_fulfil_is_told_with_its_place(
    folder: Path, sentence: str, said: str
) -> None:
    """What does not exist never does anything, and after the run nothing is known."""
    [line] = problems(folder, f"{HEAD}expect:\n  - journal complete\n  - {sentence}\n")
    assert line.startswith("s.yaml:7:5: ")
    assert said in line


@pytest.mark.parametrize(
    "sentence",
    [
        "never: drained weu after 14m",
        "never: paged at global by 15m",
        "never: finding vault-red",
        "never: finding vault-red at neu",
        "never: finding all-is-red at global",
        "never: asked tickets",
        "never: asked scale-out",
        "no pages after 3m",
        "pages: 0",
        "pages: at most 0",
        "users served: at least 100%",
    ],
)
def test_what_is_there_may_be_spoken_of(folder: Path, sentence: str) -> None:
    """Nothing that makes sense is refused."""
    assert not problems(folder, f"{HEAD}expect: ['{sentence}']\n")


def test_every_lost_name_is_told_at_once_in_the_order_of_the_file(folder: Path) -> None:
    """Also of a maintenance window of the default workload, for which no stamp would ever be at work."""
    text = (
        "name: x\nrun: 10m\nworkload: {maintenance: [{from: 1m, until: 2m, stamp: wue}]}\n"
        "expect: ['never: drained wue']\ntimeline: [{at: 1m, fault: {crash: worker-2}}, {at: 11m,"
        " person: {drain: wue}}]\n"
    )
    told = [
        (line.split(":")[1], line.partition(": ")[2].partition(";")[0]) for line in problems(folder, text)
    ]
    assert told == [
        ("3", "there is no stamp wue"),
        ("4", "there is no stamp wue"),
        ("5", "there is no worker-2"),
        ("5", "it happens after the end of the run"),
        ("5", "there is no stamp wue"),
    ]


def test_a_workload_of_which_no_stamp_stands_in_the_file_cannot_be_rehearsed(folder: Path) -> None:
    """Those that are found come and go; nothing could happen to them here."""
    found = Path(__file__).parents[2] / "docs/examples/stamps-that-come-and-go.yaml"
    (folder / "found.yaml").write_bytes(found.read_bytes())
    text = "name: x\nrun: 10m\nworkload: {file: found.yaml}\nexpect: [no pages]\n"
    [line] = problems(folder, text)
    assert line.startswith("s.yaml:3:18: the workload file names no stamp; those that `stamps_from` finds")


def test_what_is_wrong_in_a_rule_file_is_told_by_a_path_that_can_be_opened(folder: Path) -> None:
    """The file that a scenario names lies beside the scenario, not where the command was called."""
    (folder / "own/rules.yaml").write_text("ruless: []\n", "utf-8")
    file = folder / "s.yaml"
    file.write_text(f"{HEAD}expect: [no pages]\n", "utf-8")
    with pytest.raises(FileError) as told:
        load_scenario(file)
    assert f"{folder}/own/rules.yaml:1:1: unknown key `ruless`" in str(told.value).splitlines()[1]
