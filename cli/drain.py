"""`remediation drain`: take a stamp out of rotation, by a person's word and within the guardrails."""

from typing import Annotated

import typer

from cli.giving import Author, In, Reason, Yes, author_of, give
from cli.out import Json
from remediation.decide.orders import DrainOrder


def drain(  # noqa: PLR0913, PLR0917 - each is an option of the command
    stamp: Annotated[str, typer.Argument(help="The stamp.")],
    reason: Reason,
    workload: In = None,
    author: Author = None,
    yes: Yes = False,  # noqa: FBT002 - a flag
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Take a stamp out of rotation. It stays out until a person brings it back with `rejoin`.

    Every guardrail is asked now, with a look at all stamps, and again by the worker
    right before the act.
    """
    give(workload, DrainOrder(author_of(author), reason, stamp), yes=yes, json=json)
