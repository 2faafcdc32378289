"""Are a restart and a request to another system taken over real HTTP, once, and seen to be done?"""

from dataclasses import replace
from datetime import UTC, datetime

from standardwebhooks import Webhook

from remediation.act.cluster import Clusters
from remediation.act.http import Door
from remediation.act.restart import Restart
from remediation.act.steps import NamedSteps
from remediation.act.webhook import StepWebhook
from rules.conditions import NodeIs
from rules.policy import Mode
from rules.rule import Playbook, Rule
from rules.signals import Health, Severity
from rules.topology import Deployment, Endpoint, SecretRef, Workload
from tests.act.far_side import FarSide, StillClock, secrets
from tests.act.kubernetes_server import NAME, NAMESPACE, TOKEN, KubernetesServer
from tests.builders import a_workload
from tests.world import World

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def a_rule(playbook: Playbook, target: str) -> Rule:
    """A rule that asks for a step where the processor is yellow."""
    slow = NodeIs("BackgroundProcessor", frozenset({Health.YELLOW}))
    return Rule("slow-processor", "The processor is slow.", slow, Severity.WARNING, playbook, target=target)


async def for_minutes(world: World, minutes: int) -> None:
    """The processor of weu stays slow for so long."""
    for _ in range(minutes):
        await world.node("weu", "BackgroundProcessor", Health.YELLOW)
        await world.run(1)


def with_hands(workload: Workload, rule: Rule, door: Door) -> World:
    """A world whose worker reaches clusters and endpoints over HTTP."""
    read = secrets(K8S_TOKEN=TOKEN, HOOK_SECRET=SECRET)
    world = World(workload, (rule,))
    steps = NamedSteps(Restart(Clusters(door, read)), StepWebhook(door, read, StillClock()))
    world.engine = world.a_worker("worker-1", steps=steps)
    return world


async def test_a_deployment_is_restarted_once_and_watched_until_it_serves() -> None:
    """One patch; the intent is in flight until every replica is new and available (P1, P5)."""
    door = Door(StillClock())
    async with KubernetesServer() as cluster:
        target = Deployment(
            cluster.url, NAMESPACE, NAME, SecretRef("K8S_TOKEN"), name="processor", stamp="weu"
        )
        workload = replace(a_workload(mode=Mode.AUTO), deployments=(target,))
        world = with_hands(workload, a_rule(Playbook.RESTART, "processor"), door)
        await world.run(1)
        await for_minutes(world, 3)
        assert cluster.restarts == 1
        assert len((await world.record()).in_flight()) == 1
        cluster.rolls_out()
        await for_minutes(world, 5)
        assert (await world.record()).in_flight() == []
        assert cluster.restarts == 1
    await door.close()


async def test_another_system_is_asked_once_by_a_signed_event() -> None:
    """Its receiver can prove that it was us, and knows the step by its id."""
    door = Door(StillClock())
    async with FarSide() as far:
        endpoint = Endpoint(f"http://localhost:{far.port}/steps", SecretRef("HOOK_SECRET"), "owner")
        workload = replace(a_workload(mode=Mode.AUTO), webhooks=(endpoint,))
        world = with_hands(workload, a_rule(Playbook.WEBHOOK, "owner"), door)
        await world.run(1)
        await for_minutes(world, 6)
    await door.close()
    (received,) = far.received
    (intent,) = (await world.record()).intents.values()
    assert received.headers["webhook-id"] == intent.id
    moment = datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), UTC)
    signed = Webhook(SECRET).sign(intent.id, moment, received.body.decode())
    assert received.headers["webhook-signature"] == signed
    assert (await world.record()).in_flight() == []
