"""What would the world look like to the engine? A small one, with a clock that tests turn.

The stamps have truths of their own; the HealthServices tell them, and notice a
missing state file. Fakes, not mocks: tests look at the state of the world.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from remediation.decide.looks import FRONT_DOOR, HealthLook, LeverLook
from remediation.decide.plan import Arrival, Charge
from remediation.engine import Engine, Ports
from remediation.ledger.intent import Intent, Outcome, OutcomeKind
from remediation.ledger.memory import MemoryLedger, Shelf
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import LeverState
from remediation.ledger.told import Channel, Message, MessageKind
from remediation.observe import Tally
from remediation.ports import Ledger, Steps
from rules.conditions import AlertFires, AnyOf, NodeIs
from rules.evaluate import RuleSet
from rules.policy import Mode
from rules.queue import PartitionLook, QueueLook
from rules.rule import Playbook, Rule
from rules.signals import AlertState, Health, Severity, Signal
from rules.topology import Stamp, Workload
from tests.builders import NOW, a_signal, a_workload, an_alert

APPLIED = Outcome(OutcomeKind.APPLIED, "done")

CANNOT_READ = "EventHub-metricalert-OutgoingMessages-Error"

ROOT_RED = Rule(
    "root-node-red",
    "The root node is red.",
    NodeIs("Stamp", frozenset({Health.RED})),
    Severity.CRITICAL,
    Playbook.DRAIN,
)
CANNOT_READ_RULE = Rule(
    "background-processor-cannot-read",
    "BackgroundProcessor cannot read.",
    AnyOf((NodeIs("BackgroundProcessor", frozenset({Health.RED})), AlertFires(CANNOT_READ))),
    Severity.CRITICAL,
    Playbook.DRAIN,
)
ROOT_YELLOW = Rule(
    "root-node-yellow",
    "The root node is yellow.",
    NodeIs("Stamp", frozenset({Health.YELLOW})),
    Severity.WARNING,
    Playbook.NOTIFY,
)


class TestClock:
    """A clock that stands still until a test turns it."""

    __test__ = False

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        """The moment."""
        return self._now

    def turn(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


@dataclass(slots=True)
class Truth:
    """How a stamp really is.

    Attributes:
        file: the state file's content; None when it is absent.
        version: of the state file; every rewrite makes a new one.
        failing: components whose checks fail, but for the state file's.
        reachable: whether its HealthService answers.
        storage: whether its storage account answers.
        lever_works: whether its state file can be deleted.
        notices: whether its HealthService looks for the state file.
        enabled: whether its origin in Front Door is enabled.
        slow: whether Front Door takes its time to roll out a change.
        settled: whether Front Door has rolled out the last change of it.
        sent: events in its hub.
        read: how many of them its processor has worked off.
        hub: whether its hub answers.
        hub_made: when its hub was made.
    """

    file: str | None = ""
    version: int = 1
    failing: set[str] = field(default_factory=set)
    reachable: bool = True
    storage: bool = True
    lever_works: bool = True
    notices: bool = True
    enabled: bool = True
    slow: bool = False
    settled: bool = True
    sent: int = 100
    read: int = 100
    hub: bool = True
    hub_made: datetime = NOW


class World:
    """The stamps, the pager, the team's channel, and the workers that watch over them."""

    def __init__(
        self,
        workload: Workload | None = None,
        rules: Iterable[Rule] = (ROOT_RED, CANNOT_READ_RULE, ROOT_YELLOW),
        ledger: Ledger | None = None,
    ) -> None:
        self.workload = workload or a_workload(mode=Mode.AUTO)
        self.charge = Charge(self.workload, RuleSet(rules))
        self.clock = TestClock()
        self.shelf = Shelf()
        self.ledger = ledger or MemoryLedger(self.shelf)
        self.truth = {name: Truth() for name in self.workload.stamp_names}
        self.effects: list[tuple[datetime, str]] = []
        self.told: list[Message] = []
        self.pager_answers: list[Outcome] = []
        self.lever_answers: list[Outcome] = []
        self.tally = Tally()
        self.edge_open = True
        self.asked_queues: Counter[str] = Counter()
        self.reads: set[str] = set(self.workload.stamp_names)
        self.steps: dict[str, Outcome | None] = {}
        self.taken: list[Intent] = []
        self.engine = self.a_worker("worker-1")

    def a_worker(
        self,
        name: str,
        lever: "FakeLever | None" = None,
        steps: Steps | None = None,
        origin: "FakeOrigin | None" = None,
    ) -> Engine:
        """Another worker on the same ledger and the same stamps."""
        ports = Ports(
            clock=self.clock,
            ledger=self.ledger,
            lever=lever or FakeLever(self),
            health_services=FakeHealthServices(self),
            pager=FakeTeller(self),
            notifier=FakeTeller(self),
            tally=self.tally,
            origin=origin or FakeOrigin(self),
            queues=FakeQueues(self),
            steps=steps or FakeSteps(self),
        )
        return Engine({self.workload.name: self.charge}, ports, name)

    async def says(self, *signals: Signal) -> dict[str, str]:
        """Signals arrive at worker 1."""
        return await self.engine.accept([Arrival(signal, self.clock.now()) for signal in signals])

    async def node(self, stamp: str | None, node: str, health: Health) -> None:
        """The health model speaks of a node now."""
        now = self.clock.now()
        await self.says(
            a_signal(stamp, node, health, id=f"{stamp}/{node}/{health}/{now.isoformat()}", observed_at=now)
        )

    async def alert(self, stamp: str, condition: AlertState, alert: str = CANNOT_READ) -> None:
        """Azure Monitor speaks now."""
        now = self.clock.now()
        await self.says(
            an_alert(
                alert, condition, stamp, id=f"{alert}/{stamp}/{condition}/{now.isoformat()}", observed_at=now
            )
        )

    async def run(self, minutes: float, *, tick: float = 30) -> None:
        """Let time pass, with a reconcile at every tick."""
        passed = timedelta()
        while passed < timedelta(minutes=minutes):
            self.clock.turn(timedelta(seconds=tick))
            passed += timedelta(seconds=tick)
            self._queues_move()
            await self.engine.reconcile(self.workload.name)

    async def record(self) -> WorkloadRecord:
        """The ledger's word."""
        return (await self.ledger.load(self.workload.name)).record

    def _queues_move(self) -> None:
        """Every HealthService sends a little all the time; a processor that reads keeps up."""
        for name, truth in self.truth.items():
            truth.sent += 3
            if name in self.reads:
                truth.read = truth.sent

    def out(self) -> set[str]:
        """The stamps whose state file is absent."""
        return {name for name, truth in self.truth.items() if truth.file is None}

    def serves(self, name: str) -> bool:
        """Whether a stamp serves users, by the truth: in rotation by both levers, and healthy."""
        truth = self.truth[name]
        in_rotation = truth.file is not None and truth.enabled and "MAINTENANCE" not in truth.file
        return in_rotation and truth.storage and truth.reachable and not truth.failing

    def pages(self, kind: MessageKind = MessageKind.TRIGGER) -> list[Message]:
        """The pages that were delivered."""
        return [m for m in self.told if m.channel is Channel.PAGE and m.kind is kind]

    async def holds(self) -> set[str]:
        """The guardrails that hold now."""
        return {held.guardrail for held in (await self.record()).held}


class FakeHealthServices:
    """The HealthServices of the world's stamps."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def look_through(self, workload: Workload) -> HealthLook | None:
        """See `HealthServices`: Front Door sends us to a stamp that it still sends users to."""
        await asyncio.sleep(0)
        if workload.front_door_url is None:
            return None
        now = self._world.clock.now()
        if not self._world.edge_open:
            return HealthLook(FRONT_DOOR, now, None, reason="the certificate is not trusted")
        looks = [await self.look(stamp) for stamp in workload.stamps if self._world.truth[stamp.name].enabled]
        serving = [look for look in looks if look.serves]
        return replace((serving or looks)[0], stamp=FRONT_DOOR)

    async def look(self, stamp: Stamp) -> HealthLook:
        """See `HealthServices`."""
        await asyncio.sleep(0)
        truth, now = self._world.truth[stamp.name], self._world.clock.now()
        if not truth.reachable:
            return HealthLook(stamp.name, now, None, reason="timed out")
        checks = {
            "BlobStorage": not truth.notices or (truth.file is not None and truth.storage),
            "Database": True,
            "MessageProducer": True,
        }
        checks |= dict.fromkeys(truth.failing, False)
        return HealthLook(stamp.name, now, 200 if all(checks.values()) else 503, checks)


class FakeLever:
    """The state files of the world's stamps."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def look(self, stamp: Stamp) -> LeverLook:
        """See `Lever`."""
        await asyncio.sleep(0)
        truth = self._world.truth[stamp.name]
        if not truth.storage:
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason="refused")
        if truth.file is None:
            return LeverLook(stamp.name, LeverState.OUT)
        return LeverLook(stamp.name, LeverState.IN, str(truth.version), truth.file)

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """See `Lever`."""
        await asyncio.sleep(0)
        if self._world.lever_answers:
            return self._world.lever_answers.pop(0)
        truth = self._world.truth[stamp.name]
        if truth.file is None:
            return replace(APPLIED, found=True)
        if not truth.lever_works:
            return Outcome(OutcomeKind.REFUSED, "403: no right to delete")
        if tag != str(truth.version):
            return Outcome(OutcomeKind.TRANSIENT, "it changed since it was looked at")
        truth.file = None
        self._world.effects.append((self._world.clock.now(), f"drained {stamp.name}"))
        return APPLIED

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:
        """See `Lever`."""
        await asyncio.sleep(0)
        truth = self._world.truth[stamp.name]
        if truth.file is None:
            truth.file, truth.version = content, truth.version + 1
            self._world.effects.append((self._world.clock.now(), f"rejoined {stamp.name}"))
        return APPLIED

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:  # noqa: ARG002 - the world has one version
        """See `Lever`."""
        await asyncio.sleep(0)
        if not self._world.truth[stamp.name].storage:
            return Outcome(OutcomeKind.TRANSIENT, "refused")
        self._world.truth[stamp.name].version += 1
        return APPLIED


class FakeOrigin:
    """The origins of the world's stamps in Front Door."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def look(self, stamp: Stamp) -> LeverLook:
        """See `Lever`."""
        await asyncio.sleep(0)
        truth = self._world.truth[stamp.name]
        state = LeverState.IN if truth.enabled else LeverState.OUT
        return LeverLook(stamp.name, state, str(truth.enabled), "{}", settled=truth.settled)

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """See `Lever`."""
        await asyncio.sleep(0)
        truth = self._world.truth[stamp.name]
        if not truth.enabled:
            return replace(APPLIED, found=True)
        if tag != str(truth.enabled):
            return Outcome(OutcomeKind.TRANSIENT, "it changed since it was looked at")
        truth.enabled, truth.settled = False, not truth.slow
        self._world.effects.append((self._world.clock.now(), f"disabled {stamp.name}"))
        return APPLIED

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:  # noqa: ARG002 - it was enabled
        """See `Lever`."""
        await asyncio.sleep(0)
        truth = self._world.truth[stamp.name]
        if not truth.enabled:
            truth.enabled = True
            self._world.effects.append((self._world.clock.now(), f"enabled {stamp.name}"))
        return APPLIED

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:  # noqa: ARG002 - there is no ETag
        """See `Lever`."""
        await asyncio.sleep(0)
        settled = self._world.truth[stamp.name].settled
        return APPLIED if settled else Outcome(OutcomeKind.UNKNOWN, "it is still being rolled out")


class FakeQueues:
    """The hubs of the world's stamps, of one partition each."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def look(self, stamp: Stamp) -> QueueLook:
        """See `Queues`."""
        await asyncio.sleep(0)
        truth, now = self._world.truth[stamp.name], self._world.clock.now()
        self._world.asked_queues[stamp.name] += 1
        if not truth.hub:
            return QueueLook(stamp.name, now, reason="the hub cannot be reached")
        partition = PartitionLook(truth.sent, now, truth.read, now, now)
        return QueueLook(stamp.name, now, truth.hub_made, {"0": partition})


class FakeSteps:
    """Restarts and requests to other systems."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def take(self, workload: Workload, intent: Intent) -> Outcome:  # noqa: ARG002 - there is one
        """See `Steps`."""
        await asyncio.sleep(0)
        if intent.id not in {taken.id for taken in self._world.taken}:
            self._world.taken.append(intent)
            self._world.effects.append((self._world.clock.now(), f"{intent.verb} {intent.target}"))
        return APPLIED

    async def look(self, workload: Workload, intent: Intent) -> Outcome | None:  # noqa: ARG002 - there is one
        """See `Steps`."""
        await asyncio.sleep(0)
        return self._world.steps.get(intent.target)


class FakeTeller:
    """A pager and a channel that keep what they were told."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def tell(self, workload: Workload, message: Message) -> Outcome:  # noqa: ARG002 - there is one
        """See `Teller`."""
        await asyncio.sleep(0)
        if message.channel is Channel.PAGE and self._world.pager_answers:
            outcome = self._world.pager_answers.pop(0)
            if outcome.kind is not OutcomeKind.APPLIED:
                return outcome
        self._world.told.append(message)
        return APPLIED
