"""What does an answer of Azure Resource Manager mean, and what has become of a change it accepted?

A change that was accepted is an operation: it can run for minutes, and it can
fail afterwards. Wire format: Microsoft's documentation of "asynchronous
operations" of Azure Resource Manager.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from remediation.act.answer import MAY_HAVE_ARRIVED, Answer, Failure, scrub
from remediation.act.http import Reply
from remediation.ledger.intent import Outcome, OutcomeKind

_NO_RIGHT = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_NOT_NOW = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,  # another change of it is under way
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
}
_PASSING_CODES = {
    "anotheroperationinprogress",
    "canceled",
    "conflict",
    "gatewaytimeout",
    "internalerror",
    "internalservererror",
    "operationtimedout",
    "serviceunavailable",
    "toomanyrequests",
}
"""Errors of an operation after which it may be tried again; without a code it may as well."""


class OperationState(StrEnum):
    """How far a change that was accepted has got."""

    RUNNING = "running"  # not over, or not to be known now
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Told(StrEnum):
    """Where an operation's state is read."""

    STATUS = "status"  # the document behind `Azure-AsyncOperation`
    LOCATION = "location"  # the status code of what is behind `Location`
    RESOURCE = "resource"  # the resource's own `provisioningState`


@dataclass(frozen=True, slots=True)
class Operation:
    """A change that was accepted.

    Attributes:
        state: how far it has got.
        url: where to ask for its state.
        told: how that is to be read.
        reason: in words, while it runs.
        wait_seconds: how long we were asked to wait before the next question.
        failure: what the change came to; set exactly when it failed.
    """

    state: OperationState
    url: str
    told: Told
    reason: str = ""
    wait_seconds: float | None = None
    failure: Outcome | None = None


def right_to(verb: str, resource_id: str) -> str:
    """The right that Azure asks for: `Microsoft.Cdn/profiles/originGroups/origins/write`."""
    provider, *names = resource_id.rpartition("/providers/")[2].split("/")
    return "/".join([provider, *names[::2], verb])


def is_success(answer: Answer) -> bool:
    """Whether it was done or accepted."""
    return 200 <= (answer.status or 0) < 300


def document_of(reply: Reply) -> Mapping[str, Any] | None:
    """The JSON object of the body; None if it is none, or not whole."""
    try:
        document = json.loads(reply.body) if reply.complete else None
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def not_arm() -> Outcome:
    """Where the answer to a question is not Azure's but a proxy's, say: nothing was done."""
    return Outcome(OutcomeKind.TRANSIENT, "the answer is none of Azure Resource Manager's")


def outcome_of_refusal(reply: Reply, right: str, token: str, *, changes: bool) -> Outcome:
    """What a request without success came to; where it would have changed nothing, it never is `unknown`."""
    kind = _kind(reply)
    if kind is OutcomeKind.UNKNOWN and not changes:
        kind = OutcomeKind.TRANSIENT
    reason = reply.reason
    if reply.status in _NO_RIGHT:
        reason = f"no right ({right} is needed): {reason}"
    _, said = _error_in(document_of(reply), token)
    return Outcome(kind, f"{reason}: {said}" if said else reason, reply.retry_after_seconds)


def _kind(reply: Reply) -> OutcomeKind:
    if reply.failure in MAY_HAVE_ARRIVED:
        return OutcomeKind.UNKNOWN
    if reply.failure is not None:
        return OutcomeKind.REFUSED if reply.failure is Failure.INVALID else OutcomeKind.TRANSIENT
    if reply.status in _NOT_NOW:
        return OutcomeKind.TRANSIENT
    # An answer of the 500s leaves open whether it was done after all.
    return OutcomeKind.UNKNOWN if (reply.status or 0) >= 500 else OutcomeKind.REFUSED


def _error_in(document: Mapping[str, Any] | None, token: str) -> tuple[str, str]:
    """Code and words of the error in a document, fit for a reason; empty where there are none."""
    error = (document or {}).get("error")
    if not isinstance(error, dict):
        return "", ""
    code = scrub(str(error.get("code") or ""), [token])
    words = scrub(str(error.get("message") or ""), [token])
    return code, f"{code}: {words}" if code and words else code or words


def followed(operation: Operation, reply: Reply, token: str) -> Operation:
    """The operation after an answer about it."""
    if operation.told is Told.LOCATION and _is_final_refusal(reply):
        return _failed(operation, document_of(reply), reply.reason, token)
    if not is_success(reply):
        return replace(operation, reason=f"its state cannot be read: {reply.reason}")
    if operation.told is Told.LOCATION:
        running = reply.status == HTTPStatus.ACCEPTED
        return operation if running else replace(operation, state=OperationState.SUCCEEDED)
    document = document_of(reply)
    if operation.told is Told.RESOURCE:
        return read_resource(operation, document, token)
    return _read_state(operation, str((document or {}).get("status") or ""), document, token)


def _is_final_refusal(reply: Reply) -> bool:
    """Whether an answer of the 400s is the operation's own, and does not come of our way of asking."""
    about_us = _NO_RIGHT | {HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
    return 400 <= (reply.status or 0) < 500 and reply.status not in about_us


def read_resource(operation: Operation, document: Mapping[str, Any] | None, token: str) -> Operation:
    """By the resource's own word; one without `provisioningState` is as it should be."""
    properties = (document or {}).get("properties")
    if not isinstance(properties, dict):
        return replace(operation, reason="its state cannot be read")
    return _read_state(operation, str(properties.get("provisioningState") or "Succeeded"), document, token)


def _read_state(
    operation: Operation, state: str, document: Mapping[str, Any] | None, token: str
) -> Operation:
    if state.lower() == "succeeded":
        return replace(operation, state=OperationState.SUCCEEDED, reason="")
    if state.lower() in {"failed", "canceled"}:
        return _failed(operation, document, state, token)
    return replace(operation, reason=scrub(state, [token]) or "its state cannot be read")


def _failed(operation: Operation, document: Mapping[str, Any] | None, state: str, token: str) -> Operation:
    code, said = _error_in(document, token)
    passing = not code or code.lower() in _PASSING_CODES
    reason = f"accepted, but then it failed ({scrub(state, [token])}){': ' if said else ''}{said}"
    failure = Outcome(OutcomeKind.TRANSIENT if passing else OutcomeKind.REFUSED, reason)
    return replace(operation, state=OperationState.FAILED, reason=reason, failure=failure)
