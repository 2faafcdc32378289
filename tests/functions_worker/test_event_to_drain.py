"""Does one event go the whole way under Microsoft's worker, as in Azure: hub, ledger, page, state file?"""

import json
from pathlib import Path

import pytest

from local.eventhubs import Broker
from tests.e2e.blob_stage import KEY, a_blob_stage, until
from tests.e2e.stage import RULES, health_event
from tests.functions_worker.host import FunctionsWorker, microsofts_worker
from tests.functions_worker.messages import timer_tick
from tests.functions_worker.trigger import delivered, send

pytestmark = pytest.mark.slow

POLICY = "settle: 1s, same_fault_within: 1s, rejoin_after: 1s, cooldown: 1s"


async def test_an_event_of_the_hub_pages_drains_and_when_mended_rejoins(
    tmp_path: Path, azurite: str, container_name: str
) -> None:
    """The page goes out with the batch, the blob vanishes after the settle time, and both are undone."""
    async with (
        a_blob_stage(tmp_path, azurite, container_name, POLICY) as stage,
        Broker(tmp_path / "hub", {"signals": 1}) as broker,
        microsofts_worker(
            tmp_path,
            {
                "WEBSITE_SITE_NAME": "remediation",  # as in Azure: no other ledger will do
                "REMEDIATION_LEDGER": "blob",
                "REMEDIATION_LEDGER_CONNECTION": azurite,
                "REMEDIATION_LEDGER_CONTAINER": container_name,
                "REMEDIATION_HUB": broker.connection_string(),
                "REMEDIATION_WORKLOADS": str(stage.workload_file),
                "REMEDIATION_RULES": str(RULES),
                **stage.secrets,
            },
        ) as worker,
        delivered(broker.connection_string("signals"), worker) as batches,
    ):
        hub = broker.connection_string("signals")
        assert await _ticked(worker)  # the first look at the stamps
        await send(hub, json.dumps(health_event("weu", "red")), "shop")
        await until(lambda: stage.keys("trigger") == {KEY.format("weu")}, "the page")
        assert await stage.out() == set()

        async def drained() -> bool:
            return await _ticked(worker) and await stage.out() == {"weu"}

        await until(drained, "the state file of weu, and of no other, is gone")
        await send(hub, json.dumps(health_event("weu", "green")), "shop")

        async def rejoined() -> bool:
            return await _ticked(worker) and not stage.open_pages() and await stage.out() == set()

        await until(rejoined, "the state file is back, and the page resolved")
        assert stage.effects() == ["drained weu", "rejoined weu"]
        assert [batch.error for batch in batches] == ["", ""]
        said = [json.loads(line["message"]) for line in worker.logs if line["category"] == "remediation"]
        assert {line["workload"] for line in said if "workload" in line} == {"shop"}


async def _ticked(worker: FunctionsWorker) -> bool:
    """The timer fires."""
    outcome = await worker.invoke("reconcile", timer_tick("timer"))
    return outcome.succeeded
