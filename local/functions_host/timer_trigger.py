"""When is a timer's function called?

One task per timer: wait for the next occurrence, call, look at the clock again. Because the next occurrence
is computed after the call, a call that lasts past one or more occurrences skips them; they never pile up.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.functions.meta import Datum
from azure.functions.timer import TimerRequestConverter

from local.functions_host.bindings import LoadedFunction, TimerTrigger
from local.functions_host.invocation import Invoker, set_within

_LOGGER = logging.getLogger(__name__)

# A call that begins this late was held up, by a machine that slept or a loop that was blocked.
_PAST_DUE_AFTER = timedelta(seconds=1)
# The clock is looked at again at least this often: it may be set, and a machine may sleep.
_LONGEST_SLEEP_S = 30.0


class Timer:
    """Calls one function by its schedule, in UTC as Azure does."""

    def __init__(
        self, function: LoadedFunction, trigger: TimerTrigger, invoker: Invoker, stop_within_s: float
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._invoker = invoker
        self._stop_within_s = stop_within_s
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to wait for the first occurrence; with `run_on_startup`, call at once."""
        self._task = asyncio.create_task(self._run(), name=f"timer {self._function.callee.name}")

    async def stop(self) -> None:
        """Call no more, and let a call in flight finish within the bound."""
        self._stopping.set()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=self._stop_within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        if self._trigger.run_on_startup:
            await self._call(past_due=False)
        while not self._stopping.is_set():
            due = self._trigger.schedule.next_occurrence(datetime.now(UTC))
            if not await self._wait_until(due):
                return
            late = datetime.now(UTC) - due
            if late > _PAST_DUE_AFTER:
                _LOGGER.warning("timer %s is %.1f s late", self._function.callee.name, late.total_seconds())
            await self._call(past_due=late > _PAST_DUE_AFTER)

    async def _wait_until(self, due: datetime) -> bool:
        while (remaining := (due - datetime.now(UTC)).total_seconds()) > 0:
            if await set_within(self._stopping, min(remaining, _LONGEST_SLEEP_S)):
                return False
        return not self._stopping.is_set()

    async def _call(self, *, past_due: bool) -> None:
        await self._invoker.invoke_with_retries(
            self._function.callee, _request(past_due=past_due), self._function.retry, self._stopping
        )


def _request(*, past_due: bool) -> Callable[[], Any]:
    # As from the real host without a schedule monitor: no status of earlier runs.
    text = json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": past_due})
    return lambda: TimerRequestConverter.decode(Datum(text, "json"), trigger_metadata={})
