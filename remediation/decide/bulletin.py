"""What does a page or a card say about an incident, below the line that is read first?"""

from dataclasses import dataclass

from remediation.decide.differs import table_of_differences
from remediation.decide.draft import Draft
from remediation.decide.muting import way_between
from remediation.decide.tree import HealthModel, Way
from remediation.decide.wanted import Wanted, incident_key
from remediation.decide.wording import news_of, what_the_worker_does
from remediation.ledger.told import Channel, MessageKind
from rules.reach import Scope
from rules.scope import Situation

WAYS_MOST = 5
BESIDES_MOST = 3

MESSAGES_WITH_TABLE = 40
"""In a storm the table is the same in every message, and the record must hold them all."""


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What people are told with this decision.

    Attributes:
        draft: into whose outbox it goes.
        situation: what stands.
        model: the stamps' health models.
        lowers: the incidents that are told by another one, by its key.
    """

    draft: Draft
    situation: Situation
    model: HealthModel
    lowers: dict[str, list[Wanted]]

    def tell(self, want: Wanted, *, page: bool, lead: str = "", tail: str = "") -> None:
        """Tell the team of an incident as it is now, and wake someone if `page`."""
        title = f"{lead}{news_of(want.incident)}{tail}"
        facts = tuple((label, text) for label, text in self._facts(want) if text)
        if page:
            self.draft.tell(want.incident, Channel.PAGE, MessageKind.TRIGGER, title, facts)
        self.draft.tell(want.incident, Channel.NOTIFY, MessageKind.TRIGGER, title, facts)

    def _facts(self, want: Wanted) -> list[tuple[str, str]]:
        incident = want.incident
        return [
            ("Finding", want.finding),
            ("Scope", f"{incident.scope}: {incident.reason}"),
            ("Path", "\n".join(self._ways(want)[:WAYS_MOST])),
            ("Besides", "\n".join(self._besides(want)[:BESIDES_MOST])),
            ("Differs by", self._differences(want)),
            ("Worker", what_the_worker_does(self.draft, incident)),
            ("Runbook", want.runbook or ""),
        ]

    def _besides(self, want: Wanted) -> list[str]:
        """What else stands at its stamp: where Azure has an incident there, the rest is easier to believe."""
        stamp = want.incident.stamp
        if stamp is None:
            return []
        told = {want.key, *(lower.key for lower in self.lowers.get(want.key, ()))}
        others = {
            found.rule: rule.summary
            for found in self.situation.findings
            if found.stamp == stamp
            and (key := incident_key(self.situation.workload.name, stamp, found.family)) not in told
            and not ((incident := self.draft.incidents.get(key)) and incident.silenced)
            and (rule := self.situation.rules.get(found.rule)) is not None
        }
        return [others[rule] for rule in sorted(others)]

    def _differences(self, want: Wanted) -> str:
        alone = want.incident.scope in (Scope.STAMP, Scope.NONE)
        if alone or len(self.draft.outbox) >= MESSAGES_WITH_TABLE:
            return ""
        return table_of_differences(self.draft, self.situation)

    def _ways(self, want: Wanted) -> list[str]:
        """From this incident's red nodes down to those of what it explains, and to the deepest red ones."""
        said = {
            (stamp, node): f"{_drawn(way)} ({self.model.health(stamp, node)} since {lower.since:%H:%M:%S})"
            for lower in self.lowers.get(want.key, ())
            for stamp, node in lower.nodes
            if (way := way_between(want, stamp, node, self.model))
        }
        for stamp, top in want.nodes:
            for way in self.model.ways_to_leaves(stamp, top) if self.model.is_red(stamp, top) else ():
                said.setdefault((stamp, way[-1]), f"{_drawn(way)} (red)")
        if want.incident.stamp is not None:
            return list(said.values())
        return [f"{stamp}: {way}" for (stamp, _), way in said.items()]


def _drawn(way: Way) -> str:
    return " -> ".join(way)
