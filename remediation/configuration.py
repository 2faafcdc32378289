"""Where does the configuration come from: files, the environment, and who we are to Azure?

What a worker and a command both need before there is anything to wire together.
"""

import errno
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from remediation.act.http import Door
from remediation.charges import Charges, Texts
from remediation.charges import charges_of as charges_of_texts
from remediation.decide.plan import Charge
from remediation.ledger.remembered import RememberedInBlobs, RememberedInFolder
from remediation.observe import Tally
from remediation.ports import Clock
from remediation.probes.rest import Rest
from remediation.probes.stamps import Memory, StampGroups
from remediation.settings import LedgerKind, Settings
from remediation.tokens import StaticTokens, Tokens, default_credential
from rules.load import load_catalog, load_rules, load_workload
from rules.rule import Rule
from rules.topology import FolderContainer, FolderStateFile, Stamp, Workload

MEMORY_WITHIN_SECONDS = 5.0


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The moment, aware UTC."""
        return datetime.now(UTC)


def tokens_of(settings: Settings, clock: Clock) -> Tokens | StaticTokens:
    """Who we are to Azure, or to what stands in its place on this machine."""
    if settings.static_token is not None:
        return StaticTokens(settings.static_token.get_secret_value())
    return Tokens(lambda: default_credential(settings.client_id), clock)


def charges_in_force(settings: Settings, opened: AsyncExitStack) -> Charges:
    """The charges of a worker that runs: files are read again when they change, and stamps come and go.

    Raises:
        FileError: a workload or rule file cannot be read; it names every problem.
        OSError: a file cannot be opened.
    """
    clock, tally = SystemClock(), Tally()
    door, tokens = Door(clock), tokens_of(settings, clock)
    for each in (door, tokens):
        opened.push_async_callback(each.close)
    memory = _memory(settings, opened)
    groups = StampGroups(Rest(door.send, tokens, url=settings.arm_url), clock, tally, memory)
    return Charges(lambda: _texts_of(settings), clock, tally, groups, place=placing(settings))


async def charges_now(settings: Settings, opened: AsyncExitStack) -> Mapping[str, Charge]:
    """The charges with the stamps that are there now, for a command that a person gives.

    Raises:
        FileError: a workload or rule file cannot be read; it names every problem.
        OSError: a file cannot be opened.
    """
    charges = charges_in_force(settings, opened)
    await charges.refresh()
    return charges.current()


def _memory(settings: Settings, opened: AsyncExitStack) -> Memory:
    """Where the stamps that were found outlive the process: beside the ledger."""
    if settings.ledger is not LedgerKind.BLOB:
        return RememberedInFolder(settings.data_dir)
    from remediation.ledger.container import Container  # noqa: PLC0415 - its SDK takes a third of a second

    if settings.ledger_connection is not None:
        account, credential = settings.ledger_connection.get_secret_value(), None
    else:
        account, credential = settings.ledger_account_url or "", default_credential(settings.client_id)
        opened.push_async_callback(credential.close)
    container = Container(
        account, settings.ledger_container, credential, deadline=timedelta(seconds=MEMORY_WITHIN_SECONDS)
    )
    opened.push_async_callback(container.close)
    return RememberedInBlobs(container)


def charges_of(settings: Settings) -> dict[str, Charge]:
    """The workloads in this worker's charge as their files say, by name, each with its rules.

    Raises:
        FileError: a workload or rule file cannot be read; it names every problem.
        OSError: a file cannot be opened.
    """
    return charges_of_texts(_texts_of(settings), placing(settings))


def _texts_of(settings: Settings) -> Texts:
    return Texts(
        _texts(settings.workloads) if settings.workloads else {},
        _texts(settings.rules) if settings.rules else {},
    )


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """The rules: the user's, else the shipped catalogue."""
    return load_rules(_texts(settings.rules)) if settings.rules else load_catalog()


def workloads_of(settings: Settings) -> dict[str, Workload]:
    """The workloads, by name. Folders are relative to the data folder."""
    texts = _texts(settings.workloads) if settings.workloads else {}
    place = placing(settings)
    loaded = [load_workload(text, name) for name, text in texts.items()]
    placed = [replace(each, stamps=tuple(place(stamp) for stamp in each.stamps)) for each in loaded]
    return {workload.name: workload for workload in placed}


def placing(settings: Settings) -> Callable[[Stamp], Stamp]:
    """Puts the folders of a stamp into the data folder, unless they are absolute."""
    folder = settings.data_dir.absolute()

    def placed(stamp: Stamp) -> Stamp:
        address, hub = stamp.state_file, stamp.event_hub
        if isinstance(address, FolderStateFile):
            stamp = replace(stamp, state_file=FolderStateFile(folder / address.path))
        if hub is not None and isinstance(hub.checkpoints, FolderContainer):
            checkpoints = FolderContainer(folder / hub.checkpoints.path)
            stamp = replace(stamp, event_hub=replace(hub, checkpoints=checkpoints))
        return stamp

    return placed


def _texts(path: Path) -> dict[str, str]:
    """A file, or every YAML file of a folder: its name and its text."""
    files = sorted(path.glob("*.y*ml")) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(errno.ENOENT, "no YAML file in this folder", str(path))
    return {str(file): file.read_text(encoding="utf-8") for file in files}
