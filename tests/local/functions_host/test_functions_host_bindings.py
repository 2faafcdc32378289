"""Is everything that cannot be served refused at start, by name?"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from local.functions_host import FunctionsHost, HostError

CONNECTION = (
    "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=any;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true;"
)


def _hub_app(**options: Any) -> func.FunctionApp:
    app = func.FunctionApp()
    trigger = {"arg_name": "events", "event_hub_name": "%HUB%", "connection": "HEALTH"} | options

    @app.event_hub_message_trigger(**trigger)
    def on_events(events: list[func.EventHubEvent]) -> None: ...

    return app


async def _refusal(app: func.FunctionApp, **options: Any) -> str:
    host = FunctionsHost(app, **{"settings": {}, "port": 0, **options})
    with pytest.raises(HostError) as caught:
        await host.start()
    with pytest.raises(HostError, match="not running"):
        _ = host.url
    return str(caught.value)


def test_functions_are_listed_with_their_triggers() -> None:
    """The list for people names each function and what triggers it, placeholders resolved."""
    app = _hub_app(cardinality="many", consumer_group="%GROUP%")

    @app.route(route="alerts/{source}", methods=["POST"])
    def alerts(req: func.HttpRequest) -> None: ...

    @app.function_name("tick")
    @app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
    def reconcile(timer: func.TimerRequest) -> None: ...

    settings = {
        "HUB": "signals",
        "GROUP": "remediation",
        "SCHEDULE": "*/30 * * * * *",
        "HEALTH": CONNECTION,
    }
    assert FunctionsHost(app, settings=settings).functions == {
        "on_events": "event hub signals, group remediation, batches",
        "alerts": "http POST /api/alerts/{source} (key)",
        "tick": "timer */30 * * * * *",
    }


def test_an_entity_path_wins_over_the_binding() -> None:
    """As in the real host, the hub that the connection string names is the one that is read."""
    settings = {"HUB": "signals", "HEALTH": CONNECTION + "EntityPath=other"}
    assert "event hub other" in FunctionsHost(_hub_app(), settings=settings).functions["on_events"]


async def test_a_missing_placeholder_names_function_binding_and_setting() -> None:
    """A placeholder without a setting is refused with all three names."""
    refusal = await _refusal(_hub_app(), settings={"HEALTH": CONNECTION})
    assert refusal == "function on_events, binding events: the setting HUB is missing"


async def test_a_missing_connection_is_named() -> None:
    """A connection without a setting is refused with the setting's name."""
    refusal = await _refusal(_hub_app(), settings={"HUB": "signals"})
    assert refusal == "function on_events, binding events: the setting HEALTH is missing"


async def test_an_identity_connection_is_refused_in_plain_words() -> None:
    """An identity-based connection is answered with what this host takes instead."""
    settings = {"HUB": "signals", "HEALTH__fullyQualifiedNamespace": "ns.servicebus.windows.net"}
    refusal = await _refusal(_hub_app(), settings=settings)
    assert "connection strings only" in refusal
    assert "HEALTH" in refusal


async def test_a_malformed_connection_string_is_not_repeated() -> None:
    """A connection string that cannot be read is named by its setting, and never quoted."""
    refusal = await _refusal(_hub_app(), settings={"HUB": "signals", "HEALTH": "SharedAccessKey=hunter2"})
    assert "HEALTH" in refusal
    assert "hunter2" not in refusal


async def test_an_unknown_trigger_is_named() -> None:
    """A trigger type that is not served is refused with function and type."""
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="msg", queue_name="q", connection="C")
    def on_message(msg: func.QueueMessage) -> None: ...

    assert await _refusal(app) == (
        "function on_message: the local host does not serve the trigger type queueTrigger"
    )


async def test_an_output_binding_is_named() -> None:
    """An output binding is refused with function and type."""
    app = func.FunctionApp()

    @app.route(route="x")
    @app.blob_output(arg_name="blob", path="a/b", connection="C")
    def write(req: func.HttpRequest, blob: func.Out[str]) -> None: ...

    assert await _refusal(app) == "function write: the local host does not serve the binding type blob"


async def test_a_parameter_without_a_binding_is_named() -> None:
    """A parameter that nothing fills is refused, and so is a trigger whose parameter is not there."""
    app = func.FunctionApp()

    @app.route(route="x")
    def extra(req: func.HttpRequest, mystery: str) -> None: ...

    assert await _refusal(app) == "function extra: nothing is bound to the parameter mystery"
    other = func.FunctionApp()

    @other.route(route="x", trigger_arg_name="request")
    def misnamed(req: func.HttpRequest) -> None: ...

    assert await _refusal(other) == "function misnamed: no parameter is named request, as its trigger says"


async def test_a_bad_schedule_and_a_bad_retry_policy_are_named() -> None:
    """A timer's expression and a retry policy that cannot be read are refused with the function's name."""
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="every day")
    def daily(timer: func.TimerRequest) -> None: ...

    assert "function daily, binding timer: its schedule cannot be used" in await _refusal(app)
    other = func.FunctionApp()

    @other.timer_trigger(arg_name="timer", schedule="0 * * * * *")
    @other.retry(strategy="hope", max_retry_count="1")
    def hopeful(timer: func.TimerRequest) -> None: ...

    assert "function hopeful: its retry policy cannot be used: strategy is 'hope'" in await _refusal(other)


async def test_an_app_that_something_else_read_is_refused() -> None:
    """An app whose one reading was used up elsewhere is refused with the way out."""
    app = func.FunctionApp()

    @app.route(route="x")
    def get_x(req: func.HttpRequest) -> None: ...

    app.get_functions()
    assert "build a new FunctionApp" in await _refusal(app)


async def test_two_functions_of_one_name_are_refused() -> None:
    """What azure-functions itself refuses comes out as the host's error, with the name."""
    app = func.FunctionApp()
    for route in ("a", "b"):

        @app.function_name("twin")
        @app.route(route=route)
        def _twin(req: func.HttpRequest) -> None: ...

    assert "twin" in await _refusal(app)


@pytest.mark.parametrize(
    ("extensions", "reason"),
    [
        ({"http": {"routePrefix": 1}}, "routePrefix must be text"),
        ({"http": []}, "http must be an object"),
        ({"eventHubs": {"maxEventBatchSize": 0}}, "maxEventBatchSize must be a whole number above 0"),
        ({"eventHubs": {"initialOffsetOptions": {"type": "fromMiddle"}}}, "expected fromStart, fromEnd or"),
        ({"eventHubs": {"initialOffsetOptions": {"type": "fromEnqueuedTime"}}}, "enqueuedTimeUtc is None"),
    ],
)
async def test_a_bad_host_json_setting_is_named(
    extensions: dict[str, Any], reason: str, host_json: Callable[[dict[str, Any]], Path]
) -> None:
    """A setting of host.json with a wrong type or value is refused with its name."""
    assert reason in await _refusal(func.FunctionApp(), host_json=host_json(extensions))


async def test_an_unreadable_host_json_is_refused(tmp_path: Path) -> None:
    """A host.json that is not there, or is no JSON, is refused."""
    path = tmp_path / "host.json"
    assert "cannot be read" in await _refusal(func.FunctionApp(), host_json=path)
    path.write_text("{")
    assert "cannot be read" in await _refusal(func.FunctionApp(), host_json=path)
    path.write_text(json.dumps([]))
    assert "must be an object" in await _refusal(func.FunctionApp(), host_json=path)
