"""Do people's orders reach a real worker: over HTTP, and on the command line beside it?"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.stage import COMMAND, Stage, a_stage, until

pytestmark = pytest.mark.slow


async def post(stage: Stage, **order: Any) -> tuple[int, dict[str, Any]]:
    """Give an order over HTTP; status and content of the answer."""
    url = f"http://127.0.0.1:{stage.port}/api/orders"
    async with aiohttp.ClientSession() as session, session.post(url, json=order) as answer:
        return answer.status, await answer.json()


async def command(stage: Stage, *words: str) -> tuple[int, dict[str, Any]]:
    """Give an order on the command line, in a process beside the worker's."""
    environment = {
        **os.environ,
        "REMEDIATION_DATA_DIR": str(stage.folder / "data"),
        "REMEDIATION_WORKLOADS": str(stage.folder / "workload.yaml"),
        "REMEDIATION_RULES": str(stage.rules),
    }
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *words,
        "--json",
        "--yes",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate()
    assert said, errors.decode()
    return process.returncode or 0, json.loads(said)


async def test_a_stamp_is_drained_over_http_and_brought_back_by_command(tmp_path: Path) -> None:
    """Real HTTP, a real process, real state files; held orders are answered with what holds them."""
    who = {"workload": "shop", "author": "ada", "reason": "it smells"}
    async with a_stage(tmp_path) as stage:
        stage.start()
        await stage.ready()
        status, content = await post(stage, order="drain", stamp="weu", **who)
        assert (status, content["holds"]) == (200, [])
        await until(lambda: stage.out() == {"weu"}, "the drain that was ordered")
        status, content = await post(stage, order="drain", stamp="weu", **who)
        assert (status, content["holds"][0]["guardrail"]) == (409, "still_in_rotation")
        assert (await post(stage, order="drain", stamp="wue", **who))[0] == 400

        await until(lambda: '"state":"verified"' in stage.record(), "the drain to be seen")
        code, shown = await command(stage, "rejoin", "weu", "--reason", "it is fine", "--author", "grace")
        assert (code, shown["done"]) == (0, True), shown
        await until(lambda: stage.out() == set(), "the rejoin that was ordered")
        assert stage.drains == ["drained weu", "rejoined weu"]

        code, shown = await command(stage, "hold", "--reason", "lunch", "--author", "grace")
        assert (code, shown["done"]) == (0, True)
        status, content = await post(stage, order="drain", stamp="neu", **who)
        assert (status, [held["guardrail"] for held in content["holds"]]) == (409, ["hold_switch"])
