"""Where is a body kept before its sender is told that it was accepted? In the hub.

The webhook does no work of its own: it answers 202 once the hub holds the body,
so that a crash right after loses nothing, and a slow rule delays nobody.

The SDK is loaded with the first body: a process that is started for the hub's
events or for the timer alone, as Azure does, never needs it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from remediation.ports import InboxUnavailableError

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubProducerClient

PUT_WITHIN_SECONDS = 7.0
"""Less than the 8 s in which the webhook must answer; action groups wait for 10."""


class HubInbox:
    """The hub `signals`, from the sender's side."""

    def __init__(self, connect: "Callable[[], EventHubProducerClient]") -> None:
        self._connect = connect
        self._producer: EventHubProducerClient | None = None

    async def put(self, body: bytes, key: str | None, properties: Mapping[str, str]) -> None:
        """Return once the hub holds the body.

        Args:
            body: as it came.
            key: partition key; bodies of one workload keep their order.
            properties: application properties, such as the route.

        Raises:
            InboxUnavailableError: the hub did not take it in time.
        """
        from azure.eventhub import EventData  # noqa: PLC0415 - see above
        from azure.eventhub.exceptions import EventHubError  # noqa: PLC0415 - see above

        event = EventData(body)
        event.properties = dict[str | bytes, str](properties.items())
        try:
            async with asyncio.timeout(PUT_WITHIN_SECONDS):
                batch = await self._client().create_batch(partition_key=key)
                batch.add(event)
                await self._client().send_batch(batch)
        except (EventHubError, TimeoutError, OSError, ValueError) as error:
            raise InboxUnavailableError(f"the hub did not take it: {type(error).__name__}") from error

    def _client(self) -> "EventHubProducerClient":
        if self._producer is None:
            self._producer = self._connect()
        return self._producer

    async def close(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            await self._producer.close()
