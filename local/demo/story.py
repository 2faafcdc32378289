"""How is a story told? Something breaks, is mended, and what should be seen is checked step by step."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local.demo.feed import Who
from local.demo.picture import LATELY
from local.demo.scene import Scene
from local.demo.watcher import Watcher
from local.workload.faults import IN_WORDS, Fault

STAMP = "weu"
"""The stamp that stories break."""


_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Sight:
    """All that a step of a story may look at."""

    scene: Scene
    watcher: Watcher

    def share(self, stamp: str = STAMP) -> float:
        """The share of the users' requests that a stamp was sent lately."""
        return self.scene.front_door.shares(LATELY)[stamp]

    def answered_well(self) -> float:
        """The share of the users' requests that were answered well lately."""
        return self.scene.traffic.success(LATELY) or 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """Something that must come about.

    Attributes:
        what: in words.
        reached: whether it has.
        within_seconds: else the story has failed.
        look: worth a picture.
    """

    what: str
    reached: Callable[[Sight], bool]
    within_seconds: float = 20.0
    look: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """A fault, and what must be seen.

    Attributes:
        fault: what breaks.
        then: what must come about, in this order.
        watch_seconds: how long it is left broken after that.
        meanwhile: what must be so at the end of that time.
        mended: what must come about once it is mended, in this order.
        drains: what may have happened to state files and origins, by the end.
    """

    fault: Fault
    then: Sequence[Step]
    watch_seconds: float
    meanwhile: Sequence[Step]
    mended: Sequence[Step]
    drains: Sequence[Sequence[str]]


CALM = Step(
    "all three stamps serve, and the worker has looked at each",
    lambda sight: (
        sight.watcher.looked_at_all
        and min(sight.scene.front_door.shares(LATELY).values()) > 0.2
        and sight.answered_well() == 1.0
    ),
)


class StoryError(Exception):
    """Something that the story promises was not seen; says what."""


async def tell(story: Story, sight: Sight, take_picture: Callable[[], None] = lambda: None) -> None:
    """Break, watch, mend, watch.

    Args:
        story: which.
        sight: of a calm scene.
        take_picture: called when there is most to see.

    Raises:
        StoryError: something was not seen in time.
    """
    scene = sight.scene
    await _reach(CALM, sight)
    where = await scene.faults.cause(STAMP, story.fault)
    scene.feed.say(Who.DEMO, f"BROKEN {where}: {IN_WORDS[story.fault]}")
    for step in story.then:
        await _reach(step, sight)
        if step.look:
            take_picture()
    await asyncio.sleep(story.watch_seconds)
    if not any(step.look for step in story.then):
        take_picture()
    for step in story.meanwhile:
        await _reach(step, sight)
    await scene.faults.mend(where)
    scene.feed.say(Who.DEMO, f"MENDED {where}")
    for step in story.mended:
        await _reach(step, sight)
    if tuple(sight.watcher.drains) not in {tuple(drains) for drains in story.drains}:
        raise StoryError(f"state files and origins: {', '.join(sight.watcher.drains) or 'none was touched'}")


async def _reach(step: Step, sight: Sight) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + step.within_seconds
    while not step.reached(sight):
        if loop.time() >= deadline:
            raise StoryError(f"not seen within {step.within_seconds:.0f} s: {step.what}")
        await asyncio.sleep(_POLL_SECONDS)
    sight.scene.feed.say(Who.DEMO, f"seen: {step.what}")
