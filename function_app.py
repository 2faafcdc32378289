"""The Azure Functions triggers. Every body is one call into the worker."""

import os
from typing import List  # noqa: UP035 - see `signals`

import azure.functions as func

from remediation.wiring import worker
from remediation.worker import ORIGIN_HEADER, Reply, Route, may_send

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def _response(reply: Reply) -> func.HttpResponse:
    return func.HttpResponse(
        reply.json(), status_code=reply.status, headers={**reply.headers}, mimetype="application/json"
    )


async def _received(route: Route, req: func.HttpRequest) -> func.HttpResponse:
    if req.method == "OPTIONS":
        return _response(may_send(req.headers.get(ORIGIN_HEADER)))
    return _response(await worker().receive(route, req.get_body()))


@app.route(route="api/alerts", methods=["POST", "OPTIONS"])
async def alerts(req: func.HttpRequest) -> func.HttpResponse:
    """Azure Monitor's webhook, and Event Grid's."""
    return await _received(Route.ALERTS, req)


@app.route(route="api/health-events", methods=["POST", "OPTIONS"])
async def health_events(req: func.HttpRequest) -> func.HttpResponse:
    """Health-state change events of senders without Event Hubs."""
    return await _received(Route.HEALTH_EVENTS, req)


@app.route(route="api/orders", methods=["POST"])
async def orders(req: func.HttpRequest) -> func.HttpResponse:
    """A person's order: hold, release, silence, drain, rejoin, approve."""
    return _response(await worker().order(req.get_body()))


@app.route(route="healthz", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def healthz(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the host hands it over
    """The process is alive."""
    return _response(Reply(200, {"status": "ok"}))


@app.route(route="readyz", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def readyz(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the host hands it over
    """The worker can do its work, or says why it cannot."""
    return _response(await worker().ready())


# The host checkpoints a batch even when the function throws. `consume` therefore throws only when
# the ledger as a whole is out of reach, and this policy then holds the partition until it is back.
@app.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="signals",
    connection="REMEDIATION_HUB",
    consumer_group="remediation",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@app.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:00:30",
)
async def signals(events: List[func.EventHubEvent]) -> None:  # noqa: UP006 - Microsoft's worker refuses `list`
    """What the hub holds: bodies of the webhooks, and events of those who write to the hub themselves."""
    await worker().consume(events)


@app.timer_trigger(
    arg_name="timer",
    schedule=os.environ.get("REMEDIATION_RECONCILE_SCHEDULE", "*/30 * * * * *"),
    run_on_startup=False,
)
async def reconcile(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the host hands it over
    """Every 30 seconds: look, decide, act."""
    await worker().tick()
