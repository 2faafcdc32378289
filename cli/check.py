"""`remediation check`: can the workload and rule files be read, and do they mean something?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.config import settings
from cli.out import NO, Json, fail, print_json, say
from remediation.configuration import rules_of, workloads_of
from remediation.settings import Settings
from rules.problems import FileError


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
    json: Json = False,  # noqa: FBT002 - a flag
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
    if json:
        print_json({"ok": not problems, "problems": problems})
    elif problems:
        for problem in problems:
            say(problem, "red")
    else:
        say(_summary(found), "green")
    if problems:
        raise typer.Exit(NO)


def _problems(found: Settings) -> Iterator[str]:
    for read in (workloads_of, rules_of):
        try:
            read(found)
        except FileError as error:
            yield from str(error).splitlines()


def _summary(found: Settings) -> str:
    workloads, rules = workloads_of(found), rules_of(found)
    named = ", ".join(f"{each.name} ({len(each.stamps)} stamps, {each.mode})" for each in workloads.values())
    return f"ok: workloads: {named or 'none'}; {len(rules)} rules"
