"""What would the worker have done with what it was told? A recording, played through some rules.

The bodies that were received are received again, each at its own time, by the real worker in virtual
time; or the signals that a journal lists arrive again at its engine, each at the moment of its decision.
Of the world behind them nothing is known but what they say, so the rest is taken as well: levers move,
nobody hangs, and a HealthService answers as the root of its stamp was last said to be. What only the
worker's own probes have seen is in no recording; of a journal it is left out, for the replay's worker
looks with probes of its own.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rehearsal.clock import VirtualLoop, WorldClock, virtual_loop
from rehearsal.gate import Gate, NoFaults
from rehearsal.history import History, Kind
from rehearsal.run import errors_noted, same_chance
from rehearsal.worker import RunningWorker, Staff
from rehearsal.world.health_model import Word
from rehearsal.world.health_service import BLOB_STORAGE, DATABASE, HEALTH_SCORE
from rehearsal.world.world import World
from remediation.decide.lagging import CONSUMER_LAG
from remediation.decide.looks import FRONT_DOOR, HEALTHSERVICE
from remediation.decide.plan import Arrival, Charge
from remediation.intake.read import is_heartbeat, read
from remediation.intake.rejection import Code, Rejection
from remediation.intake.subject import Known
from remediation.ledger.record import JournalEntry
from rules.signals import Health, Signal
from rules.topology import Workload

LEAD = timedelta(minutes=1)
"""So long before the first body the worker starts, to have looked once at everything."""

OWN_PROBES = frozenset({HEALTHSERVICE, FRONT_DOOR, CONSUMER_LAG})
"""The sources of what a worker sees by looking itself. The replay's worker looks for itself."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One body that was received.

    Attributes:
        at: when, aware UTC.
        body: the bytes.
        properties: what its sender had set beside it.
    """

    at: datetime
    body: bytes
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one decision of a journal lists as heard.

    Attributes:
        at: the moment of the decision, aware UTC.
        workload: about which it was.
        signals: those that it lists.
        partly: it considered more signals than it lists: there was a storm, or an older worker wrote it.
    """

    at: datetime
    workload: str
    signals: tuple[Signal, ...]
    partly: bool = False


Played = Recorded | Heard
"""One thing on record."""


def heard(entry: JournalEntry) -> Heard:
    """What a journal entry has to be played."""
    unlisted = set(entry.signals) - {signal.id for signal in entry.heard}
    aside = {
        each
        for each in unlisted
        if any(said.startswith(f"signal {each} set aside:") for said in entry.events)
    }
    return Heard(entry.at, entry.workload, entry.heard, partly=unlisted != aside)


@dataclass(frozen=True, slots=True)
class RootSaid:
    """What the root of a stamp was said to be, from some moment on."""

    at: float
    stamp: str
    health: Health


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a recording under some rules.

    Attributes:
        charge: the workload as it was played, and the rules.
        began: the moment of which the history counts its seconds.
        history: everything that happened.
        roots: what was said of the roots, in order.
    """

    charge: Charge
    began: datetime
    history: History
    roots: tuple[RootSaid, ...]

    def moment(self, seconds: float) -> datetime:
        """The time of day of a happening."""
        return self.began + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A recording, by workload.

    Attributes:
        of: what is about each workload, oldest first.
        nobodys: how many cannot be read, or are about no workload of ours, by the reason's code.
    """

    of: Mapping[str, Sequence[Played]]
    nobodys: Mapping[str, int]


def sort_out(recording: Sequence[Played], workloads: Mapping[str, Workload]) -> Sorted:
    """Give each body or decision to the workloads that it is about.

    Left out are heartbeats, and decisions that list nothing but what the worker's own probes saw.
    """
    known, nobodys = Known(workloads), Counter[str]()
    of: dict[str, list[Played]] = {name: [] for name in workloads}
    for one in sorted(recording, key=lambda each: each.at):
        try:
            about, playable = _about(one, known)
        except Rejection as why:
            nobodys[str(why.code)] += 1
            continue
        for name in about:
            of[name].append(playable)
    return Sorted(of, dict(nobodys))


def _about(one: Played, known: Known) -> tuple[set[str], Played]:
    """The workloads that it is about, none where it is to be left out; and what is played of it.

    Raises:
        Rejection: it cannot be read, or is about no workload of ours.
    """
    if isinstance(one, Recorded):
        quiet = is_heartbeat(one.properties)
        return set() if quiet else {each.subject.workload for each in read(one.body, known).signals}, one
    if one.workload not in known.workloads:
        raise Rejection(Code.NOT_OURS, f"no workload is called {one.workload}")
    signals = tuple(signal for signal in one.signals if signal.source not in OWN_PROBES)
    return {one.workload} if signals else set(), replace(one, signals=signals)


def replay(
    recording: Sequence[Played],
    charge: Charge,
    *,
    score_check: bool = True,
    seed: str = "1",
    on_the_way: Callable[[int], None] = lambda _: None,
) -> Replay:
    """Play a recording to one worker. The same arguments give the same history, byte for byte.

    It goes on for as long after the last signal as that stays fresh.

    Args:
        recording: at least one body or decision about the workload, in order, as `sort_out` gives them.
        charge: the workload, and the rules by which the worker goes.
        score_check: the HealthServices fail while the root of their stamp is red, as the reference's do.
        seed: of the chance in delays.
        on_the_way: is told at each tenth how many of a hundred parts of the time have been played: the
            worker ticks in quiet hours too, so a recording of weeks takes minutes.
    """
    charge = replace(charge, workload=_playable(charge.workload))
    loop = virtual_loop()
    clock = WorldClock(loop, recording[0].at - LEAD)
    played = _Played(charge, loop, clock, seed, score_check=score_check)
    lasts = recording[-1].at - clock.start + charge.workload.policy.fresh_for
    with same_chance(seed):
        loop.run(played.act(recording, lasts, on_the_way))
    return Replay(charge, clock.start, played.world.history, tuple(played.roots))


def _playable(workload: Workload) -> Workload:
    """The workload with the checks that simulated HealthServices have; of its hubs nothing was recorded."""
    return replace(
        workload,
        stamps=tuple(replace(stamp, event_hub=None, health_query=None) for stamp in workload.stamps),
        state_file_check=BLOB_STORAGE,
        database_check=DATABASE,
        health_score_check=HEALTH_SCORE,
    )


class _RecordedWorld(World):
    """A world in which only the recording speaks."""

    def is_silent(self) -> bool:
        """The health model of the rehearsal says nothing of its own."""
        return True


class _Played:
    """One replay."""

    def __init__(
        self, charge: Charge, loop: VirtualLoop, clock: WorldClock, seed: str, *, score_check: bool
    ) -> None:
        self.world = _RecordedWorld(charge.workload, loop, clock, seed)
        self.world.score_check = score_check
        self.roots: list[RootSaid] = []
        self._charge = charge
        self._known = Known({charge.workload.name: charge.workload})

    async def act(
        self, recording: Sequence[Played], lasts: timedelta, on_the_way: Callable[[int], None]
    ) -> None:
        """Play it."""
        world = self.world
        gate = Gate(world.loop, NoFaults(), world.chance("latency"))
        staff = Staff(world, gate, {self._charge.workload.name: self._charge})
        with errors_noted(world):
            world.start()
            worker = staff.start("worker-1")
            world.loop.spawn(staff.read_hub(), name="hub host")
            decided: list[Heard] = []
            for one in recording:
                due = (one.at - world.clock.start).total_seconds()
                world.loop.after(due, lambda one=one: self._arrives(one))  # type: ignore[misc]
                if isinstance(one, Heard):
                    decided.append(one)
            world.loop.spawn(self._hear(worker, decided), worker.process, name="journal")
            for percent in range(10, 101, 10):
                await asyncio.sleep(lasts.total_seconds() * percent / 100 - world.loop.time())
                on_the_way(percent)
        world.history.end()
        gate.close()

    async def _hear(self, worker: RunningWorker, decided: Sequence[Heard]) -> None:
        """Let the signals of a journal arrive, one decision after the other, as batches of a hub."""
        for one in decided:
            await asyncio.sleep(max(0.0, (one.at - self.world.clock.now()).total_seconds()))
            parked = await worker.engine.accept(Arrival(signal, one.at) for signal in one.signals)
            for why in parked.values():
                self.world.note(Kind.FAULT, f"signals could not be taken in: {why}", who=worker.name)

    def _arrives(self, one: Played) -> None:
        """A body comes into the hub; and the world behind it is as it is said to be."""
        if isinstance(one, Recorded):
            self.world.hub.put(one.body, one.properties)
        for signal in self._signals(one.body) if isinstance(one, Recorded) else one.signals:
            subject = signal.subject
            if subject.stamp and subject.node == self._charge.workload.root_node and signal.health:
                model = self.world.model
                model.words[model.usual_source, subject.stamp, subject.node] = Word(signal.health)
                self.roots.append(RootSaid(self.world.clock.seconds, subject.stamp, signal.health))

    def _signals(self, body: bytes) -> tuple[Signal, ...]:
        try:
            return read(body, self._known).signals
        except Rejection:
            return ()
