"""How does a command give an order: show what it would do, ask, and write it down?

Shared by the commands by which people order something, so that each of them
says the same in the same way.
"""

import asyncio
import getpass
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import structlog
import typer
from pydantic_core import PydanticCustomError

from cli.config import settings, workloads
from cli.out import NO, fail, print_json, say
from remediation.configuration import charges_now
from remediation.decide.orders import Answer, Order, WrongOrderError
from remediation.desk import Desk, Given
from remediation.engine.book import HotRecordError
from remediation.ledger.codec import UnreadableRecordError, UnstorableRecordError
from remediation.ports import LedgerUnavailableError
from remediation.settings import LedgerKind, Settings
from remediation.wiring import ports_of
from rules.fields import parse_duration
from rules.problems import FileError

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why. It goes into the journal.")]
MaybeReason = Annotated[str, typer.Option("--reason", "-r", help="Why, if there is more to say.")]
Author = Annotated[str | None, typer.Option(help="Who orders it. Default: the name of this machine's user.")]
In = Annotated[
    str | None, typer.Option("--workload", "-w", help="The workload. May be left out where there is one.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
For = Annotated[str | None, typer.Option("--for", help="For how long: 45m, 2h, 1d.")]
Until = Annotated[datetime | None, typer.Option(help="Until when, UTC.")]

T = TypeVar("T")


def author_of(given: str | None) -> str:
    """Who orders it; never nobody."""
    try:
        return given if given is not None else getpass.getuser()
    except (OSError, KeyError):
        fail("who are you? this machine knows no name for you; say --author NAME")


def end_of(duration: str | None, until: datetime | None) -> datetime | None:
    """When an order ends; None where it has no end."""
    if duration is not None and until is not None:
        fail("either --for or --until, not both")
    if duration is not None:
        return datetime.now(UTC) + _duration(duration)
    return until.replace(tzinfo=UTC) if until else None


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except PydanticCustomError:
        fail(f"--for {text}: expected a duration such as 45m, 2h or 1d")


def give(workload: str | None, order: Order, *, yes: bool, json: bool) -> None:
    """Show what the order would do, ask, follow it, and print the decision's id.

    With `json` and without `yes` nothing is asked, and nothing is done: it shows
    what would be. Ends the command with 1 where the answer is no.
    """
    found = settings()
    name = _chosen(found, workload)
    if not (json and yes):
        answer = _at_the_desk(found, lambda desk: desk.preview(name, order))
        if json:
            print_json({**Given(answer).content(), "done": False})
            _end_unless(answer)
            return
        _show(name, answer)
        _end_unless(answer)
        if not yes and typer.prompt("Type yes to go on", default="", show_default=False) != "yes":
            fail("nothing was done", NO)
    _write(found, name, order, json=json)


def _write(found: Settings, name: str, order: Order, *, json: bool) -> None:
    given = _at_the_desk(found, lambda desk: desk.give(name, order))
    if json:
        print_json({**given.content(), "done": given.answer.follows})
    elif given.answer.follows:
        said = f"approval asked for: {given.answer.approval}" if given.answer.approval else "done"
        say(f"{said}; decision {given.decision}", "green")
    else:
        say("it has changed in the meantime:", "yellow")
        _show(name, given.answer)
    _end_unless(given.answer)


def _end_unless(answer: Answer) -> None:
    if not answer.follows:
        raise typer.Exit(NO)


def _chosen(found: Settings, name: str | None) -> str:
    known = workloads(found)
    if name is None and len(known) == 1:
        return next(iter(known))
    if name not in known:
        fail(f"which workload? there are: {', '.join(sorted(known)) or 'none'}")
    return name


def _at_the_desk(found: Settings, ask: Callable[[Desk], Awaitable[T]]) -> T:
    """Ask the desk; end the command with the reason where it cannot answer."""
    if found.ledger is LedgerKind.SQLITE and not (found.data_dir / "ledger.db").exists():
        # An order to a ledger that no worker reads would be heeded by nobody.
        fail(
            f"there is no ledger in {found.data_dir}; has the worker run with this REMEDIATION_DATA_DIR?", NO
        )

    async def asked() -> T:
        async with AsyncExitStack() as opened:
            charges = await charges_now(found, opened)
            in_force = charges.current()
            return await ask(Desk(in_force, ports_of(found, in_force, opened), charges))

    try:
        with _quietly():
            return asyncio.run(asked())
    except (WrongOrderError, FileError) as error:
        fail(str(error))
    except (LedgerUnavailableError, UnreadableRecordError, UnstorableRecordError, HotRecordError) as error:
        fail(f"the ledger cannot be used: {error}", NO)


@contextmanager
def _quietly() -> Iterator[None]:
    """Log nothing but errors, and those to standard error: standard output is for the answer."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def _show(name: str, answer: Answer) -> None:
    would = "" if answer.follows else "would be: "
    for line in answer.does:
        say(f"{name}: {would}{line}", "bold")
    for asked in answer.asked:
        said = f"HOLDS   {asked.name}: {asked.hold.reason}" if asked.hold else f"passes  {asked.name}"
        say(f"  {said}", "yellow" if asked.hold else "")
    for warning in answer.warnings:
        say(f"  warning: {warning}", "yellow")
    if answer.refused:
        say(f"refused: {answer.refused}", "red")
