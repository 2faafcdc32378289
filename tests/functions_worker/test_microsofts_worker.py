"""Does Microsoft's own Python worker find the functions, and can it call them?"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.eventhubs import Broker
from tests.azurite import connection_string
from tests.e2e.stage import RULES, free_port, health_event
from tests.functions_worker.host import FunctionsWorker, microsofts_worker
from tests.functions_worker.messages import Event, event_hub_batch, http_request, timer_tick
from tests.functions_worker.trigger import held

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "golden/functions.json"
ALERT = Path(__file__).parents[2] / "local/workload/shop/cannot-read.json"
NOBODY_LISTENS = (
    "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=any;SharedAccessKey=any;UseDevelopmentEmulator=true"
)
WORKLOAD = """
workload: shop
stamps:
  - name: weu
    region: westeurope
    resource_groups: [shop1a2b-stamp-westeurope-rg]
    health_service: http://127.0.0.1:1/weu
    state_file: {container: weu, connection: env:STATE_STORAGE}
  - name: neu
    region: northeurope
    resource_groups: [shop1a2b-stamp-northeurope-rg]
    health_service: http://127.0.0.1:1/neu
    state_file: {container: neu, connection: env:STATE_STORAGE}
"""


@dataclass
class Loaded:
    """A worker with the app loaded, and the hub behind it."""

    worker: FunctionsWorker
    hub: str

    async def counts(self) -> dict[str, int]:
        """What the app has counted since its start."""
        answer = await self.worker.invoke("readyz", http_request("GET", "readyz"))
        assert answer.status == 200, answer.json()
        counts: dict[str, int] = answer.json()["counts"]
        return counts


@asynccontextmanager
async def loaded(folder: Path, **settings: str) -> AsyncIterator[Loaded]:
    """The app under Microsoft's worker, with a hub of one partition and a ledger in memory."""
    (folder / "workload.yaml").write_text(WORKLOAD)
    defaults = {
        "REMEDIATION_LEDGER": "memory",
        "REMEDIATION_WORKLOADS": str(folder / "workload.yaml"),
        "REMEDIATION_RULES": str(RULES),
    }
    async with Broker(folder / "hub", {"signals": 1}) as broker:
        hub = {"REMEDIATION_HUB": broker.connection_string()}
        async with microsofts_worker(folder, defaults | hub | settings) as worker:
            yield Loaded(worker, broker.connection_string("signals"))


async def test_the_worker_indexes_exactly_the_functions_of_the_golden_file(tmp_path: Path) -> None:
    """Names, triggers, bindings and retry policies are those that were agreed upon."""
    async with loaded(tmp_path) as app:
        assert [_described(each) for each in app.worker.functions.values()] == json.loads(GOLDEN.read_text())


async def test_http_requests_get_the_app_s_own_answers(tmp_path: Path) -> None:
    """An alert is 202 and in the hub, what is no JSON is 400, and the two probes answer 200."""
    alert = ALERT.read_text().replace("NOW", "2026-01-01T00:00:00Z").replace("CONDITION", "Fired")
    async with loaded(tmp_path) as app:
        invoke = app.worker.invoke
        taken = await invoke("alerts", http_request("POST", "api/alerts", alert.encode()))
        assert (taken.status, taken.json()["family"]) == (202, "azure-monitor")
        event = json.dumps(health_event("weu", "red")).encode()
        told = await invoke("health_events", http_request("POST", "api/health-events", event))
        assert (told.status, len(told.json()["accepted"])) == (202, 1)
        broken = await invoke("alerts", http_request("POST", "api/alerts", b'{"schemaId": '))
        assert (broken.status, broken.json()["error"]) == (400, "not_json")
        alive = await invoke("healthz", http_request("GET", "healthz"))
        assert (alive.status, alive.json()) == (200, {"status": "ok"})
        assert (await app.counts())["received.alerts"] == 2
        assert await held(app.hub) == 2


async def test_both_handshakes_are_answered(tmp_path: Path) -> None:
    """Event Grid gets its code, a sender of CloudEvents its own name in a header; the hub stays empty."""
    question = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6-c7b8"},
    }
    async with loaded(tmp_path) as app:
        asked = http_request("POST", "api/alerts", json.dumps([question]).encode())
        answer = await app.worker.invoke("alerts", asked)
        assert (answer.status, answer.json()) == (200, {"validationResponse": "512d38b6-c7b8"})
        for name, route in [("alerts", "api/alerts"), ("health_events", "api/health-events")]:
            # The host hands the names of headers over in lower case.
            named = {"webhook-request-origin": "eventgrid.azure.net"}
            allowed = await app.worker.invoke(name, http_request("OPTIONS", route, headers=named))
            assert allowed.status == 200
            assert allowed.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
            assert allowed.headers["webhook-allowed-rate"] == "*"
            assert (await app.worker.invoke(name, http_request("OPTIONS", route))).status == 400
        assert await held(app.hub) == 0


async def test_a_batch_comes_with_the_metadata_that_its_events_share(tmp_path: Path) -> None:
    """A signal, a heartbeat and bodies nobody can read, in one batch: each is taken for what it is."""
    signal = json.dumps(health_event("weu", "red")).encode()
    events = [
        Event(b"{}", {"HEALTHCHECK": "TRUE"}, sequence_number=7, offset="700"),
        Event(signal, key="shop", sequence_number=8, offset="800"),
        Event(b"\xff\xfe", sequence_number=9, offset="900"),
        Event(b"", {"remediation-route": "alerts"}, sequence_number=10, offset="1000"),
    ]
    async with loaded(tmp_path) as app:
        outcome = await app.worker.invoke("signals", *event_hub_batch("events", events))
        assert outcome.succeeded, outcome.error
        counts = await app.counts()
        assert counts["heartbeats"] == 1
        assert sum(count for name, count in counts.items() if name.startswith("dead_letters.")) == 2
        routes = [line["message"] for line in app.worker.logs if "dead letter" in line["message"]]
        assert len([line for line in routes if "route=alerts" in line]) == 1


async def test_an_offset_that_is_no_number_never_reaches_the_app(tmp_path: Path) -> None:
    """Microsoft's library refuses the batch, as docs/assumptions.md says: no geo-replicated namespace."""
    async with loaded(tmp_path) as app:
        outcome = await app.worker.invoke("signals", *event_hub_batch("events", [Event(b"{}", offset="2|9")]))
        assert not outcome.succeeded
        assert "2|9" in outcome.error
        assert await app.counts() == {}


async def test_a_tick_of_the_timer_reconciles(tmp_path: Path) -> None:
    """The function returns nothing, and the look at a stamp that does not answer fails nothing."""
    async with loaded(tmp_path) as app:
        outcome = await app.worker.invoke("reconcile", timer_tick("timer"))
        assert outcome.succeeded, outcome.error
        assert (await app.counts())["ledger.writes"] > 0


async def test_a_batch_fails_when_the_ledger_is_out_of_reach(tmp_path: Path) -> None:
    """The host is told of a failure, so that its retry policy holds the partition."""
    nobody = connection_string(free_port())
    signal = Event(json.dumps(health_event("weu", "red")).encode(), key="shop")
    async with loaded(tmp_path, REMEDIATION_LEDGER="blob", REMEDIATION_LEDGER_CONNECTION=nobody) as app:
        outcome = await app.worker.invoke("signals", *event_hub_batch("events", [signal]))
        assert not outcome.succeeded
        assert "LedgerUnavailableError" in outcome.error
        unready = await app.worker.invoke("readyz", http_request("GET", "readyz"))
        assert unready.status == 503


async def test_a_batch_fails_while_the_settings_cannot_be_read(tmp_path: Path) -> None:
    """In Azure a ledger on the machine's disk is refused: the functions are found, and lose nothing."""
    async with loaded(tmp_path, WEBSITE_SITE_NAME="remediation", REMEDIATION_HUB=NOBODY_LISTENS) as app:
        outcome = await app.worker.invoke("signals", *event_hub_batch("events", [Event(b"{}")]))
        assert not outcome.succeeded
        assert "REMEDIATION_LEDGER" in outcome.error
        refused = await app.worker.invoke("alerts", http_request("POST", "api/alerts", b"{}"))
        assert refused.status == 503


def _described(function: dict[str, Any]) -> dict[str, Any]:
    """What of a function is agreed upon; the rest is ids and folders."""
    return {
        "name": function["name"],
        "bindings": [json.loads(raw) for raw in function["raw_bindings"]],
        "retry": function.get("retry_options"),
    }
