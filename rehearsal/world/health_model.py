"""What does the health model say? What the scenario tells it to, again and again, like the real one.

Rules (AZURE-FACTS §1.6, §2): a change is sent at once; a snapshot repeats the present state of every
node that it has spoken of. The root of a stamp is its own node, and is not worked out of the others.
Each event goes to the hub of the signals as the worker's own event, with a sequence number.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rehearsal.clock import WorldClock
from rehearsal.world.inbox import SignalHub
from rules.signals import Health
from rules.topology import Workload

SNAPSHOT_EVERY_SECONDS = 120.0


@dataclass(slots=True)
class Word:
    """What is said of one node."""

    health: Health
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class HealthModel:
    """The health models of one workload: each source and what it says of each node."""

    workload: Workload
    clock: WorldClock
    hub: SignalHub
    words: dict[tuple[str, str | None, str], Word] = field(default_factory=dict)
    numbers: int = 0
    on_snapshot: Callable[[Sequence[bytes]], None] = lambda _: None

    @property
    def usual_source(self) -> str:
        """Who says it, where the scenario names nobody."""
        return f"/health-models/{self.workload.name}"

    def say(self, source: str, stamp: str | None, node: str, word: Word, *, once: bool = False) -> bytes:
        """Send a change; unless it is said once only, snapshots repeat it. Returns the body."""
        key = (source, stamp, node)
        before = self.words.get(key)
        if not once:
            self.words[key] = word
        return self.event(key, word, before.health if before else None)

    def says_red(self, stamp: str) -> bool:
        """Whether the stamp's root is red: what the HealthService asks for."""
        word = self.words.get((self.usual_source, stamp, self.workload.root_node))
        return word is not None and word.health is Health.RED

    def be_silent_about(self, source: str, stamp: str | None, node: str) -> None:
        """Say nothing of a node any more."""
        self.words.pop((source, stamp, node), None)

    def stamp_turns(self, stamp: str, *, there: bool) -> None:
        """Begin to speak of a stamp that is well, or speak of it no more."""
        self.words = {key: word for key, word in self.words.items() if key[1] != stamp}
        if there:
            self.words[(self.usual_source, stamp, self.workload.root_node)] = Word(Health.GREEN)

    async def run(self, silent: Callable[[], bool]) -> None:
        """Send snapshots."""
        while True:
            if not silent():
                events = [self.event(key, word, word.health) for key, word in self.words.items()]
                self.on_snapshot(events)
                self.hub.send_all(events)
            await asyncio.sleep(SNAPSHOT_EVERY_SECONDS)

    def event(self, key: tuple[str, str | None, str], word: Word, before: Health | None) -> bytes:
        """The body of one event."""
        source, stamp, node = key
        self.numbers += 1
        at = self.clock.now().isoformat()
        place = f"stamps/{stamp}" if stamp else "global"
        body = {
            "specversion": "1.0",
            "id": f"{self.numbers}",
            "source": source,
            "type": "health.state.changed.v1",
            "subject": f"{place}/nodes/{node}",
            "time": at,
            "data": {
                "workload": self.workload.name,
                "stamp": stamp,
                "node": node,
                "root": node == self.workload.root_node,
                "previous": before and str(before),
                "state": str(word.health),
                "observed_at": at,
                "sequence": self.numbers,
                "reasons": list(word.reasons),
            },
        }
        return json.dumps(body).encode()
