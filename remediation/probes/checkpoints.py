"""How far has a consumer group read, by what it wrote down itself?

Azure's SDKs, in all languages, keep checkpoints and claims as empty blobs with
metadata: `{namespace}/{hub}/{group}/checkpoint/{partition}` and `…/ownership/…`,
all in lower case. The blob's own time says when it was written last.

For trying things out they may lie in a folder instead, as files of the same names whose
content is what would be the metadata.

The SDK is loaded with the first look: a process that never looks never needs it.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remediation.probes.blind import BlindError, ReadSecret, secret_of
from rules.topology import CheckpointsAddress, FolderContainer

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


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """A folder of this machine in the place of a container."""

    path: Path

    async def close(self) -> None:
        """There is nothing to close."""


def open_container(
    address: CheckpointsAddress, read_secret: ReadSecret, credential: "Callable[[], AsyncTokenCredential]"
) -> "ContainerClient | CheckpointFolder":
    """The client of the container. Nothing is sent yet.

    Raises:
        BlindError: there is no address that could be used.
    """
    if isinstance(address, FolderContainer):
        return CheckpointFolder(Path(address.path))
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
    container: "ContainerClient | CheckpointFolder", namespace: str, hub: str, group: str
) -> Mapping[str, Written]:
    """What is written down of each partition, in one listing.

    Raises:
        BlindError: the container is missing, may not be read, or cannot be reached.
    """
    prefix = f"{namespace}/{hub}/{group}/".lower()
    if isinstance(container, CheckpointFolder):
        return _told(await asyncio.to_thread(_in_folder, container.path, prefix))
    return _told(await _in_blobs(container, prefix))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One thing that a consumer wrote down: its kind and partition, what it says, and since when."""

    name: str
    says: Mapping[str, Any]
    written_at: datetime | None


async def _in_blobs(container: "ContainerClient", prefix: str) -> list[_Entry]:
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - see above

    found: list[_Entry] = []
    try:
        async for blob in container.list_blobs(name_starts_with=prefix, include=["metadata"]):
            metadata = {name.lower(): value for name, value in (blob.metadata or {}).items()}
            written_at = blob.last_modified.astimezone(UTC) if blob.last_modified else None
            found.append(_Entry(blob.name.removeprefix(prefix), metadata, written_at))
    except AzureError as error:
        raise BlindError(_why(error, container.container_name)) from error
    return found


def _in_folder(folder: Path, prefix: str) -> list[_Entry]:
    if not folder.is_dir():
        raise BlindError(f"checkpoint folder {folder.name} not found")
    try:
        return list(_entries(folder / prefix))
    except OSError as error:
        raise BlindError(f"checkpoint folder {folder.name} unreadable: {error.strerror}") from error


def _entries(folder: Path) -> Iterator[_Entry]:
    for kind in ("checkpoint", "ownership"):
        for file in sorted(folder.joinpath(kind).glob("[!.]*")):
            try:
                written_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
                says = json.loads(file.read_bytes())
            except FileNotFoundError:
                continue  # deleted since it was listed
            except ValueError:
                says = {}
            yield _Entry(f"{kind}/{file.name}", says if isinstance(says, dict) else {}, written_at)


def _told(entries: list[_Entry]) -> Mapping[str, Written]:
    found: dict[str, Written] = {}
    for entry in entries:
        kind, _, partition = entry.name.partition("/")
        known = found.get(partition, Written())
        if kind == "checkpoint":
            number = _number(entry.says.get("sequencenumber"))
            found[partition] = replace(known, checkpoint=number, checkpoint_at=entry.written_at)
        elif kind == "ownership" and entry.says.get("ownerid"):  # empty: given up on purpose
            found[partition] = replace(known, owned_at=entry.written_at)
    return found


def _number(text: object) -> int | None:
    """A checkpoint that cannot be read counts as none: it says nothing of how far was read."""
    try:
        number = int(str(text))
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
