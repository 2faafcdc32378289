"""What should be seen when something breaks? One story for each fault."""

from collections.abc import Mapping

from local.demo.feed import Who
from local.demo.scene import WORKLOAD
from local.demo.story import CALM, STAMP, Sight, Step, Story
from local.workload.faults import Fault
from remediation.decide.lag import Lag
from remediation.decide.lagging import CONSUMER_LAG
from rules.health import last_word
from rules.queue import not_passed
from rules.signals import Health, RegisterKey


def _paged(family: str, where: str = STAMP) -> Step:
    key = f"{WORKLOAD}/{where}/{family}"
    return Step(
        f"on-call is paged: {key}", lambda sight: key in sight.scene.told.keys("trigger"), within_seconds=25.0
    )


def _serving_again(sight: Sight) -> bool:
    return sight.share() > 0.2 and sight.answered_well() == 1.0


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
    Step(
        "the worker has seen that the rejoin works",
        lambda sight: _journalled(sight, f"rejoin of {STAMP} verified"),
    ),
)
NOTHING_DRAINED = Step("no state file was touched, and no origin", lambda sight: not sight.watcher.drains)
THERE_AND_BACK = (f"drained {STAMP}", f"rejoined {STAMP}")


def _lag(sight: Sight) -> str:
    """What the worker's probe says of the stamp's processor: a health, and why."""
    said = last_word(sight.watcher.record.registers, RegisterKey(STAMP, "BackgroundProcessor", CONSUMER_LAG))
    return f"{said.health} {' '.join(said.reasons)}" if said is not None else ""


def _says(word: str, health: Health, kind: Lag) -> Step:
    return Step(word, lambda sight: _lag(sight).startswith(f"{health} {kind}"))


def _backlog_is_worked_off(sight: Sight) -> bool:
    """Every checkpoint has passed what the hub held when the stamp was drained."""
    known = sight.watcher.record.stamp(STAMP)
    marks = known.drain.marks if known.drain is not None else {}
    return bool(marks) and known.queue is not None and not not_passed(known.queue, marks)


def _only_the_second_lever(sight: Sight) -> bool:
    return sight.scene.disabled() == {STAMP} and not sight.scene.out()


def _journalled(sight: Sight, *words: str) -> bool:
    """Whether the worker's journal has said each of these, in this order."""
    said = "\n".join(line.text for line in sight.scene.feed.lines if line.who is Who.WORKER)
    places = [said.find(each) for each in words]
    return -1 not in places and places == sorted(places)


WORKED_OFF = Step("what waited in its hub when it was drained is worked off", _backlog_is_worked_off)

STORIES: Mapping[Fault, Story] = {
    story.fault: story
    for story in (
        Story(
            Fault.CANNOT_READ,
            then=(_paged("background-processor-cannot-read"), *DRAINED),
            watch_seconds=2.0,
            meanwhile=(),
            mended=(WORKED_OFF, *REJOINED),
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
                Step(
                    "a page says that it is the edge",
                    lambda sight: _told_as(sight, "[edge]"),
                    within_seconds=25,
                ),
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
        Story(
            Fault.TELEMETRY_LOST,
            then=(
                Step("the front door fails open", lambda sight: sight.scene.front_door.fails_open),
                Step(
                    "a page says that it is no single stamp's fault",
                    lambda sight: _told_as(sight, "[unknown]") or _told_as(sight, "[global]"),
                ),
            ),
            watch_seconds=10.0,
            meanwhile=(
                NOTHING_DRAINED,
                Step("every user is served", lambda sight: sight.answered_well() == 1.0),
            ),
            mended=(RESOLVED, CALM, NOTHING_DRAINED),
            drains=((),),
        ),
        Story(
            Fault.LEVER_BROKEN,
            then=(
                _paged("root-node-red"),
                Step(
                    f"{STAMP} is drained by the second lever: its origin is disabled, and no file is gone",
                    _only_the_second_lever,
                    within_seconds=30.0,
                ),
                *DRAINED[1:],
                Step(
                    "the journal says why",
                    lambda sight: _journalled(sight, "refused: the state file", "the origin was disabled"),
                ),
            ),
            watch_seconds=2.0,
            meanwhile=(Step(f"{STAMP} stays out", _only_the_second_lever),),
            mended=(
                REJOINED[0],
                Step(f"{STAMP} is back: its origin is enabled", lambda sight: not sight.scene.disabled()),
                *REJOINED[2:],
            ),
            drains=((f"disabled {STAMP}", f"enabled {STAMP}"),),
        ),
        Story(
            Fault.HUB_RECREATED,
            then=(
                _says(
                    "the worker sees checkpoints of an older hub, and calls it unknown",
                    Health.UNKNOWN,
                    Lag.HUB_RECREATED,
                ),
                NOTHING_DRAINED,
                _says("nobody has read it for long, so it is red", Health.RED, Lag.HUB_RECREATED),
                _paged("background-processor-cannot-read"),
                *DRAINED,
            ),
            watch_seconds=1.0,
            meanwhile=(),
            mended=(WORKED_OFF, *REJOINED),
            drains=(THERE_AND_BACK,),
        ),
        Story(
            Fault.SENDERS_DOWN,
            then=(
                _paged("background-processor-cannot-read"),
                _says("the worker sees that the hub is idle, and all is read", Health.GREEN, Lag.IDLE),
            ),
            # Longer than the catalogue waits before it believes the alert alone, and than settling.
            watch_seconds=18.0,
            meanwhile=(NOTHING_DRAINED,),
            mended=(RESOLVED, CALM),
            drains=((),),
        ),
    )
}


def _told_as(sight: Sight, word: str) -> bool:
    pages = sight.scene.told.pages
    return any(word in page["payload"]["summary"] for page in pages if page["event_action"] == "trigger")
