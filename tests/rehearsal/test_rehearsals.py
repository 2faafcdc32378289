"""Does the real worker do in the simulated world what each scenario says, the same way every time?"""

import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.history import Kind
from rehearsal.run import rehearse
from rehearsal.scenario.load import load_scenario
from tests.rehearsal.stories import SCENARIOS, a_run, failing

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FILES = [file for file in sorted(SCENARIOS.glob("*.yaml")) if "rule_tests:" not in file.read_text("utf-8")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_scenario_comes_out_as_expected(file: Path) -> None:
    """Each is a claim about the shipped rules, and the rehearsal is its proof."""
    run = rehearse(load_scenario(file))
    assert failing(run) == [], [(each.text, each.instead, each.why) for each in run.judged if not each.holds]


def test_the_same_seed_gives_the_same_run_byte_for_byte() -> None:
    """Within a process, and in another one whose hashes differ."""
    scenario = load_scenario(SCENARIOS / "restart-in-the-middle.yaml")
    first, second = rehearse(scenario).history.text(), rehearse(scenario).history.text()
    assert first == second
    program = (
        "from pathlib import Path; from rehearsal.run import rehearse;"
        "from rehearsal.scenario.load import load_scenario;"
        "print(rehearse(load_scenario(Path('scenarios/restart-in-the-middle.yaml'))).history.text())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.rstrip("\n") == first


def test_another_seed_gives_another_run() -> None:
    """Chance is not left out."""
    scenario = load_scenario(SCENARIOS / "F21-cannot-read.yaml")
    assert rehearse(scenario, seed=2).history.text() != rehearse(scenario, seed=3).history.text()


def test_two_workers_on_one_ledger_drain_once() -> None:
    """Both tick, both look, and one effect comes of it (P5)."""
    run = a_run("workers: 3\ntimeline: [{at: 2m, break: {what: processor, stamp: weu}}]\n", run="20m")
    drains = [effect for _, effect in run.history.effects() if effect.verb == "drain"]
    assert [effect.stamp for effect in drains] == ["weu"]
    assert {each.who for each in run.history.of(Kind.WRITTEN)} == {"worker-1", "worker-2", "worker-3"}


def test_a_ledger_that_is_down_stops_the_drain_and_not_the_page() -> None:
    """Notify fails open, act fails closed (P9)."""
    run = a_run(
        "timeline:\n"
        "  - {at: 2m, break: {what: ledger}}\n"
        "  - {at: 3m, break: {what: send, stamp: weu}}\n"
        "  - {at: 15m, mend: {what: ledger}}\n"
        "expect: ['never: drained', 'pages: at least 1 by 10m', 'pages: at least 1 saying ledger']\n",
        run="30m",
    )
    assert failing(run) == []


def test_a_person_gives_orders_to_the_real_worker() -> None:
    """By the body that the HTTP route takes; the answer stands in the history."""
    run = a_run(
        "timeline:\n"
        "  - {at: 3m, person: {order: {order: drain, stamp: weu, by: anna, reason: a test}}}\n"
        "  - {at: 10m, person: {order: {order: rejoin, stamp: weu, by: bob, unproven: true}}}\n"
        "expect: ['drained: weu by 4m', 'rejoined: weu between 10m and 12m', 'at the end: weu is in']\n",
        run="20m",
    )
    assert failing(run) == []


def test_a_step_that_needs_approval_is_taken_after_it_and_not_before() -> None:
    """In approve mode the worker asks; somebody else says yes (P18)."""
    run = a_run(
        "mode: approve\n"
        "timeline:\n"
        "  - {at: 2m, break: {what: processor, stamp: weu}}\n"
        "  - {at: 12m, person: {order: {order: approve, stamp: weu, by: anna}}}\n"
        "expect: ['never: drained weu by 12m', 'drained: weu between 12m and 14m', 'held by: mode at weu']\n",
        run="20m",
    )
    assert failing(run) == []


def test_the_emergency_marker_stops_acting_and_not_telling() -> None:
    """P17: it needs nothing of ours but the store."""
    run = a_run(
        "timeline:\n"
        "  - {at: 2m, person: {marker: the network is being moved}}\n"
        "  - {at: 3m, break: {what: processor, stamp: weu}}\n"
        "  - {at: 20m, person: {remove_marker: true}}\n"
        "expect: ['held by: hold_switch at weu by 20m', 'never: drained by 20m', 'drained: weu after 20m',\n"
        "  'pages: 1']\n",
        run="30m",
    )
    assert failing(run) == []


def test_a_hub_that_delivers_twice_late_and_again_from_the_beginning_changes_nothing() -> None:
    """P15: a lost, doubled or late event costs seconds, never correctness."""
    run = a_run(
        "timeline:\n"
        "  - {at: 0s, fault: {hub: {late: 20s, twice: 60}}}\n"
        "  - {at: 2m, break: {what: processor, stamp: weu}}\n"
        "  - {at: 5m, health: {node: weu/EventHub, state: red}}\n"
        "  - {at: 12m, fault: {hub: {replay: all}}}\n"
        "expect: ['drained: weu by 9m', 'never: drained neu', 'pages: at most 2 at weu',\n"
        "  'journal complete']\n",
        run="20m",
    )
    assert failing(run) == []
    drains = [effect for _, effect in run.history.effects() if effect.verb == "drain"]
    assert len(drains) == 1


def test_a_worker_with_a_wrong_clock_neither_blocks_nor_doubles() -> None:
    """Clocks may lie five minutes apart (P11)."""
    run = a_run(
        "workers: 2\n"
        "timeline:\n"
        "  - {at: 0s, fault: {clock: {worker: worker-2, ahead: 5m}}}\n"
        "  - {at: 2m, break: {what: processor, stamp: weu}}\n"
        "expect: ['drained: weu by 15m', 'never: drained neu']\n",
        run="20m",
    )
    assert failing(run) == []


def test_alerts_and_service_health_are_posted_and_read() -> None:
    """They go the whole way: webhook, hub, intake, rules."""
    run = a_run(
        "timeline:\n"
        "  - {at: 2m, alert: {rule: EventHub-metricalert-OutgoingMessages-Error, stamp: weu}}\n"
        "  - {at: 2m, service_health: {service: Azure Cosmos DB, regions: [North Europe]}}\n"
        "  - at: 3m\n"
        "    alert: {rule: EventHub-metricalert-OutgoingMessages-Error, stamp: weu, state: resolved}\n"
        "expect: ['finding: background-processor-may-not-read at weu by 3m', 'no dead letters',\n"
        "  'finding: azure-database-red-here at neu', 'pages: 1 at weu', 'resolved: 1 at weu']\n",
        run="10m",
    )
    assert failing(run) == [], run.judged


def test_a_body_that_nobody_can_read_is_a_dead_letter() -> None:
    """P7: with its reason, and the rest goes on."""
    run = a_run("timeline: [{at: 1m, body: {file: ../README.md, to: hub}}]\nexpect: ['dead letters: 1']\n")
    assert failing(run) == []


def test_what_happens_to_users_is_seen() -> None:
    """All are served but those of the stamp whose processor stands, until Front Door sends them elsewhere."""
    run = rehearse(load_scenario(SCENARIOS / "F21-cannot-read.yaml"))
    served = [(each.at, each.what.percent) for each in run.history.of(Kind.SERVED)]  # type: ignore[union-attr]
    assert served[0] == (0, 100)
    assert min(percent for _, percent in served) == pytest.approx(66.7)
    assert served[-1][1] == 100
