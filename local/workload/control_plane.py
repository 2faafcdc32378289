"""Who answers in the place of Azure Resource Manager, as far as the origins of the front door go?

A change is accepted at once and done a while later, as an asynchronous operation,
and while it is rolled out nobody may change the origin again. Wire format:
Microsoft.Cdn, `AFDOrigins`.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from local.workload.front_door import FrontDoor, Origin
from local.workload.pace import Pace

TOKEN = "token-of-this-machine"  # noqa: S105 - it opens nothing
SUBSCRIPTION = "/subscriptions/5c0de000-0000-4000-8000-000000000001"
GROUP = (
    f"{SUBSCRIPTION}/resourceGroups/shop-global-rg/providers/Microsoft.Cdn"
    "/profiles/shop-global-fd/originGroups/BackendApis"
)
OPERATIONS = f"{SUBSCRIPTION}/providers/Microsoft.Cdn/operationresults"


def origin_id(stamp: str) -> str:
    """The resource id of a stamp's origin."""
    return f"{GROUP}/origins/{stamp}"


class ControlPlane:
    """Reads and changes the origins of a front door."""

    def __init__(self, front_door: FrontDoor, pace: Pace) -> None:
        self._origins = {origin.name: origin for origin in front_door.origins}
        self._pace = pace
        self._operations: list[asyncio.Task[None]] = []

    def application(self) -> web.Application:
        """What callers of Azure Resource Manager call; without the token nothing is answered."""
        app = web.Application(middlewares=[_asks_for_token])
        app.router.add_get(f"{GROUP}/origins", self._list)
        app.router.add_get(f"{GROUP}/origins/{{name}}", self._get)
        app.router.add_patch(f"{GROUP}/origins/{{name}}", self._patch)
        app.router.add_get(f"{OPERATIONS}/{{number}}", self._operation)
        app.cleanup_ctx.append(self._ending)
        return app

    async def _ending(self, _: web.Application) -> AsyncIterator[None]:
        yield
        for operation in self._operations:
            operation.cancel()
        await asyncio.gather(*self._operations, return_exceptions=True)

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({"value": [_document(origin) for origin in self._origins.values()]})

    async def _get(self, request: web.Request) -> web.Response:
        origin = self._origins.get(request.match_info["name"])
        return web.json_response(_document(origin)) if origin else _error(404, "ResourceNotFound")

    async def _patch(self, request: web.Request) -> web.Response:
        origin = self._origins.get(request.match_info["name"])
        if origin is None:
            return _error(404, "ResourceNotFound")
        if origin.rollout != "Succeeded":
            return _error(409, "Conflict")
        asked = (await request.json())["properties"]
        origin.rollout = "Updating"
        self._operations.append(asyncio.create_task(self._roll_out(origin, asked)))
        link = f"{request.scheme}://{request.host}{OPERATIONS}/{len(self._operations)}?api-version=1"
        return web.json_response(_document(origin), status=202, headers={"Azure-AsyncOperation": link})

    async def _roll_out(self, origin: Origin, asked: dict[str, Any]) -> None:
        await asyncio.sleep(self._pace.rollout.total_seconds())
        origin.enabled = asked.get("enabledState", _state(origin)) == "Enabled"
        origin.weight = asked.get("weight", origin.weight)
        origin.rollout = "Succeeded"

    async def _operation(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        if not number.isdecimal() or not 1 <= int(number) <= len(self._operations):
            return _error(404, "NotFound")
        done = self._operations[int(number) - 1].done()
        return web.json_response({"status": "Succeeded" if done else "InProgress"})


def _document(origin: Origin) -> dict[str, Any]:
    return {
        "id": origin_id(origin.name),
        "name": origin.name,
        "type": "Microsoft.Cdn/profiles/originGroups/origins",
        "properties": {
            "hostName": f"{origin.name}.example",
            "enabledState": _state(origin),
            "weight": origin.weight,
            "priority": 1,
            "provisioningState": origin.rollout,
            "deploymentStatus": "NotStarted",
        },
    }


def _state(origin: Origin) -> str:
    return "Enabled" if origin.enabled else "Disabled"


@web.middleware
async def _asks_for_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return _error(401, "InvalidAuthenticationToken")
    if "api-version" not in request.query:
        return _error(400, "MissingApiVersionParameter")
    return await handler(request)


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status)
