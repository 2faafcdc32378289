"""How does a scenario's timeline happen to the world?"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from rehearsal.history import Effect, Kind
from rehearsal.scenario.happens import (
    AlertHappens,
    BodyHappens,
    BreakHappens,
    ClockModel,
    FaultHappens,
    HealthHappens,
    HubModel,
    OrderModel,
    PauseModel,
    PersonHappens,
    ServiceHealthHappens,
    StampHappens,
)
from rehearsal.scenario.late import LateDelete
from rehearsal.scenario.load import Scenario
from rehearsal.scenario.model import EntryModel
from rehearsal.worker import Staff
from rehearsal.world import bodies
from rehearsal.world.health_model import Word
from rehearsal.world.inbox import DELAY_SECONDS
from rehearsal.world.world import World
from remediation.ledger.intent import LeverKind, Verb

PERSON = "a person"


@dataclass(slots=True)
class Timeline:
    """Lets the entries of a scenario happen when their time comes."""

    scenario: Scenario
    world: World
    staff: Staff
    _alerts: dict[tuple[str, str | None], int] = field(default_factory=dict)
    _updates: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Set every entry on its time."""
        for entry in self.scenario.entries:
            for at in entry.times(self.scenario.run):
                self.world.loop.after(at.total_seconds(), lambda entry=entry: self.happen(entry))  # type: ignore[misc]

    def happen(self, entry: EntryModel) -> None:
        """Let one entry happen now."""
        _, said = entry.what
        match said:
            case BreakHappens():
                self._breaks(said, broken=entry.breaks is not None)
            case HealthHappens():
                self._health(said)
            case AlertHappens():
                self._alert(said)
            case ServiceHealthHappens():
                self._service_health(said)
            case BodyHappens():
                self._body(said)
            case PersonHappens():
                self._person(said)
            case FaultHappens():
                self._fault(said)
            case StampHappens():
                self.world.stamp_turns(said.comes or said.goes or "", there=said.comes is not None)
            case _:  # pragma: no cover
                assert_never(said)

    def _breaks(self, said: BreakHappens, *, broken: bool) -> None:
        self.world.set_broken(said.what, said.stamp, broken=broken, words=said.words or "")

    def _health(self, said: HealthHappens) -> None:
        stamp, node = said.where
        model, word = self.world.model, Word(said.state, tuple(said.reasons))
        source = said.source or model.usual_source
        body = model.say(source, stamp, node, word, once=said.once)
        if not self.world.is_silent():
            self.staff.sent(body, f"{source}: {node} is {said.state}", stamp)
            self.world.hub.send(body)

    def _alert(self, said: AlertHappens) -> None:
        key, fired = (said.rule, said.stamp), said.state == "fired"
        number = self._alerts[key] = self._alerts.get(key, 0) + fired
        instance = bodies.AlertSaid(said.rule, said.stamp, fired, number, said.severity, said.resource)
        body = bodies.alert(instance, self.world.workload, self.world.clock.now())
        self._post(body, f"alert {said.rule} {said.state}", said.stamp)

    def _service_health(self, said: ServiceHealthHappens) -> None:
        number = self._updates[said.tracking] = self._updates.get(said.tracking, 0) + 1
        title = said.title or f"{said.service} - {said.stage}"
        update = bodies.ServiceSaid(
            service=said.service,
            regions=tuple(said.regions),
            stage=said.stage,
            tracking=said.tracking,
            kind=said.kind,
            title=title,
            says=said.says or f"Customers of {said.service} may see failures.",
            number=number,
        )
        body = bodies.service_health(update, self.world.clock.now())
        self._post(body, f"Service Health: {said.service}, {said.stage}")

    def _body(self, said: BodyHappens) -> None:
        body = bodies.filled_in(self.scenario.bodies[said.file], self.world.clock.now())
        if said.to == "webhook":
            self._post(body, f"body {said.file}")
            return
        self.staff.sent(body, f"body {said.file}", None)
        self.world.hub.send(body, ago=said.age)

    def _post(self, body: bytes, words: str, stamp: str | None = None) -> None:
        self.staff.sent(body, words, stamp)
        self.world.loop.spawn(self.staff.post(body), name=words)

    # --- people --------------------------------------------------------------------------------

    def _person(self, said: PersonHappens) -> None:
        if said.order is not None:
            self.world.loop.spawn(self._order(said.order), name="order")
        elif said.marker is not None:
            self.world.store.shelf.markers["hold"] = said.marker.encode()
            self.world.note(Kind.PERSON, f"the emergency hold is laid beside the ledger: {said.marker}")
        elif said.remove_marker is not None:
            self.world.store.shelf.markers.pop("hold", None)
            self.world.note(Kind.PERSON, "the emergency hold is taken away")
        elif said.disable is not None or said.enable is not None:
            self._origin(said.disable or said.enable or "", enabled=said.enable is not None)
        else:
            self._state_file(said)

    def _origin(self, stamp: str, *, enabled: bool) -> None:
        self.world.roll_out(stamp, enabled=enabled)
        verb = Verb.REJOIN if enabled else Verb.DRAIN
        effect = Effect(verb, stamp, LeverKind.FRONT_DOOR, by_worker=False)
        self.world.effect(effect, PERSON, f"{'enabled' if enabled else 'disabled'} the origin by hand")

    def _state_file(self, said: PersonHappens) -> None:
        stamp = said.drain or said.undo or said.touch or said.maintenance or ""
        file, words, verb = self.world.stamps[stamp].file, "", None
        if said.drain is not None:
            file.delete(PERSON)
            verb, words = Verb.DRAIN, "deleted the state file by hand"
        elif said.undo is not None:
            file.write("", PERSON)
            verb, words = Verb.REJOIN, "created the state file by hand"
        elif said.maintenance is not None:
            file.write("MAINTENANCE", PERSON)
            words = "wrote MAINTENANCE into the state file"
        else:
            file.write(file.content or "", PERSON)
            words = "wrote the state file anew"
        if verb is not None:
            effect = Effect(verb, stamp, LeverKind.STATE_FILE, by_worker=False)
            self.world.effect(effect, PERSON, words)
        else:
            self.world.note(Kind.PERSON, words, stamp, PERSON)

    async def _order(self, said: OrderModel) -> None:
        given: dict[str, object] = {
            "order": said.order,
            "workload": self.world.workload.name,
            "author": said.by,
            "reason": said.reason,
        }
        if said.order == "approve":
            given["approval"] = self._approval(said.stamp)
        elif said.stamp is not None:
            given["stamp"] = said.stamp
        if said.lasts is not None:
            given["for"] = f"{int(said.lasts.total_seconds())}s"
        if said.family is not None:
            given["family"] = said.family
        if said.unproven:
            given["unproven"] = True
        reply = await self.staff.order(json.dumps(given).encode())
        answer = f"{reply.status} {json.dumps(reply.content)}" if reply is not None else "nobody answers"
        self.world.note(Kind.PERSON, f"order {said.order} by {said.by}: {answer}", said.stamp, said.by)

    def _approval(self, stamp: str | None) -> str:
        """The approval that is asked for now about a stamp."""
        record = self.world.store.record(self.world.workload.name)
        open_now = [one.id for one in record.approvals if stamp in (None, one.stamp) and not one.approved_by]
        return open_now[0] if open_now else "none"

    # --- faults --------------------------------------------------------------------------------

    def _fault(self, said: FaultHappens) -> None:
        staff = self.staff
        if said.crash is not None:
            staff.kill(said.crash)
        elif said.restart is not None:
            staff.kill(said.restart)
            staff.start(said.restart)
        elif said.add is not None:
            staff.start(said.add)
        elif said.deploy is not None:
            for name in list(staff.workers):
                staff.kill(name)
                staff.start(name)
        elif said.pause is not None:
            self._pause(said.pause)
        elif said.clock is not None:
            self._clock(said.clock)
        else:
            self._call_or_hub(said)

    def _call_or_hub(self, said: FaultHappens) -> None:
        if said.late_delete is not None:
            late = LateDelete(said.late_delete, self.world)
            self.staff.gate.befall_next(f"lever.take_out:{said.late_delete.stamp}", late.around)
        elif said.hub is not None:
            self._hub(said.hub)
        elif said.remake_hub is not None:
            self.world.hubs[said.remake_hub].remake(self.world.loop.time())
            self.world.note(Kind.WORLD, "the hub is deleted and made anew", said.remake_hub)

    def _pause(self, said: PauseModel) -> None:
        paused = self.staff.workers.get(said.worker)
        if paused is None:
            return
        process = paused.process
        process.stop()
        self.world.note(Kind.PROCESS, f"{process.name} stands still", who=process.name)

        def resume() -> None:
            if not process.dead:
                self.world.loop.resume(process)
                self.world.note(Kind.PROCESS, f"{process.name} goes on", who=process.name)

        self.world.loop.after(said.lasts.total_seconds(), resume)

    def _clock(self, said: ClockModel) -> None:
        worker = self.staff.workers.get(said.worker)
        if worker is None:
            return
        worker.clock.ahead = said.ahead or -(said.behind or timedelta())
        by = worker.clock.ahead.total_seconds()
        self.world.note(Kind.PROCESS, f"the clock of {worker.name} is {by:+.0f} s wrong", who=worker.name)

    def _hub(self, said: HubModel) -> None:
        hub = self.world.hub
        if said.late is not None:
            hub.late = (DELAY_SECONDS[0], said.late.total_seconds())
        if said.twice is not None:
            hub.twice = said.twice
        if said.replay is not None:
            count = hub.replay(None if said.replay == "all" else said.replay)
            self.world.note(Kind.WORLD, f"the hub delivers {count} bodies again")
