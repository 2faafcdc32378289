"""What does a workload look like right now? All looks at all stamps, all at the same time."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from remediation.decide.looks import FRONT_DOOR, HealthLook, LeverLook, LiveLook, StampLook
from remediation.ledger.intent import Intent, LeverKind, Outcome
from remediation.ledger.stamp import LeverState
from remediation.observe import log
from remediation.ports import Clock, HealthServices, Lever, Queues, Steps
from rules.conditions import words
from rules.policy import Policy
from rules.queue import QueueLook
from rules.topology import Stamp, Workload

QUEUES_WITHIN_SECONDS = 6.0

PATIENCE_LONGEST = timedelta(minutes=5)
"""A hub that does not answer is asked less and less often: we must not be what keeps it down."""


class Looking:
    """The ways to look at a workload: HealthServices, levers, queues, steps that were taken."""

    def __init__(
        self,
        clock: Clock,
        health_services: HealthServices,
        levers: Mapping[LeverKind, Lever],
        queues: Queues | None = None,
        steps: Steps | None = None,
    ) -> None:
        self._clock = clock
        self._health_services = health_services
        self._levers = levers
        self._queues = queues
        self._steps = steps
        self._failures: dict[tuple[str, str], tuple[int, datetime]] = {}

    async def look(self, workload: Workload) -> LiveLook:
        """Look at every stamp of a workload, and through Front Door; takes `probe_timeout` at most."""
        path, looks = await asyncio.gather(
            self._path(workload),
            asyncio.gather(*(self._look(stamp, workload.policy) for stamp in workload.stamps)),
        )
        return LiveLook({look.health.stamp: look for look in looks}, path)

    async def queues(self, workload: Workload) -> dict[str, QueueLook]:
        """Look at every hub whose lag is watched. Slower than the others, and never asked before an act."""
        watched = [stamp for stamp in workload.stamps if stamp.event_hub is not None and self._queues]
        asked = [stamp for stamp in watched if self._is_worth_asking(workload, stamp.name)]
        looks = await asyncio.gather(*(self._queue(stamp) for stamp in asked))
        for look in looks:
            self._remember(workload.name, look)
        return {look.stamp: look for look in looks}

    def _is_worth_asking(self, workload: Workload, stamp: str) -> bool:
        failed = self._failures.get((workload.name, stamp))
        if failed is None:
            return True
        count, last = failed
        first = workload.policy.cannot_read_after / 6
        wait = min(PATIENCE_LONGEST, first * (1 << min(count - 1, 8)))
        return self._clock.now() - last >= wait

    def _remember(self, workload: str, look: QueueLook) -> None:
        key = (workload, look.stamp)
        if look.reason:
            if key not in self._failures:
                log.warning(
                    "hub cannot be looked at", workload=workload, stamp=look.stamp, reason=look.reason
                )
            self._failures[key] = (self._failures.get(key, (0, look.at))[0] + 1, look.at)
        else:
            self._failures.pop(key, None)

    async def steps(self, workload: Workload, intents: Iterable[Intent]) -> dict[str, Outcome | None]:
        """Look at what became of steps that were taken."""
        chosen = list(intents)
        outcomes = await asyncio.gather(*(self._step(workload, intent) for intent in chosen))
        return {intent.id: outcome for intent, outcome in zip(chosen, outcomes, strict=True)}

    async def lever(self, stamp: Stamp, policy: Policy, kind: LeverKind) -> LeverLook:
        """Look at one lever of one stamp."""
        lever = self._levers.get(kind)
        if lever is None:
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason="the worker has no such lever")
        try:
            async with asyncio.timeout(policy.probe_timeout.total_seconds()):
                return await lever.look(stamp)
        except TimeoutError:
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=_too_late(policy))
        except Exception as error:  # noqa: BLE001 - a fault of the lever is not being able to see
            log.exception("lever failed", stamp=stamp.name, lever=str(kind))
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=type(error).__name__)

    async def _look(self, stamp: Stamp, policy: Policy) -> StampLook:
        health, lever, origin = await asyncio.gather(
            self._health(stamp, policy),
            self.lever(stamp, policy, LeverKind.STATE_FILE),
            self._origin(stamp, policy),
        )
        return StampLook(health, lever, origin)

    async def _origin(self, stamp: Stamp, policy: Policy) -> LeverLook | None:
        if stamp.front_door_origin is None:
            return None
        return await self.lever(stamp, policy, LeverKind.FRONT_DOOR)

    async def _health(self, stamp: Stamp, policy: Policy) -> HealthLook:
        at = self._clock.now()
        try:
            async with asyncio.timeout(policy.probe_timeout.total_seconds()):
                return await self._health_services.look(stamp)
        except TimeoutError:
            return HealthLook(stamp.name, at, None, reason=_too_late(policy))
        except Exception as error:  # noqa: BLE001 - a fault of the probe is not being able to see
            log.exception("probe failed", stamp=stamp.name)
            return HealthLook(stamp.name, at, None, reason=type(error).__name__)

    async def _path(self, workload: Workload) -> HealthLook | None:
        if workload.front_door_url is None:
            return None
        at = self._clock.now()
        try:
            async with asyncio.timeout(workload.policy.probe_timeout.total_seconds()):
                return await self._health_services.look_through(workload)
        except TimeoutError:
            return HealthLook(FRONT_DOOR, at, None, reason=_too_late(workload.policy))
        except Exception as error:  # noqa: BLE001 - a fault of the probe is not being able to see
            log.exception("probe failed", workload=workload.name, path=FRONT_DOOR)
            return HealthLook(FRONT_DOOR, at, None, reason=type(error).__name__)

    async def _queue(self, stamp: Stamp) -> QueueLook:
        assert self._queues is not None  # noqa: S101 - the caller has looked
        at = self._clock.now()
        try:
            async with asyncio.timeout(QUEUES_WITHIN_SECONDS):
                return await self._queues.look(stamp)
        except TimeoutError:
            return QueueLook(stamp.name, at, reason=f"no answer within {QUEUES_WITHIN_SECONDS:.0f}s")
        except Exception as error:  # noqa: BLE001 - a fault of the probe is not being able to see
            log.exception("probe failed", stamp=stamp.name, probe="consumer lag")
            return QueueLook(stamp.name, at, reason=type(error).__name__)

    async def _step(self, workload: Workload, intent: Intent) -> Outcome | None:
        if self._steps is None:
            return None
        try:
            async with asyncio.timeout(workload.policy.probe_timeout.total_seconds()):
                return await self._steps.look(workload, intent)
        except TimeoutError:
            return None
        except Exception:  # noqa: BLE001 - a fault of the step is not being able to see
            log.exception("step cannot be seen", workload=workload.name, intent=intent.id)
            return None


def _too_late(policy: Policy) -> str:
    return f"no answer within {words(policy.probe_timeout)}"
