"""What is at the other end of a link: a partition, a hub, `$cbs` or `$management`?

`open_link` resolves the address a peer attaches to, checks that it may be used, and makes
the link that does the work.
"""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from local.eventhubs.amqp import Described, encode_timestamp
from local.eventhubs.errors import AmqpError, Condition, DecodeError
from local.eventhubs.link import Attach, IncomingLink, Link, OutgoingLink
from local.eventhubs.message import read_publication, with_delivery_annotations
from local.eventhubs.position import Position, parse_selector
from local.eventhubs.requests import CBS, MANAGEMENT, describe, last_enqueued, put_token, read_request
from local.eventhubs.segment import CorruptLogError
from local.eventhubs.tokens import path_of

if TYPE_CHECKING:
    import asyncio

    from local.eventhubs.cursor import Cursor
    from local.eventhubs.frames import Fields
    from local.eventhubs.hub import Hub, Partition
    from local.eventhubs.session import Session

EPOCH: Final = "com.microsoft:epoch"
RUNTIME_METRIC: Final = "com.microsoft:enable-receiver-runtime-metric"
MAX_RESPONSES: Final = 100
"""Responses that may wait for a peer to take them."""

_LOGGER = logging.getLogger(__name__)
_ADDRESS: Final = re.compile(
    r"(?P<hub>[^/]+)(?:/consumergroups/(?P<group>[^/]+))?(?:/partitions/(?P<partition>[0-9]{1,9}))?"
)
_FILTERS_AT: Final = 7


def open_link(session: Session, attach: Attach) -> Link:
    """Make the link a peer asks for.

    Raises:
        AmqpError: There is no such address, or the peer may not use it.
    """
    terminus = attach.source if attach.peer_receives else attach.target
    address = terminus.text(0) if terminus is not None else None
    if terminus is None or address is None:
        raise AmqpError(Condition.INVALID_FIELD, "a link needs an address")
    path = path_of(address)
    if path in (CBS, MANAGEMENT):
        if path == MANAGEMENT and not session.connection.gate.allows_any():
            raise AmqpError(Condition.UNAUTHORIZED, f"no token was put that allows {path}")
        return (
            ResponseLink(session, attach, path)
            if attach.peer_receives
            else RequestLink(session, attach, path)
        )
    match = _ADDRESS.fullmatch(path)
    hub = session.connection.hubs.get(match["hub"]) if match else None
    number = int(match["partition"]) if match and match["partition"] else None
    if match is None or hub is None or (number is not None and number >= len(hub.partitions)):
        raise AmqpError(Condition.NOT_FOUND, f"there is nothing at {address!r}")
    if not session.connection.gate.allows(path):
        raise AmqpError(Condition.UNAUTHORIZED, f"no token was put that allows {address!r}")
    if not attach.peer_receives:
        return PublisherLink(session, attach, hub, number)
    if match["group"] is None or number is None:
        raise AmqpError(Condition.INVALID_FIELD, "to read takes a consumer group and a partition")
    return _open_reader(session, attach, terminus, hub.partitions[number], match["group"])


def _open_reader(session: Session, attach: Attach, source: Fields, partition: Partition, group: str) -> Link:
    epoch = attach.properties.get(EPOCH)
    if epoch is not None and (not isinstance(epoch, int) or isinstance(epoch, bool)):
        raise DecodeError("the epoch is not a number", Condition.INVALID_FIELD)
    link = ReaderLink(session, attach, partition, group, epoch)
    try:
        link.start(_position(source))
    except AmqpError as error:
        if error.condition is Condition.STOLEN:
            raise
        # The SDK tells nobody of a link that is refused for another reason, and asks again for
        # ever; a link that fails at the first credit is told to the consumer's `on_error`.
        link.fail_later(error)
    return link


def _position(source: Fields) -> Position:
    """The position in the first filter of a source: the SDK sends one at most."""
    for value in source.mapping(_FILTERS_AT).values():
        selector = value.value if isinstance(value, Described) else value
        if isinstance(selector, bytes):
            selector = selector.decode(errors="replace")
        if isinstance(selector, str):
            return parse_selector(selector)
    return parse_selector(None)


class PublisherLink(IncomingLink):
    """Takes events for a hub, or for one partition of it."""

    def __init__(self, session: Session, attach: Attach, hub: Hub, partition: int | None) -> None:
        super().__init__(session, attach)
        self._hub = hub
        self._partition = partition

    def take(self, message: bytes, message_format: int) -> asyncio.Future[None]:
        """Publish a message; it is accepted when it is on disk."""
        return self._hub.publish(read_publication(message, message_format), self._partition)


class RequestLink(IncomingLink):
    """Takes requests for a node and puts the responses on the link that reads from it."""

    def __init__(self, session: Session, attach: Attach, node: str) -> None:
        super().__init__(session, attach)
        self._node = node

    def take(self, message: bytes, message_format: int) -> None:  # noqa: ARG002 - requests have one format
        """Answer a request at once."""
        request = read_request(message)
        connection = self.session.connection
        for link in self.session.links():
            if isinstance(link, ResponseLink) and link.node == self._node:
                if self._node == CBS:
                    link.put(put_token(request, connection.authority, connection.gate))
                else:
                    link.put(describe(request, connection.hubs, connection.gate))
                return
        raise AmqpError(Condition.NOT_ALLOWED, f"nobody on this session reads the responses of {self._node}")


class ResponseLink(OutgoingLink):
    """Gives the responses of a node."""

    def __init__(self, session: Session, attach: Attach, node: str) -> None:
        super().__init__(session, attach)
        self.node = node
        self._responses: deque[bytes] = deque()

    def put(self, response: bytes) -> None:
        """Queue a response and send it if the peer takes it.

        Raises:
            AmqpError: The peer leaves too many responses where they are.
        """
        if len(self._responses) >= MAX_RESPONSES:
            raise AmqpError(Condition.RESOURCE_LIMIT, "too many responses wait to be taken")
        self._responses.append(response)
        self.pump()

    def next_message(self) -> bytes | None:
        """The oldest response that waits."""
        return self._responses.popleft() if self._responses else None


class ReaderLink(OutgoingLink):
    """Gives the events of a partition, each as soon as it is durable."""

    def __init__(
        self, session: Session, attach: Attach, partition: Partition, consumer_group: str, epoch: int | None
    ) -> None:
        super().__init__(session, attach)
        self.consumer_group = consumer_group
        self.epoch = epoch
        self._partition = partition
        self._cursor: Cursor | None = None
        self._failure: AmqpError | None = None
        self._tells_metrics = RUNTIME_METRIC in attach.capabilities

    def start(self, position: Position) -> None:
        """Take a place among the readers of the partition.

        Raises:
            AmqpError: There is none for this reader.
        """
        self._cursor = self._partition.cursor(position)
        self._partition.admit(self)

    def fail_later(self, failure: AmqpError) -> None:
        """Give this failure in place of the first event."""
        self._failure = failure

    def next_message(self) -> bytes | None:
        """The next event, with what is known of the newest one if the reader asked for that."""
        if self._failure is not None:
            raise self._failure
        try:
            record = self._cursor.take() if self._cursor else None
        except (CorruptLogError, OSError) as error:
            _LOGGER.exception("a partition cannot be read")
            raise AmqpError(Condition.INTERNAL_ERROR, f"the partition cannot be read: {error}") from error
        if record is None:
            return None
        if not self._tells_metrics:
            return record.payload
        now = encode_timestamp(time.time_ns() // 1_000_000)
        metrics = {**last_enqueued(self._partition), "runtime_info_retrieval_time_utc": now}
        return with_delivery_annotations(record.payload, metrics)

    def displace(self, description: str) -> None:
        """Give way to a reader with a better right."""
        self.session.detach(self, AmqpError(Condition.STOLEN, description))

    def drop(self) -> None:
        """Stop reading."""
        super().drop()
        self._partition.dismiss(self)
