"""In what form does the Functions host hand its worker what a trigger brought?

Each function gives the `ParameterBinding`s and the trigger metadata of one kind
of trigger, as the host and its Event Hubs extension write them today:

- application properties, system properties and the partition are JSON;
- sequence numbers, offsets and partition keys are collections of their own type,
  and the texts among them leave out what is empty;
- times of events have no zone and mean UTC.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Message = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """An event as the hub has it."""

    body: bytes
    properties: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    sequence_number: int = 0
    offset: str = "0"
    enqueued: datetime = field(default_factory=lambda: datetime.now(UTC))

    def system_properties(self) -> Message:
        """Those of AMQP, and the four under the names of older hosts."""
        moment = _moment(self.enqueued)
        return {
            "x-opt-sequence-number": self.sequence_number,
            "x-opt-offset": _number_if_one(self.offset),
            "x-opt-enqueued-time": moment + "+00:00",
            **({"x-opt-partition-key": self.key} if self.key else {}),
            "SequenceNumber": self.sequence_number,
            "Offset": _number_if_one(self.offset),
            "PartitionKey": self.key,
            "EnqueuedTimeUtc": moment,
        }


def event_hub_batch(
    argument: str, events: Sequence[Event], partition: str = "0"
) -> tuple[list[Message], dict[str, Message]]:
    """A batch of one partition, for a trigger of many and binary: the input and the metadata."""
    origin = {
        "FullyQualifiedNamespace": "shop.servicebus.windows.net",
        "EventHubName": "signals",
        "ConsumerGroup": "remediation",
        "PartitionId": partition,
    }
    metadata = {
        "PartitionContext": _json(origin),
        "PartitionKeyArray": _texts([event.key or "" for event in events]),
        "OffsetArray": _texts([event.offset for event in events]),
        "SequenceNumberArray": {"collection_sint64": {"sint64": [each.sequence_number for each in events]}},
        "EnqueuedTimeUtcArray": _json([_moment(event.enqueued) for event in events]),
        "PropertiesArray": _json([dict(event.properties) for event in events]),
        "SystemPropertiesArray": _json([event.system_properties() for event in events]),
    }
    bodies = {"collection_bytes": {"bytes": [_bytes(event.body) for event in events]}}
    return [{"name": argument, "data": bodies}], metadata


def http_request(
    method: str, route: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> list[Message]:
    """A request; its body goes as bytes, since the worker says that it can take them."""
    request = {
        "method": method,
        "url": f"https://remediation.azurewebsites.net/{route}",
        "headers": {
            "content-type": "application/json",
            "user-agent": "IcMBroadcaster/1.0",
            **(headers or {}),
        },
        "body": {"bytes": _bytes(body)},
    }
    return [{"name": "req", "data": {"http": request}}]


def timer_tick(argument: str) -> list[Message]:
    """A tick that is on time."""
    moment = datetime.now(UTC).isoformat()
    status = {"Last": moment, "Next": moment, "LastUpdated": moment}
    tick = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": False}
    return [{"name": argument, "data": _json(tick)}]


def _json(value: Any) -> Message:
    return {"json": json.dumps(value)}


def _texts(texts: Sequence[str]) -> Message:
    return {"collection_string": {"string": [text for text in texts if text]}}


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _number_if_one(offset: str) -> int | str:
    return int(offset) if offset.isdecimal() else offset


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()
