"""Does the storage in which a state file lies take changes? It can be made to refuse them."""

from pathlib import Path


def refuse_changes(state_file: Path) -> None:
    """From now on nobody who goes by the lock can change the file; it can still be read.

    The lock leads nowhere. Rights would not do: who runs as root has them all.
    """
    lock = _lock_of(state_file)
    lock.unlink(missing_ok=True)
    lock.symlink_to(Path("no-such-folder") / lock.name)


def take_changes(state_file: Path) -> None:
    """The file can be changed again."""
    lock = _lock_of(state_file)
    if lock.is_symlink():
        lock.unlink()


def _lock_of(state_file: Path) -> Path:
    """The lock beside a state file in a folder, by which workers exclude each other."""
    return state_file.with_name(f".{state_file.name}.lock")
