"""What would other rules have done? Two replays of one recording, held against each other.

The recording is what was said while the worker of that time did what it did; had it done otherwise,
people and stamps might have said otherwise later on. So the first differences are surer than the last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rehearsal.history import FENCE, Effect
from rehearsal.replay import Replay
from remediation.ledger.intent import Verb
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.told import Channel, Message, MessageKind
from rules.findings import Finding
from rules.reach import Scope
from rules.signals import Health

MOVED_FROM = timedelta(seconds=5)
"""What comes so little earlier or later is not worth a word."""

MOVED_MOST = timedelta(hours=1)
"""Decisions about the same, further apart, are two."""

ONE_TELLING = timedelta(minutes=1)
"""A page and a notification of one incident, so near each other, are one decision."""

CAPACITY, REACH, PROOF = "P2", "P3", "P12"
"""The promises that other rules may break: enough stamps serve; a drain is for a stamp's own fault; what
is brought back has been mended."""

_NO_DRAIN = frozenset({Scope.GLOBAL, Scope.EDGE, Scope.PARTIAL, Scope.UNKNOWN})


class Sort(StrEnum):
    """What was decided."""

    DRAIN = "drain"
    REJOIN = "rejoin"
    RESTART = "restart"
    WEBHOOK = "webhook"
    PAGE = "page"
    NOTIFICATION = "notification"


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that the worker did.

    Attributes:
        at: when.
        sort: what.
        stamp: about which stamp; None for the workload.
        about: the rule family that people were told of, or the target of a step.
        words: a sentence.
    """

    at: datetime
    sort: Sort
    stamp: str | None
    about: str
    words: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The same decision, at another time."""

    old: Decision
    new: Decision

    @property
    def later(self) -> timedelta:
        """By how much; negative where it comes earlier."""
        return self.new.at - self.old.at


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that the new rules would have broken.

    Attributes:
        promise: which.
        at: when.
        sort: by what, a drain or a rejoin.
        stamp: of which stamp.
        words: how.
    """

    promise: str
    at: datetime
    sort: Sort
    stamp: str
    words: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the new rules change.

    Attributes:
        new: decisions that only they make.
        gone: decisions that they no longer make.
        moved: decisions at another time.
        alike: how many are made as before.
        broken: promises that they would break.
        before: how many decisions of each sort the old rules make.
        after: and the new ones.
    """

    new: tuple[Decision, ...]
    gone: tuple[Decision, ...]
    moved: tuple[Moved, ...]
    alike: int
    broken: tuple[Broken, ...]
    before: dict[Sort, int]
    after: dict[Sort, int]

    @property
    def pages_saved(self) -> int:
        """How many pages fewer; negative where there are more."""
        return self.before[Sort.PAGE] - self.after[Sort.PAGE]


def compare(old: Replay, new: Replay) -> Comparison:
    """Hold two replays of one recording against each other."""
    before, after = list(decisions(old)), list(decisions(new))
    pairs = list(_pairs(before, after))
    paired_old, paired_new = {id(one) for one, _ in pairs}, {id(one) for _, one in pairs}
    moved = [Moved(*pair) for pair in pairs if abs(pair[1].at - pair[0].at) >= MOVED_FROM]
    return Comparison(
        new=tuple(one for one in after if id(one) not in paired_new),
        gone=tuple(one for one in before if id(one) not in paired_old),
        moved=tuple(sorted(moved, key=lambda each: each.old.at)),
        alike=len(pairs) - len(moved),
        broken=tuple(broken_promises(old, new)),
        before=_counts(before),
        after=_counts(after),
    )


def decisions(played: Replay) -> Iterator[Decision]:
    """What the worker did and told, in order of time. An update of what people know already is none."""
    found = [*_steps(played), *_openings(played)]
    yield from sorted(found, key=lambda each: each.at)


def _steps(played: Replay) -> Iterator[Decision]:
    for each, effect in played.history.effects():
        if effect.by_worker and effect.verb != FENCE:
            at, sort = played.moment(each.at), Sort(str(effect.verb))
            yield Decision(at, sort, effect.stamp or None, effect.target, each.words)


def _openings(played: Replay) -> Iterator[Decision]:
    """The first word of each incident. What someone is woken for is told to the team too: that is one."""
    known: set[tuple[Channel, str]] = set()
    found: list[tuple[Decision, Message]] = []
    for each, message in played.history.told():
        key = (message.channel, message.incident)
        if message.kind is MessageKind.RESOLVE:
            known.discard(key)
        elif key not in known:
            known.add(key)
            found.append((_opening(played.moment(each.at), each.stamp, message), message))
    pages = [(message.incident, one.at) for one, message in found if one.sort is Sort.PAGE]
    for one, message in found:
        with_a_page = any(
            incident == message.incident and abs(at - one.at) <= ONE_TELLING for incident, at in pages
        )
        if one.sort is Sort.PAGE or not with_a_page:
            yield one


def _opening(at: datetime, stamp: str | None, message: Message) -> Decision:
    sort = Sort.PAGE if message.channel is Channel.PAGE else Sort.NOTIFICATION
    return Decision(at, sort, stamp, message.incident.rpartition("/")[2], message.title)


def _pairs(old: Sequence[Decision], new: Sequence[Decision]) -> Iterator[tuple[Decision, Decision]]:
    """Which decision of one is which of the other: about the same, and the nearest in time."""
    near = [
        (abs(after.at - before.at), first, second)
        for first, before in enumerate(old)
        for second, after in enumerate(new)
        if _same(before, after) and abs(after.at - before.at) <= MOVED_MOST
    ]
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for _, first, second in sorted(near):
        if first not in taken_old and second not in taken_new:
            taken_old.add(first)
            taken_new.add(second)
            yield old[first], new[second]


def _same(old: Decision, new: Decision) -> bool:
    return (old.sort, old.stamp, old.about) == (new.sort, new.stamp, new.about)


def _counts(made: Sequence[Decision]) -> dict[Sort, int]:
    return {sort: sum(one.sort is sort for one in made) for sort in Sort}


# --- promises ------------------------------------------------------------------------------------


def broken_promises(old: Replay, new: Replay) -> Iterator[Broken]:
    """The drains and rejoins of the new rules that break a promise by what either of the two knew.

    The worker itself judges by the new rules alone, which may be blind: a stamp of which they say
    nothing serves, and is mended; a fault that they do not see on the others is this stamp's own. So
    both are asked.
    """
    for each, effect in new.history.effects():
        if effect.verb == Verb.DRAIN and effect.by_worker:
            yield from _too_few(old, new, each.at, effect)
            yield from _not_a_stamps(old, new, each.at, effect)
        if effect.verb == Verb.REJOIN and effect.by_worker:
            yield from _not_mended(old, new, each.at, effect)


def _too_few(old: Replay, new: Replay, at: float, effect: Effect) -> Iterator[Broken]:
    """P2: at least `min_serving` others serve."""
    workload = new.charge.workload
    reasons = {
        name: _why_not_serving(name, old, new, at) for name in workload.stamp_names if name != effect.stamp
    }
    serving = sorted(name for name, reason in reasons.items() if not reason)
    least = workload.policy.min_serving
    if len(serving) < least:
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason)
        words = f"{', '.join(serving) or 'no stamp'} would serve, and at least {least} must ({why})"
        yield Broken(CAPACITY, new.moment(at), Sort.DRAIN, effect.stamp, words)


def _why_not_serving(stamp: str, old: Replay, new: Replay, at: float) -> str:
    """Why a stamp did not serve then; empty if it did."""
    if stamp in _record(new, at).out():
        return "is drained"
    said = [each.health for each in new.roots if each.stamp == stamp and each.at <= at]
    if said and said[-1] in (Health.RED, Health.UNKNOWN):
        return f"its root is {said[-1]}"
    for which, played in (("old", old), ("new", new)):
        for found in _asking_for_drain(played, stamp, at):
            return f"{found.rule} of the {which} rules asks for its drain"
    return ""


def _asking_for_drain(played: Replay, stamp: str, at: float) -> Iterator[Finding]:
    """The findings that ask for the drain of a stamp then."""
    rules = played.charge.rules
    for found in _record(played, at).findings.values():
        if found.stamp == stamp and found.rule in rules.draining - rules.on_trial:
            yield found


def _not_a_stamps(old: Replay, new: Replay, at: float, effect: Effect) -> Iterator[Broken]:
    """P3: the fault is this stamp's own."""
    for which, played in (("old", old), ("new", new)):
        for rule, stamp, scope, reason in _verdicts(played, at):
            if scope in _NO_DRAIN and stamp in (effect.stamp, "global"):
                words = f"by {rule} of the {which} rules the fault was {scope}: {reason}"
                yield Broken(REACH, new.moment(at), Sort.DRAIN, effect.stamp, words)
                return


def _not_mended(old: Replay, new: Replay, at: float, effect: Effect) -> Iterator[Broken]:
    """P12: nothing that would drain the stamp stands when it is brought back."""
    for which, played in (("old", old), ("new", new)):
        for found in _asking_for_drain(played, effect.stamp, at):
            words = f"{found.rule} of the {which} rules still asks for its drain: {found.reason}"
            yield Broken(PROOF, new.moment(at), Sort.REJOIN, effect.stamp, words)
            return


def _verdicts(played: Replay, at: float) -> Iterator[tuple[str, str, str, str]]:
    """The last verdict on each finding that stood then."""
    standing = {(asked.rule, asked.stamp or "global") for asked in _record(played, at).findings}
    said: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    for happening, entry in played.history.journal():
        if happening.at <= at:
            said |= {(row[0], row[1]): row for row in entry.scopes}
    yield from (row for key, row in said.items() if key in standing)


def _record(played: Replay, at: float) -> WorkloadRecord:
    """The record as it was just before: a drain is written down before it is made."""
    last = WorkloadRecord(played.charge.workload.name)
    for happening, record in played.history.records():
        if happening.at > at:
            break
        last = record
    return last
