"""Has a person laid the emergency hold into the ledger's store by hand?

When everything else is down, no command and no HTTP route can set the hold
switch. A file or blob of the right name can: nothing of ours is needed to lay
it there, nor to take it away.
"""

from collections.abc import Iterable

from remediation.ledger.orders import HoldSwitch

MARKER = "hold"

AUTHOR = "marker"
"""Whoever laid it there is not known."""

BYTES_MOST = 4096
REASON_MOST = 300

UNREADABLE = b"it cannot be read"
"""Stands for the content of a marker that is there and cannot be read: it holds as well."""


def marker_names(workload: str) -> tuple[str, str]:
    """Where a marker may lie: for one workload, and for all of them."""
    return (f"{MARKER}-{workload}", MARKER)


def first_marker(found: Iterable[tuple[str, bytes | None]]) -> HoldSwitch | None:
    """The hold of the first of these markers that is there: name and content, None where there is none."""
    for name, content in found:
        if content is not None:
            words = " ".join(content[:BYTES_MOST].decode(errors="replace").split())[:REASON_MOST]
            return HoldSwitch(AUTHOR, f"{name}: {words}" if words else f"{name} is there")
    return None
