"""How do we get at a blob: by which client, with whose rights?

Rights come first and apart: a token that cannot be had is known to have sent
nothing, whereas the same error out of the middle of a request says less.
"""

import asyncio
from collections.abc import Callable

from aiohttp import ClientSession
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from remediation.act.answer import scrub
from remediation.act.http import session_that_tries_once
from remediation.act.secret import ReadSecret, words_if_missing
from rules.topology import BlobStateFile

TOKEN_SECONDS = 8.0
"""For the first token after a start; later ones come from the credential's memory."""

_SCOPE = "https://storage.azure.com/.default"


class NotReadyError(Exception):
    """Nothing was sent, for want of an address or of rights. `passing`: trying again may help."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


def default_credential(client_id: str | None = None) -> AsyncTokenCredential:
    """Managed identity on Azure, the developer's own sign-in elsewhere.

    Args:
        client_id: of a user-assigned identity; without it, the system's own is taken.
    """
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - slow, and often not needed

    return DefaultAzureCredential(managed_identity_client_id=client_id)


class BlobAccounts:
    """Clients of storage accounts, made at their first use. They send every request once."""

    def __init__(self, read_secret: ReadSecret, credential: Callable[[], AsyncTokenCredential]) -> None:
        self._read_secret = read_secret
        self._make_credential = credential
        self._credential: AsyncTokenCredential | None = None
        self._session: ClientSession | None = None
        self._services: dict[str, BlobServiceClient] = {}

    async def blob(self, address: BlobStateFile) -> BlobClient:
        """The client of one blob, with a token at hand if it needs one.

        Raises:
            NotReadyError: there is no address, or no token.
        """
        if address.connection is not None:
            service = self._by_connection(address)
        else:
            service = self._by_identity(address)
            await self._have_token()
        return service.get_blob_client(address.container, address.blob)

    async def close(self) -> None:
        """Give up connections and credentials. A later use makes new ones."""
        session, self._session = self._session, None
        credential, self._credential = self._credential, None
        self._services.clear()
        if session is not None:
            await session.close()
        if credential is not None:
            await credential.close()

    def _by_connection(self, address: BlobStateFile) -> BlobServiceClient:
        ref = address.connection
        connection = self._read_secret(ref) if ref else None
        if ref is None or connection is None:
            raise NotReadyError(words_if_missing(ref) if ref else "no address", passing=False)
        if connection not in self._services:
            try:
                service = BlobServiceClient.from_connection_string(
                    connection, transport=self._transport(), retry_total=0
                )
            except ValueError as error:
                raise NotReadyError(
                    f"environment variable {ref.name} holds no connection string", passing=False
                ) from error
            self._services[connection] = service
        return self._services[connection]

    def _by_identity(self, address: BlobStateFile) -> BlobServiceClient:
        url = address.account_url or ""
        if url not in self._services:
            try:
                service = BlobServiceClient(url, self._identity(), transport=self._transport(), retry_total=0)
            except ValueError as error:
                raise NotReadyError("the account's URL cannot be used", passing=False) from error
            self._services[url] = service
        return self._services[url]

    def _identity(self) -> AsyncTokenCredential:
        if self._credential is None:
            self._credential = self._make_credential()
        return self._credential

    async def _have_token(self) -> None:
        try:
            async with asyncio.timeout(TOKEN_SECONDS):
                await self._identity().get_token(_SCOPE)
        except TimeoutError as error:
            raise NotReadyError("no token: timed out", passing=True) from error
        except (AzureError, ValueError) as error:
            raise NotReadyError(f"no token: {scrub(str(error))}", passing=True) from error

    def _transport(self) -> AioHttpTransport:
        if self._session is None:
            self._session = session_that_tries_once()
        return AioHttpTransport(session=self._session, session_owner=False)
