"""`remediation release`: end the hold; the worker acts again."""

from cli.giving import Author, In, MaybeReason, Yes, author_of, give
from cli.out import Json
from remediation.decide.orders import ReleaseOrder


def release(
    reason: MaybeReason = "",
    workload: In = None,
    author: Author = None,
    yes: Yes = False,  # noqa: FBT002 - a flag
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """End the hold. What has waited for it goes on where nothing else holds it."""
    give(workload, ReleaseOrder(author_of(author), reason), yes=yes, json=json)
