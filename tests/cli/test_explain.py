"""Does `remediation explain` show what stands, what people have said, and every decision there ever was?"""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from remediation.configuration import workloads_of
from remediation.ledger.intent import Verb
from remediation.ledger.orders import Approval, HoldSwitch, Silence
from remediation.ledger.record import Cause, JournalEntry, WorkloadRecord
from remediation.ledger.remembered import RememberedInFolder
from remediation.ledger.sqlite import SqliteLedger
from remediation.ledger.stamp import StampRecord
from remediation.ledger.told import Incident
from remediation.probes import stamps as discovery
from remediation.settings import Settings
from rules.signals import Health
from rules.topology import Group
from tests.builders import NOW, RULE, a_record, a_seen, a_signal, an_entry, an_incident, at, registers

Run = Callable[..., Result]

FIXED = """
workload: shop
stamps:
  - name: weu
    region: westeurope
    health_service: http://127.0.0.1:9/weu
    state_file: {folder: stamps/weu}
  - name: neu
    region: northeurope
    health_service: http://127.0.0.1:9/neu
    state_file: {folder: stamps/neu}
"""

COMING_AND_GOING = """
workload: shop
stamps_from:
  subscription: 5c0de000-0000-4000-8000-000000000001
  resource_group: afprod*-stamp-{region}-rg
  stamp:
    name: "{prefix}-{region}"
    health_service: https://{prefix}-{region}.shop.example/health/stamp
    state_file: {account_url: "https://{prefix}{region}.example", container: healthservice}
"""

TODAY = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command about a workload of two stamps, in a data folder of its own."""
    (tmp_path / "workload.yaml").write_text(FIXED)
    for name in ("REMEDIATION_RULES", "REMEDIATION_LEDGER", "WEBSITE_SITE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REMEDIATION_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REMEDIATION_WORKLOADS", str(tmp_path / "workload.yaml"))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, list(words))


def written(folder: Path, record: WorkloadRecord, journal: Sequence[JournalEntry] = ()) -> None:
    """A worker has written this."""

    async def write() -> None:
        store = SqliteLedger(folder / "ledger.db")
        await store.save(record, None)
        await store.append_journal(journal)
        await store.close()

    asyncio.run(write())


def decisions(answer: Result) -> list[str]:
    """The ids of those that are shown, oldest first."""
    return [entry["id"] for entry in json.loads(answer.output)["decisions"]]


def entry(revision: int, *events: str, **changes: Any) -> JournalEntry:
    """A decision by which this happened."""
    plain = an_entry(revision, id=f"shop/{revision:010d}", events=events, verdicts=(), held=())
    return replace(plain, **changes)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (("hold", "--reason", "fire"), "HOLD      all acting, by ada: fire"),
        (
            ("silence", "--reason", "noise", "--for", "2h", "--stamp", "weu"),
            r"silence   \S+ of \* at weu, by ada until .*: noise",
        ),
    ],
)
def test_the_answer_to_an_order_leads_to_its_decision(
    run: Run, tmp_path: Path, order: tuple[str, ...], said: str
) -> None:
    """As docs/orders.md promises; and the order stands on top for as long as it counts."""
    written(tmp_path, a_record())
    given = run(*order, "--author", "ada", "--yes")
    assert given.exit_code == 0, given.output
    [decision] = re.findall(r"decision (shop/\d{10})", given.output)
    shown = run("explain", "--decision", decision)
    assert shown.exit_code == 0, shown.output
    assert f"{decision}  (person)" in shown.output
    assert "ada" in shown.output
    assert re.search(said, run("explain").output.splitlines()[0])
    for stamp in ("weu", "neu"):
        assert decision in decisions(run("explain", "--stamp", stamp, "--json"))


def test_a_release_is_found_and_ends_what_stands_on_top(run: Run, tmp_path: Path) -> None:
    """A hold that is over is shown no more; its decision is there."""
    written(tmp_path, a_record(hold=HoldSwitch("ada", "fire")))
    assert "HOLD" in run("explain").output
    given = run("release", "--author", "ada", "--yes")
    [decision] = re.findall(r"decision (shop/\d{10})", given.output)
    assert run("explain", "--decision", decision).exit_code == 0
    assert "HOLD" not in run("explain").output


def test_only_what_counts_now_stands_on_top(run: Run, tmp_path: Path) -> None:
    """The marker and open approvals too; nothing that is over."""
    hour = timedelta(hours=1)
    request = Approval(
        "0758debd28", Verb.DRAIN, "weu", RULE, "plan", "it is red", "worker", TODAY - hour, TODAY + hour
    )
    written(
        tmp_path,
        a_record(
            hold=HoldSwitch("bob", "over", TODAY - hour),
            silences=(Silence("s1", "bob", "over", TODAY - 2 * hour, TODAY - hour),),
            approvals=(
                request,
                replace(request, id="given", approved_by="ada"),
                replace(request, id="late", expires_at=TODAY - hour),
            ),
        ),
    )
    (tmp_path / "hold").write_text("flood")
    shown = json.loads(run("explain", "--json").output)["orders"]
    until = f"{TODAY + hour:%Y-%m-%d %H:%M:%S}"
    assert shown["silences"] == []
    assert [": flood" in line for line in shown["holds"]] == [True]
    assert shown["approvals"] == [
        f"0758debd28 of drain of weu by {RULE} until {until}, nobody has answered: it is red",
        f"given of drain of weu by {RULE} until {until}, given by ada: it is red",
    ]


def test_a_fault_of_the_whole_workload_is_shown(run: Run, tmp_path: Path) -> None:
    """The database is red: no stamp's own fault, and not hidden either."""
    red = a_signal(None, "CosmosDB", Health.RED, observed_at=TODAY)
    incident: Incident = an_incident(None, "database-red")
    written(tmp_path, a_record(registers=registers([red]), incidents={incident.key: incident}))
    shown = run("explain").output
    assert shown.startswith("global: the workload as a whole\n")
    assert re.search(r"signal    CosmosDB red by /health-models/shop, [0-9hms ]+ old", shown)
    assert "incident  shop/global/database-red since" in shown
    about_one = json.loads(run("explain", "--stamp", "weu", "--json").output)["standing"]
    assert [each["stamp"] for each in about_one] == ["global", "weu"]


def test_what_was_heard_is_told_with_its_age_then(run: Run, tmp_path: Path) -> None:
    """In a sentence for people, and as the signal itself for scripts; it names the stamp it is about."""
    red = a_signal("weu", "Stamp", Health.RED, reasons=("Database is not healthy",), source="healthservice")
    sample = a_signal("weu", "EventHub", may_act=False, why="a test", placed_by="its label names it")
    written(tmp_path, a_record(), [entry(3, heard=(red, sample), at=at(4)), entry(4, "neu again")])
    shown = run("explain", "--decision", "shop/0000000003").output
    assert "  signal    shop/weu/Stamp red by healthservice, 4s old: Database is not healthy\n" in shown
    assert (
        "  signal    shop/weu/EventHub green by /health-models/shop, 4s old (its label names it); "
        "never acts: a test\n"
    ) in shown
    [decision] = json.loads(run("explain", "--stamp", "weu", "--json").output)["decisions"]
    assert decision["heard"][0]["subject"] == ["shop", "weu", "Stamp"]


def test_the_whole_journal_is_read(run: Run, tmp_path: Path) -> None:
    """By id, by moment and by stamp, beyond any number of later decisions."""
    long_ago = entry(3, "drain of weu planned: it is red", at=at(0))
    later = [entry(revision, "neu again", at=at(60 * revision)) for revision in range(4, 1600)]
    written(tmp_path, a_record(), [long_ago, *later])
    assert decisions(run("explain", "--decision", "shop/0000000003", "--json")) == [long_ago.id]
    assert decisions(run("explain", "--stamp", "weu", "--json")) == [long_ago.id]
    at_that_time = run("explain", "--at", "2026-11-21T03:04:00", "--json")
    assert decisions(at_that_time) == [long_ago.id, "shop/0000000004"]
    assert decisions(run("explain", "--last", "2", "--json")) == ["shop/0000001598", "shop/0000001599"]


@pytest.mark.parametrize("asked", [("--at", "2026-11-21T04:00:00"), ("--decision", "shop/0000000003")])
def test_who_asks_for_the_past_is_not_told_what_stands_now(
    run: Run, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    """What stood then is in the decisions."""
    written(tmp_path, a_record(hold=HoldSwitch("ada", "fire")), [entry(3, "drain of weu planned")])
    shown = run("explain", *asked).output
    assert "in rotation" not in shown
    assert "HOLD" not in shown
    assert "drain of weu planned" in shown
    as_json = json.loads(run("explain", *asked, "--json").output)
    assert (as_json["orders"], as_json["standing"]) == (None, [])


def test_a_moment_is_a_whole_second(run: Run, tmp_path: Path) -> None:
    """Times are printed without their fractions: whoever copies one finds what was printed."""
    written(tmp_path, a_record(), [entry(3, "weu", at=NOW + timedelta(seconds=1, microseconds=999_999))])
    assert decisions(run("explain", "--at", "2026-11-21T03:00:01", "--json")) == ["shop/0000000003"]
    assert decisions(run("explain", "--at", "2026-11-21T03:00:00", "--json")) == []


def test_a_decision_that_is_not_in_the_journal_yet_is_found_in_the_record(run: Run, tmp_path: Path) -> None:
    """It was written with the record; that it could not be handed on hides nothing, and doubles nothing."""
    handed_on, pending = entry(6, "first", at=at(0)), entry(7, "second", at=at(60))
    written(tmp_path, a_record(journal=(handed_on, pending)), [handed_on])
    assert decisions(run("explain", "--json")) == [handed_on.id, pending.id]
    assert decisions(run("explain", "--decision", pending.id, "--json")) == [pending.id]
    assert decisions(run("explain", "--at", "2026-11-21T03:00:00", "--json")) == [handed_on.id]


def test_an_id_names_its_workload(run: Run, tmp_path: Path) -> None:
    """What is no id, or another workload's, is wrong usage; one that nobody has written is a no."""
    written(tmp_path, a_record())
    for wrong in ("shop", "shop/x", "/3", "other/0000000003"):
        assert run("explain", "--decision", wrong).exit_code == 2
    answer = run("explain", "shop", "--decision", "other/0000000003")
    assert (answer.exit_code, "is a decision about other, not about shop" in answer.output) == (2, True)
    assert run("explain", "--decision", "shop/0000000003").exit_code == 1


def test_a_stamp_that_is_gone_can_be_asked_about(run: Run, tmp_path: Path) -> None:
    """Its incidents and decisions are kept; a name that nobody ever heard of is wrong usage."""
    written(tmp_path, a_record(), [entry(3, "incident shop/old/dns opened"), entry(4, "neu again")])
    shown = run("explain", "--stamp", "old")
    assert "old: no stamp of the workload any more" in shown.output
    assert "incident shop/old/dns opened" in shown.output
    assert "neu again" not in shown.output
    answer = run("explain", "--stamp", "wue")
    assert answer.exit_code == 2
    assert "it has weu, neu" in answer.output


def test_stamps_that_come_and_go_are_known_without_asking_azure(run: Run, tmp_path: Path) -> None:
    """Those that were last found, and those that the record still knows."""
    (tmp_path / "workload.yaml").write_text(COMING_AND_GOING)
    written(tmp_path, a_record(stamps={"6001-westeurope": StampRecord(seen=a_seen())}))
    assert "6001-westeurope: in rotation" in run("explain").output
    found(tmp_path)
    for asked in ((), ("--stamp", "7745-northeurope")):
        shown = run("explain", *asked)
        assert shown.exit_code == 0, shown.output
        assert "7745-northeurope: in rotation" in shown.output


def found(folder: Path) -> None:
    """The worker has found a stamp, and keeps that beside its ledger."""
    workload = workloads_of(Settings(workloads=folder / "workload.yaml"))["shop"]
    assert workload.stamps_from is not None
    kept = discovery._written(workload.stamps_from, [Group("afprod7745-stamp-northeurope-rg", "northeurope")])
    asyncio.run(RememberedInFolder(folder).keep(discovery._key("shop"), kept))


def test_each_guardrail_that_passed_has_a_line_with_its_numbers(run: Run, tmp_path: Path) -> None:
    """In a list, one for all of them. An older worker kept their names alone: they are shown."""
    new = ("drain", "weu", RULE, "settled: 2m of 1m\nnames_a_stamp")
    old = ("drain", "weu", RULE, "settled, names_a_stamp")
    written(tmp_path, a_record(), [entry(3, passed=(old,)), entry(4, passed=(new,), cause=Cause.TIMER)])
    said = f"  passed    drain weu by {RULE}: "
    assert (
        f"{said}settled: 2m of 1m\n{said}names_a_stamp\n"
        in run("explain", "--decision", "shop/0000000004").output
    )
    listed = run("explain", "--stamp", "weu").output
    assert f"{said}settled, names_a_stamp\n" in listed
    assert f"{said}settled: 2m of 1m; names_a_stamp\n" in listed
