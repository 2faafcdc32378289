"""`remediation demo`: watch the worker save a workload that is broken on purpose."""

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.out import NO, console, fail, say
from local.demo.control import PORT, ControlError, ask
from local.demo.run import script as run_script
from local.demo.run import watch
from local.demo.worker_process import WorkerError
from local.workload.faults import EVERYWHERE, IN_WORDS, Fault

app = typer.Typer(
    help="Watch the worker save a small workload. Needs nothing but this machine.",
    invoke_without_command=True,
    no_args_is_help=False,
)

Port = Annotated[int, typer.Option("--port", help="The control port of the demo, on loopback.")]


@app.callback()
def demo(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    script: Annotated[
        Fault | None,
        typer.Option(help="Tell the story of this fault line by line, and end: 0 if all was seen."),
    ] = None,
    record: Annotated[Path | None, typer.Option(help="With --script: keep it as an SVG.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Keep ledger and logs in this new folder. Default: a temporary one.")
    ] = None,
    story: Annotated[bool, typer.Option(help="Begin with a story that runs by itself.")] = True,  # noqa: FBT002
    alerts: Annotated[bool, typer.Option(help="Let Azure Monitor watch the event hubs as well.")] = True,  # noqa: FBT002
    port: Port = PORT,
) -> None:
    """Run three stamps, a front door, users and the worker; break the one, and watch the other."""
    if context.invoked_subcommand is not None:
        return
    with ExitStack() as opened:
        kept = _empty(folder) or Path(
            opened.enter_context(tempfile.TemporaryDirectory(prefix="remediation-demo-"))
        )
        if script is None:
            _run(watch(kept, console, port, story=story, alerts=alerts))
        elif not _run(run_script(script, kept, console, record, alerts=alerts)):
            raise typer.Exit(NO)


@app.command("break")
def break_(
    stamp: Annotated[str, typer.Argument(help="weu, neu or sdc; `all` for all-red and edge.")],
    fault: Annotated[Fault, typer.Argument(help="; ".join(f"{each}: {IN_WORDS[each]}" for each in Fault))],
    port: Port = PORT,
) -> None:
    """Break something in the running demo."""
    _ask(port, "break", stamp=stamp, fault=fault.value)


@app.command("mend")
def mend(
    stamp: Annotated[str, typer.Argument(help="A stamp; `all` mends everything.")] = EVERYWHERE,
    port: Port = PORT,
) -> None:
    """Mend what was broken in the running demo."""
    _ask(port, "mend", stamp=stamp)


def _ask(port: int, path: str, **what: str) -> None:
    try:
        say(asyncio.run(ask(port, path, **what)))
    except ControlError as error:
        fail(str(error), NO)


def _empty(folder: Path | None) -> Path | None:
    """The folder, if it was given; an old ledger would tell of another workload's past."""
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        fail(f"{folder} is not empty")
    return folder


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return asyncio.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(130) from None
    except WorkerError as error:
        fail(str(error), NO)
    except OSError as error:
        fail(f"{error.filename or ''} {error.strerror or error}".strip(), NO)
