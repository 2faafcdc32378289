"""Which stamps does a worker know of? Those that its workload has named for a while.

Stamps live for weeks: blue/green replaces them. Here they come and go as `remediation.charges` takes
them up: what two looks in a row have seen, and no look sooner than 30 s after the last.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from rehearsal.world.world import World
from remediation.charges import EVERY
from remediation.decide.plan import Charge
from remediation.intake.subject import Known
from remediation.ports import Clock


class Declared(Mapping[str, Charge]):
    """The charges of one worker; a mapping that follows the stamps of the world.

    Attributes:
        version: another number after each change.
    """

    def __init__(self, charges: Mapping[str, Charge], world: World, clock: Clock) -> None:
        self.version = 0
        self._charges = charges
        self._world = world
        self._clock = clock
        self._seen = world.there
        self._in_force = world.there
        self._not_before: datetime | None = None
        self._current = self._with_stamps()

    @property
    def known(self) -> Known:
        """Whose signals are ours."""
        return Known({name: charge.workload for name, charge in self._current.items()})

    async def refresh(self) -> None:
        """See `remediation.views.Versioned`."""
        now = self._clock.now()
        if self._not_before is not None and now < self._not_before:
            return
        self._not_before = now + EVERY
        settled, self._seen = self._seen == self._world.there, self._world.there
        if settled and self._in_force != self._seen:
            self._in_force = self._seen
            self._current = self._with_stamps()
            self.version += 1

    def _with_stamps(self) -> dict[str, Charge]:
        return {name: self._of_those_there(charge) for name, charge in self._charges.items()}

    def _of_those_there(self, charge: Charge) -> Charge:
        workload, there = charge.workload, self._in_force
        if workload.stamp_names == there:
            return charge
        stamps = tuple(stamp for stamp in workload.stamps if stamp.name in there)
        deployments = tuple(each for each in workload.deployments if each.stamp in (None, *there))
        return replace(charge, workload=replace(workload, stamps=stamps, deployments=deployments))

    def __getitem__(self, workload: str) -> Charge:
        return self._current[workload]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current)

    def __len__(self) -> int:
        return len(self._current)
