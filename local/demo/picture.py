"""What is to be seen at this moment? Everything that the view draws, and nothing of how it is drawn."""

from dataclasses import dataclass
from datetime import timedelta

from local.demo.feed import Line
from local.demo.scene import Scene
from local.demo.watcher import Watcher
from local.workload.faults import EVERYWHERE
from local.workload.receivers import card_line, page_line
from local.workload.stamp import RunningStamp
from remediation.ledger.record import WorkloadRecord
from rules.signals import Signal

LATELY = timedelta(seconds=2)

IN_ROTATION = "in rotation"
NOTHING_WRONG = "no signal is bad, and no rule holds"


@dataclass(frozen=True, slots=True)
class StampPicture:
    """One stamp.

    Attributes:
        name: of the stamp.
        broken: the fault that was caused, in its word; empty for none.
        share: of the users' requests, from 0 to 1.
        probes: the front door's last samples, oldest first; empty for a disabled origin.
        failing: the checks of its HealthService that fail; None while it has no report.
        unread: messages that wait in its hub.
        reads: whether its background processor is running.
        state: what the worker says of it.
    """

    name: str
    broken: str
    share: float
    probes: tuple[bool, ...]
    failing: tuple[str, ...] | None
    unread: int
    reads: bool
    state: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole scene at one moment.

    Attributes:
        at: seconds since the demo began.
        front_door: its URL.
        per_second: the users' requests.
        well: the share of them that is answered well; None while there are none.
        fails_open: the front door finds no stamp healthy.
        everywhere: the fault that breaks no single stamp; empty for none.
        stamps: each of them.
        worker: what the worker knows, wants and holds: a label and a sentence each.
        pages: those that are open, as on the phone.
        card: the last card, in one line.
        lines: what has happened, oldest first.
        hint: what the viewer may do.
    """

    at: float
    front_door: str
    per_second: float
    well: float | None
    fails_open: bool
    everywhere: str
    stamps: tuple[StampPicture, ...]
    worker: tuple[tuple[str, str], ...]
    pages: tuple[str, ...]
    card: str
    lines: tuple[Line, ...]
    hint: str


def picture_of(scene: Scene, watcher: Watcher, hint: str = "") -> Picture:
    """The picture of a scene now."""
    shares = scene.front_door.shares(LATELY)
    requests = scene.traffic.served.within(LATELY) + scene.traffic.failed.within(LATELY)
    cards = scene.told.cards
    return Picture(
        at=scene.feed.now,
        front_door=scene.front_door_url,
        per_second=requests / LATELY.total_seconds(),
        well=scene.traffic.success(LATELY),
        fails_open=scene.front_door.fails_open,
        everywhere=scene.faults.active.get(EVERYWHERE, ""),
        stamps=tuple(_stamp(scene, each, shares[each.name], watcher.record) for each in scene.stamps),
        worker=_worker(watcher),
        pages=tuple(page_line(page) for page in scene.told.open_pages().values()),
        card=card_line(cards[-1]) if cards else "",
        lines=tuple(scene.feed.lines),
        hint=hint,
    )


def _stamp(scene: Scene, stamp: RunningStamp, share: float, record: WorkloadRecord) -> StampPicture:
    origin = scene.front_door.origin(stamp.name)
    report = stamp.health_service.report
    return StampPicture(
        name=stamp.name,
        broken=scene.faults.active.get(stamp.name, ""),
        share=share,
        probes=tuple(origin.samples) if origin.enabled else (),
        failing=tuple(report.failing()) if report else None,
        unread=stamp.unread,
        reads=stamp.processor.reads,
        state=_state(stamp.name, record),
    )


def _state(stamp: str, record: WorkloadRecord) -> str:
    """The same that `remediation explain` says, short enough for a table."""
    going = [intent for intent in record.in_flight() if intent.stamp == stamp]
    known = record.stamp(stamp)
    if going:
        return f"{going[0].verb}: {going[0].state}"
    if known.drain is not None:
        return "drained, proof stands" if known.drain.recovering_since else "drained, no proof yet"
    if known.adopted_at is not None:
        return "drained by other hands"
    if known.seen is None:
        return "not looked at yet"
    return IN_ROTATION if known.seen.serves else "out by itself"


def _worker(watcher: Watcher) -> tuple[tuple[str, str], ...]:
    """What the worker does comes first, then why, then why it does no more."""
    record = watcher.record
    found = [
        *(
            ("in flight", f"{intent.verb} of {intent.stamp} is {intent.state}")
            for intent in record.in_flight()
        ),
        *(
            ("drained", f"{each.stamp}: {each.state}")
            for each in watcher.standing
            if each.state != IN_ROTATION
        ),
        *(
            ("finding", f"{found.stamp or 'workload'}: {found.rule}: {found.reason}")
            for found in record.findings.values()
        ),
        *(("held", f"{held.verb} of {held.stamp}: {held.reason} ({held.guardrail})") for held in record.held),
        *(("signal", signal_line(signal)) for signal in watcher.bad_signals()),
    ]
    return tuple(found) or (("calm", NOTHING_WRONG),)


def signal_line(signal: Signal) -> str:
    """A signal in one line: about what, what, by whom, and why."""
    where = signal.subject.stamp or "global"
    if signal.alert:
        return f"{where}: alert {signal.alert} {signal.condition}"
    why = f": {signal.reasons[0]}" if signal.reasons else ""
    return f"{where}/{signal.subject.node} {signal.health} by {signal.source}{why}"
