"""Has the worker itself what it needs: secrets, an identity, a ledger, an inbox?"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import fields, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cli.checks.frame import Check, NotWellError
from remediation.act.cluster import AKS_SCOPE
from remediation.ledger.codec import UnreadableRecordError
from remediation.ports import Ledger, LedgerUnavailableError
from remediation.settings import LedgerKind, Settings
from remediation.tokens import Bearer, TokenUnavailableError
from remediation.wiring import HUB
from rules.topology import SecretRef, Workload

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient

CONSUMER_GROUP = "remediation"
"""As `function_app` reads the hub."""

STORAGE_SCOPE = "https://storage.azure.com/.default"
HUB_SCOPE = "https://eventhubs.azure.net/.default"

LISTEN_SECONDS = 2.0

LEDGERS = {
    LedgerKind.BLOB: "check its address; give the worker's identity Storage Blob Data Contributor there",
    LedgerKind.SQLITE: "check REMEDIATION_DATA_DIR, and the right to write there",
    LedgerKind.MEMORY: "report it",
}
"""How a ledger is mended."""

_ROLES_OF_HUB = "give the worker's identity Azure Event Hubs Data Sender and Data Receiver on the namespace"


def secrets(workload: Workload, read: Callable[[SecretRef], str | None]) -> Check:
    """Whether every `env:NAME` of a workload has a value."""

    async def run() -> str:
        names = sorted({ref.name for ref in refs_in(workload)})
        unset = [name for name in names if read(SecretRef(name)) is None]
        if unset:
            raise NotWellError(
                f"not set: {', '.join(unset)}", "set them as app settings, best as Key Vault references"
            )
        return f"{len(names)} set" if names else "none are named"

    return Check(f"{workload.name}: secrets", run)


def refs_in(part: Any) -> Iterator[SecretRef]:
    """Every reference to a secret in a part of a workload."""
    if isinstance(part, SecretRef):
        yield part
    elif is_dataclass(part):
        for each in fields(part):
            yield from refs_in(getattr(part, each.name))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from refs_in(value)
    elif isinstance(part, (tuple, list)):
        for value in part:
            yield from refs_in(value)


def identity(settings: Settings, workloads: Collection[Workload], tokens: Bearer) -> list[Check]:
    """Whether Entra ID knows us, for each service of Azure that is reached by identity."""
    wanted = {
        "storage": (STORAGE_SCOPE, _by_url(settings, workloads)),
        "Event Hubs": (HUB_SCOPE, _by_namespace(settings, workloads)),
        "control plane": (f"{settings.arm_url.rstrip('/')}/.default", any(map(_by_arm, workloads))),
        "Log Analytics": (
            f"{settings.logs_url.rstrip('/')}/.default",
            any(stamp.health_query for each in workloads for stamp in each.stamps),
        ),
        "clusters": (AKS_SCOPE, any(not to.token for each in workloads for to in each.deployments)),
    }

    async def run(scope: str) -> str:
        try:
            await tokens.bearer(scope)
        except TokenUnavailableError as error:
            mend = "assign a managed identity to the app (and set its client id), or sign in with `az login`"
            raise NotWellError(f"no token: {error}", mend) from error
        return "a token was given"

    needed = [
        Check(f"identity: {service}", partial(run, scope))
        for service, (scope, is_used) in wanted.items()
        if is_used
    ]
    return needed or [Check("identity", _nobody_asks)]


async def _nobody_asks() -> str:
    return "not needed: nothing here is reached by it"


def _by_url(settings: Settings, workloads: Collection[Workload]) -> bool:
    by_connection = settings.ledger is not LedgerKind.BLOB or settings.ledger_connection is not None
    hubs = [stamp.event_hub for each in workloads for stamp in each.stamps if stamp.event_hub]
    places = [stamp.state_file for each in workloads for stamp in each.stamps]
    stores = [*places, *(hub.checkpoints for hub in hubs)]
    return not by_connection or any(getattr(store, "account_url", None) for store in stores)


def _by_namespace(settings: Settings, workloads: Collection[Workload]) -> bool:
    hubs = [stamp.event_hub for each in workloads for stamp in each.stamps if stamp.event_hub]
    own = settings.hub is None and settings.hub_namespace is not None
    return own or any(hub.namespace is not None for hub in hubs)


def _by_arm(workload: Workload) -> bool:
    asked = workload.stamps_from or workload.health_model or workload.fired_alerts
    return bool(asked) or any(stamp.front_door_origin for stamp in workload.stamps)


def ledger(store: Ledger, settings: Settings, workloads: Collection[str]) -> Check:
    """Whether the ledger is reached, written and read."""
    mend = LEDGERS[settings.ledger]

    async def run() -> str:
        try:
            await store.check()
            stored = [await store.load(name) for name in workloads]
        except LedgerUnavailableError as error:
            raise NotWellError(str(error), mend) from error
        except UnreadableRecordError as error:
            why = "run the version of the worker that wrote it, or put the record aside"
            raise NotWellError(str(error), why) from error
        known = sum(each.version is not None for each in stored)
        return f"{settings.ledger}, written and read; it knows {known} of {len(stored)} workloads"

    return Check("ledger", run, slow=mend)


def inbox(settings: Settings) -> list[Check]:
    """Whether the hub takes events from us, and lets us read them."""
    if settings.hub is None and settings.hub_namespace is None:
        return [Check("inbox", _own_hub)]
    return [
        Check(f"inbox: hub {HUB}", partial(_send, settings), slow=_ROLES_OF_HUB),
        Check(f"inbox: consumer group {CONSUMER_GROUP}", partial(_listen, settings), slow=_ROLES_OF_HUB),
    ]


async def _own_hub() -> str:
    return "no hub is set: `remediation serve` runs one of its own"


async def _send(settings: Settings) -> str:
    """Open the way to the hub, as for sending, and send nothing."""
    from azure.eventhub.exceptions import EventHubError  # noqa: PLC0415 - a tenth of a second

    async with AsyncExitStack() as opened:
        try:
            producer = await opened.enter_async_context(await _producer(settings, opened))
            await producer.create_batch()
            about = await producer.get_eventhub_properties()
        except (EventHubError, ValueError) as error:
            raise NotWellError(_words(error), _ROLES_OF_HUB) from error
        return f"takes events, {len(about['partition_ids'])} partitions"


async def _listen(settings: Settings) -> str:
    """Listen on one partition for a moment. Nothing is checkpointed, and nobody loses anything by it."""
    from azure.eventhub.exceptions import EventHubError  # noqa: PLC0415 - a tenth of a second

    heard: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    async def on_event(_partition: Any, _event: Any) -> None:
        if not heard.done():
            heard.set_result(None)

    async def on_error(_partition: Any, error: Exception) -> None:
        if not heard.done():
            heard.set_result(error)

    async with AsyncExitStack() as opened:
        try:
            consumer = await opened.enter_async_context(await _consumer(settings, opened))
            [first, *_] = await consumer.get_partition_ids()
            listening = asyncio.create_task(
                consumer.receive(
                    on_event,
                    on_error=on_error,
                    partition_id=first,
                    starting_position="@latest",
                    max_wait_time=LISTEN_SECONDS,
                )
            )
            opened.push_async_callback(_end, listening)
            either: list[asyncio.Future[Any]] = [heard, listening]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            error = heard.result() if heard.done() else listening.exception()
        except (EventHubError, ValueError) as failure:
            raise NotWellError(_words(failure), _ROLES_OF_HUB) from failure
        if error is not None and not _is_taken(error):
            mend = f"create the consumer group {CONSUMER_GROUP} on the hub {HUB}; {_ROLES_OF_HUB}"
            raise NotWellError(_words(error), mend)
        return "is read by the worker now" if error else "can be read"


async def _end(listening: "asyncio.Task[None]") -> None:
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


def _is_taken(error: BaseException) -> bool:
    """The worker itself reads there, with an epoch, which keeps us out: all is well."""
    return "epoch" in str(error).lower() or type(error).__name__ == "OwnershipLostError"


async def _producer(settings: Settings, opened: AsyncExitStack) -> "EventHubProducerClient":
    from azure.eventhub.aio import EventHubProducerClient  # noqa: PLC0415 - a tenth of a second

    if settings.hub is not None:
        return EventHubProducerClient.from_connection_string(
            settings.hub.get_secret_value(), eventhub_name=HUB, retry_total=0
        )
    return EventHubProducerClient(
        settings.hub_namespace or "", HUB, await _credential(settings, opened), retry_total=0
    )


async def _consumer(settings: Settings, opened: AsyncExitStack) -> "EventHubConsumerClient":
    from azure.eventhub.aio import EventHubConsumerClient  # noqa: PLC0415 - a tenth of a second

    if settings.hub is not None:
        return EventHubConsumerClient.from_connection_string(
            settings.hub.get_secret_value(), CONSUMER_GROUP, eventhub_name=HUB, retry_total=0
        )
    credential = await _credential(settings, opened)
    return EventHubConsumerClient(
        settings.hub_namespace or "", HUB, CONSUMER_GROUP, credential, retry_total=0
    )


async def _credential(settings: Settings, opened: AsyncExitStack) -> Any:
    from remediation.tokens import default_credential  # noqa: PLC0415 - its SDK is slow

    return await opened.enter_async_context(default_credential(settings.client_id))


def _words(error: BaseException) -> str:
    """The first line: what follows are ids and advice for developers."""
    said = getattr(error, "message", None) or str(error)
    return f"{type(error).__name__}: {str(said).splitlines()[0][:200]}" if said else type(error).__name__
