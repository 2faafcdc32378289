"""What should be seen when something breaks? One story for each fault, told and checked step by step."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from local.demo.feed import Who
from local.demo.picture import LATELY
from local.demo.scene import WORKLOAD, Scene
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
        drains: what may have happened to state files, by the end.
    """

    fault: Fault
    then: Sequence[Step]
    watch_seconds: float
    meanwhile: Sequence[Step]
    mended: Sequence[Step]
    drains: Sequence[Sequence[str]]


def _paged(family: str, where: str = STAMP) -> Step:
    key = f"{WORKLOAD}/{where}/{family}"
    return Step(
        f"on-call is paged: {key}", lambda sight: key in sight.scene.told.keys("trigger"), within_seconds=25.0
    )


def _serving_again(sight: Sight) -> bool:
    return sight.share() > 0.2 and sight.answered_well() == 1.0


CALM = Step(
    "all three stamps serve, and the worker has looked at each",
    lambda sight: (
        sight.watcher.looked_at_all
        and min(sight.scene.front_door.shares(LATELY).values()) > 0.2
        and sight.answered_well() == 1.0
    ),
)
DRAINED = (
    Step(f"{STAMP} is drained: its state file is gone", lambda sight: sight.scene.out() == {STAMP}),
    Step(
        "the worker has seen that the drain works",
        lambda sight: (
            sight.watcher.record.stamp(STAMP).drain is not None and not sight.watcher.record.in_flight()
        ),
    ),
    Step(
        f"no request goes to {STAMP} any more, and every user is served",
        lambda sight: sight.share() == 0.0 and sight.answered_well() == 1.0,
        look=True,
    ),
)
RESOLVED = Step("every page is resolved", lambda sight: not sight.scene.told.open_pages())
REJOINED = (
    Step(
        "recovery is proven",
        lambda sight: (
            (drain := sight.watcher.record.stamp(STAMP).drain) is not None
            and drain.recovering_since is not None
        ),
    ),
    Step(f"{STAMP} is back: its state file is there", lambda sight: not sight.scene.out()),
    RESOLVED,
    Step(f"{STAMP} has its share of the requests again", _serving_again),
)
NOTHING_DRAINED = Step("no state file was touched", lambda sight: not sight.watcher.drains)
THERE_AND_BACK = (f"drained {STAMP}", f"rejoined {STAMP}")

STORIES: Mapping[Fault, Story] = {
    story.fault: story
    for story in (
        Story(
            Fault.CANNOT_READ,
            then=(_paged("background-processor-cannot-read"), *DRAINED),
            watch_seconds=2.0,
            meanwhile=(),
            mended=REJOINED,
            drains=(THERE_AND_BACK,),
        ),
        Story(
            Fault.ROOT_RED,
            then=(_paged("root-node-red"), *DRAINED),
            watch_seconds=4.0,
            # The web test still fails, so that a stamp without users is not taken for a stamp without faults.
            meanwhile=(Step(f"{STAMP} stays out", lambda sight: sight.scene.out() == {STAMP}),),
            mended=REJOINED,
            drains=(THERE_AND_BACK,),
        ),
        Story(
            Fault.SEND_FAILS,
            then=(
                Step(
                    f"the front door takes {STAMP} out by itself, and every user is served",
                    lambda sight: sight.share() == 0.0 and sight.answered_well() == 1.0,
                ),
                _paged("root-node-red"),
            ),
            watch_seconds=8.0,
            meanwhile=(NOTHING_DRAINED,),
            mended=(Step(f"{STAMP} has its share of the requests again", _serving_again), RESOLVED),
            drains=((),),
        ),
        Story(
            Fault.ALL_RED,
            then=(
                Step("the front door fails open", lambda sight: sight.scene.front_door.fails_open),
                Step("a page says that it is global", lambda sight: _told_as(sight, "[global]")),
            ),
            watch_seconds=8.0,
            meanwhile=(
                NOTHING_DRAINED,
                Step("every user is served", lambda sight: sight.answered_well() == 1.0),
            ),
            mended=(RESOLVED, CALM),
            drains=((),),
        ),
        Story(
            Fault.EDGE,
            then=(
                Step("users are not served", lambda sight: sight.answered_well() < 0.1),
                Step("the front door fails open", lambda sight: sight.scene.front_door.fails_open),
            ),
            watch_seconds=8.0,
            meanwhile=(NOTHING_DRAINED,),
            mended=(CALM, RESOLVED),
            drains=((),),
        ),
        Story(
            Fault.FLAP,
            then=(),
            watch_seconds=24.0,
            meanwhile=(),
            mended=(
                Step("nothing is drained in the end", lambda sight: not sight.scene.out()),
                RESOLVED,
                CALM,
            ),
            drains=((), THERE_AND_BACK),
        ),
    )
}


def _told_as(sight: Sight, word: str) -> bool:
    pages = sight.scene.told.pages
    return any(word in page["payload"]["summary"] for page in pages if page["event_action"] == "trigger")


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
        raise StoryError(f"state files: {', '.join(sight.watcher.drains) or 'none was touched'}")


async def _reach(step: Step, sight: Sight) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + step.within_seconds
    while not step.reached(sight):
        if loop.time() >= deadline:
            raise StoryError(f"not seen within {step.within_seconds:.0f} s: {step.what}")
        await asyncio.sleep(_POLL_SECONDS)
    sight.scene.feed.say(Who.DEMO, f"seen: {step.what}")
