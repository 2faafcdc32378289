"""Is this name of that pattern? In our files a name may be a pattern, and only `*` is special in it."""

import re
from fnmatch import fnmatchcase
from functools import lru_cache


def is_pattern(name: str) -> bool:
    """Whether it names a family and not one."""
    return "*" in name


def matches(name: str, pattern: str) -> bool:
    """Whether the name is of that pattern. Case does not matter; `*` matches any run of characters."""
    wanted = _read(pattern)
    return fnmatchcase(name.lower(), wanted) if is_pattern(wanted) else name.lower() == pattern.lower()


@lru_cache(maxsize=4096)
def _read(pattern: str) -> str:
    """The pattern as `fnmatch` reads it: alert rules are often named `[Prod] ...`."""
    return re.sub(r"([\[?])", r"[\1]", pattern.lower())
