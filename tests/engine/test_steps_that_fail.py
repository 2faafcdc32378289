"""Who learns of a restart, or of a request to another system, that does not come about?"""

import asyncio
from typing import Any

import pytest

from remediation.decide.orders import HoldOrder, ReleaseOrder
from remediation.ledger.intent import Intent, Outcome, OutcomeKind
from remediation.ledger.told import MessageKind
from rules.conditions import NodeIs
from rules.rule import AskedOf, Playbook, Rule
from rules.signals import Health, Severity
from rules.topology import Deployment, Endpoint, Workload
from tests.engine.test_guarded_drain import effects, watched
from tests.test_desk import a_desk
from tests.world import FakeSteps, World

REFUSED = Outcome(OutcomeKind.REFUSED, "403: no right")
NO_ANSWER = Outcome(OutcomeKind.UNKNOWN, "no answer")


class BrokenSteps(FakeSteps):
    """Steps that always come to the same."""

    def __init__(self, world: World, outcome: Outcome) -> None:
        super().__init__(world)
        self._outcome = outcome

    async def take(self, workload: Workload, intent: Intent) -> Outcome:  # noqa: ARG002 - all the same
        """See `Steps`."""
        await asyncio.sleep(0)
        return self._outcome


def a_world(playbook: Playbook, outcome: Outcome | None = None, **changes: Any) -> World:
    """One rule that asks for that step where the node is red."""
    told: dict[str, Any] = {"severity": Severity.CRITICAL, "asked_of": AskedOf.STAMP, **changes}
    restarts = playbook is Playbook.RESTART
    rule = Rule(
        "mend-it",
        "The processor is red.",
        NodeIs("BackgroundProcessor", frozenset({Health.RED})),
        playbook=playbook,
        target="processor" if restarts else "owner",
        **told,
    )
    deployment = Deployment("https://k.example", "shop", "processor", name="processor", stamp="weu")
    webhook = Endpoint("https://x.example", name="owner")
    world = World(watched(deployments=(deployment,), webhooks=(webhook,)), (rule,))
    if outcome is not None:
        world.engine = world.a_worker("worker-1", steps=BrokenSteps(world, outcome))
    return world


async def stands(world: World, minutes: int, stamp: str | None = "weu") -> None:
    """The fault goes on for so long."""
    for _ in range(minutes):
        await world.node(stamp, "BackgroundProcessor", Health.RED)
        await world.run(1)


def words(world: World) -> list[str]:
    """What the pages said of the worker."""
    return [dict(page.facts)["Worker"] for page in world.pages()]


async def test_a_restart_that_is_stuck_wakes_someone_once() -> None:
    """Nobody was woken for the fault itself, for the restart was to mend it; it is told to its end."""
    world = a_world(Playbook.RESTART)
    await stands(world, 3)
    assert (effects(world), world.pages()) == (["restart processor"], [])
    await stands(world, 12)
    (said,) = words(world)
    assert said == "STUCK: the restart of processor at weu was not seen to help in time; look at it"
    await stands(world, 14)
    assert len(world.pages()) == 1
    await world.node("weu", "BackgroundProcessor", Health.GREEN)
    await world.run(30)
    assert len(world.pages(MessageKind.RESOLVE)) == 1


async def test_a_restart_that_fails_wakes_someone_at_once_and_says_why() -> None:
    """New pods do not come up: it is over, and not done again for this finding."""
    world = a_world(Playbook.RESTART)
    world.steps["processor"] = Outcome(OutcomeKind.REFUSED, "the image cannot be pulled")
    await stands(world, 10)
    (said,) = words(world)
    why = "it failed: the image cannot be pulled"
    assert said == f"STUCK: the restart of processor at weu came to nothing: {why}; look at it"
    assert effects(world) == ["restart processor"]


@pytest.mark.parametrize("outcome", [REFUSED, NO_ANSWER])
@pytest.mark.parametrize(("asked_of", "stamp"), [(AskedOf.STAMP, "weu"), (AskedOf.WORKLOAD, None)])
async def test_a_request_that_nobody_takes_wakes_someone(
    outcome: Outcome, asked_of: AskedOf, stamp: str | None
) -> None:
    """Whoever was asked does not know of it; so somebody else must."""
    world = a_world(Playbook.WEBHOOK, outcome, asked_of=asked_of)
    await stands(world, 20, stamp)
    (said,) = words(world)
    what = f"the webhook of owner{' at weu' if stamp else ''}"
    assert said == f"REFUSED: {what} was refused: {outcome.reason}; do it by hand if it must be"


async def test_where_a_restart_was_done_and_did_not_help_someone_is_woken_in_the_end() -> None:
    """After `escalate_after`, if it is a fault for which people are woken again; not for a mere warning."""
    for severity, pages in ((Severity.ERROR, 1), (Severity.WARNING, 0)):
        world = a_world(Playbook.RESTART, severity=severity)
        world.steps["processor"] = Outcome(OutcomeKind.APPLIED, "rolled out")
        await stands(world, 28)
        assert (effects(world), world.pages()) == (["restart processor"], [])
        await stands(world, 10)
        assert [page.title.startswith("STILL RED after 30m") for page in world.pages()] == [True] * pages


async def test_a_restart_that_was_withdrawn_before_it_began_is_made_when_nothing_holds_it_any_more() -> None:
    """Once for each finding means once done, not once planned."""
    world = a_world(Playbook.RESTART)
    world.steps["processor"] = Outcome(OutcomeKind.APPLIED, "rolled out")
    await world.node("weu", "BackgroundProcessor", Health.RED)
    await world.run(0.5)
    world.clock.turn(world.workload.policy.settle)
    await world.node("weu", "BackgroundProcessor", Health.RED)
    assert [intent.attempts for intent in (await world.record()).intents.values()] == [0]
    desk = a_desk(world)
    await desk.give("shop", HoldOrder("ada", "wait"))
    await stands(world, 3)
    assert effects(world) == []
    await desk.give("shop", ReleaseOrder("ada"))
    await stands(world, 3)
    assert effects(world) == ["restart processor"]
