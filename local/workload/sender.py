"""How does a stamp send to its own event hub? Through the SDK, as the catalogue and the HealthService do."""

import asyncio
from collections.abc import Awaitable, Mapping

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from azure.eventhub.exceptions import EventHubError

from local.workload.meter import Meter

HEALTHCHECK = {"HEALTHCHECK": "TRUE"}
"""Marks a message that only proves that sending works; the BackgroundProcessor discards it."""

_NOBODY_LISTENS = "127.0.0.1:9"
_SEND_WITHIN_SECONDS = 3.0


class SendError(Exception):
    """The hub did not take the message."""


class Sender:
    """The producer of one stamp.

    Attributes:
        sent: what the hub has taken: the metric `IncomingMessages`.
        quiet: sending is switched off; nothing is wrong, and nothing comes.
    """

    def __init__(self, connection: str) -> None:
        self.sent = Meter()
        self.quiet = False
        self._connection = connection
        self._client = _client(connection)

    async def send(self, body: bytes, properties: Mapping[str, str]) -> None:
        """Return once the hub holds the message, or at once where sending is switched off.

        Raises:
            SendError: it did not take it in time.
        """
        if self.quiet:
            return
        event = EventData(body)
        event.properties = dict[str | bytes, str](properties.items())
        await self._sent(self._client.send_event(event))

    async def send_many(self, count: int) -> None:
        """Send so many health checks to each partition at once.

        Raises:
            SendError: they were not taken in time.
        """
        events = [EventData(b"{}") for _ in range(count)]
        for event in events:
            event.properties = dict[str | bytes, str](HEALTHCHECK.items())
        for partition in await self._client.get_partition_ids():
            await self._sent(self._client.send_batch(list(events), partition_id=partition), count)

    async def _sent(self, sending: Awaitable[None], count: int = 1) -> None:
        try:
            async with asyncio.timeout(_SEND_WITHIN_SECONDS):
                await sending
        except (EventHubError, TimeoutError, OSError) as error:
            raise SendError(f"not sent: {type(error).__name__}") from error
        for _ in range(count):
            self.sent.add()

    async def lose_the_way(self) -> None:
        """From now on the hub's name leads where nobody listens, as when its DNS zone is empty."""
        endpoint = self._connection.split("//", 1)[1].split(";", 1)[0]
        await self._instead(_client(self._connection.replace(endpoint, _NOBODY_LISTENS)))

    async def find_the_way(self) -> None:
        """The hub's name leads to the hub again."""
        await self._instead(_client(self._connection))

    async def _instead(self, client: EventHubProducerClient) -> None:
        old, self._client = self._client, client
        await old.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


def _client(connection: str) -> EventHubProducerClient:
    return EventHubProducerClient.from_connection_string(connection, retry_total=0, retry_backoff_factor=0.05)
