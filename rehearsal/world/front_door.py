"""Where do users go? Front Door probes the origins, and sends requests to the healthy ones.

Rules (AZURE-FACTS §1.5): a probe each 30 s, of which the last four count; an origin is healthy while
two of them were good, so that three of four failing take it out and two good ones bring it back; only
200 is good. If no enabled origin is healthy, requests go to all enabled ones: it fails open.
The control plane is another thing: a change of an origin is accepted, and reaches the edge minutes
later; an origin has no ETag.
"""

from collections import deque
from dataclasses import dataclass, field

PROBE_EVERY_SECONDS = 30.0
SAMPLES = 4
GOOD_ONES_NEEDED = 2
ROLLOUT_SECONDS = 180.0


@dataclass(slots=True)
class Origin:
    """A stamp, as Front Door has it.

    Attributes:
        samples: whether the last probes were good.
        enabled: what the control plane shows.
        at_the_edge: what the edge acts upon.
        settled: whether the last change has been rolled out.
        changed: counts the changes; stands for all that its `tag` is made of.
    """

    samples: deque[bool] = field(default_factory=lambda: deque([True] * SAMPLES, maxlen=SAMPLES))
    enabled: bool = True
    at_the_edge: bool = True
    settled: bool = True
    changed: int = 0

    @property
    def healthy(self) -> bool:
        """Enough of its last probes were good."""
        return sum(self.samples) >= GOOD_ONES_NEEDED

    @property
    def tag(self) -> str:
        """The same for the same state."""
        return f"origin-{self.changed}-{self.enabled}"


def receiving(origins: dict[str, Origin]) -> tuple[str, ...]:
    """The stamps to which users are sent now."""
    enabled = [name for name, origin in origins.items() if origin.at_the_edge]
    return tuple(name for name in enabled if origins[name].healthy) or tuple(enabled)
