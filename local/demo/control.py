"""How is a running demo told what to break? By a small HTTP port on loopback."""

import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

import aiohttp
from aiohttp import ClientSession, ClientTimeout, web

from local.demo.feed import Who
from local.demo.picture import Picture
from local.demo.scene import Scene
from local.workload.faults import IN_WORDS, Fault
from local.workload.serving import HOST

PORT = 7099


class ControlError(Exception):
    """The running demo did not do it; says why."""


def control(scene: Scene, look: Callable[[], Picture], on_hand: Callable[[], None]) -> web.Application:
    """The port of a scene.

    Args:
        scene: what is broken and mended.
        look: the picture that is shown now.
        on_hand: called when somebody takes the demo into their own hands.
    """

    async def cause(request: web.Request) -> web.Response:
        asked = await request.json()
        on_hand()
        return await _answer(break_it(scene, str(asked["stamp"]), str(asked["fault"])))

    async def mend(request: web.Request) -> web.Response:
        asked = await request.json()
        on_hand()
        return await _answer(mend_it(scene, str(asked["stamp"])))

    async def state(_: web.Request) -> web.Response:
        return web.json_response(asdict(look()), dumps=lambda value: json.dumps(value, default=str))

    app = web.Application()
    app.router.add_post("/break", cause)
    app.router.add_post("/mend", mend)
    app.router.add_get("/state", state)
    return app


async def _answer(doing: Coroutine[Any, Any, str]) -> web.Response:
    try:
        return web.json_response({"done": await doing})
    except ControlError as error:
        return web.json_response({"error": str(error)}, status=400)


async def break_it(scene: Scene, stamp: str, fault: str) -> str:
    """Cause a fault; gives what was done, in words.

    Raises:
        ControlError: there is no such fault, or no such stamp.
    """
    if fault not in set(Fault):
        raise ControlError(f"no such fault: {fault}; there are {', '.join(Fault)}")
    try:
        where = await scene.faults.cause(stamp, Fault(fault))
    except KeyError:
        raise ControlError(f"{fault} breaks one of {', '.join(scene.faults.stamps)}; not {stamp}") from None
    done = f"BROKEN {where}: {IN_WORDS[Fault(fault)]}"
    scene.feed.say(Who.DEMO, done)
    return done


async def mend_it(scene: Scene, stamp: str) -> str:
    """Mend a stamp, or `all`; gives what was done, in words.

    Raises:
        ControlError: there is no such stamp.
    """
    try:
        await scene.faults.mend(stamp)
    except KeyError:
        raise ControlError(f"no such stamp: {stamp}; there are {', '.join(scene.faults.stamps)}") from None
    done = f"MENDED {stamp}"
    scene.feed.say(Who.DEMO, done)
    return done


async def ask(port: int, path: str, **what: str) -> str:
    """Tell the running demo something; gives what it did.

    Raises:
        ControlError: no demo runs there, or it refused.
    """
    url = f"http://{HOST}:{port}/{path}"
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=20)) as session,
            session.post(url, json=what) as answer,
        ):
            said = await answer.json()
    except (aiohttp.ClientError, TimeoutError):
        raise ControlError(f"no demo answers on port {port}; start one with `remediation demo`") from None
    if answer.status != 200:
        raise ControlError(said["error"])
    return str(said["done"])
