"""What is a worker in a rehearsal? The real one, in a process that can be stopped, killed and set wrong.

Everything of it is real down to the ports: `remediation.worker.Worker` reads bodies and takes orders,
`remediation.engine.Engine` decides and acts, the codec stores. What the Functions host does is done
here: a tick every 30 s, and batches of the hub, again under the retry policy of `function_app`.
"""

import asyncio
import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from rehearsal.clock import Process, SkewedClock
from rehearsal.declared import Declared
from rehearsal.gate import Gate
from rehearsal.history import Kind, Sent
from rehearsal.ports import GatedInbox, gated
from rehearsal.world.adapters import (
    WorldChannel,
    WorldHealthServices,
    WorldOrigins,
    WorldQueues,
    WorldStateFiles,
    WorldSteps,
)
from rehearsal.world.store import StoreLedger
from rehearsal.world.what import What
from rehearsal.world.world import World
from remediation.decide.plan import Charge
from remediation.desk import Desk
from remediation.engine import Engine, Ports
from remediation.intake.read import read
from remediation.intake.rejection import Rejection
from remediation.intake.subject import Known
from remediation.ports import InboxUnavailableError, Ledger
from remediation.views import View, Views
from remediation.worker import Parts, Reply, Route, Worker

T = TypeVar("T")

TICK_SECONDS = 30.0
RETRY_SECONDS = (1.0, 30.0)
TAKE_OVER_SECONDS = 15
"""So long after its reader has died, or stood still, a partition is read by another worker."""

POST_AGAIN_SECONDS = (5.0, 20.0, 5.0, 40.0, 5.0)
"""How an action group tries again (AZURE-FACTS §4.1)."""


class WorldInbox:
    """The hub of the signals, from the webhook's side."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def put(self, body: bytes, key: str | None, properties: Mapping[str, str]) -> None:  # noqa: ARG002 - one partition
        """See `Inbox`."""
        if self._world.is_broken(What.INBOX):
            raise InboxUnavailableError("the hub is down")
        self._world.hub.put(body, properties)

    async def close(self) -> None:
        """See `Inbox`."""


@dataclass(slots=True)
class RunningWorker:
    """One process of the worker.

    Attributes:
        name: no two processes share it, not even after a restart.
        process: to stop, resume and kill.
        clock: its own; may be wrong.
        worker: as its host sees it.
        engine: its own, for signals that come in no body (a journal that is played).
    """

    name: str
    process: Process
    clock: SkewedClock
    worker: Worker
    engine: Engine

    @property
    def alive(self) -> bool:
        """Not killed."""
        return not self.process.dead


@dataclass(slots=True)
class Staff:
    """All workers, past and present, and what the host does for them.

    Attributes:
        charges: what they are in charge of, with every stamp that there ever is.
        workers: those that are not dead, in the order of their starting.
    """

    world: World
    gate: Gate
    charges: Mapping[str, Charge]
    workers: dict[str, RunningWorker] = field(default_factory=dict)
    _started: dict[str, int] = field(default_factory=dict)
    _reader: RunningWorker | None = None

    @property
    def known(self) -> Known:
        """Whose signals are ours."""
        return Known({name: charge.workload for name, charge in self.charges.items()})

    def start(self, name: str, ahead: timedelta = timedelta()) -> RunningWorker:
        """Start a worker; one of that name that was there is another process."""
        number = self._started[name] = self._started.get(name, 0) + 1
        own = name if number == 1 else f"{name}.{number}"
        process = self.world.loop.process(own)
        clock = SkewedClock(self.world.clock, ahead)
        started = RunningWorker(own, process, clock, *self._build(own, process, clock))
        self.workers[name] = started
        offset = self.world.chance(f"tick {own}").uniform(0.5, TICK_SECONDS)
        self.world.loop.spawn(self._tick(started, offset), process, name=f"{own} timer")
        self.world.note(Kind.PROCESS, f"{own} starts", who=own)
        return started

    def kill(self, name: str) -> None:
        """End a process at once, in the middle of whatever it does; one that is gone stays so."""
        killed = self.workers.pop(name, None)
        if killed is not None:
            killed.process.kill()
            self.world.note(Kind.PROCESS, f"{killed.name} is killed", who=killed.name)

    def any_alive(self) -> RunningWorker | None:
        """A worker that answers, if there is one."""
        return next((each for each in self.workers.values() if each.alive and not each.process.stopped), None)

    def _build(self, name: str, process: Process, clock: SkewedClock) -> tuple[Worker, Engine]:
        world = self.world
        outside = Ports(
            clock=clock,
            ledger=self.ledger_of(name),
            lever=WorldStateFiles(world, name),
            origin=WorldOrigins(world, name),
            health_services=WorldHealthServices(world, clock),
            queues=WorldQueues(world, clock),
            steps=WorldSteps(world, name),
            pager=WorldChannel(world, name, What.PAGER),
            notifier=WorldChannel(world, name, What.TEAMS),
        )
        ports = gated(self.gate, process, outside)
        tokens = count(1)
        declared = Declared(self.charges, world, clock)
        engine = Engine(declared, ports, name, token=lambda: f"{name}/{next(tokens)}")
        inbox = GatedInbox(self.gate, process, WorldInbox(world))
        views = Views(declared, lambda: View(declared.known))
        parts = Parts(views, engine, inbox, ports.ledger, clock, ports.tally, Desk(declared, ports))
        return Worker(parts), engine

    def ledger_of(self, name: str) -> Ledger:
        """The ledger of a worker."""
        return StoreLedger(self.world.store, name)

    async def _tick(self, one: RunningWorker, offset: float) -> None:
        """The timer of the Functions host: one tick at a time, and the next one whatever comes."""
        loop, due = self.world.loop, self.world.loop.time() + offset
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            try:
                await one.worker.tick()
            except Exception as error:  # noqa: BLE001 - the host does so; the history tells it
                self.world.note(Kind.FAULT, f"tick failed: {error!r}", who=one.name)
            due += TICK_SECONDS * max(1, math.ceil((loop.time() - due) / TICK_SECONDS))

    async def read_hub(self) -> None:
        """Let one worker read the hub as long as it lives, and then another."""
        silent = 0
        while True:
            await asyncio.sleep(1)
            reader = self._reader
            silent = 0 if reader and reader.alive and not reader.process.stopped else silent + 1
            if reader is not None and silent < TAKE_OVER_SECONDS:
                continue
            self._reader = self.any_alive()
            if self._reader is not None:
                self.world.loop.spawn(self._read(self._reader), self._reader.process, name="hub trigger")

    async def _read(self, one: RunningWorker) -> None:
        """The hub trigger of the Functions host, under the retry policy of `function_app`.

        A worker that stood still for long, and whose partition another has taken over, finishes its batch.
        """
        hub, wait = self.world.hub, RETRY_SECONDS[0]
        while self._reader is one:
            batch, began_at = await hub.batch(), hub.cursor
            try:
                await one.worker.consume(batch)
            except Exception as error:  # noqa: BLE001 - the host does so; the history tells it
                self.world.note(Kind.FAULT, f"a batch is to be delivered again: {error!r}", who=one.name)
                await asyncio.sleep(wait)
                wait = min(RETRY_SECONDS[1], 2 * wait)
                continue
            wait = RETRY_SECONDS[0]
            hub.done(len(batch), began_at)
            ids = tuple(each for message in batch for each in self.signals_of(message.body))
            self.world.note(Kind.TAKEN, f"{len(batch)} bodies taken in", who=one.name, what=ids)

    def signals_of(self, body: bytes) -> tuple[str, ...]:
        """The ids of the signals in a body; none where it cannot be read."""
        try:
            return tuple(signal.id for signal in read(body, self.known).signals)
        except Rejection:
            return ()

    def sent(self, body: bytes, words: str, stamp: str | None) -> None:
        """Write down that a body is on its way."""
        self.world.note(Kind.SENT, words, stamp, what=Sent(self.signals_of(body), body))

    def sent_together(self, batch: Sequence[bytes]) -> None:
        """Write down that a snapshot of the health model is on its way."""
        ids = tuple(each for body in batch for each in self.signals_of(body))
        self.world.note(Kind.SENT, f"snapshot of {len(batch)} nodes", what=Sent(ids))

    async def post(self, body: bytes) -> None:
        """Post a body to the webhook, as an action group does: again and again, and then no more."""
        for wait in (*POST_AGAIN_SECONDS, None):
            one = self.any_alive()
            reply = await self.ask(one, one.worker.receive(Route.ALERTS, body)) if one else None
            if reply is not None and reply.status not in (408, 429, 503, 504):
                break
            if wait is None:
                self.world.note(Kind.REFUSED, "an alert was refused for good")
                return
            await asyncio.sleep(wait)
        if reply is not None and reply.status >= 400:
            self.world.note(Kind.REFUSED, f"an alert was refused with {reply.status}")

    async def order(self, body: bytes) -> Reply | None:
        """Give a worker a person's order; None where nobody answers."""
        one = self.any_alive()
        return await self.ask(one, one.worker.order(body)) if one else None

    async def ask(self, one: RunningWorker, coro: Coroutine[Any, Any, T]) -> T | None:
        """What the worker answers within ten seconds. It may die meanwhile; whoever asks does not."""
        answer = self.world.loop.spawn(coro, one.process)
        done, _ = await asyncio.wait({answer}, timeout=10)
        return answer.result() if done else None
