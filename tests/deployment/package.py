"""What would be deployed? The files that `.funcignore` leaves.

The deployment tools each read that file with a parser of their own. So it holds
only what all of them agree on, names and `*`; anything beyond that is refused
here, rather than read in another way than the tool at hand reads it.
"""

import shutil
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
_MEANS_MORE = frozenset("/!?[]\\")


def packaged(root: Path = ROOT) -> list[Path]:
    """The files of the package, relative to the root."""
    ignored = ignored_names((root / ".funcignore").read_text())
    return sorted(path.relative_to(root) for path in _walk(root, ignored))


def copy_package(to: Path) -> Path:
    """Lay the package out in a folder, as the deployment does."""
    for file in packaged():
        target = to / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, target)
    return to


def ignored_names(text: str) -> list[str]:
    """The names that are left out, wherever they stand.

    Raises:
        ValueError: a line is more than a name.
    """
    lines = [line.strip() for line in text.splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    for name in names:
        if _MEANS_MORE & set(name) or "**" in name:
            raise ValueError(f".funcignore: {name!r} is more than a name and *")
    return names


def _walk(folder: Path, ignored: list[str]) -> list[Path]:
    found: list[Path] = []
    for path in folder.iterdir():
        if any(fnmatchcase(path.name, name) for name in ignored):
            continue
        found += _walk(path, ignored) if path.is_dir() else [path]
    return found
