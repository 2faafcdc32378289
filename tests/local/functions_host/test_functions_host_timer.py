"""Is a timer's function called on time, one call at a time, whatever it does?"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import azure.functions as func
import pytest

from local.functions_host import FunctionsHost

Serve = Callable[..., Awaitable[FunctionsHost]]
Eventually = Callable[..., Awaitable[None]]


async def test_a_timer_fires_again_and_again(serve: Serve, eventually: Eventually) -> None:
    """A timer is called at each occurrence, and is told that it is not late."""
    app = func.FunctionApp()
    past_due: list[bool] = []

    @app.timer_trigger(arg_name="timer", schedule="00:00:00.05")
    async def tick(timer: func.TimerRequest) -> None:
        past_due.append(timer.past_due)

    await serve(app)
    assert past_due == []
    await eventually(lambda: len(past_due) >= 3)
    assert set(past_due) == {False}


async def test_a_cron_timer_fires_on_the_second(serve: Serve, eventually: Eventually) -> None:
    """A timer with a cron expression is called right after a whole second begins."""
    app = func.FunctionApp()
    called: list[float] = []

    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    def tick(timer: func.TimerRequest) -> None:
        called.append(time.time() % 1)

    await serve(app)
    await eventually(lambda: called)
    assert called[0] < 0.5


async def test_run_on_startup_calls_at_once(serve: Serve, eventually: Eventually) -> None:
    """With `run_on_startup` the first call does not wait for the schedule."""
    app = func.FunctionApp()
    calls: list[bool] = []

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
    def tick(timer: func.TimerRequest) -> None:
        calls.append(timer.past_due)

    await serve(app)
    await eventually(lambda: calls)
    assert calls == [False]


async def test_late_occurrences_are_skipped_not_stacked(serve: Serve, eventually: Eventually) -> None:
    """While a call lasts no other begins, and the occurrences it lasted through are not made up for."""
    app = func.FunctionApp()
    begun: list[float] = []
    proceed = asyncio.Event()

    @app.timer_trigger(arg_name="timer", schedule="00:00:00.05")
    async def tick(timer: func.TimerRequest) -> None:
        begun.append(time.monotonic())
        await proceed.wait()

    await serve(app)
    await eventually(lambda: begun)
    await asyncio.sleep(0.3)
    assert len(begun) == 1
    released = time.monotonic()
    proceed.set()
    await eventually(lambda: len(begun) == 2)
    assert begun[1] - released >= 0.05


async def test_a_failing_timer_goes_on(serve: Serve, eventually: Eventually) -> None:
    """An exception ends one call, not the timer."""
    app = func.FunctionApp()
    calls: list[int] = []

    @app.timer_trigger(arg_name="timer", schedule="00:00:00.02")
    def tick(timer: func.TimerRequest) -> None:
        calls.append(1)
        raise ValueError

    await serve(app)
    await eventually(lambda: len(calls) >= 3)


async def test_a_timer_is_retried_by_its_policy(serve: Serve, eventually: Eventually) -> None:
    """A failing call is repeated as its policy says, and sees the count and the last failure."""
    app = func.FunctionApp()
    tries: list[tuple[int, int, str]] = []

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
    @app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00.01")
    async def tick(timer: func.TimerRequest, context: func.Context) -> None:
        retry = context.retry_context
        tries.append((retry.retry_count, retry.max_retry_count, retry.exception.message))
        raise ValueError(f"try {retry.retry_count}")

    await serve(app)
    await eventually(lambda: len(tries) == 3)
    await asyncio.sleep(0.1)
    assert tries == [(0, 2, ""), (1, 2, "try 0"), (2, 2, "try 1")]


@pytest.mark.slow
async def test_a_call_that_comes_late_is_told_so(serve: Serve, eventually: Eventually) -> None:
    """A call that begins more than a second after its time, as when the loop was held up, is past due."""
    app = func.FunctionApp()
    past_due: list[bool] = []

    @app.timer_trigger(arg_name="timer", schedule="00:00:00.2")
    async def tick(timer: func.TimerRequest) -> None:
        past_due.append(timer.past_due)

    await serve(app)
    await asyncio.sleep(0.01)
    time.sleep(1.4)  # noqa: ASYNC251 - holding up the loop is the point
    await eventually(lambda: len(past_due) >= 2)
    assert past_due[:2] == [True, False]


async def test_stopping_lets_a_call_finish(eventually: Eventually) -> None:
    """A call that runs when the host stops is waited for, and none follows it."""
    app = func.FunctionApp()
    seen: list[str] = []

    @app.timer_trigger(arg_name="timer", schedule="00:00:00.01")
    async def tick(timer: func.TimerRequest) -> None:
        seen.append("begun")
        await asyncio.sleep(0.2)
        seen.append("ended")

    async with FunctionsHost(app, settings={}, port=0):
        await eventually(lambda: seen)
    assert seen == ["begun", "ended"]
    await asyncio.sleep(0.05)
    assert seen == ["begun", "ended"]


async def test_an_answer_that_nobody_takes_is_a_failure(serve: Serve, eventually: Eventually) -> None:
    """As in Azure's worker, a value returned without a binding for it fails the call, which is retried."""
    app = func.FunctionApp()
    counts: list[int] = []

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
    @app.retry(strategy="fixed_delay", max_retry_count="9", delay_interval="00:00:00.01")
    def tick(timer: func.TimerRequest, context: func.Context) -> str | None:
        counts.append(context.retry_context.retry_count)
        return None if context.retry_context.retry_count else "for nobody"

    await serve(app)
    await eventually(lambda: len(counts) == 2)
    await asyncio.sleep(0.1)
    assert counts == [0, 1]
