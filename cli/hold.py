"""`remediation hold`: stop all acting on a workload; pages go on."""

from cli.giving import Author, For, In, Reason, Until, Yes, author_of, end_of, give
from cli.out import Json
from remediation.decide.orders import HoldOrder


def hold(  # noqa: PLR0913, PLR0917 - each is an option of the command
    reason: Reason,
    duration: For = None,
    until: Until = None,
    workload: In = None,
    author: Author = None,
    yes: Yes = False,  # noqa: FBT002 - a flag
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Stop all acting, until `release` or for a time. What has begun comes to its end; pages go on."""
    give(workload, HoldOrder(author_of(author), reason, end_of(duration, until)), yes=yes, json=json)
