"""`remediation backtest`: what would other rules have done with what the worker was told?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.config import settings
from cli.config import workloads as workloads_given
from cli.journal import NoJournalError, saved_entries
from cli.out import NO, Json, fail, note, print_json, say
from cli.recording import NoRecordingError, Recording, Time, recording_in, saved
from rehearsal.backtest import CAPACITY, Comparison, Decision, Sort, compare
from rehearsal.replay import Played, Replay, replay, sort_out
from remediation.configuration import rules_of
from remediation.decide.plan import Charge
from remediation.settings import Settings
from rules.conditions import words
from rules.evaluate import RuleSet
from rules.policy import Mode
from rules.problems import FileError
from rules.topology import Workload

LONG = timedelta(hours=2)
"""To play so much takes a while: whoever waits is told how far it is."""

TAKEN_AS_WELL = (
    "Of the world only the recording is known. The rest is taken as well: levers move, HealthServices answer "
    "as their root was last said to be, and what only the worker's own probes have seen is missing."
)


def backtest(  # noqa: PLR0913 - each is an option of the command
    source: Annotated[
        Path | None,
        typer.Argument(
            help="A worker's data folder: the log of its embedded broker, else the journal in its ledger. "
            'Or a file of JSON lines: {"at": "2026-11-21T03:00:00Z", "body": {…}}, or journal entries.'
        ),
    ] = None,
    *,
    journal: Annotated[
        bool,
        typer.Option("--journal", help="No SOURCE: the journal in the configured ledger is played."),
    ] = False,
    rules: Annotated[Path, typer.Option(help="The new rules: a file, or a folder.")],
    old: Annotated[
        Path | None,
        typer.Option(help="The old ones. Default: REMEDIATION_RULES, else the shipped catalogue."),
    ] = None,
    workloads: Annotated[
        Path | None,
        typer.Option(help="A workload file, or a folder. Default: REMEDIATION_WORKLOADS, else the example."),
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="How far the worker may go; of the workload's own mode nothing is taken.")
    ] = Mode.AUTO,
    since: Annotated[datetime | None, typer.Option(help="Only what came from then on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only what came up to then, UTC.")] = None,
    stays_up: Annotated[
        bool,
        typer.Option(
            "--stays-up", help="HealthServices answer 200 while their root is red (the reference's do not)."
        ),
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Write the recording to this file, to be kept.")] = None,
    json: Json = False,
) -> None:
    """Play a recording through old and new rules in virtual time, and print what would have been otherwise.

    Ends with 1 where the new rules would have broken a promise by what either rules knew: a drain that left
    too few stamps, one for a fault that was not the stamp's own, or a rejoin while its cause still stood.
    """
    found = settings()
    found = found.model_copy(update={"workloads": workloads or found.workloads, "rules": old or found.rules})
    known = {name: replace(each, mode=mode) for name, each in workloads_given(found).items()}
    both = _rules(found), _rules(found.model_copy(update={"rules": rules}))
    if (source is None) is not journal:
        fail("give either a SOURCE or --journal")
    recording = _recording(source, found, known, Time(_utc(since), _utc(until)))
    if save is not None:
        _save(save, recording)
    sorted_out = sort_out(recording.played, known)
    lasts = recording.played[-1].at - recording.played[0].at
    if lasts >= LONG:
        note(f"the recording lasts {words(lasts)}, and quiet hours are played too; see --since")
    played = {
        name: _compared(about, known[name], both, stays_up=stays_up, told=lasts >= LONG)
        for name, about in sorted_out.of.items()
        if about and known[name].stamps
    }
    if not played:
        what = "decisions" if recording.entries else "bodies"
        none = f"none of the {len(recording.played)} {what} is about a stamp of {', '.join(known)}"
        fail(f"{recording.source}: {none}")
    if json:
        print_json(_document(recording, sorted_out.nobodys, played))
    else:
        say(f"old: {_named(old or settings().rules)}; new: {rules}; both as if the workload were in {mode}")
        _show(recording, sorted_out.nobodys, played)
    if any(each.broken for each in played.values()):
        raise typer.Exit(NO)


def _compared(
    about: Sequence[Played], workload: Workload, both: tuple[RuleSet, RuleSet], *, stays_up: bool, told: bool
) -> Comparison:
    def of(which: str, rules: RuleSet) -> Replay:
        def on_the_way(percent: int) -> None:
            if told:
                note(f"{workload.name}, {which} rules: {percent} % played")

        return replay(about, Charge(workload, rules), score_check=not stays_up, on_the_way=on_the_way)

    return compare(of("old", both[0]), of("new", both[1]))


def _rules(found: Settings) -> RuleSet:
    """The rules of these settings; ends the command with every problem if they cannot be read."""
    try:
        return RuleSet(rules_of(found))
    except FileError as error:
        fail(str(error).splitlines())
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def _recording(source: Path | None, found: Settings, known: Mapping[str, Workload], time: Time) -> Recording:
    """What was recorded in that time; ends the command where there is nothing."""
    try:
        return recording_in(source, found, known, time)
    except (NoRecordingError, NoJournalError) as error:
        fail(str(error))
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{source}: {getattr(error, 'strerror', None) or error}")


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _save(file: Path, recording: Recording) -> None:
    try:
        file.write_text(saved(recording.bodies) or saved_entries(recording.entries), "utf-8")
    except OSError as error:
        fail(f"{file}: {error.strerror}")


# --- the answer ----------------------------------------------------------------------------------


def _show(recording: Recording, nobodys: Mapping[str, int], played: Mapping[str, Comparison]) -> None:
    where = f"from {_at(recording.played[0].at)} to {_at(recording.played[-1].at)}"
    if recording.entries:
        decisions, signals = (
            _counted(len(recording.entries), "decision"),
            _counted(recording.signals, "signal"),
        )
        say(f"played: {recording.source}: {decisions} of the journal with {signals}, {where}")
        say(f"  {_counted(recording.own, 'signal')} of the worker's own probes left out")
    else:
        say(f"played: {recording.source}: {_counted(len(recording.bodies), 'body', 'bodies')}, {where}")
    if recording.partly:
        partly = _counted(recording.partly, "decision")
        say(f"  {partly} considered more signals than the journal lists, as in a storm", "yellow")
    for code, many in nobodys.items():
        say(f"  not played: {many} ({code})", "yellow")
    for name, found in played.items():
        say("")
        say(name, "bold")
        for _, line, style in sorted(_lines(found)):
            say(f"  {line}", style)
        for each in found.broken:
            say(
                f"  BREAKS {each.promise}  {_at(each.at)}  {each.sort} of {each.stamp}: {each.words}",
                "bold red",
            )
        _show_counts(found)
    broken = [one.sort for each in played.values() for one in each.broken]
    say("")
    if broken:
        counts = " and ".join(_counted(broken.count(sort), str(sort)) for sort in sorted(set(broken)))
        say(f"{counts} of the new rules would break a promise", "bold red")
    else:
        say("no promise would break", "bold green")
    say(TAKEN_AS_WELL)


def _named(rules: Path | None) -> str:
    return "the shipped catalogue" if rules is None else str(rules)


def _counted(number: int, what: str, many: str = "") -> str:
    return f"{number} {what if number == 1 else many or f'{what}s'}"


def _lines(found: Comparison) -> Iterator[tuple[datetime, str, str]]:
    yield from ((one.at, f"new    {_words(one)}", "red") for one in found.new)
    yield from ((one.at, f"gone   {_words(one)}", "green") for one in found.gone)
    for moved in found.moved:
        seconds = round(moved.later.total_seconds())
        how = f"{abs(seconds)} s {'later' if seconds > 0 else 'earlier'}"
        yield moved.new.at, f"moved  {_words(moved.new)} ({how}, before at {_at(moved.old.at)})", "yellow"


def _words(one: Decision) -> str:
    about = f" {one.about}" if one.about else ""
    return f"{_at(one.at)}  {one.sort} {one.stamp or 'global'}{about}: {one.words}"


def _show_counts(found: Comparison) -> None:
    counts = ", ".join(
        f"{sort}s {found.before[sort]} -> {found.after[sort]}"
        for sort in Sort
        if found.before[sort] or found.after[sort]
    )
    differs = f"{len(found.new)} new, {len(found.gone)} gone, {len(found.moved)} moved, {found.alike} alike"
    say(f"  {counts}: {differs}" if counts else "  nothing was decided by either")
    more = "more" if found.pages_saved < 0 else "saved"
    capacity = sum(each.promise == CAPACITY for each in found.broken)
    say(
        f"  {_counted(abs(found.pages_saved), 'page')} {more}; "
        f"{_counted(capacity, 'drain')} that would leave too few stamps",
        "bold",
    )


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _document(
    recording: Recording, nobodys: Mapping[str, int], played: Mapping[str, Comparison]
) -> dict[str, object]:
    return {
        "well": not any(each.broken for each in played.values()),
        "source": recording.source,
        "played": "journal" if recording.entries else "bodies",
        "bodies": len(recording.bodies),
        "decisions": len(recording.entries),
        "listed_partly": recording.partly,
        "signals_of_own_probes": recording.own,
        "from": recording.played[0].at,
        "to": recording.played[-1].at,
        "not_played": nobodys,
        "workloads": {name: _comparison(found) for name, found in played.items()},
    }


def _comparison(found: Comparison) -> dict[str, object]:
    return {
        "new": found.new,
        "gone": found.gone,
        "moved": [
            {"old": each.old, "new": each.new, "later_seconds": each.later.total_seconds()}
            for each in found.moved
        ],
        "alike": found.alike,
        "before": found.before,
        "after": found.after,
        "pages_saved": found.pages_saved,
        "capacity_violations": sum(each.promise == CAPACITY for each in found.broken),
        "broken": found.broken,
    }
