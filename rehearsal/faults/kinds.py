"""What can go wrong with one call, and with which calls?

Each kind is something that a network, an outage or the end of a process really does. What makes no
difference for a call is left out: a process that ends between two writes ends before the second of them,
whatever it was looking at, for a look leaves nothing behind.
"""

from dataclasses import dataclass
from enum import StrEnum

from rehearsal.gate import CHANGING


class CallFault(StrEnum):
    """What goes wrong with one call."""

    CRASH_BEFORE = "crash before"  # the process ends before the other side hears of it
    CRASH_AFTER = "crash after"  # the other side has done it, and the process ends
    UNAVAILABLE = "unavailable"  # nothing was done
    THROTTLED = "throttled"  # nothing was done, and the other side asks to wait
    LOST = "response lost"  # it was done, and the worker is not told
    RESENT = "sent again"  # it was done, the answer was lost, and the transport sent it once more
    SLOW = "slow"  # it takes longer than anybody waits
    HANGS = "hangs"  # it was done, and the answer comes after more than a lease
    LATE = "late effect"  # the worker is told of a time-out, and it lands long afterwards
    WRONG = "wrong answer"  # an older answer about one stamp, as a stale cache gives it
    STALE = "stale read"  # an older version of the record: no store of ours does it; see `inject`
    PAUSE = "paused"  # the process stands still for longer than its lease, and goes on


_EVERY = (CallFault.UNAVAILABLE, CallFault.SLOW)
_CRASHES = (CallFault.CRASH_BEFORE, CallFault.CRASH_AFTER)
_CHANGES = (*_CRASHES, CallFault.LOST, CallFault.LATE, CallFault.HANGS, CallFault.PAUSE)
_MAY_THROTTLE = frozenset({"lever", "origin", "step", "page", "notify"})


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One call of a run: the `nth` of its name, from 0."""

    name: str
    nth: int

    def __str__(self) -> str:
        return f"{self.name}#{self.nth}"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of one call."""

    kind: CallFault
    point: Point

    def __str__(self) -> str:
        return f"{self.kind} at {self.point}"


def fitting(name: str) -> tuple[CallFault, ...]:
    """What can go wrong with calls of this name, each kind that makes a difference."""
    port, _, rest = name.partition(".")
    method = rest.partition(":")[0]
    kinds = list(_EVERY)
    if method in CHANGING:
        kinds += _CHANGES
        kinds += [CallFault.THROTTLED] if port in _MAY_THROTTLE else []
        # Levers are asked once only: their transport has no retries (`remediation.act.blob_accounts`).
        kinds += [CallFault.RESENT] if port == "ledger" else []
    elif method.startswith("look"):
        kinds.append(CallFault.WRONG)
    if name == "ledger.load":
        kinds += [CallFault.CRASH_BEFORE, CallFault.STALE, CallFault.PAUSE]
    return tuple(kinds)
