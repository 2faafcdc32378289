"""Who is woken on this machine? A receiver in the place of PagerDuty that prints what it gets."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

Page = dict[str, Any]


def pager(show: Callable[[Page], None]) -> web.Application:
    """A server for PagerDuty's `/v2/enqueue` that shows each event and accepts it."""

    async def enqueue(request: web.Request) -> web.Response:
        event: Page = await request.json()
        show(event)
        answer = {"status": "success", "message": "Event processed", "dedup_key": event.get("dedup_key")}
        return web.json_response(answer, status=202)

    app = web.Application()
    app.router.add_post("/v2/enqueue", enqueue)
    return app


def line(event: Page) -> str:
    """One event as a person would read it on a phone."""
    action, key = event.get("event_action"), event.get("dedup_key")
    payload = event.get("payload") or {}
    if action == "trigger":
        return f"PAGE  {payload.get('severity')}: {payload.get('summary')}  [{key}]"
    return f"PAGE  {action}: [{key}]"
