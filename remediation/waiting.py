"""Who learns of a workload that is not in force, so that nobody looks at it?

Its stamps have never been known, or its files cannot be read and none were
known before. There is no decision about such a workload, and so its record has
no word of it: people are paged without the ledger, and told when it is over.
What was told outlives the process, for a mended file most often means a new one.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from remediation.decide.wanted import CONFIGURATION, CONFIGURATION_CHARACTERS, incident_key
from remediation.ledger.intent import OutcomeKind
from remediation.ledger.told import Channel, Message, MessageKind
from remediation.observe import log
from remediation.ports import Clock, Teller
from rules.signals import Severity
from rules.topology import Workload

AGAIN_AFTER = timedelta(minutes=5)
"""A page is repeated under its one key: who has closed it by hand hears of it again."""

_KEY = "told-of-waiting"


class Memory(Protocol):
    """Where what was told outlives this process: `remediation.ledger.remembered`."""

    async def recall(self, key: str) -> bytes | None:
        """What was kept; None if nothing was, or if it cannot be had now. Never raises."""
        ...

    async def keep(self, key: str, content: bytes) -> None:
        """Keep it, if that can be done. Never raises."""
        ...


class Alarm:
    """Pages that need no ledger, one for each workload that nobody looks at."""

    def __init__(self, pager: Teller, clock: Clock, memory: Memory) -> None:
        self._pager = pager
        self._clock = clock
        self._memory = memory
        self._told: dict[str, datetime | None] | None = None

    async def tell(self, waiting: Iterable[tuple[Workload, str]], well: Iterable[Workload] = ()) -> None:
        """Page for those that wait, and say of those that are well again that they are.

        Args:
            waiting: the workloads that people must know of, each with the reason.
            well: workloads that are in force, and of whose configuration there is nothing to say.
        """
        told = await self._known()
        before = set(told)
        for workload, why in waiting:
            last = told.get(workload.name)
            if last is not None and self._clock.now() - last < AGAIN_AFTER:
                continue
            facts = (("Reason", why[:CONFIGURATION_CHARACTERS]),)
            outcome = await self._page(workload, MessageKind.TRIGGER, facts)
            if outcome is OutcomeKind.APPLIED:
                told[workload.name] = self._clock.now()
            elif outcome is OutcomeKind.UNKNOWN:
                told[workload.name] = None  # it may have arrived: said again at once, and ended one day
        for workload in well:
            if workload.name in told:
                outcome = await self._page(workload, MessageKind.RESOLVE)
                if outcome is OutcomeKind.APPLIED:
                    del told[workload.name]
        if set(told) != before:
            await self._memory.keep(_KEY, json.dumps(sorted(told)).encode())

    async def _known(self) -> dict[str, datetime | None]:
        """Of which workloads people were told, by whichever worker, and when by this one."""
        if self._told is None:
            self._told = dict.fromkeys(_names(await self._memory.recall(_KEY)))
        return self._told

    async def _page(
        self, workload: Workload, kind: MessageKind, facts: tuple[tuple[str, str], ...] = ()
    ) -> OutcomeKind:
        now, key = self._clock.now(), incident_key(workload.name, None, CONFIGURATION)
        message = Message(
            id=key,
            channel=Channel.PAGE,
            kind=kind,
            incident=key,
            severity=Severity.CRITICAL,
            title=f"{workload.name} is not in force: nobody looks at it, and nothing is done for it.",
            created_at=now,
            not_before=now,
            facts=facts,
        )
        outcome = await self._pager.tell(workload, message)
        if outcome.kind is not OutcomeKind.APPLIED:
            log.warning("not delivered", workload=workload.name, message=key, reason=outcome.reason)
        return outcome.kind


class Configured(Protocol):
    """Which workloads are in force, and which wait: `remediation.charges.Charges`."""

    @property
    def waiting(self) -> Mapping[str, str]:
        """Those that are not in force, and why."""
        ...

    @property
    def problem(self) -> str | None:
        """What is wrong, for people; None if nothing is."""
        ...

    def overdue(self) -> list[tuple[Workload, str]]:
        """Those that have waited for so long that people must know, and why."""
        ...

    def in_force(self) -> list[Workload]:
        """Those that are in force."""
        ...


class Waiting:
    """The workloads that are not in force, as the worker tells of them."""

    def __init__(self, configured: Configured, alarm: Alarm) -> None:
        self._configured = configured
        self._alarm = alarm

    def why(self) -> str:
        """Which workloads wait and for what; empty where none does."""
        return "; ".join(f"{name} waits: {why}" for name, why in sorted(self._configured.waiting.items()))

    def problem(self) -> str:
        """What is wrong with the configuration, though something is in force; empty if nothing is."""
        return self._configured.problem or ""

    async def tell(self) -> None:
        """Page for those that have waited too long, and say when it is over."""
        # What is wrong with a configuration in force stands in the records, which page by the same key.
        well = [] if self._configured.problem else self._configured.in_force()
        await self._alarm.tell(self._configured.overdue(), well)


def _names(content: bytes | None) -> list[str]:
    try:
        names = json.loads(content or b"[]")
    except ValueError:
        return []
    return [str(name) for name in names] if isinstance(names, list) else []
