"""What does a person get who orders something on the command line?"""

import asyncio
import getpass
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ledger.sqlite import SqliteLedger
from remediation.ledger.stamp import StampRecord
from rules.signals import Health
from tests.builders import a_seen, a_signal, registers
from tests.decide.cases import drained
from tests.rules.test_discovery_file import a_discovery

pytestmark = pytest.mark.slow

STAMPS = ("weu", "neu")
WHY = ("--reason", "it smells", "--author", "ada")

WORKLOAD = """
workload: shop
mode: {mode}
stamps:
  - name: weu
    region: westeurope
    health_service: http://127.0.0.1:{port}/weu
    state_file: {{folder: stamps/weu}}
  - name: neu
    region: northeurope
    health_service: http://127.0.0.1:{port}/neu
    state_file: {{folder: stamps/neu}}
"""


class HealthServices(BaseHTTPRequestHandler):
    """Both stamps' HealthServices: well, always."""

    def do_GET(self) -> None:
        """See `BaseHTTPRequestHandler`."""
        checks = [{"component": name, "status": "Healthy"} for name in ("BlobStorage", "Database")]
        body = json.dumps({"checks": checks}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


@contextmanager
def health_services() -> Iterator[int]:
    """The port of running HealthServices."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HealthServices)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


Run = Callable[..., Result]


@pytest.fixture(params=["auto"])
def folder(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder in which a worker has run, and two stamps that are well."""
    with health_services() as port:
        (tmp_path / "workload.yaml").write_text(WORKLOAD.format(mode=request.param, port=port))
        for stamp in STAMPS:
            (tmp_path / "stamps" / stamp).mkdir(parents=True)
            (tmp_path / "stamps" / stamp / "stamp.health").touch()
        for name in ("REMEDIATION_RULES", "REMEDIATION_LEDGER", "WEBSITE_SITE_NAME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("REMEDIATION_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("REMEDIATION_WORKLOADS", str(tmp_path / "workload.yaml"))
        monkeypatch.setenv("COLUMNS", "200")
        yield tmp_path


@pytest.fixture
def ledger(folder: Path) -> Path:
    """Its ledger: both stamps are green and have been looked at."""
    write(folder / "ledger.db", stamps={stamp: StampRecord(seen=a_seen()) for stamp in STAMPS})
    return folder / "ledger.db"


def write(ledger: Path, stamps: Mapping[str, StampRecord]) -> None:
    """Put this into the ledger, with both roots green."""
    green = registers(a_signal(stamp, "Stamp", observed_at=datetime.now(UTC)) for stamp in STAMPS)

    async def saved() -> None:
        store = SqliteLedger(ledger)
        before = await store.load("shop")
        record = replace(before.record, revision=before.record.revision + 1, registers=green, stamps=stamps)
        await store.save(record, before.version)
        await store.close()

    asyncio.run(saved())


def run(*words: str, given: str | None = None) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, list(words), input=given)


def last(ledger: Path) -> tuple[WorkloadRecord, JournalEntry | None]:
    """The record, and the last decision in the journal."""

    async def read() -> tuple[WorkloadRecord, JournalEntry | None]:
        store = SqliteLedger(ledger)
        record, journal = (await store.load("shop")).record, await store.journal("shop")
        await store.close()
        return record, journal[-1] if journal else None

    return asyncio.run(read())


def test_drain_shows_asks_and_writes(ledger: Path) -> None:
    """What it does, each guardrail's answer, the question, and the decision's id."""
    answer = run("drain", "weu", *WHY, given="yes\n")
    assert answer.exit_code == 0, answer.output
    assert "shop: weu is taken out of rotation at the worker's next tick" in answer.output
    assert "passes  keeps enough serving" in answer.output
    record, entry = last(ledger)
    assert entry is not None
    assert f"done; decision {entry.id}" in answer.output
    assert [(i.verb, i.stamp, i.author) for i in record.in_flight()] == [("drain", "weu", "ada")]


@pytest.mark.parametrize("said", ["no\n", "y\n", "\n", ""])
def test_nothing_is_done_without_a_yes(ledger: Path, said: str) -> None:
    """Not even for `y`: exit status 1, and the record is as it was."""
    answer = run("drain", "weu", *WHY, given=said)
    assert answer.exit_code == 1
    assert last(ledger)[0].revision == 1


def test_json_without_yes_shows_and_does_nothing(ledger: Path) -> None:
    """A script sees beforehand what would be."""
    answer = run("drain", "weu", *WHY, "--json")
    shown = json.loads(answer.output)
    assert (answer.exit_code, shown["follows"], shown["done"], shown["decision"]) == (0, True, False, None)
    assert last(ledger)[0].revision == 1
    shown = json.loads(run("drain", "weu", *WHY, "--json", "--yes").output)
    assert (shown["done"], shown["decision"]) == (True, "shop/0000000002")


def test_a_drain_that_is_held_ends_with_1_and_the_numbers(ledger: Path, folder: Path) -> None:
    """Of two stamps one cannot be seen: the other one stays."""
    file = folder / "workload.yaml"
    file.write_text(re.sub(r"http://127.0.0.1:\d+/neu", "http://127.0.0.1:1/neu", file.read_text()))
    answer = run("drain", "weu", *WHY, "--yes")
    assert answer.exit_code == 1
    assert "HOLDS   keeps enough serving: only no other stamp would serve, and 1 must" in answer.output
    shown = json.loads(run("drain", "weu", *WHY, "--json").output)
    assert [held["guardrail"] for held in shown["holds"]] == ["keeps_enough_serving"]
    assert last(ledger)[0].revision == 1


def test_rejoin_of_a_stamp_that_is_in_rotation_is_held(ledger: Path) -> None:
    """Exit status 1."""
    answer = run("rejoin", "weu", *WHY, "--yes")
    assert answer.exit_code == 1
    assert "HOLDS   ours to bring back: it is in rotation" in answer.output


def test_p12_a_rejoin_without_proof_says_so_and_wants_a_word(ledger: Path) -> None:
    """Exit status 1 with the doubt; with `--unproven` it is a warning."""
    out = drained(evidence=(a_signal(health=Health.RED).key,))
    write(ledger, stamps={"weu": out, "neu": StampRecord(seen=a_seen())})
    (ledger.parent / "stamps/weu/stamp.health").unlink()
    answer = run("rejoin", "weu", *WHY, "--yes")
    assert answer.exit_code == 1
    assert "refused: its recovery is not proven: /health-models/shop has fallen silent" in answer.output
    answer = run("rejoin", "weu", *WHY, "--unproven", "--yes")
    assert answer.exit_code == 0, answer.output
    assert "warning: its recovery is not proven" in answer.output
    assert [i.verb for i in last(ledger)[0].in_flight()] == ["rejoin"]


def test_hold_and_release_are_written_with_their_author(ledger: Path) -> None:
    """P17: for a time, by the user of this machine where nobody else is named."""
    answer = run("hold", "--reason", "moving the hubs", "--for", "2h", "--yes")
    assert answer.exit_code == 0, answer.output
    held = last(ledger)[0].hold
    assert held is not None
    assert (held.author, held.reason) == (getpass.getuser(), "moving the hubs")
    assert held.until is not None
    assert abs(held.until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    assert "hold switch is off: held by" in run("drain", "weu", *WHY, "--yes").output
    assert run("release", "--author", "grace", "--yes").exit_code == 0
    assert last(ledger)[0].hold is None
    again = run("release", "--author", "grace", "--yes")
    assert (again.exit_code, "refused: nothing is held" in again.output) == (1, True)


def test_silence_shows_what_it_hides_and_is_ended_by_its_id(ledger: Path) -> None:
    """Until a moment in UTC."""
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    answer = run("silence", *WHY, "--stamp", "weu", "--until", until, "--yes")
    assert answer.exit_code == 0, answer.output
    assert "nothing that is open now is hidden by it" in answer.output
    [muted] = last(ledger)[0].silences
    assert muted.until.strftime("%Y-%m-%dT%H:%M:%S") == until
    assert run("silence", "--end", muted.id, "--yes").exit_code == 0
    assert run("silence", "--end", muted.id, "--yes").exit_code == 1


def test_a_silence_of_a_family_that_no_rule_has_warns(ledger: Path) -> None:
    """Shown before it is asked for, and in `--json`."""
    answer = run("silence", *WHY, "--for", "1h", "--family", "rot-red", given="no\n")
    assert "warning: no family is rot-red: it will hide nothing; " in answer.output
    shown = json.loads(run("silence", *WHY, "--for", "1h", "--family", "rot-red", "--json").output)
    assert len(shown["warnings"]) == 1
    assert json.loads(run("silence", *WHY, "--for", "1h", "--json").output)["warnings"] == []


@pytest.mark.parametrize("folder", ["approve"], indirect=True)
def test_p18_one_asks_and_another_one_approves(ledger: Path) -> None:
    """The id is printed; the same person is refused."""
    answer = run("drain", "weu", *WHY, "--yes")
    assert answer.exit_code == 0, answer.output
    [request] = last(ledger)[0].approvals
    assert f"approval asked for: {request.id}" in answer.output
    assert run("approve", request.id, "--author", "ada", "--yes").exit_code == 1
    answer = run("approve", request.id, "--author", "grace", "--yes")
    assert answer.exit_code == 0, answer.output
    assert [i.approved_by for i in last(ledger)[0].in_flight()] == ["grace"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("drain", "wue", *WHY), "shop has no stamp 'wue'; it has weu, neu"),
        (("drain", "weu", "--reason", "x", "--author", " "), "author: a few words were expected"),
        (("drain", "weu"), "--reason"),
        (("drain", "weu", *WHY, "--workload", "shopp"), "which workload? there are: shop"),
        (("silence", *WHY), "a silence ends: say --for 2h or --until TIME"),
        (("hold", *WHY, "--for", "2 hours"), "expected a duration such as 45m, 2h or 1d"),
        (("hold", *WHY, "--for", "2h", "--until", "2999-01-01"), "either --for or --until, not both"),
        (("hold", *WHY, "--until", "2001-01-01"), "until: a time after"),
        (("silence", *WHY, "--for", "9999d"), "until: at most 7 days from now were expected"),
        (("silence", *WHY, "--until", "2999-01-01"), "until: at most 7 days from now were expected"),
    ],
)
def test_a_wrong_order_ends_with_2(ledger: Path, words: tuple[str, ...], said: str) -> None:
    """And a sentence that says what was expected."""
    answer = run(*words)
    assert answer.exit_code == 2
    assert said in answer.output


def test_a_workload_that_waits_for_its_stamps_is_held_all_the_same(
    ledger: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure does not list its groups: nothing of it can be moved, and people can say so beforehand."""
    monkeypatch.setenv("REMEDIATION_ARM_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("REMEDIATION_STATIC_TOKEN", "x")
    (folder / "workload.yaml").write_text(a_discovery())
    answer = run("hold", *WHY, "--yes")
    assert answer.exit_code == 0, answer.output
    held = last(ledger)[0].hold
    assert held is not None
    assert held.author == "ada"
    assert run("silence", *WHY, "--for", "1h", "--stamp", "neu", "--yes").exit_code == 0
    assert run("release", "--author", "ada", "--yes").exit_code == 0
    answer = run("drain", "weu", *WHY, "--yes")
    assert answer.exit_code == 2
    assert "shop is not in force, and none of its stamps can be moved: the stamps of shop" in answer.output


def test_an_order_makes_no_ledger(folder: Path) -> None:
    """A hold in a folder that no worker reads would be heeded by nobody."""
    answer = run("hold", *WHY, "--yes")
    assert answer.exit_code == 1
    assert "there is no ledger in" in answer.output
    assert not (folder / "ledger.db").exists()


def test_a_ledger_that_cannot_be_used_is_named(ledger: Path, folder: Path) -> None:
    """A sentence, no traceback."""
    (folder / "ledger.db").write_bytes(b"not a database" * 100)
    answer = run("hold", *WHY, "--yes")
    assert answer.exit_code == 1
    assert "the ledger cannot be used" in answer.output
