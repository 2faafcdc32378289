"""Is what a worker keeps there for the next one, and does nothing fail where it cannot be kept?"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.ledger.container import Container
from remediation.ledger.remembered import RememberedInBlobs, RememberedInFolder
from tests.azurite import connection_string

KEY = "stamps-shop"


@pytest.fixture
async def blobs(azurite: str, container_name: str) -> AsyncIterator[RememberedInBlobs]:
    """In a container that is not there yet."""
    kept = RememberedInBlobs(Container(azurite, container_name, deadline=timedelta(seconds=10)))
    yield kept
    await kept.close()


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_folder_gives_back_what_was_kept_last(tmp_path: Path) -> None:
    """Also to another process, and without leaving drafts behind."""
    folder = tmp_path / "a/b"
    assert await RememberedInFolder(folder).recall(KEY) is None
    for content in (b"first", b"second"):
        await RememberedInFolder(folder).keep(KEY, content)
    assert await RememberedInFolder(folder).recall(KEY) == b"second"
    assert names(folder) == [f"{KEY}.json"]


async def test_a_folder_that_cannot_be_used_keeps_nothing_and_stops_nothing(tmp_path: Path) -> None:
    """No folder can be made under a file; no file where a folder of its name stands."""
    (tmp_path / "file").write_text("")
    under = RememberedInFolder(tmp_path / "file")
    await under.keep(KEY, b"content")
    assert await under.recall(KEY) is None
    (tmp_path / f"{KEY}.json").mkdir()
    beside = RememberedInFolder(tmp_path)
    await beside.keep(KEY, b"content")
    assert await beside.recall(KEY) is None
    assert names(tmp_path) == ["file", f"{KEY}.json"]


@pytest.mark.slow
async def test_blobs_give_back_what_was_kept_last(blobs: RememberedInBlobs) -> None:
    """Before anything was kept there is nothing, and no container either."""
    assert await blobs.recall(KEY) is None
    for content in (b"first", b"second"):
        await blobs.keep(KEY, content)
    assert await blobs.recall(KEY) == b"second"
    assert await blobs.recall("stamps-other") is None


@pytest.mark.slow
async def test_a_store_that_is_away_keeps_nothing_and_stops_nothing() -> None:
    """Neither call raises."""
    away = RememberedInBlobs(Container(connection_string(1), "any", deadline=timedelta(seconds=2)))
    await away.keep(KEY, b"content")
    assert await away.recall(KEY) is None
    await away.close()
