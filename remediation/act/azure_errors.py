"""What does an error of the Azure SDK say about the world?

The SDK's own grouping cannot be relied upon: it files a connection lost after
the sending under "request errors", which it takes to be safe to try again.
"""

from typing import Any

import aiohttp
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
)

from remediation.act.http import ConnectionLostError
from remediation.ledger.intent import Outcome, OutcomeKind

_NO_RIGHT = {401, 403}
_NOT_NOW = {408, 429, 503}


def code_of(error: AzureError) -> str:
    """The storage's own error code, such as `BlobNotFound`; empty where there is none."""
    return _header(error, "x-ms-error-code")


def words_of_error(error: AzureError) -> str:
    """What happened, without the error's own text: that can hold a URL with a signature."""
    if isinstance(error, HttpResponseError) and error.status_code:
        return f"{error.status_code} {code_of(error) or error.reason or ''}".rstrip()
    if isinstance(error, ServiceRequestTimeoutError):
        return "timed out while connecting"
    inner = error.inner_exception
    if isinstance(inner, aiohttp.ClientConnectorDNSError):
        return "host name not resolved"
    if isinstance(inner, aiohttp.ClientConnectorError):
        refused = isinstance(inner.os_error, ConnectionRefusedError)
        return "connection refused" if refused else "no connection"
    if isinstance(inner, ConnectionLostError):
        return "connection lost before the answer"
    return f"no answer ({type(inner or error).__name__})"


def outcome_of_error(error: AzureError) -> Outcome:
    """What came of a change that ended so."""
    words = words_of_error(error)
    if not isinstance(error, HttpResponseError) or not error.status_code:
        kind = OutcomeKind.TRANSIENT if _was_not_sent(error) else OutcomeKind.UNKNOWN
        return Outcome(kind, words)
    if error.status_code in _NO_RIGHT:
        return Outcome(OutcomeKind.REFUSED, f"no right to change the state file: {words}")
    if error.status_code in _NOT_NOW:
        seconds = _header(error, "Retry-After")
        return Outcome(OutcomeKind.TRANSIENT, words, float(seconds) if seconds.isdecimal() else None)
    if 400 <= error.status_code < 500:
        return Outcome(OutcomeKind.REFUSED, words)
    # 500 `OperationTimedOut` and 504 leave open whether it was done after all.
    return Outcome(OutcomeKind.UNKNOWN, words)


def _was_not_sent(error: AzureError) -> bool:
    if isinstance(error, ServiceRequestTimeoutError):
        return True
    return isinstance(error, ServiceRequestError) and isinstance(
        error.inner_exception, aiohttp.ClientConnectorError
    )


def _header(error: AzureError, name: str) -> str:
    response: Any = error.response if isinstance(error, HttpResponseError) else None
    return str(response.headers.get(name, "")) if response is not None else ""
