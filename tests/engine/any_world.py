"""Does every promise hold when everything moves at once? Random lives of a world, and their ends."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from remediation.ledger.codec import encode
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.told import Channel, MessageKind
from rules.policy import Mode
from rules.signals import AlertState, Signal
from tests.builders import a_signal, an_alert
from tests.engine.living_world import FOUR, POLICY, LivingWorld, histories
from tests.world import CANNOT_READ

History = list[tuple[str, Any]]

SMALL = 96 * 1024
"""Bytes. None of these worlds has many nodes, so that nothing but a leak could make its record large."""

WITHIN = timedelta(minutes=50)
"""Of an hour, as two clocks that are five minutes apart from the true time both see it."""

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
many = settings(few, max_examples=400)


async def lived(history: History) -> LivingWorld:
    """The world after a history; at every step of it, nothing was done that must not be."""
    world = LivingWorld()
    await world.run(2)
    for event in history:
        await world.happens(event)
        assert world.witness.broken == [], event
        hold_budgets(world)
    return world


def hold_budgets(world: LivingWorld) -> None:
    """P13: over all workers, rules and people."""
    for begun in world.begun:
        hour = [at for at in world.begun if begun - WITHIN < at <= begun]
        assert len(hour) <= POLICY.drains_per_hour, f"P13: {hour}"
        day = [at for at in world.begun if begun - timedelta(hours=23) < at <= begun]
        assert len(day) <= POLICY.drains_per_day, f"P13: {day}"


async def rests(world: LivingWorld) -> None:
    """P20: with no new signals, and no time that passes, it comes to a fixed point in at most five rounds."""
    for _ in range(5):
        await world.engine.reconcile("shop")
    revision = (await world.record()).revision
    await world.engine.reconcile("shop")
    assert (await world.record()).revision == revision, "P20"


def is_small(record: WorkloadRecord) -> None:
    """P19: nothing in it grows with time."""
    assert len(encode(record, "write")) < SMALL, "P19"
    assert len(record.intents) <= 25, "P19"


async def everything_is_mended(world: LivingWorld) -> None:
    """Every fault is over, every order is taken back, and every source says so for a while."""
    world.shelf.markers.clear()
    world.edge_open, world.pager_answers, world.lever_answers = True, [], []
    for stamp in FOUR:
        world.mend(stamp)
    await world.happens(("worker", "true"))
    if (await world.record()).hold:
        await world.happens(("person", ("release", "weu")))
    world.configure(mode=Mode.AUTO, front_door=True, hubs=True, windows=(), problem="")
    for _ in range(50):
        await world.says(*all_is_well(world))
        await world.run(2, tick=60)
        record = await world.record()
        if not record.incidents and not record.out() and not record.in_flight() and not record.outbox:
            break  # nothing is left that time could mend


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
    await world.run(13 * 60, tick=600)
    out = (await world.record()).out()
    asked = [told for told in world.told[heard:] if "still drained" in told.title]
    assert out <= {told.incident.split("/")[1] for told in asked}, "P14"


async def everything_holds(history: History) -> None:
    """All of it."""
    world = await lived(history)
    await rests(world)
    is_small(await world.record())
    await everything_is_mended(world)
    assert world.witness.broken == []
    record = await world.record()
    told_to_the_end(world, record)
    await rests(world)
    await nobody_is_forgotten(world, record)


@few
@given(histories)
def test_whatever_happens_every_promise_holds(history: History) -> None:
    """P1, P2, P3, P4, P8, P12, P13, P14, P17, P18, P19, P20: at every effect, and at the end."""
    asyncio.run(everything_holds(history))


@pytest.mark.slow
@many
@given(histories)
def test_whatever_happens_every_promise_holds_in_many_more_worlds(history: History) -> None:
    """P1, P2, P3, P4, P8, P12, P13, P14, P17, P18, P19, P20: the same, for longer."""
    asyncio.run(everything_holds(history))
