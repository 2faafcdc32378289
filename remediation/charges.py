"""Which workloads and rules are in force now?

Files are edited while the worker runs, and stamps come and go. A new
configuration is taken up within a minute; one that is bad, or of which nothing
can be known, leaves the last good one in force, and people are told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from remediation.decide.plan import Charge
from remediation.observe import Tally, log
from remediation.ports import Clock
from remediation.texts import PROBLEMS_TOLD, Texts, charges_of, words_of
from rules.discovered import with_found
from rules.problems import FileError
from rules.topology import Discovery, Group, Stamp, Workload

EVERY = timedelta(seconds=30)
"""Nothing is looked at more often."""

OUTDATED_AFTER = timedelta(minutes=30)
"""When people are told that stamps can no longer be found."""

UNKNOWN_FOR = timedelta(minutes=2)
"""When people are told that stamps cannot be found at all: at its start, one failed question is no news."""


class Listed(Protocol):
    """The groups of a workload that are stamps, by the last word about them."""

    @property
    def groups(self) -> tuple[Group, ...] | None:
        """None while they have never been known."""
        ...

    @property
    def at(self) -> datetime | None:
        """When they were last told."""
        ...

    @property
    def failed(self) -> str:
        """Why they could not be told anew; empty when they were."""
        ...


class Lists(Protocol):
    """Whoever lists resource groups: `remediation.probes.stamps.StampGroups`."""

    async def listed(self, discoveries: Mapping[str, Discovery]) -> Mapping[str, Listed]:
        """What is known now, by workload. Never raises."""
        ...


class Charges:
    """The charges in force, by workload.

    A workload whose stamps are to be found and have never been known is not in
    force: without them nothing could be said of it, and what the record knows
    of its stamps would be forgotten. It is `waiting`, and `overdue` in the end.
    """

    def __init__(  # noqa: PLR0913 - all but three have a default
        self,
        read: Callable[[], Texts],
        clock: Clock,
        tally: Tally,
        lists: Lists | None = None,
        *,
        place: Callable[[Stamp], Stamp] = lambda stamp: stamp,
        every: timedelta = EVERY,
        keep: Callable[[Texts], Awaitable[None]] | None = None,
        instead: tuple[Texts, str] | None = None,
    ) -> None:
        """The files are read; stamps that come and go are found by the first `refresh`.

        Args:
            read: gives the files as they are now.
            clock: tells when it is time to look again.
            tally: counts `configuration.loaded` and `configuration.refused`.
            lists: finds stamps.
            place: what else is done with a stamp of a file, such as giving its folder an absolute path.
            every: nothing is looked at more often.
            keep: is given the files that are in force, whenever they are others. Never raises.
            instead: files to begin with, where those that are there are bad; and what is wrong with those.

        Raises:
            FileError: a file cannot be read; it names every problem.
            OSError: a file cannot be opened.
        """
        self._read = read
        self._clock = clock
        self._tally = tally
        self._lists = lists
        self._place = place
        self._every = every
        self._keep = keep
        self._texts, self._bad_files = instead or (read(), "")
        self._seen: Texts | None = self._texts
        self._kept: Texts | None = None
        self._loaded = charges_of(self._texts, place)
        self._found: dict[str, Mapping[str, str]] = {}
        self._bad_stamps: dict[str, str] = {}
        self._unknown: dict[str, tuple[datetime, str]] = {}
        self._not_before: datetime | None = None
        self._began = clock.now()
        self._turn = asyncio.Lock()
        self._told: str | None = None
        self._version = 0
        self._current = {
            name: charge for name, charge in self._loaded.items() if charge.workload.stamps_from is None
        }

    def current(self) -> Mapping[str, Charge]:
        """The charges in force. The same object until something changes."""
        return self._current

    @property
    def version(self) -> int:
        """Another number whenever `current` gives something else: what is made of it is made anew."""
        return self._version

    @property
    def loaded(self) -> Mapping[str, Charge]:
        """All that the files name, also what waits; without the stamps that are found."""
        return self._loaded

    def in_force(self) -> list[Workload]:
        """The workloads in force."""
        return [charge.workload for charge in self._current.values()]

    def overdue(self) -> list[tuple[Workload, str]]:
        """The workloads that have waited for so long that people must know, each with the reason."""
        return [
            (self._loaded[name].workload, why)
            for name, why in self.waiting.items()
            if name in self._bad_stamps
        ]

    @property
    def waiting(self) -> Mapping[str, str]:
        """The workloads that are not in force, for their stamps have never been known; and why."""
        not_yet = (self._clock.now(), "its stamps have not been looked for yet")
        absent = [name for name in self._loaded if name not in self._current]
        return {name: self._unknown.get(name, not_yet)[1] for name in absent}

    @property
    def problem(self) -> str | None:
        """What is wrong with the configuration, for people; None if nothing is."""
        said = [self._bad_files, *(self._bad_stamps[name] for name in sorted(self._bad_stamps))]
        return "; ".join(each for each in said if each) or None

    async def refresh(self) -> None:
        """Look whether anything has changed, at most every 30 s; whoever comes meanwhile waits.

        Never raises: what cannot be taken up is told by `problem`.
        """
        async with self._turn:
            now = self._clock.now()
            if self._not_before is not None and now < self._not_before:
                return
            self._not_before = now + self._every
            await self._look_at_files()
            await self._look_for_stamps(now)
            self._tell()
            if self._keep is not None and self._kept is not self._texts:
                self._kept = self._texts
                await self._keep(self._texts)

    async def _look_at_files(self) -> None:
        """Take up files that have changed, once two looks in a row have seen the same.

        A file that is being written may be whole YAML already, and lack its last stamps.
        """
        try:
            texts = await asyncio.to_thread(self._read)
        except (OSError, ValueError) as error:
            # A file may be away for a moment while it is replaced: only the second time counts.
            self._bad_files = words_of(error) if self._seen is None else self._bad_files
            self._seen = None
            return
        settled, self._seen = texts == self._seen, texts
        if not settled:
            return
        if texts == self._texts:
            self._bad_files = ""
            return
        try:
            loaded = await asyncio.to_thread(charges_of, texts, self._place)
        except FileError as error:
            self._bad_files = words_of(error)
            return
        self._texts, self._loaded, self._bad_files = texts, loaded, ""
        self._tally.add("configuration.loaded")
        log.info("configuration", workloads=sorted(loaded))

    async def _look_for_stamps(self, now: datetime) -> None:
        discoveries = {
            name: charge.workload.stamps_from
            for name, charge in self._loaded.items()
            if charge.workload.stamps_from is not None
        }
        listed = await self._lists.listed(discoveries) if self._lists is not None and discoveries else {}
        charges: dict[str, Charge] = {}
        self._bad_stamps = {}
        for name, charge in self._loaded.items():
            known = self._with_stamps(charge, listed.get(name), now) if name in discoveries else charge
            if known is None:
                # The last good one stays in force, if there is one.
                known = self._current.get(name)
            if known is not None:
                charges[name] = known
        if charges != self._current:
            self._current = charges
            self._version += 1

    def _with_stamps(self, charge: Charge, listed: Listed | None, now: datetime) -> Charge | None:
        """The charge with its stamps as they are now; None where they have never been known."""
        name = charge.workload.name
        why = listed.failed if listed else "nobody is there to look for them"
        if listed is None or listed.groups is None:
            since, _ = self._unknown.get(name, (now, ""))
            self._unknown[name] = since, f"the stamps of {name} cannot be found: {why}"
            if now - since >= UNKNOWN_FOR:
                self._bad_stamps[name] = self._unknown[name][1]
            return None
        self._unknown.pop(name, None)
        found = with_found(charge.workload, listed.groups, place=self._place, before=self._found.get(name))
        self._found[name] = found.by_group
        said = list(found.problems[:PROBLEMS_TOLD])
        known_at = listed.at or self._began
        if why and now - known_at > OUTDATED_AFTER:
            said.append(f"the stamps of {name} are those of {known_at:%Y-%m-%d %H:%M}: {why}")
        if said:
            self._bad_stamps[name] = "; ".join(said)
        return replace(charge, workload=found.workload)

    def _tell(self) -> None:
        """Say what is wrong once, and once that it is mended."""
        problem = self.problem
        if problem == self._told:
            return
        if problem:
            self._tally.add("configuration.refused")
            log.error("configuration not in force", reason=problem)
        else:
            log.info("configuration mended")
        self._told = problem


class InForce(Mapping[str, Charge]):
    """The charges in force, as a mapping that follows them."""

    def __init__(self, charges: Charges) -> None:
        self._charges = charges

    def __getitem__(self, workload: str) -> Charge:
        return self._charges.current()[workload]

    def __iter__(self) -> Iterator[str]:
        return iter(self._charges.current())

    def __len__(self) -> int:
        return len(self._charges.current())
