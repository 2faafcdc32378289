"""Where does the configuration come from: files, the environment, and who we are to Azure?

What a worker and a command both need before there is anything to wire together.
"""

import errno
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from remediation.act.http import Door
from remediation.charges import Charges
from remediation.decide.plan import Charge
from remediation.last_good import LastGood
from remediation.ledger.remembered import RememberedInBlobs, RememberedInFolder
from remediation.observe import Tally
from remediation.ports import Clock
from remediation.probes.rest import Rest
from remediation.probes.stamps import Memory, StampGroups
from remediation.settings import LedgerKind, Settings
from remediation.texts import Texts, words_of
from remediation.texts import charges_of as charges_of_texts
from remediation.tokens import StaticTokens, Tokens, default_credential
from rules.load import load_catalog, load_rules, load_workload
from rules.problems import FileError
from rules.readable import people_of
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

    What is in force is kept, for a start at which the files are bad.

    Raises:
        FileError: a workload or rule file cannot be read; it names every problem.
        OSError, UnicodeError: a file cannot be opened, or is no text.
    """
    memory = memory_of(settings, opened)
    return _charges(settings, opened, memory, keep=_last_good(settings, memory).keep)


async def charges_after_all(settings: Settings, opened: AsyncExitStack) -> Charges:
    """The charges by the files as they are; if these are bad, by those that were in force last.

    Raises:
        FileError, OSError, UnicodeError: they are bad, and no others are known.
    """
    memory = memory_of(settings, opened)
    last = _last_good(settings, memory)
    try:
        return _charges(settings, opened, memory, keep=last.keep)
    except (FileError, OSError, UnicodeError) as error:
        kept = await last.recall()
        if kept is None:
            raise
        try:
            return _charges(settings, opened, memory, keep=last.keep, instead=(kept, words_of(error)))
        except FileError:
            raise error from None  # what was good for another version of the worker may be bad for this one


async def charges_now(settings: Settings, opened: AsyncExitStack) -> Charges:
    """The charges with the stamps that are there now, for a command that a person gives.

    Raises:
        FileError: a workload or rule file cannot be read; it names every problem.
        OSError: a file cannot be opened.
    """
    charges = _charges(settings, opened, memory_of(settings, opened))
    await charges.refresh()
    return charges


def readable(settings: Settings) -> list[Workload]:
    """The workloads whose people can be told, by as much as can be read of bad files; without stamps."""
    files = _files(settings.workloads) if settings.workloads else []
    found = []
    for file in files:
        try:
            found.append(people_of(file.read_bytes(), str(file)))
        except OSError:
            continue
    return list({each.name: each for each in found if each is not None}.values())


def _charges(
    settings: Settings,
    opened: AsyncExitStack,
    memory: Memory,
    *,
    keep: Callable[[Texts], Awaitable[None]] | None = None,
    instead: tuple[Texts, str] | None = None,
) -> Charges:
    clock, tally = SystemClock(), Tally()
    door, tokens = Door(clock), tokens_of(settings, clock)
    for each in (door, tokens):
        opened.push_async_callback(each.close)
    groups = StampGroups(Rest(door.send, tokens, url=settings.arm_url), clock, tally, memory)
    return Charges(
        lambda: _texts_of(settings),
        clock,
        tally,
        groups,
        place=placing(settings),
        keep=keep,
        instead=instead,
    )


def _last_good(settings: Settings, memory: Memory) -> LastGood:
    """By what tells a worker's files from those of another one with the same ledger."""
    return LastGood(memory, f"{settings.workloads}|{settings.rules}|{settings.hub_namespace}")


def memory_of(settings: Settings, opened: AsyncExitStack) -> Memory:
    """Where outlives the process what the next one should know at its start: beside the ledger."""
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
    files = _files(path)
    if not files:
        raise FileNotFoundError(errno.ENOENT, "no YAML file in this folder", str(path))
    return {str(file): file.read_text(encoding="utf-8") for file in files}


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.y*ml")) if path.is_dir() else [path]
