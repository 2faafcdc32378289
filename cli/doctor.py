"""`remediation doctor`: has the worker all that it needs, and if not, how is that mended?"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from typing import Annotated

import structlog
import typer
from pydantic import ValidationError

from cli.checks import channels, features, found, stamp, worker
from cli.checks.frame import Check, Finding, NotWellError, examine
from cli.out import NO, Json, print_json, say
from local.workload import shop
from remediation.act.http import Door
from remediation.act.secret import from_environment
from remediation.configuration import SystemClock, charges_of, tokens_of
from remediation.decide.plan import Charge
from remediation.engine import Ports
from remediation.ledger.told import Channel
from remediation.observe import Tally
from remediation.probes.rest import Rest
from remediation.probes.stamps import StampGroups
from remediation.settings import LedgerKind, Settings
from remediation.wiring import ports_of, restart_by, sources_by
from rules.problems import FileError
from rules.topology import Workload

Tell = Annotated[bool, typer.Option("--tell", help="Really send a test page and a test notification.")]


def doctor(
    tell: Tell = False,  # noqa: FBT002 - a flag
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Check one by one what the worker needs. Changes nothing; with --tell, people get a test."""
    with _quietly():
        findings = asyncio.run(_all(tell=tell, quiet=json))
    failed = sum(not finding.ok for finding in findings)
    if json:
        print_json({"ok": not failed, "checks": findings})
    elif failed:
        say(f"{failed} of {len(findings)} checks failed", "red")
    if failed:
        raise typer.Exit(NO)


@contextmanager
def _quietly() -> Iterator[None]:
    """What the worker and the SDKs would log about a failure is said by the checks."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)


async def _all(*, tell: bool, quiet: bool) -> list[Finding]:
    findings = []
    async for finding in _findings(tell=tell):
        findings.append(finding)
        if not quiet:
            say(str(finding), "" if finding.ok else "red")
    return findings


async def _findings(*, tell: bool) -> AsyncIterator[Finding]:
    """What comes of each check. Where the configuration cannot be read, the rest is checked without it."""
    try:
        settings = Settings()
    except ValidationError as error:
        said = [f"REMEDIATION_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        yield Finding("settings", False, "; ".join(said), "`remediation schema settings` lists them")  # noqa: FBT003
        return
    if settings.workloads is None:
        settings = settings.model_copy(update={"workloads": shop.FILE})
    charges, configuration = _configuration(settings)
    async for finding in examine([configuration]):
        yield finding
    async with AsyncExitStack() as opened:
        async for finding in examine(await _checks(settings, charges, opened, tell=tell)):
            yield finding


def _configuration(settings: Settings) -> tuple[Mapping[str, Charge], Check]:
    """The charges; none, and why, where the files cannot be read."""
    charges: Mapping[str, Charge] = {}
    why = ""
    try:
        charges = charges_of(settings)
    except FileError as error:
        why = "; ".join(str(error).splitlines())
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
    named = ", ".join(f"{name} ({each.workload.mode})" for name, each in sorted(charges.items()))

    async def said() -> str:
        if why:
            raise NotWellError(why, "`remediation check` lists every problem with its place")
        return f"workloads: {named}"

    return charges, Check("configuration", said)


async def _checks(
    settings: Settings, charges: Mapping[str, Charge], opened: AsyncExitStack, *, tell: bool
) -> list[Check]:
    """All checks but that of the configuration, in the order in which they are told."""
    charges, checks = await _with_found(settings, charges, opened)
    workloads = [charge.workload for charge in charges.values()]
    ports, broken = _ports(settings, charges, opened)
    clock = ports.clock
    tokens = tokens_of(settings, clock)
    opened.push_async_callback(tokens.close)
    door = Door(clock)
    restart, sources = restart_by(door, tokens, clock), sources_by(settings, ports, opened)
    for opens in (door, restart):
        opened.push_async_callback(opens.close)
    checks += worker.identity(settings, workloads, tokens)
    checks += [broken] if broken else [worker.ledger(ports.ledger, settings, list(charges))]
    checks += worker.inbox(settings)
    for workload in workloads:
        checks.append(worker.secrets(workload, from_environment))
        checks += _of_stamps(settings, workload, ports, opened)
        checks.append(stamp.front_door(workload, ports.health_services))
        checks += [features.source(each, clock) for each in sources(workload)]
        checks += [features.deployment(workload, each, restart) for each in workload.deployments]
        checks += [features.webhook(workload, each, from_environment) for each in workload.webhooks]
        checks += _of_channels(workload, ports, tell=tell)
    return checks


async def _with_found(
    settings: Settings, charges: Mapping[str, Charge], opened: AsyncExitStack
) -> tuple[dict[str, Charge], list[Check]]:
    """The charges with the stamps that are there now, and what there is to say of these."""
    clock = SystemClock()
    door, tokens = Door(clock), tokens_of(settings, clock)
    for each in (door, tokens):
        opened.push_async_callback(each.close)
    groups = StampGroups(Rest(door.send, tokens, url=settings.arm_url), clock, Tally())
    sought = await asyncio.gather(*(found.seek(charge.workload, groups) for charge in charges.values()))
    return (
        {
            name: replace(charge, workload=workload)
            for (name, charge), (workload, _) in zip(charges.items(), sought, strict=True)
        },
        [check for _, checks in sought for check in checks],
    )


def _ports(
    settings: Settings, charges: Mapping[str, Charge], opened: AsyncExitStack
) -> tuple[Ports, Check | None]:
    """The outside world; where the ledger cannot even be addressed, without it, and why."""
    try:
        return ports_of(settings, charges, opened), None
    except (ValueError, OSError) as error:
        why = f"it cannot be opened ({type(error).__name__})"
    without = settings.model_copy(update={"ledger": LedgerKind.MEMORY})

    async def said() -> str:
        raise NotWellError(why, worker.LEDGERS[settings.ledger])

    return ports_of(without, charges, opened), Check("ledger", said)


def _of_stamps(
    settings: Settings, workload: Workload, ports: Ports, opened: AsyncExitStack
) -> Sequence[Check]:
    accounts = stamp.Accounts(from_environment, settings.client_id)
    opened.push_async_callback(accounts.close)
    checks = []
    for each in workload.stamps:
        checks.append(stamp.health_service(workload, each, ports.health_services))
        checks.append(stamp.state_file(workload, each, ports.lever, accounts))
        if each.front_door_origin is not None and ports.origin is not None:
            checks.append(stamp.origin(workload, each, ports.origin))
        if each.event_hub is not None and ports.queues is not None:
            checks.append(stamp.queue(workload, each, ports.queues))
    return checks


def _of_channels(workload: Workload, ports: Ports, *, tell: bool) -> Sequence[Check]:
    checks = [channels.pager(workload, from_environment), channels.teams(workload, from_environment)]
    now = ports.clock.now()
    if tell and workload.channels.pagerduty is not None:
        checks.append(channels.told(workload, ports.pager, Channel.PAGE, now))
    if tell and workload.channels.teams is not None:
        checks.append(channels.told(workload, ports.notifier, Channel.NOTIFY, now))
    return checks
