"""Does this condition hold here and now, and why or why not?

The closed vocabulary of rule files. No expression language: every condition can
be tested, indexed by what would have to be true, and explained in a sentence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from rules.health import Facts
from rules.patterns import is_pattern, matches
from rules.signals import Health, Severity, Signal, worst


@dataclass(frozen=True, slots=True)
class NodeIs:
    """`node: X, state: red`: the node is in one of these states.

    With a `source`, by the words of that source alone. Case does not matter; `*` matches any run.
    """

    node: str
    states: frozenset[Health]
    source: str | None = None


@dataclass(frozen=True, slots=True)
class AlertFires:
    """`alert: NAME`: an instance of that alert rule fires. Case does not matter; `*` matches any run.

    Attributes:
        alert: the name, or a pattern of it.
        severities: only alerts of these severities; empty means any.
        within: only while the alert is no older than that; for what is said once and never resolved.
    """

    alert: str
    severities: frozenset[Severity] = frozenset()
    within: timedelta | None = None

    @property
    def is_pattern(self) -> bool:
        """Whether it names a family of alert rules and not one."""
        return is_pattern(self.alert)


@dataclass(frozen=True, slots=True)
class AllOf:
    """`all:` every part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`any:` at least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`not:` the part does not hold."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class HeldFor:
    """`for:` the part has held without a break, seen at every reconcile, for this long."""

    part: "Condition"
    duration: timedelta


Condition = NodeIs | AlertFires | AllOf | AnyOf | Not | HeldFor


class Answer(StrEnum):
    """What a condition comes to."""

    HOLDS = "holds"
    PENDING = "pending"  # it holds, but not yet for long enough
    NO = "no"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, the reason in words, and the signals it rests on."""

    answer: Answer
    reason: str
    evidence: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """Where and when a condition is asked.

    Attributes:
        facts: what stands.
        stamp: the stamp asked about; None asks about the workload as a whole.
        now: the moment.
        since: since when each `for` of this rule and stamp has been seen to hold, by its path.
        seen: filled while judging: the same, for the next time.
    """

    facts: Facts
    stamp: str | None
    now: datetime
    since: Mapping[str, datetime]
    seen: dict[str, datetime]


def judge(condition: Condition, moment: Moment, path: str = "") -> Verdict:
    """The verdict on a condition. Every part is judged, so that no `for` loses its beginning."""
    match condition:
        case NodeIs():
            return _node_is(condition, moment)
        case AlertFires():
            return _alert_fires(condition, moment)
        case AllOf(parts):
            return _all([judge(part, moment, f"{path}.{i}") for i, part in enumerate(parts)])
        case AnyOf(parts):
            return _any([judge(part, moment, f"{path}.{i}") for i, part in enumerate(parts)])
        case Not(part):
            return _not(judge(part, moment, f"{path}.not"))
        case HeldFor():
            return _held_for(condition, moment, path)
        case _:  # pragma: no cover
            assert_never(condition)


def _node_is(condition: NodeIs, moment: Moment) -> Verdict:
    view = moment.facts.node(moment.stamp, condition.node)
    reason = f"{condition.node} is {view.health}"
    if condition.source is not None:
        view = view.by(condition.source)
        reason = f"{condition.node} is {view.health} by {condition.source}"
    if view.health in condition.states:
        said = "; ".join(_words(signal) for signal in view.evidence) or "nobody has spoken of it lately"
        return Verdict(Answer.HOLDS, f"{reason} ({said})", view.evidence)
    return Verdict(Answer.NO, f"{reason}, not {_either(condition.states)}")


def _words(signal: Signal) -> str:
    said = f"{signal.source} at {signal.observed_at:%H:%M:%S}"
    return f"{said}: {signal.reasons[0]}" if signal.reasons else said


def _either(states: frozenset[Health]) -> str:
    return " or ".join(state for state in Health if state in states)


def _alert_fires(condition: AlertFires, moment: Moment) -> Verdict:
    firing = [
        signal
        for signal in _alerts(condition, moment)
        if (not condition.severities or signal.severity in condition.severities)
        and (condition.within is None or moment.now - signal.observed_at <= condition.within)
    ]
    if not firing:
        return Verdict(Answer.NO, f"alert {condition.alert} is not firing")
    since = min(signal.observed_at for signal in firing)
    names = ", ".join(sorted({signal.alert or "" for signal in firing}))
    return Verdict(Answer.HOLDS, f"alert {names} fired at {since:%H:%M:%S}", tuple(firing))


def _alerts(condition: AlertFires, moment: Moment) -> tuple[Signal, ...]:
    if not condition.is_pattern:
        return moment.facts.alerts.get((moment.stamp, condition.alert.lower()), ())
    # Chosen first and sorted then: a storm has many alerts, and hardly one is of this family.
    chosen = [
        (name, signals)
        for (stamp, name), signals in moment.facts.alerts.items()
        if stamp == moment.stamp and matches(name, condition.alert)
    ]
    return tuple(signal for _, signals in sorted(chosen) for signal in signals)


def _all(verdicts: list[Verdict]) -> Verdict:
    for answer in (Answer.NO, Answer.PENDING):
        wanting = [verdict for verdict in verdicts if verdict.answer is answer]
        if wanting:
            return Verdict(answer, _join(wanting))
    return Verdict(Answer.HOLDS, _join(verdicts), _evidence(verdicts))


def _any(verdicts: list[Verdict]) -> Verdict:
    for answer in (Answer.HOLDS, Answer.PENDING):
        found = [verdict for verdict in verdicts if verdict.answer is answer]
        if found:
            return Verdict(answer, _join(found), _evidence(found))
    return Verdict(Answer.NO, _join(verdicts))


def _not(verdict: Verdict) -> Verdict:
    """What has not held for long enough does not hold yet, so its negation does."""
    if verdict.answer is Answer.HOLDS:
        return Verdict(Answer.NO, f"it does hold that {verdict.reason}")
    return Verdict(Answer.HOLDS, verdict.reason)


def _held_for(condition: HeldFor, moment: Moment, path: str) -> Verdict:
    verdict = judge(condition.part, moment, f"{path}.for")
    if verdict.answer is not Answer.HOLDS:
        return verdict
    since = min(moment.since.get(path, moment.now), moment.now)
    moment.seen[path] = since
    held = moment.now - since
    if held >= condition.duration:
        return verdict
    waiting = f"{verdict.reason}, for {words(held)} of {words(condition.duration)}"
    return Verdict(Answer.PENDING, waiting, verdict.evidence)


def _join(verdicts: list[Verdict]) -> str:
    return "; ".join(verdict.reason for verdict in verdicts)


def _evidence(verdicts: list[Verdict]) -> tuple[Signal, ...]:
    return tuple({signal.id: signal for verdict in verdicts for signal in verdict.evidence}.values())


def words(duration: timedelta) -> str:
    """A duration as people write it: `45s`, `3m`, `1h 30m`, `2d 4h`."""
    seconds = max(0, int(duration.total_seconds()))
    parts = [
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "m"),
        (seconds % 60, "s"),
    ]
    return " ".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


FactKey = tuple[str, str, str]
"""What a fact is found by: `("node", name, state)` or `("alert", lower-case name, "")`."""

ANY_ALERT: FactKey = ("alert", "*", "")


def anchors(condition: Condition) -> frozenset[FactKey] | None:
    """The facts of which at least one must be there for the condition to hold.

    None: it can hold without any fact (a negation; an unknown node), and has to
    be judged every time.
    """
    match condition:
        case NodeIs():
            return _anchors_of_node(condition)
        case AlertFires(alert):
            return frozenset({ANY_ALERT if condition.is_pattern else ("alert", alert.lower(), "")})
        case AllOf(parts):
            # Any part will do, since all must hold: the narrowest is looked up fastest.
            return _narrowest([found for part in parts if (found := anchors(part)) is not None])
        case AnyOf(parts):
            return _union([anchors(part) for part in parts])
        case Not():
            return None
        case HeldFor(part):
            return anchors(part)
        case _:  # pragma: no cover
            assert_never(condition)


def _anchors_of_node(condition: NodeIs) -> frozenset[FactKey] | None:
    if Health.UNKNOWN in condition.states:
        return None
    # A node is found by the worst that is said of it. One source's yellow may stand behind another's red.
    found = {
        health
        for health in Health
        for state in condition.states
        if health is state or (condition.source is not None and worst([state, health]) is health)
    }
    return frozenset(("node", condition.node, health) for health in found)


def watched(condition: Condition) -> frozenset[FactKey] | None:
    """The facts of which at least one must be there for the condition to be worth judging.

    More than its anchors: a `for` inside it counts from when its own part holds,
    whether or not the rest of the condition does yet.
    """
    found = [anchors(condition)]

    def note(part: Condition) -> None:
        if isinstance(part, HeldFor):
            found.append(anchors(part))

    walk(condition, note)
    return _union(found)


def _narrowest(found: list[frozenset[FactKey]]) -> frozenset[FactKey] | None:
    return min(found, key=len, default=None)


def _union(found: list[frozenset[FactKey] | None]) -> frozenset[FactKey] | None:
    keys = [keys for keys in found if keys is not None]
    return frozenset().union(*keys) if len(keys) == len(found) else None


def walk(condition: Condition, visit: Callable[[Condition], None]) -> None:
    """Visit a condition and all of its parts."""
    visit(condition)
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                walk(part, visit)
        case Not(part) | HeldFor(part):
            walk(part, visit)
        case _:
            return
