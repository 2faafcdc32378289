"""What does the worker do when its ledger fails it? It tells people, and touches nothing."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from remediation.decide.looks import HealthLook
from remediation.engine import Engine, Ports
from remediation.ledger.codec import UnreadableRecordError
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.memory import MemoryLedger, Shelf
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ledger.told import MessageKind
from remediation.ports import LedgerUnavailableError, Stored
from rules.policy import Mode
from rules.signals import AlertState, Health
from rules.topology import Stamp
from tests.builders import a_signal, a_workload
from tests.world import FakeHealthServices, FakeLever, FakeTeller, World

pytestmark = pytest.mark.slow

KEY = "shop/weu/background-processor-cannot-read"


class FailingLedger(MemoryLedger):
    """A ledger whose store can be taken away, or whose records can be damaged."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.gone = False
        self.damaged = False
        self.journal_gone = False
        self.refusing = False

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        if self.gone:
            raise LedgerUnavailableError("the store cannot be reached")
        if self.damaged:
            raise UnreadableRecordError("damaged record")
        return await super().load(workload)

    async def save(self, record: WorkloadRecord, version: str | None) -> str:
        """See `Ledger`."""
        if self.gone:
            raise LedgerUnavailableError("the store cannot be reached")
        if self.refusing:
            raise LedgerUnavailableError("somebody holds a lease on the record")
        return await super().save(record, version)

    async def check(self) -> None:
        """See `Ledger`."""
        if self.gone:
            raise LedgerUnavailableError("the store cannot be reached")

    async def append_journal(self, entries: Sequence[JournalEntry]) -> None:
        """See `Ledger`."""
        if self.journal_gone:
            raise LedgerUnavailableError("the journal cannot be reached")
        await super().append_journal(entries)


def a_world() -> tuple[World, FailingLedger]:
    """A world whose ledger can fail."""
    ledger = FailingLedger(Shelf())
    return World(ledger=ledger), ledger


async def test_p9_without_a_ledger_someone_is_paged_and_nothing_is_drained() -> None:
    """The page goes out under the same dedup key, the batch is asked for again, and no file is touched."""
    world, ledger = a_world()
    await world.run(1)
    ledger.gone = True
    with pytest.raises(LedgerUnavailableError):
        await world.alert("weu", AlertState.FIRED)
    assert [page.incident for page in world.pages()] == [KEY]
    assert "does nothing by itself" in dict(world.pages()[0].facts)["Worker"]
    await world.engine.reconcile_all()
    assert world.effects == []


async def test_p9_the_same_batch_again_and_again_pages_once_in_five_minutes() -> None:
    """The host delivers the batch again every few seconds while the ledger is gone; nobody is flooded."""
    world, ledger = a_world()
    ledger.gone = True
    for _ in range(5):
        with pytest.raises(LedgerUnavailableError):
            await world.alert("weu", AlertState.FIRED)
    assert len(world.pages()) == 1


async def test_p9_a_page_that_failed_is_tried_again_with_the_batch() -> None:
    """Only a delivered page counts as told."""
    world, ledger = a_world()
    ledger.gone = True
    world.pager_answers = [Outcome(OutcomeKind.TRANSIENT, "503")]
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError):
            await world.alert("weu", AlertState.FIRED)
    assert len(world.pages()) == 1


async def test_when_the_ledger_is_back_the_same_incident_goes_on() -> None:
    """The batch, delivered again, opens the incident whose page is out already; the drain follows."""
    world, ledger = a_world()
    await world.run(1)
    ledger.gone = True
    with pytest.raises(LedgerUnavailableError):
        await world.alert("weu", AlertState.FIRED)
    ledger.gone = False
    await world.alert("weu", AlertState.FIRED)
    await world.run(2)
    assert world.out() == {"weu"}
    assert {page.incident for page in world.pages()} == {KEY}


async def test_a_damaged_record_parks_its_signals_and_pages() -> None:
    """A damaged record is no reason to hold up the partition: its signals are named, not lost."""
    world, ledger = a_world()
    ledger.damaged = True
    parked = await world.says(
        a_signal("weu", "BackgroundProcessor", Health.RED, observed_at=world.clock.now())
    )
    assert parked == {"shop": "damaged record"}
    assert [page.incident for page in world.pages()] == [KEY]


async def test_decisions_wait_in_the_record_until_the_journal_takes_them() -> None:
    """P6: a journal that cannot be reached loses no decision."""
    world, ledger = a_world()
    await world.run(1)
    ledger.journal_gone = True
    await world.alert("weu", AlertState.FIRED)
    assert (await world.record()).journal
    ledger.journal_gone = False
    await world.alert("neu", AlertState.FIRED)
    considered = [signal for entry in await ledger.journal("shop") for signal in entry.signals]
    assert sum("/weu/fired/" in signal for signal in considered) == 1
    assert sum("/neu/fired/" in signal for signal in considered) == 1


async def test_the_record_stays_bounded_while_the_journal_is_gone() -> None:
    """P19: when too many decisions wait, nothing more is taken in until the journal is back."""
    world, ledger = a_world()
    ledger.journal_gone = True

    async def a_restless_night() -> None:
        for _ in range(200):
            await world.alert("weu", AlertState.FIRED)
            await world.alert("weu", AlertState.RESOLVED)
            await world.run(1)

    with pytest.raises(LedgerUnavailableError):
        await a_restless_night()
    assert len((await world.record()).journal) < 60


async def test_p9_what_only_the_timer_sees_is_paged_without_a_ledger() -> None:
    """Every HealthService answers 503 and the record cannot be read: someone learns of both."""
    world, ledger = a_world()
    await world.run(1)
    ledger.gone = True
    for truth in world.truth.values():
        truth.failing = {"Database"}
    for _ in range(3):
        await world.engine.reconcile_all()
    incidents = {page.incident for page in world.pages()}
    assert {"shop/global/root-node-red", "shop/global/ledger-unusable"} <= incidents
    assert world.effects == []


async def test_p8_what_was_paged_without_a_ledger_ends_when_it_is_back() -> None:
    """A blind page of something that was over before the ledger came back is resolved, not left open."""
    world, ledger = a_world()
    await world.run(1)
    ledger.damaged = True
    await world.node("weu", "BackgroundProcessor", Health.RED)
    for _ in range(3):
        await world.engine.reconcile_all()
    assert {page.incident for page in world.pages()} == {KEY, "shop/global/ledger-unusable"}
    ledger.damaged = False
    await world.run(1)
    assert {page.incident for page in world.pages(MessageKind.RESOLVE)} == {
        KEY,
        "shop/global/ledger-unusable",
    }


@pytest.mark.parametrize("times", [1, 2], ids=["told once", "told again"])
async def test_p8_a_page_without_a_ledger_that_may_have_arrived_is_told_again_and_ends(times: int) -> None:
    """P8: nobody heard whether the first arrived; the next is told at once, and in the end it is resolved."""
    world, ledger = a_world()
    await world.run(1)
    ledger.damaged = True
    world.pager_answers = [Outcome(OutcomeKind.UNKNOWN, "timed out")]
    for _ in range(times):
        await world.node("weu", "BackgroundProcessor", Health.RED)
    assert [page.incident for page in world.pages()] == [KEY] * (times - 1)
    ledger.damaged = False
    await world.engine.reconcile_all()
    assert [page.incident for page in world.pages(MessageKind.RESOLVE)] == [KEY]


async def test_a_record_that_alone_cannot_be_written_parks_its_signals() -> None:
    """A store that is there but refuses one record is no reason to hold up the partition for ever."""
    world, ledger = a_world()
    ledger.refusing = True
    parked = await world.says(
        a_signal("weu", "BackgroundProcessor", Health.RED, observed_at=world.clock.now())
    )
    assert parked == {"shop": "somebody holds a lease on the record"}
    assert [page.incident for page in world.pages()] == [KEY]


class HangingTeller:
    """A channel whose connections hang."""

    async def tell(self, workload: object, message: object) -> Outcome:  # noqa: ARG002 - nothing is said
        """See `Teller`."""
        await asyncio.sleep(3600)
        raise AssertionError


async def test_channels_that_hang_delay_no_drain() -> None:
    """Telling goes on beside looking, deciding and acting, and gives up by itself."""
    world = World()
    ports = Ports(
        clock=world.clock,
        ledger=world.ledger,
        lever=FakeLever(world),
        health_services=FakeHealthServices(world),
        pager=HangingTeller(),
        notifier=HangingTeller(),
    )
    world.engine = Engine({"shop": world.charge}, ports, "worker-1")
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    world.clock.turn(timedelta(seconds=60))
    reconciling = asyncio.create_task(world.engine.reconcile("shop"))
    for _ in range(200):
        await asyncio.sleep(0)
    assert world.out() == {"weu"}
    await reconciling
    assert (await world.record()).outbox


class BrokenHealthServices(FakeHealthServices):
    """A probe with a fault of its own."""

    async def look(self, stamp: Stamp) -> HealthLook:
        """See `HealthServices`, and fail it."""
        if stamp.name == "neu":
            raise ZeroDivisionError
        return await super().look(stamp)


async def test_a_faulty_probe_is_not_being_able_to_see() -> None:
    """A port that raises although it must not: its stamp is unknown, and the others are looked after."""
    world = World(a_workload(stamps=("weu", "neu", "eus", "sdc"), mode=Mode.AUTO))
    ports = Ports(
        clock=world.clock,
        ledger=world.ledger,
        lever=FakeLever(world),
        health_services=BrokenHealthServices(world),
        pager=FakeTeller(world),
        notifier=FakeTeller(world),
    )
    world.engine = Engine({"shop": world.charge}, ports, "worker-1")
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(3)
    assert world.out() == {"weu"}
    seen = (await world.record()).stamp("neu").seen
    assert seen is not None
    assert "ZeroDivisionError" in seen.words
