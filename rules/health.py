"""What is known about every node, given all that was ever said, in whatever order?

`fold` is a join: commutative, associative and idempotent. It keeps one register
for each subject *and source*, so that a source can only overwrite its own words;
and one more while its last word is that it does not know, which takes nothing back.
(The reference health model reports BackgroundProcessor green while it reads
nothing: that must not overwrite another source's red.)
"""

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from json import JSONEncoder
from typing import NamedTuple

from rules.patterns import matches
from rules.policy import Policy
from rules.signals import AlertState, Health, RegisterKey, Signal, worst

Registers = Mapping[RegisterKey, Signal]

BAD_NEWS = frozenset({Health.RED, Health.YELLOW})
"""It stands until its source takes it back; neither silence nor not knowing does."""

REGISTERS_WITH_TEXTS = 120
TEXT_MOST = 80
"""From so many registers on, only the beginning of the first reason is kept."""

REGISTER_BYTES_MOST = 400 * 1024
"""A record holds 512 KiB, and findings, incidents and what waits to be told need some of it."""

_ROW_BYTES = 64
_UNUSUAL_BYTES = 108
_TEXT_BYTES = 3
"""What the ledger's stored form takes besides texts and order: for any register; for one with
more than a health; for each reason. Its tests hold these numbers to what is really stored."""

_AS_STORED = JSONEncoder(ensure_ascii=False)


def fold(registers: Registers, signals: Iterable[Signal]) -> dict[RegisterKey, Signal]:
    """The registers after these signals: each keeps the newest word of its source.

    That a source does not know is kept beside what it last knew, until it knows again.
    """
    folded = dict(registers)
    for signal in signals:
        key = signal.key
        if _is_newer(signal, folded.get(key)):
            folded[key] = signal
            if signal.health is not None:
                _settle_doubt(folded, key)
    return folded


def _is_newer(signal: Signal, kept: Signal | None) -> bool:
    return kept is None or kept.observed_at < signal.observed_at or kept.newness < signal.newness


def _settle_doubt(folded: dict[RegisterKey, Signal], key: RegisterKey) -> None:
    """Keep a source's doubt only while it is its last word."""
    doubt, known = folded.get(key.doubt), folded.get(key.knowing)
    if doubt is not None and known is not None and not _is_newer(doubt, known):
        del folded[key.doubt]


def last_word(registers: Registers, key: RegisterKey) -> Signal | None:
    """What the source of a register said last, be it that it does not know."""
    return registers.get(key.doubt) or registers.get(key.knowing)


def forget(
    registers: Registers, now: datetime, policy: Policy, needed: Collection[RegisterKey] = ()
) -> dict[RegisterKey, Signal]:
    """The registers without what has not been repeated for `forget_after`, but for those that are needed.

    Safe, because a signal that old is not taken in again (`too_old`): a late
    copy of a forgotten Fired cannot rise from the dead. An alert that still
    fires is kept longer, for Azure Monitor says Fired only once; and so is bad
    news, for its source may be silent because of what it told. Not for ever:
    alerts on the activity log never resolve, and nodes are renamed.
    """
    horizon, firing_horizon = now - policy.forget_after, now - policy.forget_firing_after
    return {
        key: signal
        for key, signal in registers.items()
        if signal.observed_at > horizon
        or (_is_bad(signal) and signal.observed_at > firing_horizon)
        or key in needed
    }


def _is_bad(signal: Signal) -> bool:
    return signal.condition is AlertState.FIRED or signal.health in BAD_NEWS


def bounded(
    registers: Registers, precious: Collection[RegisterKey] = (), roots: Container[str] = ()
) -> dict[RegisterKey, Signal]:
    """The registers, kept to a size that a record can hold.

    Many are kept without their long texts, and more without any. Too many lose
    first what can cause nothing or is over, then what is green, and the oldest
    before the newest; what a drain waits for and what is said of roots goes last.

    Args:
        registers: the latest word of every source.
        precious: those that something waits for.
        roots: the names of root nodes.
    """
    kept = dict(registers)
    if len(kept) <= REGISTERS_WITH_TEXTS and _fit(kept.values()):
        return kept
    for most in (TEXT_MOST, 0):
        wordy = [signal for signal in kept.values() if signal.reasons and _is_wordy(signal.reasons, most)]
        kept.update({signal.key: _lightened(signal, most) for signal in wordy})
        if _fit(kept.values()):
            return kept
    by_worth = sorted(kept.values(), key=lambda each: _worth(each, precious, roots), reverse=True)
    return {signal.key: signal for signal in _fitting(by_worth)}


def _fit(signals: Collection[Signal]) -> bool:
    return len(_fitting(signals)) == len(signals)


def _fitting(signals: Iterable[Signal]) -> list[Signal]:
    """The first of them, as many as there is room for. Each source is stored once."""
    room = REGISTER_BYTES_MOST
    fitting: list[Signal] = []
    sources: set[str] = set()
    for signal in signals:
        room -= _size(signal) + (0 if signal.source in sources else _bytes(signal.source) + 1)
        if room < 0:
            break
        sources.add(signal.source)
        fitting.append(signal)
    return fitting


def _worth(
    signal: Signal, precious: Collection[RegisterKey], roots: Container[str]
) -> tuple[int, tuple[datetime, int, int, str]]:
    """A total order, so that what is lost does not depend on what arrived first."""
    if signal.key in precious or signal.subject.node in roots:
        rank = 4
    elif not signal.may_act or signal.condition is AlertState.RESOLVED:
        rank = 0
    elif signal.health is Health.GREEN:
        rank = 1
    else:
        rank = 2 if signal.condition else 3
    return rank, signal.newness


def _size(signal: Signal) -> int:
    """How many bytes it takes in a record, at the most."""
    _, stamp, node = signal.subject
    texts = (
        *(stamp or "", node or "", signal.id, signal.alert or ""),
        *(signal.instance, signal.why, signal.placed_by),
    )
    unusual = signal.condition or signal.severity or signal.reasons or signal.placed_by or not signal.may_act
    return (
        _ROW_BYTES
        + len(str(signal.order))
        + _bytes("".join((*texts, *signal.reasons)))
        + (_UNUSUAL_BYTES if unusual else 0)
        + _TEXT_BYTES * len(signal.reasons)
    )


def _bytes(text: str) -> int:
    """As JSON, in which a control character takes six bytes; of half a character nothing is ever stored."""
    return len(_AS_STORED.encode(text).encode(errors="surrogatepass"))


def _is_wordy(reasons: tuple[str, ...], most: int) -> bool:
    return len(reasons) > 1 or len(reasons[0]) > most


def _lightened(signal: Signal, most: int) -> Signal:
    return replace(signal, reasons=(signal.reasons[0][:most],) if most else ())


def from_future(signal: Signal, enqueued_at: datetime, policy: Policy) -> bool:
    """Whether its time lies further ahead of its enqueueing than clocks can differ."""
    return signal.observed_at - enqueued_at > policy.from_future_by


def too_old(signal: Signal, now: datetime, policy: Policy) -> bool:
    """Whether it lies behind the horizon at which registers are forgotten."""
    return now - signal.observed_at >= policy.forget_after


class NodeView(NamedTuple):
    """The health of one node at one moment, and the signals that make it so.

    Attributes:
        health: the worst of what stands.
        evidence: those who say so.
        others: who says better of it, and still counts; there is nobody for most nodes.
    """

    health: Health
    evidence: tuple[Signal, ...] = ()
    others: tuple[Signal, ...] = ()

    def by(self, source: str) -> "NodeView":
        """The same node by the words of these sources alone: case does not matter, `*` matches any run."""
        said = [each for each in (*self.evidence, *self.others) if matches(each.source, source)]
        return _view(said)

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
    return signal.health in BAD_NEWS or now - signal.observed_at <= fresh_for


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
    return NodeView(
        health,
        tuple(_by_id([signal for signal in said if signal.health is health])),
        tuple(_by_id([signal for signal in said if signal.health is not health])),
    )


def _by_id(signals: list[Signal]) -> list[Signal]:
    """In an order that does not depend on the order of arrival."""
    return sorted(signals, key=lambda signal: (signal.observed_at, signal.source, signal.id))
