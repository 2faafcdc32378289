"""How is someone woken?

By PagerDuty's Events API v2. One dedup key per incident makes a repeated
trigger harmless and lets the resolve find what the trigger opened, with nothing
to remember. Wire format: PagerDuty's developer documentation, Events API v2.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from remediation.act.answer import Answer, outcome_of, scrub
from remediation.act.http import Door, json_body
from remediation.act.secret import ReadSecret, refused_for_missing
from remediation.ledger.intent import Outcome
from remediation.ledger.told import Message, MessageKind
from remediation.ports import Teller
from rules.topology import Workload

BODY_BYTES = 512_000
SUMMARY_CHARACTERS = 1024
DEDUP_KEY_CHARACTERS = 255
THROTTLED_SECONDS = 30.0
"""PagerDuty asks for half a minute at least after a 429."""

_ATTEMPTS = 3


class PagerDutyTeller:
    """Pages through PagerDuty, or through `otherwise` where a workload has none."""

    def __init__(
        self, door: Door, read_secret: ReadSecret, otherwise: Teller, *, timeout_seconds: float = 5.0
    ) -> None:
        self._door = door
        self._read_secret = read_secret
        self._otherwise = otherwise
        self._timeout_seconds = timeout_seconds

    async def tell(self, workload: Workload, message: Message) -> Outcome:
        """Trigger or resolve the incident. Repeating it is harmless: the dedup key is the incident's."""
        service = workload.channels.pagerduty
        if service is None:
            return await self._otherwise.tell(workload, message)
        routing_key = self._read_secret(service.routing_key)
        if routing_key is None:
            return refused_for_missing(service.routing_key)
        answer = await self._door.post_json(
            f"{service.url.rstrip('/')}/v2/enqueue",
            event_body(routing_key, workload, message),
            timeout_seconds=self._timeout_seconds,
            attempts=_ATTEMPTS,
            repeatable=True,
        )
        return _outcome(answer, routing_key)


def dedup_key(incident: str) -> str:
    """What PagerDuty knows the incident by: its own key, or a hash where that is too long."""
    if len(incident) <= DEDUP_KEY_CHARACTERS:
        return incident
    return hashlib.sha256(incident.encode("utf-8", "replace")).hexdigest()


def event_body(routing_key: str, workload: Workload, message: Message) -> bytes:
    """The event as PagerDuty takes it: details that make it too large are left out."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": str(message.kind),
        "dedup_key": dedup_key(message.incident),
    }
    if message.kind is MessageKind.RESOLVE:
        return json_body(event)
    event["client"] = "remediation"
    event["payload"] = _payload(workload, message, _details(message))
    body = json_body(event)
    if len(body) <= BODY_BYTES:
        return body
    removed = {"details": f"left out: the event would have had {len(body)} bytes"}
    return json_body(event | {"payload": _payload(workload, message, removed)})


def _payload(workload: Workload, message: Message, details: Mapping[str, str]) -> dict[str, Any]:
    # An incident's key is `workload/stamp or global/rule family`.
    _, _, rest = message.incident.partition("/")
    where, _, family = rest.partition("/")
    return {
        "summary": (message.title.strip() or message.incident)[:SUMMARY_CHARACTERS],
        "source": f"{workload.name}/{where}"[:SUMMARY_CHARACTERS] if where else workload.name,
        "severity": str(message.severity),
        "timestamp": message.created_at.isoformat(),
        "component": (where or "global")[:SUMMARY_CHARACTERS],
        "group": workload.name,
        "class": (family or message.incident)[:SUMMARY_CHARACTERS],
        "custom_details": dict(details),
    }


def _details(message: Message) -> dict[str, str]:
    details: dict[str, str] = {}
    for label, text in message.facts:
        details[label] = f"{details[label]}\n{text}" if label in details else text
    return details


class _Refusal(BaseModel):
    """PagerDuty's answer to an event that it does not take."""

    message: str = ""
    errors: list[str] = []


def _outcome(answer: Answer, routing_key: str) -> Outcome:
    outcome = outcome_of(answer, _refusal(answer, routing_key))
    if answer.status == 429:
        return replace(
            outcome, retry_after_seconds=max(outcome.retry_after_seconds or 0.0, THROTTLED_SECONDS)
        )
    return outcome


def _refusal(answer: Answer, routing_key: str) -> str:
    try:
        refusal = _Refusal.model_validate_json(answer.body)
    except ValidationError:
        return answer.said([routing_key])
    return scrub("; ".join(refusal.errors) or refusal.message, [routing_key])
