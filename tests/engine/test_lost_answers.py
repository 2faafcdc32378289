"""Is every lost answer of real storage survived, over the whole life of a drain?

The engine with its real adapters: ledger and state files on Azurite, each behind
a proxy that lets requests take effect and loses their answers; HealthServices
and pager over HTTP. Only the clock is a test's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from remediation.act.http import Door
from remediation.act.log import LogTeller
from remediation.act.page import PagerDutyTeller
from remediation.act.state_file import StateFileLever
from remediation.configuration import charges_of
from remediation.decide.plan import Arrival
from remediation.engine import Engine, Ports
from remediation.ledger.blob import BlobLedger
from remediation.probes.healthservice import HttpHealthServices
from remediation.settings import Settings
from rules.signals import AlertState
from tests.act.far_side import secrets
from tests.azurite import connection_string, port_of
from tests.builders import an_alert
from tests.e2e.blob_stage import CONTENT, KEY, RULES, STAMPS, BlobStage, a_blob_stage
from tests.storage_proxy import Exchange, StorageProxy, storage_proxy
from tests.world import CANNOT_READ, TestClock

pytestmark = pytest.mark.slow

POLICY = "settle: 30s, same_fault_within: 30s, rejoin_after: 60s, lease: 60s, cooldown: 30s"


@dataclass
class Life:
    """One workload, from the first tick to the end of an incident, in virtual time."""

    stage: BlobStage
    ledger_proxy: StorageProxy
    ledger: BlobLedger
    engine: Engine
    clock: TestClock

    async def tick(self, times: int) -> None:
        """Let half a minute pass, so many times; what fails at one tick is for the next."""
        for _ in range(times):
            self.clock.turn(timedelta(seconds=30))
            await self.engine.reconcile_all()

    async def alert(self, condition: AlertState) -> None:
        """Azure Monitor speaks; a batch that cannot be taken in is delivered again, as a host does."""
        now = self.clock.now()
        signal = an_alert(CANNOT_READ, condition, "weu", id=str(condition), observed_at=now)
        while await self.engine.accept([Arrival(signal, now)]):
            self.clock.turn(timedelta(seconds=1))

    async def drain_and_rejoin(self) -> None:
        """The whole story, with time enough for every retry."""
        await self.tick(1)
        await self.alert(AlertState.FIRED)
        while not (await self.stage.record()).stamp("weu").drain:
            await self.tick(1)
        await self.alert(AlertState.RESOLVED)
        while (await self.stage.record()).incidents:
            await self.tick(1)
        await self.tick(4)


@asynccontextmanager
async def a_life(folder: Path, azurite: str, container: str) -> AsyncIterator[Life]:
    """A worker on Azurite; nothing is lost yet."""
    async with AsyncExitStack() as running:
        stage = await running.enter_async_context(a_blob_stage(folder, azurite, container, POLICY))
        proxy = await running.enter_async_context(storage_proxy(port_of(azurite)))
        clock = TestClock()
        door = Door(clock)
        lever = StateFileLever(secrets(**stage.secrets), timeout_seconds=3)
        ledger = BlobLedger(connection_string(proxy.port), container)
        for opened in (door, lever, ledger):
            running.push_async_callback(opened.close)
        ports = Ports(
            clock=clock,
            ledger=ledger,
            lever=lever,
            health_services=HttpHealthServices(door.get, clock, lambda _: None, timeout_seconds=3),
            pager=PagerDutyTeller(door, secrets(**stage.secrets), otherwise=LogTeller()),
            notifier=LogTeller(),
        )
        charges = charges_of(Settings(workloads=stage.workload_file, rules=RULES))
        yield Life(stage, proxy, ledger, Engine(charges, ports, "worker-1"), clock)


def every(nth: int, methods: set[str]) -> Callable[[Exchange], bool]:
    """Loses every n-th answer to requests of these methods."""
    numbers = count(1)
    return lambda exchange: exchange.method in methods and next(numbers) % nth == 0


async def all_is_well(life: Life) -> None:
    """One drain, one rejoin, the same bytes, one page that was resolved, and nothing left over."""
    assert life.stage.effects() == ["drained weu", "rejoined weu"]
    assert [await life.stage.content(stamp) for stamp in STAMPS] == [CONTENT] * 3
    assert life.stage.keys("trigger") == life.stage.keys("resolve") == {KEY.format("weu")}
    assert life.stage.open_pages() == set()
    record = await life.stage.record()
    assert (record.incidents, record.in_flight(), record.outbox) == ({}, [], ())
    considered = [signal for entry in await life.ledger.journal("shop", 1000) for signal in entry.signals]
    assert [considered.count(condition) for condition in AlertState] == [1, 1]


LOST = {
    "ledger writes": ("ledger", {"PUT"}, (2, 3, 5, 7)),
    "ledger reads": ("ledger", {"GET"}, (2, 3, 5, 7)),
    "changes of state files": ("states", {"DELETE", "PUT"}, (1, 2)),
    # A lost look is `unreachable`, and holds. Of a look at three stamps some must get through as a whole.
    "any answers about state files": ("states", {"HEAD", "GET", "DELETE", "PUT"}, (5, 7, 11, 13)),
}


@pytest.mark.parametrize("what", LOST)
async def test_whatever_answers_are_lost_one_drain_and_one_rejoin_take_place(
    what: str, tmp_path: Path, azurite: str, container_name: str
) -> None:
    """P4, P5, P6, P8: with every n-th answer lost over a whole life, the end is as if none had been."""
    where, methods, nths = LOST[what]

    async def live(nth: int) -> None:
        folder = tmp_path / str(nth)
        await asyncio.to_thread(folder.mkdir)
        async with a_life(folder, azurite, f"{container_name}-{nth}") as life:
            proxy = life.ledger_proxy if where == "ledger" else life.stage.state_files
            proxy.loses = every(nth, methods)
            await life.drain_and_rejoin()
            proxy.loses = lambda _: False
            await all_is_well(life)
            assert any(each.lost for each in proxy.exchanges)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for nth in nths:
            group.create_task(live(nth))
