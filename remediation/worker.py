"""What does the worker do when the host calls it: for a request, a batch, a tick?

One method for each trigger of `function_app`. Nothing here decides or acts: it
reads bodies, hands signals to the engine, and sees to it that no body is lost.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from remediation.asking import Asking
from remediation.decide.orders import WrongOrderError
from remediation.decide.plan import Arrival
from remediation.desk import Desk
from remediation.engine import Engine
from remediation.engine.book import HotRecordError
from remediation.intake import limits
from remediation.intake.dead_letter import letter
from remediation.intake.handshake import validation_code
from remediation.intake.order import read_order
from remediation.intake.read import Reading, Rejected, is_heartbeat, key_of, read
from remediation.intake.rejection import Code, Rejection
from remediation.intake.subject import Known
from remediation.ledger.codec import UnreadableRecordError, UnstorableRecordError
from remediation.observe import Tally, log
from remediation.ports import Clock, Inbox, InboxUnavailableError, Ledger, LedgerUnavailableError
from remediation.views import Views
from remediation.waiting import Waiting

ROUTE_PROPERTY = "remediation-route"
"""Application property of a message that came by HTTP: which route."""

ORIGIN_HEADER = "WebHook-Request-Origin"
"""By this a sender of CloudEvents asks, with OPTIONS, whether it may send to this address."""

_MAX_ORIGIN = 256


class Route(StrEnum):
    """How a body came."""

    ALERTS = "alerts"
    HEALTH_EVENTS = "health-events"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request."""

    status: int
    content: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> str:
        """The answer's body."""
        return json.dumps(self.content)


def may_send(origin: str | None) -> Reply:
    """The answer to the handshake of CloudEvents: whoever names itself may send, as often as it likes.

    That is no permission to be believed: the function key, or Entra, is asked for at each request.
    """
    if not origin or len(origin) > _MAX_ORIGIN or not (origin.isascii() and origin.isprintable()):
        reason = f"the header {ORIGIN_HEADER} was expected, with the name of the sender, such as a host"
        return Reply(400, {"error": "no_origin", "reason": reason})
    return Reply(200, headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})


class HubEvent(Protocol):
    """One message of a batch, as the Functions worker hands it over."""

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """The trigger's metadata, shared by the whole batch."""
        ...

    @property
    def enqueued_time(self) -> datetime | None:
        """When the hub took it."""
        ...

    def get_body(self) -> bytes:
        """The bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of."""

    views: Views
    engine: Engine
    inbox: Inbox
    ledger: Ledger
    clock: Clock
    tally: Tally
    desk: Desk
    waiting: Waiting | None = None


class Worker:
    """The worker, as its host sees it."""

    def __init__(self, parts: Parts) -> None:
        self._views = parts.views
        self._engine = parts.engine
        self._desk = parts.desk
        self._inbox = parts.inbox
        self._ledger = parts.ledger
        self._clock = parts.clock
        self._tally = parts.tally
        self._waiting = parts.waiting

    async def receive(self, route: Route, body: bytes) -> Reply:
        """Make a body durable, then answer.

        202: it is in the hub. 4xx: nobody could read it; it is among the dead
        letters. 503: it could be kept nowhere, and the sender must try again
        (Azure Monitor does so for 503, and for 500 it does not). 200: it was
        Event Grid's handshake, which says nothing that is to be kept.
        """
        self._tally.add(f"received.{route}")
        try:
            reading = read(body, (await self._views.now()).known)
        except Rejection as why:
            if why.code.malformed:
                return await self._refuse(route, body, why)
            reading = Reading("none", ())
        if not reading.signals and (code := validation_code(limits.parse(body))):
            self._tally.add("handshakes")
            return Reply(200, {"validationResponse": code})
        try:
            await self._inbox.put(body, key_of(reading), {ROUTE_PROPERTY: route})
        except InboxUnavailableError as error:
            self._tally.add("inbox.unavailable")
            log.error("not accepted", route=str(route), reason=str(error))
            return Reply(503, {"error": "unavailable", "reason": str(error)})
        return Reply(202, {"accepted": [signal.id for signal in reading.signals], "family": reading.family})

    async def _refuse(self, route: Route, body: bytes, why: Rejection) -> Reply:
        try:
            await self._bury(route, Rejected(body, why.code, why.reason))
        except LedgerUnavailableError as error:
            return Reply(503, {"error": "unavailable", "reason": str(error)})
        status = 413 if why.code is Code.TOO_LARGE else 400
        return Reply(status, {"error": why.code, "reason": why.reason})

    async def consume(self, events: Sequence[HubEvent]) -> None:
        """Take in a batch of the hub. What cannot be read is buried; the rest goes on.

        Raises:
            LedgerUnavailableError: the ledger as a whole cannot be reached; the batch must be
                delivered again. Pages have gone out.
        """
        known = (await self._views.now()).known
        arrivals: list[Arrival] = []
        bodies: dict[str, list[tuple[Route, bytes]]] = defaultdict(list)
        rejected: list[tuple[Route, Rejected]] = []
        for place, event in enumerate(events):
            properties = _properties(event, place)
            if is_heartbeat(properties):
                self._tally.add("heartbeats")
                continue
            route, body = _route(properties), event.get_body()
            try:
                reading = read(body, known)
            except Rejection as why:
                rejected.append((route, Rejected(body, why.code, why.reason)))
                continue
            except Exception as fault:  # noqa: BLE001 - a fault of ours must not hold up the partition for ever
                log.exception("fault while reading", route=str(route))
                rejected.append((route, Rejected(body, Code.FAULT, type(fault).__name__)))
                continue
            rejected += [(route, item) for item in reading.rejected]
            enqueued_at = _aware(event.enqueued_time) or self._clock.now()
            arrivals += [Arrival(signal, enqueued_at) for signal in reading.signals]
            for workload in {signal.subject.workload for signal in reading.signals}:
                bodies[workload].append((route, body))
        parked = await self._engine.accept(arrivals)
        for workload, reason in parked.items():
            rejected += [(route, Rejected(body, Code.PARKED, reason)) for route, body in bodies[workload]]
        for route, item in rejected:
            await self._bury(route, item)

    async def _bury(self, route: Route, item: Rejected) -> None:
        dead = letter(item.body, item.code, item.reason, route, self._clock.now())
        await self._ledger.bury(dead)
        self._tally.add(f"dead_letters.{item.code}")
        log.warning("dead letter", id=dead.id, route=str(route), code=str(item.code), reason=item.reason)

    async def order(self, body: bytes) -> Reply:
        """Follow a person's order.

        200: it is done, or asked of somebody else, and in the journal. 409: guardrails hold it, or
        it cannot be so; nothing was changed. 400: it makes no sense as it was given. 503: try again.
        """
        self._tally.add("received.orders")
        try:
            workload, order = read_order(body, self._clock.now())
            given = await self._desk.give(workload, order)
        except (Rejection, WrongOrderError) as why:
            reason = why.reason if isinstance(why, Rejection) else str(why)
            return Reply(400, {"error": "wrong_order", "reason": reason})
        except (
            LedgerUnavailableError,
            UnreadableRecordError,
            UnstorableRecordError,
            HotRecordError,
        ) as error:
            log.error("order not followed", reason=str(error))
            return Reply(503, {"error": "unavailable", "reason": str(error)})
        return Reply(200 if given.answer.follows else 409, given.content())

    async def tick(self) -> None:
        """Ask the sources that must be asked, and reconcile every workload."""
        view = await self._views.now()
        asked = [
            self._ask(asking, view.known, name) for name in view.known.workloads if (asking := view.asking)
        ]
        told = [self._waiting.tell()] if self._waiting else []
        await asyncio.gather(self._engine.reconcile_all(), *asked, *told)

    async def _ask(self, asking: Asking, known: Known, workload: str) -> None:
        try:
            arrivals = await asking.news(workload, known)
            if arrivals:
                await self._engine.accept(arrivals)
        except (LedgerUnavailableError, UnreadableRecordError) as error:
            # Reconcile finds the same and tells people; the sources are asked again at the next tick.
            log.warning("not asked", workload=workload, reason=str(error))

    async def ready(self) -> Reply:
        """Whether the worker can do its work, and what it has counted.

        503 also where only some of it can be done: a workload that waits has nobody to look at it.
        """
        try:
            await self._ledger.check()
        except LedgerUnavailableError as error:
            return Reply(503, {"status": "ledger unavailable", "reason": str(error)})
        await self._views.now()
        if self._waiting is not None and (why := self._waiting.why()):
            return Reply(503, {"status": "waiting", "reason": why})
        problem = {"problem": said} if self._waiting and (said := self._waiting.problem()) else {}
        return Reply(200, {"status": "ready", "counts": self._tally.counts(), **problem})


def _properties(event: HubEvent, place: int) -> Mapping[str, Any]:
    """The application properties of one message: the batch shares its metadata, in the order of messages."""
    shared = (event.metadata or {}).get("PropertiesArray") or []
    return shared[place] if place < len(shared) and isinstance(shared[place], Mapping) else {}


def _aware(time: datetime | None) -> datetime | None:
    """The Functions library gives UTC, with or without saying so."""
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _route(properties: Mapping[str, Any]) -> Route:
    said = str(properties.get(ROUTE_PROPERTY, ""))
    return Route(said) if said in set(Route) else Route.HUB
