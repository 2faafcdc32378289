"""`remediation inspect`: what does the worker make of a body?"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.config import settings, workloads
from cli.inspection import Inspection, SignalShown, inspect_body
from cli.out import NO, Json, fail, print_json, say
from rules.conditions import words
from rules.signals import Subject


def inspect(
    file: Annotated[str, typer.Argument(help="A file with one body, or - for standard input.")],
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Print the signals in a body, or the reason why it is rejected (exit status 1)."""
    known = workloads(settings())
    answer = inspect_body(_body(file), known, datetime.now(UTC))
    if json:
        print_json(answer.model_dump(mode="json"))
    else:
        _show(answer)
    if not answer.accepted:
        raise typer.Exit(NO)


def _body(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")


def _show(answer: Inspection) -> None:
    if answer.family:
        say(f"family: {answer.family}")
    for signal in answer.signals:
        _show_signal(signal)
    for item in answer.rejected:
        say(f"rejected: {item.code}: {item.reason}", "red")
    if not answer.signals and not answer.rejected:
        say(answer.reason)


def _show_signal(signal: SignalShown) -> None:
    subject = Subject(signal.workload, signal.stamp, signal.node)
    says = signal.health or f"alert {signal.alert} {signal.condition}"
    severity = f", severity {signal.severity}" if signal.severity else ""
    say(f"{subject}: {says}{severity}", "bold")
    say(f"  observed at {signal.observed_at.isoformat()} ({_age(signal.age_seconds)})")
    say(f"  placed by: {signal.placed_by}")
    say(f"  id: {signal.id}")
    say(f"  source: {signal.source}" + (f", instance {signal.instance}" if signal.instance else ""))
    for reason in signal.reasons:
        say(f"  reason: {reason}")
    say("  may act" if signal.may_act else f"  must not act: {signal.why}")


def _age(seconds: float) -> str:
    """Such as `3m ago`, or `2h ahead`."""
    return f"{words(timedelta(seconds=abs(seconds)))} {'ago' if seconds >= 0 else 'ahead'}"
