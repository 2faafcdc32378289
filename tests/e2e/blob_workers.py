"""How does a test run real workers that share one hub and one Blob ledger, and end them as it likes?"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from local.eventhubs import Broker
from remediation.ledger.blob import BlobLedger
from remediation.ledger.intent import Intent
from tests.e2e.blob_stage import REGIONS, RULES, BlobStage, a_blob_stage, until
from tests.intake.bodies import a_health_event, a_target, an_alert_body

POLICY = (
    "settle: 1s, same_fault_within: 1s, rejoin_after: 2s, lease: 3s, cooldown: 1s, "
    "drains_per_hour: 4, drains_per_day: 4"
)
PARTITIONS = 4
COMMAND = Path(sys.executable).with_name("remediation")


@dataclass
class WorkerProcess:
    """One `remediation serve`."""

    log: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it, as a user would."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [COMMAND, "serve"], env=os.environ | self.environment, stdout=log, stderr=log
            )

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP it, SIGCONT it, SIGKILL it."""
        assert self.process is not None
        self.process.send_signal(number)
        if number is signal.SIGKILL:
            self.process.wait()

    async def ends_by_ctrl_c(self) -> int:
        """Its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return await asyncio.to_thread(self.process.wait, 20)

    @property
    def runs(self) -> bool:
        """Whether it was started and not ended."""
        return self.process is not None and self.process.poll() is None

    async def url(self) -> str:
        """Where it listens, once it does: it says so itself."""
        await until(lambda: "runs on http" in self.log.read_text(), f"a start: {self.log}")
        said = self.log.read_text().rpartition("The remediation worker runs on ")[2]
        return said.split()[0]

    async def post(self, route: str, body: object) -> int:
        """Post a JSON document; the answer's status."""
        url = f"{await self.url()}/api/{route}"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            return answer.status

    async def counts(self) -> Counter[str]:
        """What it has counted."""
        url = f"{await self.url()}/readyz"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return Counter(dict((await answer.json()).get("counts", {})))


@dataclass
class Workers:
    """Real workers on one stage, one hub and one ledger."""

    stage: BlobStage
    broker: Broker
    ledger: BlobLedger
    sent: list[str] = field(default_factory=list)
    processes: list[WorkerProcess] = field(default_factory=list)
    _producer: EventHubProducerClient | None = None

    async def start(self, count: int) -> None:
        """Start so many; wait until each of them reads partitions, and the stamps have been looked at."""
        for number in range(count):
            environment = self._environment(number)
            self.processes.append(WorkerProcess(self.stage.folder / f"worker-{number}.log", environment))
            self.processes[-1].start()
        await until(lambda: self._shared_by(count), f"{count} owners of {PARTITIONS} partitions")
        await until(self._looked_at, "the first look at the stamps")

    def _environment(self, number: int) -> dict[str, str]:
        return {
            "REMEDIATION_PORT": "0",
            "REMEDIATION_DATA_DIR": str(self.stage.folder / f"data-{number}"),
            "REMEDIATION_WORKLOADS": str(self.stage.workload_file),
            "REMEDIATION_RULES": str(RULES),
            "REMEDIATION_LEDGER": "blob",
            "REMEDIATION_LEDGER_CONNECTION": self.stage.azurite,
            "REMEDIATION_LEDGER_CONTAINER": self.stage.container,
            "REMEDIATION_HUB": self.broker.connection_string(),
            "REMEDIATION_RECONCILE_SCHEDULE": "* * * * * *",
            **self.stage.secrets,
        }

    async def owners(self) -> dict[str, str]:
        """Who owns each partition, as the SDK's checkpoint store keeps it in Blob Storage."""
        container = self.stage.service.get_container_client(f"{self.stage.container}-checkpoints")
        if not await container.exists():
            return {}
        return {
            blob.name.rsplit("/", 1)[1]: blob.metadata["ownerid"]
            async for blob in container.list_blobs(include=["metadata"])
            if "/ownership/" in blob.name
        }

    async def _shared_by(self, count: int) -> bool:
        owners = await self.owners()
        return len(owners) == PARTITIONS and len(set(owners.values())) == count

    async def _looked_at(self) -> bool:
        return "seen" in await self.stage.record_text()

    async def event(
        self, stamp: str, state: str, node: str = "BackgroundProcessor", key: str = "shop"
    ) -> None:
        """The health model sends an event over AMQP, with the unmodified SDK."""
        moment = _now()
        event_id = f"{len(self.sent)}-{stamp}-{node}-{state}"
        body = a_health_event(
            id=event_id, stamp=stamp, state=state, node=node, time=moment, observed_at=moment, sequence=...
        )
        if self._producer is None:
            self._producer = EventHubProducerClient.from_connection_string(
                self.broker.connection_string(), eventhub_name="signals"
            )
        await self._producer.send_event(EventData(json.dumps(body)), partition_key=key)
        self.sent.append(f"/health-models/shop#{event_id}")

    async def alert(self, stamp: str, condition: str) -> None:
        """Azure Monitor posts an alert to one worker that runs, and tries again until it is accepted."""
        body = an_alert_body(
            alertRule="EventHub-metricalert-OutgoingMessages-Error",
            monitorCondition=condition,
            alertTargetIDs=[a_target(f"shop1a2b-stamp-{REGIONS[stamp]}-rg")],
            firedDateTime=_now(),
            **({"resolvedDateTime": _now()} if condition == "Resolved" else {}),
        )

        async def accepted() -> bool:
            try:
                return await self.running()[0].post("alerts", body) == 202
            except aiohttp.ClientError:
                return False

        await until(accepted, f"202 for {condition}")

    def running(self) -> list[WorkerProcess]:
        """Those that run."""
        return [worker for worker in self.processes if worker.runs]

    async def acting(self) -> Intent:
        """The intent that some worker carries out now."""
        going = (await self.stage.record()).in_flight()
        assert len(going) == 1, going
        return going[0]

    async def actor(self) -> WorkerProcess:
        """The worker that holds the lease: its process id is part of its name."""
        lease = (await self.acting()).lease
        assert lease is not None
        return next(worker for worker in self.processes if f"-{worker.pid}-" in lease.owner)

    async def journalled(self) -> Counter[str]:
        """How often each signal was considered by a journalled decision."""
        entries = await self.ledger.journal("shop", 5000)
        return Counter(signal for entry in entries for signal in entry.signals)

    async def close(self) -> None:
        """End whatever still runs."""
        for worker in self.running():
            worker.signal(signal.SIGKILL)
        if self._producer is not None:
            await self._producer.close()


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@asynccontextmanager
async def workers_on_blobs(folder: Path, azurite: str, container: str) -> AsyncIterator[Workers]:
    """A stage, a hub and a ledger; no worker is started yet."""
    async with (
        a_blob_stage(folder, azurite, container, POLICY) as stage,
        Broker(folder / "hub", {"signals": PARTITIONS}) as broker,
    ):
        workers = Workers(stage, broker, BlobLedger(azurite, container))
        try:
            yield workers
        finally:
            await workers.close()
            await workers.ledger.close()
            await asyncio.sleep(0)
