"""Do two workers on one hub and one Blob ledger share the work, and does each survive the other's end?"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from remediation.ledger.intent import IntentState
from tests.e2e.blob_stage import CONTENT, KEY, until
from tests.e2e.blob_workers import Workers, workers_on_blobs
from tests.storage_proxy import Exchange

pytestmark = pytest.mark.slow


@asynccontextmanager
async def signals_flowing(workers: Workers, every_seconds: float) -> AsyncIterator[None]:
    """While it lasts, one healthy node after another says so, under keys that spread over all partitions."""

    async def flow() -> None:
        number = 0
        while True:
            await workers.event("neu", "green", node=f"node-{number % 7}", key=f"key-{number % 13}")
            number += 1
            await asyncio.sleep(every_seconds)

    flowing = asyncio.create_task(flow())
    try:
        yield
    finally:
        flowing.cancel()
        with suppress(asyncio.CancelledError):
            await flowing


async def nothing_is_lost(workers: Workers) -> None:
    """P6: every signal that the hub accepted is considered by a journalled decision, and none is parked."""

    async def all_considered() -> bool:
        return set(workers.sent) <= set(await workers.journalled())

    await until(all_considered, f"{len(workers.sent)} signals in the journal")
    assert await workers.ledger.dead_letters() == []


class Holder:
    """Holds the first delete on its way to the storage until the test lets it go."""

    def __init__(self) -> None:
        self.held: Exchange | None = None
        self.let_go = asyncio.Event()

    async def hold(self, exchange: Exchange) -> None:
        """See `StorageProxy.hold`."""
        if exchange.method == "DELETE" and self.held is None:
            self.held = exchange
            await self.let_go.wait()

    async def release(self) -> int:
        """Let it go on its way, late; the storage's answer."""
        self.let_go.set()
        assert self.held is not None
        held = self.held
        await until(lambda: held.status != 0, "the answer to the late delete")
        return held.status


async def test_p6_two_workers_share_the_partitions_and_their_conflicts_lose_nothing(
    tmp_path: Path, azurite: str, container_name: str
) -> None:
    """P6: both own partitions, both write one record at once, conflicts are counted, nothing is lost."""
    async with workers_on_blobs(tmp_path, azurite, container_name) as workers:
        await workers.start(2)
        async with signals_flowing(workers, 0.01):
            await asyncio.sleep(5)
        await nothing_is_lost(workers)
        counts = [await worker.counts() for worker in workers.processes]
        assert all(count["signals.accepted"] > 0 for count in counts), counts
        assert sum(count["ledger.conflicts"] for count in counts) > 0, counts
        assert workers.stage.effects() == []


async def test_p5_p6_p10_of_two_workers_one_is_killed_in_the_act_and_the_other_takes_over(
    tmp_path: Path, azurite: str, container_name: str
) -> None:
    """P5, P6, P8, P10: its partitions and its drain are taken over; nothing is lost, one delete succeeds."""
    async with workers_on_blobs(tmp_path, azurite, container_name) as workers:
        stage, holder = workers.stage, Holder()
        stage.state_files.hold = holder.hold
        await workers.start(2)
        before = await workers.owners()
        async with signals_flowing(workers, 0.1):
            await workers.event("weu", "red")
            await until(lambda: holder.held is not None, "a delete on its way")
            (await workers.actor()).signal(signal.SIGKILL)
            await until(lambda: stage.effects() == ["drained weu"], "the other worker's drain")
            assert await holder.release() in {404, 412}

            async def taken_over() -> bool:
                return len(set((await workers.owners()).values())) == 1

            await until(taken_over, "all partitions with the other worker")
            assert set((await workers.owners()).values()) < set(before.values())
            await asyncio.sleep(1)
        await workers.event("weu", "green")
        await until(lambda: stage.effects() == ["drained weu", "rejoined weu"], "the rejoin")
        await nothing_is_lost(workers)
        await until(lambda: KEY.format("weu") in stage.keys("resolve"), "the resolve")
        assert stage.keys("trigger") == {KEY.format("weu")}
        assert stage.open_pages() == set()
        assert stage.effects() == ["drained weu", "rejoined weu"]
        assert await stage.content("weu") == CONTENT


async def _drained_by_the_other(workers: Workers) -> None:
    await until(lambda: workers.stage.effects() == ["drained weu"], "the other worker's drain")


async def _given_up_by_the_other(workers: Workers) -> None:
    """The stamp goes out by itself meanwhile: the drain is taken over only to be withdrawn."""
    workers.stage.failing.add("weu")

    async def withdrawn() -> bool:
        states = {intent.state for intent in (await workers.stage.record()).intents.values()}
        return IntentState.SUPERSEDED in states

    await until(withdrawn, "the drain to be withdrawn")


MEANWHILE = {"carries it out": _drained_by_the_other, "gives it up": _given_up_by_the_other}


@pytest.mark.parametrize("what", MEANWHILE)
async def test_p10_the_late_delete_of_a_worker_that_slept_through_its_lease_is_fenced_off(
    tmp_path: Path, azurite: str, container_name: str, what: str
) -> None:
    """P5, P10: paused with its delete on the way, it wakes after the other one acted: it has no effect."""
    meanwhile: Callable[[Workers], Awaitable[None]] = MEANWHILE[what]
    async with workers_on_blobs(tmp_path, azurite, container_name) as workers:
        stage, holder = workers.stage, Holder()
        stage.state_files.hold = holder.hold
        await workers.start(2)
        await workers.event("weu", "red")
        await until(lambda: holder.held is not None, "a delete on its way")
        sleeper, intent = await workers.actor(), await workers.acting()
        sleeper.signal(signal.SIGSTOP)
        await meanwhile(workers)
        effects = stage.effects()
        assert await holder.release() in {404, 412}
        sleeper.signal(signal.SIGCONT)
        await asyncio.sleep(3)  # its answer, its outcome, and two ticks
        assert stage.effects() == effects
        said = [event for entry in await workers.ledger.journal("shop", 500) for event in entry.events]
        assert sum("taken over from" in event for event in said) == 1
        outcomes = [event for event in said if event.startswith("drain of weu: ") and "acts" not in event]
        assert [event for event in outcomes if "taken over" not in event] == _one_outcome(what)
        assert (await stage.record()).intents[intent.id].state is not IntentState.ACTING


def _one_outcome(what: str) -> list[str]:
    return ["drain of weu: applied: the state file was deleted"] if what == "carries it out" else []
