"""Does the worker do what an engineer on call would want, from the first signal to the end?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from remediation.decide.case import Guardrail
from remediation.ledger.stamp import LeverState
from remediation.ledger.told import MessageKind
from rules.policy import Mode, Policy
from rules.signals import AlertState, Health
from rules.topology import Window
from tests.builders import NOW, a_workload, at
from tests.world import World

PROCESSOR = "BackgroundProcessor"


async def test_a_stamp_whose_processor_cannot_read_is_drained_and_on_call_is_paged() -> None:
    """The flagship: HealthService and root stay green, and yet the stamp leaves rotation, once (P1, P4)."""
    world = World()
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    assert [page.incident for page in world.pages()] == ["shop/weu/background-processor-cannot-read"]
    assert world.out() == set()
    await world.run(2)
    assert world.out() == {"weu"}
    assert [what for _, what in world.effects] == ["drained weu"]
    assert len(world.pages()) == 1


async def test_an_alert_alone_drains_the_stamp_it_is_about() -> None:
    """Azure Monitor's alert is enough, where the health model sees nothing."""
    world = World()
    await world.run(1)
    await world.alert("neu", AlertState.FIRED)
    await world.run(2)
    assert world.out() == {"neu"}


async def test_nothing_is_drained_before_the_finding_has_settled() -> None:
    """A finding that ends within the settle time leaves no trace in the world but a page and its end."""
    world = World()
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(0.5)
    assert Guardrail.SETTLED in await world.holds()
    await world.node("weu", PROCESSOR, Health.GREEN)
    await world.run(5)
    assert world.effects == []
    assert len(world.pages()) == len(world.pages(MessageKind.RESOLVE)) == 1


async def test_two_stamps_at_once_are_a_global_fault_and_nothing_is_drained() -> None:
    """P3: where a drain cannot help, one page says `global` and every state file stays."""
    world = World()
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.node("neu", PROCESSOR, Health.RED)
    for _ in range(10):
        await world.run(1)
        await world.node("weu", PROCESSOR, Health.RED)
        await world.node("neu", PROCESSOR, Health.RED)
    assert world.effects == []
    assert Guardrail.ONLY_A_STAMP_FAULT in await world.holds()
    told = [page for page in world.pages() if "[global]" in page.title]
    assert [page.incident for page in told] == ["shop/global/background-processor-cannot-read"]


async def test_a_drained_stamp_rejoins_after_proof_and_the_page_is_resolved() -> None:
    """P12: whoever raised the finding takes it back, the other checks are healthy, and that stands."""
    world = World()
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(2)
    for _ in range(9):
        await world.node("weu", PROCESSOR, Health.GREEN)
        await world.run(1)
    assert world.out() == {"weu"}
    for _ in range(3):
        await world.node("weu", PROCESSOR, Health.GREEN)
        await world.run(1)
    assert [what for _, what in world.effects] == ["drained weu", "rejoined weu"]
    assert [page.incident for page in world.pages(MessageKind.RESOLVE)] == [
        "shop/weu/background-processor-cannot-read"
    ]
    record = await world.record()
    assert not record.incidents
    assert not record.in_flight()


async def test_silence_is_no_proof_of_recovery() -> None:
    """P12: a source that falls silent after its red brings no stamp back, however long we wait."""
    world = World()
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(60)
    assert world.out() == {"weu"}
    assert not world.pages(MessageKind.RESOLVE)


async def test_one_green_and_then_silence_is_no_proof_either() -> None:
    """P12: a green that goes stale before the proof has stood long enough proves nothing."""
    world = World()
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(2)
    await world.node("weu", PROCESSOR, Health.GREEN)
    await world.run(60)
    assert world.out() == {"weu"}


async def test_another_check_that_fails_keeps_the_stamp_out() -> None:
    """P12: the cause is mended, but the stamp is not well."""
    world = World()
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(2)
    world.truth["weu"].failing = {"Database"}
    await world.alert("weu", AlertState.RESOLVED)
    await world.run(30)
    assert world.out() == {"weu"}
    world.truth["weu"].failing = set()
    await world.run(12)
    assert world.out() == set()


async def test_the_last_serving_stamps_keep_their_traffic() -> None:
    """P2: with the others not serving, the drain is held and the page says which stamps would remain."""
    world = World()
    await world.run(1)
    world.truth["neu"].failing = {"Database"}
    world.truth["eus"].reachable = False
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(10)
    assert world.effects == []
    assert {Guardrail.KEEPS_ENOUGH_SERVING, Guardrail.ONLY_A_STAMP_FAULT} & await world.holds()


async def test_a_second_stamp_much_later_waits_for_cooldown() -> None:
    """P13: one drain, then no other until the cooldown has passed."""
    world = World()
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(10)
    await world.alert("neu", AlertState.FIRED)
    await world.run(10)
    assert world.out() == {"weu"}
    assert Guardrail.COOLDOWN in await world.holds()
    await world.run(15)
    assert world.out() == {"weu", "neu"}


async def test_a_stamp_that_is_out_by_itself_is_paged_and_not_drained() -> None:
    """HealthService answers 503: Front Door has moved already, and the state file stays."""
    world = World()
    await world.run(1)
    world.truth["weu"].failing = {"MessageProducer"}
    await world.run(10)
    assert world.effects == []
    assert {page.incident for page in world.pages()} == {"shop/weu/root-node-red"}
    assert Guardrail.STILL_IN_ROTATION in await world.holds()


async def test_a_drain_by_other_hands_is_adopted_and_counted() -> None:
    """A person's drain is never undone by us and counts against capacity."""
    world = World(a_workload(mode=Mode.AUTO, policy=Policy(min_serving=2)))
    await world.run(1)
    world.truth["neu"].file = None
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(30)
    assert world.effects == []
    assert Guardrail.KEEPS_ENOUGH_SERVING in await world.holds()
    assert any("drained by other hands" in message.title for message in world.told)


async def test_a_drain_that_others_undo_is_left_undone_and_paged() -> None:
    """Terraform re-creates the file: someone is told, and only a new decision drains again."""
    world = World()
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(5)
    assert world.out() == {"weu"}
    world.truth["weu"].file = ""
    await world.run(120)
    assert world.out() == set()
    assert Guardrail.OTHERS_HANDS in await world.holds()
    assert "shop/weu/drain-undone" in {page.incident for page in world.pages()}


async def test_observe_has_no_effects_and_wakes_nobody() -> None:
    """P17: the journal says what would have been done; the world stays as it is."""
    world = World(a_workload(mode=Mode.OBSERVE))
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(10)
    assert world.effects == []
    assert world.told == []
    assert Guardrail.MODE in await world.holds()


async def test_approve_tells_and_asks_but_does_not_act() -> None:
    """In `approve` someone is paged, and the page says that a person must decide."""
    world = World(a_workload(mode=Mode.APPROVE))
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(10)
    assert world.effects == []
    assert "approval" in dict(world.pages()[0].facts)["Worker"]


async def test_a_stamp_in_maintenance_is_never_touched() -> None:
    """P12: the state file says MAINTENANCE: people are working there."""
    world = World()
    world.truth["weu"].file = "MAINTENANCE until noon"
    await world.run(1)
    await world.node("weu", PROCESSOR, Health.RED)
    await world.run(10)
    assert world.effects == []
    assert Guardrail.MAINTENANCE in await world.holds()


@pytest.mark.parametrize("stamp", ["weu", None])
async def test_a_stamp_in_a_window_of_its_workload_file_is_never_touched(stamp: str | None) -> None:
    """P12: planned work on it, or on all of them, holds the drain; when the window is over it is made."""
    window = Window(NOW, at(1200), "an upgrade", stamp)
    world = World(replace(a_workload(mode=Mode.AUTO), maintenance=(window,)))
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(18)
    assert world.effects == []
    assert Guardrail.MAINTENANCE in await world.holds()
    await world.run(3)
    assert world.out() == {"weu"}


async def test_the_state_file_comes_back_as_it_was() -> None:
    """What the file held before the drain, it holds after the rejoin."""
    world = World()
    world.truth["weu"].file = "HEALTHY since Tuesday"
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(3)
    assert world.out() == {"weu"}
    await world.alert("weu", AlertState.RESOLVED)
    await world.run(15)
    assert world.truth["weu"].file == "HEALTHY since Tuesday"


async def test_a_yellow_root_is_told_and_wakes_nobody() -> None:
    """A warning goes to the team's channel alone."""
    world = World()
    await world.run(1)
    await world.node("weu", "Stamp", Health.YELLOW)
    await world.run(3)
    assert world.effects == []
    assert world.pages() == []
    assert {message.incident for message in world.told} == {"shop/weu/root-node-yellow"}


async def test_a_drain_that_does_not_help_is_stuck_and_paged_again() -> None:
    """Applied is not drained: the HealthService does not notice, and someone must look."""
    world = World()
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    world.truth["weu"].reachable = False
    await world.run(7)
    assert world.out() == {"weu"}
    assert any("STUCK" in dict(page.facts).get("Worker", "") for page in world.pages())
    assert (await world.record()).stamp("weu").seen.lever is LeverState.OUT  # type: ignore[union-attr]


async def test_a_stamp_that_stays_out_is_asked_about_again() -> None:
    """P14: none that we drained is forgotten."""
    world = World(a_workload(mode=Mode.AUTO, policy=Policy(remind_after=timedelta(hours=1))))
    await world.run(1)
    await world.alert("weu", AlertState.FIRED)
    await world.run(130, tick=60)
    assert len([page for page in world.pages() if "still drained" in page.title]) == 2
