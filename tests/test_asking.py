"""What becomes of a source's answer, over real HTTP, from the tick of the timer to the page?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from remediation.asking import Asking
from remediation.probes import fired_alerts, health_model, health_score
from remediation.probes.fired_alerts import RECOVERED
from remediation.probes.rounds import Rounds
from remediation.worker import Worker
from rules.health import last_word
from rules.load import load_catalog
from rules.policy import Mode
from rules.signals import Health
from rules.topology import HealthQuery, Workload
from tests.builders import NOW, a_stamp, seconds
from tests.intake.bodies import STAMP_GROUPS, shop
from tests.intake.consuming import Message, a_worker
from tests.probes.azure_rest import (
    SUBSCRIPTION,
    AzureRest,
    an_alert_in_the_list,
    as_webhook,
    fails,
    opened,
    zulu,
)
from tests.world import CANNOT_READ, World

TICK = 30
QUERY = HealthQuery("workspace-weu", "StampHealthScore")


@dataclass
class Asker:
    """A worker whose sources are served over HTTP.

    Attributes:
        azure: what the sources say.
        world: the stamps, and what was paged.
        worker: whose timer ticks.
        healthy: what each new row of weu's score says; None: there is no row.
    """

    azure: AzureRest
    world: World
    worker: Worker
    healthy: bool | None = True

    async def ticks(self, minutes: float) -> None:
        """Time passes, with a row of the score and a tick every half minute."""
        for _ in range(round(minutes * 60 / TICK)):
            self.world.clock.turn(seconds(TICK))
            await self.tick()

    async def tick(self) -> None:
        """One tick, now."""
        row = [zulu(self.world.clock.now()), self.healthy]
        self.azure.rows["workspace-weu"] = [] if self.healthy is None else [row]
        await self.worker.tick()

    async def score(self) -> Health | None:
        """What the score's own register says of weu's root."""
        registers = (await self.world.record()).registers
        keys = [key for key in registers if key.source == "health-score"]
        said = last_word(registers, keys[0]) if keys else None
        return said.health if said else None

    def paged(self) -> list[str]:
        """The incidents that woke someone."""
        return [page.incident for page in self.world.pages()]

    def count(self, name: str) -> int:
        """How often something was counted."""
        return self.world.tally.counts().get(name, 0)


@asynccontextmanager
async def an_asker(**changes: Any) -> AsyncIterator[Asker]:
    """The reference workload with the shipped rules, and the sources that a workload file names."""
    workload: Workload = shop(mode=Mode.AUTO, **changes)
    async with opened() as (azure, rest):
        world = World(workload, rules=load_catalog())
        sources = [
            *health_score.sources(rest, workload),
            *health_model.sources(rest, workload),
            *fired_alerts.sources(rest, world.tally, workload),
        ]
        rounds = Rounds({workload.name: sources}, world.clock, world.tally)
        asking = Asking(rounds, world.ledger, world.clock, world.tally)
        yield Asker(azure, world, a_worker(world, asking))


def with_a_score() -> tuple[Any, ...]:
    """The stamps; weu has a query of its health score."""
    return tuple(
        a_stamp(name, resource_groups=groups, health_query=QUERY if name == "weu" else None)
        for name, groups in STAMP_GROUPS.items()
    )


async def test_a_red_score_arrives_as_a_fact_and_a_rule_pages() -> None:
    """A row of Log Analytics becomes the word of its own source, and wakes somebody within a tick."""
    async with an_asker(stamps=with_a_score()) as asker:
        await asker.ticks(2)
        assert (await asker.score(), asker.paged()) == (Health.GREEN, [])
        asker.healthy = False
        await asker.ticks(1)
        assert await asker.score() is Health.RED
        assert asker.paged() == ["shop/weu/root-node-red"]
        assert {each.path for each in asker.azure.asked} == {"/v1/workspaces/workspace-weu/query"}


async def test_an_empty_result_is_never_green_and_pages_only_after_its_time() -> None:
    """No row is no health: unknown at once, a page after five minutes, and nothing is drained for it."""
    async with an_asker(stamps=with_a_score()) as asker:
        asker.healthy = None
        for _ in range(9):
            await asker.ticks(0.5)
            assert (await asker.score(), asker.paged()) == (Health.UNKNOWN, [])
        await asker.ticks(1.5)
        assert asker.paged() == ["shop/weu/root-node-unknown"]
        assert asker.world.out() == set()


async def test_after_a_green_row_an_empty_result_is_unknown_again() -> None:
    """The reference takes no row for health; here a green does not outlive its row, nor a failure."""
    async with an_asker(stamps=with_a_score()) as asker:
        await asker.ticks(1)
        asker.healthy = None
        await asker.ticks(0.5)
        assert await asker.score() is Health.UNKNOWN
        asker.healthy = True
        await asker.ticks(0.5)
        assert await asker.score() is Health.GREEN
        asker.azure.fault = fails(503)
        await asker.ticks(0.5)
        assert await asker.score() is Health.UNKNOWN


async def test_a_red_score_is_not_taken_back_by_blindness() -> None:
    """Red, then nothing: it stays red until the source sees again."""
    async with an_asker(stamps=with_a_score()) as asker:
        asker.healthy = False
        await asker.ticks(1)
        asker.healthy = None
        await asker.ticks(2)
        assert await asker.score() is Health.RED
        asker.healthy = True
        await asker.ticks(0.5)
        assert await asker.score() is Health.GREEN


async def test_an_alert_that_never_arrived_is_recovered_and_counted_once() -> None:
    """The list of alerts tells what no webhook did: it pages, is counted, and is told once."""
    async with an_asker(fired_alerts=(SUBSCRIPTION,)) as asker:
        await asker.tick()
        asker.azure.alerts = [an_alert_in_the_list(rule=CANNOT_READ, fired_at=NOW - timedelta(minutes=1))]
        await asker.ticks(1.5)
        assert asker.count(RECOVERED) == 1
        assert asker.paged() == ["shop/weu/background-processor-cannot-read"]
        [heard] = [s for s in (await asker.world.record()).registers.values() if s.alert == CANNOT_READ]
        assert heard.subject == ("shop", "weu", "EventHub")
        writes, revision = asker.count("ledger.writes"), (await asker.world.record()).revision
        for _ in range(3):
            await asker.tick()
        assert (asker.count(RECOVERED), asker.count("ledger.writes")) == (1, writes)
        assert (await asker.world.record()).revision == revision
        asked = len(asker.azure.asked)
        await asker.ticks(3)
        assert len(asker.azure.asked) > asked
        assert (asker.count(RECOVERED), len(asker.paged())) == (1, 1)


async def test_an_alert_that_arrived_is_not_recovered() -> None:
    """Webhook and list tell the same fact under ids of different scopes: it is the same instance."""
    async with an_asker(fired_alerts=(SUBSCRIPTION,)) as asker:
        listed = an_alert_in_the_list(rule=CANNOT_READ, fired_at=NOW - timedelta(minutes=1))
        await asker.worker.consume([Message(as_webhook(listed, "Fired", NOW))])
        asker.azure.alerts = [listed]
        await asker.ticks(3)
        assert asker.azure.asked
        assert asker.count(RECOVERED) == 0
        assert asker.paged() == ["shop/weu/background-processor-cannot-read"]


async def test_what_is_not_configured_is_not_asked() -> None:
    """Without a query, a model or a subscription not one request is made, and the worker works."""
    async with an_asker() as asker:
        await asker.ticks(5)
        assert asker.azure.asked == []
        assert asker.paged() == []
        assert not [name for name in asker.world.tally.counts() if name.startswith("probe.")]


async def test_a_source_that_fails_does_not_stop_the_tick() -> None:
    """Azure answers 500 to everything: stamps are looked at all the same, and a red one is still seen."""
    async with an_asker(stamps=with_a_score(), fired_alerts=(SUBSCRIPTION,)) as asker:
        asker.azure.fault = fails(500)
        await asker.ticks(1)
        await asker.world.node("neu", "BackgroundProcessor", Health.RED)
        await asker.ticks(2)
        assert "shop/neu/background-processor-cannot-read" in asker.paged()
