"""`remediation rejoin`: bring back a stamp that the worker took out."""

from typing import Annotated

import typer

from cli.giving import Author, In, Reason, Yes, author_of, give
from cli.out import Json
from remediation.decide.orders import RejoinOrder


def rejoin(  # noqa: PLR0913, PLR0917 - each is an option of the command
    stamp: Annotated[str, typer.Argument(help="The stamp.")],
    reason: Reason,
    unproven: Annotated[bool, typer.Option(help="Also where its recovery is not proven.")] = False,  # noqa: FBT002
    workload: In = None,
    author: Author = None,
    yes: Yes = False,  # noqa: FBT002 - a flag
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Bring a stamp back into rotation that the worker took out, for a rule or for a person."""
    give(workload, RejoinOrder(author_of(author), reason, stamp, unproven), yes=yes, json=json)
