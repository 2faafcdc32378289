"""How does a test put bodies before a whole worker, without a hub?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.eventhub.aio import EventHubProducerClient

from remediation.asking import Asking
from remediation.inbox import HubInbox
from remediation.intake.subject import Known
from remediation.views import unchanging
from remediation.worker import Parts, Worker
from tests.builders import NOW
from tests.test_desk import a_desk
from tests.world import World


@dataclass
class Message:
    """A message of a batch, as the Functions worker hands it over."""

    body: bytes
    metadata: Mapping[str, Any] | None = None
    enqueued_time: datetime | None = NOW

    def get_body(self) -> bytes:
        """See `HubEvent`."""
        return self.body


def a_worker(world: World, asking: Asking | None = None) -> Worker:
    """The worker of a world, whose bodies come by `consume` alone."""
    return Worker(
        Parts(
            views=unchanging(Known({world.workload.name: world.workload}), asking),
            engine=world.engine,
            inbox=HubInbox(_no_hub),
            ledger=world.ledger,
            clock=world.clock,
            tally=world.tally,
            desk=a_desk(world),
        )
    )


def _no_hub() -> EventHubProducerClient:
    raise NotImplementedError("a consumer puts nothing into the hub")
