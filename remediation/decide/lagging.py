"""What does the lag of a stamp's queue say about its BackgroundProcessor, as a signal?

This closes the hole of the reference architecture: nobody else looks at whether
the processor reads, and no alert is needed.
"""

from datetime import datetime

from remediation.decide.lag import judge
from remediation.decide.looks import LiveLook
from rules.health import Facts
from rules.queue import QueueState
from rules.signals import Health, Signal, Subject
from rules.topology import Workload

CONSUMER_LAG = "consumer-lag"
"""The source of what we saw at hubs and checkpoints."""

LAG_PROBE = "LagProbe"
"""The node of what we see a stamp's queue by: red, and a processor that does not read goes unseen."""

SHARED_DATABASE = "CosmosDB"
"""The database as the reference's health model calls it, the one of all stamps."""


def database_nodes(workload: Workload) -> frozenset[str]:
    """The nodes that tell of the database: of a stamp, or of all of them."""
    return frozenset({workload.database_check, SHARED_DATABASE})


def signal_of_queue(
    state: QueueState, live: LiveLook | None, standing: Facts, workload: Workload, now: datetime
) -> Signal:
    """What the state of a queue says about the processor, with its numbers.

    While the database fails the processor waits for it by itself, whoever says so: its stamp's own
    HealthService, or the health model. That is no fault of its reading.
    """
    look = live.stamps.get(state.stamp) if live else None
    fails = look is not None and look.health.checks.get(workload.database_check) is False
    red = (
        standing.node(stamp, node).health is Health.RED
        for stamp in (state.stamp, None)
        for node in database_nodes(workload)
    )
    verdict = judge(state, now, workload.policy, database_red=fails or any(red))
    return Signal(
        id=f"{CONSUMER_LAG}/{workload.name}/{state.stamp}/{state.looked_at.isoformat()}",
        subject=Subject(workload.name, state.stamp, workload.processor_node),
        source=CONSUMER_LAG,
        observed_at=state.looked_at,
        health=verdict.health,
        reasons=(f"{verdict.kind}: {verdict.reason}",),
    )


def signal_of_sight(state: QueueState, workload: Workload) -> Signal:
    """Whether the queue could be looked at. Words without ages: they are repeated while it lasts."""
    return Signal(
        id=f"{LAG_PROBE}/{workload.name}/{state.stamp}/{state.looked_at.isoformat()}",
        subject=Subject(workload.name, state.stamp, LAG_PROBE),
        source=CONSUMER_LAG,
        observed_at=state.looked_at,
        health=Health.RED if state.blind else Health.GREEN,
        reasons=(f"cannot look: {state.blind}",) if state.blind else (),
    )
