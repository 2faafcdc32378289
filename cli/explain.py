"""`remediation explain`: why did the worker do that, and why not the other thing?"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.config import settings, workloads
from cli.out import NO, Json, fail, print_json, say
from remediation.configuration import memory_of, placing
from remediation.explain import Orders, Standing, decisions, heard, is_known, orders, stamps_of, standing
from remediation.explain import decision as decision_of
from remediation.ledger.codec import UnreadableRecordError
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ports import Ledger, LedgerUnavailableError
from remediation.probes.stamps import recalled
from remediation.settings import LedgerKind, Settings
from remediation.wiring import ledger_of
from rules.discovered import with_found
from rules.topology import Workload


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked for."""

    stamp: str | None
    revision: int | None
    until: datetime | None
    most: int

    @property
    def about_now(self) -> bool:
        """Whether what stands now is part of the answer; to who asks for the past it would be misleading."""
        return self.revision is None and self.until is None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is printed."""

    workload: str
    revision: int
    orders: Orders | None
    standing: tuple[Standing, ...]
    decisions: list[JournalEntry]


def explain(  # noqa: PLR0913, PLR0917 - each is an option of the command
    workload: Annotated[
        str | None, typer.Argument(help="The workload. May be left out where there is one.")
    ] = None,
    stamp: Annotated[
        str | None, typer.Option(help="Only what concerns this stamp, which may be gone by now.")
    ] = None,
    decision: Annotated[str | None, typer.Option(help="Only the decision of this id, however old.")] = None,
    at: Annotated[datetime | None, typer.Option(help="Only decisions up to this moment, UTC.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many decisions, at most.")] = 20,
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Print what stands for each stamp, why nothing more is done, and the last decisions.

    With --at or --decision: the past alone, and not what stands now.
    """
    found = settings()
    named, revision = _revision(decision) if decision is not None else (workload, None)
    if workload is not None and named != workload:
        fail(f"{decision} is a decision about {named}, not about {workload}")
    chosen = _chosen(workloads(found), named)
    _there_is_a_ledger(found)
    # Times are printed to the second, so that all of it belongs to the moment.
    until = at.replace(tzinfo=UTC) + timedelta(seconds=1, microseconds=-1) if at else None
    answer = asyncio.run(_read(found, chosen, _Question(stamp, revision, until, last)))
    if json:
        print_json(asdict(answer))
    else:
        _show(answer, whole=decision is not None)
    if decision is not None and not answer.decisions:
        raise typer.Exit(NO)


def _revision(decision: str) -> tuple[str, int]:
    """The workload and the revision that the id of a decision names."""
    name, _, revision = decision.rpartition("/")
    if not name or not (revision.isascii() and revision.isdigit()):
        fail(f"{decision} is no id of a decision; they look like shop/0000000042")
    return name, int(revision)


def _show(answer: _Answer, *, whole: bool) -> None:
    if answer.orders is not None:
        _show_orders(answer.orders)
    for each in answer.standing:
        _show_standing(each)
    for entry in answer.decisions:
        _show_decision(entry, whole=whole)
    if not answer.decisions:
        say("no decision is in the journal for this")


def _there_is_a_ledger(found: Settings) -> None:
    """Reading must not make an empty ledger where there is none."""
    if found.ledger is LedgerKind.SQLITE and not (found.data_dir / "ledger.db").exists():
        fail(
            f"there is no ledger in {found.data_dir}; has the worker run with this REMEDIATION_DATA_DIR?",
            NO,
        )


def _chosen(found: dict[str, Workload], name: str | None) -> Workload:
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        fail(f"which workload? there are: {', '.join(sorted(found)) or 'none'}")
    return found[str(name)]


async def _read(found: Settings, chosen: Workload, asked: _Question) -> _Answer:
    async with AsyncExitStack() as opened:
        ledger = ledger_of(found, opened)
        try:
            record = (await ledger.load(chosen.name)).record
            there = (await _as_last_known(found, chosen, opened)).stamp_names
            names = await _names(ledger, record, there, asked.stamp)
            past = await _decisions(ledger, record, asked)
            marker = await ledger.marker(chosen.name) if asked.about_now else None
        except (LedgerUnavailableError, UnreadableRecordError) as error:
            fail(f"the ledger cannot be read: {error}", NO)
    if not asked.about_now:
        return _Answer(chosen.name, record.revision, None, (), past)
    now = datetime.now(UTC)
    stands = standing(record, (None, *names), now, there)
    return _Answer(chosen.name, record.revision, orders(record, marker, now), stands, past)


async def _as_last_known(found: Settings, workload: Workload, opened: AsyncExitStack) -> Workload:
    """The workload with the stamps that were there when Azure was last asked; nobody is asked now."""
    if workload.stamps_from is None:
        return workload
    groups = await recalled(memory_of(found, opened), workload.name, workload.stamps_from)
    return with_found(workload, groups or (), place=placing(found)).workload


async def _names(
    ledger: Ledger, record: WorkloadRecord, there: Sequence[str], wanted: str | None
) -> tuple[str, ...]:
    """The stamps to tell of: those that are there or stand in the record; of the past, the one asked for."""
    known = tuple(dict.fromkeys((*there, *stamps_of(record))))
    if wanted is None:
        return known
    if wanted not in known and not await is_known(ledger, record, wanted):
        fail(
            f"{record.workload} has no stamp {wanted}, and the journal knows none; it has {', '.join(known)}"
        )
    return (wanted,)


async def _decisions(ledger: Ledger, record: WorkloadRecord, asked: _Question) -> list[JournalEntry]:
    if asked.revision is None:
        return await decisions(ledger, record, asked.stamp, most=asked.most, until=asked.until)
    entry = await decision_of(ledger, record, asked.revision)
    return [entry] if entry is not None else []


def _show_orders(given: Orders) -> None:
    for label, lines in (
        ("HOLD", given.holds),
        ("silence", given.silences),
        ("approval", given.approvals),
    ):
        for line in lines:
            say(f"{label:<9} {line}", "yellow")


def _show_standing(standing: Standing) -> None:
    say(f"{standing.stamp}: {standing.state}", "bold")
    if standing.seen:
        say(f"  seen      {standing.seen}")
    for label, lines in (
        ("signal", standing.signals),
        ("finding", standing.findings),
        ("step", standing.intents),
        ("incident", standing.incidents),
    ):
        for line in lines:
            say(f"  {label:<9} {line}")
    for held in standing.held:
        say(f"  held      {held.verb} by {held.guardrail}: {held.reason}", "yellow")


def _show_decision(entry: JournalEntry, *, whole: bool) -> None:
    say(f"\n{entry.at:%Y-%m-%d %H:%M:%S}  {entry.id}  ({entry.cause})", "bold")
    for said in heard(entry) or entry.signals:
        say(f"  signal    {said}")
    for rule, stamp, answer, reason in entry.verdicts:
        say(f"  rule      {rule} for {stamp}: {answer}: {reason}")
    for rule, stamp, scope, reason in entry.scopes:
        say(f"  scope     {rule} for {stamp}: {scope}: {reason}")
    for verb, stamp, rule, passed in entry.passed:
        # In a list of decisions a line for each step, lest what was done is lost among what passed.
        for line in passed.splitlines() if whole else ["; ".join(passed.splitlines())]:
            say(f"  passed    {' '.join(filter(None, (verb, stamp)))} by {rule}: {line}")
    for event in entry.events:
        say(f"  happened  {event}")
    for held in entry.held:
        say(f"  held      {held.verb} {held.stamp} by {held.guardrail}: {held.reason}", "yellow")
