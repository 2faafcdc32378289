"""What would the worker have done with what it was told? A recording, played through some rules.

The bodies that were received are received again, each at its own time, by the real worker in virtual
time. Of the world behind them nothing is known but what they say, so the rest is taken as well: levers
move, nobody hangs, and a HealthService answers as the root of its stamp was last said to be. What only
the worker's own probes have seen is in no recording.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rehearsal.clock import VirtualLoop, WorldClock, virtual_loop
from rehearsal.gate import Gate, NoFaults
from rehearsal.history import History
from rehearsal.run import errors_noted, same_chance
from rehearsal.worker import Staff
from rehearsal.world.health_model import Word
from rehearsal.world.health_service import BLOB_STORAGE, DATABASE, HEALTH_SCORE
from rehearsal.world.world import World
from remediation.decide.plan import Charge
from remediation.intake.read import is_heartbeat, read
from remediation.intake.rejection import Rejection
from remediation.intake.subject import Known
from rules.signals import Health, Signal
from rules.topology import Workload

LEAD = timedelta(minutes=1)
"""So long before the first body the worker starts, to have looked once at everything."""


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
    """The bodies of a recording.

    Attributes:
        of: those about each workload, oldest first.
        nobodys: how many cannot be read, or are about no workload of ours, by the reason's code.
    """

    of: Mapping[str, Sequence[Recorded]]
    nobodys: Mapping[str, int]


def sort_out(recording: Sequence[Recorded], workloads: Mapping[str, Workload]) -> Sorted:
    """Give each body to the workloads that it is about. Heartbeats are left out."""
    known, nobodys = Known(workloads), dict[str, int]()
    of: dict[str, list[Recorded]] = {name: [] for name in workloads}
    for one in sorted(recording, key=lambda each: each.at):
        if is_heartbeat(one.properties):
            continue
        try:
            signals = read(one.body, known).signals
        except Rejection as why:
            nobodys[str(why.code)] = nobodys.get(str(why.code), 0) + 1
            continue
        for name in {signal.subject.workload for signal in signals}:
            of[name].append(one)
    return Sorted(of, nobodys)


def replay(
    recording: Sequence[Recorded], charge: Charge, *, score_check: bool = True, seed: str = "1"
) -> Replay:
    """Play a recording to one worker. The same arguments give the same history, byte for byte.

    It goes on for as long after the last body as that stays fresh.

    Args:
        recording: at least one body about the workload, in order.
        charge: the workload, and the rules by which the worker goes.
        score_check: the HealthServices fail while the root of their stamp is red, as the reference's do.
        seed: of the chance in delays.
    """
    charge = replace(charge, workload=_playable(charge.workload))
    loop = virtual_loop()
    clock = WorldClock(loop, recording[0].at - LEAD)
    played = _Played(charge, loop, clock, seed, score_check=score_check)
    lasts = recording[-1].at - clock.start + charge.workload.policy.fresh_for
    with same_chance(seed):
        loop.run(played.act(recording, lasts))
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

    async def act(self, recording: Sequence[Recorded], lasts: timedelta) -> None:
        """Play it."""
        world = self.world
        gate = Gate(world.loop, NoFaults(), world.chance("latency"))
        staff = Staff(world, gate, {self._charge.workload.name: self._charge})
        with errors_noted(world):
            world.start()
            staff.start("worker-1")
            world.loop.spawn(staff.read_hub(), name="hub host")
            for one in recording:
                due = (one.at - world.clock.start).total_seconds()
                world.loop.after(due, lambda one=one: self._receive(one))  # type: ignore[misc]
            await asyncio.sleep(lasts.total_seconds())
        world.history.end()
        gate.close()

    def _receive(self, one: Recorded) -> None:
        self.world.hub.put(one.body, one.properties)
        for signal in self._signals(one.body):
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
