"""What does a stamp's HealthService answer? What its last round of checks saw, which may be long ago.

Rules (AZURE-FACTS §1.1): one loop, a round of checks and then a pause of ten seconds; a request is
answered from the last report, whose age nobody looks at; 200 if every check is healthy, else 503.
The checks: BlobStorage (the state file is there), Database, MessageProducer, and AzMonitorHealthScore
(the health model does not say red; a query that throws is unhealthy, one without rows is healthy).
A check that cannot end holds up its whole round, and the old report stays: `What.REPORT` is that.
"""

from dataclasses import dataclass, field

PAUSE_SECONDS = 10.0
ROUND_SECONDS = 0.5

BLOB_STORAGE = "BlobStorage"
DATABASE = "Database"
MESSAGE_PRODUCER = "MessageProducer"
HEALTH_SCORE = "AzMonitorHealthScore"


@dataclass(slots=True)
class Report:
    """What one round of checks saw.

    Attributes:
        at: seconds since the beginning when it ended; None before the first.
        checks: component and whether it was healthy.
    """

    at: float | None = None
    checks: dict[str, bool] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 200 if self.at is not None and all(self.checks.values()) else 503
