"""Can a fault be put around every call, and does the real worker come through it?"""

import asyncio
from typing import Any

import pytest

from rehearsal.clock import VirtualLoop
from rehearsal.gate import Call, NoFaults, Perform, land_later
from rehearsal.run import Run, rehearse
from rehearsal.scenario.load import Scenario
from tests.rehearsal.stories import a_scenario, failing

pytestmark = pytest.mark.slow

PORTS = {"ledger", "lever", "origin", "health", "queue", "page", "notify"}


class At:
    """One fault at the first call of a name."""

    def __init__(self, loop: VirtualLoop, name: str, kind: str) -> None:
        self.loop, self.name, self.kind, self.met = loop, name, kind, 0

    async def around(self, call: Call, perform: Perform) -> Any:
        """See `Faults`."""
        if call.name != self.name or call.nth > 0:
            return await perform()
        self.met += 1
        match self.kind:
            case "crash before":
                call.process.kill()
                await asyncio.sleep(0)
            case "crash after":
                await perform()
                call.process.kill()
                await asyncio.sleep(0)
            case "unavailable":
                return call.unavailable("the far side is down")
            case "throttled":
                return call.throttled("slow down", 20)
            case "response lost":
                await perform()
                return call.lost("no answer")
            case "slow":
                await asyncio.sleep(4)
                return await perform()
            case "late effect":
                land_later(self.loop, 90, perform)
                return call.lost("no answer")
        raise AssertionError(self.kind)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """A drain and a rejoin by two workers."""
    return a_scenario(
        "workers: 2\n"
        "workload: {policy: {rejoin_after: 2m}}\n"
        "timeline:\n"
        "  - {at: 1m, break: {what: processor, stamp: weu}}\n"
        "  - {at: 9m, mend: {what: processor, stamp: weu}}\n"
        "expect:\n"
        "  - drained: weu by 13m\n"
        "  - rejoined: weu by 21m\n"
        "  - never: drained neu\n"
        "  - pages: at least 1\n"
        "  - at the end: weu is in\n",
        run="22m",
    )


def with_fault(scenario: Scenario, name: str, kind: str) -> tuple[Run, int]:
    """The run with one fault, and how often it was met."""
    made: list[At] = []

    def faults(loop: VirtualLoop) -> At:
        made.append(At(loop, name, kind))
        return made[0]

    return rehearse(scenario, faults=faults), made[0].met


def test_every_port_is_passed_through_the_gate(scenario: Scenario) -> None:
    """No call of the worker goes another way."""
    run = rehearse(scenario)
    assert failing(run) == [], run.judged
    assert {name.partition(".")[0] for name in run.calls} == PORTS
    assert {"ledger.save", "lever.take_out:weu", "lever.bring_back:weu", "page.tell"} <= set(run.calls)


@pytest.mark.parametrize(
    "kind",
    ["crash before", "crash after", "unavailable", "throttled", "response lost", "slow", "late effect"],
)
@pytest.mark.parametrize("name", ["lever.take_out:weu", "ledger.save", "lever.bring_back:weu"])
def test_one_fault_at_one_call_does_not_stop_the_drain(scenario: Scenario, name: str, kind: str) -> None:
    """The other worker, or the next tick, comes to the same end (P5, P10)."""
    run, met = with_fault(scenario, name, kind)
    assert met == 1
    assert failing(run) == [], run.judged


def test_without_faults_nothing_stands_in_the_way(scenario: Scenario) -> None:
    """The default is no fault at all."""
    same = rehearse(scenario, faults=lambda _: NoFaults())
    assert same.history.text() == rehearse(scenario).history.text()


def test_a_fault_gives_the_same_run_every_time(scenario: Scenario) -> None:
    """What was found once can be looked at again."""
    first, _ = with_fault(scenario, "lever.take_out:weu", "crash after")
    second, _ = with_fault(scenario, "lever.take_out:weu", "crash after")
    assert first.history.text() == second.history.text()
