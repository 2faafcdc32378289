"""What becomes of a process that finds bad files at its start?

In Azure every change of a file is a new process: here each start is one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from remediation.decide.wanted import CONFIGURATION
from remediation.misconfigured import TRIED_EVERY, Beginning, Misconfigured
from remediation.settings import Settings
from remediation.wiring import begin, ledger_of
from remediation.worker import Route, Worker
from tests.act.far_side import FarSide, says_json
from tests.probes.lag_stage import SetClock
from tests.test_worker_orders import a_counter

KEY = "shop/global/configuration"
FILE = """\
workload: shop
mode: MODE
channels: {pagerduty: {routing_key: env:SHOP_KEY, url: PAGER}}
stamps:
  - {name: weu, region: westeurope, health_service: "http://127.0.0.1:1/w", state_file: {folder: weu}}
  - {name: neu, region: northeurope, health_service: "http://127.0.0.1:1/n", state_file: {folder: neu}}
"""
NOBODY = "Endpoint=sb://127.0.0.1:1/;SharedAccessKeyName=a;SharedAccessKey=b"
TAKEN = says_json(202, {"status": "success"})


@dataclass
class Machine:
    """A machine on which workers are started: its files, its ledger, and a pager."""

    folder: Path
    pager: FarSide

    @property
    def settings(self) -> Settings:
        """Of every start."""
        return Settings.model_validate(
            {"workloads": self.folder / "files", "data_dir": self.folder / "data", "hub": NOBODY}
        )

    def write(self, mode: str, name: str = "shop") -> None:
        """Write the workload file."""
        text = FILE.replace("MODE", mode).replace("PAGER", self.pager.url).replace("shop", name)
        (self.folder / "files" / f"{name}.yaml").write_text(text)

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Worker | Misconfigured]:
        """A process."""
        async with AsyncExitStack() as opened:
            yield begin(self.settings, opened)

    def paged(self) -> list[tuple[str, str]]:
        """What reached the pager: trigger or resolve, and the key."""
        return [(each.json["event_action"], each.json["dedup_key"]) for each in self.pager.received]


@pytest.fixture
async def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Machine]:
    """With good files, and without a past."""
    monkeypatch.setenv("SHOP_KEY", "0123456789abcdef0123456789ABCDEF")
    (tmp_path / "files").mkdir()
    async with FarSide(TAKEN) as pager:
        machine = Machine(tmp_path, pager)
        machine.write("observe")
        yield machine


async def test_bad_files_at_a_start_leave_the_last_good_ones_in_force(machine: Machine) -> None:
    """The new process goes to work by them, says what is wrong, and people are paged."""
    async with machine.started() as first:
        assert isinstance(first, Worker)
        await first.tick()
    machine.write("autto")
    async with machine.started() as second:
        assert isinstance(second, Misconfigured)
        reply = await second.ready()
        assert reply.status == 200
        assert "found 'autto'; did you mean 'auto'?" in reply.content["problem"]
        await second.tick()
        ledger = ledger_of(machine.settings, opened := AsyncExitStack())
        record = (await ledger.load("shop")).record
        await opened.aclose()
    assert set(record.stamps) == {"weu", "neu"}
    assert CONFIGURATION in {incident.family for incident in record.incidents.values()}
    assert ("trigger", KEY) in machine.paged()


async def test_a_third_start_still_knows_the_last_good_files(machine: Machine) -> None:
    """A worker that began with them keeps them, and not the bad ones."""
    async with machine.started() as first:
        await first.tick()
    machine.write("autto")
    for _ in range(2):
        async with machine.started() as later:
            await later.tick()
            assert (await later.ready()).status == 200


async def test_without_files_at_all_the_last_good_ones_are_in_force(machine: Machine) -> None:
    """A mount that is not there, a file that is no text."""
    async with machine.started() as first:
        await first.tick()
    (machine.folder / "files/shop.yaml").write_bytes(b"\xff")
    async with machine.started() as second:
        assert (await second.ready()).status == 200
    (machine.folder / "files/shop.yaml").unlink()
    async with machine.started() as third:
        assert "no YAML file in this folder" in (await third.ready()).content["problem"]


async def test_p8_with_no_good_files_known_people_are_paged_until_a_start_finds_some(
    machine: Machine,
) -> None:
    """By as much as can be read of the bad ones; nothing is lost meanwhile."""
    machine.write("autto")
    async with machine.started() as first:
        for _ in range(2):
            await first.tick()
        reply = await first.ready()
        assert (reply.status, reply.content["status"]) == (503, "misconfigured")
        assert (await first.receive(Route.ALERTS, b"{}")).status == 503
        with pytest.raises(RuntimeError, match="autto"):
            await first.consume([])
    assert machine.paged() == [("trigger", KEY)]
    details = machine.pager.received[0].json["payload"]["custom_details"]
    assert "found 'autto'" in str(details)
    machine.write("observe")
    async with machine.started() as second:
        await second.tick()
    assert machine.paged()[1:] == [("resolve", KEY)]


@pytest.mark.slow
async def test_last_good_files_that_are_bad_by_now_are_not_used(machine: Machine) -> None:
    """They were good for another version of the worker; what is told is what is wrong with the new ones."""
    async with machine.started() as first:
        await first.tick()
    [kept] = (machine.folder / "data").glob("configuration-*.json")
    good = kept.read_text()
    machine.write("autto")
    for content in (good.replace("stamps:", "stumps:"), "{", '{"workloads": {"a": 1}, "rules": {}}'):
        kept.write_text(content)
        async with machine.started() as later:
            reply = await later.ready()
        assert reply.status == 503
        assert "autto" in reply.content["reason"]


async def test_another_worker_s_files_are_not_taken_for_its_own(machine: Machine) -> None:
    """Two workers may share a ledger and not their files."""
    async with machine.started() as first:
        await first.tick()
    (machine.folder / "others").mkdir()
    (machine.folder / "others/bakery.yaml").write_text("workload: bakery\n")
    settings = machine.settings.model_copy(update={"workloads": machine.folder / "others"})
    async with AsyncExitStack() as opened:
        other = begin(settings, opened)
        assert (await other.ready()).status == 503


async def test_mended_files_end_it_within_the_same_process() -> None:
    """They are tried at most every half minute, by whatever asks first, and once for all who ask."""
    clock, worker = SetClock(), (await a_counter()).worker
    tried: list[float] = []

    async def begun() -> Worker:
        tried.append(clock.moment.timestamp())
        await asyncio.sleep(0)
        if len(tried) < 3:
            raise FileNotFoundError(2, "no such file", "w.yaml")
        return worker

    async def nobody(_: str) -> None:
        pass

    stand_in = Misconfigured("bad", Beginning(clock, begun, nobody))
    assert (await stand_in.ready()).content["reason"] == "w.yaml: no such file"
    await asyncio.gather(*(stand_in.ready() for _ in range(3)))
    assert len(tried) == 1
    for _ in range(2):
        clock.forward(TRIED_EVERY.total_seconds())
        await asyncio.gather(*(stand_in.tick() for _ in range(3)))
    assert len(tried) == 3
    assert (await stand_in.ready()).status == 200
    assert (await stand_in.order(b"{")).status == 400
    await stand_in.consume([])
