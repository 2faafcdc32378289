"""How far has each partition of a stamp's hub been filled, and how far been read?

HealthService and the root of the health model stay green while the
BackgroundProcessor reads nothing (failure F21): both look at sending alone. So
we look ourselves. The probe only sees; `decide.lag` says what it means.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from remediation.ports import Clock
from remediation.probes.blind import BlindError, ReadSecret
from remediation.probes.checkpoints import CheckpointFolder, Written, open_container, read_checkpoints
from remediation.probes.event_hub import open_hub, read_hub
from rules.queue import PartitionLook, QueueLook
from rules.topology import EventHub, Stamp

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventhub.aio import EventHubConsumerClient
    from azure.storage.blob.aio import ContainerClient

CLOSE_SECONDS = 2.0
"""How long `close` waits for clients that cannot let go of a dead connection."""

_STORAGE = "checkpoints' storage"


@dataclass(frozen=True, slots=True)
class _Clients:
    hub: "EventHubConsumerClient"
    container: "ContainerClient | CheckpointFolder"
    namespace: str


@dataclass(slots=True)
class _Progress:
    """Who has not answered yet, should time run out."""

    waiting_for: str = _STORAGE


class ConsumerLag:
    """The queues of the stamps, looked at on the hubs and in the checkpoints' storage."""

    def __init__(
        self,
        read_secret: ReadSecret,
        credential: "Callable[[], AsyncTokenCredential]",
        clock: Clock,
        *,
        timeout_seconds: float = 4.0,
    ) -> None:
        """Remember how to get in; nothing is reached for yet.

        Args:
            read_secret: gives connection strings, at the moment of use.
            credential: makes the one credential for all that have no connection string.
            clock: for the time of each look.
            timeout_seconds: for a whole look at one stamp.
        """
        self._read_secret = read_secret
        self._make_credential = credential
        self._credential: AsyncTokenCredential | None = None
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._clients: dict[EventHub, _Clients] = {}
        self._ending: set[asyncio.Task[Any]] = set()

    async def look(self, stamp: Stamp) -> QueueLook:
        """Look once, within the time-out. Never raises: that nothing can be seen is an answer."""
        at, hub = self._clock.now(), stamp.event_hub
        if hub is None:
            return QueueLook(stamp.name, at, reason="the workload file names no event hub of this stamp")
        try:
            # Before time is taken: the first use loads the SDK.
            clients = self._clients_of(hub)
        except BlindError as error:
            return QueueLook(stamp.name, at, reason=str(error))
        progress = _Progress()
        seeing = asyncio.create_task(_see(stamp.name, at, hub, clients, progress))
        try:
            await asyncio.wait({seeing}, timeout=self._timeout_seconds)
        except asyncio.CancelledError:
            self._end(seeing)
            raise
        if not seeing.done():
            # Not waited for: the SDK may take its time to let go.
            self._end(seeing)
            reason = f"{progress.waiting_for} did not answer within {self._timeout_seconds:g} s"
        elif not (reason := _why(seeing)):
            return seeing.result()
        self._forget(hub)
        return QueueLook(stamp.name, at, reason=reason)

    async def close(self) -> None:
        """Give up connections and credential. A later look makes new ones."""
        for hub in list(self._clients):
            self._forget(hub)
        credential, self._credential = self._credential, None
        if credential is not None:
            self._later(credential.close())
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSE_SECONDS)

    def _clients_of(self, hub: EventHub) -> _Clients:
        if hub not in self._clients:
            container = open_container(hub.checkpoints, self._read_secret, self._identity)
            client, namespace = open_hub(hub, self._read_secret, self._identity)
            self._clients[hub] = _Clients(client, container, namespace)
        return self._clients[hub]

    def _identity(self) -> "AsyncTokenCredential":
        if self._credential is None:
            self._credential = self._make_credential()
        return self._credential

    def _forget(self, hub: EventHub) -> None:
        """After an error nothing is kept that may be broken, nor a secret that may have changed."""
        clients = self._clients.pop(hub, None)
        if clients is not None:
            self._later(clients.hub.close())
            self._later(clients.container.close())

    def _end(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ended)

    def _later(self, closing: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(closing)
        self._ending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._ending.discard(task)
        if not task.cancelled():
            task.exception()  # asked for, or asyncio complains: how a client ends concerns nobody


async def _see(stamp: str, at: datetime, hub: EventHub, clients: _Clients, progress: _Progress) -> QueueLook:
    """Read the checkpoints, and the hub after them: so no checkpoint is ahead of the hub by chance."""
    written = await read_checkpoints(clients.container, clients.namespace, hub.hub, hub.consumer_group)
    progress.waiting_for = f"event hub {hub.hub}"
    seen = await read_hub(clients.hub, hub.hub)
    partitions: dict[str, PartitionLook] = {}
    for partition, filled in seen.partitions.items():
        mark = written.get(partition, Written())
        partitions[partition] = PartitionLook(
            last_enqueued=filled.last_enqueued,
            last_enqueued_at=filled.last_enqueued_at,
            checkpoint=mark.checkpoint,
            checkpoint_at=mark.checkpoint_at,
            owned_at=mark.owned_at,
            first=filled.first,
        )
    return QueueLook(stamp, at, seen.created_at, partitions, beyond=seen.beyond)


def _why(seeing: asyncio.Task[QueueLook]) -> str:
    """Why it saw nothing; empty if it did. Of what nobody foresaw only the name is told."""
    if seeing.cancelled():
        return "the look was cancelled"
    error = seeing.exception()
    if error is None:
        return ""
    return str(error) if isinstance(error, BlindError) else f"the look failed: {type(error).__name__}"
