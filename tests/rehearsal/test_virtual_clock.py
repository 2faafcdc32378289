"""Do hours pass in milliseconds, in the same order every time, and can a process be stopped anywhere?"""

import asyncio
import time

import pytest

from rehearsal.clock import Process, StuckError, virtual_loop


def test_hours_pass_in_no_time() -> None:
    """Nothing really sleeps: the loop jumps to the next due time."""
    loop = virtual_loop()

    async def sleeps() -> float:
        await asyncio.sleep(7 * 24 * 3600)
        return loop.time()

    began = time.perf_counter()
    assert loop.run(sleeps()) == 7 * 24 * 3600
    assert time.perf_counter() - began < 1


def test_what_is_due_at_the_same_time_happens_in_the_order_of_asking() -> None:
    """Two runs never differ by chance."""
    loop, seen = virtual_loop(), list[int]()

    async def main() -> None:
        for number in range(50):
            loop.call_later(10, seen.append, number)
        await asyncio.sleep(11)

    loop.run(main())
    assert seen == list(range(50))


def test_asyncio_itself_works_under_it() -> None:
    """Time-outs, locks, gathering and cancelling are those of the standard library."""
    loop = virtual_loop()

    async def main() -> list[object]:
        lock = asyncio.Lock()

        async def waits(seconds: float) -> float:
            async with lock:
                await asyncio.sleep(seconds)
            return loop.time()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(60)
        return list(await asyncio.gather(waits(10), waits(20), return_exceptions=True))

    assert loop.run(main()) == [15, 35]


def a_counter(loop: object, process: Process, seen: list[float]) -> None:
    """A process that notes the time every second."""

    async def counts() -> None:
        try:
            while True:
                await asyncio.sleep(1)
                seen.append(asyncio.get_running_loop().time())
        finally:
            seen.append(-1)

    loop.spawn(counts(), process)  # type: ignore[attr-defined]


def test_a_stopped_process_does_nothing_until_it_is_resumed_and_then_goes_on() -> None:
    """As SIGSTOP: its timers expire meanwhile, and the world goes on."""
    loop, seen = virtual_loop(), list[float]()

    async def main() -> None:
        process = loop.process("worker")
        a_counter(loop, process, seen)
        await asyncio.sleep(2.5)
        process.stop()
        await asyncio.sleep(10)
        assert seen == [1, 2]
        loop.resume(process)
        await asyncio.sleep(2)
        assert seen == [1, 2, 12.5, 13.5, 14.5][: len(seen)]
        process.kill()
        seen.append(99)

    loop.run(main())
    assert seen[:4] == [1, 2, 12.5, 13.5]


def test_a_killed_process_runs_no_finally_while_the_world_goes_on() -> None:
    """As SIGKILL: what it was about to do lies where it fell."""
    loop, seen = virtual_loop(), list[float]()

    async def main() -> list[float]:
        process = loop.process("worker")
        a_counter(loop, process, seen)
        await asyncio.sleep(2.5)
        process.kill()
        loop.resume(process)
        await asyncio.sleep(100)
        return list(seen)

    assert loop.run(main()) == [1, 2]


def test_a_process_that_kills_itself_goes_no_further() -> None:
    """A fault point may end its process in the middle of a call."""
    loop, seen = virtual_loop(), list[str]()

    async def main() -> list[str]:
        process = loop.process("worker")

        async def dies() -> None:
            seen.append("before")
            process.kill()
            await asyncio.sleep(0)
            seen.append("after")

        loop.spawn(dies(), process)
        await asyncio.sleep(1)
        return list(seen)

    assert loop.run(main()) == ["before"]


def test_the_world_finishes_what_a_dead_process_has_asked_for() -> None:
    """A late effect lands although nobody is left to be told of it."""
    loop, seen = virtual_loop(), list[float]()

    async def main() -> None:
        process = loop.process("worker")

        async def lands() -> None:
            await asyncio.sleep(30)
            seen.append(loop.time())

        async def asks() -> None:
            loop.spawn(lands())
            loop.after(60, lambda: seen.append(loop.time()))

        loop.spawn(asks(), process)
        await asyncio.sleep(1)
        process.kill()
        await asyncio.sleep(100)

    loop.run(main())
    assert seen == [30, 60]


@pytest.mark.slow
def test_a_loop_in_which_no_time_passes_is_told() -> None:
    """Two callbacks that call each other for ever do not hang the rehearsal."""
    loop = virtual_loop()

    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(StuckError, match="no time passes"):
        loop.run(main())


def test_a_run_in_which_nothing_is_left_to_happen_is_told() -> None:
    """A wait for something that nobody does ends with a word and not with a hang."""
    loop = virtual_loop()

    async def main() -> None:
        await loop.create_future()

    with pytest.raises(StuckError, match="nothing is left"):
        loop.run(main())


def test_what_nobody_caught_ends_the_run() -> None:
    """A fault of the rehearsal itself is never taken for a good run."""
    loop = virtual_loop()

    async def main() -> None:
        loop.after(1, lambda: 1 / 0)
        await asyncio.sleep(2)

    with pytest.raises(ZeroDivisionError):
        loop.run(main())


def test_threads_are_refused() -> None:
    """They have a time of their own."""
    loop = virtual_loop()
    with pytest.raises(RuntimeError, match="thread"):
        loop.run(asyncio.to_thread(print))
