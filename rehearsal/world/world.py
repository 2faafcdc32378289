"""How do the things hang together? The world: what is broken, who notices, and what users feel.

It runs by itself, whether or not a worker looks. Every change of it is written into the history.
"""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from random import Random

from rehearsal.clock import VirtualLoop, WorldClock
from rehearsal.history import Effect, Happening, History, Kind, Served
from rehearsal.history import What as Fact
from rehearsal.world.front_door import PROBE_EVERY_SECONDS, ROLLOUT_SECONDS, Origin, receiving
from rehearsal.world.health_model import HealthModel
from rehearsal.world.health_service import (
    BLOB_STORAGE,
    DATABASE,
    HEALTH_SCORE,
    MESSAGE_PRODUCER,
    PAUSE_SECONDS,
    ROUND_SECONDS,
    Report,
)
from rehearsal.world.inbox import SignalHub
from rehearsal.world.stamp import Truth
from rehearsal.world.store import Store
from rehearsal.world.what import MEANS, What
from rehearsal.world.work_hub import PER_SECOND_BY_HEALTH_CHECKS, PER_SECOND_BY_USERS, WorkHub
from rules.topology import Workload


class World:
    """Everything outside of the workers.

    Attributes:
        workload: as the workers know it, with every stamp that there ever is.
        absent: the stamps that are not there: not yet, or no more.
        stamps: how each one really is.
        hubs: what each one's processor reads.
        origins: each one, as Front Door has it.
        reports: what each one's HealthService answers.
        broken: what is broken for all.
        model: the health model.
        hub: the hub of the signals.
        store: where the ledger lies.
        score_check: whether the HealthServices ask for the health score.
        rollout: how long a change of an origin takes to the edge.
        finished: restarts that have been rolled out, by intent.
    """

    def __init__(
        self,
        workload: Workload,
        loop: VirtualLoop,
        clock: WorldClock,
        seed: str,
        absent: Collection[str] = (),
    ) -> None:
        self.workload = workload
        self.absent = set(absent)
        self.loop = loop
        self.clock = clock
        self.history = History()
        self.seed = seed
        self.stamps = {name: Truth(name) for name in workload.stamp_names}
        self.hubs = {name: WorkHub() for name in workload.stamp_names}
        self.origins = {name: self._origin(name) for name in workload.stamp_names}
        self.reports = {name: Report() for name in workload.stamp_names}
        self.broken: set[What] = set()
        self.hub = SignalHub(loop, clock, self.chance("inbox"))
        self.hub.closed = lambda: self.is_broken(What.INBOX)
        self.model = HealthModel(workload, clock, self.hub)
        self.store = Store(self)
        self.score_check = True
        self.rollout = timedelta(seconds=ROLLOUT_SECONDS)
        self.finished: dict[str, float] = {}
        self._served: Served | None = None

    def chance(self, purpose: str) -> Random:
        """Random numbers of their own for one purpose, so that none of them shifts those of another."""
        return Random(f"{self.seed}/{purpose}")  # noqa: S311 - it guards nothing, and must be repeatable

    def start(self) -> None:
        """Let it run."""
        for name in self.there:
            self.model.stamp_turns(name, there=True)
        for name in self.stamps:
            self._check(name)
            self.loop.spawn(self._health_service(name), name=f"healthservice {name}")
            self.loop.spawn(self._probing(name), name=f"front door {name}")
        self.changed()
        self.loop.spawn(self.model.run(self.is_silent), name="health model")

    @property
    def there(self) -> tuple[str, ...]:
        """The stamps that are there, in the order of the workload."""
        return tuple(name for name in self.workload.stamp_names if name not in self.absent)

    def stamp_turns(self, name: str, *, there: bool) -> None:
        """Deploy a stamp, or destroy it with all that is in it."""
        (self.absent.discard if there else self.absent.add)(name)
        self.stamps[name] = Truth(name)
        self.hubs[name] = WorkHub.made_at(self.loop.time())
        self.origins[name] = self._origin(name)
        self.note(Kind.WORLD, f"the stamp is {'deployed' if there else 'destroyed'}", name)
        self.model.stamp_turns(name, there=there)
        self._check(name)
        self.changed()

    def _origin(self, name: str) -> Origin:
        there = name not in self.absent
        return Origin(enabled=there, at_the_edge=there)

    # --- what is broken ------------------------------------------------------------------------

    def set_broken(self, what: What, stamp: str | None, *, broken: bool, words: str = "") -> None:
        """Break something, or mend it."""
        where = self.stamps[stamp].broken if stamp else self.broken
        (where.add if broken else where.discard)(what)
        if not broken and stamp is None:
            for truth in self.stamps.values():
                truth.broken.discard(what)
        verb, words = ("breaks", words or MEANS[what]) if broken else ("is mended", words)
        self.note(Kind.WORLD, f"{what} {verb}{f': {words}' if words else ''}", stamp)
        self.changed()

    def is_broken(self, what: What, stamp: str | None = None) -> bool:
        """Whether it is broken, there or for all."""
        if what in self.broken:
            return True
        own = self.stamps[stamp].broken if stamp else ()
        if What.REGION in own or stamp in self.absent:
            return what in own or what in (What.REGION, *_WITH_THE_REGION)
        return what in own

    def is_silent(self) -> bool:
        """Whether telemetry is dead."""
        return self.is_broken(What.TELEMETRY)

    def changed(self) -> None:
        """Something is otherwise than before: work out what it does to the hubs, and to users."""
        to = receiving(self.origins)
        for name, hub in self.hubs.items():
            hub.settle(self.loop.time())
            hub.reads = not any(self.is_broken(what, name) for what in _STOPS_READING)
            hub.alive = not self.is_broken(What.REGION, name)
            hub.stuck = {0} if self.is_broken(What.PARTITION, name) else set()
            by_users = PER_SECOND_BY_USERS if name in to and self.serves(name, of="requests") else 0.0
            quiet = self.is_broken(What.SENDERS, name) or self.is_broken(What.SEND, name)
            hub.per_second = 0.0 if quiet else PER_SECOND_BY_HEALTH_CHECKS + by_users
        self._count_users(to if self.edge_is_open() else ())

    def _count_users(self, to: tuple[str, ...]) -> None:
        good = [name for name in to if self.serves(name)]
        served = Served(round(100 * len(good) / len(to), 1) if to else 0.0, to)
        if served != self._served:
            self._served = served
            words = f"{served.percent:g} % of users are served; they go to {', '.join(to) or 'nowhere'}"
            self.note(Kind.SERVED, words, what=served)

    # --- what is so ----------------------------------------------------------------------------

    def answers(self, stamp: str) -> bool:
        """Whether the stamp can be reached directly."""
        silent = (What.HEALTHSERVICE, What.CERTIFICATE, What.REGION, What.DNS)
        return not any(self.is_broken(what, stamp) for what in silent)

    def serves(self, stamp: str, *, of: str = "everything") -> bool:
        """Whether users who are sent there are served: their requests, and what is worked off behind them."""
        fails = [What.REQUESTS, What.DATABASE, What.SEND, What.REGION, What.CERTIFICATE, What.NETWORK_PATH]
        if of == "everything":
            fails += [What.PROCESSOR]
        return not any(self.is_broken(what, stamp) for what in fails)

    def edge_is_open(self) -> bool:
        """Whether users get through Front Door."""
        closed = (What.FRONT_DOOR, What.ROUTES, What.EDGE_CERTIFICATE, What.DNS)
        return not any(self.is_broken(what) for what in closed)

    # --- what runs by itself -------------------------------------------------------------------

    async def _health_service(self, name: str) -> None:
        await asyncio.sleep(self.chance(f"healthservice {name}").uniform(0, PAUSE_SECONDS))
        while True:
            if not self.is_broken(What.REPORT, name):
                self._check(name)
            await asyncio.sleep(ROUND_SECONDS + PAUSE_SECONDS)

    def _check(self, name: str) -> None:
        file = self.stamps[name].file.content is not None and not self.is_broken(What.STORAGE, name)
        checks = {
            BLOB_STORAGE: file or self.is_broken(What.STATE_FILE_CHECK, name),
            DATABASE: not self.is_broken(What.DATABASE, name),
            MESSAGE_PRODUCER: not self.is_broken(What.SEND, name),
        }
        if self.score_check:
            query = not self.is_broken(What.HEALTH_QUERY, name)
            checks[HEALTH_SCORE] = query and not self.model.says_red(name)
        self.reports[name] = Report(self.loop.time(), checks)

    async def _probing(self, name: str) -> None:
        """One edge site. The others see the same a little later."""
        await asyncio.sleep(self.chance(f"front door {name}").uniform(0, PROBE_EVERY_SECONDS))
        while True:
            origin = self.origins[name]
            if origin.at_the_edge:
                was = origin.healthy
                reaches = self.answers(name) and not self.is_broken(What.NETWORK_PATH, name)
                origin.samples.append(reaches and self.reports[name].status == 200)
                if origin.healthy is not was:
                    self.note(Kind.ROUTED, f"Front Door finds it {_state(origin)}", name)
                    self.changed()
            await asyncio.sleep(PROBE_EVERY_SECONDS)

    # --- what is done to it --------------------------------------------------------------------

    def effect(self, effect: Effect, who: str, words: str) -> None:
        """Write an effect down."""
        self.note(Kind.EFFECT, words, effect.stamp or None, who, effect)

    def roll_out(self, stamp: str, *, enabled: bool) -> None:
        """Take a change of an origin in; the edge follows when it is rolled out."""
        origin = self.origins[stamp]
        origin.enabled, origin.settled = enabled, False
        origin.changed += 1
        number = origin.changed

        def at_the_edge() -> None:
            if origin.changed != number:
                return
            if self.is_broken(What.ROLLOUT):
                self.loop.after(10, at_the_edge)
                return
            origin.at_the_edge, origin.settled = enabled, True
            self.note(Kind.ROUTED, f"the edge has {'enabled' if enabled else 'disabled'} the origin", stamp)
            self.changed()

        self.loop.after(self.rollout.total_seconds(), at_the_edge)

    def note(
        self, kind: Kind, words: str, stamp: str | None = None, who: str = "", what: Fact = None
    ) -> None:
        """Write down what happens now."""
        self.history.add(Happening(self.clock.seconds, kind, words, stamp, who, what))


_WITH_THE_REGION = {What.STORAGE, What.LAG_PROBE, What.DATABASE, What.SEND, What.PROCESSOR, What.REQUESTS}
_STOPS_READING = (What.PROCESSOR, What.DATABASE, What.STORAGE, What.REGION)


def _state(origin: Origin) -> str:
    return "healthy" if origin.healthy else "unhealthy"
