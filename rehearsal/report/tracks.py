"""What is to be drawn of a run, and in which row? Bars and marks with their times, before any pixel.

Each stamp has a lane, and what concerns all of them has one; a lane has a row only for what happened in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rehearsal.history import FENCE, Effect
from rehearsal.report.story import Line, Mark, holds, served
from rehearsal.run import Run
from rehearsal.scenario.moments import clock_words
from remediation.ledger.told import Message, MessageKind

ROWS_MOST = 6
"""So many bars above one another; what overlaps with more shares the last row."""


class Track(StrEnum):
    """The rows of a lane, from the top, each with the word that stands beside it."""

    BROKEN = "broken"
    SIGNALS = "signals"
    RULES = "rules"
    HELD = "held"
    ACTS = "acts"
    TRAFFIC = "traffic"
    WORKERS = "workers"
    TOLD = "told"


class Look(StrEnum):
    """How a bar or a mark looks; told apart by shape as well as by colour."""

    BROKEN = "broken"
    RULE = "rule"
    HELD = "held"
    IN = "in"
    OUT = "out"
    EFFECT = "effect"
    BY_HAND = "by-hand"
    FENCE = "fence"
    SIGNAL = "signal"
    PAGE = "page"
    RESOLVED = "resolved"
    NOTIFICATION = "notification"
    PERSON = "person"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasted.

    Attributes:
        since: seconds from the beginning.
        until: its end.
        look: how it looks.
        label: what is written on it where there is room; empty for nothing.
        words: the whole of it, shown when it is pointed at.
    """

    since: float
    until: float
    look: Look
    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that happened at one moment.

    Attributes:
        at: seconds from the beginning.
        look: how it looks.
        label: what is written beside it where there is room.
        words: the whole of it.
        line: which line of the story it is.
    """

    at: float
    look: Look
    label: str
    words: str
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a lane: bars that do not overlap, and the marks upon them."""

    track: Track
    bars: tuple[Bar, ...] = ()
    spots: tuple[Spot, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """What there is to be drawn of one stamp, or of all together where `stamp` is None."""

    stamp: str | None
    rows: tuple[Row, ...]


def lanes(run: Run, lines: Sequence[Line]) -> list[Lane]:
    """A lane for what concerns all stamps, if anything does, and one for each of them."""
    stamps = [None, *run.scenario.charge.workload.stamp_names]
    drawn = [Lane(stamp, tuple(_rows(run, lines, stamp))) for stamp in stamps]
    return [lane for lane in drawn if lane.rows]


def _rows(run: Run, lines: Sequence[Line], stamp: str | None) -> Iterator[Row]:
    spots = list(_spots(lines, stamp))
    yield from _packed(Track.BROKEN, _broken(run, stamp))
    yield from _only_spots(Track.SIGNALS, spots, (Look.SIGNAL,))
    yield from _packed(Track.RULES, _rules(run, stamp))
    yield from _packed(Track.HELD, _held(run, stamp))
    yield from _only_spots(Track.ACTS, spots, (Look.EFFECT, Look.BY_HAND, Look.FENCE))
    if stamp is not None:
        yield Row(Track.TRAFFIC, tuple(_traffic(run, stamp)))
    yield from _only_spots(Track.WORKERS, spots, (Look.WORKER,))
    yield from _only_spots(Track.TOLD, spots, (Look.NOTIFICATION, Look.PERSON, Look.PAGE, Look.RESOLVED))


def _only_spots(track: Track, spots: Iterable[Spot], looks: Sequence[Look]) -> Iterator[Row]:
    """The last look lies on top."""
    found = [one for look in looks for one in spots if one.look is look]
    if found:
        yield Row(track, (), tuple(found))


def _packed(track: Track, bars: Iterable[Bar]) -> Iterator[Row]:
    """In as few rows as keep them apart."""
    rows: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda each: (each.since, -each.until)):
        free = next((row for row in rows if row[-1].until <= bar.since), None)
        if free is None and len(rows) < ROWS_MOST:
            rows.append([bar])
        else:
            (rows[-1] if free is None else free).append(bar)
    return (Row(track, tuple(row)) for row in rows)


# --- bars ----------------------------------------------------------------------------------------


def _broken(run: Run, stamp: str | None) -> Iterator[Bar]:
    """What the scenario had broken there, and for how long. A mend for all stamps mends each one's own."""
    end = run.scenario.run.total_seconds()
    timeline = sorted(
        (
            (at.total_seconds(), entry)
            for entry in run.scenario.entries
            for at in entry.times(run.scenario.run)
        ),
        key=lambda pair: pair[0],
    )
    since: dict[str, tuple[float, str]] = {}
    for at, entry in timeline:
        if entry.breaks is not None:
            if entry.breaks.stamp == stamp:
                since.setdefault(str(entry.breaks.what), (at, entry.breaks.words or ""))
        elif entry.mend is not None and entry.mend.stamp in (None, stamp):
            began = since.pop(str(entry.mend.what), None)
            if began is not None:
                yield _broken_bar(str(entry.mend.what), began, at)
    for what, began in since.items():
        yield _broken_bar(what, began, end)


def _broken_bar(what: str, began: tuple[float, str], until: float) -> Bar:
    since, words = began
    said = f"{what}{f' ({words})' if words else ''} is broken {_span(since, until)}"
    return Bar(since, until, Look.BROKEN, what.replace("_", " "), said)


def _rules(run: Run, stamp: str | None) -> Iterator[Bar]:
    """From when to when each rule held there."""
    since: dict[str, tuple[float, str]] = {}
    for happening, record in run.history.records():
        now = {asked.rule: found.reason for asked, found in record.findings.items() if asked.stamp == stamp}
        for rule in [rule for rule in since if rule not in now]:
            yield _rule_bar(rule, since.pop(rule), happening.at)
        for rule, reason in now.items():
            since.setdefault(rule, (happening.at, reason))
    for rule, began in since.items():
        yield _rule_bar(rule, began, run.scenario.run.total_seconds())


def _rule_bar(rule: str, began: tuple[float, str], until: float) -> Bar:
    since, reason = began
    return Bar(since, until, Look.RULE, rule, f"{rule} holds {_span(since, until)}: {reason}")


def _held(run: Run, stamp: str | None) -> Iterator[Bar]:
    """From when to when a step was held, by whichever guardrails together."""
    spans = [span for span in holds(run) if (span.stamp or None) == stamp]
    for verb in dict.fromkeys(span.verb for span in spans):
        together = [span for span in spans if span.verb == verb]
        while together:
            until, count = together[0].until, 1
            while count < len(together) and together[count].at <= until:
                until, count = max(until, together[count].until), count + 1
            one, together = together[:count], together[count:]
            names = ", ".join(dict.fromkeys(span.guardrail for span in one))
            words = "; ".join(f"{span.guardrail} {_span(span.at, span.until)}: {span.reason}" for span in one)
            yield Bar(one[0].at, until, Look.HELD, f"{verb}: {names}", f"{verb} held by {words}")


def _traffic(run: Run, stamp: str) -> Iterator[Bar]:
    """When Front Door sent users there, and when not."""
    end = run.scenario.run.total_seconds()
    since, before = 0.0, True
    for at, now in [*((at, stamp in what.to) for at, what in served(run)), (end, None)]:
        if now != before:
            if at > since:
                yield _traffic_bar(since, at, gets_users=before)
            since, before = at, bool(now)


def _traffic_bar(since: float, until: float, *, gets_users: bool) -> Bar:
    if gets_users:
        return Bar(since, until, Look.IN, "", f"users are sent here {_span(since, until)}")
    return Bar(since, until, Look.OUT, "no users", f"users go elsewhere {_span(since, until)}")


def _span(since: float, until: float) -> str:
    return f"from {clock_words(since)} to {clock_words(until)}"


# --- marks ---------------------------------------------------------------------------------------

_LOOKS = {
    Mark.SIGNAL: Look.SIGNAL,
    Mark.NOTIFICATION: Look.NOTIFICATION,
    Mark.PERSON: Look.PERSON,
    Mark.WORKER: Look.WORKER,
}


def _spots(lines: Sequence[Line], stamp: str | None) -> Iterator[Spot]:
    for number, line in enumerate(lines):
        if line.stamp == stamp and (drawn := _look(line)) is not None:
            look, label = drawn
            words = f"{clock_words(line.at)} {line.mark}: {line.words}"
            yield Spot(line.at, look, label, words, number)


def _look(line: Line) -> tuple[Look, str] | None:
    """How a line is drawn, and what is written beside it; None where it is no mark."""
    what = line.happening.what if line.happening is not None else None
    if line.mark is Mark.PAGE and isinstance(what, Message):
        return (Look.RESOLVED, "") if what.kind is MessageKind.RESOLVE else (Look.PAGE, "")
    if isinstance(what, Effect):
        if what.verb == FENCE:
            return Look.FENCE, ""
        return (Look.EFFECT if what.by_worker else Look.BY_HAND), str(what.verb)
    if line.mark is Mark.WORKER and line.at == 0:
        return None  # that workers start at the beginning goes without saying
    look = _LOOKS.get(line.mark)
    return None if look is None else (look, "")
