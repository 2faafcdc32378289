"""What comes of a scenario? One run of it, from its beginning to its end, in virtual time."""

import asyncio
import gc
import random
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from rehearsal.clock import VirtualLoop, WorldClock, process_now, virtual_loop
from rehearsal.expect.judge import Judged, judge
from rehearsal.gate import Faults, Gate, NoFaults
from rehearsal.history import History, Kind
from rehearsal.scenario.load import Scenario
from rehearsal.scenario.timeline import Timeline
from rehearsal.scenario.workload import START
from rehearsal.worker import Staff
from rehearsal.world.world import World
from remediation.ledger.record import WorkloadRecord

_NOT_SAID = ("event", "exc_info")


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one scenario.

    Attributes:
        scenario: which.
        seed: with which chance.
        history: everything that happened.
        judged: each expectation, and whether it holds.
        calls: how many calls there were of each name, for whoever looks for fault points.
        record: the ledger's last word.
    """

    scenario: Scenario
    seed: str
    history: History
    judged: tuple[Judged, ...]
    calls: Mapping[str, int]
    record: WorkloadRecord

    @property
    def passed(self) -> bool:
        """Every expectation holds."""
        return all(each.holds for each in self.judged)


def rehearse(
    scenario: Scenario,
    *,
    seed: int | str | None = None,
    faults: Callable[[VirtualLoop], Faults] | None = None,
) -> Run:
    """Run a scenario to its end. The same scenario, seed and faults give the same run, byte for byte.

    Args:
        scenario: what happens.
        seed: of all chance; the scenario's own where none is given.
        faults: makes what stands around every call; it may keep the loop, to let things happen later.

    Raises:
        StuckError: the run cannot go on; a fault of the rehearsal itself.
    """
    chosen = str(scenario.seed if seed is None else seed)
    loop = virtual_loop()
    clock = WorldClock(loop, START)
    with same_chance(chosen):
        world, gate = loop.run(_act(scenario, loop, clock, chosen, faults))
    judged = tuple(
        judge(expectation, world.history, scenario, set(_out(world))) for expectation in scenario.expectations
    )
    record = world.store.record(scenario.charge.workload.name)
    return Run(scenario, chosen, world.history, judged, dict(gate.calls), record)


async def _act(
    scenario: Scenario,
    loop: VirtualLoop,
    clock: WorldClock,
    seed: str,
    faults: Callable[[VirtualLoop], Faults] | None,
) -> tuple[World, Gate]:
    workload = scenario.charge.workload
    world = World(workload, loop, clock, seed, scenario.absent)
    gate = Gate(loop, faults(loop) if faults else NoFaults(), world.chance("latency"))
    staff = Staff(world, gate, {workload.name: scenario.charge})
    world.score_check = scenario.score_check
    world.model.on_snapshot = staff.sent_together
    with errors_noted(world):
        world.start()
        for number in range(1, scenario.workers + 1):
            staff.start(f"worker-{number}")
        loop.spawn(staff.read_hub(), name="hub host")
        Timeline(scenario, world, staff).begin()
        await asyncio.sleep(scenario.run.total_seconds())
    world.history.end()
    gate.close()
    return world, gate


def _out(world: World) -> Iterator[str]:
    """The stamps that some lever takes out at the end."""
    for name, truth in world.stamps.items():
        if truth.file.content is None or not world.origins[name].enabled:
            yield name


@contextmanager
def same_chance(seed: str) -> Iterator[None]:
    """The worker pauses by chance between conflicts; in a rehearsal that chance is repeatable."""
    before, thresholds = random.getstate(), gc.get_threshold()
    random.seed(f"{seed}/worker")
    gc.set_threshold(50_000, 20, 20)  # little of a run is garbage in cycles, and looking for it is slow
    try:
        yield
    finally:
        random.setstate(before)
        gc.set_threshold(*thresholds)


@contextmanager
def errors_noted(world: World) -> Iterator[None]:
    """Keep the errors that workers log in the history, and everything else off the terminal."""

    def note(_: object, method: str, event: MutableMapping[str, Any]) -> Any:
        if method in ("error", "exception", "critical"):
            process = process_now()
            said = ", ".join(f"{key}={value}" for key, value in event.items() if key not in _NOT_SAID)
            error = sys.exc_info()[1] if event.get("exc_info") else None
            said += f" ({error!r})" if error is not None else ""
            world.note(Kind.FAULT, f"{event['event']}: {said}", who=process.name if process else "")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[note], wrapper_class=structlog.stdlib.BoundLogger)
    try:
        yield
    finally:
        structlog.configure(**before)
