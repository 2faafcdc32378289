"""What was seen when we looked, and who serves by it?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remediation.ledger.stamp import LeverState, Seen
from rules.signals import Health, Signal, Subject
from rules.topology import Workload

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
    """Both looks at one stamp."""

    health: HealthLook
    lever: LeverLook

    def seen(self, state_file_check: str) -> Seen:
        """What the record keeps of it: nothing that changes while the stamp does not."""
        health = self.health
        return Seen(
            lever=self.lever.state,
            serves=health.serves,
            others_healthy=bool(health.checks) and not health.unhealthy(but=state_file_check),
            drained=health.checks.get(state_file_check) is False,
            answered=health.status is not None,
            maintenance=self.lever.maintenance,
            words=f"{health.words()}; state file {self.lever.state}",
        )


@dataclass(frozen=True, slots=True)
class LiveLook:
    """All stamps of a workload, looked at now."""

    stamps: Mapping[str, StampLook]

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
