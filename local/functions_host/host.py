"""How does `function_app.py` run on this machine?

The host reads the functions that the app registered, and serves each by its trigger. There is no second
entry point: what runs here is the object that Azure's worker loads.
"""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import azure.functions as func
from azure.eventhub.aio import CheckpointStore

from local.functions_host.bindings import (
    EventHubTrigger,
    HttpTrigger,
    LoadedFunction,
    TimerTrigger,
    load_functions,
)
from local.functions_host.errors import HostError
from local.functions_host.event_hub_trigger import EventHubListener, Listening
from local.functions_host.host_json import HostJson, read_host_json
from local.functions_host.http_trigger import HttpFunction, HttpServer, Listen
from local.functions_host.invocation import Invoker
from local.functions_host.timer_trigger import Timer

_LOGGER = logging.getLogger(__name__)

AZURE_MAX_BODY_BYTES = 100 * 1024 * 1024


class _Served(Protocol):
    """Something that runs between start and stop."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class FunctionsHost:
    """Serves the functions of one app until it is stopped."""

    def __init__(  # noqa: PLR0913 - the settings of a host, all but two with a default
        self,
        app: func.FunctionApp,
        *,
        settings: Mapping[str, str],
        host_json: Path | None = None,
        checkpoint_store: CheckpointStore | None = None,
        host: str = "127.0.0.1",
        port: int = 7071,
        function_key: str | None = None,
        max_body_bytes: int = AZURE_MAX_BODY_BYTES,
        load_balancing_interval_s: float = 1.0,
        stop_within_s: float = 10.0,
    ) -> None:
        """Say what to serve; nothing is read, checked or opened before `start`.

        Args:
            app: The app, as `function_app.py` makes it.
            settings: The application settings: values for `%NAME%` and for connections.
            host_json: The host.json to follow; None for Azure's defaults.
            checkpoint_store: Keeps checkpoints and the claims on partitions; None keeps them in memory.
            host: Where to listen; other than loopback only together with a function key.
            port: 0 for any free port.
            function_key: The key that function-level routes ask for; None asks for none, on loopback only.
            max_body_bytes: The largest request body that is taken; a larger one is answered with 413.
            load_balancing_interval_s: How often claims on partitions are renewed and shared out. Those of
                a killed process expire after six of these.
            stop_within_s: How long `stop` lets invocations in flight go on.
        """
        self._app = app
        self._settings = settings
        self._host_json_path = host_json
        self._listen = Listen(host, port, function_key, max_body_bytes, stop_within_s)
        self._listening = Listening(checkpoint_store, load_balancing_interval_s, stop_within_s)
        self._http: HttpServer | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._running: list[_Served] = []

    @property
    def functions(self) -> Mapping[str, str]:
        """The functions' names, each with what triggers it, for people to read.

        Raises:
            HostError: As `start`.
        """
        return {each.callee.name: str(each.trigger) for each in self._load()[1]}

    @property
    def url(self) -> str:
        """The base URL of the HTTP functions, while the host runs.

        Raises:
            HostError: The host is not running.
        """
        if self._http is None:
            raise HostError("the host is not running, so it has no URL")
        return self._http.url

    async def start(self) -> None:
        """Serve all functions; an event hub may come up later.

        Raises:
            HostError: Something cannot be served; nothing is left running.
        """
        if self._threads is not None:
            raise HostError("the host is already running")
        host_json, functions = self._load()
        self._threads = ThreadPoolExecutor(self._thread_count(), thread_name_prefix="function")
        try:
            for served in self._served(host_json, functions, Invoker(self._threads)):
                await served.start()
                self._running.append(served)
        except BaseException:
            await self.stop()
            raise
        for name, trigger in self.functions.items():
            _LOGGER.info("serving %s: %s", name, trigger)

    async def stop(self) -> None:
        """Take nothing new, let what is in flight finish within the bound, and close everything."""
        running, self._running = self._running, []
        threads, self._threads, self._http = self._threads, None, None
        try:
            await asyncio.gather(*(served.stop() for served in running))
        finally:
            if threads is not None:
                threads.shutdown(wait=False, cancel_futures=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _load(self) -> tuple[HostJson, list[LoadedFunction]]:
        host_json = read_host_json(self._host_json_path)
        return host_json, load_functions(self._app, self._settings, host_json.route_prefix)

    def _thread_count(self) -> int | None:
        name = "PYTHON_THREADPOOL_THREAD_COUNT"
        text = self._settings.get(name)
        if text is None:
            return None
        if not text.isdecimal() or not int(text):
            raise HostError(f"the setting {name} is {text!r}; expected a whole number above 0")
        return int(text)

    def _served(
        self, host_json: HostJson, functions: list[LoadedFunction], invoker: Invoker
    ) -> list[_Served]:
        http: list[HttpFunction] = []
        others: list[_Served] = []
        for function in functions:
            match function.trigger:
                case HttpTrigger() as trigger:
                    http.append(HttpFunction(function.callee, trigger))
                case TimerTrigger() as trigger:
                    others.append(Timer(function, trigger, invoker, self._listen.stop_within_s))
                case EventHubTrigger() as trigger:
                    others.append(
                        EventHubListener(function, trigger, host_json.event_hubs, invoker, self._listening)
                    )
            if function.retry and isinstance(function.trigger, HttpTrigger):
                _LOGGER.warning(
                    "function %s: a retry policy has no effect on an HTTP trigger", function.callee.name
                )
        self._http = HttpServer(http, invoker, self._listen)
        return [self._http, *others]  # first what can fail: an address that is taken
