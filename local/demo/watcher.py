"""What has the worker decided, and what has become of the stamps? Read from the ledger and the state files.

The ledger is the worker's own; the demo only reads it, as `remediation explain` does.
"""

import asyncio
import re
import socket
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from local.demo.feed import Feed, Who
from local.demo.scene import WORKLOAD, Scene
from remediation.explain import Standing, standing
from remediation.ledger.record import HeldStep, JournalEntry, WorkloadRecord
from remediation.ports import LedgerUnavailableError
from remediation.wiring import ledger_of
from rules.signals import AlertState, Health, Signal

LOOK_EVERY_SECONDS = 0.1
LEDGER_EVERY_LOOKS = 3

# What people were told is seen where they are told it.
_TOLD_BY_RECEIVERS = ("page ", "notify ")
# A worker is named in the ledger by its machine and process. Here there is one.
_WORKER = re.compile(rf"\b{re.escape(socket.gethostname())}-\d+-[0-9a-f]{{8}}\b")


class Watcher:
    """Looks again and again, and says what is new.

    Attributes:
        record: the worker's, as last read.
        standing: what stands for each stamp, in the words of `remediation explain`.
        drains: what has happened to state files: `drained weu`, `rejoined weu`, and to origins in the
            front door: `disabled weu`, `enabled weu`, in order.
    """

    def __init__(self, scene: Scene) -> None:
        self.record = WorkloadRecord(WORKLOAD)
        self.standing: tuple[Standing, ...] = ()
        self.drains: list[str] = []
        self._scene = scene
        self._feed: Feed = scene.feed
        self._newest = ""
        self._held: set[tuple[str, str, str]] = set()
        self._out: set[str] = scene.out()
        self._disabled: set[str] = scene.disabled()
        self._healthy: dict[str, bool] = {}
        self._open = False

    async def run(self) -> None:
        """Look until cancelled."""
        async with AsyncExitStack() as opened:
            ledger = ledger_of(self._scene.worker.settings, opened)
            while True:
                try:
                    self.record = (await ledger.load(WORKLOAD)).record
                    entries = await ledger.journal(WORKLOAD, limit=50)
                except LedgerUnavailableError as error:
                    self._feed.say(Who.DEMO, f"the ledger cannot be read: {error}")
                    entries = []
                names = [stamp.name for stamp in self._scene.stamps]
                self.standing = standing(self.record, names, datetime.now(UTC))
                for entry in entries:
                    self._say_entry(entry)
                for _ in range(LEDGER_EVERY_LOOKS):
                    self._look_at_files()
                    self._look_at_origins()
                    self._look_at_front_door()
                    await asyncio.sleep(LOOK_EVERY_SECONDS)

    @property
    def looked_at_all(self) -> bool:
        """Whether the worker has looked at every stamp at least once, and found it well."""
        seen = [self.record.stamp(stamp.name).seen for stamp in self._scene.stamps]
        return all(look is not None and look.serves for look in seen)

    def bad_signals(self) -> list[Signal]:
        """What stands in the worker's registers that is not good news, newest first."""
        bad = [
            signal
            for signal in self.record.registers.values()
            if signal.condition is AlertState.FIRED or signal.health in (Health.RED, Health.YELLOW)
        ]
        return sorted(bad, key=lambda signal: (signal.observed_at, signal.id), reverse=True)

    def _say_entry(self, entry: JournalEntry) -> None:
        if entry.id <= self._newest:
            return
        self._newest = entry.id
        for event in entry.events:
            if not event.startswith(_TOLD_BY_RECEIVERS) and " changed: " not in event:
                self._feed.say(Who.WORKER, _WORKER.sub("the worker", event), entry.at)
        held = {_held(step) for step in entry.held}
        for step in entry.held:
            if _held(step) not in self._held:
                self._feed.say(
                    Who.WORKER,
                    f"{step.verb} of {step.stamp} held: {step.reason} ({step.guardrail})",
                    entry.at,
                )
        self._held = held

    def _look_at_files(self) -> None:
        out = self._scene.out()
        for stamp in out - self._out:
            self.drains.append(f"drained {stamp}")
            self._feed.say(Who.WORKLOAD, f"the state file of {stamp} is gone: its HealthService answers 503")
        for stamp in self._out - out:
            self.drains.append(f"rejoined {stamp}")
            self._feed.say(Who.WORKLOAD, f"the state file of {stamp} is back")
        self._out = out

    def _look_at_origins(self) -> None:
        disabled = self._scene.disabled()
        for words, stamps in (
            ("disabled", disabled - self._disabled),
            ("enabled", self._disabled - disabled),
        ):
            for stamp in stamps:
                self.drains.append(f"{words} {stamp}")
                self._feed.say(Who.WORKLOAD, f"the front door's origin of {stamp} is {words}")
        self._disabled = disabled

    def _look_at_front_door(self) -> None:
        front_door = self._scene.front_door
        for origin in front_door.origins:
            if self._healthy.setdefault(origin.name, True) != origin.healthy:
                self._healthy[origin.name] = origin.healthy
                now = "traffic goes to it again" if origin.healthy else "traffic goes to the others"
                found = "healthy" if origin.healthy else "unhealthy"
                self._feed.say(Who.WORKLOAD, f"the front door finds {origin.name} {found}: {now}")
        if front_door.fails_open != self._open:
            self._open = front_door.fails_open
            how = (
                "finds no stamp healthy: it fails open, and sends to all"
                if self._open
                else "fails open no more"
            )
            self._feed.say(Who.WORKLOAD, f"the front door {how}")


def _held(step: HeldStep) -> tuple[str, str, str]:
    return (step.verb, step.stamp, step.guardrail)
