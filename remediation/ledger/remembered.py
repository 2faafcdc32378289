"""Where does a worker keep small things that the next one should know at its start?

Not the record: what is kept here can be found out again, and only spares the
worker from knowing nothing while Azure does not answer. So nothing fails when
it cannot be kept or recalled.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from remediation.observe import log
from remediation.ports import LedgerUnavailableError

if TYPE_CHECKING:
    from remediation.ledger.container import Container

CONTENT_BYTES = 1024 * 1024


class RememberedInFolder:
    """Files in a folder, beside the embedded ledger."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def recall(self, key: str) -> bytes | None:
        """What was kept; None if nothing was, or if it cannot be had now. Never raises."""
        return await asyncio.to_thread(self._read, key)

    async def keep(self, key: str, content: bytes) -> None:
        """Keep it, if that can be done. Never raises."""
        await asyncio.to_thread(self._write, key, content)

    def _read(self, key: str) -> bytes | None:
        try:
            with self._path(key).open("rb") as file:
                return file.read(CONTENT_BYTES)
        except OSError:
            return None

    def _write(self, key: str, content: bytes) -> None:
        draft = self._folder / f".{key}.{uuid4().hex}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(self._path(key))  # whole or not at all
        except OSError as error:
            _not_kept(key, type(error).__name__)
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


class RememberedInBlobs:
    """Blobs in the container of the ledger."""

    def __init__(self, container: "Container") -> None:
        self._container = container

    async def recall(self, key: str) -> bytes | None:
        """What was kept; None if nothing was, or if it cannot be had now. Never raises."""
        try:
            found = await self._container.read(_name(key))
        except LedgerUnavailableError:
            return None
        return found.data if found else None

    async def keep(self, key: str, content: bytes) -> None:
        """Keep it, if that can be done. Never raises."""
        from remediation.ledger.container import RefusedError  # noqa: PLC0415 - its SDK takes a third of a second

        try:
            await self._container.put(_name(key), content)
        except (LedgerUnavailableError, RefusedError) as error:
            _not_kept(key, str(error))

    async def close(self) -> None:
        """Give up connections."""
        await self._container.close()


def _name(key: str) -> str:
    return f"remembered/{key}.json"


def _not_kept(key: str, reason: str) -> None:
    log.warning("not kept", key=key, reason=reason)
