"""Does the real process let Event Grid and senders of CloudEvents in, over real HTTP?"""

from pathlib import Path

import aiohttp
import pytest

from tests.e2e.stage import a_stage

pytestmark = pytest.mark.slow


async def test_both_handshakes_are_answered_over_http(tmp_path: Path) -> None:
    """Event Grid gets its code from POST, CloudEvents' OPTIONS its origin; neither is taken for a fact."""
    question = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "dataVersion": "1",
        "data": {"validationCode": "512d38b6-c7b8", "validationUrl": "https://rp.example.net/validate"},
    }
    named = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    async with a_stage(tmp_path) as stage, aiohttp.ClientSession(f"http://127.0.0.1:{stage.port}") as http:
        stage.start()
        await stage.ready()
        for route in ("/api/alerts", "/api/health-events"):
            async with http.post(route, json=[question]) as answer:
                assert answer.status == 200
                assert await answer.json() == {"validationResponse": "512d38b6-c7b8"}
            async with http.options(route, headers=named) as answer:
                assert answer.status == 200
                assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
                assert answer.headers["WebHook-Allowed-Rate"] == "*"
            async with http.options(route) as answer:
                assert answer.status == 400
                assert "WebHook-Request-Origin" in (await answer.json())["reason"]
        async with http.get("/readyz") as answer:
            counts = (await answer.json())["counts"]
        assert counts["handshakes"] == 2
        assert not [name for name in counts if name.startswith(("dead_letters.", "signals."))]
