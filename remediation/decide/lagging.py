"""What does the lag of a stamp's queue say about its BackgroundProcessor, as a signal?

This closes the hole of the reference architecture: nobody else looks at whether
the processor reads, and no alert is needed.
"""

from datetime import datetime

from remediation.decide.lag import judge
from remediation.decide.looks import LiveLook
from rules.queue import QueueState
from rules.signals import Signal, Subject
from rules.topology import Workload

CONSUMER_LAG = "consumer-lag"
"""The source of what we saw at hubs and checkpoints."""


def signal_of_queue(state: QueueState, live: LiveLook | None, workload: Workload, now: datetime) -> Signal:
    """What the state of a queue says about the processor, with its numbers."""
    look = live.stamps.get(state.stamp) if live else None
    # While the database fails the processor waits for it by itself: that is no fault of its reading.
    database_red = look is not None and look.health.checks.get(workload.database_check) is False
    verdict = judge(state, now, workload.policy, database_red=database_red)
    return Signal(
        id=f"{CONSUMER_LAG}/{workload.name}/{state.stamp}/{state.looked_at.isoformat()}",
        subject=Subject(workload.name, state.stamp, workload.processor_node),
        source=CONSUMER_LAG,
        observed_at=state.looked_at,
        health=verdict.health,
        reasons=(f"{verdict.kind}: {verdict.reason}",),
    )
