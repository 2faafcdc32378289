"""Do checkpoints in a folder keep the promises of the SDK's store, and does the lag probe read them?"""

import asyncio
import time
from pathlib import Path
from typing import Any

from local.folder_checkpoints import FolderCheckpointStore
from remediation.probes.checkpoints import CheckpointFolder, read_checkpoints

WHOSE = {"fully_qualified_namespace": "NS:1", "eventhub_name": "Hub", "consumer_group": "g"}


def claim(partition: str, owner: str, **more: Any) -> dict[str, Any]:
    """A claim as the SDK makes it."""
    return {**WHOSE, "partition_id": partition, "owner_id": owner, **more}


def checkpoint(partition: str, number: int) -> dict[str, Any]:
    """A checkpoint as the SDK writes it."""
    return {**WHOSE, "partition_id": partition, "sequence_number": number, "offset": str(number * 10)}


async def test_a_claim_is_listed_with_time_and_etag(tmp_path: Path) -> None:
    """What was won can be seen by another store on the folder, and only in its own group."""
    (won,) = await FolderCheckpointStore(tmp_path).claim_ownership([claim("0", "a")])
    other = FolderCheckpointStore(tmp_path)
    assert await other.list_ownership(**WHOSE) == [won]
    assert abs(won["last_modified_time"] - time.time()) < 5
    assert await other.list_ownership("NS:1", "Hub", "other") == []


async def test_of_two_that_saw_the_same_one_wins(tmp_path: Path) -> None:
    """A claim with an old ETag, or with none against an owner, is lost; a released partition can be had."""
    store = FolderCheckpointStore(tmp_path)
    (seen,) = await store.claim_ownership([claim("0", "a")])
    assert await store.claim_ownership([claim("0", "b")]) == []
    (taken,) = await store.claim_ownership([{**seen, "owner_id": "b"}])
    assert await store.claim_ownership([{**seen, "owner_id": "c"}]) == []
    (free,) = await store.claim_ownership([{**taken, "owner_id": ""}])
    assert await store.claim_ownership([{**free, "owner_id": "c"}])


async def test_many_claims_at_once_have_one_winner(tmp_path: Path) -> None:
    """Stores that claim the same partitions at the same moment win each of them once."""
    stores = [FolderCheckpointStore(tmp_path) for _ in range(4)]
    wanted = [
        store.claim_ownership([claim(str(partition), str(number))])
        for partition in range(10)
        for number, store in enumerate(stores)
    ]
    won = [each for answer in await asyncio.gather(*wanted) for each in answer]
    assert sorted(each["partition_id"] for each in won) == [str(number) for number in range(10)]


async def test_the_last_checkpoint_stays_until_it_is_forgotten(tmp_path: Path) -> None:
    """A checkpoint replaces the one before it; forgotten, there is none, and the owner stays."""
    store = FolderCheckpointStore(tmp_path)
    await store.claim_ownership([claim("0", "a")])
    for number in (1, 2):
        await store.update_checkpoint(checkpoint("0", number))
    (kept,) = await store.list_checkpoints(**WHOSE)
    assert (kept["partition_id"], kept["sequence_number"], kept["offset"]) == ("0", 2, "20")
    await store.forget(**WHOSE)
    assert await store.list_checkpoints(**WHOSE) == []
    assert len(await store.list_ownership(**WHOSE)) == 1


async def test_the_lag_probe_reads_what_the_store_writes(tmp_path: Path) -> None:
    """Numbers, times and owners are seen by partition, whatever the case of the names."""
    store = FolderCheckpointStore(tmp_path)
    await store.claim_ownership([claim("0", "a"), claim("1", "")])
    await store.update_checkpoint(checkpoint("0", 7))
    seen = await read_checkpoints(CheckpointFolder(tmp_path), "ns:1", "HUB", "g")
    assert seen["0"].checkpoint == 7
    assert seen["0"].checkpoint_at is not None
    assert abs(seen["0"].checkpoint_at.timestamp() - time.time()) < 5
    assert seen["0"].owned_at is not None
    assert "1" not in seen
