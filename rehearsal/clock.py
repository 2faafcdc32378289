"""How do hours pass in milliseconds, and in the same order every time?

An event loop of our own: it has no sockets and no threads, only callbacks and due times. When no
callback is ready it jumps to the next due time. Every callback belongs to a process, so that one
worker can be stopped in the middle of anything, as `SIGSTOP` and `SIGKILL` do, while the world goes on.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextvars import Context, ContextVar, copy_context
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_What = tuple[Callable[..., object], Sequence[Any]]

CALLBACKS_AT_ONE_MOMENT_MOST = 1_000_000
"""More without any time passing is a loop that never ends."""

_TASKS_BEFORE_PRUNING = 256

_process: ContextVar["Process | None"] = ContextVar("process", default=None)


class StuckError(Exception):
    """Nothing is left to happen, or no time passes any more."""


class Process:
    """Whose callback is it? One worker's, which can be paused and killed; the world is no process.

    A killed process is one that is never resumed: what it was about to do lies where it fell, so that
    no `finally` of it runs, as none would in a process that is gone.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopped = False
        self.dead = False
        self.waiting: list[_Due] = []

    def stop(self) -> None:
        """Let nothing of it run until it is resumed. Its timers expire meanwhile."""
        self.stopped = True

    def kill(self) -> None:
        """Let nothing of it run ever again."""
        self.stopped = self.dead = True


def process_now() -> Process | None:
    """The process whose callback runs now; None for the world's own."""
    return _process.get()


class _Due(asyncio.TimerHandle):
    """A callback that is to run at some time, and its process, which it has by its context."""

    __slots__ = ("process",)

    def __init__(self, when: float, what: "_What", loop: "VirtualLoop", context: Context | None) -> None:
        super().__init__(when, *what, loop, context)
        self.process = _process.get() if context is None else context.get(_process)

    def go(self) -> None:
        self._run()


class VirtualLoop(asyncio.AbstractEventLoop):
    """An event loop whose time passes only when nothing else is to be done."""

    def __init__(self) -> None:
        self._now = 0.0
        self._ready: deque[_Due] = deque()
        self._scheduled: list[tuple[float, int, _Due]] = []
        self._numbers = count()
        self._tasks: list[asyncio.Task[Any]] = []
        self._prune_at = _TASKS_BEFORE_PRUNING
        self._processes: list[Process] = []
        self._closed = False
        self._at_one_moment = 0
        self.unhandled: list[dict[str, Any]] = []
        self.world = copy_context()

    # --- what asyncio asks of a loop -----------------------------------------------------------

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._now

    def call_soon(
        self, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run it next, in the order of calling."""
        due = _Due(self._now, (callback, args), self, context)
        self._ready.append(due)
        return due

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run it when that time has come; of two with the same time, the one asked for first."""
        due = _Due(when, (callback, args), self, context)
        heapq.heappush(self._scheduled, (when, next(self._numbers), due))
        return due

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run it after so many seconds."""
        return self.call_at(self._now + max(0.0, delay), callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, _T] | Generator[Any, None, _T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[_T]:
        """A task of this loop, kept until it is done: what a killed process leaves must not be tidied up."""
        task: asyncio.Task[_T] = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        if len(self._tasks) > self._prune_at:
            self._tasks = [kept for kept in self._tasks if not kept.done()]
            self._prune_at = max(_TASKS_BEFORE_PRUNING, 2 * len(self._tasks))
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody has caught: the run ends with it."""
        if "exception" in context:
            self.unhandled.append(context)

    def get_debug(self) -> bool:
        """Never: it would look at the real clock."""
        return False

    def is_running(self) -> bool:
        """Always, for whoever asks runs in it."""
        return not self._closed

    def is_closed(self) -> bool:
        """Whether it is over."""
        return self._closed

    def run_in_executor(self, *_: Any) -> NoReturn:  # type: ignore[override] # nobody gets that far
        """Refuse: threads have a time of their own."""
        raise RuntimeError("nothing in a rehearsal may use a thread")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing to be done: a cancelled callback is left out when its time comes."""

    # --- what a rehearsal asks of it -----------------------------------------------------------

    def process(self, name: str) -> Process:
        """A new process, to which whatever `spawn` starts in it belongs."""
        made = Process(name)
        self._processes.append(made)
        return made

    def spawn(
        self, coro: Coroutine[Any, Any, _T], process: Process | None = None, name: str | None = None
    ) -> asyncio.Task[_T]:
        """Start something in a process, or in the world."""
        context = self.world.copy()
        context.run(_process.set, process)
        return self.create_task(coro, name=name, context=context)

    def after(self, seconds: float, callback: Callable[[], object]) -> None:
        """Let the world do something later, whoever asks for it and however long he lives."""
        self.call_later(seconds, callback, context=self.world)

    def resume(self, process: Process) -> None:
        """Let a stopped process go on; everything that came due meanwhile comes first."""
        if process.dead:
            return
        process.stopped = False
        waiting, process.waiting = process.waiting, []
        self._ready.extend(waiting)

    def run(self, main: Coroutine[Any, Any, _T]) -> _T:
        """Run until `main` is done, then end everything else.

        Raises:
            StuckError: nothing is left to happen, or no time passes any more.
            Exception: the first that nobody has caught.
        """
        outer = asyncio.events._get_running_loop()  # noqa: SLF001 - the documented way for event loops
        asyncio.events._set_running_loop(self)  # noqa: SLF001
        try:
            task = self.spawn(main, name="main")
            self._go_on_until(task)
            found = [each["exception"] for each in self.unhandled]
            self._end()
        finally:
            asyncio.events._set_running_loop(outer)  # noqa: SLF001
            self._closed = True
        if found and not task.exception():
            raise found[0]
        return task.result()

    def _go_on_until(self, task: asyncio.Task[Any]) -> None:
        while not task.done():
            if not self._ready:
                self._jump()
            self._run_ready()

    def _run_ready(self) -> None:
        for _ in range(len(self._ready)):
            due = self._ready.popleft()
            if due.cancelled():
                continue
            process = due.process
            if process is not None and process.stopped:
                process.waiting.append(due)
                continue
            due.go()
            self._at_one_moment += 1
        if self._at_one_moment > CALLBACKS_AT_ONE_MOMENT_MOST:
            raise StuckError(f"no time passes after {self._now:.3f}s")

    def _jump(self) -> None:
        """Go to the next moment at which something is due."""
        while self._scheduled and self._scheduled[0][2].cancelled():
            heapq.heappop(self._scheduled)
        if not self._scheduled:
            raise StuckError(f"nothing is left to happen after {self._now:.3f}s")
        self._now = max(self._now, self._scheduled[0][0])
        self._at_one_moment = 0
        while self._scheduled and self._scheduled[0][0] <= self._now:
            self._ready.append(heapq.heappop(self._scheduled)[2])

    def _end(self) -> None:
        """Cancel what still runs. Whoever is asked for something now must refuse (`ports.Gate.close`)."""
        for process in self._processes:
            process.stopped = process.dead = False
            self.resume(process)
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        ended = asyncio.gather(*left, return_exceptions=True)
        if left:
            self._go_on_until(asyncio.Task(_awaited(ended), loop=self))


def virtual_loop() -> VirtualLoop:
    """A loop at its beginning."""
    return VirtualLoop()  # type: ignore[abstract] # what it lacks are sockets, signals and other processes


async def _awaited(what: Awaitable[_T]) -> _T:
    return await what


class WorldClock:
    """The true time."""

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        self._loop = loop
        self.start = start

    def now(self) -> datetime:
        """The moment, aware UTC."""
        return self.start + timedelta(seconds=self._loop.time())

    @property
    def seconds(self) -> float:
        """Since the beginning, to the millisecond."""
        return round(self._loop.time(), 3)


class SkewedClock:
    """The time as one machine has it.

    Attributes:
        ahead: by how much it is wrong; negative: it lies behind.
    """

    def __init__(self, world: WorldClock, ahead: timedelta = timedelta()) -> None:
        self._world = world
        self.ahead = ahead

    def now(self) -> datetime:
        """The moment, as it is seen here."""
        return self._world.now() + self.ahead
