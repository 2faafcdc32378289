"""How does a state file in a local folder behave like one in Blob Storage?

For the embedded default and for tests. A file system has no ETag and no
compare-and-delete; this module makes both. The lock beside the file excludes
other workers on this machine, and what is written in the lock is a part of
every tag, so that fencing is to write it anew. Inode and times alone would not
do: a file system gives the same inode again, and the same time within a tick.
People and tools that know nothing of the lock are noticed by inode, time, size
and content, with a moment's race that a file system cannot close.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from remediation.decide.looks import LeverLook
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.stamp import LeverState
from rules.topology import FolderStateFile, Stamp

CONTENT_BYTES = 4096
_POLL_SECONDS = 0.01
_NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}


class FolderLever:
    """State files in folders of this machine."""

    def __init__(self, *, timeout_seconds: float = 3.0) -> None:
        self._timeout_seconds = timeout_seconds

    async def look(self, stamp: Stamp) -> LeverLook:
        """What the file shows. Never raises: what cannot be reached is `unreachable`."""
        path = _path(stamp)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                tag, content = await asyncio.to_thread(_see, path)
        except TimeoutError:
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason="the folder did not answer in time")
        except FileNotFoundError:
            if path.parent.is_dir():
                return LeverLook(stamp.name, LeverState.OUT)
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=f"there is no folder {path.parent}")
        except OSError as error:
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=_words(error))
        return LeverLook(stamp.name, LeverState.IN, tag, content)

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """Delete the file, if it is still exactly as the look that gave `tag` saw it."""
        path = _path(stamp)
        return await self._change(path, lambda _lock: _delete(path, tag))

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:
        """Create the file with that content; one that is there is left as it is."""
        path = _path(stamp)
        return await self._change(path, lambda lock: _create(path, content, lock))

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:  # noqa: ARG002 - needs no look
        """Make every tag handed out so far worthless; the file itself is not touched."""
        path = _path(stamp)
        return await self._change(path, lambda lock: _fence(path, lock))

    async def _change(self, path: Path, change: Callable[[int], Outcome]) -> Outcome:
        # Half of the time is for the lock: no change begins after we have given up.
        locked_by = time.monotonic() + self._timeout_seconds / 2

        def alone() -> Outcome:
            with _locked(path, locked_by) as lock:
                return change(lock)

        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await asyncio.to_thread(alone)
        except _LockedError:
            return Outcome(OutcomeKind.TRANSIENT, "another worker holds the lock of the state file")
        except TimeoutError:
            return Outcome(OutcomeKind.UNKNOWN, "the folder did not answer in time")
        except OSError as error:
            refused = error.errno in _NO_RIGHT | _NOT_THERE
            return Outcome(OutcomeKind.REFUSED if refused else OutcomeKind.UNKNOWN, _words(error))


class _LockedError(Exception):
    """Somebody else held the lock all the time."""


def _path(stamp: Stamp) -> Path:
    address = stamp.state_file
    if not isinstance(address, FolderStateFile):
        raise TypeError(f"the state file of {stamp.name} lies in no folder")
    return Path(address.path)


def _words(error: OSError) -> str:
    return f"the state file cannot be used: {error.strerror or type(error).__name__}"


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


@contextmanager
def _locked(path: Path, locked_by: float) -> Iterator[int]:
    """Hold the lock beside the file; gives its descriptor. The kernel lets go of it if we are killed."""
    lock = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _taken(lock):
            if time.monotonic() > locked_by:
                raise _LockedError
            time.sleep(_POLL_SECONDS)
        yield lock
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _see(path: Path) -> tuple[str, str]:
    """The tag and the content of what is there.

    Needs no lock: the tag of a sight that was torn by a change matches nothing that ever was.

    Raises:
        FileNotFoundError: it, or its folder, is absent.
    """
    with path.open("rb") as file:
        content = file.read(CONTENT_BYTES)
        stat = os.fstat(file.fileno())
    digest = hashlib.sha256(content).hexdigest()[:16]
    tag = f"{_generation(path)}-{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}-{digest}"
    return tag, content.decode("utf-8", "replace")


def _generation(path: Path) -> str:
    try:
        return _lock_of(path).read_text("ascii", "replace")
    except FileNotFoundError:
        return ""


def _delete(path: Path, tag: str) -> Outcome:
    if not tag:
        return Outcome(OutcomeKind.REFUSED, "the state file was not looked at")
    try:
        present, _ = _see(path)
    except FileNotFoundError:
        return Outcome(OutcomeKind.APPLIED, "the state file is gone already", found=True)
    if present != tag:
        return Outcome(OutcomeKind.TRANSIENT, "the state file has changed since it was looked at")
    path.unlink()
    _sync_folder(path)
    return Outcome(OutcomeKind.APPLIED, "the state file was deleted")


def _create(path: Path, content: str, lock: int) -> Outcome:
    if path.exists():
        return _there_already()
    _renew_generation(lock)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with draft.open("xb") as file:
            file.write(content.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # whole or not at all, and never over another's file
    except FileExistsError:
        return _there_already()
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path)
    return Outcome(OutcomeKind.APPLIED, "the state file was created")


def _there_already() -> Outcome:
    return Outcome(OutcomeKind.APPLIED, "the state file is there already, and was left as it is")


def _fence(path: Path, lock: int) -> Outcome:
    _renew_generation(lock)
    if not path.exists():
        return Outcome(OutcomeKind.APPLIED, "there is no state file to fence")
    return Outcome(OutcomeKind.APPLIED, "older tags of the state file are worthless now")


def _renew_generation(lock: int) -> None:
    generation = secrets.token_hex(8).encode()
    os.pwrite(lock, generation, 0)
    os.ftruncate(lock, len(generation))
    os.fsync(lock)


def _sync_folder(path: Path) -> None:
    """Make a created or deleted name survive a crash of the machine."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
