"""Does every promise hold when everything moves at once? Random lives of a world, and their ends.

A state machine over the real engine: rules are whatever can happen to stamps, workers and people, in
any order; after each the promises that can be seen from outside are checked, and at the end all is mended.
"""

from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from remediation.ledger.codec import encode
from remediation.ledger.intent import IntentState, OutcomeKind, Verb
from remediation.ledger.record import WorkloadRecord
from rules.policy import Mode
from rules.signals import AlertState, Health, Signal
from tests.engine.in_the_end import everything_is_mended, nobody_is_forgotten, rests, told_to_the_end
from tests.engine.living_world import FOUR, POLICY, SKEWS, LivingWorld
from tests.engine.mortal import years
from tests.engine.troubles import AGAINST, BREAKS, HANDS

SMALL = 96 * 1024
"""Bytes. None of these worlds has many nodes, so that nothing but a leak could make its record large."""

WITHIN = timedelta(minutes=50)
"""Of an hour, as two clocks that are five minutes apart from the true time both see it."""

SOON = POLICY.lease + timedelta(minutes=2)
"""The lease and two periods of the timer, which is slowest here at one minute."""

stamps = st.sampled_from(FOUR)
people = st.sampled_from(["ada", "grace"])
workers = st.sampled_from(sorted(SKEWS))
waits = st.sampled_from([0, 0.5, 0.5, 2, 5, 8, 15])

Event = Callable[..., Coroutine[Any, Any, None]]
a_rule: Any = rule  # which of its overloads is meant cannot be told where the strategies are passed on


def event(**how: st.SearchStrategy[Any]) -> Callable[[Event], Any]:
    """A rule of the machine: something happens, and then some time passes."""

    def made(happens: Event) -> Any:
        def then_time_passes(self: "AnyWorld", then: float, **drawn: Any) -> None:
            self.years.live(happens(self, **drawn))
            self.years.live(self.world.passes(then))

        then_time_passes.__name__ = happens.__name__
        return a_rule(then=waits, **how)(then_time_passes)

    return made


class AnyWorld(RuleBasedStateMachine):
    """The life of one world."""

    def __init__(self) -> None:
        super().__init__()
        self.years = years()
        self.world = LivingWorld()
        self.leases: dict[str, tuple[datetime, int]] = {}
        self.years.live(self.world.passes(1))

    @initialize(
        against=st.sampled_from(["nothing", "nothing", "nothing", *AGAINST]),
        troubles=st.sampled_from([(), (), ("lever",), ("lever", "slow"), ("notices",), ("notices", "slow")]),
        mode=st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.APPROVE]),
        dies=st.sampled_from([0, 0, 8, 12, *range(16, 22)]),
        then=st.sampled_from([0, 0, 5]),
    )
    def begins(self, against: str, troubles: tuple[str, ...], mode: Mode, dies: int, then: float) -> None:
        """Every life begins so: the processor of weu stops, besides whatever else is wrong with the world."""
        self.world.configure(mode=mode)
        done = AGAINST[against](self.world)
        if done is not None:
            self.years.live(done)
        self.years.live(self.world.passes(0.5))
        for trouble in (*troubles, "processor"):
            self.world.breaks("weu", trouble)
        if dies:  # the drain is planned by the tenth call that changes anything, and made by the nineteenth
            self.world.lives["true"].ends(dies, after=dies % 2 > 0)
        self.years.live(self.world.passes(6))
        self.years.live(self.world.person("approve", "grace", "weu"))
        self.years.live(self.world.passes(2 + then))

    @event(stamp=stamps, other=stamps, times=st.integers(1, 4))
    async def comes_and_goes(self, stamp: str, other: str, times: int) -> None:
        """One stamp is sick for a while, and then another: as often as budgets allow, and once more."""
        for each in [stamp, other, stamp, other][:times]:
            await self.world.node(each, "Stamp", Health.RED)
            await self.world.passes(3)
            for minutes in (3, 3, 3, 4):  # it goes on saying so: else that is stale, and proves nothing
                await self.world.node(each, "Stamp", Health.GREEN)
                await self.world.passes(minutes)

    @event(stamp=stamps, what=st.sampled_from(["processor", *BREAKS]))
    async def breaks(self, stamp: str, what: str) -> None:
        """Something goes wrong with a stamp."""
        self.world.breaks(stamp, what)

    @event(stamp=stamps)
    async def is_mended(self, stamp: str) -> None:
        """Somebody repairs it."""
        self.world.mends(stamp)

    @event(stamp=stamps, how=st.sampled_from(sorted(HANDS)))
    async def is_touched(self, stamp: str, how: str) -> None:
        """Somebody who has nothing of ours moves a lever."""
        self.world.touches(stamp, how)

    @event(
        stamp=stamps, node=st.sampled_from(["Stamp", "BackgroundProcessor"]), health=st.sampled_from(Health)
    )
    async def model_says(self, stamp: str, node: str, health: Health) -> None:
        """A signal of a node."""
        await self.world.node(stamp, node, health)

    @event(stamp=stamps, condition=st.sampled_from(AlertState))
    async def alert_says(self, stamp: str, condition: AlertState) -> None:
        """An alert fires, or is over."""
        await self.world.alert(stamp, condition)

    @event(chance=st.randoms(use_true_random=False))
    async def hub_delivers_again(self, chance: Any) -> None:
        """P15: whatever was said before is said once more, in any order, and changes no register."""
        again = list(self.world.heard)
        chance.shuffle(again)
        before = await self.known_of(again)
        await self.world.says(*again)
        del self.world.heard[-len(again) :]
        assert await self.known_of(again) == before, "P15"

    @event(name=workers)
    async def worker_takes_over(self, name: str) -> None:
        """Another worker has the timer and the hub, and its clock is another."""
        self.world.takes_over(name)

    @event(name=workers)
    async def worker_restarts(self, name: str) -> None:
        """A deployment: what it had in memory is gone."""
        self.world.starts(name)

    @event(name=workers, calls=st.integers(1, 12), after=st.booleans(), beside=st.booleans())
    async def worker_dies(self, name: str, calls: int, *, after: bool, beside: bool) -> None:
        """In the middle of anything: before or after a call that changes something."""
        self.world.lives[name].ends(calls, after=after)
        await self.world.passes(2, *([name] if beside else []))

    @event(name=workers, minutes=st.sampled_from([0.5, 2, 5]))
    async def workers_work_at_once(self, name: str, minutes: float) -> None:
        """Two timers fire at the same moment."""
        await self.world.passes(minutes, name)

    @event(mode=st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.APPROVE, Mode.OBSERVE]))
    async def mode_is_changed(self, mode: Mode) -> None:
        """What the worker may do is another thing from now on."""
        self.world.configure(mode=mode)

    @event(what=st.sampled_from(["front_door", "hubs"]), there=st.booleans())
    async def files_are_changed(self, what: str, *, there: bool) -> None:
        """Levers and hubs come and go."""
        self.world.configure(**{what: there})

    @event(problem=st.sampled_from(["shop.yaml:3: what is this?", ""]))
    async def files_are_mistaken(self, problem: str) -> None:
        """The files make no sense; what was in force stays so."""
        self.world.configure(problem=problem)

    @event(stamp=st.sampled_from([None, *FOUR]))
    async def work_is_planned(self, stamp: str | None) -> None:
        """Maintenance begins."""
        self.world.plans_work(stamp)

    @event(
        what=st.sampled_from(
            ["hold", "release", "silence", "drain", "rejoin", "approve", "approve", "marker", "unmark"]
        ),
        who=people,
        stamp=stamps,
    )
    async def person_wants(self, what: str, who: str, stamp: str) -> None:
        """A person gives an order."""
        await self.world.person(what, who, stamp)

    @event(who=people, other=people, stamp=stamps, what=st.sampled_from(["drain", "rejoin"]))
    async def person_asks_another(self, who: str, other: str, stamp: str, what: str) -> None:
        """P18: somebody orders a step and the other says yes to it at once, if they are two."""
        await self.world.person(what, who, stamp)
        await self.world.person("approve", other, stamp)

    @event(is_open=st.booleans())
    async def edge_turns(self, *, is_open: bool) -> None:
        """The way through Front Door closes, or opens."""
        self.world.edge_open = is_open

    @event(
        kinds=st.lists(
            st.sampled_from([kind for kind in OutcomeKind if kind is not OutcomeKind.APPLIED]), max_size=3
        ),
        lost=st.lists(st.booleans(), max_size=3),
    )
    async def levers_answer(self, kinds: list[OutcomeKind], lost: list[bool]) -> None:
        """They refuse, or nobody knows what they did."""
        self.world.levers_answer(kinds, lost)

    @event(times=st.integers(0, 3))
    async def pager_fails(self, times: int) -> None:
        """Nobody can be told."""
        self.world.pager_fails(times)

    @rule()
    def nothing_happens(self) -> None:
        """P20: and no time passes."""
        self.world.starts(self.world.at_work)  # whoever is about to die does so now
        self.years.live(rests(self.world))

    @invariant()
    def nothing_was_done_that_must_not_be(self) -> None:
        """P1, P2, P3, P4, P5, P12, P17, P18: at each effect, by the truth of that moment."""
        assert self.world.witness.broken == []

    @invariant()
    def one_drain_is_in_flight(self) -> None:
        """P1."""
        assert len([each for each in self.record().in_flight() if each.verb is Verb.DRAIN]) <= 1, "P1"

    @invariant()
    def budgets_hold(self) -> None:
        """P13: over all workers, rules and people."""
        begun = self.world.witness.begun
        for last in begun:
            hour = [at for at in begun if last - WITHIN < at <= last]
            assert len(hour) <= POLICY.drains_per_hour, f"P13: {hour}"
            day = [at for at in begun if last - timedelta(hours=23) < at <= last]
            assert len(day) <= POLICY.drains_per_day, f"P13: {day}"

    @invariant()
    def no_lease_is_waited_for(self) -> None:
        """P10, P11: however its owner died, and however wrong the clocks are."""
        acting = [each for each in self.record().in_flight() if each.state is IntentState.ACTING]
        tokens = [each.lease.token for each in acting if each.lease]
        now = (self.world.clock.now(), self.world.finished)
        self.leases = {token: self.leases.get(token, now) for token in tokens}
        for token, (since, rounds) in self.leases.items():
            assert now[0] - since <= SOON or now[1] - rounds <= 3, f"P10, P11: {token} since {since}"

    @invariant()
    def record_is_small(self) -> None:
        """P19: nothing in it grows with time."""
        assert len(encode(self.record(), "write")) < SMALL, "P19"
        assert len(self.record().intents) <= 25, "P19"

    async def known_of(self, signals: Iterable[Signal]) -> dict[str, Signal | None]:
        """What the record keeps where these signals belong."""
        registers = (await self.world.record()).registers
        return {str(signal.key): registers.get(signal.key) for signal in signals}

    def record(self) -> WorkloadRecord:
        """The ledger's word."""
        return self.years.live(self.world.record())

    def teardown(self) -> None:
        """P8, P14, P20: heal everything; it comes to rest, nothing is left untold and nobody forgotten."""
        if self.world.witness.broken:
            return  # that is said already
        self.years.live(everything_is_mended(self.world))
        assert self.world.witness.broken == []
        told_to_the_end(self.world, self.record())
        self.years.live(rests(self.world))
        self.years.live(nobody_is_forgotten(self.world, self.record()))


@pytest.mark.slow
@pytest.mark.parametrize(("troubles", "dies"), [((), 0), (("lever", "slow"), 0), (("notices",), 19)])
@pytest.mark.parametrize("against", AGAINST)
def test_every_beginning_holds_every_promise(against: str, troubles: tuple[str, ...], dies: int) -> None:
    """P2, P3, P10, P12, P13, P17: whatever speaks against a drain; then more drains than budgets allow."""
    life = AnyWorld()
    life.begins(against=against, troubles=troubles, mode=Mode.AUTO, dies=dies, then=0)
    life.comes_and_goes(stamp="neu", other="sea", times=4, then=0)
    life.nothing_happens()
    for holds in (
        life.nothing_was_done_that_must_not_be,
        life.one_drain_is_in_flight,
        life.budgets_hold,
        life.no_lease_is_waited_for,
        life.record_is_small,
    ):
        holds()
    life.teardown()


lives = settings(
    max_examples=40,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

TestAnyWorld = pytest.mark.slow(AnyWorld.TestCase)
TestAnyWorld.settings = lives
