"""How is a state file in Blob Storage deleted and created, so that we know what came of it?

Every change carries a condition on the ETag, and every request is sent once.
The SDK would try again by itself, and so would aiohttp beneath it; after a
lost success the second delete is answered 404 or 412, which is somebody else's
doing by all appearances. So a lost answer is `unknown`, and the engine looks.

Importing this module loads the SDK: it takes a third of a second.
"""

import asyncio
from collections.abc import Awaitable, Callable

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.storage.blob import StorageErrorCode
from azure.storage.blob.aio import BlobClient

from remediation.act.azure_errors import code_of, outcome_of_error, words_of_error
from remediation.act.blob_accounts import BlobAccounts, NotReadyError, default_credential
from remediation.act.secret import ReadSecret
from remediation.decide.looks import LeverLook
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.stamp import LeverState
from rules.topology import BlobStateFile, Stamp

CONTENT_BYTES = 4096
"""What is read of a state file. Its presence is what counts; its content is a word or nothing."""

_ABSENT = StorageErrorCode.BLOB_NOT_FOUND.value
_CHANGED = StorageErrorCode.CONDITION_NOT_MET.value
_THERE = {StorageErrorCode.BLOB_ALREADY_EXISTS.value, StorageErrorCode.LEASE_ID_MISSING.value, _CHANGED}


class BlobLever:
    """State files in Blob Storage."""

    def __init__(
        self,
        read_secret: ReadSecret,
        *,
        timeout_seconds: float = 3.0,
        credential: Callable[[], AsyncTokenCredential] = default_credential,
    ) -> None:
        self._accounts = BlobAccounts(read_secret, credential)
        self._timeout_seconds = timeout_seconds

    async def look(self, stamp: Stamp) -> LeverLook:
        """What the blob shows. Never raises: what cannot be reached is `unreachable`.

        `out` only if the storage says that this very blob is absent: an absent
        container or account means that we look in the wrong place.
        """
        try:
            blob = await self._accounts.blob(_address(stamp))
            async with asyncio.timeout(self._timeout_seconds):
                return await _see(blob, stamp.name)
        except NotReadyError as error:
            reason = str(error)
        except TimeoutError:
            reason = "timed out"
        except AzureError as error:
            if code_of(error) == _ABSENT:
                return LeverLook(stamp.name, LeverState.OUT)
            changed = code_of(error) == _CHANGED
            reason = "changed while it was looked at" if changed else words_of_error(error)
        except ValueError:
            reason = "the answer is none of Blob Storage's"
        return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=reason)

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """Delete the blob, if it is still exactly as the look that gave `tag` saw it."""
        if not tag:
            # Without an ETag the SDK would delete unconditionally.
            return Outcome(OutcomeKind.REFUSED, "the state file was not looked at")

        gone = Outcome(OutcomeKind.APPLIED, "the state file is gone already", found=True)
        return await self._change(stamp, lambda blob: _delete(blob, tag), {_ABSENT: gone})

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:
        """Create the blob with that content; one that is there is left as it is."""

        async def create(blob: BlobClient) -> Outcome:
            await blob.upload_blob(content.encode("utf-8", "replace"), overwrite=False)
            return Outcome(OutcomeKind.APPLIED, "the state file was created")

        there = Outcome(OutcomeKind.APPLIED, "the state file is there already, and was left as it is")
        return await self._change(stamp, create, dict.fromkeys(_THERE, there))

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:
        """Make every tag handed out so far worthless, and change nothing else.

        Writing the metadata as they are gives a new ETag and leaves content, type and metadata alone.
        A file that has changed since the look has a new ETag already.
        """
        if look.state is LeverState.UNREACHABLE:
            return Outcome(OutcomeKind.TRANSIENT, f"the state file cannot be fenced unseen: {look.reason}")
        nothing = Outcome(OutcomeKind.APPLIED, "there is no state file to fence")
        if look.state is LeverState.OUT:
            return nothing

        async def renew(blob: BlobClient) -> Outcome:
            unchanged = MatchConditions.IfNotModified
            present = await blob.get_blob_properties(etag=look.tag, match_condition=unchanged)
            written = await blob.set_blob_metadata(present.metadata, etag=look.tag, match_condition=unchanged)
            if written.get("etag") in {None, look.tag}:
                return Outcome(OutcomeKind.UNKNOWN, "the answer has no new ETag")
            return Outcome(OutcomeKind.APPLIED, "older tags of the state file are worthless now")

        changed = Outcome(OutcomeKind.APPLIED, "the state file has changed: older tags are worthless already")
        return await self._change(stamp, renew, {_ABSENT: nothing, _CHANGED: changed})

    async def close(self) -> None:
        """Give up connections and credentials."""
        await self._accounts.close()

    async def _change(
        self, stamp: Stamp, change: Callable[[BlobClient], Awaitable[Outcome]], means: dict[str, Outcome]
    ) -> Outcome:
        """Carry out one change; `means` says what the storage's expected refusals come to."""
        try:
            blob = await self._accounts.blob(_address(stamp))
        except NotReadyError as error:
            return Outcome(OutcomeKind.TRANSIENT if error.passing else OutcomeKind.REFUSED, str(error))
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await change(blob)
        except TimeoutError:
            return Outcome(OutcomeKind.UNKNOWN, "timed out")
        except AzureError as error:
            return means.get(code_of(error)) or outcome_of_error(error)
        except ValueError:
            return Outcome(OutcomeKind.UNKNOWN, "the answer is none of Blob Storage's")


def _address(stamp: Stamp) -> BlobStateFile:
    if not isinstance(stamp.state_file, BlobStateFile):
        raise TypeError(f"the state file of {stamp.name} lies in no Blob Storage")
    return stamp.state_file


async def _delete(blob: BlobClient, tag: str) -> Outcome:
    try:
        await blob.delete_blob(etag=tag, match_condition=MatchConditions.IfNotModified)
    except AzureError as error:
        if code_of(error) != _CHANGED:
            raise
        # An absent blob fails the condition as well; only this look tells it from a changed one.
        await blob.get_blob_properties()
        return Outcome(OutcomeKind.TRANSIENT, "the state file has changed since it was looked at")
    return Outcome(OutcomeKind.APPLIED, "the state file was deleted")


async def _see(blob: BlobClient, stamp: str) -> LeverLook:
    """What is there, in one request if it is empty, as the reference architecture's state file is."""
    present = await blob.get_blob_properties()
    tag, content = present.etag or "", b""
    if not tag:
        return LeverLook(stamp, LeverState.UNREACHABLE, reason="the answer has no ETag")
    if present.size:
        download = await blob.download_blob(
            offset=0, length=CONTENT_BYTES, etag=tag, match_condition=MatchConditions.IfNotModified
        )
        content = await download.readall()
    return LeverLook(stamp, LeverState.IN, tag, content.decode("utf-8", "replace"))
