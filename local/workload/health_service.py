"""What answers for a stamp when Front Door, or the worker, asks how it is?

A HealthService as in Azure's mission-critical reference implementation, as far
as the outside can tell: 200 or 503, with a body that lists the checks; one of
the checks is whether the state file is there.
"""

import asyncio
from datetime import datetime
from pathlib import Path

from aiohttp import web

CHECKS = ("AzMonitorHealthScore", "Database", "MessageProducer")
PATH = "/healthservice/health/stamp"


def health_service(state_file: Path) -> web.Application:
    """The HealthService of the stamp with that state file. All of its other checks are healthy."""

    async def answer(_: web.Request) -> web.Response:
        present = await asyncio.to_thread(state_file.exists)
        checks = [_check("BlobStorage", healthy=present), *(_check(name, healthy=True) for name in CHECKS)]
        # The reference gives local time without a zone; so do we.
        body = {"lastExecution": datetime.now().isoformat(), "checks": checks}  # noqa: DTZ005
        return web.json_response(body, status=200 if present else 503)

    app = web.Application()
    app.router.add_get(PATH, answer)
    return app


def _check(component: str, *, healthy: bool) -> dict[str, str]:
    return {
        "component": component,
        "status": "Healthy" if healthy else "Unhealthy",
        "duration": "00:00:00.0010",
    }
