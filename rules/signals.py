"""What was said about the workload, by whom, and when?

A signal is one normalised fact from outside. Everything downstream, from the
fold to the page, speaks of signals and never of the body that carried them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Health(StrEnum):
    """The state of a node. Unknown is a state of its own: neither green nor red."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    UNKNOWN = "unknown"


# Unknown outranks yellow: what cannot be seen deserves less trust than what is seen to be slow.
_WORSE = {Health.GREEN: 0, Health.YELLOW: 1, Health.UNKNOWN: 2, Health.RED: 3}


def worst(healths: list[Health]) -> Health:
    """The worst of some healths; of none at all, `unknown`: missing data is never green."""
    return max(healths, key=_WORSE.__getitem__, default=Health.UNKNOWN)


class AlertState(StrEnum):
    """Azure Monitor's `monitorCondition`: an alert instance fires, and later resolves."""

    FIRED = "fired"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How loudly people are told, in PagerDuty's four words."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Subject(NamedTuple):
    """What a fact is about. No stamp: the whole workload. No node: the stamp or workload as such."""

    workload: str
    stamp: str | None = None
    node: str | None = None

    def __str__(self) -> str:
        """As people read it: `shop/weu/BackgroundProcessor`, `shop/global/CosmosDB`."""
        return "/".join([self.workload, self.stamp or "global", *([self.node] if self.node else [])])


DOUBT = "unknown"
"""The instance of a register that holds a source's word that it does not know."""


class RegisterKey(NamedTuple):
    """Where the latest signal of one source about one subject is kept.

    `instance` tells alert instances of one alert rule apart. It is empty for health, but for
    the word `unknown`: that is kept beside what the source last knew, for it takes nothing back.
    """

    stamp: str | None
    node: str | None
    source: str
    instance: str = ""

    @property
    def knowing(self) -> "RegisterKey":
        """Where the last word of that source is kept which said how its subject is."""
        return self._replace(instance="") if self.instance == DOUBT else self

    @property
    def doubt(self) -> "RegisterKey":
        """Where it is kept that a source of health has said since that it does not know."""
        return self._replace(instance=DOUBT)


@dataclass(frozen=True, slots=True)
class Signal:
    """One normalised fact: exactly one of `health` and `condition` is given.

    Attributes:
        id: identity of the fact; the same fact, however often delivered, has the same id.
        subject: what it is about.
        source: who says so, e.g. `/health-models/shop`, `healthservice`, `alert:<rule name>`.
        observed_at: when it was so, aware UTC, as the source gave it.
        order: the source's own sequence number, which tells apart facts of the same moment.
        health: for a health change or snapshot.
        condition: for an alert.
        alert: the name of the alert rule, for an alert.
        instance: which instance of the alert rule.
        severity: as the source gave it, if it did.
        reasons: in the source's words, for people. Untrusted text.
        may_act: False for what must never cause an action (tests, things people did on purpose).
        why: why it may not act.
        placed_by: how the subject was found, where the body does not name it. Says nothing about the fact.
    """

    id: str
    subject: Subject
    source: str
    observed_at: datetime
    order: int = 0
    health: Health | None = None
    condition: AlertState | None = None
    alert: str | None = None
    instance: str = ""
    severity: Severity | None = None
    reasons: tuple[str, ...] = ()
    may_act: bool = True
    why: str = ""
    placed_by: str = field(default="", compare=False)

    @property
    def key(self) -> RegisterKey:
        """The register this signal belongs to."""
        instance = DOUBT if self.health is Health.UNKNOWN else self.instance
        return RegisterKey(self.subject.stamp, self.subject.node, self.source, instance)

    @property
    def newness(self) -> tuple[datetime, int, int, str]:
        """A total order over the signals of one register.

        Time and the source's order decide. Where both are equal, the worse
        statement wins and then the larger id, so that the outcome never
        depends on which arrived first.
        """
        rank = _WORSE[self.health] if self.health else int(self.condition is AlertState.FIRED)
        return (self.observed_at, self.order, rank, self.id)

    @property
    def says(self) -> str:
        """What it says, in one word, such as `red` or `fired`."""
        return str(self.health or self.condition)
