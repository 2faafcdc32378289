"""Does Event Grid ask whether this endpoint wants its events?

It opens a webhook subscription with an event of its own, and sends nothing more
before the code in it has been answered. That event is no fact, and never kept.
"""

from remediation.intake.loose import Table, table, text

VALIDATION = "microsoft.eventgrid.subscriptionvalidationevent"
"""The type of the question, in lower case."""

_MAX_CODE = 256


def type_of(event: Table) -> str:
    """The type of an event, in Event Grid's schema or in CloudEvents, in lower case."""
    return (text(event, "eventType") or text(event, "type")).lower()


def validation_code(value: object) -> str | None:
    """The code that is the answer; None for any other body.

    The question is one event, alone. The address that comes with it is for people to click, and is
    never called: anybody may write one.
    """
    event = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(event, dict) or type_of(event) != VALIDATION:
        return None
    code = text(table(event, "data"), "validationCode")
    return code if 0 < len(code) <= _MAX_CODE and code.isprintable() else None
