"""What do the nodes `$cbs` and `$management` answer?

Both speak in requests and responses over a pair of links: `$cbs` takes tokens, `$management`
tells about hubs and partitions. A response carries the request's message id as correlation
id, exactly as it was encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from local.eventhubs.amqp import (
    NULL,
    encode_bool,
    encode_int,
    encode_list,
    encode_long,
    encode_map,
    encode_string,
    encode_strings,
    encode_timestamp,
)
from local.eventhubs.decoding import elements_of
from local.eventhubs.message import Section, SectionCode, sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.eventhubs.hub import Hub, Partition
    from local.eventhubs.tokens import Authority, Gate

CBS: Final = "$cbs"
MANAGEMENT: Final = "$management"

_CORRELATION_ID_AT: Final = 5


@dataclass(frozen=True, slots=True)
class Request:
    """A request, as far as the nodes look at it."""

    message_id: bytes
    application: Mapping[object, object]
    value: object


def read_request(raw: bytes) -> Request:
    """Read a request message.

    Raises:
        DecodeError: It is no message.
    """
    message_id, application, value = NULL, {}, None
    for section in sections(raw):
        match section.code:
            case SectionCode.PROPERTIES:
                properties = elements_of(section.value)
                message_id = properties[0] if properties else NULL
            case SectionCode.APPLICATION_PROPERTIES:
                decoded = section.decoded()
                application = decoded if isinstance(decoded, dict) else {}
            case SectionCode.VALUE:
                value = section.decoded()
    return Request(message_id, application, value)


def respond(request: Request, status: HTTPStatus, value: bytes = NULL) -> bytes:
    """Write the response to a request."""
    properties = encode_list([*[NULL] * _CORRELATION_ID_AT, request.message_id])
    application = encode_map(
        [
            (encode_string("status-code"), encode_int(status)),
            (encode_string("status-description"), encode_string(status.phrase)),
        ]
    )
    written = (
        Section(SectionCode.PROPERTIES, properties),
        Section(SectionCode.APPLICATION_PROPERTIES, application),
        Section(SectionCode.VALUE, value),
    )
    return b"".join(section.encoded() for section in written)


def put_token(request: Request, authority: Authority, gate: Gate) -> bytes:
    """Answer a token put on `$cbs`: the gate opens for what the token grants."""
    token = request.value.decode(errors="replace") if isinstance(request.value, bytes) else request.value
    grant = authority.grant(token) if isinstance(token, str) else None
    if grant is None:
        return respond(request, HTTPStatus.UNAUTHORIZED)
    gate.let_in(*grant)
    return respond(request, HTTPStatus.ACCEPTED)


def describe(request: Request, hubs: Mapping[str, Hub], gate: Gate) -> bytes:
    """Answer a question on `$management` about a hub or one of its partitions."""
    name, partition = request.application.get("name"), request.application.get("partition")
    hub = hubs.get(name.lower()) if isinstance(name, str) else None
    if hub is None:
        return respond(request, HTTPStatus.NOT_FOUND)
    if not gate.allows(hub.name):
        return respond(request, HTTPStatus.UNAUTHORIZED)
    if partition is None:
        return respond(request, HTTPStatus.OK, _hub_properties(hub))
    known = {str(at): one for at, one in enumerate(hub.partitions)}
    if not isinstance(partition, str) or partition not in known:
        return respond(request, HTTPStatus.NOT_FOUND)
    return respond(request, HTTPStatus.OK, _partition_properties(hub.name, partition, known[partition]))


def _hub_properties(hub: Hub) -> bytes:
    return _named(
        {
            "type": encode_string("com.microsoft:eventhub"),
            "name": encode_string(hub.name),
            "created_at": encode_timestamp(hub.created_ms),
            "partition_count": encode_int(len(hub.partitions)),
            "partition_ids": encode_strings([str(at) for at in range(len(hub.partitions))]),
        }
    )


def _partition_properties(hub: str, partition: str, about: Partition) -> bytes:
    return _named(
        {
            "type": encode_string("com.microsoft:partition"),
            "name": encode_string(hub),
            "partition": encode_string(partition),
            "begin_sequence_number": encode_long(about.log.first_sequence_number),
            "is_partition_empty": encode_bool(about.log.last is None),
            **last_enqueued(about),
        }
    )


def last_enqueued(partition: Partition) -> dict[str, bytes]:
    """What `$management` and the runtime metrics of a receiver say of the newest event."""
    last = partition.log.last
    return {
        "last_enqueued_sequence_number": encode_long(partition.log.next_sequence_number - 1),
        "last_enqueued_offset": encode_string(str(last.offset) if last else "-1"),
        "last_enqueued_time_utc": encode_timestamp(last.enqueued_ms if last else 0),
    }


def _named(properties: Mapping[str, bytes]) -> bytes:
    return encode_map([(encode_string(name), value) for name, value in properties.items()])
