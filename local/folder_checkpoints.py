"""How far has a stamp's BackgroundProcessor read, where anybody can look?

`FolderCheckpointStore` answers behind the SDK's `CheckpointStore` interface. Its files have the
names of the SDK's blobs, and hold what would be their metadata, so that the worker's lag probe
reads them as it reads a container in Azure. A claim compares the ETag it has seen with the one
that is there, under a lock of the folder, so of two consumers exactly one wins.
"""

import asyncio
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from azure.eventhub.aio import CheckpointStore

_WHOSE = ("fully_qualified_namespace", "eventhub_name", "consumer_group")

_Result = TypeVar("_Result")


class FolderCheckpointStore(CheckpointStore):
    """Checkpoints and ownership in the files of one folder, which is made if it is absent.

    All access runs in threads, so the event loop never waits for the disk.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    async def list_ownership(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **_: Any
    ) -> list[dict[str, Any]]:
        """Give who owns which partition, also of owners that have been silent for long."""
        whose = dict(zip(_WHOSE, (fully_qualified_namespace, eventhub_name, consumer_group), strict=True))
        return await self._alone(lambda: [_owned(whose, file) for file in self._files(whose, "ownership")])

    async def claim_ownership(
        self, ownership_list: Iterable[Mapping[str, Any]], **_: Any
    ) -> list[dict[str, Any]]:
        """Claim partitions; give those that were won, with their new ETag and time."""
        wanted = list(ownership_list)
        return await self._alone(lambda: [won for each in wanted if (won := self._claim(each))])

    async def update_checkpoint(self, checkpoint: Mapping[str, Any], **_: Any) -> None:
        """Keep how far a partition was read."""
        says = {"sequencenumber": checkpoint["sequence_number"], "offset": checkpoint["offset"]}
        await self._alone(lambda: _write(self._file(checkpoint, "checkpoint"), says))

    async def list_checkpoints(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **_: Any
    ) -> list[dict[str, Any]]:
        """Give how far each partition was read."""
        whose = dict(zip(_WHOSE, (fully_qualified_namespace, eventhub_name, consumer_group), strict=True))
        return await self._alone(lambda: [_read_to(whose, file) for file in self._files(whose, "checkpoint")])

    async def forget(self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str) -> None:
        """Delete the checkpoints of a group, as a person does after the hub was deleted and made anew."""
        whose = dict(zip(_WHOSE, (fully_qualified_namespace, eventhub_name, consumer_group), strict=True))
        await self._alone(lambda: _delete(self._files(whose, "checkpoint")))

    def _claim(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        file = self._file(wanted, "ownership")
        known = _says(file).get("etag") if file.exists() else None
        if known != (wanted.get("etag") or None):
            return None
        etag = secrets.token_hex(8)
        _write(file, {"ownerid": wanted["owner_id"], "etag": etag})
        return {**wanted, "etag": etag, "last_modified_time": file.stat().st_mtime}

    def _files(self, whose: Mapping[str, Any], kind: str) -> list[Path]:
        return sorted((self._group(whose) / kind).glob("[!.]*"))

    def _file(self, whose: Mapping[str, Any], kind: str) -> Path:
        return self._group(whose) / kind / str(whose["partition_id"])

    def _group(self, whose: Mapping[str, Any]) -> Path:
        return self._folder.joinpath(*(str(whose[name]).lower() for name in _WHOSE))

    async def _alone(self, work: Callable[[], _Result]) -> _Result:
        def alone() -> _Result:
            with _locked(self._folder / ".lock"):
                return work()

        return await asyncio.to_thread(alone)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock. The kernel lets go of it if we are killed."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _says(file: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(file.read_bytes())
    return said


def _write(file: Path, says: Mapping[str, Any]) -> None:
    """Whole or not at all, for whoever reads without the lock."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}")
    draft.write_text(json.dumps(says), "utf-8")
    draft.replace(file)


def _delete(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink()


def _owned(whose: Mapping[str, Any], file: Path) -> dict[str, Any]:
    said = _says(file)
    return {
        **whose,
        "partition_id": file.name,
        "owner_id": said["ownerid"],
        "etag": said["etag"],
        "last_modified_time": file.stat().st_mtime,
    }


def _read_to(whose: Mapping[str, Any], file: Path) -> dict[str, Any]:
    said = _says(file)
    return {
        **whose,
        "partition_id": file.name,
        "sequence_number": said["sequencenumber"],
        "offset": said["offset"],
    }
