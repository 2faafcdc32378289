"""Which functions does the app have, and what triggers each?

`function_app.py` is the only description of the app. What its decorators collected is read here in the form
in which the real host gets it (the JSON of function.json), placeholders and connections are resolved from
the settings, and everything that could not be served is refused by name.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import azure.functions as func
from azure.eventhub import parse_connection_string

from local.functions_host.errors import HostError
from local.functions_host.invocation import Callee
from local.functions_host.ncrontab import Schedule, parse_schedule
from local.functions_host.retry import RetryPolicy, parse_retry_policy
from local.functions_host.routes import Route, parse_route

_PLACEHOLDER = re.compile(r"%([^%\s]+)%")
# azure-functions lets an app be read only once. Several hosts may serve one imported app, one after the
# other (a restart within one process), so what was read is kept as long as the app lives.
_READ: WeakKeyDictionary[func.FunctionApp, list[func.Function]] = WeakKeyDictionary()


@dataclass(frozen=True)
class HttpTrigger:
    """Called by HTTP requests."""

    route: Route
    methods: frozenset[str]  # empty: every method
    needs_key: bool

    def __str__(self) -> str:
        methods = ",".join(sorted(self.methods)) or "any"
        return f"http {methods} /{self.route.template}" + (" (key)" if self.needs_key else "")


@dataclass(frozen=True)
class TimerTrigger:
    """Called by the clock."""

    expression: str
    schedule: Schedule
    run_on_startup: bool

    def __str__(self) -> str:
        return f"timer {self.expression}"


@dataclass(frozen=True)
class EventHubTrigger:
    """Called with the events of a hub."""

    hub: str
    consumer_group: str
    connection_string: str
    many: bool
    binary: bool

    def __str__(self) -> str:
        return f"event hub {self.hub}, group {self.consumer_group}, " + (
            "batches" if self.many else "one by one"
        )


Trigger = HttpTrigger | TimerTrigger | EventHubTrigger


@dataclass(frozen=True)
class LoadedFunction:
    """A function of the app, ready to be served."""

    callee: Callee
    trigger: Trigger
    retry: RetryPolicy | None


def load_functions(
    app: func.FunctionApp, settings: Mapping[str, str], route_prefix: str
) -> list[LoadedFunction]:
    """Read the app's functions with all their settings resolved.

    Raises:
        HostError: A trigger or binding that the local host does not serve, a missing setting, a bad value.
    """
    return [_load(function, settings, route_prefix) for function in _functions(app)]


def _functions(app: func.FunctionApp) -> list[func.Function]:
    if app in _READ:
        return _READ[app]
    already_read = app.functions_bindings is not None
    try:
        functions = app.get_functions()
    except ValueError as error:
        if already_read:
            raise HostError(
                "this FunctionApp was already read by something else, and azure-functions allows that once: "
                "build a new FunctionApp"
            ) from error
        raise HostError(f"the app's functions cannot be read: {error}") from error
    _READ[app] = functions
    return functions


def _load(function: func.Function, settings: Mapping[str, str], route_prefix: str) -> LoadedFunction:
    name = function.get_function_name() or "(unnamed)"
    bindings = [json.loads(raw) for raw in function.get_raw_bindings()]
    trigger = next(each for each in bindings if str(each["type"]).lower().endswith("trigger"))
    kind = str(trigger["type"])
    reader = _READERS.get(kind.lower())
    if reader is None:
        raise HostError(f"function {name}: the local host does not serve the trigger type {kind}")
    for binding in bindings:
        answers_http = str(binding["type"]).lower() == "http" and kind.lower() == "httptrigger"
        if binding is not trigger and not answers_http:
            raise HostError(
                f"function {name}: the local host does not serve the binding type {binding['type']}"
            )
    reading = _Reading(name, trigger, settings, route_prefix)
    return LoadedFunction(
        _callee(name, function, str(trigger["name"])), reader(reading), _retry(name, function)
    )


def _callee(name: str, function: func.Function, argument: str) -> Callee:
    call = function.get_user_function()
    parameters = set(inspect.signature(call).parameters)
    if argument not in parameters:
        raise HostError(f"function {name}: no parameter is named {argument}, as its trigger says")
    if unbound := sorted(parameters - {argument, "context"}):
        raise HostError(f"function {name}: nothing is bound to the parameter {', '.join(unbound)}")
    return Callee(name, call, argument, takes_context="context" in parameters and argument != "context")


def _retry(name: str, function: func.Function) -> RetryPolicy | None:
    setting = function.get_settings_dict("retry_policy")
    if setting is None:
        return None
    try:
        return parse_retry_policy(setting)
    except ValueError as error:
        raise HostError(f"function {name}: its retry policy cannot be used: {error}") from error


@dataclass(frozen=True)
class _Reading:
    """One trigger while it is read."""

    function: str
    binding: Mapping[str, Any]
    settings: Mapping[str, str]
    route_prefix: str

    @property
    def where(self) -> str:
        return f"function {self.function}, binding {self.binding['name']}"

    def text(self, key: str, default: str) -> str:
        """A value of the binding with its `%NAME%` placeholders resolved."""
        return _PLACEHOLDER.sub(self._setting, str(self.binding.get(key, default)))

    def _setting(self, found: re.Match[str]) -> str:
        if found[1] not in self.settings:
            raise HostError(f"{self.where}: the setting {found[1]} is missing")
        return self.settings[found[1]]

    def connection_string(self) -> str:
        """The value of the setting that the binding's `connection` names."""
        setting = self.text("connection", "")
        if setting in self.settings:
            return self.settings[setting]
        if any(name.startswith(f"{setting}__") for name in self.settings):
            raise HostError(
                f"{self.where}: the connection {setting} is identity-based ({setting}__...); "
                f"the local host takes connection strings only: set {setting}"
            )
        raise HostError(f"{self.where}: the setting {setting or '(no connection named)'} is missing")


def _http(reading: _Reading) -> HttpTrigger:
    binding = reading.binding
    own = reading.text("route", reading.function).strip("/")
    try:
        route = parse_route("/".join(part for part in (reading.route_prefix, own) if part))
    except ValueError as error:
        raise HostError(f"{reading.where}: {error}") from error
    methods = frozenset(str(method).upper() for method in binding.get("methods") or ())
    return HttpTrigger(route, methods, str(binding.get("authLevel", "function")).lower() != "anonymous")


def _timer(reading: _Reading) -> TimerTrigger:
    expression = reading.text("schedule", "")
    try:
        schedule = parse_schedule(expression)
    except ValueError as error:
        raise HostError(f"{reading.where}: its schedule cannot be used: {error}") from error
    return TimerTrigger(expression, schedule, run_on_startup=bool(reading.binding.get("runOnStartup", False)))


def _event_hub(reading: _Reading) -> EventHubTrigger:
    connection = reading.connection_string()
    try:
        named_in_connection = parse_connection_string(connection).eventhub_name
    except ValueError:
        # `from None`: the SDK's message may quote the string, and with it the key.
        raise HostError(
            f"{reading.where}: the setting {reading.binding['connection']} "
            "holds no Event Hubs connection string"
        ) from None
    return EventHubTrigger(
        # As in the real host, an EntityPath in the connection string wins over the binding.
        hub=named_in_connection or reading.text("eventHubName", ""),
        consumer_group=reading.text("consumerGroup", "$Default"),
        connection_string=connection,
        many=reading.text("cardinality", "one").lower() == "many",
        binary=reading.text("dataType", "").lower() == "binary",
    )


_READERS: Mapping[str, Callable[[_Reading], Trigger]] = {
    "httptrigger": _http,
    "timertrigger": _timer,
    "eventhubtrigger": _event_hub,
}
