"""Which ledgers do the tests of the ledger's contract run against?"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from remediation.ports import Ledger
from tests.ledger.stores import BlobStore, MemoryStore, NewLedger, SqliteStore, Store


@pytest.fixture(params=["memory", "sqlite", pytest.param("blob", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store in turn, empty."""
    match request.param:
        case "memory":
            return MemoryStore()
        case "sqlite":
            return SqliteStore(tmp_path)
        case _:
            return BlobStore(request.getfixturevalue("azurite"), request.getfixturevalue("container_name"))


@pytest.fixture
async def new_ledger(store: Store) -> AsyncIterator[NewLedger]:
    """Opens the ledger of one more worker on the store."""
    opened: list[Ledger] = []

    def new() -> Ledger:
        opened.append(store.ledger())
        return opened[-1]

    yield new
    for ledger in opened:
        await ledger.close()


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Ledger:
    """The ledger of one worker."""
    return new_ledger()
