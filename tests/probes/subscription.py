"""What stands in the place of a subscription whose resource groups are listed?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from remediation.act.http import Door
from remediation.probes.rest import Rest
from remediation.tokens import StaticTokens
from tests.act.far_side import StillClock
from tests.probes.azure_rest import SUBSCRIPTION, TOKEN, AzureRest, error


class Subscription(AzureRest):
    """Azure Resource Manager, as far as it lists resource groups.

    Attributes:
        groups: documents, in the order of their names.
        groups_per_page: how many a page has.
    """

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[dict[str, Any]] = []
        self.groups_per_page = 100
        path = f"/subscriptions/{SUBSCRIPTION}/resourcegroups"
        self._server.app.router.add_get(path, self._list)

    def has(self, name: str, location: str = "westeurope", state: str = "Succeeded", **tags: str) -> None:
        """A resource group of that name."""
        self.groups.append(
            {
                "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}",
                "name": name,
                "type": "Microsoft.Resources/resourceGroups",
                "location": location,
                "tags": tags,
                "properties": {"provisioningState": state},
            }
        )

    def loses(self, name: str) -> None:
        """It is gone."""
        self.groups = [group for group in self.groups if group["name"] != name]

    async def _list(self, request: web.Request) -> web.Response:
        if request.query["api-version"] != "2021-04-01":
            return error(400, "InvalidApiVersionParameter")
        wanted = request.query.get("$filter")
        found = [
            group
            for group in self.groups
            if wanted is None
            or any(wanted == f"tagName eq '{n}' and tagValue eq '{v}'" for n, v in group["tags"].items())
        ]
        return self._page(request, found, self.groups_per_page)


@asynccontextmanager
async def a_subscription(timeout_seconds: float = 3.0) -> AsyncIterator[tuple[Subscription, Rest]]:
    """The server, and the way to ask it through the real door."""
    door = Door(StillClock())
    async with Subscription() as azure:
        try:
            yield azure, Rest(door.send, StaticTokens(TOKEN), url=azure.url, timeout_seconds=timeout_seconds)
        finally:
            await door.close()
