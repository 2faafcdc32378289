"""What can go wrong with one call, and with which calls?

Each kind is something that a network, an outage or the end of a process really does. What makes no
difference for a call is left out: a crash before a look is the same as one after it.
"""

from collections.abc import Mapping
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


MEANS: Mapping[CallFault, str] = {
    CallFault.CRASH_BEFORE: "the process ends before the call",
    CallFault.CRASH_AFTER: "the process ends after the effect",
    CallFault.UNAVAILABLE: "the other side does not answer",
    CallFault.THROTTLED: "429 with Retry-After",
    CallFault.LOST: "done, but the answer is lost",
    CallFault.RESENT: "done, and sent once more by the transport",
    CallFault.SLOW: "4 s late",
    CallFault.HANGS: "done, and answered 75 s later",
    CallFault.LATE: "a time-out for the worker, done 75 s later",
    CallFault.WRONG: "an old answer",
    CallFault.STALE: "an old version",
    CallFault.PAUSE: "the process stands still for 95 s",
}

_EVERY = (CallFault.UNAVAILABLE, CallFault.SLOW, CallFault.CRASH_BEFORE)
_CHANGES = (CallFault.CRASH_AFTER, CallFault.LOST, CallFault.LATE, CallFault.HANGS, CallFault.PAUSE)
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
        kinds += [CallFault.STALE, CallFault.PAUSE]
    return tuple(kinds)
