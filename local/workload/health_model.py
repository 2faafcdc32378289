"""How is each stamp, by its telemetry? The health model, and the events with which it says so.

It judges as the reference implementation's queries do, with their blind spot: a
BackgroundProcessor that reads nothing has no bad numbers, so it is green; what it
leaves behind shows in the EventHub node, of which the root knows nothing.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

import aiohttp
from aiohttp import ClientSession, ClientTimeout
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from azure.eventhub.exceptions import EventHubError

from local.workload.catalogue import ITEMS
from local.workload.database import Database
from local.workload.health_service import MESSAGE_PRODUCER_CHECK
from local.workload.pace import Pace
from local.workload.stamp import RunningStamp
from local.workload.telemetry import Telemetry
from rules.signals import Health, worst
from rules.topology import ROOT_NODE

HEALTH_MODEL = "/health-models/shop"
HEALTH_SERVICES = "/healthservices/shop"

BACKLOG = (3, 10)
FAILURES = (2, 6)
"""More than these within one window are yellow, red. Fewer failures than in the reference: users are, too."""


class Word(NamedTuple):
    """What the model says of one node, and why."""

    source: str
    health: Health
    reasons: tuple[str, ...] = ()


Nodes = dict[tuple[RunningStamp | None, str], Word]


class HealthModel:
    """Watches stamps, keeps their scores, and sends a health event for each change."""

    def __init__(
        self,
        workload: str,
        stamps: Sequence[RunningStamp],
        database: Database,
        pace: Pace,
        telemetry: Telemetry,
    ) -> None:
        self.nodes: Nodes = {}
        self._workload = workload
        self._stamps = stamps
        self._database = database
        self._pace = pace
        self._telemetry = telemetry
        self._sequence = count(1)

    async def run(self, hub: EventHubProducerClient) -> None:
        """Judge again and again, and tell the worker's hub: each change at once, the rest now and then."""
        loop = asyncio.get_running_loop()
        snapshot_at = loop.time()
        async with ClientSession(timeout=ClientTimeout(total=1)) as session:
            while True:
                await asyncio.sleep(self._pace.evaluate_every.total_seconds())
                if not self._telemetry.arrives:
                    continue
                before, self.nodes = self.nodes, await self._judge(session)
                for stamp in self._stamps:
                    stamp.score.health = self.nodes[stamp, ROOT_NODE].health
                whole = loop.time() >= snapshot_at
                if whole:
                    snapshot_at = loop.time() + self._pace.snapshot_every.total_seconds()
                await self._tell(hub, before, whole=whole)

    async def _judge(self, session: ClientSession) -> Nodes:
        answers = await asyncio.gather(*(_web_test(session, stamp) for stamp in self._stamps))
        nodes: Nodes = {(None, "CosmosDB"): self._database_node()}
        for stamp, answer in zip(self._stamps, answers, strict=True):
            catalogue, processor = self._catalogue(stamp, answer), Word(HEALTH_MODEL, Health.GREEN)
            root = worst([catalogue.health, processor.health])
            nodes[stamp, ROOT_NODE] = Word(HEALTH_MODEL, root, catalogue.reasons)
            nodes[stamp, "CatalogService"] = catalogue
            nodes[stamp, "BackgroundProcessor"] = processor
            nodes[stamp, "EventHub"] = self._event_hub(stamp)
            nodes[stamp, MESSAGE_PRODUCER_CHECK] = _message_producer(stamp)
        return nodes

    def _database_node(self) -> Word:
        if self._database.writable:
            return Word(HEALTH_MODEL, Health.GREEN)
        return Word(HEALTH_MODEL, Health.RED, ("no write succeeds, from any stamp",))

    def _catalogue(self, stamp: RunningStamp, web_test: int | None) -> Word:
        failures = stamp.catalogue.failures.within(self._pace.metric_window)
        # A stamp without users has no failures. The web test asks it all the same.
        if web_test != 200:
            return Word(HEALTH_MODEL, Health.RED, (f"the web test got {web_test or 'no answer'}",))
        return Word(HEALTH_MODEL, _score(failures, FAILURES), (f"{failures} failed requests",))

    def _event_hub(self, stamp: RunningStamp) -> Word:
        window = self._pace.metric_window
        backlog = stamp.sender.sent.within(window) - stamp.processor.read.within(window)
        return Word(
            HEALTH_MODEL, _score(backlog, BACKLOG), (f"{backlog} more messages came in than went out",)
        )

    async def _tell(self, hub: EventHubProducerClient, before: Nodes, *, whole: bool) -> None:
        changed = [key for key in self.nodes if whole or _health(before, key) is not _health(self.nodes, key)]
        if not changed:
            return
        events = [EventData(json.dumps(self._event(key, before))) for key in changed]
        # Who cannot tell now tells with the next snapshot.
        with suppress(EventHubError, OSError):
            await hub.send_batch(list(events), partition_key=self._workload)

    def _event(self, key: tuple[RunningStamp | None, str], before: Nodes) -> dict[str, object]:
        stamp, node = key
        word, number, at = self.nodes[key], next(self._sequence), datetime.now(UTC).isoformat()
        place = f"stamps/{stamp.name}" if stamp else "global"
        return {
            "specversion": "1.0",
            "id": f"{word.source}/{number}/{at}",
            "source": word.source,
            "type": "health.state.changed.v1",
            "subject": f"{place}/nodes/{node}",
            "time": at,
            "data": {
                "workload": self._workload,
                "stamp": stamp.name if stamp else None,
                "region": stamp.place.region if stamp else None,
                "node": node,
                "root": node == ROOT_NODE,
                "previous": _health(before, key),
                "state": word.health,
                "observed_at": at,
                "sequence": number,
                "reasons": list(word.reasons),
            },
        }


async def _web_test(session: ClientSession, stamp: RunningStamp) -> int | None:
    """Ask the stamp itself, not through the front door; None for no answer."""
    try:
        async with session.get(stamp.url + ITEMS) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return None


def _message_producer(stamp: RunningStamp) -> Word:
    report = stamp.health_service.report
    if report is None:
        return Word(HEALTH_SERVICES, Health.UNKNOWN, ("the HealthService has not looked yet",))
    if MESSAGE_PRODUCER_CHECK in report.failing():
        return Word(HEALTH_SERVICES, Health.RED, ("its message was not taken",))
    return Word(HEALTH_SERVICES, Health.GREEN)


def _score(value: int, limits: tuple[int, int]) -> Health:
    yellow, red = limits
    return Health.RED if value > red else Health.YELLOW if value > yellow else Health.GREEN


def _health(nodes: Nodes, key: tuple[RunningStamp | None, str]) -> Health | None:
    word = nodes.get(key)
    return word.health if word else None
