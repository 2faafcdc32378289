"""How does another system learn that a step is asked of it, and that we are the ones who ask?

By a CloudEvent that is signed as Standard Webhooks (version 1) prescribes. The
intent's id is the event's id and the message's id: whoever obeys the same id once
only may be told it any number of times. There is nothing to look at and nothing
to undo: what the receiver has done, it alone knows.
"""

import base64
import ipaddress
from dataclasses import replace
from datetime import UTC
from http import HTTPStatus
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from remediation.act.answer import Answer, outcome_of
from remediation.act.http import Door, json_body
from remediation.act.secret import ReadSecret, refused_for_missing
from remediation.ledger.intent import Intent, Outcome, OutcomeKind
from remediation.ports import Clock
from rules.topology import Endpoint, SecretRef

UNDO = "a request to another system cannot be taken back"

EVENT_TYPE = "remediation.step.requested.v1"

_HEADERS = {"Content-Type": "application/cloudevents+json"}
_PREFIX = "whsec_"
_AGAIN = "it may have arrived, and may be sent again: the receiver knows it by its id"


class StepWebhook:
    """Asks other systems for steps. Each request is sent once; to try again is the caller's."""

    def __init__(
        self, door: Door, read_secret: ReadSecret, clock: Clock, *, timeout_seconds: float = 5.0
    ) -> None:
        self._door = door
        self._read_secret = read_secret
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def apply(self, endpoint: Endpoint, workload: str, intent: Intent) -> Outcome:
        """Ask for the step. Never raises. Repeating it is harmless where the receiver heeds the id."""
        url = self._value(endpoint.url)
        if isinstance(url, Outcome):
            return url
        if not _is_safe(url):
            return _refused(endpoint.url, "no https URL")
        secret = self._value(endpoint.secret) if endpoint.secret else ""
        if isinstance(secret, Outcome):
            return secret
        body = event_body(workload, intent)
        headers = self._headers(intent.id, body, secret)
        if headers is None:
            return _refused(endpoint.secret, "no signing secret: `whsec_` and base64")
        answer = await self._door.send(
            "POST", url, {**_HEADERS, **headers}, body, timeout_seconds=self._timeout_seconds
        )
        return _outcome(answer, answer.said([url, secret, secret.removeprefix(_PREFIX)]))

    def _value(self, given: SecretRef | str) -> str | Outcome:
        if isinstance(given, str):
            return given
        value = self._read_secret(given)
        return refused_for_missing(given) if value is None else value

    def _headers(self, message: str, body: bytes, secret: str) -> dict[str, str] | None:
        """The headers of Standard Webhooks; None if the secret is none. Without one, nothing is signed."""
        now = self._clock.now()
        headers = {"webhook-id": message, "webhook-timestamp": str(int(now.timestamp()))}
        if not secret:
            return headers
        key = signing_key(secret)
        if key is None:
            return None
        signature = Webhook(key).sign(message, now.astimezone(UTC), body.decode())
        return headers | {"webhook-signature": signature}


def signing_key(secret: str) -> bytes | None:
    """The key that a secret of Standard Webhooks holds; None if it is none."""
    try:
        # The library skips over what is no base64, and would sign with half a secret.
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True) or None
    except ValueError:
        return None


def event_body(workload: str, intent: Intent) -> bytes:
    """The request as a CloudEvent 1.0 in JSON: the same for the same attempt at the same intent."""
    return json_body(
        {
            "specversion": "1.0",
            "id": intent.id,
            "source": f"/remediation/{workload}",
            "type": EVENT_TYPE,
            "subject": f"stamps/{intent.stamp}" if intent.stamp else "workload",
            "time": intent.planned_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": {
                "workload": workload,
                "stamp": intent.stamp,
                "rule": intent.rule,
                "reason": intent.reason,
                "intent": intent.id,
                "attempt": intent.attempts,
            },
        }
    )


def _outcome(answer: Answer, said: str) -> Outcome:
    outcome = outcome_of(answer, said)
    status = answer.status or 0
    if status >= 500 and status != HTTPStatus.SERVICE_UNAVAILABLE:
        # The receiver failed before, while or after it obeyed.
        outcome = replace(outcome, kind=OutcomeKind.UNKNOWN)
    if outcome.kind is OutcomeKind.UNKNOWN:
        return replace(outcome, reason=f"{outcome.reason}; {_AGAIN}")
    return outcome


def _is_safe(url: str) -> bool:
    """Encrypted, except on the machine itself."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "http":
            return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _refused(given: SecretRef | str | None, words: str) -> Outcome:
    where = f"environment variable {given.name} holds" if isinstance(given, SecretRef) else "this is"
    return Outcome(OutcomeKind.REFUSED, f"{where} {words}")
