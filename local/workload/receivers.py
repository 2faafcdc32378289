"""Who is told on this machine? Receivers in the place of PagerDuty and of a Teams channel."""

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

Page = dict[str, Any]
Card = dict[str, Any]

WORKFLOW = "/workflows/demo"

_ESCAPED = re.compile(r"\\([\\`*_{}\[\]#~|!.)+-])")


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


def channel(show: Callable[[Card], None]) -> web.Application:
    """A server for a Teams Workflows webhook that shows each message; 202 says only that the flow began."""

    async def post(request: web.Request) -> web.Response:
        message: Card = await request.json()
        show(message)
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post(WORKFLOW, post)
    return app


def line(event: Page) -> str:
    """One page as a person would read it on a phone."""
    action, key = event.get("event_action"), event.get("dedup_key")
    payload = event.get("payload") or {}
    if action == "trigger":
        return f"PAGE  {payload.get('severity')}: {payload.get('summary')}  [{key}]"
    return f"PAGE  {action}: [{key}]"


def card_lines(message: Card) -> list[str]:
    """The text of a card, block by block, as a person would read it in the channel."""
    content = message["attachments"][0]["content"]
    return [_ESCAPED.sub(r"\1", text) for block in content["body"] for text in _texts(block)]


def card_line(message: Card) -> str:
    """A card in one line: how bad, where, and what the worker does about it, or else its title."""
    state, title, *rest = card_lines(message)
    does = [text.removeprefix("Worker: ") for text in rest if text.startswith("Worker: ")]
    return f"{state}: {title.split(':')[0]}: {does[0]}" if does else f"{state}: {title}"


def page_line(event: Page) -> str:
    """A page in one line, without the key that only machines need."""
    if event.get("event_action") != "trigger":
        return f"resolved: {event.get('dedup_key')}"
    payload = event.get("payload") or {}
    return f"{payload.get('severity')}: {payload.get('summary')}"


def _texts(block: dict[str, Any]) -> list[str]:
    match block.get("type"):
        case "Container":
            return [text for item in block["items"] for text in _texts(item)]
        case "FactSet":
            return [f"{fact['title']}: {fact['value']}" for fact in block["facts"]]
        case "TextBlock":
            return [str(block["text"])]
        case _:
            return []
