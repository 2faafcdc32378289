"""Can each stamp be seen, and taken out and brought back, as its workload file says?"""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.checks.frame import Check, NotWellError
from remediation.act.secret import ReadSecret
from remediation.decide.looks import LeverLook
from remediation.ledger.stamp import LeverState
from remediation.ports import HealthServices, Lever, Queues
from rules.topology import BlobStateFile, FolderStateFile, Stamp, Workload

if TYPE_CHECKING:
    from remediation.act.blob_accounts import BlobAccounts

NO_ETAG = '"0x0"'
"""What no blob has: a change on condition of it never happens, and yet shows whether it would be allowed."""

_MAY_CHANGE = "give the worker's identity Storage Blob Data Contributor on the container"


class Accounts:
    """The storage accounts of state files, opened at their first use: the SDK is slow."""

    def __init__(self, read_secret: ReadSecret, client_id: str | None = None) -> None:
        self._read_secret = read_secret
        self._client_id = client_id
        self._accounts: BlobAccounts | None = None

    def opened(self) -> "BlobAccounts":
        """The accounts."""
        if self._accounts is None:
            from remediation.act.blob_accounts import BlobAccounts, default_credential  # noqa: PLC0415

            self._accounts = BlobAccounts(self._read_secret, lambda: default_credential(self._client_id))
        return self._accounts

    async def close(self) -> None:
        """Give up connections."""
        if self._accounts is not None:
            await self._accounts.close()


def health_service(workload: Workload, stamp: Stamp, services: HealthServices) -> Check:
    """Whether the HealthService answers, and whether a drain can be seen in its answer."""

    async def run() -> str:
        look = await services.look(stamp)
        if look.status is None:
            mend = f"check `health_service`: {stamp.health_service} must be reached from the worker"
            raise NotWellError(look.reason, mend)
        if not look.checks:
            # An ingress that misses the id of its Front Door answers 403 or 404.
            mend = "check the path of `health_service`, and `front_door_id`: the stamp may ask for it"
            raise NotWellError(look.words(), mend)
        if workload.state_file_check not in look.checks:
            why = f"no check is named `{workload.state_file_check}`, so a drain could never be verified"
            there = ", ".join(sorted(look.checks))
            mend = f"set `state_file_check` to the one that looks for the state file; there are: {there}"
            raise NotWellError(why, mend)
        return f"{look.words()}, {len(look.checks)} checks"

    return Check(f"{workload.name}/{stamp.name}: HealthService", run)


def front_door(workload: Workload, services: HealthServices) -> Check:
    """Whether some stamp's HealthService is seen as users come."""

    async def run() -> str:
        look = await services.look_through(workload)
        if look is None:
            return "no URL is given: it is not watched"
        if not look.checks:
            mend = "check `front_door_url`: it must lead to the HealthService's /health/stamp"
            raise NotWellError(look.words(), mend)
        return look.words()

    return Check(f"{workload.name}: Front Door", run)


def state_file(workload: Workload, stamp: Stamp, lever: Lever, accounts: "Accounts") -> Check:
    """Whether the state file can be read, deleted and written. Nothing is changed by it."""

    async def run() -> str:
        look = await lever.look(stamp)
        if look.state is LeverState.UNREACHABLE:
            raise _unseen(stamp, look.reason)
        match stamp.state_file:
            case BlobStateFile():
                await _may_change_blob(accounts.opened(), stamp.state_file)
            case FolderStateFile():
                _may_change_folder(Path(stamp.state_file.path).parent)
        return f"{_shown(look)}, and may be deleted and written"

    return Check(f"{workload.name}/{stamp.name}: state file", run)


def origin(workload: Workload, stamp: Stamp, lever: Lever) -> Check:
    """Whether the stamp's origin in Front Door can be read."""

    async def run() -> str:
        look = await lever.look(stamp)
        if look.state is LeverState.UNREACHABLE:
            role = "give the worker's identity CDN Profile Contributor on the profile"
            raise NotWellError(look.reason, f"check `front_door_origin`, and {role}")
        return f"{_shown(look)}; the right to change it shows only when it is changed"

    return Check(f"{workload.name}/{stamp.name}: Front Door origin", run)


def queue(workload: Workload, stamp: Stamp, queues: Queues) -> Check:
    """Whether the hub and the checkpoints of its processor can be read, and belong together."""

    async def run() -> str:
        look = await queues.look(stamp)
        if look.reason:
            mend = (
                "check `event_hub`, and give the worker's identity Azure Event Hubs Data Receiver on the hub "
                "and Storage Blob Data Reader on the container of the checkpoints"
            )
            raise NotWellError(look.reason, mend)
        marks = [each.checkpoint for each in look.partitions.values()]
        filled = any(each.last_enqueued >= 0 for each in look.partitions.values())
        if filled and all(mark is None for mark in marks):
            why = "the hub has events, and no partition has a checkpoint of that consumer group"
            mend = "check `consumer_group` and `checkpoints`: by other names nobody is seen to read"
            raise NotWellError(why, mend)
        read = sum(mark is not None for mark in marks)
        return f"{len(marks)} partitions, {read} with a checkpoint"

    return Check(f"{workload.name}/{stamp.name}: event hub and checkpoints", run)


def _shown(look: LeverLook) -> str:
    words = {LeverState.IN: "in rotation", LeverState.OUT: "out of rotation"}[look.state]
    return f"{words} ({look.reason})" if look.reason else words


def _unseen(stamp: Stamp, reason: str) -> NotWellError:
    """Why the state file cannot be seen, and what to do."""
    if isinstance(stamp.state_file, FolderStateFile):
        return NotWellError(reason, "check `state_file.folder`; a relative one lies in REMEDIATION_DATA_DIR")
    if reason.startswith("no token"):
        # The rest lists every kind of credential that there is.
        return NotWellError("no token", "see what is said of the identity")
    return NotWellError(reason, f"check the address of `state_file`, and {_MAY_CHANGE}")


def _may_change_folder(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise NotWellError(f"no right to change {folder}", "give the worker's user the right to write there")


async def _may_change_blob(accounts: "BlobAccounts", address: BlobStateFile) -> None:
    """Ask for changes on a condition that never holds: refused for the condition, they would be allowed."""
    from azure.core import MatchConditions  # noqa: PLC0415 - a third of a second
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - see above

    from remediation.act.azure_errors import code_of, words_of_error  # noqa: PLC0415 - see above
    from remediation.act.blob_accounts import NotReadyError  # noqa: PLC0415 - see above

    unless: dict[str, Any] = {"etag": NO_ETAG, "match_condition": MatchConditions.IfNotModified}
    try:
        blob = await accounts.blob(address)
        present = {} if not await blob.exists() else (await blob.get_blob_properties()).metadata
    except NotReadyError as error:
        raise NotWellError(str(error), _MAY_CHANGE) from error
    except AzureError as error:
        raise NotWellError(words_of_error(error), _MAY_CHANGE) from error
    # Writing comes first: a storage that takes no conditions is found out before anything is deleted.
    for change, words in (
        (partial(blob.set_blob_metadata, present, **unless), "written"),
        (partial(blob.delete_blob, **unless), "deleted"),
    ):
        try:
            await change()
        except AzureError as error:
            if code_of(error) not in {"ConditionNotMet", "BlobNotFound"}:
                why = f"it cannot be {words}: {words_of_error(error)}"
                raise NotWellError(why, _MAY_CHANGE) from error
        else:
            why = "the storage heeds no conditions, so a late drain could not be fenced off"
            raise NotWellError(why, "keep the state file in Azure Blob Storage")
