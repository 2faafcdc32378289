"""What does an alert on the activity log say that does not come in the common schema?

Its entry is the same as in the common schema and in the stream of the log, so the
same reader reads it; this is only the way to the entry.
"""

from remediation.intake import activity_log
from remediation.intake.legacy import context_of, schema_of
from remediation.intake.loose import Table, table
from remediation.intake.rejection import Code, Rejection
from remediation.intake.subject import Known
from rules.signals import Signal

FAMILY = "legacy-activity-log"

_SCHEMA = "microsoft.insights/activitylogs"


def claims(value: Table) -> bool:
    """An entry in the context, whatever `schemaId` says; or that `schemaId`."""
    return schema_of(value) == _SCHEMA or isinstance(context_of(value).get("activityLog"), dict)


def read(value: Table, known: Known) -> tuple[Signal, ...]:
    """The signals of the entry.

    Raises:
        Rejection: there is no entry, or nothing of ours in it.
    """
    entry = table(context_of(value), "activityLog")
    if not entry:
        reason = "data.context.activityLog: an object with the entry of the activity log was expected"
        raise Rejection(Code.WRONG_SHAPE, reason)
    return activity_log.read_entry(entry, known)
