"""What do the stamps look like right now? Both looks at every stamp, all at the same time."""

import asyncio

from remediation.decide.looks import HealthLook, LeverLook, LiveLook, StampLook
from remediation.ledger.record import LeverState
from remediation.observe import log
from remediation.ports import Clock, HealthServices, Lever
from rules.conditions import words
from rules.policy import Policy
from rules.topology import Stamp, Workload


class Looking:
    """The two ways to look at a stamp: its HealthService and its lever."""

    def __init__(self, clock: Clock, health_services: HealthServices, lever: Lever) -> None:
        self._clock = clock
        self._health_services = health_services
        self._lever = lever

    async def look(self, workload: Workload) -> LiveLook:
        """Look at every stamp of a workload; takes `probe_timeout` at most."""
        looks = await asyncio.gather(*(self._look(stamp, workload.policy) for stamp in workload.stamps))
        return LiveLook({look.health.stamp: look for look in looks})

    async def _look(self, stamp: Stamp, policy: Policy) -> StampLook:
        health, lever = await asyncio.gather(self._health(stamp, policy), self.lever(stamp, policy))
        return StampLook(health, lever)

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

    async def lever(self, stamp: Stamp, policy: Policy) -> LeverLook:
        """Look at the lever of one stamp."""
        try:
            async with asyncio.timeout(policy.probe_timeout.total_seconds()):
                return await self._lever.look(stamp)
        except TimeoutError:
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=_too_late(policy))
        except Exception as error:  # noqa: BLE001 - a fault of the lever is not being able to see
            log.exception("lever failed", stamp=stamp.name)
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=type(error).__name__)


def _too_late(policy: Policy) -> str:
    return f"no answer within {words(policy.probe_timeout)}"
