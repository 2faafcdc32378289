"""When everything is mended, does everything come to rest, and is nobody forgotten?"""

from collections import defaultdict

from remediation.ledger.record import WorkloadRecord
from remediation.ledger.told import Channel, MessageKind
from rules.policy import Mode
from rules.signals import AlertState, Signal
from tests.builders import a_signal, an_alert
from tests.engine.living_world import FOUR, SKEWS, LivingWorld
from tests.world import CANNOT_READ, World

AT_REST_AFTER = 4
"""So many rounds of four minutes without a change, and time alone changes nothing any more: the longest that
anything is waited for here is `rejoin_after` or the cooldown, ten minutes each."""


async def rests(world: World) -> None:
    """P20: with no new signals, and no time that passes, it comes to a fixed point in at most five rounds."""
    for _ in range(5):
        await world.engine.reconcile("shop")
    revision = (await world.record()).revision
    await world.engine.reconcile("shop")
    assert (await world.record()).revision == revision, "P20"


async def everything_is_mended(world: LivingWorld) -> None:
    """Every fault is over, every order is taken back, and every source says so until nothing changes."""
    world.shelf.markers.clear()
    world.edge_open, world.pager_answers = True, []
    world.levers_answer([], [])
    for stamp in FOUR:
        world.mends(stamp)
    for name in SKEWS:
        world.starts(name)
    world.takes_over("true")
    if (await world.record()).hold:
        await world.person("release", "ada", "weu")
    world.configure(mode=Mode.AUTO, front_door=True, hubs=True, windows=(), problem="")
    unchanged, before = 0, object()
    for _ in range(30):
        await world.says(*all_is_well(world))
        await world.passes(4)
        now = standing_of(await world.record())
        unchanged, before = (unchanged + 1 if now == before else 0), now
        if unchanged == AT_REST_AFTER:
            break


def standing_of(record: WorkloadRecord) -> object:
    """What is not over yet."""
    return sorted(record.incidents), sorted(record.out()), record.in_flight(), record.outbox, record.silences


def all_is_well(world: LivingWorld) -> list[Signal]:
    """What the health model and Azure Monitor say in the end."""
    now, said = world.clock.now(), list[Signal]()
    for stamp in FOUR:
        for node in ("Stamp", "BackgroundProcessor"):
            said.append(a_signal(stamp, node, observed_at=now, id=f"{stamp}/{node}/{now}"))
        over = an_alert(CANNOT_READ, AlertState.RESOLVED, stamp, observed_at=now, id=f"{stamp}/{now}")
        said.append(over)
    return said


def told_to_the_end(world: LivingWorld, record: WorkloadRecord) -> None:
    """P8: who was woken is told of the end, and of nothing that still stands that it were over."""
    last: dict[str, MessageKind] = defaultdict(lambda: MessageKind.RESOLVE)
    last |= {told.incident: told.kind for told in world.told if told.channel is Channel.PAGE}
    standing = {key for key, incident in record.incidents.items() if incident.pages}
    assert {key for key, kind in last.items() if kind is not MessageKind.RESOLVE} == standing, "P8"
    assert record.outbox == (), "P8"


async def nobody_is_forgotten(world: LivingWorld, record: WorkloadRecord) -> None:
    """P14: who can come back has done so; of the others people are asked within a day."""
    for name, stamp in record.stamps.items():
        drain = stamp.drain
        assert drain is None or drain.author or drain.stays_out, f"P14: {name} is out: {drain}; {record.held}"
    assert record.in_flight() == [], "P14"
    if not record.out():
        return
    heard = len(world.told)
    for _ in range(26):
        await world.passes(0.5)
        world.clock.turn(world.charge.workload.policy.probation)
    out = (await world.record()).out()
    asked = [told for told in world.told[heard:] if "still drained" in told.title]
    assert out <= {told.incident.split("/")[1] for told in asked}, "P14"
