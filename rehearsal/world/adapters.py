"""How does a worker see and move the world? The world's side of every port but the ledger.

Each behaves as the real adapter does (`remediation.act`, `remediation.probes`): nothing raises, a
condition that fails is told from an outage, and what is there already is left as it is.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from rehearsal.history import FENCE, Effect, Kind
from rehearsal.world.front_door import receiving
from rehearsal.world.what import What
from rehearsal.world.world import World
from remediation.decide.looks import FRONT_DOOR, HealthLook, LeverLook
from remediation.ledger.intent import Intent, LeverKind, Outcome, OutcomeKind, Verb
from remediation.ledger.stamp import LeverState
from remediation.ledger.told import Channel, Message, MessageKind
from remediation.ports import Clock
from rules.queue import QueueLook
from rules.topology import Stamp, Workload

APPLIED = Outcome(OutcomeKind.APPLIED, "done")
ORIGIN_CONTENT = '{"enabledState":"Enabled","priority":1,"weight":100}'
RESTART_SECONDS = 90.0
CONTENT_MOST = 4096


class WorldHealthServices:
    """The HealthServices of the stamps."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock

    async def look(self, stamp: Stamp) -> HealthLook:
        """See `HealthServices`."""
        at, world = self._clock.now(), self._world
        if not world.answers(stamp.name):
            why = "the certificate is not trusted" if world.is_broken(What.CERTIFICATE, stamp.name) else ""
            return HealthLook(stamp.name, at, None, reason=why or "no answer")
        report = world.reports[stamp.name]
        return HealthLook(stamp.name, at, report.status, dict(report.checks))

    async def look_through(self, workload: Workload) -> HealthLook | None:
        """See `HealthServices`: Front Door sends us to a stamp that it sends users to."""
        if workload.front_door_url is None:
            return None
        at, world = self._clock.now(), self._world
        if not world.edge_is_open():
            return _closed(world, at)
        reached = [name for name in receiving(world.origins) if not world.is_broken(What.NETWORK_PATH, name)]
        looks = [await self.look(world.workload.stamp(name)) for name in reached if world.answers(name)]
        if not looks:
            return HealthLook(FRONT_DOOR, at, 502, reason="Front Door reaches no origin")
        serving = [look for look in looks if look.serves]
        return replace((serving or looks)[0], stamp=FRONT_DOOR)


def _closed(world: World, at: datetime) -> HealthLook:
    """What a look through Front Door shows that does not let anybody through."""
    if world.is_broken(What.ROUTES):
        return HealthLook(FRONT_DOOR, at, 404, reason="no route leads on")
    tls = world.is_broken(What.EDGE_CERTIFICATE)
    return HealthLook(FRONT_DOOR, at, None, reason="the certificate is not trusted" if tls else "no answer")


class WorldStateFiles:
    """The state files of the stamps, in their storage accounts."""

    def __init__(self, world: World, who: str) -> None:
        self._world, self._who = world, who

    def _outage(self, stamp: Stamp) -> str:
        if stamp.name not in self._world.there:
            return "there is no such container"
        for what in (What.STORAGE, What.ENTRA, What.DNS):
            if self._world.is_broken(what, stamp.name):
                return f"{what} is down"
        return ""

    async def look(self, stamp: Stamp) -> LeverLook:
        """See `Lever`."""
        if why := self._outage(stamp):
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=why)
        file = self._world.stamps[stamp.name].file
        if file.content is None:
            return LeverLook(stamp.name, LeverState.OUT)
        return LeverLook(stamp.name, LeverState.IN, file.tag, file.content[:CONTENT_MOST])

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """See `Lever`."""
        if why := self._outage(stamp):
            return Outcome(OutcomeKind.TRANSIENT, why)
        if not tag:
            return Outcome(OutcomeKind.REFUSED, "the state file was not looked at")
        file = self._world.stamps[stamp.name].file
        if file.content is None:
            return Outcome(OutcomeKind.APPLIED, "the state file is gone already", found=True)
        if self._world.is_broken(What.LEVER, stamp.name):
            return Outcome(OutcomeKind.REFUSED, "403: no right to delete")
        if tag != file.tag:
            return Outcome(OutcomeKind.TRANSIENT, "the state file has changed since it was looked at")
        file.delete(self._who)
        self._did(Verb.DRAIN, stamp, "deleted the state file")
        return Outcome(OutcomeKind.APPLIED, "the state file was deleted")

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:
        """See `Lever`."""
        if why := self._outage(stamp):
            return Outcome(OutcomeKind.TRANSIENT, why)
        file = self._world.stamps[stamp.name].file
        if file.content is not None:
            return Outcome(OutcomeKind.APPLIED, "the state file is there already, and was left as it is")
        file.write(content, self._who)
        self._did(Verb.REJOIN, stamp, "created the state file")
        return Outcome(OutcomeKind.APPLIED, "the state file was created")

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:
        """See `Lever`."""
        if why := self._outage(stamp):
            return Outcome(OutcomeKind.TRANSIENT, why)
        file = self._world.stamps[stamp.name].file
        if look.state is LeverState.UNREACHABLE:
            return Outcome(OutcomeKind.TRANSIENT, "the state file cannot be fenced unseen")
        if file.content is None or look.state is LeverState.OUT or look.tag != file.tag:
            return Outcome(OutcomeKind.APPLIED, "older tags are worthless already")
        file.version += 1
        self._world.effect(
            Effect(FENCE, stamp.name, LeverKind.STATE_FILE), self._who, "rewrote the state file to fence it"
        )
        return Outcome(OutcomeKind.APPLIED, "older tags of the state file are worthless now")

    def _did(self, verb: Verb, stamp: Stamp, words: str) -> None:
        self._world.effect(Effect(verb, stamp.name, LeverKind.STATE_FILE), self._who, words)


class WorldOrigins:
    """The origins of the stamps in Front Door, by Azure Resource Manager."""

    def __init__(self, world: World, who: str) -> None:
        self._world, self._who = world, who

    def _outage(self, stamp: Stamp) -> str:
        if stamp.front_door_origin is None:
            return "no Front Door origin is configured"
        if stamp.name in self._world.absent:
            return "there is no such origin"
        for what in (What.CONTROL_PLANE, What.ENTRA, What.DNS):
            if self._world.is_broken(what):
                return f"{what} is down"
        return ""

    async def look(self, stamp: Stamp) -> LeverLook:
        """See `Lever`."""
        if why := self._outage(stamp):
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=why)
        origin = self._world.origins[stamp.name]
        state = LeverState.IN if origin.enabled else LeverState.OUT
        return LeverLook(stamp.name, state, origin.tag, ORIGIN_CONTENT, settled=origin.settled)

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """See `Lever`: never the last enabled one."""
        if why := self._outage(stamp):
            return Outcome(OutcomeKind.TRANSIENT, why)
        origin = self._world.origins[stamp.name]
        if not origin.enabled:
            return Outcome(OutcomeKind.APPLIED, "the origin is disabled already", found=True)
        if tag != origin.tag or not origin.settled:
            return Outcome(OutcomeKind.TRANSIENT, "the origin has changed since it was looked at")
        others = [each for name, each in self._world.origins.items() if name != stamp.name]
        if not any(each.enabled and each.settled for each in others):
            return Outcome(OutcomeKind.REFUSED, "it is the last enabled origin of its group")
        return self._change(Verb.DRAIN, stamp, enabled=False)

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:  # noqa: ARG002 - it was enabled
        """See `Lever`."""
        if why := self._outage(stamp):
            return Outcome(OutcomeKind.TRANSIENT, why)
        origin = self._world.origins[stamp.name]
        if origin.enabled:
            return Outcome(OutcomeKind.APPLIED, "the origin is enabled already, and was left as it is")
        if not origin.settled:
            return Outcome(OutcomeKind.TRANSIENT, "a change of the origin is still being rolled out")
        return self._change(Verb.REJOIN, stamp, enabled=True)

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:
        """See `Lever`: there is no ETag, so it can only be said whether anything is under way."""
        if why := self._outage(stamp):
            return Outcome(OutcomeKind.UNKNOWN, why)
        origin = self._world.origins[stamp.name]
        if origin.tag != look.tag or not origin.settled:
            return Outcome(OutcomeKind.UNKNOWN, "the origin has changed, or a change is being rolled out")
        return APPLIED

    def _change(self, verb: Verb, stamp: Stamp, *, enabled: bool) -> Outcome:
        self._world.roll_out(stamp.name, enabled=enabled)
        words = f"{'enabled' if enabled else 'disabled'} the origin in Front Door"
        self._world.effect(Effect(verb, stamp.name, LeverKind.FRONT_DOOR), self._who, words)
        return Outcome(OutcomeKind.APPLIED, "accepted, still being rolled out")


class WorldQueues:
    """The hubs that the stamps' processors read."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock

    async def look(self, stamp: Stamp) -> QueueLook:
        """See `Queues`."""
        at, world = self._clock.now(), self._world
        for what in (What.LAG_PROBE, What.STORAGE, What.ENTRA, What.DNS):
            if world.is_broken(what, stamp.name):
                return QueueLook(stamp.name, at, reason=f"{what} is down")
        hub, start = world.hubs[stamp.name], world.clock.start
        partitions = hub.look(world.loop.time(), start)
        return QueueLook(stamp.name, at, start + timedelta(seconds=hub.created_at), partitions)


class WorldSteps:
    """Restarts and webhooks. Each is known by its intent: asked twice, it is done once."""

    def __init__(self, world: World, who: str) -> None:
        self._world, self._who = world, who

    async def take(self, workload: Workload, intent: Intent) -> Outcome:  # noqa: ARG002 - there is one
        """See `Steps`."""
        if intent.id not in self._world.finished:
            self._world.finished[intent.id] = self._world.loop.time() + RESTART_SECONDS
            effect = Effect(intent.verb, intent.stamp, target=intent.target, intent=intent.id)
            self._world.effect(effect, self._who, f"{intent.verb} of {intent.target}")
        return APPLIED

    async def look(self, workload: Workload, intent: Intent) -> Outcome | None:  # noqa: ARG002 - there is one
        """See `Steps`."""
        due = self._world.finished.get(intent.id)
        done = due is not None and self._world.loop.time() >= due
        return Outcome(OutcomeKind.APPLIED, "rolled out") if done else None


class WorldChannel:
    """People, by one channel: the pager, or the team's."""

    def __init__(self, world: World, who: str, what: What) -> None:
        self._world, self._who, self._what = world, who, what

    async def tell(self, workload: Workload, message: Message) -> Outcome:  # noqa: ARG002 - there is one
        """See `Teller`."""
        stamp = _stamp_of(message)
        channel = "page" if message.channel is Channel.PAGE else "notification"
        ends = " (resolved)" if message.kind is MessageKind.RESOLVE else ""
        words = f"{channel}{ends}: {message.title}"
        for what in (self._what, What.DNS):
            if self._world.is_broken(what):
                self._world.note(Kind.NOT_TOLD, words, stamp, self._who, message)
                return Outcome(OutcomeKind.TRANSIENT, f"{what} is down")
        self._world.note(Kind.TOLD, words, stamp, self._who, message)
        return APPLIED


def _stamp_of(message: Message) -> str | None:
    """The stamp that a message is about, by the key of its incident: `workload/stamp or global/family`."""
    parts = message.incident.split("/")
    return parts[1] if len(parts) > 1 and parts[1] != "global" else None
