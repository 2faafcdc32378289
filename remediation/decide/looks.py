"""What was seen when we looked, and who serves by it?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remediation.ledger.intent import LeverKind, Outcome
from remediation.ledger.stamp import LeverState, Seen
from rules.queue import QueueLook
from rules.signals import Health, Signal, Subject
from rules.topology import Workload

NO_ORIGIN = "no Front Door origin is configured"

HEALTHSERVICE = "healthservice"
"""The source of what we saw ourselves at a stamp's HealthService."""

REASONS_MOST = 10


@dataclass(frozen=True, slots=True)
class HealthLook:
    """One answer of a stamp's HealthService, or the lack of one.

    Attributes:
        stamp: which.
        at: when the look began.
        status: the HTTP status; None when there was no answer.
        checks: component and whether it was healthy; empty when the body could not be read.
        reason: why there was no answer, or why the body could not be read.
    """

    stamp: str
    at: datetime
    status: int | None
    checks: Mapping[str, bool] = field(default_factory=dict)
    reason: str = ""

    @property
    def serves(self) -> bool:
        """Front Door takes only 200 for healthy, and so do we."""
        return self.status == 200

    def unhealthy(self, but: str) -> list[str]:
        """The components whose checks failed, without that one."""
        return sorted(name for name, healthy in self.checks.items() if not healthy and name != but)

    def words(self) -> str:
        """What was seen, for people."""
        if self.status is None:
            return f"HealthService unreachable: {self.reason}"
        failed = sorted(name for name, healthy in self.checks.items() if not healthy)
        why = f", failing: {', '.join(failed)}" if failed else self.reason and f", {self.reason}"
        return f"HealthService {self.status}{why}"


@dataclass(frozen=True, slots=True)
class LeverLook:
    """What a lever shows of one stamp.

    Attributes:
        stamp: which.
        state: in, out, or not to be known now.
        tag: stands for exactly what was seen: the ETag of the state file.
        content: of the state file; of a Front Door origin, what is needed to bring it back as it was.
        reason: why it could not be reached, or what else people should know of it.
        settled: False while a change of it is still being rolled out.
    """

    stamp: str
    state: LeverState
    tag: str = ""
    content: str = ""
    reason: str = ""
    settled: bool = True

    @property
    def maintenance(self) -> bool:
        """The state file may say so itself; then nobody touches the stamp."""
        return "MAINTENANCE" in self.content.upper()


@dataclass(frozen=True, slots=True)
class StampLook:
    """All looks at one stamp: its HealthService, its state file, and its origin in Front Door."""

    health: HealthLook
    lever: LeverLook
    origin: LeverLook | None = None

    def by(self, kind: LeverKind) -> LeverLook:
        """What that lever shows."""
        if kind is LeverKind.STATE_FILE:
            return self.lever
        return self.origin or LeverLook(self.lever.stamp, LeverState.UNREACHABLE, reason=NO_ORIGIN)

    def seen(self, state_file_check: str, before: Seen | None = None) -> Seen:
        """What the record keeps of it: nothing that changes while the stamp does not.

        Args:
            state_file_check: the name of HealthService's check on the state file.
            before: the look before. That people work on the stamp stands until its state file says otherwise.
        """
        health = self.health
        unread = self.lever.state is LeverState.UNREACHABLE
        origin = f"; Front Door origin {self.origin.state}" if self.origin else ""
        return Seen(
            lever=self.lever.state,
            serves=health.serves,
            others_healthy=bool(health.checks) and not health.unhealthy(but=state_file_check),
            drained=health.checks.get(state_file_check) is False,
            answered=health.status is not None,
            maintenance=self.lever.maintenance or bool(unread and before and before.maintenance),
            words=f"{health.words()}; state file {self.lever.state}{origin}",
            origin=self.origin.state if self.origin else None,
            settled=self.lever.settled and (self.origin is None or self.origin.settled),
            failing=tuple(health.unhealthy(but=state_file_check)[:REASONS_MOST]),
        )


@dataclass(frozen=True, slots=True)
class LiveLook:
    """A workload, looked at now.

    Attributes:
        stamps: the looks at each of its stamps.
        path: some stamp's HealthService, asked through Front Door as users come.
        queues: the hubs of the stamps whose lag is looked at.
        steps: what became of restarts that were applied, by intent; None while they go on.
    """

    stamps: Mapping[str, StampLook]
    path: HealthLook | None = None
    queues: Mapping[str, QueueLook] = field(default_factory=dict)
    steps: Mapping[str, Outcome | None] = field(default_factory=dict)

    def serving(self, now: datetime, fresh_for: timedelta) -> set[str]:
        """The stamps whose HealthService answered 200 at most `fresh_for` ago."""
        return {
            name
            for name, look in self.stamps.items()
            if look.health.serves and now - look.health.at <= fresh_for
        }


def signal_of(look: StampLook, workload: Workload) -> Signal:
    """What a look at a stamp says about its root."""
    health, reasons = _verdict(look, workload.state_file_check)
    seen = look.health
    return Signal(
        id=f"{HEALTHSERVICE}/{workload.name}/{seen.stamp}/{seen.at.isoformat()}",
        subject=Subject(workload.name, seen.stamp, workload.root_node),
        source=HEALTHSERVICE,
        observed_at=seen.at,
        health=health,
        reasons=reasons,
    )


def _verdict(look: StampLook, state_file_check: str) -> tuple[Health, tuple[str, ...]]:
    seen = look.health
    failing = seen.unhealthy(but=state_file_check)
    if seen.serves:
        return Health.GREEN, ()
    if failing:
        return Health.RED, tuple(f"{name} is not healthy" for name in failing[:REASONS_MOST])
    if seen.checks.get(state_file_check) is False and look.lever.state is LeverState.OUT:
        # That is the drain itself. It says nothing about health: all other checks are healthy.
        return Health.GREEN, ()
    if seen.checks or seen.status == 503:
        return Health.RED, (f"{seen.words()}; state file {look.lever.state}",)
    # A 404 or 403 is the answer of something else: the address or the Front Door ID is wrong.
    return Health.UNKNOWN, (seen.words(),)


FRONT_DOOR = "front-door"
"""The source of what we saw on the way through Front Door, and the stamp of that look."""

FRONT_DOOR_NODE = "FrontDoor"


def signal_of_path(live: LiveLook, workload: Workload) -> Signal | None:
    """What the way through Front Door says about Front Door itself; None where it is not looked at.

    The answer of a sick stamp is still the answer of a stamp: the way to it is open. Nothing is said
    where the stamps cannot be reached directly either: then it may be we who are cut off.
    """
    path = live.path
    if path is None:
        return None
    direct = sorted(name for name, look in live.stamps.items() if look.health.status is not None)
    health, reasons = Health.GREEN, tuple[str, ...]()
    if not path.checks and not path.serves:
        health = Health.RED if direct else Health.UNKNOWN
        seen = f"direct answers from {', '.join(direct)}" if direct else "no stamp answers directly either"
        reasons = (f"through Front Door: {path.words()}; {seen}",)
    return Signal(
        id=f"{FRONT_DOOR}/{workload.name}/{path.at.isoformat()}",
        subject=Subject(workload.name, None, FRONT_DOOR_NODE),
        source=FRONT_DOOR,
        observed_at=path.at,
        health=health,
        reasons=reasons,
    )
