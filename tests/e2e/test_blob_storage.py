"""Does the real process save a workload whose ledger and state files lie in Blob Storage?"""

import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.blob_stage import CONTENT, KEY, STAMPS, until
from tests.e2e.blob_workers import Workers, workers_on_blobs
from tests.storage_proxy import Exchange

pytestmark = pytest.mark.slow


async def all_is_well(workers: Workers, stamp: str = "weu") -> None:
    """Drained once, back with the same bytes, the page resolved, nothing left to do or tell."""
    stage = workers.stage
    await until(lambda: KEY.format(stamp) in stage.keys("resolve"), "the resolve")
    assert stage.effects() == [f"drained {stamp}", f"rejoined {stamp}"]
    assert [await stage.content(each) for each in STAMPS] == [CONTENT] * 3
    assert stage.keys("trigger") == stage.keys("resolve") == {KEY.format(stamp)}

    async def at_rest() -> bool:
        record = await stage.record()
        return (record.incidents, record.in_flight(), record.outbox) == ({}, [], ())

    await until(at_rest, "nothing left to do or tell")


async def test_with_ledger_and_state_files_in_blobs_an_alert_drains_pages_rejoins_and_resolves(
    tmp_path: Path, azurite: str, container_name: str
) -> None:
    """By HTTP: the right blob vanishes, on-call is paged, it comes back as it was; Ctrl-C ends it well."""
    async with workers_on_blobs(tmp_path, azurite, container_name) as workers:
        await workers.start(1)
        await workers.alert("weu", "Fired")
        await until(lambda: workers.stage.keys("trigger") == {KEY.format("weu")}, "the page")
        await until(lambda: workers.stage.effects() == ["drained weu"], "the drain")
        assert await workers.stage.out() == {"weu"}
        await workers.alert("weu", "Resolved")
        await all_is_well(workers)
        assert await workers.processes[0].ends_by_ctrl_c() == 0
        said = workers.processes[0].log.read_text()
        assert "Traceback" not in said
        assert "Unclosed" not in said


async def test_with_ledger_and_state_files_in_blobs_an_event_drains_pages_rejoins_and_resolves(
    tmp_path: Path, azurite: str, container_name: str
) -> None:
    """The same by a health-state change event over AMQP, to the end."""
    async with workers_on_blobs(tmp_path, azurite, container_name) as workers:
        await workers.start(1)
        await workers.event("neu", "red")
        await until(lambda: workers.stage.effects() == ["drained neu"], "the drain")
        assert await workers.stage.out() == {"neu"}
        await workers.event("neu", "green")
        await all_is_well(workers, "neu")
        assert (await workers.journalled())[workers.sent[0]] == 1


@dataclass
class Killer:
    """Ends the only worker with `kill -9` at one request to the state files, once, and starts it again."""

    workers: Workers
    method: str
    struck: bool = False

    async def before(self, exchange: Exchange) -> None:
        """Strike before the request goes on; it does go on, as a packet would."""
        self._strike(exchange)

    def after(self, exchange: Exchange) -> bool:
        """Strike when the request has had its effect; the answer is lost."""
        return self._strike(exchange)

    def _strike(self, exchange: Exchange) -> bool:
        if self.struck or exchange.method != self.method:
            return False
        self.struck = True
        self.workers.processes[0].signal(signal.SIGKILL)
        self.workers.processes[0].start()
        return True


PLACES = {
    "when the delete is on its way": ("DELETE", "before"),
    "when the file is deleted and the answer lost": ("DELETE", "after"),
    "when the file is created and the answer lost": ("PUT", "after"),
}


@pytest.mark.parametrize("place", PLACES)
async def test_kill_minus_nine_with_a_ledger_in_blobs_changes_nothing_in_the_end(
    tmp_path: Path, azurite: str, container_name: str, place: str
) -> None:
    """P4, P5, P8, P10: killed at this place, the next start finishes: drained once, paged, back, resolved."""
    method, when = PLACES[place]
    async with workers_on_blobs(tmp_path, azurite, container_name) as workers:
        await workers.start(1)
        killer = Killer(workers, method)
        if when == "before":
            workers.stage.state_files.hold = killer.before
        else:
            workers.stage.state_files.loses = killer.after
        await workers.alert("weu", "Fired")
        await until(lambda: _verified(workers), "the drain to be verified")
        await workers.alert("weu", "Resolved")
        await all_is_well(workers)
        assert killer.struck


async def _verified(workers: Workers) -> bool:
    return '"state":"verified"' in await workers.stage.record_text()
