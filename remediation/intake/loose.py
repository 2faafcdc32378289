"""How is a field read that may be missing, null or of another type?

As empty. Schemas of others are promises that they keep loosely, and a page must
not be lost over a field that nobody needed.
"""

from collections.abc import Mapping

Table = Mapping[str, object]


def table(value: Table, key: str) -> Table:
    """An object in an object; an empty one where there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def rows(value: Table, key: str) -> list[object]:
    """An array in an object; a single value counts as an array of one, null as none."""
    found = value.get(key)
    if isinstance(found, list):
        return found
    return [] if found is None else [found]


def text(value: Table, key: str) -> str:
    """A string in an object, without blanks around it; empty where there is none."""
    found = value.get(key)
    return found.strip() if isinstance(found, str) else ""


def scalar(value: Table, key: str) -> str:
    """A string, number or boolean in words; empty where there is none."""
    found = value.get(key)
    return str(found).strip() if isinstance(found, str | int | float) else ""


def lower_keys(value: Table) -> Table:
    """The same with keys in lower case, for senders that spell them in more than one way."""
    return {key.lower(): field for key, field in value.items()}
