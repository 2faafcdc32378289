"""Which tables of docs/intake.md follow from the code?

`python -m tests.intake.documented` prints them, to be pasted where a test says that they differ.
"""

import sys

from remediation.intake import dead_letter, identity, limits
from remediation.intake.alert_reasons import MAX_REASON, MAX_REASONS
from remediation.intake.azure_services import OTHER, SERVICES, Service
from remediation.intake.rejection import Code

LIMITS = {
    "one event or alert": f"{limits.MAX_ITEM // 1024} KiB",
    "one body": f"{limits.MAX_BODY // 1024} KiB",
    "items of a batch": f"{limits.MAX_ITEMS:,}",
    "objects and arrays in each other": f"{limits.MAX_DEPTH}",
    "brackets and commas of a body": f"{limits.MAX_ELEMENTS:,}",
    "one string": f"{limits.MAX_STRING // 1024} KiB",
    "digits of a whole number": f"{limits.MAX_DIGITS}",
    "kept of a dead letter": f"{dead_letter.MAX_KEPT // 1024} KiB",
    "reasons of a signal": f"{MAX_REASONS} of {MAX_REASON} characters",
    "a name or an id": f"{identity.MAX_ID} characters",
}


def services() -> str:
    """What Service Health says of a service, and which node it is."""
    rows = [_service(service) for service in (*SERVICES, OTHER)]
    return _table("service whose name has", "node", "in a region", "worldwide", "why", rows=rows)


def _service(service: Service) -> tuple[str, ...]:
    names = service.names.replace(r"\b", "").split("|")
    said = ", ".join(f"`{name}`" for name in names) if service.names else "anything else"
    return said, f"`{service.node}`", str(service.regional), str(service.worldwide), service.reason


def limits_table() -> str:
    """How much of anything there may be."""
    return _table("of", "at most", rows=list(LIMITS.items()))


def codes() -> str:
    """The words for a rejection, by what the sender is told."""
    told = ", ".join(f"`{code}`" for code in Code if code.malformed)
    kept = ", ".join(f"`{code}`" for code in Code if not code.malformed)
    return _table("answer by HTTP", "codes", rows=[("4xx", told), ("202, and buried by the consumer", kept)])


def _table(*heads: str, rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(f"{services()}\n\n{limits_table()}\n\n{codes()}\n")
