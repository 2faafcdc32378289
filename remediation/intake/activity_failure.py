"""Why did an operation on Azure fail: what is the code of the error, and what does Azure say?

A failed operation wraps its cause in others: the outer ones only say that it
failed. Capacity, quota and addresses that ran out stand inside, and rules ask for them.
"""

import re
from collections.abc import Iterator
from itertools import islice

from remediation.intake.activity_entry import Entry, json_in
from remediation.intake.limits import clip
from remediation.intake.loose import Table, lower_keys, rows, table, text

TELLING = (
    "allocationfailed",
    "zonalallocationfailed",
    "overconstrainedallocationrequest",
    "overconstrainedzonalallocationrequest",
    "skunotavailable",
    "quotaexceeded",
    "subnetisfull",
    "insufficientsubnetsize",
    "insufficientvcpuquota",
    "operationnotallowed",
)
"""Codes that name a cause, in lower case. One of them counts before any other, however deep it lies."""

_MAX_ERRORS = 50
_MAX_DEPTH = 8
_MAX_TEXT = 8 * 1024
_MAX_CODE = 64
_CODE = re.compile(r"\bcode[\"']?\s*[=:]\s*[\"']?([a-z]{3,64})\b", re.IGNORECASE)
_NO_CODE = re.compile(r"[^A-Za-z0-9_.-]")


def error_code(entry: Entry) -> str:
    """The code of the error, lower case, such as `allocationfailed`; empty where there is none.

    A quota is told as `quotaexceeded` even where the service says only `OperationNotAllowed`.
    """
    errors = _chain(entry)
    codes = [code for error in errors for code in _codes(error)]
    found = next((code for code in TELLING if code in codes), codes[-1] if codes else "")
    if found == "operationnotallowed" and any("quota" in _message(error).lower() for error in errors):
        return "quotaexceeded"
    return found


def error_message(entry: Entry) -> str:
    """What Azure says about the error, in the words of its innermost cause."""
    said = [message for error in _chain(entry) if (message := _message(error))]
    return said[-1] if said else ""


def _chain(entry: Entry) -> list[Table]:
    """The errors that an entry tells of, from the outermost to what caused it."""
    found = entry.properties.get("statusmessage")
    opened = (json_in(found) or {"message": found}) if isinstance(found, str) else found
    return list(islice(_errors(opened, 0), _MAX_ERRORS))


def _errors(value: object, depth: int) -> Iterator[Table]:
    """Every error in it, the outer ones first: in `error`, in `details`, and in JSON within a message."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return
    fields = lower_keys(value)
    if "code" in fields or "message" in fields:
        yield fields
    message = fields.get("message")
    inner = [fields.get("error"), json_in(message) if isinstance(message, str) else None]
    for each in [*inner, *rows(fields, "details")[:_MAX_ERRORS]]:
        yield from _errors(each, depth + 1)


def _codes(error: Table) -> list[str]:
    """Its own code, then those that its message speaks of, as services written in Go do."""
    own = _NO_CODE.sub("", text(error, "code"))[:_MAX_CODE]
    spoken = _CODE.findall(_message(error))
    return [code.lower() for code in (own, *spoken) if code]


def _message(error: Table) -> str:
    return clip(text(error, "message") or text(table(error, "message"), "value"), _MAX_TEXT)
