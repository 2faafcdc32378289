"""Does `backtest` play a worker's journal as it plays what the worker has received?"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.journal import saved_entries
from cli.main import app
from cli.recording import saved
from local.workload import shop
from rehearsal.backtest import Sort, compare
from rehearsal.replay import Recorded, heard, replay, sort_out
from remediation.decide.draft import LISTED_MOST
from remediation.decide.lagging import CONSUMER_LAG
from remediation.decide.looks import HEALTHSERVICE
from remediation.decide.plan import Arrival, Charge, Occasion, plan
from remediation.ledger.record import Cause, JournalEntry, WorkloadRecord
from remediation.ledger.sqlite import SqliteLedger
from rules.signals import Health
from tests.builders import NOW, a_signal, an_entry, at
from tests.rehearsal.test_backtest import (
    BEGAN,
    FASTER,
    PROCESSOR,
    model,
    played,
    recorded,
    rules,
    said,
    the_log,
    the_shop,
)

pytestmark = pytest.mark.slow


def journal_of(rows: Iterable[tuple[float, object]], text: str = "") -> list[JournalEntry]:
    """What the real engine writes down while it receives these bodies."""
    return [entry for _, entry in played(rows, text).history.journal()]


JOURNAL = journal_of(PROCESSOR)


@pytest.mark.parametrize("text", ["", FASTER])
def test_a_journal_and_its_bodies_give_the_same_decisions(text: str) -> None:
    """By the rules that were in force then, and by others; though it was written under the shipped ones."""
    decided = sort_out([heard(entry) for entry in JOURNAL], {"shop": the_shop()})
    found = compare(played(PROCESSOR, text), replay(decided.of["shop"], Charge(the_shop(), rules(text))))
    assert (found.new, found.gone, found.moved) == ((), (), ())
    assert found.before[Sort.DRAIN] == found.after[Sort.DRAIN] == 1
    assert found.alike == 3


def test_what_the_workers_own_probes_saw_is_left_out() -> None:
    """The replay has probes of its own. What the worker asked of others (the health score) is played."""
    own = (a_signal(node="Stamp", source=HEALTHSERVICE), a_signal(source=CONSUMER_LAG))
    asked = a_signal(source="health-score")
    mixed = an_entry(3, heard=(*own, asked))
    found = sort_out([heard(an_entry(2, heard=own)), heard(mixed)], {"shop": the_shop()})
    assert [one.signals for one in found.of["shop"] if not isinstance(one, Recorded)] == [(asked,)]
    foreign = sort_out([heard(an_entry(2, workload="other", heard=(asked,)))], {"shop": the_shop()})
    assert (foreign.of, foreign.nobodys) == ({"shop": []}, {"not_ours": 1})


def a_storm(many: int) -> JournalEntry:
    """The decision that takes in what so many nodes say at once, and one word from the far future."""
    signals = [a_signal(node=f"N{number:02d}", health=Health.GREEN) for number in range(many)]
    late = a_signal(node="N99", observed_at=NOW + timedelta(days=3))
    reds = [replace(signals[-1], id="x", health=Health.RED, observed_at=at(1), reasons=("x" * 999, "y"))]
    charge = Charge(the_shop(), rules())
    record: WorkloadRecord | None = WorkloadRecord("shop")
    for heard_now in (signals, [*(replace(each, id=f"{each.id}+") for each in signals[:-1]), *reds, late]):
        arrivals = [Arrival(signal, at(2)) for signal in heard_now]
        assert record is not None
        record = plan(record, charge, Occasion(Cause.SIGNALS, arrivals), at(2))
    assert record is not None
    return record.journal[-1]


def test_in_a_storm_the_journal_lists_first_what_changed_and_says_that_it_is_not_all() -> None:
    """Whatever is set aside is not missed: it was not considered."""
    entry = a_storm(LISTED_MOST + 5)
    assert len(entry.heard) == LISTED_MOST
    assert (entry.heard[0].id, entry.heard[0].reasons) == ("x", ("x" * 200,))
    assert heard(entry).partly
    assert not heard(a_storm(LISTED_MOST)).partly


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def faster(tmp_path: Path) -> Path:
    """The new rules, as a file."""
    file = tmp_path / "faster.yaml"
    file.write_text(FASTER, "utf-8")
    return file


def run(*words: object, data_dir: Path | None = None) -> Result:
    """Runs `backtest`, as a worker with that data folder is configured."""
    env = {"COLUMNS": "200", "REMEDIATION_WORKLOADS": str(shop.FILE), "REMEDIATION_LEDGER": "sqlite"}
    return CliRunner().invoke(
        app, ["backtest", *map(str, words)], env=env | {"REMEDIATION_DATA_DIR": str(data_dir or "none")}
    )


def keep(folder: Path, entries: Sequence[JournalEntry]) -> Path:
    """A worker's data folder whose ledger has this journal; the last is still in the record."""
    folder.mkdir(exist_ok=True)

    async def write() -> None:
        store = SqliteLedger(folder / "ledger.db")
        await store.save(WorkloadRecord("shop", revision=1, journal=tuple(entries[-1:])), None)
        await store.append_journal(entries[:-1])
        await store.close()

    asyncio.run(write())
    return folder


def decided(answer: Result) -> dict[str, object]:
    """What came of it."""
    assert answer.exit_code == 0, answer.output
    shown = json.loads(answer.stdout)["workloads"]["shop"]
    return {key: shown[key] for key in ("new", "gone", "alike", "before", "after")} | {
        "moved": [round(each["later_seconds"]) for each in shown["moved"]]
    }


def test_a_ledger_a_file_and_the_bodies_tell_the_same(faster: Path, tmp_path: Path) -> None:
    """The journal in a data folder, in the configured ledger, as lines, and what the hub received."""
    folder, bodies = keep(tmp_path / "data", JOURNAL), tmp_path / "bodies.jsonl"
    bodies.write_text(saved(recorded(PROCESSOR)), "utf-8")
    by_bodies = run(bodies, "--rules", faster, "--json")
    by_folder = run(folder, "--rules", faster, "--json", "--save", tmp_path / "kept.jsonl")
    by_setting = run("--journal", "--rules", faster, "--json", data_dir=folder)
    by_lines = run(tmp_path / "kept.jsonl", "--rules", faster, "--json")
    assert decided(by_folder) == decided(by_setting) == decided(by_lines) == decided(by_bodies)
    assert [json.loads(each.stdout)["played"] for each in (by_bodies, by_folder)] == ["bodies", "journal"]
    text = run(folder, "--rules", faster).stdout
    assert f"played: the ledger in {folder / 'ledger.db'}: {len(JOURNAL)} decisions of the journal" in text
    assert "signals of the worker's own probes left out" in text
    assert "as in a storm" not in text


def test_of_a_data_folder_with_both_the_log_is_played(faster: Path, tmp_path: Path) -> None:
    """It has everything that was received, and the journal of a storm has not."""
    the_log(tmp_path, PROCESSOR)
    keep(tmp_path, JOURNAL)
    assert f"played: {tmp_path}: {len(PROCESSOR)} bodies, from" in run(tmp_path, "--rules", faster).stdout


def test_only_the_decisions_of_the_chosen_time_are_played(faster: Path, tmp_path: Path) -> None:
    """Of a ledger as of a file."""
    folder, lines = keep(tmp_path / "data", JOURNAL), tmp_path / "journal.jsonl"
    lines.write_text(saved_entries(JOURNAL), "utf-8")
    chosen = [entry for entry in JOURNAL if 4 <= (entry.at - BEGAN) / timedelta(minutes=1) <= 12]
    for source in (folder, lines):
        time = ("--since", "2026-05-04T14:04:00", "--until", "2026-05-04T14:12:00")
        assert json.loads(run(source, "--rules", faster, "--json", *time).stdout)["decisions"] == len(chosen)
        late = run(source, "--rules", faster, "--since", "2026-05-05T00:00:00")
        assert late.exit_code == 2
        assert "from 2026-05-05" in late.stderr or "it goes from 2026-05-04" in late.stderr


def test_a_storm_is_told(faster: Path, tmp_path: Path) -> None:
    """What the journal does not list cannot be played."""
    rows = [*model({}, until=8), *(said(3, f"weu/Node{number:02d}", "red") for number in range(80))]
    answer = run(keep(tmp_path / "data", journal_of(rows)), "--rules", faster)
    assert "considered more signals than the journal lists, as in a storm" in answer.stdout


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"at": "yesterday"}, "at: Input should be a valid datetime"),
        ({"at": "2026-05-04T14:00:00"}, "each time needs its zone"),
        ({"herd": []}, "unknown key `herd`; did you mean 'heard'?"),
        ({"heard": [{"id": "x"}]}, "heard.0.subject: Field required"),
        ({"workload": "other"}, "a signal about shop in a decision about other"),
    ],
)
def test_a_broken_line_of_a_journal_is_told_with_its_place(
    faster: Path, tmp_path: Path, change: dict[str, object], why: str
) -> None:
    """File, line, and what was expected."""
    file = tmp_path / "journal.jsonl"
    whole = saved_entries([an_entry(3, heard=(a_signal(),))])
    file.write_text(f"{whole}\n{json.dumps(json.loads(whole) | change)}\n", "utf-8")
    result = run(file, "--rules", faster)
    assert result.exit_code == 2
    assert f"{file}:3:1: expected a journal entry" in result.stderr
    assert why in result.stderr


def test_a_source_or_the_ledger_is_needed_and_either_must_have_something(
    faster: Path, tmp_path: Path
) -> None:
    """Each with its name; nothing is made where nothing is."""
    assert "either a SOURCE or --journal" in run("--rules", faster).stderr
    assert "either a SOURCE or --journal" in run(tmp_path, "--journal", "--rules", faster).stderr
    nothing = run("--journal", "--rules", faster, data_dir=tmp_path / "none")
    assert (nothing.exit_code, "there is no ledger in" in nothing.stderr) == (2, True)
    assert not (tmp_path / "none").exists()
    (tmp_path / "empty").mkdir()
    assert "nor a ledger" in run(tmp_path / "empty", "--rules", faster).stderr
    silent = keep(tmp_path / "silent", [an_entry(2), an_entry(3)])
    assert "none of the 2 decisions is about a stamp" in run(silent, "--rules", faster).stderr
