"""How does the demo run: watched by a person, or as a script that says whether all was seen?"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from local.demo.control import ControlError, break_it, control, mend_it
from local.demo.feed import Feed, Who
from local.demo.keys import BY_KEY, MEND, OTHER_STAMP, QUIT, hint, keys
from local.demo.picture import Picture, picture_of
from local.demo.recording import Recording
from local.demo.scene import a_scene
from local.demo.stories import STORIES
from local.demo.story import STAMP, Sight, StoryError, tell
from local.demo.view import draw, line_text
from local.demo.watcher import Watcher
from local.workload.faults import EVERYWHERE, Fault
from local.workload.serving import in_background, served

DRAW_EVERY_SECONDS = 0.25
CALM_SECONDS = 4.0


@asynccontextmanager
async def _show(folder: Path, feed: Feed, *, alerts: bool) -> AsyncIterator[Sight]:
    """A scene, and somebody who looks at it."""
    # What the SDKs complain of while things are broken must not run across the screen.
    logging.basicConfig(filename=folder / "demo.log", level=logging.WARNING)
    async with AsyncExitStack() as running:
        scene = await running.enter_async_context(a_scene(folder, feed, alerts=alerts))
        sight = Sight(scene, Watcher(scene))
        await running.enter_async_context(in_background(sight.watcher.run()))
        yield sight


async def script(
    fault: Fault, folder: Path, console: Console, record: Path | None = None, *, alerts: bool = True
) -> bool:
    """Tell one story, line by line; gives whether all of it was seen.

    Args:
        fault: whose story.
        folder: empty; for all that is kept.
        console: where the lines go.
        record: where an SVG of it goes.
        alerts: whether Azure Monitor watches the event hubs.

    Raises:
        WorkerError: the worker does not come up.
        OSError: the folder or the file cannot be used.
    """
    telling = asyncio.current_task()
    assert telling is not None  # noqa: S101 - we run
    _on_signals(telling.cancel)
    feed, recording = Feed(), Recording()
    feed.show = lambda line: console.print(line_text(line), soft_wrap=True)
    async with _show(folder, feed, alerts=alerts) as sight:
        try:
            await tell(STORIES[fault], sight, lambda: recording.take(picture_of(sight.scene, sight.watcher)))
        except StoryError as error:
            feed.say(Who.DEMO, f"FAILED: {error}")
            return False
        feed.say(Who.DEMO, f"all of it was seen: {fault}")
    if record is not None:
        recording.save(record, feed.lines, f"remediation demo --script {fault}")
    return True


def _on_signals(end: Callable[[], object]) -> None:
    """End in good order on Ctrl-C, on `kill`, and when the terminal is closed."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)


@dataclass(slots=True)
class _Hands:
    """What the viewer does."""

    sight: Sight
    stop: asyncio.Event
    stamp: str = STAMP
    story: asyncio.Task[None] | None = None
    doing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def hint(self) -> str:
        """What can be done now."""
        if self.story is not None:
            return f" {Fault.CANNOT_READ} breaks, and is mended, by itself. Or take over: q, m, Tab, a digit "
        return hint(self.stamp)

    def take_over(self) -> None:
        """The viewer breaks things; the story ends."""
        if self.story is not None:
            self.story.cancel()
            self.story = None

    def on_key(self, key: str) -> None:
        """Do what a key says."""
        if key == QUIT:
            self.stop.set()
        elif key == OTHER_STAMP:
            names = self.sight.scene.faults.stamps
            self.stamp = names[(names.index(self.stamp) + 1) % len(names)]
        elif key == MEND:
            self.take_over()
            self._do(mend_it(self.sight.scene, EVERYWHERE))
        elif key in BY_KEY:
            self.take_over()
            self._do(break_it(self.sight.scene, self.stamp, BY_KEY[key]))

    def _do(self, doing: Coroutine[Any, Any, str]) -> None:
        task = asyncio.create_task(_without_errors(doing))
        self.doing.add(task)
        task.add_done_callback(self.doing.discard)


async def _without_errors(doing: Coroutine[Any, Any, str]) -> None:
    with suppress(ControlError):
        await doing


async def watch(
    folder: Path, console: Console, port: int, *, story: bool = True, alerts: bool = True
) -> None:
    """Show the scene until the viewer quits; by default it begins with a story.

    Args:
        folder: empty; for all that is kept.
        console: where it is drawn; one that is no terminal gets lines.
        port: of the control port; 0 for any free one.
        story: whether something breaks by itself first.
        alerts: whether Azure Monitor watches the event hubs.

    Raises:
        WorkerError: the worker does not come up.
        OSError: the port is taken, or the folder cannot be used.
    """
    stop = asyncio.Event()
    _on_signals(stop.set)
    console.print("Starting three stamps, a front door, users, and the worker ...")
    feed = Feed()
    async with _show(folder, feed, alerts=alerts) as sight, AsyncExitStack() as running:
        hands = _Hands(sight, stop)

        def look() -> Picture:
            return picture_of(sight.scene, sight.watcher, hands.hint)

        url = await running.enter_async_context(served(control(sight.scene, look, hands.take_over), port))
        feed.say(Who.DEMO, f"break things by keys, or by `remediation demo break` (control port: {url})")
        if story:
            hands.story = asyncio.create_task(_tell_first(sight, hands))
            running.callback(hands.take_over)
        await _draw_until(stop, look, hands, feed, console)
    console.print("Ended. The worker was stopped, and its folder is removed unless you named one.")


async def _tell_first(sight: Sight, hands: _Hands) -> None:
    await asyncio.sleep(CALM_SECONDS)
    try:
        await tell(STORIES[Fault.CANNOT_READ], sight)
        sight.scene.feed.say(Who.DEMO, "that was the story; now break something yourself")
    except StoryError as error:
        sight.scene.feed.say(Who.DEMO, f"this should not be: {error}")
    hands.story = None


async def _draw_until(
    stop: asyncio.Event, look: Callable[[], Picture], hands: _Hands, feed: Feed, console: Console
) -> None:
    if not console.is_terminal:
        for line in feed.lines:
            console.print(line_text(line), soft_wrap=True)
        feed.show = lambda line: console.print(line_text(line), soft_wrap=True)
        await stop.wait()
        return
    with keys(hands.on_key), Live(console=console, screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            live.update(draw(look(), console.height), refresh=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAW_EVERY_SECONDS):
                    await stop.wait()
