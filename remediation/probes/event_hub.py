"""What does a hub say of itself: when was it made, and how far is each partition filled?

Asked on the hub's management node. The SDK opens a connection for every
question, so they are asked side by side, a few at a time.

The SDK is loaded with the first look: a process that never looks never needs it.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from remediation.probes.blind import BlindError, ReadSecret, secret_of
from rules.queue import PARTITIONS_MOST, by_number
from rules.topology import EventHub

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventhub.aio import EventHubConsumerClient
    from azure.eventhub.exceptions import EventHubError

AT_A_TIME = 16

_EPOCH = datetime.fromtimestamp(0, UTC)
_STATUS = re.compile(r"Status code: (\d{3})")
_CAUSE = re.compile(r"\[Errno -?\d+\] ([A-Za-z ]{3,60})")


@dataclass(frozen=True, slots=True)
class Filled:
    """How far one partition is filled.

    Attributes:
        last_enqueued: sequence number of its newest event; -1 where there never was one.
        last_enqueued_at: when that came.
        first: sequence number of the oldest event that is still there; one more than the newest, if none is.
    """

    last_enqueued: int
    last_enqueued_at: datetime | None
    first: int


@dataclass(frozen=True, slots=True)
class HubSeen:
    """The hub as it described itself.

    Attributes:
        created_at: when it was made.
        partitions: by id.
        beyond: how many partitions were not asked for.
    """

    created_at: datetime
    partitions: Mapping[str, Filled]
    beyond: int


def open_hub(
    hub: EventHub, read_secret: ReadSecret, credential: "Callable[[], AsyncTokenCredential]"
) -> "tuple[EventHubConsumerClient, str]":
    """The client of the hub, and the host name of its namespace. Nothing is sent yet.

    Raises:
        BlindError: there is no address that could be used.
    """
    from azure.eventhub import parse_connection_string  # noqa: PLC0415 - see above
    from azure.eventhub.aio import EventHubConsumerClient  # noqa: PLC0415 - see above

    # One try: the next look comes soon, and a retry would use up this one's time.
    options: dict[str, Any] = {"retry_total": 0, "retry_backoff_factor": 0}
    if hub.connection is None:
        namespace = hub.namespace or ""
        client = EventHubConsumerClient(namespace, hub.hub, hub.consumer_group, credential(), **options)
        return client, namespace
    connection = secret_of(hub.connection, read_secret)
    try:
        namespace = parse_connection_string(connection).fully_qualified_namespace
        client = EventHubConsumerClient.from_connection_string(
            connection, hub.consumer_group, eventhub_name=hub.hub, **options
        )
    except ValueError as error:
        raise BlindError(f"{hub.connection.name} holds no connection string of an event hub") from error
    return client, namespace


async def read_hub(client: "EventHubConsumerClient", hub: str) -> HubSeen:
    """What the hub says of itself now.

    Raises:
        BlindError: there is no such hub, it may not be looked at, or cannot be reached.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - see above
    from azure.eventhub.exceptions import EventHubError  # noqa: PLC0415 - see above

    try:
        about = await client.get_eventhub_properties()
        ids = sorted(about["partition_ids"], key=by_number)
        wanted = ids[:PARTITIONS_MOST]
        filled = await _side_by_side(client, wanted)
    except EventHubError as error:
        # What the credential raised is wrapped as if the hub had said it.
        no_token = isinstance(error.__context__, AzureError)
        raise BlindError("no token for the event hub" if no_token else _why(error, hub)) from error
    return HubSeen(about["created_at"], dict(zip(wanted, filled, strict=True)), len(ids) - len(wanted))


async def _side_by_side(client: "EventHubConsumerClient", partitions: list[str]) -> list[Filled]:
    """Ask for all; the first that fails ends the look, and the others with it."""
    turn = asyncio.Semaphore(AT_A_TIME)

    async def ask(partition: str) -> Filled:
        async with turn:
            return _filled(await client.get_partition_properties(partition))

    try:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(partition)) for partition in partitions]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in asked]


def _filled(about: Mapping[str, Any]) -> Filled:
    last = int(about["last_enqueued_sequence_number"])
    enqueued_at: datetime = about["last_enqueued_time_utc"]
    first = last + 1 if about["is_empty"] else int(about["beginning_sequence_number"])
    # Of a partition that holds nothing, the time is the beginning of some calendar.
    return Filled(last, enqueued_at if enqueued_at > _EPOCH else None, first)


def _why(error: "EventHubError", hub: str) -> str:
    from azure.eventhub.exceptions import AuthenticationError  # noqa: PLC0415 - see above

    found = _STATUS.search(error.message)
    status = found[1] if found else ""
    if error.error == "not-found" or status == "404":
        return f"event hub {hub} not found"
    if isinstance(error, AuthenticationError) or status in {"401", "403"}:
        return f"no right to look at event hub {hub}: {status or 'no token was accepted'}"
    if status:
        return f"event hub {hub} does not tell: {status}"
    cause = _CAUSE.search(error.message)
    return f"event hub {hub} unreachable: {cause[1].strip().lower() if cause else type(error).__name__}"
