"""What does a person, or a script, get from each command, for good input and for bad?"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from local.workload import shop
from remediation.ledger.intent import Verb
from remediation.ledger.record import Cause, HeldStep, JournalEntry
from remediation.ledger.sqlite import SqliteLedger
from remediation.ledger.stamp import StampRecord
from rules.evaluate import Asked
from tests.builders import NOW, a_finding, a_record

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests/intake/corpus"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with an environment of its own."""
    for name in ("REMEDIATION_WORKLOADS", "REMEDIATION_RULES", "REMEDIATION_LEDGER", "WEBSITE_SITE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REMEDIATION_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*words: str, given: bytes | str | None = None, **environment: str) -> Result:
        return CliRunner().invoke(app, list(words), input=given, env=environment)

    return invoke


def test_inspect_names_signal_subject_and_whether_it_may_act(run: Run) -> None:
    """A fresh alert of the example workload: one signal about its stamp, which may act."""
    moment = datetime.now(UTC).isoformat()
    body = shop.FILE.with_name("cannot-read.json").read_text()
    answer = run("inspect", "--json", "-", given=body.replace("NOW", moment).replace("CONDITION", "Fired"))
    assert answer.exit_code == 0
    shown = json.loads(answer.output)
    assert (shown["family"], shown["accepted"], shown["reason"]) == ("azure-monitor", True, "")
    [signal] = shown["signals"]
    fixed = (
        "id",
        "workload",
        "stamp",
        "node",
        "health",
        "condition",
        "severity",
        "observed_at",
        "may_act",
        "why",
    )
    assert set(fixed) <= set(signal)
    assert (signal["workload"], signal["stamp"], signal["condition"]) == ("shop", "weu", "fired")
    assert (signal["severity"], signal["may_act"], signal["why"]) == ("critical", True, "")


def test_inspect_says_that_an_old_event_must_not_act(run: Run) -> None:
    """For people: the subject, what it says, and why nothing will be done on its word."""
    answer = run("inspect", str(CORPUS / "health_event_red.json"))
    assert answer.exit_code == 0
    assert "shop/weu/BackgroundProcessor: red" in answer.output
    assert "must not act: observed" in answer.output


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"{", "not_json"),
        (b"\xff", "not_utf8"),
        (b'{"hello": "world"}', "unknown_family"),
        ((CORPUS / "metric_not_ours.json").read_bytes(), "not_ours"),
    ],
)
def test_inspect_ends_with_1_for_what_cannot_be_read(run: Run, given: bytes, reason: str) -> None:
    """The stable code and a sentence, in JSON and for people; never a traceback."""
    answer = run("inspect", "--json", "-", given=given)
    assert answer.exit_code == 1
    shown = json.loads(answer.output)
    assert (shown["accepted"], shown["signals"]) == (False, [])
    assert shown["reason"].startswith(f"{reason}: ")
    assert f"rejected: {reason}" in run("inspect", "-", given=given).output


def test_inspect_ends_with_2_for_a_file_that_is_not_there(run: Run) -> None:
    """Wrong usage is told apart from a body that is rejected."""
    answer = run("inspect", "no/such/file.json")
    assert answer.exit_code == 2
    assert "no/such/file.json: No such file" in answer.output


def test_check_passes_good_files(run: Run) -> None:
    """The example for Azure, with the shipped rules."""
    answer = run("check", str(ROOT / "docs/examples/workload.yaml"))
    assert answer.exit_code == 0
    assert "ok: workloads: shop (3 stamps, observe)" in answer.output


def test_check_names_every_problem_with_its_place(run: Run, tmp_path: Path) -> None:
    """Problems of workload and rules together, each with file, line and column; exit status 1."""
    workload, rules = tmp_path / "workload.yaml", tmp_path / "rules.yaml"
    workload.write_text(shop.FILE.read_text().replace("mode: auto", "mode: automatic\nstamp: []"))
    rules.write_text(
        "rules:\n  - {name: x, summary: X., when: {node: N, state: rde}, severity: info, playbook: page}\n"
    )
    answer = run("check", str(workload), "--rules", str(rules), "--json")
    assert answer.exit_code == 1
    shown = json.loads(answer.output)
    assert shown["ok"] is False
    text = "\n".join(shown["problems"])
    assert f"{workload}:" in text
    assert "did you mean `stamps`?" in text or "did you mean 'stamps'?" in text
    assert f"{rules}:2:" in text
    assert run("check", str(workload), "--rules", str(rules)).exit_code == 1


def test_check_of_a_file_that_is_not_there_is_wrong_usage(run: Run) -> None:
    """Exit status 2, and the name of the file."""
    answer = run("check", "no/such/workload.yaml")
    assert answer.exit_code == 2
    assert "no/such/workload.yaml" in answer.output


@pytest.mark.parametrize("kind", ["settings", "workload", "rules", "health-event"])
def test_schema_prints_a_json_schema(run: Run, kind: str) -> None:
    """Each is a schema that a validator accepts."""
    answer = run("schema", kind)
    assert answer.exit_code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(answer.output))


def test_schema_settings_shows_every_default(run: Run) -> None:
    """The environment variables, and the numbers that govern a workload, in one place."""
    shown = json.loads(run("schema", "settings").output)["properties"]
    assert shown["REMEDIATION_PORT"]["default"] == 7071
    policy = shown["policy"]["properties"]
    defaults = {
        name: policy[name]["default"]
        for name in ("mode", "min_serving", "settle", "fresh_for", "may_act_for")
    }
    assert defaults == {
        "mode": "observe",
        "min_serving": 1,
        "settle": "1m",
        "fresh_for": "5m",
        "may_act_for": "1h",
    }


def test_schema_of_an_unknown_kind_is_wrong_usage(run: Run) -> None:
    """Exit status 2, with the kinds there are."""
    answer = run("schema", "everything")
    assert answer.exit_code == 2
    assert "health-event" in answer.output


@pytest.fixture
async def ledger(tmp_path: Path) -> Path:
    """A data folder in which a worker has run."""
    folder = tmp_path / "data"
    folder.mkdir()
    held = HeldStep(
        Verb.DRAIN, "weu", "cannot-read", "keeps_enough_serving", "only neu would serve, and 2 must"
    )
    record = a_record(
        findings={Asked("cannot-read", "weu"): a_finding("cannot-read")},
        held=(held,),
        stamps={"neu": StampRecord(adopted_at=NOW)},
    )
    entry = JournalEntry(
        id="shop/0000000001",
        workload="shop",
        at=NOW,
        cause=Cause.SIGNALS,
        signals=("event-1",),
        verdicts=(("cannot-read", "weu", "holds", "BackgroundProcessor is red"),),
        held=(held,),
        events=("incident shop/weu/cannot-read opened",),
    )
    store = SqliteLedger(folder / "ledger.db")
    await store.save(record, None)
    await store.append_journal([entry])
    await store.close()
    return folder


def test_explain_says_what_stands_and_why_nothing_is_done(run: Run, ledger: Path) -> None:
    """From the ledger alone: the finding, the guardrail with its numbers, and the decision."""
    answer = run("explain")
    assert answer.exit_code == 0
    for said in (
        "weu: in rotation",
        "neu: out by other hands since",
        "cannot-read since 2026-11-21 03:00:00",
        "drain by keeps_enough_serving: only neu would serve, and 2 must",
        "shop/0000000001  (signals)",
        "cannot-read for weu: holds: BackgroundProcessor is red",
    ):
        assert said in answer.output


def test_explain_can_be_asked_for_one_stamp_one_decision_one_moment(run: Run, ledger: Path) -> None:
    """What does not concern the stamp, the id or the time is left out."""
    about_neu = json.loads(run("explain", "shop", "--stamp", "neu", "--json").output)
    assert [standing["stamp"] for standing in about_neu["standing"]] == ["global", "neu"]
    assert about_neu["decisions"] == []
    one = json.loads(run("explain", "--decision", "shop/0000000001", "--json").output)
    assert [decision["id"] for decision in one["decisions"]] == ["shop/0000000001"]
    before = json.loads(run("explain", "--at", "2026-11-21T02:59:59", "--json").output)
    assert before["decisions"] == []
    assert run("explain", "--decision", "shop/0000000099").exit_code == 1


def test_explain_without_a_ledger_says_so_and_makes_none(run: Run, tmp_path: Path) -> None:
    """Reading leaves no trace."""
    answer = run("explain")
    assert answer.exit_code == 1
    assert "there is no ledger in" in answer.output
    assert not (tmp_path / "data").exists()


def test_explain_of_what_is_not_there_is_wrong_usage(run: Run, ledger: Path) -> None:
    """An unknown workload or stamp: exit status 2, with what there is."""
    assert "there are: shop" in run("explain", "shopp").output
    answer = run("explain", "shop", "--stamp", "wue")
    assert answer.exit_code == 2
    assert "it has weu, neu, sdc" in answer.output


def test_explain_of_a_damaged_ledger_says_so(run: Run, ledger: Path) -> None:
    """A file that is no ledger: a sentence, no traceback."""
    (ledger / "ledger.db").write_bytes(b"not a database" * 100)
    answer = run("explain")
    assert answer.exit_code == 1
    assert "the ledger cannot be read" in answer.output


def test_settings_that_do_not_fit_are_named(run: Run) -> None:
    """SQLite in Azure is refused, by every command, with what to set instead."""
    answer = run("explain", WEBSITE_SITE_NAME="worker", REMEDIATION_LEDGER="sqlite")
    assert answer.exit_code == 2
    assert "set it to blob" in answer.output
    port = run("check", REMEDIATION_PORT="many")
    assert port.exit_code == 2
    assert "REMEDIATION_PORT" in port.output
