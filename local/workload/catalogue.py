"""What do the users of the workload call? The catalogue: items to read, comments to post.

A comment is accepted once the stamp's event hub holds it; the BackgroundProcessor
writes it to the database later. So nobody who posts notices that it is not read.
"""

import json

from aiohttp import web

from local.workload.database import Database
from local.workload.meter import Meter
from local.workload.sender import Sender, SendError

ITEMS = "/catalogservice/api/1.0/catalogitem"
COMMENTS = ITEMS + "/{item}/comments"
WHERE = "X-Server-Location"
"""Says in each answer which stamp gave it, as the reference does."""


class Catalogue:
    """The catalogue API of one stamp.

    Attributes:
        broken: every request is answered with 500, as after a bad deployment.
        failures: the answers of 500 and above.
    """

    def __init__(self, stamp: str, database: Database, sender: Sender) -> None:
        self.broken = False
        self.failures = Meter()
        self._stamp = stamp
        self._database = database
        self._sender = sender

    def serve_in(self, app: web.Application) -> None:
        """Answer at the catalogue's paths of an application."""
        app.router.add_get(ITEMS, self._items)
        app.router.add_post(COMMENTS, self._comment)

    async def _items(self, _: web.Request) -> web.Response:
        if self.broken:
            return self._failed(500, "a fault of our own")
        return web.json_response(await self._database.items(), headers={WHERE: self._stamp})

    async def _comment(self, request: web.Request) -> web.Response:
        if self.broken:
            return self._failed(500, "a fault of our own")
        if self._sender.quiet:
            # Read-only: a comment that went nowhere must not be accepted.
            return web.json_response({"error": "read-only"}, status=409, headers={WHERE: self._stamp})
        comment = {"item": int(request.match_info["item"]), "text": await request.text()}
        try:
            await self._sender.send(json.dumps(comment).encode(), {"action": "AddComment"})
        except SendError as error:
            return self._failed(503, str(error))
        return web.json_response({"accepted": True}, status=202, headers={WHERE: self._stamp})

    def _failed(self, status: int, reason: str) -> web.Response:
        self.failures.add()
        return web.json_response({"error": reason}, status=status, headers={WHERE: self._stamp})
