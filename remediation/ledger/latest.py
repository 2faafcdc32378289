"""Which record did this process see last, and at which version?

Saves the second read and the second decoding: what was just loaded is what is
saved over, and what was just saved is what is loaded next. A version names its
bytes for good, so nothing here can be stale: it can only be of another version.
"""

from collections import OrderedDict
from typing import NamedTuple

from remediation.ledger.record import WorkloadRecord

WORKLOADS_KEPT = 32


class Seen(NamedTuple):
    """A record, and the version under which it is stored."""

    version: str
    record: WorkloadRecord


class Latest:
    """The last seen record of the workloads that were last asked for."""

    def __init__(self, kept: int = WORKLOADS_KEPT) -> None:
        self._kept = kept
        self._seen: OrderedDict[str, Seen] = OrderedDict()

    def see(self, record: WorkloadRecord, version: str) -> None:
        """Take note of a record as it is stored."""
        self._seen[record.workload] = Seen(version, record)
        self._seen.move_to_end(record.workload)
        if len(self._seen) > self._kept:
            self._seen.popitem(last=False)

    def of(self, workload: str) -> Seen | None:
        """The last seen, if there is one."""
        return self._seen.get(workload)

    def at(self, workload: str, version: str | None) -> WorkloadRecord | None:
        """The record of exactly this version, if it is the last seen."""
        seen = self._seen.get(workload)
        return seen.record if seen and seen.version == version else None
