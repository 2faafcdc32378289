"""What do the records of a diagnostic stream say?

Azure sends the activity log to an event hub too, many entries in one event, with
other names for everything. Metrics and resource logs come down the same way; they
are no facts of ours, and are refused one by one, so that the entries are still read.
"""

from remediation.intake import activity_log
from remediation.intake.activity_entry import entry_of, opened, word
from remediation.intake.loose import Table, lower_keys, text
from remediation.intake.rejection import Code, Rejection, excerpt
from remediation.intake.subject import Known
from rules.signals import Signal

FAMILY = "activity-log-record"

CATEGORIES = frozenset(
    (
        *("administrative", "servicehealth", "resourcehealth", "policy"),
        *("autoscale", "security", "recommendation", "alert"),
        *("write", "delete", "action"),
    )
)
"""Categories of the activity log, in lower case. Older streams say the last three for Administrative."""


def unwrap(value: object) -> list[object] | None:
    """The records of a stream's event; None for anything else."""
    if not isinstance(value, dict) or "data" in value:
        return None
    found = value.get("records")
    return found if isinstance(found, list) else None


def claims(value: Table) -> bool:
    """A resource, a time, and what it is a record of: so every record of a diagnostic stream begins."""
    fields = {key.lower() for key in value}
    return {"time", "resourceid"} <= fields and bool(fields & {"category", "operationname", "metricname"})


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """The facts in one record of the activity log.

    Raises:
        Rejection: `unknown_family` for a record of anything else; or it is about nothing that we
            know, or does not say what or when.
    """
    record = lower_keys(value)
    category = text(record, "category")
    if category.replace(" ", "").lower() not in CATEGORIES:
        what = f"category {excerpt(category)}" if category else "a metric, or of no category"
        reason = f"a record of a diagnostic stream, {what}; only the activity log's are read"
        raise Rejection(Code.UNKNOWN_FAMILY, reason)
    return activity_log.facts_of(entry_of(_as_entry(record)), known)


def _as_entry(record: Table) -> Table:
    """The record with the names that an entry has in an alert."""
    signature = text(record, "resultsignature")
    return {
        "operationName": word(record, "operationname"),
        # `Failed.Conflict`: the status is in front, and stands in `resultType` as well, spelled otherwise.
        "status": word(record, "resulttype") or signature.partition(".")[0],
        "level": record.get("level"),
        "eventSource": text(record, "category"),
        "eventTimestamp": text(record, "time"),
        "resourceId": text(record, "resourceid"),
        "authorization": opened(opened(record, "identity"), "authorization"),
        "properties": opened(record, "properties"),
    }
