"""What becomes of a question that nobody answers, or answers late, or that two people answer?"""

import asyncio

import pytest

from remediation.decide.orders import ApproveOrder
from remediation.ledger.told import MessageKind
from rules.policy import Mode
from rules.signals import Health
from tests.builders import a_workload
from tests.test_desk import a_desk
from tests.world import CANNOT_READ_RULE, World

NODE = "BackgroundProcessor"


async def a_world_that_asks() -> tuple[World, str]:
    """In mode `approve`, a stamp's processor is red; the id by which its drain may be approved."""
    world = World(a_workload(mode=Mode.APPROVE), (CANNOT_READ_RULE,))
    await world.run(1)
    await world.node("weu", NODE, Health.RED)
    await world.run(2)
    (asked,) = (await world.record()).approvals
    return world, asked.id


@pytest.mark.slow
async def test_p18_a_question_that_nobody_answers_is_open_all_day_and_wakes_people_three_times() -> None:
    """At the fault, with the id when there is one, and when it lasts: not each time that it is asked anew."""
    world, asked = await a_world_that_asks()
    for _ in range(24 * 20):
        await world.node("weu", NODE, Health.RED)
        await world.run(3, tick=90)
    assert world.out() == set()
    assert len(world.pages()) == 3
    assert len(world.told) == 6
    assert (await a_desk(world).give("shop", ApproveOrder("grace", asked))).answer.follows
    await world.run(1)
    assert world.out() == {"weu"}


async def test_p18_what_is_approved_after_the_fault_has_ended_is_approved_for_no_other() -> None:
    """It is refused; and when the fault returns within the same quarter of an hour, people are asked anew."""
    world, asked = await a_world_that_asks()
    await world.node("weu", NODE, Health.GREEN)
    answer = (await a_desk(world).give("shop", ApproveOrder("grace", asked))).answer
    assert answer.refused.startswith(f"nobody asks for {asked}")
    await world.node("weu", NODE, Health.RED)
    await world.run(3)
    assert world.out() == set()
    assert [one.id != asked for one in (await world.record()).approvals] == [True]


async def test_p18_an_approval_that_was_not_used_ends_with_its_fault() -> None:
    """A hold kept the drain from being taken; the next fault is another question."""
    world, asked = await a_world_that_asks()
    assert (await a_desk(world).give("shop", ApproveOrder("grace", asked))).answer.follows
    await world.node("weu", NODE, Health.GREEN)
    await world.node("weu", NODE, Health.RED)
    await world.run(3)
    assert world.out() == set()
    over = f"approval {asked} of drain of weu is over with its cause: given by grace, and not used"
    assert any(over in entry.events for entry in await world.ledger.journal("shop"))


async def test_p18_of_two_who_approve_at_the_same_moment_one_is_told_that_it_was_done() -> None:
    """One approval, one drain."""
    world, asked = await a_world_that_asks()
    orders = (ApproveOrder(name, asked) for name in ("grace", "ada"))
    given = await asyncio.gather(*(a_desk(world).give("shop", order) for order in orders))
    assert sorted(each.answer.follows for each in given) == [False, True]
    await world.run(5)
    assert [what for _, what in world.effects] == ["drained weu"]
    assert world.pages(MessageKind.RESOLVE) == []
