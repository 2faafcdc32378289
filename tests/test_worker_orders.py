"""What does a person who gives an order over HTTP get for an answer?"""

import json
from dataclasses import dataclass
from typing import Any

from azure.eventhub.aio import EventHubProducerClient

from remediation.inbox import HubInbox
from remediation.intake.subject import Known
from remediation.ledger.memory import MemoryLedger
from remediation.misconfigured import Misconfigured
from remediation.ports import LedgerUnavailableError, Stored
from remediation.views import unchanging
from remediation.worker import Parts, Worker
from rules.policy import Mode
from rules.signals import Health
from tests.builders import STAMPS, a_workload
from tests.test_desk import a_desk
from tests.world import World

DRAIN = {"order": "drain", "workload": "shop", "author": "ada", "reason": "it smells", "stamp": "weu"}


class LostLedger(MemoryLedger):
    """A ledger that can be out of reach."""

    gone = False

    async def load(self, workload: str) -> Stored:
        """See `Ledger`."""
        if self.gone:
            raise LedgerUnavailableError("no answer in 8 s")
        return await super().load(workload)


@dataclass
class Counter:
    """A worker that people give orders to."""

    world: World
    worker: Worker
    ledger: LostLedger

    async def order(self, **said: Any) -> tuple[int, dict[str, Any]]:
        """Give one; the status and the content of the answer."""
        reply = await self.worker.order(json.dumps(said).encode())
        return reply.status, json.loads(reply.json())


def _no_hub() -> EventHubProducerClient:
    raise NotImplementedError("orders do not go through the hub")


async def a_counter(mode: Mode = Mode.AUTO) -> Counter:
    """Every stamp is well and has been looked at."""
    ledger = LostLedger()
    world = World(a_workload(mode=mode), ledger=ledger)
    for stamp in STAMPS:
        await world.node(stamp, "Stamp", Health.GREEN)
    await world.run(1)
    known = Known({"shop": world.workload})
    parts = Parts(
        unchanging(known),
        world.engine,
        HubInbox(_no_hub),
        ledger,
        world.clock,
        world.tally,
        desk=a_desk(world),
    )
    return Counter(world, Worker(parts), ledger)


async def test_an_order_that_is_followed_is_answered_with_its_decision() -> None:
    """200 and the journal's id; the next tick carries it out."""
    counter = await a_counter()
    status, content = await counter.order(**DRAIN)
    assert (status, content["follows"]) == (200, True)
    assert content["decision"] == (await counter.ledger.journal("shop"))[-1].id
    await counter.world.run(0.5)
    assert counter.world.out() == {"weu"}


async def test_an_order_that_is_held_is_answered_with_the_holds() -> None:
    """409, each guardrail with its numbers, and nothing was written."""
    counter = await a_counter()
    counter.world.truth["neu"].reachable = counter.world.truth["eus"].reachable = False
    before = await counter.world.record()
    status, content = await counter.order(**DRAIN)
    assert (status, content["decision"]) == (409, None)
    assert content["holds"] == [
        {
            "guardrail": "keeps_enough_serving",
            "reason": "only no other stamp would serve, and 1 must",
        }
    ]
    assert await counter.world.record() == before


async def test_an_order_that_cannot_be_is_answered_with_the_reason() -> None:
    """409: there is nothing to release."""
    counter = await a_counter()
    said = {"order": "release", "workload": "shop", "author": "ada"}
    status, content = await counter.order(**said)
    assert (status, content["refused"]) == (409, "nothing is held")


async def test_p18_an_order_in_approve_mode_is_answered_with_the_request() -> None:
    """200: it is written, and waits for somebody else."""
    counter = await a_counter(Mode.APPROVE)
    status, content = await counter.order(**DRAIN)
    [request] = (await counter.world.record()).approvals
    assert (status, content["approval"]) == (200, request.id)
    approve = {"order": "approve", "workload": "shop", "approval": request.id}
    assert (await counter.order(**approve, author="ada"))[0] == 409
    assert (await counter.order(**approve, author="grace"))[0] == 200


async def test_a_wrong_order_is_answered_with_a_sentence() -> None:
    """400 for what cannot be read, and for what makes no sense."""
    counter = await a_counter()
    reply = await counter.worker.order(b"{")
    assert (reply.status, reply.content["error"]) == (400, "wrong_order")
    status, content = await counter.order(**DRAIN | {"stamp": "wue"})
    assert (status, content["reason"]) == (400, "shop has no stamp 'wue'; it has weu, neu, eus")
    status, content = await counter.order(**DRAIN | {"author": "  "})
    assert (status, content["reason"]) == (400, "author: a few words were expected")


async def test_a_silence_is_bounded_and_warns_over_http_too() -> None:
    """400 beyond a week; a family that there is none of is said beside the answer."""
    counter = await a_counter()
    said = {"order": "silence", "workload": "shop", "author": "ada", "reason": "x"}
    status, content = await counter.order(**said, **{"for": "8d"})
    assert (status, content["reason"]) == (400, "until: at most 7 days from now were expected")
    status, content = await counter.order(**said, **{"for": "7d"}, family="rot-red")
    assert (status, len(content["warnings"])) == (200, 1)


async def test_p9_without_a_ledger_no_order_is_followed() -> None:
    """503: try again, or lay a marker into the store."""
    counter = await a_counter()
    counter.ledger.gone = True
    assert (await counter.order(**DRAIN))[0] == 503


async def test_a_misconfigured_worker_follows_no_order() -> None:
    """503, like every other body."""
    assert (await Misconfigured("bad.yaml").order(b"{}")).status == 503
