"""Where do a stamp's messages wait? In an event hub of its own namespace, as every stamp in Azure has one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from local.eventhubs import Broker

HUB = "backendqueue-eh"
PARTITIONS = 2


class OwnHub:
    """The event hub of one stamp."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @property
    def connection(self) -> str:
        """What clients connect with."""
        return self._broker.connection_string(HUB)

    @property
    def namespace(self) -> str:
        """By which checkpoints name it."""
        return f"127.0.0.1:{self._broker.port}"

    @property
    def filled(self) -> int:
        """How many messages it has ever taken."""
        return self._broker.filled(HUB)

    async def make_anew(self) -> None:
        """Delete it with all that is in it, and make another one of the same name."""
        await self._broker.make_anew(HUB)


@asynccontextmanager
async def own_hub(folder: Path, port: int = 0) -> AsyncIterator[OwnHub]:
    """Run a stamp's hub while the context lasts.

    Args:
        folder: for what is kept.
        port: of its namespace; 0 for any free one.

    Raises:
        OSError: the port is taken, or the folder is in use.
    """
    async with Broker(folder, {HUB: PARTITIONS}, port=port) as broker:
        yield OwnHub(broker)
