"""What is kept of a body that could not be read?

Enough to find out what it was, and to send it again once it can be read. The
body goes to the store as it came, and never into a log.
"""

from datetime import datetime

from remediation.intake.identity import digest
from remediation.intake.rejection import Code
from remediation.ports import DeadLetter

MAX_KEPT = 64 * 1024
"""Bytes of a body that are kept."""


def letter(body: bytes, code: Code, reason: str, route: str, at: datetime) -> DeadLetter:
    """The dead letter of a body that came by this route. Sent again, it has the same id."""
    return DeadLetter(
        id=digest(route, body),
        at=at,
        route=route,
        code=code,
        reason=reason,
        body=body[:MAX_KEPT],
        size=len(body),
    )
