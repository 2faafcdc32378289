"""What does the worker do when its ledger fails it? It tells people, and touches nothing."""

from collections.abc import Sequence

import pytest

from remediation.ledger.codec import UnreadableRecordError
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.memory import MemoryLedger, Shelf
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ports import LedgerUnavailableError, Stored
from rules.signals import AlertState, Health
from tests.builders import a_signal
from tests.world import World

KEY = "shop/weu/background-processor-cannot-read"


class FailingLedger(MemoryLedger):
    """A ledger whose store can be taken away, or whose records can be damaged."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.gone = False
        self.damaged = False
        self.journal_gone = False

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
        return await super().save(record, version)

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
