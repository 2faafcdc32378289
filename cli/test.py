"""`remediation test`: do these rules and scenarios hold, and what of the rules is never tried?"""

from pathlib import Path
from typing import Annotated

import typer

from cli.out import NO, USAGE, Json, fail, print_json, say
from rehearsal.report.junit import junit as junit_document
from rehearsal.suite import Outcome, Suite, run_suite

SHOWN_MOST = 30


def run(
    folder: Annotated[Path, typer.Argument(help="A folder of scenarios and rule tests, or one file.")],
    seed: Annotated[int | None, typer.Option(help="Of all chance. Default: each scenario's own.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the result as JUnit XML to this file.")] = None,
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Run scenarios and rule tests, and say which rules and conditions nothing has tried.

    Ends with 1 where a test fails, and with 2 where a file cannot be read; the others are run all the same.
    """
    try:
        suite = run_suite(folder, seed=seed, told=_ignore if json else _show_outcome)
        if junit is not None:
            junit.write_text(junit_document(suite), "utf-8")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.strerror else str(error))
    if json:
        print_json(_document(suite))
    else:
        _show(suite)
    if not suite.passed:
        raise typer.Exit(USAGE if suite.unread else NO)


def _ignore(_: Outcome) -> None:
    """For scripts, everything is printed at the end."""


def _show_outcome(each: Outcome) -> None:
    """A line for each, as soon as it is known: a folder may take minutes."""
    row = f"{each.row:<4}" if each.row else "    "
    word, style = ("ok  ", "green") if each.passed else ("FAIL", "bold red")
    say(f"{word}  {row} {each.name}  ({Path(each.file).name}, {each.seconds:.2f}s)", style)
    for fault in each.faults:
        for line in fault.splitlines():
            say(f"            {line}")


def _show(suite: Suite) -> None:
    for problem in suite.unreadable:
        say(f"FAIL       {problem}", "bold red")
    _show_coverage(suite)
    failed = sum(not each.passed for each in suite.outcomes)
    spent = sum(each.seconds for each in suite.outcomes)
    hours = f"{suite.virtual_seconds / 3600:.1f} virtual hours in " if suite.virtual_seconds else ""
    tests = "1 test" if len(suite.outcomes) == 1 else f"{len(suite.outcomes)} tests"
    files = "1 file" if len(suite.unread) == 1 else f"{len(suite.unread)} files"
    unread = f", {files} could not be read" if suite.unread else ""
    say("")
    for each in suite.outcomes:
        if not each.passed:
            say(f"FAIL  {each.file}: {each.name}", "bold red")
    say(
        f"{tests}, {failed} failed{unread}; {hours}{spent:.1f}s",
        "bold green" if suite.passed else "bold red",
    )


def _show_coverage(suite: Suite) -> None:
    rules, (seen, parts) = suite.coverage.named, suite.coverage.branches
    if not rules:
        return
    say("")
    say(f"rules: {suite.coverage.held} of {len(rules)} held; conditions: {seen} of {parts} were ever true")
    never = [f"never held   {name} ({each.rule.where})" for name, each in rules.items() if not each.holds]
    never += [
        f"never true   {name}: {part}" for name, each in rules.items() if each.holds for part in each.never
    ]
    for line in never[:SHOWN_MOST]:
        say(f"  {line}", "yellow")
    if len(never) > SHOWN_MOST:
        say(f"  … and {len(never) - SHOWN_MOST} more; --json has them all", "yellow")
    if suite.rows:
        say(f"rows of the failure table proved: {', '.join(suite.rows)}")


def _document(suite: Suite) -> dict[str, object]:
    rules = suite.coverage.named
    seen, parts = suite.coverage.branches
    return {
        "passed": suite.passed,
        "tests": suite.outcomes,
        "unreadable": suite.unreadable,
        "rows": suite.rows,
        "coverage": {
            "rules": len(rules),
            "held": suite.coverage.held,
            "conditions": parts,
            "true": seen,
            "never_held": [name for name, each in rules.items() if not each.holds],
            "never_true": {name: each.never for name, each in rules.items() if each.holds and each.never},
        },
    }
