"""`remediation silence`: tell nobody about something for a time, or end that."""

from typing import Annotated

import typer

from cli.giving import Author, For, In, MaybeReason, Until, Yes, author_of, end_of, give
from cli.out import Json, fail
from remediation.decide.orders import EndSilenceOrder, Order, SilenceOrder


def silence(  # noqa: PLR0913, PLR0917 - each is an option of the command
    reason: MaybeReason = "",
    stamp: Annotated[
        str | None, typer.Option(help="Only about this stamp. Default: about everything.")
    ] = None,
    family: Annotated[str, typer.Option(help="Only these rule families; `*` is any run of letters.")] = "*",
    duration: For = None,
    until: Until = None,
    end: Annotated[str | None, typer.Option(help="End the silence of this id instead.")] = None,
    workload: In = None,
    author: Author = None,
    yes: Yes = False,  # noqa: FBT002 - a flag
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Tell nobody about what it covers; the worker goes on deciding and acting.

    Shows what it would hide now. What is still red at its end is paged.
    """
    said_by = author_of(author)
    ends = end_of(duration, until)
    if end is not None:
        order: Order = EndSilenceOrder(said_by, end, reason)
    elif ends is not None:
        order = SilenceOrder(said_by, reason, ends, stamp, family)
    else:
        fail("a silence ends: say --for 2h or --until TIME")
    give(workload, order, yes=yes, json=json)
