"""How long from a webhook to a page, and what does a storm do to the worker?

The real process with the embedded default (broker, SQLite with full durability), over real HTTP
and AMQP; the pager is a real server in this process, which shares the machine with the worker.

Usage: python -m bench.whole_worker
"""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import aiohttp
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from local.workload.monitor import outgoing_messages_body
from local.workload.receivers import Page
from tests.e2e.stage import REGIONS, Stage, a_stage, until

EVERY_TEN_SECONDS = "*/10 * * * * *"
RATE = 20
ALERTS = 300
EVENTS = 50_000
INCIDENTS = 50
GIVE_UP_SECONDS = 300.0
ALERT_RULE = "EventHub-metricalert-OutgoingMessages-Error"


def _rules(folder: Path, conditions: list[str]) -> Path:
    """A rule file with one paging rule for each condition."""
    path = folder / "bench-rules.yaml"
    lines = ["rules:"]
    for i, condition in enumerate(conditions):
        lines.append(
            f"  - {{name: bench-{i}, summary: Bench., when: {condition}, severity: error, playbook: page}}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


async def webhook_to_page() -> list[float]:
    """Seconds from posting each alert to its page, at a steady rate; each alert is an incident of its own."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        pages = _Stamped()
        async with a_stage(folder, pages=pages) as stage:
            stage.rules = _rules(folder, [f"{{alert: Bench-{i}}}" for i in range(ALERTS + 1)])
            stage.schedule = EVERY_TEN_SECONDS
            posted: dict[str, float] = {}
            stage.start()
            await stage.ready()
            async with aiohttp.ClientSession() as session:
                # The first alert connects to the hub and loads what only webhooks need; it is not counted.
                await _post(stage, session, ALERTS, 0, {})
                await until(lambda: len(pages.first) == 1, "the first page")
                begun = time.perf_counter()
                posts = [
                    asyncio.create_task(_post(stage, session, i, begun + i / RATE, posted))
                    for i in range(ALERTS)
                ]
                await asyncio.gather(*posts)
            await until(lambda: len(pages.first) > ALERTS, "every page", within=GIVE_UP_SECONDS)
            return [pages.first[key] - posted[key] for key in posted]


class _Stamped(list[Page]):
    """A list of pages that notes when each dedup key first came in."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, float] = {}

    def append(self, page: Page) -> None:
        """Keep a page."""
        self.first.setdefault(page["dedup_key"], time.perf_counter())
        super().append(page)


async def _post(
    stage: Stage, session: aiohttp.ClientSession, number: int, moment: float, posted: dict[str, float]
) -> None:
    body = outgoing_messages_body("weu", REGIONS["weu"], "Fired", number, datetime.now(UTC))
    data = json.dumps(body).replace(ALERT_RULE, f"Bench-{number}")
    await asyncio.sleep(max(0.0, moment - time.perf_counter()))
    posted[f"shop/weu/bench-{number}"] = time.perf_counter()
    async with session.post(f"http://127.0.0.1:{stage.port}/api/alerts", data=data) as answer:
        assert answer.status == 202, await answer.text()


async def storm() -> tuple[int, float, float, int]:
    """Pages sent, seconds of sending, seconds from then to quiet, and peak memory in MB."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with a_stage(folder) as stage:
            conditions = [f"{{node: Bench{i}, state: red}}" for i in range(INCIDENTS)]
            stage.rules = _rules(folder, conditions)
            stage.start()
            await stage.ready()
            begun = time.perf_counter()
            await _send(stage)
            sent = time.perf_counter()
            await _until_taken_in(stage)
            quiet = time.perf_counter()
            pages = len(stage.triggers())
            assert stage.process is not None
            return pages, sent - begun, quiet - sent, _peak_memory(stage.process.pid)


async def _send(stage: Stage) -> None:
    connection = (
        f"Endpoint=sb://127.0.0.1:{stage.broker_port};SharedAccessKeyName=any;SharedAccessKey=any;"
        "UseDevelopmentEmulator=true"
    )
    start = datetime.now(UTC) - timedelta(seconds=EVENTS / INCIDENTS / 100)
    async with EventHubProducerClient.from_connection_string(connection, eventhub_name="signals") as producer:
        for first in range(0, EVENTS, 500):
            batch = await producer.create_batch(partition_key="shop")
            for number in range(first, first + 500):
                batch.add(EventData(json.dumps(_red(number, start))))
            await producer.send_batch(batch)


def _red(number: int, start: datetime) -> dict[str, object]:
    node = f"Bench{number % INCIDENTS}"
    at = (start + timedelta(milliseconds=10 * (number // INCIDENTS))).isoformat()
    return {
        "specversion": "1.0",
        "id": f"{number}",
        "source": "/health-models/shop",
        "type": "health.state.changed.v1",
        "subject": f"stamps/weu/nodes/{node}",
        "time": at,
        "data": {
            "workload": "shop",
            "stamp": "weu",
            "region": "westeurope",
            "node": node,
            "root": False,
            "previous": "green",
            "state": "red",
            "observed_at": at,
            "sequence": number,
            "reasons": ["a storm " + "." * 200],
        },
    }


async def _until_taken_in(stage: Stage) -> None:
    """Wait until every event was taken in and no page has come for a while."""
    async with aiohttp.ClientSession() as session:
        begun = time.perf_counter()
        while time.perf_counter() - begun < GIVE_UP_SECONDS:
            async with session.get(f"http://127.0.0.1:{stage.port}/readyz") as answer:
                counts = (await answer.json())["counts"]
            if counts.get("signals.accepted", 0) + counts.get("signals.replayed", 0) >= EVENTS:
                return
            await asyncio.sleep(0.2)
    raise TimeoutError(f"not all of {EVENTS} events were taken in: {counts}")


def _peak_memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) // 1024


def main() -> None:
    """Print the figures."""
    took = sorted(asyncio.run(webhook_to_page()))
    cuts = quantiles(took, n=100)
    print(f"webhook to page, {RATE} a second, {len(took)} incidents, embedded default")
    print(f"  p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms")
    pages, sending, quiet, memory = asyncio.run(storm())
    print(f"a storm of {EVENTS:,} events over {INCIDENTS} incidents")
    print(f"  {pages} pages; sent in {sending:.0f} s, quiet {quiet:.0f} s later; peak memory {memory} MB")


if __name__ == "__main__":
    main()
