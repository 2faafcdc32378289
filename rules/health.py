"""What is known about every node, given all that was ever said, in whatever order?

`fold` is a join: commutative, associative and idempotent. It keeps one register
for each subject *and source*, so that a source can only overwrite its own words.
(The reference health model reports BackgroundProcessor green while it reads
nothing: that must not overwrite another source's red.)
"""

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from rules.policy import Policy
from rules.signals import AlertState, Health, RegisterKey, Signal, worst

Registers = Mapping[RegisterKey, Signal]

REGISTERS_MOST = 2_500
REGISTERS_WITH_TEXTS = 250
TEXT_MOST = 80


def fold(registers: Registers, signals: Iterable[Signal]) -> dict[RegisterKey, Signal]:
    """The registers after these signals: each keeps the newest word of its source."""
    folded = dict(registers)
    for signal in signals:
        key = signal.key
        kept = folded.get(key)
        if kept is None or kept.observed_at < signal.observed_at or kept.newness < signal.newness:
            folded[key] = signal
    return folded


def forget(
    registers: Registers, now: datetime, policy: Policy, needed: Collection[RegisterKey] = ()
) -> dict[RegisterKey, Signal]:
    """The registers without what has not been repeated for `forget_after`, but for those that are needed.

    Safe, because a signal that old is not taken in again (`too_old`): a late
    copy of a forgotten Fired cannot rise from the dead. An alert that still
    fires is kept longer, for Azure Monitor says Fired only once; not for ever,
    for alerts on the activity log never resolve.
    """
    horizon, firing_horizon = now - policy.forget_after, now - policy.forget_firing_after
    return {
        key: signal
        for key, signal in registers.items()
        if signal.observed_at > horizon
        or (signal.condition is AlertState.FIRED and signal.observed_at > firing_horizon)
        or key in needed
    }


def bounded(registers: Registers) -> dict[RegisterKey, Signal]:
    """The registers, kept to a size that a record can hold.

    Many registers are kept without their long texts; too many lose their oldest
    good news first, which would be the first to go stale anyway.
    """
    kept = dict(registers)
    if len(kept) > REGISTERS_MOST:
        by_worth = sorted(kept.values(), key=_worth, reverse=True)
        kept = {signal.key: signal for signal in by_worth[:REGISTERS_MOST]}
    if len(kept) > REGISTERS_WITH_TEXTS:
        wordy = [signal for signal in kept.values() if signal.reasons and _is_wordy(signal.reasons)]
        kept.update({signal.key: _lightened(signal) for signal in wordy})
    return kept


def _worth(signal: Signal) -> tuple[bool, tuple[datetime, int, int, str]]:
    """A total order, so that what is lost does not depend on what arrived first."""
    return (signal.health is not Health.GREEN, signal.newness)


def _is_wordy(reasons: tuple[str, ...]) -> bool:
    return len(reasons) > 1 or len(reasons[0]) > TEXT_MOST


def _lightened(signal: Signal) -> Signal:
    return replace(signal, reasons=(signal.reasons[0][:TEXT_MOST],))


def from_future(signal: Signal, enqueued_at: datetime, policy: Policy) -> bool:
    """Whether its time lies further ahead of its enqueueing than clocks can differ."""
    return signal.observed_at - enqueued_at > policy.from_future_by


def too_old(signal: Signal, now: datetime, policy: Policy) -> bool:
    """Whether it lies behind the horizon at which registers are forgotten."""
    return now - signal.observed_at >= policy.forget_after


class NodeView(NamedTuple):
    """The health of one node at one moment, and the signals that make it so."""

    health: Health
    evidence: tuple[Signal, ...] = ()

    @property
    def newest(self) -> datetime | None:
        """When the newest of the evidence was observed."""
        return max((signal.observed_at for signal in self.evidence), default=None)


class _Everything:
    """Contains every name."""

    def __contains__(self, name: object) -> bool:
        return True


EVERYTHING = _Everything()

UNHEARD = NodeView(Health.UNKNOWN)
"""A node of which nothing stands."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands at one moment: the health of nodes and the alerts that fire.

    Attributes:
        nodes: by stamp (None: global) and node; a node nobody has spoken of is absent.
        alerts: by stamp and lower-case name of the alert rule, those firing.
    """

    nodes: Mapping[tuple[str | None, str], NodeView]
    alerts: Mapping[tuple[str | None, str], tuple[Signal, ...]]

    def node(self, stamp: str | None, node: str) -> NodeView:
        """The node as it stands; unknown where nobody has spoken, or all that was said is stale."""
        return self.nodes.get((stamp, node)) or UNHEARD


def stands(signal: Signal, now: datetime, fresh_for: timedelta) -> bool:
    """Whether a statement of health still counts.

    Good news goes stale; bad news stands until its own source takes it back.
    A red whose source falls silent therefore stays red: it keeps its finding
    open and its stamp out of the survivors. Whether it may still *cause* an
    action is another question, and a guardrail answers it.
    """
    return signal.health in (Health.RED, Health.YELLOW) or now - signal.observed_at <= fresh_for


def facts(registers: Registers, now: datetime, policy: Policy, about: Container[str] = EVERYTHING) -> Facts:
    """The facts that stand at `now`: a node is the worst of what stands about it.

    Written for speed, since it runs over every register for every batch: most
    nodes have one source, and for them nothing is compared or sorted.

    Args:
        registers: the latest word of every source.
        now: the moment.
        policy: how long good news is good for.
        about: the nodes of stamps that somebody will ask for; global nodes are always looked at.
    """
    nodes: dict[tuple[str | None, str], NodeView] = {}
    firing: dict[tuple[str | None, str], list[Signal]] = {}
    contested: dict[tuple[str | None, str], list[Signal]] = {}
    for signal in registers.values():
        _, stamp, node = signal.subject
        if signal.health is not None:
            if not node or (stamp is not None and node not in about):
                continue
            place = (stamp, node)
            words = (signal,) if stands(signal, now, policy.fresh_for) else ()
            if place in nodes:
                contested.setdefault(place, list(nodes[place].evidence)).extend(words)
            else:
                nodes[place] = NodeView(signal.health, words) if words else UNHEARD
        elif signal.condition is AlertState.FIRED and signal.alert:
            firing.setdefault((stamp, signal.alert.lower()), []).append(signal)
    nodes.update({place: _view(said) for place, said in contested.items()})
    return Facts(nodes, {key: tuple(_by_id(signals)) for key, signals in firing.items()})


def _view(said: list[Signal]) -> NodeView:
    health = worst([signal.health for signal in said if signal.health])
    return NodeView(health, tuple(_by_id([signal for signal in said if signal.health is health])))


def _by_id(signals: list[Signal]) -> list[Signal]:
    """In an order that does not depend on the order of arrival."""
    return sorted(signals, key=lambda signal: (signal.observed_at, signal.source, signal.id))
