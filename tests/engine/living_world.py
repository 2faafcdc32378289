"""What may happen to a whole world at once? All that moves, as events; at each effect, what must hold."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

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
from remediation.ledger.intent import LeverKind, Outcome, OutcomeKind, Verb
from rules.evaluate import RuleSet
from rules.policy import Mode, Policy
from rules.signals import AlertState, Health
from rules.topology import Window, Workload
from tests.builders import a_stamp, a_workload
from tests.engine.test_guarded_drain import CANNOT_READ, EDGE, HUB, ORIGINS
from tests.engine.witness import Witness, WitnessedLever, WitnessedOrigin, the_desk
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
APART = timedelta(minutes=5)
"""So far the clocks of the two workers are from the true time, one behind and one ahead."""

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


class StrictWitness(Witness):
    """Sees every effect, and compares it with the truth of a world in which everything moves."""

    async def sees(self, verb: Verb, stamp: str, lever: LeverKind) -> None:
        """The effect is about to be."""
        await super().sees(verb, stamp, lever)
        world = self.world
        record, workload = await world.record(), world.workload
        (intent,) = [
            each
            for each in record.in_flight()
            if (each.verb, each.stamp, each.lever) == (verb, stamp, lever) and each.lease is not None
        ]
        if workload.mode is Mode.OBSERVE or (workload.mode is Mode.APPROVE and not intent.approved_by):
            self._say(f"P17, P18: {verb} of {stamp} in mode {workload.mode}")
        now = world.clock.now()
        for window in workload.maintenance:
            if window.stamp in (None, stamp) and window.since + APART <= now < window.until - APART:
                self._say(f"P12: {verb} of {stamp} in its maintenance")
        if verb is Verb.DRAIN:
            self._judge_drain(stamp, record.out(), by_a_person=bool(intent.author), second=intent.second)
        elif not intent.author:
            self._judge_rejoin(stamp, world.truth[stamp], (record.stamp(stamp).drain or intent))

    def _judge_drain(self, stamp: str, out: set[str], *, by_a_person: bool, second: bool) -> None:
        world = self.world
        if "MAINTENANCE" in (world.truth[stamp].file or ""):
            self._say(f"P12: drain of {stamp}, which says MAINTENANCE")
        if any(not truth.settled for name, truth in world.truth.items() if name != stamp):
            self._say(f"P1: drain of {stamp} while an origin is being changed")
        if not second and isinstance(world, LivingWorld):
            world.begun.append(world.clock.now())
        if by_a_person:
            return
        if not world.edge_open and world.workload.front_door_url:
            self._say(f"P3: drain of {stamp} while the edge is closed")
        in_rotation = [name for name in world.truth if name not in out or name == stamp]
        bad = {name for name in in_rotation if not world.serves(name)} | {stamp}
        if 2 * len(bad) > len(in_rotation):
            self._say(f"P3: drain of {stamp}; of {in_rotation} these fail: {sorted(bad)}")

    def _judge_rejoin(self, stamp: str, truth: Truth, drain: Any) -> None:
        marks = getattr(drain, "marks", {})
        if not truth.reachable or truth.failing or any(truth.read < mark for mark in marks.values()):
            self._say(f"P12: rejoin of {stamp} without proof: {truth}, {dict(marks)}")


class LivingOrigin(WitnessedOrigin):
    """An origin whose return takes its time as well."""

    async def bring_back(self, stamp: Any, content: str) -> Outcome:
        """See `Lever`."""
        truth = self._world.truth[stamp.name]
        was = truth.enabled
        outcome = await super().bring_back(stamp, content)
        if not was:
            truth.settled = not truth.slow
        return outcome


class LivingLever(WitnessedLever):
    """State files that can neither be deleted nor made where the storage is gone."""

    async def take_out(self, stamp: Any, tag: str) -> Outcome:
        """See `Lever`."""
        if not self._world.truth[stamp.name].storage:
            return Outcome(OutcomeKind.TRANSIENT, "refused")
        return await super().take_out(stamp, tag)

    async def bring_back(self, stamp: Any, content: str) -> Outcome:
        """See `Lever`."""
        if not self._world.truth[stamp.name].storage:
            return Outcome(OutcomeKind.TRANSIENT, "refused")
        return await super().bring_back(stamp, content)


@dataclass(slots=True)
class Files:
    """What people have written into the files of the worker."""

    mode: Mode = Mode.AUTO
    front_door: bool = True
    hubs: bool = True
    windows: tuple[Window, ...] = ()
    problem: str = ""


class LivingWorld(World):
    """Three workers whose clocks differ, and everything that can happen to them and to the stamps."""

    def __init__(self) -> None:
        super().__init__(the_workload(), RULES)
        self.witness = StrictWitness(self)
        self.files = Files()
        self.begun: list[datetime] = []
        self.tokens = 0
        self.at_work = "true"
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
        self.workers = {name: self._employ(name) for name in SKEWS}
        self.engine = self.workers[self.at_work]

    def _employ(self, name: str) -> Engine:
        clock = SkewedClock(self.clock, SKEWS[name])
        here: Any = Through(self, clock)
        ports = Ports(
            clock=clock,
            ledger=self.ledger,
            lever=LivingLever(here, self.witness),
            health_services=FakeHealthServices(here),
            pager=FakeTeller(here),
            notifier=FakeTeller(here),
            tally=self.tally,
            origin=LivingOrigin(here, self.witness),
            queues=FakeQueues(here),
            steps=FakeSteps(here),
        )
        charges = {self.workload.name: self.charge}
        return Engine(charges, ports, name, problem=lambda: self.files.problem, token=self._token)

    def _token(self) -> str:
        self.tokens += 1
        return f"token-{self.tokens}"

    async def order(self, order: Order) -> None:
        """A person orders something; whether it is followed is the worker's affair."""
        await the_desk(self).give("shop", order)

    async def approve_all(self) -> None:
        """Somebody says yes to whatever is asked."""
        for asked in (await self.record()).approvals:
            await self.order(ApproveOrder("grace", asked.id))

    async def happens(self, event: tuple[str, Any]) -> None:
        """One event."""
        what, how = event
        match what:
            case "wait":
                await self.run(how)
                for truth in self.truth.values():
                    truth.settled = truth.settled or how >= SLOWEST
            case "person":
                await self._person(*how)
            case "model":
                await self.node(*how)
            case "alert":
                await self.alert(*how)
            case _:
                self._changes(what, how)

    def _changes(self, what: str, how: Any) -> None:
        match what:
            case "breaks":
                BREAKS[how[1]](self, how[0])
            case "mends":
                self.mend(how)
            case "hands":
                HANDS[how[1]](self.truth[how[0]])
            case "worker":
                self.at_work, self.engine = how, self.workers[how]
            case "files":
                self.configure(**self._written(how))
            case "edge":
                self.edge_open = how
            case "lever":
                self.lever_answers = [Outcome(kind, "so") for kind in how]
            case "pager":
                self.pager_answers = [Outcome(OutcomeKind.TRANSIENT, "503")] * how

    def _written(self, how: tuple[str, Any]) -> dict[str, Any]:
        what, value = how
        if what != "windows":
            return {what: value}
        now = self.clock.now()
        return {"windows": (Window(now, now + timedelta(minutes=40), "an upgrade", value),)}

    async def _person(self, what: str, stamp: str) -> None:
        now = self.clock.now()
        match what:
            case "hold":
                await self.order(HoldOrder("ada", "wait"))
            case "release":
                await self.order(ReleaseOrder("ada"))
            case "silence":
                await self.order(SilenceOrder("ada", "a test", now + timedelta(minutes=30), stamp))
            case "drain":
                await self.order(DrainOrder("ada", "it smells", stamp))
            case "rejoin":
                await self.order(RejoinOrder("ada", "it is needed", stamp, unproven=True))
            case "approve":
                await self.approve_all()
            case "marker":
                self.shelf.markers["hold"] = b"wait"
            case _:
                self.shelf.markers.clear()

    def mend(self, stamp: str) -> None:
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


def _new_hub(world: World, stamp: str) -> None:
    truth = world.truth[stamp]
    truth.hub_made, truth.sent, truth.read = world.clock.now(), 10, 0


def _set(**changes: Any) -> Callable[[World, str], None]:
    def change(world: World, stamp: str) -> None:
        for name, value in changes.items():
            setattr(world.truth[stamp], name, value)

    return change


BREAKS: dict[str, Callable[[World, str], None]] = {
    "processor": lambda world, stamp: world.reads.discard(stamp),
    "database": lambda world, stamp: world.truth[stamp].failing.add("Database"),
    "network": _set(reachable=False),
    "storage": _set(storage=False),
    "lever": _set(lever_works=False),
    "notices": _set(notices=False),
    "hub": _set(hub=False),
    "hub made anew": _new_hub,
    "slow": _set(slow=True),
}


def _delete(truth: Truth) -> None:
    truth.file = None


def _create(truth: Truth) -> None:
    truth.file, truth.version = truth.file or "", truth.version + 1


def _maintain(truth: Truth) -> None:
    if truth.file is not None:
        truth.file, truth.version = "MAINTENANCE", truth.version + 1


def _disable(truth: Truth) -> None:
    truth.enabled = False


def _enable(truth: Truth) -> None:
    truth.enabled = True


HANDS: dict[str, Callable[[Truth], None]] = {
    "delete": _delete,
    "create": _create,
    "maintain": _maintain,
    "disable": _disable,
    "enable": _enable,
}


stamps = st.sampled_from(FOUR)
troubles: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("breaks"), st.tuples(stamps, st.sampled_from(sorted(BREAKS)))),
    st.tuples(st.just("breaks"), st.tuples(stamps, st.just("processor"))),
    st.tuples(st.just("mends"), stamps),
    st.tuples(st.just("hands"), st.tuples(stamps, st.sampled_from(sorted(HANDS)))),
    st.tuples(st.just("worker"), st.sampled_from(sorted(SKEWS))),
    st.tuples(
        st.just("files"),
        st.one_of(
            st.tuples(st.just("mode"), st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.APPROVE, Mode.OBSERVE])),
            st.tuples(st.sampled_from(["front_door", "hubs"]), st.booleans()),
            st.tuples(st.just("windows"), st.sampled_from([None, *FOUR])),
            st.tuples(st.just("problem"), st.sampled_from(["", "shop.yaml:3: what is this?"])),
        ),
    ),
    st.tuples(
        st.just("person"),
        st.tuples(
            st.sampled_from(
                ["hold", "release", "silence", "drain", "rejoin", "approve", "approve", "marker", "unmark"]
            ),
            stamps,
        ),
    ),
    st.tuples(
        st.just("model"),
        st.tuples(stamps, st.sampled_from(["Stamp", "BackgroundProcessor"]), st.sampled_from(Health)),
    ),
    st.tuples(st.just("alert"), st.tuples(stamps, st.sampled_from(AlertState))),
    st.tuples(st.just("edge"), st.booleans()),
    st.tuples(st.just("lever"), st.lists(st.sampled_from(OutcomeKind), max_size=3)).filter(
        lambda event: OutcomeKind.APPLIED not in event[1]
    ),
    st.tuples(st.just("pager"), st.integers(0, 3)),
)
waits = st.tuples(st.just("wait"), st.sampled_from([0.5, 0.5, 2, 5, 8, 15]))
after_all = st.lists(st.tuples(troubles, waits), max_size=10).map(
    lambda pairs: [event for pair in pairs for event in pair]
)


def ill(*troubles: str, mode: Mode = Mode.AUTO) -> list[tuple[str, Any]]:
    """The processor of weu stops reading, besides whatever else is wrong with it; time enough to act."""
    broken: list[tuple[str, Any]] = [("breaks", ("weu", trouble)) for trouble in (*troubles, "processor")]
    return [("files", ("mode", mode)), *broken, ("wait", 6), ("person", ("approve", "weu")), ("wait", 2)]


beginnings: st.SearchStrategy[list[tuple[str, Any]]] = st.sampled_from(
    [
        [],
        ill(),
        ill("lever"),
        ill("lever", "slow"),
        [*ill("notices"), ("wait", 5)],
        [*ill("notices", "slow"), ("wait", 5)],
        ill(mode=Mode.APPROVE),
        [*ill(), ("mends", "weu"), ("wait", 13)],
        [("person", ("drain", "weu")), ("wait", 2)],
    ]
)
"""How most drains begin: from here on a history can go anywhere."""

histories = st.builds(lambda first, then: [*first, *then], beginnings, after_all)
