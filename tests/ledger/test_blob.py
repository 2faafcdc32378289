"""Does the ledger in Blob Storage hold when the way to it does not?"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from azure.storage.blob import BlobClient

from remediation.ledger.blob import BlobLedger
from remediation.ports import ConflictError, LedgerUnavailableError
from tests.azurite import connection_string, port_of
from tests.builders import WORKLOAD, a_letter, a_record, an_entry, next_record
from tests.ledger.lossy_proxy import LossyProxy, lossy_proxy

pytestmark = pytest.mark.slow


@pytest.fixture
async def proxy(azurite: str) -> AsyncIterator[LossyProxy]:
    """A proxy before Azurite that can lose answers."""
    async with lossy_proxy(port_of(azurite)) as proxy:
        yield proxy


@pytest.fixture
async def near(azurite: str, container_name: str) -> AsyncIterator[BlobLedger]:
    """The ledger of a worker with nothing in its way; the container is there."""
    ledger = BlobLedger(azurite, container_name)
    await ledger.check()
    yield ledger
    await ledger.close()


@pytest.fixture
async def far(proxy: LossyProxy, near: BlobLedger, container_name: str) -> AsyncIterator[BlobLedger]:
    """The ledger of a worker behind the proxy, on the same container."""
    ledger = BlobLedger(connection_string(proxy.port), container_name, deadline=timedelta(seconds=4))
    yield ledger
    await ledger.close()


async def test_p5_a_creation_whose_answer_is_lost_is_known_as_ones_own(
    far: BlobLedger, near: BlobLedger, proxy: LossyProxy
) -> None:
    """The first save took effect and its answer was lost: the second attempt is told that it succeeded."""
    proxy.to_lose = 1
    version = await far.save(a_record(), None)
    assert proxy.lost.is_set()
    stored = await near.load(WORKLOAD)
    assert (stored.record, stored.version) == (a_record(), version)


async def test_p5_a_change_whose_answer_is_lost_is_known_as_ones_own(
    far: BlobLedger, near: BlobLedger, proxy: LossyProxy
) -> None:
    """The same holds for a save over a version, and the version that it returns can be saved over."""
    version = await far.save(a_record(), None)
    proxy.to_lose = 1
    version = await far.save(next_record(a_record()), version)
    assert proxy.lost.is_set()
    assert (await near.load(WORKLOAD)).version == version
    await far.save(next_record(next_record(a_record())), version)
    assert (await near.load(WORKLOAD)).record.revision == 3


async def test_anothers_write_is_not_taken_for_ones_own(
    far: BlobLedger, near: BlobLedger, proxy: LossyProxy
) -> None:
    """Where another worker wrote before the second attempt, the answer is a conflict."""
    version = await far.save(a_record(), None)
    proxy.to_lose = 1
    proxy.open.clear()
    saving = asyncio.create_task(far.save(next_record(a_record()), version))
    await proxy.lost.wait()
    stored = await near.load(WORKLOAD)
    anothers = await near.save(next_record(stored.record), stored.version)
    proxy.open.set()
    with pytest.raises(ConflictError):
        await saving
    assert (await near.load(WORKLOAD)).version == anothers


async def test_where_every_answer_is_lost_the_ledger_is_unavailable(
    far: BlobLedger, near: BlobLedger, proxy: LossyProxy
) -> None:
    """Without any answer a save is unavailable and claims nothing; a later load tells what became of it."""
    proxy.to_lose = 1000
    with pytest.raises(LedgerUnavailableError):
        await far.save(a_record(), None)
    proxy.to_lose = 0
    assert (await far.load(WORKLOAD)) == (await near.load(WORKLOAD))
    assert (await near.load(WORKLOAD)).record == a_record()


async def test_a_journal_entry_whose_answer_is_lost_is_there_once(
    far: BlobLedger, near: BlobLedger, proxy: LossyProxy
) -> None:
    """An entry or a dead letter that is sent twice because an answer was lost is kept once."""
    proxy.to_lose = 1
    await far.append_journal([an_entry()])
    proxy.to_lose = 1
    await far.bury(a_letter())
    assert proxy.to_lose == 0
    assert await near.journal(WORKLOAD) == [an_entry()]
    assert await near.dead_letters() == [a_letter()]


async def test_a_store_that_never_answers_is_unavailable_in_time(
    proxy: LossyProxy, container_name: str
) -> None:
    """A store that takes connections and says nothing is given up at the deadline."""
    proxy.open.clear()
    ledger = BlobLedger(connection_string(proxy.port), container_name, deadline=timedelta(seconds=0.5))
    async with asyncio.timeout(3):
        with pytest.raises(LedgerUnavailableError, match=r"no answer in 0\.5 s"):
            await ledger.load(WORKLOAD)
    await ledger.close()


async def test_where_nothing_listens_the_ledger_is_unavailable(unused_tcp_port: int) -> None:
    """Every use of a store that is not there says so."""
    ledger = BlobLedger(connection_string(unused_tcp_port), "ledger", deadline=timedelta(seconds=1))
    uses = (
        ledger.load(WORKLOAD),
        ledger.save(a_record(), None),
        ledger.append_journal([an_entry()]),
        ledger.journal(WORKLOAD),
        ledger.bury(a_letter()),
        ledger.dead_letters(),
        ledger.check(),
    )
    answers = await asyncio.gather(*uses, return_exceptions=True)
    assert [type(answer) for answer in answers] == [LedgerUnavailableError] * len(uses)
    await ledger.close()


async def test_a_wrong_key_is_unavailable(azurite: str, container_name: str) -> None:
    """A store that does not let us in is unavailable, and the words hold no secret."""
    wrong = azurite.replace("AccountKey=", "AccountKey=AAAA")
    ledger = BlobLedger(wrong, container_name)
    with pytest.raises(LedgerUnavailableError) as caught:
        await ledger.load(WORKLOAD)
    assert "AAAA" not in str(caught.value)
    await ledger.close()


async def test_a_leased_record_is_unavailable_and_not_a_conflict(
    near: BlobLedger, azurite: str, container_name: str
) -> None:
    """Where somebody holds a lease on the record, planning anew would not help: it is no conflict."""
    version = await near.save(a_record(), None)
    with BlobClient.from_connection_string(azurite, container_name, f"records/{WORKLOAD}.json") as blob:
        lease = blob.acquire_lease()
        with pytest.raises(LedgerUnavailableError, match="cannot be written"):
            await near.save(next_record(a_record()), version)
        lease.release()
    await near.save(next_record(a_record()), version)


async def test_a_removed_record_is_blank_again(near: BlobLedger, azurite: str, container_name: str) -> None:
    """A record that somebody removed is not remembered: it loads as blank, and cannot be saved over."""
    version = await near.save(a_record(), None)
    with BlobClient.from_connection_string(azurite, container_name, f"records/{WORKLOAD}.json") as blob:
        blob.delete_blob()
    assert (await near.load(WORKLOAD)).version is None
    with pytest.raises(ConflictError):
        await near.save(next_record(a_record()), version)
