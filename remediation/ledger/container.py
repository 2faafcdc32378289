"""What can be done with the blobs of one container, in the ledger's words?

The only module of the ledger that knows Azure's SDK, which takes a third of a
second to import: import it late. Calls end in time, also when the other side
does not, and every failure that is no answer is `LedgerUnavailableError`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobServiceClient, LinearRetry

from remediation.ports import LedgerUnavailableError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

CONNECT_SECONDS = 2
READ_SECONDS = 5
_JSON = ContentSettings(content_type="application/json")
_MOST_LISTED = 5000  # by the service, at once
_UNCHANGED = 304
_SAYING_NO = frozenset({409, 412})


class RefusedError(Exception):
    """The service said no to a write, most often because its condition does not hold."""


class Blob(NamedTuple):
    """A blob as it was read. Its version is its ETag; no data where it is unchanged."""

    version: str
    data: bytes | None


class Container:
    """One blob container. It is made at the first write if it is absent."""

    def __init__(
        self,
        account: str,
        container: str,
        credential: "AsyncTokenCredential | None" = None,
        *,
        deadline: timedelta,
    ) -> None:
        """Remember where to go; nothing is reached for yet.

        Args:
            account: the account's blob URL, or a connection string.
            container: its name.
            credential: for a URL that carries no signature. Whoever made it closes it.
            deadline: for each call, with all its retries.
        """
        self._deadline = deadline.total_seconds()
        options: dict[str, Any] = {
            "retry_policy": LinearRetry(backoff=1, random_jitter_range=1, retry_total=2),
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
        }
        if account.startswith(("http://", "https://")):
            self._service = BlobServiceClient(account, credential, **options)
        else:
            self._service = BlobServiceClient.from_connection_string(account, **options)
        self._container = self._service.get_container_client(container)
        self._where = f"blob container {container} of {self._service.account_name}"

    async def read(self, name: str, unless: str | None = None) -> Blob | None:
        """The blob of that name, if there is one; without its data if it is of version `unless`."""
        condition: dict[str, Any] = {}
        if unless is not None:
            condition = {"etag": unless, "match_condition": MatchConditions.IfModified}
        async with self._bounded():
            try:
                stream = await self._container.download_blob(name, encoding=None, **condition)
                return Blob(stream.properties.etag, await stream.readall())
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                if unless is None or error.status_code != _UNCHANGED:
                    raise
                return Blob(unless, None)

    async def create(self, name: str, data: bytes) -> str:
        """Write a new blob; returns its version.

        Raises:
            RefusedError: there is one already, or none may be written.
        """
        return await self._write(name, data, overwrite=False)

    async def replace(self, name: str, data: bytes, version: str) -> str:
        """Write over that version of a blob; returns the new one.

        Raises:
            RefusedError: it is of another version, is absent, or must not be changed.
        """
        condition = {"etag": version, "match_condition": MatchConditions.IfNotModified}
        return await self._write(name, data, overwrite=True, **condition)

    async def put(self, name: str, data: bytes) -> None:
        """Write a blob, whatever was there.

        Raises:
            RefusedError: it must not be changed.
        """
        await self._write(name, data, overwrite=True)

    async def names(self, prefix: str, limit: int) -> list[str]:
        """The first names that begin so, in the order of their characters."""
        found: list[str] = []
        pages = self._container.list_blob_names(
            name_starts_with=prefix, results_per_page=min(limit, _MOST_LISTED)
        )
        async with self._bounded():
            try:
                async for name in pages:
                    if len(found) >= limit:
                        break
                    found.append(name)
            except ResourceNotFoundError:
                return []
        return found

    async def close(self) -> None:
        """Close connections."""
        await self._service.close()

    async def _write(self, name: str, data: bytes, **options: Any) -> str:
        async with self._bounded():
            try:
                return await self._upload(name, data, options)
            except ResourceNotFoundError:  # of the container: a blob need not be there to be written
                await self._make()
                return await self._upload(name, data, options)

    async def _upload(self, name: str, data: bytes, options: dict[str, Any]) -> str:
        blob = self._container.get_blob_client(name)
        try:
            answer = await blob.upload_blob(data, content_settings=_JSON, **options)
        except HttpResponseError as error:
            if error.status_code in _SAYING_NO:
                raise RefusedError(_words(error)) from error
            raise
        return str(answer["etag"])

    async def _make(self) -> None:
        try:
            await self._container.create_container()
        except ResourceExistsError:
            return  # another worker was faster

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._deadline):
                yield
        except TimeoutError as error:
            raise LedgerUnavailableError(f"{self._where}: no answer in {self._deadline:g} s") from error
        except AzureError as error:
            raise LedgerUnavailableError(f"{self._where}: {_words(error)}") from error


def _words(error: AzureError) -> str:
    """The first line; what follows it are request ids and headers."""
    return str(error).partition("\n")[0] or type(error).__name__
