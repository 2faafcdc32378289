"""`remediation serve`: run the worker on this machine."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.config import given_settings
from cli.out import NO, fail
from local.functions_host import HostError
from local.serve import serve as run
from remediation.configuration import charges_of
from rules.problems import FileError


def serve(
    workloads: Annotated[
        Path | None, typer.Option(help="A workload file, or a folder of them. Default: the example workload.")
    ] = None,
) -> None:
    """Run the worker with a broker, a ledger and (without a workload of yours) an example on this machine.

    Every setting is an environment variable; `remediation schema settings` lists them.
    """
    found = given_settings()
    if workloads is not None:
        found = found.model_copy(update={"workloads": workloads})
    try:
        charges_of(found)  # a worker of a person at a terminal says at once what is wrong
        asyncio.run(run(found))
    except (FileError, HostError) as error:
        fail(str(error), NO)
    except OSError as error:
        fail(f"{error.filename or ''} {error.strerror or error}".strip(), NO)
