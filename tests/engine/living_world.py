"""What may happen to a whole world at once? All that moves: stamps, workers, people, files, clocks."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from remediation.decide.orders import (
    ApproveOrder,
    DrainOrder,
    HoldOrder,
    Order,
    RejoinOrder,
    ReleaseOrder,
    SilenceOrder,
)
from remediation.decide.plan import Charge
from remediation.engine import Engine, Ports
from remediation.engine.book import HotRecordError
from remediation.ledger.intent import Outcome, OutcomeKind
from rules.evaluate import RuleSet
from rules.policy import Mode, Policy
from rules.signals import Signal
from rules.topology import Window, Workload
from tests.builders import a_stamp, a_workload
from tests.engine.mortal import CrashedError, Life, OnceReadLedger
from tests.engine.strict_witness import APART, LivingLever, LivingOrigin, StrictWitness
from tests.engine.test_guarded_drain import CANNOT_READ, EDGE, HUB, ORIGINS
from tests.engine.troubles import BREAKS, HANDS
from tests.engine.witness import the_desk
from tests.world import (
    CANNOT_READ_RULE,
    ROOT_RED,
    FakeHealthServices,
    FakeQueues,
    FakeSteps,
    FakeTeller,
    TestClock,
    Truth,
    World,
)

FOUR = ("weu", "neu", "eus", "sea")
POLICY = Policy(min_serving=2, drains_per_hour=3, drains_per_day=4, cooldown=timedelta(minutes=10))
RULES = (ROOT_RED, CANNOT_READ, replace(CANNOT_READ_RULE, name="alerted", family="alerted"), EDGE)

SLOWEST = 6
"""So many minutes Front Door takes, at the most, to roll out a change."""

SKEWS = {"behind": -APART, "true": timedelta(), "ahead": APART}


def the_workload(mode: Mode = Mode.AUTO, **changes: Any) -> Workload:
    """Four stamps with hubs and origins."""
    stamps = tuple(a_stamp(name, event_hub=HUB, front_door_origin=f"{ORIGINS}/{name}") for name in FOUR)
    whole = replace(
        a_workload(mode=mode, policy=POLICY), stamps=stamps, front_door_url="http://shop.example/h"
    )
    return replace(whole, **changes)


class SkewedClock(TestClock):
    """The clock of a worker, which is wrong by a constant."""

    def __init__(self, true: TestClock, by: timedelta) -> None:
        self._true = true
        self._by = by

    def now(self) -> datetime:
        """The moment, as this worker believes."""
        return self._true.now() + self._by


class Through:
    """The world as one worker meets it: everything is shared but the clock."""

    def __init__(self, world: "LivingWorld", clock: TestClock) -> None:
        self._world = world
        self.clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)


@dataclass(slots=True)
class Files:
    """What people have written into the files of the worker."""

    mode: Mode = Mode.AUTO
    front_door: bool = True
    hubs: bool = True
    windows: tuple[Window, ...] = ()
    problem: str = ""


class LivingWorld(World):
    """Three workers whose clocks differ, and everything that can happen to them and to the stamps.

    Attributes:
        at_work: which worker has the timer and the hub now.
        finished: how many reconciles came to their end, by any worker.
        answers_lost: whether the answer of a lever gets lost, for its next calls, the last of them first.
        heard: every signal that was ever said.
    """

    def __init__(self) -> None:
        ledger = OnceReadLedger()
        super().__init__(the_workload(), RULES, ledger)
        self.shelf = ledger.shelf
        self.witness = StrictWitness(self)
        self.files = Files()
        self.tokens = 0
        self.finished = 0
        self.answers_lost: list[bool] = []
        self.heard: list[Signal] = []
        self.at_work = "true"
        self.lives: dict[str, Life] = {}
        self.workers: dict[str, Engine] = {}
        self.configure()

    def configure(self, **changes: Any) -> None:
        """People change the files; every worker takes them up."""
        self.files = replace(self.files, **changes)
        workload = the_workload(self.files.mode, maintenance=self.files.windows)
        if not self.files.front_door:
            workload = replace(workload, front_door_url=None)
        if not self.files.hubs:
            stamps = tuple(replace(stamp, event_hub=None) for stamp in workload.stamps)
            workload = replace(workload, stamps=stamps)
        self.workload = workload
        self.charge = Charge(workload, RuleSet(RULES))
        for name in SKEWS:
            self.starts(name)

    def starts(self, name: str) -> None:
        """A worker starts, or starts again: it knows nothing but what is in the ledger."""
        clock, life = SkewedClock(self.clock, SKEWS[name]), Life()
        here: Any = Through(self, clock)
        ports = Ports(
            clock=clock,
            ledger=life.through(self.ledger),
            lever=life.through(LivingLever(here, self.witness)),
            health_services=FakeHealthServices(here),
            pager=life.through(FakeTeller(here)),
            notifier=life.through(FakeTeller(here)),
            tally=self.tally,
            origin=life.through(LivingOrigin(here, self.witness)),
            queues=FakeQueues(here),
            steps=life.through(FakeSteps(here)),
        )
        charges = {self.workload.name: self.charge}
        self.lives[name] = life
        self.workers[name] = Engine(
            charges, ports, name, problem=lambda: self.files.problem, token=self._token
        )
        self.engine = self.workers.get(self.at_work, self.engine)

    def _token(self) -> str:
        self.tokens += 1
        return f"token-{self.tokens}"

    def takes_over(self, name: str) -> None:
        """Another worker has the timer and the hub from now on."""
        self.at_work, self.engine = name, self.workers[name]

    async def says(self, *signals: Signal) -> dict[str, str]:
        """See `World`: the hub delivers again what a dead worker did not take in."""
        self.heard += signals
        try:
            return await super().says(*signals)
        except CrashedError:
            self.starts(self.at_work)
            return await super().says(*signals)

    async def passes(self, minutes: float, *beside: str) -> None:
        """Time passes; the worker whose turn it is reconciles, and so does every one beside it."""
        tick = 60 if minutes >= 2 else 30
        for _ in range(int(minutes * 60 / tick)):
            self.clock.turn(timedelta(seconds=tick))
            self._queues_move()
            await asyncio.gather(
                *(self._reconciles(name) for name in {self.at_work: 0, **dict.fromkeys(beside)})
            )
        for truth in self.truth.values():
            truth.settled = truth.settled or minutes >= SLOWEST

    async def _reconciles(self, name: str) -> None:
        try:
            await self.workers[name].reconcile(self.workload.name)
        except CrashedError:
            self.starts(name)
        except HotRecordError:
            return  # the others were faster: as the host does, it goes on at the next tick
        else:
            self.finished += 1

    async def order(self, order: Order) -> None:
        """A person orders something; whether it is followed is the worker's affair."""
        await the_desk(self).give(self.workload.name, order)

    async def person(self, what: str, who: str, stamp: str) -> None:
        """A person wants something of the worker."""
        until = self.clock.now() + timedelta(minutes=30)
        orders: dict[str, Order] = {
            "hold": HoldOrder(who, "wait"),
            "release": ReleaseOrder(who),
            "silence": SilenceOrder(who, "a test", until, stamp),
            "drain": DrainOrder(who, "it smells", stamp),
            "rejoin": RejoinOrder(who, "it is needed", stamp, unproven=True),
        }
        match what:
            case "approve":
                for asked in (await self.record()).approvals:
                    await self.order(ApproveOrder(who, asked.id))
            case "marker":
                self.shelf.markers["hold"] = b"wait"
            case "unmark":
                self.shelf.markers.clear()
            case _:
                await self.order(orders[what])

    def plans_work(self, stamp: str | None) -> None:
        """Somebody plans maintenance, beginning now."""
        now = self.clock.now()
        self.configure(windows=(Window(now, now + timedelta(minutes=40), "an upgrade", stamp),))

    def touches(self, stamp: str, how: str) -> None:
        """Somebody who has nothing of ours moves a lever."""
        HANDS[how](self.truth[stamp])
        self.witness.other_hands(stamp)

    def breaks(self, stamp: str, what: str) -> None:
        """Something goes wrong with a stamp."""
        BREAKS[what](self, stamp)

    def levers_answer(self, kinds: list[OutcomeKind], lost: list[bool]) -> None:
        """So the state files answer next, with nothing done; and so some answers get lost."""
        self.lever_answers = [Outcome(kind, "so") for kind in kinds]
        self.answers_lost = lost

    def pager_fails(self, times: int) -> None:
        """Nobody can be told, the next times."""
        self.pager_answers = [Outcome(OutcomeKind.TRANSIENT, "503")] * times

    def mends(self, stamp: str) -> None:
        """Whatever was wrong with it is over; whether it is in rotation is not for the repairman to say."""
        old = self.truth[stamp]
        self.truth[stamp] = replace(
            Truth(),
            file="" if old.file is not None else None,
            version=old.version + 1,
            enabled=old.enabled,
            sent=old.sent,
            read=old.read,
            hub_made=old.hub_made,
        )
        self.reads.add(stamp)
