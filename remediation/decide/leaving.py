"""What is left to be done for a workload that was taken from the files? Nobody watches it: people are told.

Else its incidents would stay open for ever, and whoever waits for a drained stamp to be brought back, or to
be asked about it, would wait in vain. What the record knows of its stamps stays: the file may come back.
"""

from datetime import datetime

from remediation.decide.draft import Draft
from remediation.decide.incidents import end_incident
from remediation.ledger.record import Cause, WorkloadRecord


def take_leave(record: WorkloadRecord, now: datetime) -> WorkloadRecord | None:
    """The record without its incidents, their end in the outbox; None where there is nothing to tell."""
    draft = Draft(record, now)
    out = sorted(name for name, stamp in record.stamps.items() if stamp.drain is not None)
    left = f"; {', '.join(out)} was left out of rotation by the worker" if out else ""
    for incident in record.incidents.values():
        del draft.incidents[incident.key]
        end_incident(draft, incident, f"closed: {record.workload} is no longer in the worker's charge{left}")
    return draft.finish(Cause.TIMER)
