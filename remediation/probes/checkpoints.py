"""How far has a consumer group read, by what it wrote down itself?

Azure's SDKs, in all languages, keep checkpoints and claims as empty blobs with
metadata: `{namespace}/{hub}/{group}/checkpoint/{partition}` and `…/ownership/…`,
all in lower case. The blob's own time says when it was written last.

The SDK is loaded with the first look: a process that never looks never needs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from remediation.probes.blind import BlindError, ReadSecret, secret_of
from rules.topology import BlobContainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import AzureError
    from azure.storage.blob.aio import ContainerClient

_NO_RIGHT = {401, 403}


@dataclass(frozen=True, slots=True)
class Written:
    """What the consumers of one partition wrote down.

    Attributes:
        checkpoint: sequence number up to which it is read; None where there is none that can be read.
        checkpoint_at: when that was written.
        owned_at: when a consumer last claimed the partition; None where nobody does.
    """

    checkpoint: int | None = None
    checkpoint_at: datetime | None = None
    owned_at: datetime | None = None


def open_container(
    address: BlobContainer, read_secret: ReadSecret, credential: "Callable[[], AsyncTokenCredential]"
) -> "ContainerClient":
    """The client of the container. Nothing is sent yet.

    Raises:
        BlindError: there is no address that could be used.
    """
    from azure.storage.blob.aio import ContainerClient  # noqa: PLC0415 - see above

    # One try: the next look comes soon, and a retry would use up this one's time.
    options: dict[str, Any] = {"retry_total": 0}
    if address.connection is not None:
        connection = secret_of(address.connection, read_secret)
        try:
            return ContainerClient.from_connection_string(connection, address.container, **options)
        except ValueError as error:
            raise BlindError(f"{address.connection.name} holds no connection string of a storage") from error
    try:
        return ContainerClient(address.account_url or "", address.container, credential(), **options)
    except ValueError as error:
        raise BlindError("the URL of the checkpoints' storage account cannot be used") from error


async def read_checkpoints(
    container: "ContainerClient", namespace: str, hub: str, group: str
) -> Mapping[str, Written]:
    """What is written down of each partition, in one listing.

    Raises:
        BlindError: the container is missing, may not be read, or cannot be reached.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - see above

    prefix = f"{namespace}/{hub}/{group}/".lower()
    found: dict[str, Written] = {}
    try:
        async for blob in container.list_blobs(name_starts_with=prefix, include=["metadata"]):
            kind, _, partition = blob.name.removeprefix(prefix).partition("/")
            known = found.get(partition, Written())
            metadata = {name.lower(): value for name, value in (blob.metadata or {}).items()}
            written_at = blob.last_modified.astimezone(UTC) if blob.last_modified else None
            if kind == "checkpoint":
                number = _number(metadata.get("sequencenumber"))
                found[partition] = replace(known, checkpoint=number, checkpoint_at=written_at)
            elif kind == "ownership" and metadata.get("ownerid"):  # empty: given up on purpose
                found[partition] = replace(known, owned_at=written_at)
    except AzureError as error:
        raise BlindError(_why(error, container.container_name)) from error
    return found


def _number(text: str | None) -> int | None:
    """A checkpoint that cannot be read counts as none: it says nothing of how far was read."""
    try:
        number = int(text or "")
    except ValueError:
        return None
    return number if number >= 0 else None


def _why(error: "AzureError", container: str) -> str:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError  # noqa: PLC0415 - see above

    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status is None:
        if isinstance(error, ClientAuthenticationError):
            return "no token for the checkpoints' storage"
        return f"checkpoints' storage unreachable: {_connection_words(error)}"
    code = _code(error)
    if status == 404:
        return f"checkpoint container {container} not found"
    if status in _NO_RIGHT:
        return f"no right to read checkpoint container {container}: {status} {code}".rstrip()
    return f"checkpoint container {container} unreadable: {status} {code}".rstrip()


def _code(error: "AzureError") -> str:
    """The storage's own error code, such as `AuthorizationFailure`."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _connection_words(error: "AzureError") -> str:
    cause = getattr(error.inner_exception, "os_error", None)
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    return type(error.inner_exception or error).__name__
