"""What comes of a scenario when things go wrong in it? One run, with everything written down.

Like `rehearsal.run`, but for what checkers need besides: the HealthServices' reports as they change,
the hubs at each effect, each fault as it happens. The ledger is that of Blob Storage, and a process
that dies is started anew by its host.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rehearsal.clock import Process, StuckError, VirtualLoop, WorldClock, virtual_loop
from rehearsal.faults.blob_store import Blobs, RehearsedBlobLedger
from rehearsal.faults.inject import Injector
from rehearsal.faults.kinds import Fault, Point
from rehearsal.faults.schedule import HEALING, Schedule
from rehearsal.gate import Call, Gate
from rehearsal.history import Effect, History, Kind
from rehearsal.run import errors_noted, same_chance
from rehearsal.scenario.load import Scenario
from rehearsal.scenario.timeline import Timeline
from rehearsal.scenario.workload import START
from rehearsal.worker import Staff
from rehearsal.world.what import What
from rehearsal.world.world import World
from remediation.ledger.intent import Verb
from remediation.ports import Ledger

RESTART_SECONDS = 3.0
"""So long the host takes to start a new process in the place of one that died."""

ROLLOUT_SECONDS = 45.0
"""Front Door rolls its changes out faster here, so that a run stays short."""

Watch = Callable[[World, VirtualLoop], None]
"""What else is to happen in the world; may plan for later."""

REPORT, HUB, BREAKS, MENDED, FAULT = "report", "hub", "breaks", "mended", "fault"
"""The first words of what is written down for checkers."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one schedule.

    Attributes:
        schedule: what was to go wrong.
        scenario: in which it went wrong, with the troubles in its timeline.
        history: what happened.
        calls: every call, and when it was made.
        end: seconds from its beginning: when the scenario is over, and the last fault long enough ago.
        stuck: why the run could not go on; empty as a rule.
    """

    schedule: Schedule
    scenario: Scenario
    history: History
    calls: Mapping[Point, float]
    end: float
    stuck: str = ""


class WatchedWorld(World):
    """The world, which writes down more."""

    def _check(self, name: str) -> None:
        before = self.reports[name].checks
        super()._check(name)
        after = self.reports[name]
        if after.checks != before:
            failing = sorted(check for check, good in after.checks.items() if not good)
            words = f"HealthService will answer {after.status} {', '.join(failing)}"
            self.note(Kind.WORLD, words, name, what=(REPORT, str(after.status), *failing))

    def set_broken(self, what: What, stamp: str | None, *, broken: bool, words: str = "") -> None:
        """See `World`."""
        super().set_broken(what, stamp, broken=broken, words=words)
        rows = self.history.happenings
        place = next(at for at in range(len(rows) - 1, -1, -1) if rows[at].kind is Kind.WORLD)
        rows[place] = replace(rows[place], what=(BREAKS if broken else MENDED, str(what)))

    def effect(self, effect: Effect, who: str, words: str) -> None:
        """See `World`."""
        super().effect(effect, who, words)
        if effect.verb in (Verb.DRAIN, Verb.REJOIN):
            hub = self.hubs[effect.stamp]
            hub.settle(self.loop.time())
            rows = [f"{int(each.sent)} {int(each.read)}" for each in hub.partitions]
            self.note(Kind.WORLD, "its hub: " + "; ".join(rows), effect.stamp, what=(HUB, *rows))


@dataclass(slots=True)
class Team(Staff):
    """Workers whose ledger lies in Blob Storage, and whose host starts them again."""

    blobs: Blobs | None = None

    def ledger_of(self, name: str) -> Ledger:
        """The one of Blob Storage, over blobs that all of them share."""
        if self.blobs is None:
            self.blobs = Blobs(self.world.store)
        return RehearsedBlobLedger(self.blobs, name)

    def dies(self, process: Process) -> None:
        """A process is gone; the host notices it soon."""
        name = next((name for name, each in self.workers.items() if each.process is process), None)
        if name is None:
            process.kill()
            return
        self.kill(name)
        self.world.loop.after(RESTART_SECONDS, lambda: self._again(name))

    def _again(self, name: str) -> None:
        if name not in self.workers:
            self.start(name)


def try_out(scenario: Scenario, schedule: Schedule, watch: Watch | None = None) -> Trial:
    """Run a scenario with what goes wrong in it. The same arguments give the same run."""
    chosen = schedule.of(scenario)
    loop = virtual_loop()
    clock = WorldClock(loop, START)
    seen: dict[Point, float] = {}
    history = History()
    end, stuck = 0.0, ""
    with same_chance(schedule.seed):
        try:
            end = loop.run(_act(_Stage(chosen, schedule, loop, clock, history, seen), watch))
        except StuckError as error:
            stuck = str(error)
    return Trial(schedule, chosen, history, seen, end, stuck)


@dataclass(frozen=True, slots=True)
class _Stage:
    scenario: Scenario
    schedule: Schedule
    loop: VirtualLoop
    clock: WorldClock
    history: History
    seen: dict[Point, float]


async def _act(stage: _Stage, watch: Watch | None) -> float:
    """Let it happen; returns when it was over."""
    scenario, loop = stage.scenario, stage.loop
    workload = scenario.charge.workload
    world = WatchedWorld(workload, loop, stage.clock, stage.schedule.seed, scenario.absent)
    world.history = stage.history
    world.rollout = world.rollout.__class__(seconds=ROLLOUT_SECONDS)
    world.score_check = scenario.score_check

    def note(fault: Fault, call: Call) -> None:
        what = (FAULT, str(fault.kind), call.name)
        world.note(Kind.WORLD, f"fault: {fault}", who=call.process.name, what=what)

    injector = Injector(loop, stage.schedule.faults, lambda process: staff.dies(process), note)  # noqa: PLW0108 - it comes later
    injector.seen = stage.seen
    gate = Gate(loop, injector, world.chance("latency"))
    staff = Team(world, gate, {workload.name: scenario.charge})
    world.model.on_snapshot = staff.sent_together
    with errors_noted(world):
        world.start()
        for number in range(1, scenario.workers + 1):
            staff.start(f"worker-{number}")
        loop.spawn(staff.read_hub(), name="hub host")
        Timeline(scenario, world, staff).begin()
        if watch is not None:
            watch(world, loop)
        over = scenario.run.total_seconds()
        while loop.time() < over:
            await asyncio.sleep(over - loop.time())
            over = max(over, injector.latest + HEALING.total_seconds())  # one may happen at the very end
    world.history.end()
    gate.close()
    return loop.time()
