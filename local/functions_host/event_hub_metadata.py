"""What does a function see of the events it is given?

Pure: events of the real SDK become the values that Microsoft's host sends to its Python worker, and
azure-functions' own converter makes the `EventHubEvent` objects from them. So what is awkward there is
awkward here too:

- Application properties are in the metadata that all events of a batch share (`PropertiesArray`), not on
  the event.
- Times carry no zone, so `enqueued_time` is a naive datetime in UTC (the extension sends
  `DateTimeOffset.DateTime`).
- Unless the trigger says `data_type=BINARY`, bodies travel as text: bytes that are not UTF-8 are replaced,
  an empty body is left out, and then the converter refuses the whole batch because bodies and metadata
  differ in number.
- The text arrays (`PartitionKeyArray`, `OffsetArray`) leave out what is empty and may be shorter than the
  batch.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from azure.eventhub import EventData
from azure.functions.eventhub import EventHubTriggerConverter
from azure.functions.meta import Datum


@dataclass(frozen=True)
class Origin:
    """The partition that the events of a batch come from."""

    namespace: str
    hub: str
    consumer_group: str
    partition: str

    def as_metadata(self) -> dict[str, str]:
        """`PartitionContext` as the real host writes it."""
        return {
            "FullyQualifiedNamespace": self.namespace,
            "EventHubName": self.hub,
            "ConsumerGroup": self.consumer_group,
            "PartitionId": self.partition,
        }


def decode_many(origin: Origin, events: Sequence[EventData], *, binary: bool) -> Callable[[], Any]:
    """The argument of a function with cardinality many: a list of events that share their metadata."""

    def decode() -> Any:
        bodies = [_body(event) for event in events]
        keys = [_text(event.partition_key) or "" for event in events]
        metadata = {
            "PartitionContext": _json(origin.as_metadata()),
            "PartitionKeyArray": _strings(keys),
            "OffsetArray": _strings([event.offset or "" for event in events]),
            "SequenceNumberArray": Datum(
                SimpleNamespace(sint64=[event.sequence_number for event in events]), "collection_sint64"
            ),
            "EnqueuedTimeUtcArray": _json([_moment(event.enqueued_time) for event in events]),
            "PropertiesArray": _json([_properties(event) for event in events]),
            "SystemPropertiesArray": _json([_system_properties(event) for event in events]),
        }
        if binary:
            data = Datum(SimpleNamespace(bytes=bodies), "collection_bytes")
        else:
            data = _strings([body.decode("utf-8", "replace") for body in bodies])
        return EventHubTriggerConverter.decode(data, trigger_metadata=metadata)

    return decode


def decode_one(origin: Origin, event: EventData, *, binary: bool) -> Callable[[], Any]:
    """The argument of a function with cardinality one: an event with metadata of its own."""

    def decode() -> Any:
        metadata = {
            "PartitionContext": _json(origin.as_metadata()),
            "Offset": _json(_number_if_one(event.offset)),
            "SequenceNumber": _json(event.sequence_number),
            "EnqueuedTimeUtc": _json(_moment(event.enqueued_time)),
            "Properties": _json(_properties(event)),
            "SystemProperties": _json(_system_properties(event)),
        }
        key = _text(event.partition_key)
        if key is not None:  # the host leaves null values out
            metadata["PartitionKey"] = Datum(key, "string")
        body = _body(event)
        data = Datum(body, "bytes") if binary else Datum(body.decode("utf-8", "replace"), "string")
        return EventHubTriggerConverter.decode(data, trigger_metadata=metadata)

    return decode


def _strings(texts: Sequence[str]) -> Datum:
    return Datum(SimpleNamespace(string=[text for text in texts if text]), "collection_string")


def _json(value: Any) -> Datum:
    return Datum(json.dumps(value, ensure_ascii=False), "json")


def _body(event: EventData) -> bytes:
    body: Any = event.body
    if isinstance(body, bytes):
        return body
    return b"".join(body)


def _properties(event: EventData) -> dict[str, Any]:
    properties: Mapping[Any, Any] = event.properties or {}
    return {str(_plain(name)): _plain(value) for name, value in properties.items()}


def _system_properties(event: EventData) -> dict[str, Any]:
    system = {str(_plain(name)): _plain(value) for name, value in event.system_properties.items()}
    offset, enqueued = _number_if_one(event.offset), _moment(event.enqueued_time)
    if "x-opt-offset" in system:
        system["x-opt-offset"] = offset
    if enqueued is not None:
        system["x-opt-enqueued-time"] = enqueued + "+00:00"
    # The host adds these four under the names of its older versions.
    return system | {
        "SequenceNumber": event.sequence_number,
        "Offset": offset,
        "PartitionKey": _text(event.partition_key),
        "EnqueuedTimeUtc": enqueued,
    }


def _plain(value: Any) -> Any:
    """A value as JSON can hold it; the SDK gives AMQP text as bytes."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {str(_plain(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    return str(value)  # a UUID, for one


def _text(value: bytes | str | None) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _number_if_one(offset: str | None) -> int | str | None:
    return int(offset) if offset is not None and offset.isdecimal() else offset


def _moment(moment: datetime | None) -> str | None:
    """A time as the host's serializer writes a .NET DateTime without a kind: no zone, no trailing zeros."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}"
