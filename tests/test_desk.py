"""What becomes of people's orders, from the word to the stamp? In virtual time, on a small world."""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.case import Guardrail
from remediation.decide.orders import (
    ApproveOrder,
    DrainOrder,
    EndSilenceOrder,
    HoldOrder,
    RejoinOrder,
    ReleaseOrder,
    SilenceOrder,
    WrongOrderError,
)
from remediation.desk import Desk
from remediation.engine import Ports
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import Cause
from rules.policy import Mode
from rules.signals import Health
from tests.builders import STAMPS, a_workload, at
from tests.world import FakeHealthServices, FakeLever, FakeTeller, World

DRAIN = DrainOrder("ada", "it smells", "weu")
REJOIN = RejoinOrder("ada", "it is mended", "weu")


def a_desk(world: World) -> Desk:
    """The desk of the world's workload."""
    ports = Ports(
        clock=world.clock,
        ledger=world.ledger,
        lever=FakeLever(world),
        health_services=FakeHealthServices(world),
        pager=FakeTeller(world),
        notifier=FakeTeller(world),
        tally=world.tally,
    )
    return Desk({world.workload.name: world.charge}, ports)


async def a_well_world(mode: Mode = Mode.AUTO, **changes: Any) -> World:
    """Every stamp is well and has been looked at."""
    world = World(a_workload(mode=mode, **changes))
    for stamp in STAMPS:
        await world.node(stamp, "Stamp", Health.GREEN)
    await world.run(1)
    return world


async def test_a_person_s_drain_is_carried_out_at_the_next_tick_and_stays() -> None:
    """The stamp is well all the time, and no proof brings it back: only a person does."""
    world = await a_well_world()
    desk = a_desk(world)
    given = await desk.give("shop", DRAIN)
    assert given.answer.follows
    assert world.out() == set()
    await world.run(0.5)
    assert world.out() == {"weu"}
    await world.run(45)
    assert world.out() == {"weu"}
    await desk.give("shop", replace(REJOIN, author="grace"))
    await world.run(1)
    assert world.out() == set()
    assert (await world.record()).stamp("weu").drain is None


async def test_an_order_is_in_the_journal_with_its_author_and_its_id() -> None:
    """The id that the person is given leads to the decision."""
    world = await a_well_world()
    given = await a_desk(world).give("shop", DRAIN)
    entry = (await world.ledger.journal("shop"))[-1]
    assert entry.id == given.decision
    assert (entry.cause, entry.events) == (Cause.PERSON, ("drain of weu ordered by ada: it smells",))


async def test_a_preview_writes_nothing() -> None:
    """It says what the order would do, of any kind, and leaves no trace."""
    world = await a_well_world()
    desk, before = a_desk(world), await world.record()
    for order in (
        DRAIN,
        HoldOrder("ada", "x"),
        SilenceOrder("ada", "x", at(3600)),
    ):
        assert (await desk.preview("shop", order)).follows
    for refused in (REJOIN, ReleaseOrder("ada"), EndSilenceOrder("ada", "s1"), ApproveOrder("ada", "x")):
        assert not (await desk.preview("shop", refused)).follows
    assert await world.record() == before


async def test_p2_a_drain_is_held_by_what_is_seen_now() -> None:
    """The record still says that all is well; the survivors do not answer any more."""
    world = await a_well_world()
    world.truth["neu"].reachable = world.truth["eus"].reachable = False
    given = await a_desk(world).give("shop", DRAIN)
    assert [hold.guardrail for hold in given.answer.holds] == [Guardrail.KEEPS_ENOUGH_SERVING]
    assert given.decision == ""
    await world.run(1)
    assert world.out() == set()


async def test_p2_the_guardrails_are_asked_again_right_before_the_act() -> None:
    """The survivors fail between the order and the tick: the step is withdrawn, and says why."""
    world = await a_well_world()
    await a_desk(world).give("shop", DRAIN)
    world.truth["neu"].reachable = world.truth["eus"].reachable = False
    await world.run(0.5)
    assert world.out() == set()
    said = [event for entry in await world.ledger.journal("shop") for event in entry.events]
    assert any("drain of weu withdrawn: only no other stamp would serve" in event for event in said)


async def test_p17_the_hold_switch_stops_the_worker_within_one_tick() -> None:
    """A red stamp is paged and not drained; after the release it is."""
    world = await a_well_world()
    desk = a_desk(world)
    await desk.give("shop", HoldOrder("ada", "moving the hubs"))
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(3)
    assert world.out() == set()
    assert len(world.pages()) == 1
    assert "hold_switch" in await world.holds()
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await desk.give("shop", ReleaseOrder("ada"))
    await world.run(1)
    assert world.out() == {"weu"}


async def test_p17_a_hold_ends_by_itself() -> None:
    """Nobody has to remember it."""
    world = await a_well_world()
    await a_desk(world).give("shop", HoldOrder("ada", "lunch", at(300)))
    await world.run(3)
    assert (await a_desk(world).preview("shop", DRAIN)).holds
    await world.run(3)
    assert not (await a_desk(world).preview("shop", DRAIN)).holds


async def test_p17_the_marker_holds_people_s_orders_too() -> None:
    """It is read from the store at every order."""
    world = await a_well_world()
    world.shelf.markers["hold"] = b"fire"
    given = await a_desk(world).give("shop", DRAIN)
    assert [hold.reason for hold in given.answer.holds] == ["held by marker: hold: fire"]
    refused = (await a_desk(world).give("shop", ReleaseOrder("ada"))).answer.refused
    assert "remove that file or blob" in refused
    assert (await world.ledger.marker("shop")) == HoldSwitch("marker", "hold: fire")


async def test_p18_two_people_drain_a_stamp_in_approve_mode() -> None:
    """One asks, another one approves, and the worker acts; the approval is worth nothing afterwards."""
    world = await a_well_world(Mode.APPROVE)
    desk = a_desk(world)
    asked = await desk.give("shop", DRAIN)
    await world.run(1)
    assert world.out() == set()
    assert not (await desk.give("shop", ApproveOrder("ada", asked.answer.approval))).answer.follows
    assert (await desk.give("shop", ApproveOrder("grace", asked.answer.approval))).answer.follows
    await world.run(0.5)
    assert world.out() == {"weu"}
    assert not (await desk.give("shop", ApproveOrder("linus", asked.answer.approval))).answer.follows


async def test_p18_a_person_approves_what_the_worker_asks_for() -> None:
    """In mode approve a red stamp is asked about; one word later it is drained."""
    world = await a_well_world(Mode.APPROVE)
    desk = a_desk(world)
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(2)
    [request] = (await world.record()).approvals
    assert (world.out(), request.stamp, request.requested_by) == (set(), "weu", "the worker")
    assert (await desk.give("shop", ApproveOrder("ada", request.id))).answer.follows
    await world.run(0.5)
    assert world.out() == {"weu"}


async def test_p18_an_approval_that_comes_too_late_drains_nothing() -> None:
    """After `approve_within` the question is asked anew, and the old word does not count."""
    world = await a_well_world(Mode.APPROVE)
    desk = a_desk(world)
    asked = await desk.give("shop", DRAIN)
    await world.run(16)
    answer = (await desk.give("shop", ApproveOrder("grace", asked.answer.approval))).answer
    assert "nobody asks for" in answer.refused
    await world.run(1)
    assert world.out() == set()


async def test_p17_in_observe_a_person_s_order_has_no_effect() -> None:
    """Who wants the worker's hands gives it a mode that has some."""
    world = await a_well_world(Mode.OBSERVE)
    assert not (await a_desk(world).give("shop", DRAIN)).answer.follows
    await world.run(1)
    assert world.out() == set()


async def test_a_silence_is_shown_written_and_ended() -> None:
    """By the id that the person was given."""
    world = await a_well_world()
    desk = a_desk(world)
    given = await desk.give("shop", SilenceOrder("ada", "drill", at(3600), "weu"))
    [muted] = (await world.record()).silences
    assert muted.id in " ".join(given.answer.does)
    assert (await desk.give("shop", EndSilenceOrder("ada", muted.id))).answer.follows


async def test_a_silence_of_no_family_of_the_rules_or_the_worker_s_own_warns() -> None:
    """It is written all the same: a rule may come."""
    desk = a_desk(await a_well_world())
    for family in ("root-n*", "configuration", "by-hand", "drain-undone"):
        assert (await desk.preview("shop", SilenceOrder("ada", "x", at(3600), family=family))).warnings == ()
    answer = await desk.preview("shop", SilenceOrder("ada", "x", at(3600), family="rot-red"))
    assert answer.follows
    assert answer.warnings == ("no family is rot-red: it will hide nothing; did you mean 'root-node-red'?",)


async def test_what_is_not_there_is_a_wrong_order() -> None:
    """A workload, or a stamp to be silenced."""
    world = await a_well_world()
    with pytest.raises(WrongOrderError, match="there is no 'shopp'; there are: shop"):
        await a_desk(world).preview("shopp", DRAIN)
    with pytest.raises(WrongOrderError, match="shop has no stamp 'wue'"):
        await a_desk(world).give("shop", SilenceOrder("ada", "x", at(60), "wue"))


async def test_what_scripts_get_says_the_same_as_what_people_see() -> None:
    """Holds with their names, what lets it pass, and the journal's id or none."""
    world = await a_well_world()
    desk = a_desk(world)
    held = (await desk.give("shop", REJOIN)).content()
    assert (held["follows"], held["decision"]) == (False, None)
    assert held["holds"][0]["guardrail"] == "still_in_rotation"
    done = (await desk.give("shop", DRAIN)).content()
    assert (done["follows"], done["holds"], done["refused"]) == (True, [], None)
    assert "hold switch is off" in done["passes"]
