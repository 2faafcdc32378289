"""How fast does the workload live: as in Azure, or so that a person can watch it?

The numbers of Azure's mission-critical reference implementation, of Front Door
and of Azure Monitor stand here once, and beside them those of the demo, where a
minute of Azure passes in about three seconds.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """The periods of a workload and of what watches it.

    Attributes:
        health_cache: how long a HealthService answers with one report.
        health_timeout: for all checks of one report together.
        checkpoint_every: how often a BackgroundProcessor says how far it has read.
        probe_every: how often Front Door probes each origin.
        probe_timeout: for one probe.
        metric_window: over which Azure Monitor adds up a metric: `PT1M`.
        evaluate_every: how often alert rules and the health model are evaluated.
        snapshot_every: how often the health model repeats what has not changed.
        rollout: how long a change of an origin takes to reach the edge: minutes in Azure, to 45.
        flap_every: how long each half of a flapping fault lasts.
    """

    health_cache: timedelta = timedelta(seconds=10)
    health_timeout: timedelta = timedelta(seconds=20)
    checkpoint_every: timedelta = timedelta(seconds=10)
    probe_every: timedelta = timedelta(seconds=30)
    probe_timeout: timedelta = timedelta(seconds=5)
    metric_window: timedelta = timedelta(minutes=1)
    evaluate_every: timedelta = timedelta(minutes=1)
    snapshot_every: timedelta = timedelta(minutes=2)
    rollout: timedelta = timedelta(minutes=5)
    flap_every: timedelta = timedelta(seconds=70)


REAL = Pace()

COMPRESSED = Pace(
    health_cache=timedelta(seconds=1),
    health_timeout=timedelta(seconds=3),
    checkpoint_every=timedelta(seconds=1),
    probe_every=timedelta(seconds=0.5),
    probe_timeout=timedelta(seconds=1),
    metric_window=timedelta(seconds=3),
    evaluate_every=timedelta(seconds=0.5),
    snapshot_every=timedelta(seconds=5),
    rollout=timedelta(seconds=2),
    flap_every=timedelta(seconds=4),
)
