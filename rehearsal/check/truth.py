"""How were the stamps really, at each moment, as far as anybody could have seen it?

Worked out from the history alone: what broke and was mended, what each HealthService was ready to
answer, which state files and origins were there.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from rehearsal.faults.trial import BREAKS, HUB, MENDED, REPORT
from rehearsal.history import Effect, Happening, History, Kind
from rehearsal.world.health_service import BLOB_STORAGE
from rehearsal.world.what import What
from remediation.ledger.intent import LeverKind, Verb

SILENT = frozenset({What.HEALTHSERVICE, What.CERTIFICATE, What.REGION, What.DNS})
"""What keeps a HealthService from answering."""

CAUSES = frozenset({What.PROCESSOR, What.PARTITION, What.DATABASE, What.SEND})
"""What a stamp is drained for, and what must be mended before it comes back."""


@dataclass(slots=True)
class _State:
    """One stamp at one moment, while the history is read."""

    good: bool = False
    failing: frozenset[str] = frozenset()
    broken: set[What] = field(default_factory=set)
    file: bool = True
    maintenance: bool = False
    origin: bool = True

    @property
    def well(self) -> bool:
        """Nothing is wrong with it, but that it may be out of rotation."""
        return not self.broken and self.failing <= {BLOB_STORAGE} and not self.maintenance

    @property
    def seen_to_serve(self) -> bool:
        return self.good and self.file and self.origin and not self.maintenance and not (self.broken & SILENT)


class _Steps:
    """A value that changes from time to time."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.values: list[bool] = []

    def put(self, at: float, value: bool) -> None:  # noqa: FBT001 - it is what is put
        if not self.values or self.values[-1] is not value:
            self.times.append(at)
            self.values.append(value)

    def at(self, moment: float) -> bool:
        place = bisect_right(self.times, moment)
        return self.values[place - 1] if place else False

    def ever(self, since: float, until: float) -> bool:
        """Whether it was true at any moment of a span."""
        if self.at(since):
            return True
        first = bisect_right(self.times, since)
        last = bisect_right(self.times, until)
        return any(self.values[first:last])

    def always(self, since: float, until: float) -> bool:
        """Whether it was true all the time."""
        first, last = bisect_right(self.times, since), bisect_right(self.times, until)
        return self.at(since) and all(self.values[first:last])


class Truths:
    """The truth about every stamp."""

    def __init__(self, history: History, stamps: Iterable[str]) -> None:
        """Read a whole history.

        Every attribute but `hubs` says for each stamp (or for what all share) from when to when something
        was so: it serves, it is sick, it is in maintenance, it is out by some lever, all is well with it, its
        HealthService has noticed that its state file is gone.

        Args:
            history: what happened.
            stamps: the names of the stamps.
        """
        self._state = {name: _State() for name in stamps}
        self._everywhere: set[What] = set()
        self.serves = {name: _Steps() for name in self._state}
        self.sick = {name: _Steps() for name in self._state}
        self.maintenance = {name: _Steps() for name in self._state}
        self.out = {name: _Steps() for name in self._state}
        self.well = {name: _Steps() for name in self._state}
        self.noticed = {name: _Steps() for name in self._state}
        self.outages = {
            what: _Steps() for what in (What.LEDGER, What.ENTRA, What.DNS, What.PAGER, What.INBOX)
        }
        self.hubs: dict[str, list[tuple[float, tuple[str, ...]]]] = {name: [] for name in self._state}
        for each in history.of(Kind.WORLD, Kind.EFFECT, Kind.PERSON):
            self._follow(each)

    def _follow(self, each: Happening) -> None:
        if isinstance(each.what, Effect):
            self._moved(each.what)
        elif isinstance(each.what, tuple) and each.what:
            self._said(each, each.what)
        elif each.kind is Kind.PERSON and each.stamp and each.words.startswith("wrote"):
            # Anew, or for the first time since it was deleted.
            self._state[each.stamp].file = True
            self._state[each.stamp].maintenance |= "MAINTENANCE" in each.words
        names = [each.stamp] if each.stamp else list(self._state)
        for name in names:
            self._note(each.at, name)

    def _moved(self, effect: Effect) -> None:
        state = self._state.get(effect.stamp)
        if state is None or effect.verb not in (Verb.DRAIN, Verb.REJOIN):
            return
        there = effect.verb == Verb.REJOIN
        if effect.lever is LeverKind.FRONT_DOOR:
            state.origin = there
            return
        state.file = there
        state.maintenance = False

    def _said(self, each: Happening, what: tuple[str, ...]) -> None:
        word = what[0]
        if word == REPORT and each.stamp:
            state = self._state[each.stamp]
            state.good, state.failing = what[1] == "200", frozenset(what[2:])
        elif word == HUB and each.stamp:
            self.hubs[each.stamp].append((each.at, what[1:]))
        elif word in (BREAKS, MENDED):
            self._broke(each, What(what[1]), broken=word == BREAKS)

    def _broke(self, each: Happening, what: What, *, broken: bool) -> None:
        if what in self.outages:
            self.outages[what].put(each.at, broken)
        states = [self._state[each.stamp]] if each.stamp else list(self._state.values())
        for state in states:
            (state.broken.add if broken else state.broken.discard)(what)

    def _note(self, at: float, name: str) -> None:
        state = self._state[name]
        self.serves[name].put(at, state.seen_to_serve)
        self.sick[name].put(at, bool(state.broken & CAUSES))
        self.maintenance[name].put(at, state.maintenance)
        self.out[name].put(at, not state.file or not state.origin)
        self.well[name].put(at, state.well)
        self.noticed[name].put(at, BLOB_STORAGE in state.failing)

    def outage_seconds(self, what: What, end: float) -> list[tuple[float, float]]:
        """From when to when something that all share was out."""
        steps = self.outages[what]
        spans = []
        for place, (at, out) in enumerate(zip(steps.times, steps.values, strict=True)):
            if out:
                spans.append((at, steps.times[place + 1] if place + 1 < len(steps.times) else end))
        return spans
