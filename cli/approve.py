"""`remediation approve`: say yes to a step that somebody else asked for."""

from typing import Annotated

import typer

from cli.giving import Author, In, MaybeReason, Yes, author_of, give
from cli.out import Json
from remediation.decide.orders import ApproveOrder


def approve(  # noqa: PLR0913, PLR0917 - each is an option of the command
    approval: Annotated[str, typer.Argument(help="The id that people were told.")],
    reason: MaybeReason = "",
    workload: In = None,
    author: Author = None,
    yes: Yes = False,  # noqa: FBT002 - a flag
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Let a step go on that waits for a person, in mode `approve`. Nobody approves what he asked for."""
    give(workload, ApproveOrder(author_of(author), approval, reason), yes=yes, json=json)
