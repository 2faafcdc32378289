"""Where do the adapters meet the ports? Here, and nowhere else."""

import gc
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import cache
from typing import TYPE_CHECKING

from pydantic import ValidationError

from remediation.act.arm import Arm
from remediation.act.cluster import Clusters
from remediation.act.front_door import FrontDoorLever
from remediation.act.http import Door
from remediation.act.log import LogTeller
from remediation.act.page import PagerDutyTeller
from remediation.act.restart import Restart
from remediation.act.secret import from_environment
from remediation.act.state_file import StateFileLever
from remediation.act.steps import NamedSteps
from remediation.act.teams import TeamsTeller
from remediation.act.webhook import StepWebhook
from remediation.asking import Asking
from remediation.charges import Charges, InForce
from remediation.configuration import (
    SystemClock,
    charges_after_all,
    charges_in_force,
    memory_of,
    readable,
    tokens_of,
)
from remediation.decide.plan import Charge
from remediation.desk import Desk
from remediation.engine import Engine, Ports
from remediation.inbox import HubInbox
from remediation.intake.subject import Known
from remediation.misconfigured import Beginning, Misconfigured
from remediation.observe import configure
from remediation.ports import Clock, Ledger
from remediation.probes import fired_alerts, health_model, health_score
from remediation.probes.consumer_lag import ConsumerLag
from remediation.probes.healthservice import HttpHealthServices
from remediation.probes.rest import Rest
from remediation.probes.rounds import Rounds, Source
from remediation.settings import LedgerKind, Settings
from remediation.tokens import Bearer, default_credential
from remediation.views import View, Views
from remediation.waiting import Alarm, Waiting
from remediation.worker import Parts, Worker
from rules.problems import FileError
from rules.topology import Stamp, Workload

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubProducerClient
    from azure.identity.aio import DefaultAzureCredential

HUB = "signals"

LOOK_WITHIN_SECONDS = 5.0
"""No look may take longer, whatever a workload's `probe_timeout` says: it would be too old to act upon."""


_open = AsyncExitStack()
"""What this process has opened, to be closed at its end."""


@cache
def worker() -> Worker | Misconfigured:
    """The worker of this process, built at its first use.

    A configuration that cannot be read must not keep the host from finding the
    functions: the worker then answers so that nothing is lost, and says why.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        return Misconfigured(str(error))
    configure(json=settings.logs_json, level=settings.log_level)
    begun = begin(settings, _open)
    calm_the_collector()
    return begun


def begin(settings: Settings, opened: AsyncExitStack) -> Worker | Misconfigured:
    """The worker by the files that are there; if these are bad, what stands in until there can be one."""
    try:
        return build(settings, charges_in_force(settings, opened), opened)
    except (FileError, OSError, UnicodeError) as error:
        return Misconfigured(str(error), _beginning(settings, opened))


def _beginning(settings: Settings, opened: AsyncExitStack) -> Beginning:
    """How a worker whose files are bad comes to work after all, and who is told until then."""
    clock = SystemClock()
    door = Door(clock)
    opened.push_async_callback(door.close)
    pager = PagerDutyTeller(door, from_environment, otherwise=LogTeller())
    alarm = Alarm(pager, clock, memory_of(settings, opened))

    async def after_all() -> Worker:
        async with AsyncExitStack() as attempt:
            built = build(settings, await charges_after_all(settings, attempt), attempt)
            opened.push_async_callback(attempt.pop_all().aclose)
        return built

    async def tell(reason: str) -> None:
        await alarm.tell([(workload, reason) for workload in readable(settings)])

    return Beginning(clock, after_all, tell)


def calm_the_collector() -> None:
    """Let the garbage collector run seldom, and not over what stays for good.

    Signals hold no cycles, and reading a batch makes thousands of them: with Python's own
    thresholds a third of the time goes into looking through them for garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def close() -> None:
    """Give up the connections of this process's worker, if it was built."""
    await _open.aclose()
    worker.cache_clear()


def build(settings: Settings, charges: Charges, opened: AsyncExitStack) -> Worker:
    """The worker with its real adapters, which close with `opened`. Connections are made when needed."""
    in_force = InForce(charges)
    ports = ports_of(settings, in_force, opened)
    inbox = HubInbox(_producer(settings, opened))
    opened.push_async_callback(inbox.close)
    ask = _asks(settings, ports, opened)

    def view() -> View:
        workloads = {name: charge.workload for name, charge in in_force.items()}
        return View(Known(workloads), Asking(ask(workloads), ports.ledger, ports.clock, ports.tally))

    return Worker(
        Parts(
            views=Views(charges, view),
            engine=Engine(in_force, ports, worker_id(), problem=lambda: charges.problem or ""),
            inbox=inbox,
            ledger=ports.ledger,
            clock=ports.clock,
            tally=ports.tally,
            desk=Desk(in_force, ports, charges),
            waiting=Waiting(charges, Alarm(ports.pager, ports.clock, memory_of(settings, opened))),
        )
    )


def ports_of(settings: Settings, charges: Mapping[str, Charge], opened: AsyncExitStack) -> Ports:
    """The outside world, for the worker and for commands; everything closes with `opened`."""
    clock, log = SystemClock(), LogTeller()

    def front_door_id(stamp: Stamp) -> str | None:
        owners = (each.workload for each in charges.values() if stamp in each.workload.stamps)
        return next((owner.front_door_id for owner in owners), None)

    door = Door(clock)
    tokens = tokens_of(settings, clock)
    lever = StateFileLever(
        from_environment, client_id=settings.client_id, timeout_seconds=LOOK_WITHIN_SECONDS
    )
    queues = ConsumerLag(from_environment, lambda: default_credential(settings.client_id), clock)
    steps = NamedSteps(restart_by(door, tokens, clock), StepWebhook(door, from_environment, clock))
    for each in (door, tokens, lever, queues, steps):
        opened.push_async_callback(each.close)
    return Ports(
        clock=clock,
        ledger=ledger_of(settings, opened),
        lever=lever,
        origin=FrontDoorLever(
            Arm(door, tokens, url=settings.arm_url, scope=f"{settings.arm_url.rstrip('/')}/.default")
        ),
        health_services=HttpHealthServices(
            door.get, clock, front_door_id, timeout_seconds=LOOK_WITHIN_SECONDS
        ),
        queues=queues,
        steps=steps,
        pager=PagerDutyTeller(door, from_environment, otherwise=log),
        notifier=TeamsTeller(door, from_environment, otherwise=log),
    )


def restart_by(door: Door, tokens: Bearer, clock: Clock) -> Restart:
    """What restarts deployments."""
    return Restart(Clusters(door, from_environment, tokens, trusting=lambda tls: Door(clock, tls)))


def _asks(
    settings: Settings, ports: Ports, opened: AsyncExitStack
) -> Callable[[Mapping[str, Workload]], Rounds]:
    """Makes the rounds over the sources that must be asked; most workloads have none."""
    sources = sources_by(settings, ports, opened)
    return lambda workloads: Rounds(
        {name: sources(workload) for name, workload in workloads.items()}, ports.clock, ports.tally
    )


def sources_by(
    settings: Settings, ports: Ports, opened: AsyncExitStack
) -> Callable[[Workload], list[Source]]:
    """Makes the sources that must be asked about a workload."""
    door, tokens = Door(ports.clock), tokens_of(settings, ports.clock)
    for each in (door, tokens):
        opened.push_async_callback(each.close)
    arm = Rest(door.send, tokens, url=settings.arm_url)
    logs = Rest(door.send, tokens, url=settings.logs_url)

    def sources(workload: Workload) -> list[Source]:
        return [
            *health_score.sources(logs, workload),
            *health_model.sources(arm, workload),
            *fired_alerts.sources(arm, ports.tally, workload),
        ]

    return sources


def worker_id() -> str:
    """Names this process in leases; no two processes share it, not even after a restart."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def ledger_of(settings: Settings, opened: AsyncExitStack) -> Ledger:
    """The ledger that the settings ask for, which closes with `opened`."""
    ledger = _ledger(settings, opened)
    opened.push_async_callback(ledger.close)
    return ledger


def _ledger(settings: Settings, opened: AsyncExitStack) -> Ledger:
    match settings.ledger:
        case LedgerKind.SQLITE:
            from remediation.ledger.sqlite import SqliteLedger  # noqa: PLC0415 - only one of the three is needed

            settings.data_dir.mkdir(parents=True, exist_ok=True)
            return SqliteLedger(settings.data_dir / "ledger.db")
        case LedgerKind.BLOB:
            from remediation.ledger.blob import BlobLedger  # noqa: PLC0415 - its SDK takes a third of a second

            if settings.ledger_connection is not None:
                return BlobLedger(settings.ledger_connection.get_secret_value(), settings.ledger_container)
            url, container = settings.ledger_account_url or "", settings.ledger_container
            return BlobLedger(url, container, _credential(settings, opened))
        case LedgerKind.MEMORY:
            from remediation.ledger.memory import MemoryLedger  # noqa: PLC0415 - only one of the three is needed

            return MemoryLedger()


def _credential(settings: Settings, opened: AsyncExitStack) -> "DefaultAzureCredential":
    """The worker's identity in Azure, to be closed at the end of the process."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - slow, and often not needed

    credential = DefaultAzureCredential(managed_identity_client_id=settings.client_id)
    opened.push_async_callback(credential.close)
    return credential


def _producer(settings: Settings, opened: AsyncExitStack) -> "Callable[[], EventHubProducerClient]":
    def connect() -> "EventHubProducerClient":
        from azure.eventhub.aio import EventHubProducerClient  # noqa: PLC0415 - a tenth of a second, for webhooks alone

        if settings.hub is not None:
            return EventHubProducerClient.from_connection_string(
                settings.hub.get_secret_value(), eventhub_name=HUB, retry_total=1
            )
        return EventHubProducerClient(
            fully_qualified_namespace=settings.hub_namespace or "",
            eventhub_name=HUB,
            credential=_credential(settings, opened),
            retry_total=1,
        )

    return connect
