"""How are the entities of an Azure Monitor health model now, and since when?

A health model tells nobody of a change, so it is asked. The present states come
from the list of its entities: one question for all of them, and an answer even
where nothing has changed for days, which a history of changes cannot give. The
history is asked about entities that have changed only: it gives the moment, what
was in between, and the reason.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from remediation.probes.rest import Document, Rest, identity, line, moment
from remediation.probes.rounds import Asked, NotAnsweredError, Source
from rules.signals import Health, Signal, Subject
from rules.topology import HealthModel, Workload

NAME = "health-model"

API_VERSION = "2026-05-01-preview"

EVERY = timedelta(seconds=55)
"""At every second tick. A health model evaluates its signals once in a minute."""

_LOOKED_BACK = timedelta(hours=1)
"""For the history of an entity that is not healthy when it is first seen."""

_HISTORIES_AT_ONCE = 5
_TRANSITIONS_MOST = 20
_HEALTHS = {
    "healthy": Health.GREEN,
    "degraded": Health.YELLOW,
    "unhealthy": Health.RED,
    "unknown": Health.UNKNOWN,
}


class HealthModelStates:
    """The entities of one health model that a workload names. A `Source`."""

    name = NAME
    every = EVERY

    def __init__(
        self, rest: Rest, workload: str, model: HealthModel, *, api_version: str = API_VERSION
    ) -> None:
        """Nothing is asked yet.

        Args:
            rest: Azure Resource Manager.
            workload: whose model it is.
            model: its id, and which of its entities is which node.
            api_version: of both questions.
        """
        self._rest = rest
        self._workload = workload
        self._nodes = dict(model.entities)
        self._path = quote(model.model, safe="/()")
        self._version = f"?api-version={quote(api_version)}"
        self._model = line(model.model.rstrip("/").rpartition("/")[2])
        self._source = f"{NAME}:{self._model}"
        self._before: dict[str, Health] = {}
        self._asked_at: datetime | None = None
        self._since: dict[str, str] = {}

    @property
    def about(self) -> str:
        """The workload and the model."""
        return f"{self._workload}/{self._model}"

    async def ask(self, now: datetime) -> Asked:
        """How each entity is now, and how those that changed came to be so.

        A history that cannot be had hides nothing: the present states stand without it.

        Raises:
            NotAnsweredError: the present states cannot be had.
        """
        states = await self._states()
        present = {entity: health_of(states[entity]) for entity in self._nodes if entity in states}
        changed = [
            entity
            for entity, health in present.items()
            if health is not self._before.get(entity, Health.GREEN)
        ]
        histories = await asyncio.gather(
            *(self._history(entity, now) for entity in changed[:_HISTORIES_AT_ONCE])
        )
        told = dict(zip(changed, histories, strict=False))
        passed: list[Signal] = []
        for entity in changed:
            self._since.pop(entity, None)
            transitions = told.get(entity, [])
            passed += [self._said(entity, at, health, words) for at, health, words in transitions]
            if transitions and transitions[-1][1] is present[entity]:
                self._since[entity] = f"since {transitions[-1][0]:%Y-%m-%d %H:%M:%S}: {transitions[-1][2]}"
        self._before.update(present)
        self._asked_at = now
        return Asked((*passed, *(self._now(entity, present.get(entity), now) for entity in self._nodes)))

    def blind(self, reason: str, now: datetime) -> tuple[Signal, ...]:
        """All its entities are unknown."""
        return tuple(self._said(entity, now, Health.UNKNOWN, reason) for entity in self._nodes)

    async def _states(self) -> dict[str, Mapping[str, Any]]:
        """The properties of the entities, by name."""
        found: dict[str, Mapping[str, Any]] = {}
        async for page in self._rest.pages(f"{self._path}/entities{self._version}"):
            for entity in page:
                properties = entity.get("properties")
                found[str(entity.get("name"))] = properties if isinstance(properties, dict) else {}
            if self._nodes.keys() <= found.keys():
                break
        if not found:
            raise NotAnsweredError("the health model has no entities")
        return found

    async def history_of_some(self, now: datetime) -> None:
        """Ask for the history of one entity, for whoever wants to know whether that can be had.

        Raises:
            NotAnsweredError: it cannot.
        """
        await self._ask_history(next(iter(self._nodes)), now)

    async def _history(self, entity: str, now: datetime) -> list[tuple[datetime, Health, str]]:
        try:
            return await self._ask_history(entity, now)
        except NotAnsweredError:
            return []

    async def _ask_history(self, entity: str, now: datetime) -> list[tuple[datetime, Health, str]]:
        """When it changed since the last question, to what, and why; oldest first."""
        begun = self._asked_at or now - _LOOKED_BACK
        # Clocks differ, and a transition may be written down late; one told twice is one signal.
        begun -= timedelta(minutes=5)
        window = {"startAt": _zulu(begun), "endAt": _zulu(now)}
        path = f"{self._path}/entities/{quote(entity, safe='')}/getHistory{self._version}"
        return transitions_in(await self._rest.post(path, window), now)

    def _now(self, entity: str, health: Health | None, now: datetime) -> Signal:
        if health is None:
            return self._said(entity, now, Health.UNKNOWN, "the health model has no entity of this name")
        return self._said(entity, now, health, self._since.get(entity, ""))

    def _said(self, entity: str, at: datetime, health: Health, reason: str) -> Signal:
        stamp, node = self._nodes[entity]
        return Signal(
            id=identity(self._source, self._workload, entity, at.isoformat(), health),
            subject=Subject(self._workload, stamp, node),
            source=self._source,
            observed_at=at,
            health=health,
            reasons=(reason,) if reason else (),
        )


def sources(rest: Rest, workload: Workload) -> list[Source]:
    """One for the workload's health model; none where there is none."""
    model = workload.health_model
    return [] if model is None else [HealthModelStates(rest, workload.name, model)]


def health_of(properties: Mapping[str, Any]) -> Health:
    """What the state of an entity means; deleted, missing or a new word: unknown."""
    if properties.get("deletionDate"):
        return Health.UNKNOWN
    return _health(properties.get("healthState"))


def transitions_in(document: Document, now: datetime) -> list[tuple[datetime, Health, str]]:
    """The last transitions of a history, oldest first: when, to what, and in words.

    What cannot be read is left out.
    """
    history = document.get("history")
    found = []
    for row in history if isinstance(history, list) else ():
        at = moment(row.get("occurredAt")) if isinstance(row, dict) else None
        # One that lies ahead, by another clock, would outlive what is so now.
        if at is None or at >= now:
            continue
        reason = f", {line(str(row['reason']))}" if row.get("reason") else ""
        words = f"{line(str(row.get('previousState')))} to {line(str(row.get('newState')))}{reason}"
        found.append((at, _health(row.get("newState")), words))
    return sorted(found)[-_TRANSITIONS_MOST:]


def _health(word: object) -> Health:
    return _HEALTHS.get(word.strip().lower(), Health.UNKNOWN) if isinstance(word, str) else Health.UNKNOWN


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
