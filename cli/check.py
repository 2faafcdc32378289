"""`remediation check`: can the workload and rule files be read, and do they mean something?"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.config import settings
from cli.out import NO, Json, fail, print_json, say
from local.workload import shop
from rehearsal.rows import SCENARIOS
from rehearsal.uncovered import RowCovered, rows_covered
from remediation.configuration import charges_of, rules_of, workloads_of
from remediation.settings import Settings
from rules.evaluate import RuleSet
from rules.problems import FileError
from rules.targets import nothing_to_act_upon


def check(
    workloads: Annotated[
        Path | None,
        typer.Argument(
            help="A workload file, or a folder. Default: REMEDIATION_WORKLOADS, else the example."
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(help="A rule file, or a folder. Default: REMEDIATION_RULES, else the catalogue."),
    ] = None,
    *,
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage",
            help="Also act out the failure table under these rules, and say which rows they leave uncovered, "
            "or answer with harm or needless messages. Takes a minute or less; changes nothing about the "
            "exit status.",
        ),
    ] = False,
    scenarios: Annotated[
        Path, typer.Option(help="With --coverage: other scenarios of the rows, with node names of your own.")
    ] = SCENARIOS,
    json: Json = False,
) -> None:
    """Read the files as the worker would, and list every problem with its place."""
    found = settings()
    found = found.model_copy(
        update={"workloads": workloads or found.workloads, "rules": rules or found.rules}
    )
    try:
        problems = list(_problems(found))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    rows = _rows(found, scenarios, show=not json) if coverage and not problems else None
    if json:
        print_json({"ok": not problems, "problems": problems} | ({} if rows is None else {"coverage": rows}))
    elif problems:
        for problem in problems:
            say(problem, "red")
    else:
        if rows is not None:
            _show_coverage(rows)
        elif found.rules is not None:
            say("which rows of the failure table your rules leave uncovered: --coverage tells")
        say(_summary(found), "green")
    if problems:
        raise typer.Exit(NO)


def _rows(found: Settings, scenarios: Path, *, show: bool) -> list[RowCovered]:
    """What the rules make of each row; each is shown as soon as it is known."""
    rows = []
    try:
        for row in rows_covered(RuleSet(rules_of(found)), scenarios):
            rows.append(row)
            if show:
                say(str(row), "green" if row.well else "yellow")
    except FileError as error:
        fail(str(error).splitlines())
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    return rows


def _show_coverage(rows: Sequence[RowCovered]) -> None:
    open_rows = [each.row for each in rows if not each.well]
    said = f"; look at {', '.join(open_rows)}" if open_rows else ""
    say(f"{len(rows) - len(open_rows)} of {len(rows)} rows of the failure table are covered{said}")
    say("The scenarios use the node and alert names of the reference architecture; yours may differ.")


def _problems(found: Settings) -> Iterator[str]:
    sound = True
    for read in (workloads_of, rules_of):
        try:
            read(found)
        except FileError as error:
            sound = False
            yield from str(error).splitlines()
    if sound:
        yield from _problems_together(found)


def _problems_together(found: Settings) -> Iterator[str]:
    """What is wrong with files that are right one by one: the worker would not start, or not act."""
    try:
        charges_of(found)
    except FileError as error:
        yield from str(error).splitlines()
    if found.workloads == shop.FILE:
        return  # nobody said for which workloads these rules are
    unnamed = nothing_to_act_upon(rules_of(found), workloads_of(found).values())
    yield from (str(problem) for problem in unnamed)


def _summary(found: Settings) -> str:
    workloads, rules = workloads_of(found), rules_of(found)
    named = ", ".join(f"{each.name} ({len(each.stamps)} stamps, {each.mode})" for each in workloads.values())
    return f"ok: workloads: {named or 'none'}; {len(rules)} rule{'' if len(rules) == 1 else 's'}"
