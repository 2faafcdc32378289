"""Does `backtest` tell what other rules would have done with what was received, and what they would break?"""

import asyncio
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.recording import recording_of, saved
from local.eventhubs.amqp import encode_binary, encode_described, encode_map, encode_string
from local.eventhubs.hub import open_hub
from local.eventhubs.log import Storage
from local.eventhubs.message import SectionCode, read_publication
from local.workload import shop
from rehearsal.backtest import CAPACITY, PROOF, REACH, Comparison, Sort, compare
from rehearsal.replay import Recorded, Replay, replay, sort_out
from rehearsal.world.bodies import AlertSaid, alert
from remediation.decide.plan import Charge
from rules.evaluate import RuleSet
from rules.load import load_catalog, load_rules, load_workload
from rules.policy import Mode, Policy
from rules.topology import Workload

pytestmark = pytest.mark.slow

BEGAN = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
STAMPS = ("weu", "neu", "sdc")
Row = tuple[float, object]
Run = Callable[..., Result]

FASTER = """
rules:
  - name: background-processor-cannot-read
    summary: The processor is red.
    when: {node: BackgroundProcessor, state: red}
    severity: critical
    playbook: drain
"""
HUB_DRAINS = FASTER.replace("BackgroundProcessor", "EventHub").replace(
    "background-processor-cannot-read", "hub-red"
)


VAULT_AFTER_A_WHILE = """
rules:
  - name: key-vault-red
    summary: The vault is red, and stays so.
    when: {node: Keyvault, state: red, for: 6m}
    severity: error
    playbook: page
"""


def said(minute: float, subject: str, state: str) -> Row:
    """A health event of STAMP/NODE."""
    stamp, _, node = subject.partition("/")
    at = (BEGAN + timedelta(minutes=minute)).isoformat()
    place = "global" if stamp == "global" else f"stamps/{stamp}"
    content: dict[str, Any] = {
        "workload": "shop",
        "stamp": None if stamp == "global" else stamp,
        "node": node,
        "root": node == "Stamp",
        "state": state,
        "observed_at": at,
        "reasons": [],
    }
    event = {
        "specversion": "1.0",
        "id": f"{subject}/{minute}",
        "source": "/health-models/shop",
        "type": "health.state.changed.v1",
        "subject": f"{place}/nodes/{node}",
        "time": at,
        "data": content,
    }
    return minute, event


def throttled(minute: float) -> Row:
    """The database that all stamps share answers 429, by an alert."""
    told = AlertSaid("CosmosDB-429", None, True, 1, "Sev1", "microsoft.documentdb/databaseaccounts/shop")  # noqa: FBT003
    return minute, json.loads(alert(told, the_shop(), BEGAN + timedelta(minutes=minute)))


def model(red: dict[str, tuple[float, float]], until: float = 30) -> list[Row]:
    """Snapshots every two minutes: all roots green, and some nodes red from one minute to another."""
    rows = []
    for minute in range(0, int(until), 2):
        rows += [said(minute, f"{stamp}/Stamp", "green") for stamp in STAMPS if f"{stamp}/Stamp" not in red]
        for subject, (first, last) in red.items():
            rows.append(said(minute, subject, "red" if first <= minute < last else "green"))
    return rows


def recorded(rows: Iterable[Row]) -> list[Recorded]:
    """As a recording: one body after the other."""
    return [
        Recorded(BEGAN + timedelta(minutes=minute, milliseconds=number), json.dumps(body).encode())
        for number, (minute, body) in enumerate(sorted(rows, key=lambda row: row[0]))
    ]


def the_shop(**changes: Any) -> Workload:
    """The example workload."""
    return replace(load_workload(shop.FILE.read_bytes(), str(shop.FILE)), **{"mode": Mode.AUTO} | changes)


def rules(text: str = "") -> RuleSet:
    """Of a text; the shipped ones where there is none."""
    return RuleSet(load_rules({"new.yaml": text}) if text else load_catalog())


def played(rows: Iterable[Row], text: str = "", **changes: Any) -> Replay:
    """What comes of it under some rules."""
    return replay(recorded(rows), Charge(the_shop(**changes), rules(text)))


def compared(rows: list[Row], text: str, **changes: Any) -> Comparison:
    """The shipped rules against others."""
    return compare(played(rows, "", **changes), played(rows, text, **changes))


PROCESSOR = model({"weu/BackgroundProcessor": (6, 20)})


def test_the_same_rules_change_nothing() -> None:
    """Chance is the same for both, so that whatever differs comes of the rules."""
    found = compare(played(PROCESSOR), played(PROCESSOR))
    assert (found.new, found.gone, found.moved, found.broken) == ((), (), (), ())
    assert found.alike == sum(found.before.values()) > 0
    assert found.before == found.after


def test_a_recording_plays_the_same_every_time() -> None:
    """Byte for byte."""
    assert played(PROCESSOR).history.text() == played(PROCESSOR).history.text()


def test_a_recording_plays_at_its_own_time() -> None:
    """Ages, maintenance windows and budgets count from the times that stand in the bodies."""
    found = compare(played(PROCESSOR), played(PROCESSOR))
    assert found.before[Sort.DRAIN] == found.before[Sort.PAGE] == 1
    drain = next(one for one in compared(PROCESSOR, HUB_DRAINS).gone if one.sort is Sort.DRAIN)
    assert BEGAN + timedelta(minutes=6) < drain.at < BEGAN + timedelta(minutes=10)


def test_a_decision_that_comes_earlier_is_moved_and_not_new() -> None:
    """The shipped rule waits for a second look; the new one does not."""
    found = compared(PROCESSOR, FASTER)
    assert {each.old.sort for each in found.moved} == {Sort.PAGE, Sort.DRAIN}
    assert all(each.later < timedelta() for each in found.moved)
    assert (found.new, found.gone) == ((), ())


def test_decisions_that_are_no_longer_made_are_gone_and_pages_saved_are_counted() -> None:
    """Rules that know nothing of the processor leave the stamp in, and nobody is woken."""
    found = compared(PROCESSOR, HUB_DRAINS)
    assert {one.sort for one in found.gone} == {Sort.PAGE, Sort.DRAIN, Sort.REJOIN}
    assert (found.pages_saved, found.new) == (1, ())
    back = compare(played(PROCESSOR, HUB_DRAINS), played(PROCESSOR))
    assert {one.sort for one in back.new} == {Sort.PAGE, Sort.DRAIN, Sort.REJOIN}
    assert back.pages_saved == -1


def test_each_decision_is_paired_once_and_with_the_nearest() -> None:
    """Of two pages about the same, one is moved and the other is gone, or new."""
    rows = [
        (minute, body if not 10 <= minute < 14 else said(minute, "weu/Keyvault", "green")[1])
        for minute, body in model({"weu/Keyvault": (6, 26)}, until=34)
    ]
    patient = VAULT_AFTER_A_WHILE
    found = compared(rows, patient)
    assert [one.at.minute for one in found.gone] == [6]
    assert [(each.old.at.minute, each.new.at.minute) for each in found.moved] == [(14, 20)]
    back = compare(played(rows, patient), played(rows))
    assert [one.at.minute for one in back.new] == [6]
    assert [(each.old.at.minute, each.new.at.minute) for each in back.moved] == [(20, 14)]


def test_a_page_is_not_told_of_again_as_a_notification() -> None:
    """The team reads of every page; that is no decision of its own."""
    assert played(PROCESSOR).history.told()
    assert compare(played(PROCESSOR), played(PROCESSOR)).before[Sort.NOTIFICATION] == 0


def test_a_drain_for_a_global_fault_breaks_a_promise_although_the_new_rules_are_blind_to_it() -> None:
    """The worker itself cannot know (P3): the old rules say that the database is throttled for all."""
    rows = [*model({"weu/BackgroundProcessor": (6, 20)}), throttled(4)]
    found = compared(rows, FASTER)
    assert [(each.promise, each.stamp) for each in found.broken] == [(REACH, "weu")]
    assert "by database-throttled of the old rules the fault was global" in found.broken[0].words
    assert [one.sort for one in found.new if one.stamp == "weu"].count(Sort.DRAIN) == 1


def test_a_drain_that_leaves_too_few_stamps_breaks_a_promise() -> None:
    """By the old rules neu is sick too, so that only one would serve where two must (P2)."""
    rows = model({"weu/EventHub": (12, 26), "neu/BackgroundProcessor": (6, 26)})
    found = compared(rows, HUB_DRAINS, policy=Policy(min_serving=2))
    [broken] = [each for each in found.broken if each.promise == CAPACITY]
    assert broken.stamp == "weu"
    assert broken.words.startswith("sdc would serve, and at least 2 must (neu: background-processor-cannot")
    assert not compared(rows, HUB_DRAINS, policy=Policy(min_serving=1)).broken


HUB_IS_RED_FOR_LONG = model({"weu/BackgroundProcessor": (6, 10), "weu/EventHub": (6, 36)}, until=44)


def test_a_rejoin_while_a_fault_stands_breaks_a_promise_although_the_new_rules_are_blind_to_it() -> None:
    """The old rules keep weu out while its hub is red; the new ones look at the processor alone (P12)."""
    both = FASTER + HUB_DRAINS.partition("rules:\n")[2]
    old, new = played(HUB_IS_RED_FOR_LONG, both), played(HUB_IS_RED_FOR_LONG, FASTER)
    found = compare(old, new)
    assert [(each.promise, each.sort, each.stamp) for each in found.broken] == [(PROOF, Sort.REJOIN, "weu")]
    assert found.broken[0].words.startswith("hub-red of the old rules still asks for its drain: ")
    assert (found.before[Sort.REJOIN], found.after[Sort.REJOIN]) == (1, 1)
    assert not compare(new, old).broken
    assert not compare(old, old).broken


def test_a_red_root_takes_its_stamp_out_by_itself_unless_told_otherwise() -> None:
    """As the reference's HealthService does: what is out is not drained."""
    rows = model({"weu/Stamp": (6, 20)})
    charge = Charge(the_shop(), rules())
    by_itself = replay(recorded(rows), charge)
    stays_up = replay(recorded(rows), charge, score_check=False)
    drains = [compare(each, each).before[Sort.DRAIN] for each in (by_itself, stays_up)]
    assert drains == [0, 1]


def test_bodies_are_given_to_the_workloads_that_they_are_about() -> None:
    """Heartbeats are none; what nobody can read is counted by its reason."""
    one = recorded(PROCESSOR)[0]
    foreign = replace(one, body=one.body.replace(b'"shop"', b'"other"'))
    heartbeat = replace(one, properties={"HEALTHCHECK": "TRUE"})
    found = sort_out([one, foreign, heartbeat, replace(one, body=b"{")], {"shop": the_shop()})
    assert found.of == {"shop": [one]}
    assert found.nobodys == {"not_ours": 1, "not_json": 1}


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def run() -> Run:
    """Runs `backtest`."""
    return lambda *words: CliRunner().invoke(
        app, ["backtest", *map(str, words)], env={"COLUMNS": "200", "REMEDIATION_WORKLOADS": str(shop.FILE)}
    )


@pytest.fixture
def faster(tmp_path: Path) -> Path:
    """The new rules, as a file."""
    file = tmp_path / "faster.yaml"
    file.write_text(FASTER, "utf-8")
    return file


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[Iterable[Row]], Path]:
    """Writes a recording as a file of JSON lines."""

    def written(rows: Iterable[Row]) -> Path:
        file = tmp_path / "recorded.jsonl"
        file.write_text(saved(recorded(rows)), "utf-8")
        return file

    return written


def test_backtest_prints_what_is_moved_and_ends_with_0(
    run: Run, faster: Path, lines: Callable[..., Path]
) -> None:
    """And says what it cannot know."""
    result = run(lines(PROCESSOR), "--rules", faster)
    assert result.exit_code == 0
    assert "moved  2026-05-04 14:07" in result.stdout
    assert f"old: the shipped catalogue; new: {faster}; both as if the workload were in auto" in result.stdout
    assert "drains 1 -> 1, rejoins 1 -> 1, pages 1 -> 1: 0 new, 0 gone, 2 moved, 1 alike" in result.stdout
    assert "no promise would break" in result.stdout
    assert "0 pages saved; 0 drains that would leave too few stamps" in result.stdout
    assert "only the recording is known" in result.stdout


def test_backtest_ends_with_1_where_a_promise_would_break(
    run: Run, faster: Path, lines: Callable[..., Path]
) -> None:
    """So that a pipeline stops such rules."""
    file = lines([*model({"weu/BackgroundProcessor": (6, 20)}), throttled(4)])
    result = run(file, "--rules", faster)
    assert result.exit_code == 1
    assert "BREAKS P3" in result.stdout
    assert "1 drain of the new rules would break a promise" in result.stdout
    found = json.loads(run(file, "--rules", faster, "--json").stdout)
    assert (found["well"], found["workloads"]["shop"]["broken"][0]["promise"]) == (False, "P3")
    assert run(file, "--rules", faster, "--mode", "observe").exit_code == 0


def test_backtest_as_json_has_every_decision(run: Run, faster: Path, lines: Callable[..., Path]) -> None:
    """With times, for scripts."""
    found = json.loads(run(lines(PROCESSOR), "--rules", faster, "--json").stdout)
    shown = found["workloads"]["shop"]
    assert (found["bodies"], shown["pages_saved"], shown["capacity_violations"]) == (len(PROCESSOR), 0, 0)
    assert {each["new"]["sort"] for each in shown["moved"]} == {"drain", "page"}
    assert shown["before"]["drain"] == shown["after"]["drain"] == 1


def test_a_long_recording_is_played_with_a_word_of_how_far_it_is(
    run: Run, faster: Path, lines: Callable[..., Path]
) -> None:
    """On standard error, so that the answer stays an answer; of a short one nothing is said."""
    rows = [said(minute, "weu/Stamp", "green") for minute in (0, 120)]
    long = run(lines(rows), "--rules", faster, "--json")
    assert json.loads(long.stdout)["bodies"] == 2
    first, *others = long.stderr.splitlines()
    assert first.startswith("the recording lasts 2h, and quiet hours are played too")
    assert [others[0], others[-1]] == ["shop, old rules: 10 % played", "shop, new rules: 100 % played"]
    assert len(others) == 20
    assert not run(lines(PROCESSOR), "--rules", faster).stderr


def test_backtest_plays_only_the_time_that_is_asked_for(
    run: Run, faster: Path, lines: Callable[..., Path]
) -> None:
    """Days can be cut to the hour that matters."""
    file = lines(PROCESSOR)
    found = json.loads(run(file, "--rules", faster, "--until", "2026-05-04T14:05:00", "--json").stdout)
    assert found["workloads"]["shop"]["before"]["drain"] == 0
    late = run(file, "--rules", faster, "--since", "2026-05-05T00:00:00")
    assert late.exit_code == 2
    assert "it goes from 2026-05-04 14:00:00 to 2026-05-04 14:28:00" in late.stderr


def the_log(folder: Path, rows: Iterable[Row]) -> None:
    """Let the embedded broker write what it receives, as it does in a worker's data folder."""
    moment = BEGAN
    with ThreadPoolExecutor(1) as executor:
        storage = Storage(executor, clock=lambda: int(moment.timestamp() * 1000))
        hub = open_hub(folder / "hub" / "signals", "signals", 4, storage)

        async def publish() -> None:
            nonlocal moment
            for one in recorded(rows):
                moment = one.at
                key = (encode_string("remediation-route"), encode_string("health-events"))
                raw = encode_described(SectionCode.APPLICATION_PROPERTIES, encode_map([key]))
                raw += encode_described(SectionCode.DATA, encode_binary(one.body))
                await hub.publish(read_publication(raw, 0), None)
            await hub.close()

        asyncio.run(publish())


def test_the_log_of_the_embedded_broker_is_a_recording(run: Run, faster: Path, tmp_path: Path) -> None:
    """Its bodies, properties and times, over all partitions, in order; and nothing of it is changed."""
    the_log(tmp_path, PROCESSOR)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.segment")}
    found = [one for one in recording_of(tmp_path) if isinstance(one, Recorded)]
    assert [(one.at, json.loads(one.body)) for one in found] == [
        (one.at, json.loads(one.body)) for one in recorded(PROCESSOR)
    ]
    assert {each for one in found for each in one.properties.items()} == {
        ("remediation-route", "health-events")
    }
    result = run(tmp_path, "--rules", faster, "--save", tmp_path / "kept.jsonl")
    assert "drains 1 -> 1" in result.stdout
    assert recording_of(tmp_path / "kept.jsonl") == found
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.segment")} == before


def test_a_log_that_is_being_written_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    """The worker whose log it is may run on."""
    the_log(tmp_path, PROCESSOR)
    whole = len(recording_of(tmp_path))
    file = max(tmp_path.rglob("*.segment"), key=lambda path: path.stat().st_size)
    file.write_bytes(file.read_bytes()[:-7])
    assert len(recording_of(tmp_path)) == whole - 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "Expecting"),
        ('{"at": "2026-05-04T14:00:00Z"}', "`at` and `body` are needed"),
        ('{"at": "2026-05-04T14:00:00", "body": {}}', "`at` needs its zone"),
        ('{"at": "yesterday", "body": {}}', "Invalid isoformat"),
        ('{"at": "2026-05-04T14:00:00Z", "body": {}, "boddy": 1}', "unknown key `boddy`"),
        ('{"at": "2026-05-04T14:00:00Z", "body": {}, "properties": [1]}', "must be an object"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_place(
    run: Run, faster: Path, tmp_path: Path, line: str, why: str
) -> None:
    """File, line, and what was expected."""
    file = tmp_path / "bad.jsonl"
    file.write_text(f"{saved(recorded(PROCESSOR[:1]))}\n{line}\n", "utf-8")
    result = run(file, "--rules", faster)
    assert result.exit_code == 2
    assert f"{file}:3:1: expected" in result.stderr
    assert why in result.stderr


def test_rules_or_recordings_that_are_not_there_are_wrong_usage(
    run: Run, faster: Path, tmp_path: Path, lines: Callable[..., Path]
) -> None:
    """Each with its name."""
    assert "none.yaml" in run(lines(PROCESSOR), "--rules", tmp_path / "none.yaml").stderr
    assert "none.jsonl" in run(tmp_path / "none.jsonl", "--rules", faster).stderr
    (tmp_path / "bad.yaml").write_text("rules: [{name: x}]\n", "utf-8")
    result = run(lines(PROCESSOR), "--rules", tmp_path / "bad.yaml")
    assert result.exit_code == 2
    assert "bad.yaml:1:" in result.stderr


def test_a_body_that_is_no_json_survives_being_saved(tmp_path: Path) -> None:
    """It is what was received; so does a JSON text that is itself a string."""
    odd = [Recorded(BEGAN, text) for text in (b"not json", b'"a string"', b"[1]", "ä".encode())]
    file = tmp_path / "kept.jsonl"
    file.write_text(saved(odd), "utf-8")
    assert recording_of(file) == odd
