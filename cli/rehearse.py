"""`remediation rehearse`: what would the worker do if this happened?"""

from pathlib import Path
from textwrap import wrap
from typing import Annotated

import typer

from cli.out import NO, Json, console, fail, print_json, say
from rehearsal.report.page import page
from rehearsal.report.story import Mark, document, story
from rehearsal.run import Run
from rehearsal.run import rehearse as rehearsed
from rehearsal.scenario.load import Scenario, load_scenario
from rehearsal.scenario.moments import clock_words
from rehearsal.suite import files_of
from rules.problems import FileError

STYLES = {
    Mark.EFFECT: "bold red",
    Mark.PAGE: "red",
    Mark.HELD: "yellow",
    Mark.VERDICT: "magenta",
    Mark.RULE: "dark_orange3",
    Mark.USERS: "green",
    Mark.NOTIFICATION: "blue",
    Mark.SIGNAL: "cyan",
}

ROOM_LEAST = 40
"""Where a terminal leaves less beside the head of a line, it breaks the lines itself."""


def rehearse(
    files: Annotated[list[Path], typer.Argument(help="Scenario files; of a folder, every one in it.")],
    seed: Annotated[int | None, typer.Option(help="Of all chance. Default: each scenario's own.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with drawn timelines to this file.")] = None,
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Act scenarios out in virtual time through the real engine, and hold them against their expectations."""
    runs = []
    for scenario in scenarios(files):
        runs.append(rehearsed(scenario, seed=seed))
        if not json:
            show(runs[-1])
    if html is not None:
        try:
            html.write_text(page(runs), "utf-8")
        except OSError as error:
            fail(f"{html}: {error.strerror}")
    if json:
        documents = [document(run) for run in runs]
        print_json(documents[0] if len(documents) == 1 else {"scenarios": documents})
    if not all(run.passed for run in runs):
        raise typer.Exit(NO)


def scenarios(files: list[Path]) -> list[Scenario]:
    """The scenarios of some files and folders; ends the command if one cannot be read."""
    chosen = [
        each
        for file in files
        for each, is_scenario in (files_of(file) if file.is_dir() else [(file, True)])
        if is_scenario  # rule tests may lie beside them
    ]
    if not chosen:
        fail(f"no scenario file in {', '.join(map(str, files))}")
    found, wrong = [], []
    for file in chosen:
        try:
            found.append(load_scenario(file))
        except FileError as error:
            wrong += str(error).splitlines()
        except OSError as error:
            wrong.append(f"{error.filename}: {error.strerror}")
    if wrong:
        fail(wrong)
    return found


def show(run: Run) -> None:
    """Print one run as a story, and each expectation."""
    row = f"{run.scenario.row}: " if run.scenario.row else ""
    say(f"{row}{run.scenario.name}", "bold")
    lines = story(run)
    place = max((len(line.stamp or "") for line in lines), default=0)
    for line in lines:
        until = f" (until {clock_words(line.until)})" if line.until is not None else ""
        head = f"{clock_words(line.at):>11}  {line.stamp or '':<{place}}  {line.mark:<12}  "
        say(hung(head, f"{line.words}{until}"), STYLES.get(line.mark, ""))
    say("")
    show_expectations(run)


def hung(head: str, words: str) -> str:
    """The words beside a head, on as many lines as a terminal needs; in a pipe always on one."""
    room = console.width - len(head)
    if not console.is_terminal or room < ROOM_LEAST:
        return f"{head}{words}"
    below = f"\n{' ' * len(head)}"
    return f"{head}{below.join(wrap(words, room))}"


def show_expectations(run: Run) -> None:
    """Print each expectation, and where it does not hold what happened instead and why."""
    for each in run.judged:
        say(f"  {'holds' if each.holds else 'FAILS'}  {each.text}", "green" if each.holds else "bold red")
        if each.instead:
            say(hung("         instead: ", each.instead))
        for why in each.why:
            say(hung("         because ", why))
    say(
        f"{'passed' if run.passed else 'FAILED'}  {run.scenario.file} (seed {run.seed})\n",
        "green" if run.passed else "bold red",
    )
