"""How does a command answer: for people, or for scripts with `--json`?"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

OK, NO, USAGE = 0, 1, 2
"""Exit status: well; the answer is no; wrong usage."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

console = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(content: object) -> None:
    """Print a document on standard output; dataclasses become objects, times ISO strings."""
    typer.echo(json.dumps(content, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def say(text: str, style: str = "") -> None:
    """Print a line for people. The text is taken as it is: what looks like markup is not."""
    console.print(escape(text), style=style or None)


def note(text: str) -> None:
    """Print a line on standard error for whoever waits: it is no part of the answer."""
    _errors.print(escape(text))


def fail(reason: str | Iterable[str], status: int = USAGE) -> NoReturn:
    """Print why on standard error, and end."""
    for line in [reason] if isinstance(reason, str) else reason:
        _errors.print(escape(line), style="red")
    raise typer.Exit(status)
