"""What happens when a function is called?

The part of Microsoft's Python worker that matters to a function: an `async def` runs on the host's loop, a
plain `def` in a thread pool; a parameter named `context` gets the invocation's context; whatever a function
raises ends its invocation and nothing else. Retries happen here too, because they are repeated invocations.
"""

import asyncio
import contextvars
import functools
import inspect
import logging
import threading
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from time import perf_counter
from typing import Any

from local.functions_host.retry import RetryPolicy

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class RpcException:
    """The last failure, as a retried function sees it."""

    source: str = ""
    stack_trace: str = ""
    message: str = ""


@dataclass(frozen=True)
class RetryContext:
    """Which try this is; 0 of 0 without a retry policy."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: RpcException = RpcException()


@dataclass(frozen=True)
class TraceContext:
    """The W3C trace headers of the request, if there were any."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InvocationContext:
    """What a function's `context` parameter gets: the attributes of `azure.functions.Context`."""

    invocation_id: str
    function_name: str
    function_directory: str
    trace_context: TraceContext
    retry_context: RetryContext
    thread_local_storage: threading.local = field(default_factory=threading.local)


@dataclass(frozen=True)
class Callee:
    """A function as it is called, whatever triggers it."""

    name: str
    call: Callable[..., Any]
    argument: str  # the parameter that takes what the trigger brings
    takes_context: bool


@dataclass(frozen=True)
class Outcome:
    """The answer of one invocation, or its failure."""

    value: Any = None
    error: Exception | None = None


class Finish(Enum):
    """How a series of tries ended."""

    SUCCEEDED = "the last try succeeded"
    FAILED = "the last try failed, and no more were allowed"
    STOPPED = "the host stopped, or lost its claim, before the next try"


def no_answer(value: Any) -> None:
    """Refuse an answer where nobody takes it, as the real worker does."""
    if value is not None:
        raise TypeError("a function without a $return binding returned a value")


class Invoker:
    """Calls functions, and keeps their failures from everything else."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    async def invoke(
        self,
        callee: Callee,
        decode: Callable[[], Any],
        encode: Callable[[Any], Any] = no_answer,
        *,
        retry: RetryContext = RetryContext(),
        trace: TraceContext | None = None,
    ) -> Outcome:
        """Call the function once with what `decode` gives; `encode` makes the outcome of its answer."""
        invocation_id = str(uuid.uuid4())
        context = InvocationContext(invocation_id, callee.name, "", trace or TraceContext(), retry)
        _LOGGER.debug("executing %s (id=%s)", callee.name, invocation_id)
        started = perf_counter()
        # The one place that catches everything: a function may raise what it likes, and the host goes on.
        try:
            arguments = {callee.argument: decode()}
            if callee.takes_context:
                arguments["context"] = context
            outcome = Outcome(encode(await self._call(callee, arguments)))
        except Exception as error:
            milliseconds = (perf_counter() - started) * 1000
            _LOGGER.error(  # noqa: TRY400 - the traceback is given explicitly, for handlers outside this frame
                "executed %s (failed, id=%s, %.0f ms)",
                callee.name,
                invocation_id,
                milliseconds,
                exc_info=error,
            )
            return Outcome(error=error)
        milliseconds = (perf_counter() - started) * 1000
        _LOGGER.debug("executed %s (succeeded, id=%s, %.0f ms)", callee.name, invocation_id, milliseconds)
        return outcome

    async def _call(self, callee: Callee, arguments: dict[str, Any]) -> Any:
        if inspect.iscoroutinefunction(callee.call):
            return await callee.call(**arguments)
        # The caller's context variables go along, so that a log line of a thread still knows its invocation.
        call = functools.partial(contextvars.copy_context().run, callee.call, **arguments)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def invoke_with_retries(
        self, callee: Callee, decode: Callable[[], Any], policy: RetryPolicy | None, give_up: asyncio.Event
    ) -> Finish:
        """Call the function until it succeeds, its policy is used up, or `give_up` is set while waiting."""
        retry = RetryContext(max_retry_count=policy.max_retry_count if policy else 0)
        while True:
            outcome = await self.invoke(callee, decode, retry=retry)
            if outcome.error is None:
                return Finish.SUCCEEDED
            delay = policy.delay_after(retry.retry_count) if policy else None
            if delay is None:
                return Finish.FAILED
            _LOGGER.warning("%s is tried again in %.3g s", callee.name, delay.total_seconds())
            if await set_within(give_up, delay.total_seconds()):
                return Finish.STOPPED
            retry = RetryContext(retry.retry_count + 1, retry.max_retry_count, _described(outcome.error))


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, or for that many seconds; says whether it was set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _described(error: Exception) -> RpcException:
    return RpcException(
        source=type(error).__name__,
        stack_trace="".join(traceback.format_exception(error)),
        message=str(error),
    )
