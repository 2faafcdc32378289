"""`remediation explain`: why did the worker do that, and why not the other thing?"""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.config import settings, workloads
from cli.out import NO, Json, fail, print_json, say
from remediation.explain import Explanation, Standing
from remediation.explain import explain as explained
from remediation.ledger.codec import UnreadableRecordError
from remediation.ledger.record import JournalEntry
from remediation.ports import LedgerUnavailableError
from remediation.settings import LedgerKind, Settings
from remediation.wiring import ledger_of
from rules.topology import Workload


def explain(  # noqa: PLR0913, PLR0917 - each is an option of the command
    workload: Annotated[
        str | None, typer.Argument(help="The workload. May be left out where there is one.")
    ] = None,
    stamp: Annotated[str | None, typer.Option(help="Only what concerns this stamp.")] = None,
    decision: Annotated[str | None, typer.Option(help="Only the decision of this id.")] = None,
    at: Annotated[datetime | None, typer.Option(help="Only decisions up to this moment, UTC.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many decisions, at most.")] = 20,
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Print what stands for each stamp, why nothing more is done, and the last decisions."""
    found = settings()
    chosen = _chosen(workloads(found), workload)
    _there_is_a_ledger(found)
    stamps = [stamp] if stamp else list(chosen.stamp_names)
    if stamp and stamp not in chosen.stamp_names:
        fail(f"{chosen.name} has no stamp {stamp}; it has {', '.join(chosen.stamp_names)}")
    answer = asyncio.run(_read(found, chosen.name, stamps, decision, at))
    shown = answer.decisions[-last:]
    if json:
        print_json(
            {
                "workload": answer.workload,
                "revision": answer.revision,
                "standing": answer.standing,
                "decisions": shown,
            }
        )
        return
    for standing in answer.standing:
        _show_standing(standing)
    for entry in shown:
        _show_decision(entry)
    if not shown:
        say("no decision is in the journal for this")
        if decision is not None:
            raise typer.Exit(NO)


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


async def _read(
    found: Settings, workload: str, stamps: list[str], decision: str | None, at: datetime | None
) -> Explanation:
    async with AsyncExitStack() as opened:
        ledger = ledger_of(found, opened)
        try:
            record = (await ledger.load(workload)).record
            entries = await ledger.journal(workload, limit=1000)
        except (LedgerUnavailableError, UnreadableRecordError) as error:
            fail(f"the ledger cannot be read: {error}", NO)
    until = at.replace(tzinfo=UTC) if at else None
    return explained(record, entries, stamps, now=datetime.now(UTC), decision=decision, until=until)


def _show_standing(standing: Standing) -> None:
    say(f"{standing.stamp}: {standing.state}", "bold")
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


def _show_decision(entry: JournalEntry) -> None:
    say(f"\n{entry.at:%Y-%m-%d %H:%M:%S}  {entry.id}  ({entry.cause})", "bold")
    for said in entry.heard or entry.signals:
        say(f"  signal    {said}")
    for rule, stamp, answer, reason in entry.verdicts:
        say(f"  rule      {rule} for {stamp}: {answer}: {reason}")
    for rule, stamp, scope, reason in entry.scopes:
        say(f"  scope     {rule} for {stamp}: {scope}: {reason}")
    for verb, stamp, rule, names in entry.passed:
        say(f"  passed    {verb} {stamp} by {rule}: {names}")
    for event in entry.events:
        say(f"  happened  {event}")
    for held in entry.held:
        say(f"  held      {held.verb} {held.stamp} by {held.guardrail}: {held.reason}", "yellow")
