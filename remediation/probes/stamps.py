"""Which resource groups are there now, of those that are stamps by the word of `workload.yaml`?

Stamps come and go, and Azure keeps the list. An empty answer is not an answer,
and neither is a failure: what was last known stays. A group that is missing
once may be missing by chance, so it counts as gone only when answer after
answer has been without it.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from remediation.observe import Tally, log
from remediation.ports import Clock
from remediation.probes.rest import Document, Rest
from remediation.probes.rounds import NotAnsweredError, back_off
from rules.discovered import fitting
from rules.topology import Discovery, Group

NAME = "stamps"

API_VERSION = "2021-04-01"

EVERY = timedelta(seconds=55)
"""At every second tick, even one that comes early."""

LIST_WITHIN_SECONDS = 5.0
"""For all pages together."""

GONE_AFTER = 3
"""So many answers in a row must be without a group."""

_GOING = "deleting"


class Memory(Protocol):
    """Where what was last known outlives this process."""

    async def recall(self, key: str) -> bytes | None:
        """What was kept; None if nothing was, or if it cannot be had now. Never raises."""
        ...

    async def keep(self, key: str, content: bytes) -> None:
        """Keep it, if that can be done. Never raises."""
        ...


class Nowhere:
    """A memory that keeps nothing."""

    async def recall(self, key: str) -> bytes | None:  # noqa: ARG002 - the same for all
        """Nothing."""
        return None

    async def keep(self, key: str, content: bytes) -> None:
        """Forget it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The groups of a workload that are stamps, by the last word about them.

    Attributes:
        groups: in the order of their names; None while they have never been known.
        at: when they were last told.
        failed: why they could not be told anew; empty when they were.
    """

    groups: tuple[Group, ...] | None = None
    at: datetime | None = None
    failed: str = ""


@dataclass(slots=True)
class _Standing:
    """How it stands with one discovery."""

    discovery: Discovery
    groups: dict[str, Group] | None = None
    absent: dict[str, int] | None = None
    at: datetime | None = None
    failed: str = ""
    failures: int = 0
    not_before: datetime | None = None

    def listed(self) -> Listed:
        groups = None if self.groups is None else tuple(self.groups[key] for key in sorted(self.groups))
        return Listed(groups, self.at, self.failed)


class StampGroups:
    """The resource groups of the workloads whose stamps come and go."""

    def __init__(
        self,
        rest: Rest,
        clock: Clock,
        tally: Tally,
        memory: Memory | None = None,
        *,
        within_seconds: float = LIST_WITHIN_SECONDS,
    ) -> None:
        """Nothing is asked yet.

        Args:
            rest: Azure Resource Manager.
            clock: tells when it is time to ask again.
            tally: counts `probe.stamps.asked`, `.failed` and `.empty`.
            memory: where what is known outlives the process.
            within_seconds: for one list.
        """
        self._rest = rest
        self._clock = clock
        self._tally = tally
        self._memory = memory or Nowhere()
        self._within_seconds = within_seconds
        self._standings: dict[str, _Standing] = {}

    async def listed(self, discoveries: Mapping[str, Discovery]) -> dict[str, Listed]:
        """What is known now, by workload; those that are due are asked, all at once. Never raises."""
        await asyncio.gather(*(self._renew(name, each) for name, each in discoveries.items()))
        return {name: self._standings[name].listed() for name in discoveries}

    async def _renew(self, workload: str, discovery: Discovery) -> None:
        standing = self._standings.get(workload)
        if standing is None or standing.discovery.question != discovery.question:
            # The answer to another question says nothing about this one.
            standing = self._standings[workload] = _Standing(discovery)
            await self._recall(workload, standing)
        now = self._clock.now()
        if standing.not_before is not None and now < standing.not_before:
            return
        # Taken before the first await: whoever comes meanwhile must not ask again.
        standing.not_before = now + EVERY
        self._tally.add(f"probe.{NAME}.asked")
        try:
            async with asyncio.timeout(self._within_seconds):
                groups = fitting(discovery, await self._ask(discovery))
        except NotAnsweredError as error:
            await self._failed(workload, standing, error.reason, error.retry_after_seconds)
        except TimeoutError:
            await self._failed(workload, standing, f"the list did not end within {self._within_seconds:g} s")
        else:
            if groups:
                await self._told(workload, standing, groups)
            else:
                self._tally.add(f"probe.{NAME}.empty")
                await self._failed(workload, standing, "no resource group fits, or none may be read")

    async def _ask(self, discovery: Discovery) -> list[Group]:
        path = f"/subscriptions/{quote(discovery.subscription)}/resourcegroups?api-version={API_VERSION}"
        if discovery.tag is not None:
            name, value = (part.replace("'", "''") for part in discovery.tag)
            wanted = f"tagName eq '{name}' and tagValue eq '{value}'"
            path += f"&$filter={quote(wanted, safe='')}"
        return [group async for page in self._rest.pages(path) for group in _groups(page)]

    async def _told(self, workload: str, standing: _Standing, groups: Sequence[Group]) -> None:
        """Take an answer in. What it lacks stays until enough answers in a row have lacked it."""
        told, known = {group.name.lower(): group for group in groups}, standing.groups or {}
        absent = {key: (standing.absent or {}).get(key, 0) + 1 for key in known if key not in told}
        kept = {key: known[key] for key, times in absent.items() if times < GONE_AFTER}
        now = told | kept
        for key in sorted(now.keys() - known.keys()):
            log.info("stamp found", workload=workload, group=now[key].name)
        for key in sorted(known.keys() - now.keys()):
            log.info("stamp gone", workload=workload, group=known[key].name)
        if standing.failures:
            log.info("stamps are told again", workload=workload)
        standing.groups, standing.absent = now, {key: absent[key] for key in kept}
        standing.at, standing.failed, standing.failures = self._clock.now(), "", 0
        if now != known:
            await self._memory.keep(_key(workload), _written(standing.discovery, now.values()))

    async def _failed(
        self, workload: str, standing: _Standing, reason: str, wait_seconds: float | None = None
    ) -> None:
        """Keep what is known. Another worker may know more: what it has kept is taken over."""
        self._tally.add(f"probe.{NAME}.failed")
        standing.failures += 1
        standing.failed = reason
        standing.not_before = self._clock.now() + back_off(EVERY, standing.failures, wait_seconds)
        if standing.failures == 1:  # once for an outage, however long it is
            log.warning("stamps are not told", workload=workload, reason=reason)
        await self._recall(workload, standing)

    async def _recall(self, workload: str, standing: _Standing) -> None:
        groups = await recalled(self._memory, workload, standing.discovery)
        if groups is not None:
            # Never less than is known already: what was kept may be older.
            standing.groups = {group.name.lower(): group for group in groups} | (standing.groups or {})


async def recalled(memory: Memory, workload: str, discovery: Discovery) -> list[Group] | None:
    """The groups that were last kept, and nobody is asked; None if nothing was, for this question."""
    content = await memory.recall(_key(workload))
    return None if content is None else _read(discovery, content)


def _groups(page: Iterable[Document]) -> Iterable[Group]:
    """The groups of a page, but for those that are being deleted."""
    for item in page:
        name, location, properties = item.get("name"), item.get("location"), item.get("properties")
        state = properties.get("provisioningState") if isinstance(properties, dict) else None
        if isinstance(name, str) and isinstance(location, str) and str(state).lower() != _GOING:
            yield Group(name, location)


def _key(workload: str) -> str:
    return f"stamps-{workload}"


def _written(discovery: Discovery, groups: Iterable[Group]) -> bytes:
    kept = {
        "question": _question(discovery),
        "groups": sorted([group.name, group.location] for group in groups),
    }
    return json.dumps(kept).encode()


def _read(discovery: Discovery, content: bytes) -> list[Group] | None:
    """The groups that were kept; None if it was another question, or if they cannot be read."""
    try:
        kept = json.loads(content)
        if kept["question"] != _question(discovery):
            return None
        return [Group(str(name), str(location)) for name, location in kept["groups"]]
    except (ValueError, TypeError, KeyError):
        return None


def _question(discovery: Discovery) -> str:
    return repr(discovery.question)
