"""What is a stamp's health score in Log Analytics?

The reference's HealthService asks the same question, and takes an answer
without rows for health. Here a score that is not there, too old or not to be
understood is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from remediation.probes.rest import Document, Rest, error_of, identity, line, moment
from remediation.probes.rounds import Asked, NotAnsweredError, Source
from rules.signals import Health, Signal, Subject
from rules.topology import ROOT_NODE, HealthQuery, Workload

SOURCE = "health-score"

LOGS_URL = "https://api.loganalytics.azure.com"

EVERY = timedelta(seconds=25)
"""At every tick, even one that comes early: the newest score is two to four minutes old by itself."""

LOOKED_BACK = timedelta(minutes=10)

_COMPONENTS_MOST = 100
_NODE_CHARACTERS = 128  # as in a workload file
_TIME, _HEALTHY, _COMPONENT = "timegenerated", "healthy", "componentname"
_HEALTHS = {
    **dict.fromkeys((True, 1, "true", "1"), Health.GREEN),
    **dict.fromkeys((False, 0, "false", "0"), Health.RED),
}


@dataclass(frozen=True, slots=True)
class Score:
    """The newest row about one node."""

    at: datetime
    health: Health
    reason: str = ""


class HealthScore:
    """The health score of one stamp. A `Source`."""

    name = SOURCE
    every = EVERY

    def __init__(self, rest: Rest, workload: Workload, stamp: str, query: HealthQuery) -> None:
        self._rest = rest
        self._workload = workload
        self._stamp = stamp
        self._query = query
        self._nodes: set[str] = set()

    @property
    def about(self) -> str:
        """The workload and the stamp."""
        return f"{self._workload.name}/{self._stamp}"

    async def ask(self, now: datetime) -> Asked:
        """The newest score of the stamp, or of each component that the query tells of.

        Raises:
            NotAnsweredError: the query gave no result, or a part of one.
        """
        document = await self._rest.post(
            f"/v1/workspaces/{self._query.workspace}/query",
            {"query": self._query.query, "timespan": f"PT{LOOKED_BACK // timedelta(minutes=1)}M"},
            # Or Log Analytics would go on computing an answer that nobody waits for.
            {"Prefer": f"wait={max(round(self._rest.timeout_seconds), 1)}"},
        )
        scores = read_scores(document, self._workload.root_node)
        if not scores:
            return Asked(self.blind(f"the query gave no row for the last {_minutes(LOOKED_BACK)} min", now))
        # Of what is gone it is said once that it is unknown; after that nobody speaks of it.
        spoken_of, self._nodes = self._nodes | set(scores), set(scores)
        return Asked(tuple(self._signal(node, scores.get(node), now) for node in sorted(spoken_of)))

    def blind(self, reason: str, now: datetime) -> tuple[Signal, ...]:
        """The root is unknown, or all components that the query has told of."""
        nodes = sorted(self._nodes) or [self._workload.root_node]
        return tuple(self._said(node, now, Health.UNKNOWN, reason) for node in nodes)

    def _signal(self, node: str, score: Score | None, now: datetime) -> Signal:
        if score is None:
            return self._said(node, now, Health.UNKNOWN, "the query gave no row for it any more")
        if now - score.at > LOOKED_BACK:
            reason = f"its newest row is too old, of {score.at:%Y-%m-%d %H:%M:%S}"
            return self._said(node, now, Health.UNKNOWN, reason)
        if score.health is Health.UNKNOWN:
            return self._said(node, now, Health.UNKNOWN, score.reason)
        return self._said(node, score.at, score.health, score.reason)

    def _said(self, node: str, at: datetime, health: Health, reason: str) -> Signal:
        subject = Subject(self._workload.name, self._stamp, node)
        return Signal(
            id=identity(SOURCE, self._workload.name, self._stamp, node, at.isoformat(), health),
            subject=subject,
            source=SOURCE,
            observed_at=at,
            health=health,
            reasons=(reason,) if reason else (),
        )


def sources(rest: Rest, workload: Workload) -> list[Source]:
    """One for each stamp that has a query; none where nothing is configured."""
    return [
        HealthScore(rest, workload, stamp.name, stamp.health_query)
        for stamp in workload.stamps
        if stamp.health_query is not None
    ]


def read_scores(document: Document, root_node: str) -> dict[str, Score]:
    """The newest row of each node; without a column `ComponentName`, all rows are about the root.

    Columns are found by their names, in any case. Of two rows of the same moment the unhealthy one counts.

    Raises:
        NotAnsweredError: the result is not whole, or is none.
    """
    if document.get("error") is not None:
        raise NotAnsweredError(f"a part of the result is missing: {error_of(document) or 'no reason given'}")
    columns, rows = _table(document)
    places = {name: place for place, name in reversed(list(enumerate(columns)))}
    for needed, shown in ((_TIME, "TimeGenerated"), (_HEALTHY, "Healthy")):
        if needed not in places:
            raise NotAnsweredError(f"the result has no column {shown}")
    scores: dict[str, Score] = {}
    for row in rows:
        if not isinstance(row, list) or len(row) != len(columns):
            raise NotAnsweredError("a row does not fit its columns")
        node = _node(row[places[_COMPONENT]], root_node) if _COMPONENT in places else root_node
        score = _score(row[places[_TIME]], row[places[_HEALTHY]])
        if node and (node in scores or len(scores) < _COMPONENTS_MOST):
            scores[node] = max(scores.get(node, score), score, key=_weight)
    return scores


def _table(document: Document) -> tuple[list[str], list[Any]]:
    tables = document.get("tables")
    first = tables[0] if isinstance(tables, list) and tables else None
    if not isinstance(first, Mapping):
        raise NotAnsweredError("the answer holds no table")
    columns, rows = first.get("columns"), first.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise NotAnsweredError("the table has no columns or no rows")
    return [str(each.get("name")).lower() if isinstance(each, dict) else "" for each in columns], rows


def _score(time: object, healthy: object) -> Score:
    at = moment(time)
    if at is None:
        # It may be the newest, so it must not be passed over for an older one that is well.
        return Score(datetime.max.replace(tzinfo=UTC), Health.UNKNOWN, "a row has no time that can be read")
    word = healthy.strip().lower() if isinstance(healthy, str) else healthy
    known = _HEALTHS.get(word) if isinstance(word, (str, int, float)) else None
    if known is None:
        return Score(at, Health.UNKNOWN, "its column Healthy is neither true nor false")
    return Score(at, known)


def _weight(score: Score) -> tuple[datetime, int]:
    """Newer counts more; at the same moment red, then unknown."""
    return score.at, (Health.GREEN, Health.UNKNOWN, Health.RED).index(score.health)


def _node(name: object, root_node: str) -> str:
    """The node that a component is. The reference calls the root `Stamp`, a workload perhaps otherwise."""
    if not isinstance(name, str):
        return ""
    shown = line(name)[:_NODE_CHARACTERS].strip()
    return root_node if shown == ROOT_NODE else shown


def _minutes(duration: timedelta) -> str:
    return f"{duration / timedelta(minutes=1):g}"
