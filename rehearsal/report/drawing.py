"""How does a run look over time? A drawing in plain SVG, which takes its colours from the page."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import ceil

from rehearsal.report.story import Line, served
from rehearsal.report.tracks import Bar, Lane, Look, Row, Spot, lanes
from rehearsal.run import Run
from rehearsal.scenario.moments import clock_words

WIDTH, GUTTER, ROW, GAP = 856, 148, 20, 14
"""In pixels: of the drawing, of the names beside it; of a row, and between lanes."""

USERS_TOP, USERS_HIGH = 26, 44
TICKS_MOST = 10
LETTER = 6.1
"""About as wide as a letter of the labels is, in pixels."""

LETTERS_LEAST = 12
"""A label that must be cut shorter is left out."""

_TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)

LEGEND = {
    Look.BROKEN: "broken",
    Look.RULE: "a rule holds",
    Look.HELD: "a guardrail holds",
    Look.IN: "gets users",
    Look.OUT: "gets no users",
    Look.EFFECT: "the worker acts",
    Look.BY_HAND: "a person acts",
    Look.FENCE: "a late worker is fenced off",
    Look.SIGNAL: "signal",
    Look.PAGE: "someone is woken",
    Look.RESOLVED: "page resolved",
    Look.NOTIFICATION: "the team is told",
    Look.PERSON: "order",
    Look.WORKER: "worker",
}
_BARS = (Look.BROKEN, Look.RULE, Look.HELD, Look.IN, Look.OUT)


def drawing(run: Run, lines: Sequence[Line], number: int) -> str:
    """The drawing of one run; its marks lead to the lines `s<number>l<line>` of the page."""
    end, drawn = run.scenario.run.total_seconds(), lanes(run, lines)
    tops, height = _tops(drawn)
    names = [_users_name(), *(_lane_names(lane, top) for lane, top in zip(drawn, tops, strict=True))]
    body = [_scale(end, height), _users(run, end)]
    body += [_lane(lane, top, end, number) for lane, top in zip(drawn, tops, strict=True)]
    said = escape(f"Timeline of {run.scenario.name}; the table below says the same in words")
    return (
        '<figure><div class="drawn" tabindex="0">'
        f'<svg class="names" width="{GUTTER}" height="{height}" aria-hidden="true">{"".join(names)}</svg>'
        f'<svg class="chart" width="{WIDTH + 20}" height="{height}" role="img" aria-label="{said}">'
        f"{''.join(body)}</svg></div>{_legend(drawn)}</figure>"
    )


def _tops(drawn: Sequence[Lane]) -> tuple[list[int], int]:
    """Where each lane begins, and where the last one ends."""
    tops, y = [], USERS_TOP + USERS_HIGH + GAP
    for lane in drawn:
        tops.append(y)
        y += ROW * len(lane.rows) + GAP
    return tops, y


def _x(at: float, end: float) -> float:
    return round(WIDTH * min(at, end) / end + 6, 1)


def _scale(end: float, height: int) -> str:
    step = next((m for m in _TICK_MINUTES if end / 60 / m <= TICKS_MOST), _TICK_MINUTES[-1]) * 60
    drawn = []
    for number in range(ceil(end / step - 0.6) + 1):
        x = _x(number * step, end)
        side, y = "start" if number == 0 else "end" if x > WIDTH - 20 else "middle", USERS_TOP - 8
        drawn.append(
            f'<line class="grid" x1="{x}" y1="{y}" x2="{x}" y2="{height}"/>'
            f'<text class="soft" x="{x}" y="{y - 4}" text-anchor="{side}">{_tick(number * step)}</text>'
        )
    return "".join(drawn)


def _tick(seconds: int) -> str:
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if not hours:
        return f"{minutes}m" if minutes else "0"
    return f"{hours}h {minutes}m" if minutes else f"{hours}h"


# --- users ---------------------------------------------------------------------------------------


def _users_name() -> str:
    low = USERS_TOP + USERS_HIGH
    return (
        f'<text class="lane" x="0" y="{USERS_TOP + 12}">users served</text>'
        f'<text class="soft" x="{GUTTER - 8}" y="{USERS_TOP + 10}" text-anchor="end">100 %</text>'
        f'<text class="soft" x="{GUTTER - 8}" y="{low}" text-anchor="end">0 %</text>'
    )


def _users(run: Run, end: float) -> str:
    """How many of a hundred users are served: an area, and what is missing above it."""
    low, steps = USERS_TOP + USERS_HIGH, [(at, what.percent) for at, what in served(run)]
    spans = [
        (at, steps[place + 1][0] if place + 1 < len(steps) else end, percent)
        for place, (at, percent) in enumerate(steps)
    ]
    drawn = []
    for since, until, percent in spans:
        x, width = _x(since, end), round(_x(until, end) - _x(since, end), 1)
        high = round(USERS_HIGH * percent / 100, 1)
        place = f'x="{x}" width="{width}"'
        said = f"{percent:g} % of users are served from {clock_words(since)} to {clock_words(until)}"
        drawn.append(
            f'<g><rect class="missing" {place} y="{USERS_TOP}" height="{USERS_HIGH - high:g}"/>'
            f'<rect class="served" {place} y="{low - high:g}" height="{high:g}"/><title>{said}</title></g>'
        )
    return "".join(drawn)


# --- lanes ---------------------------------------------------------------------------------------


def _lane_names(lane: Lane, top: int) -> str:
    drawn = [
        f'<line class="rule-off" x1="0" y1="{top - GAP / 2:g}" x2="{GUTTER}" y2="{top - GAP / 2:g}"/>',
        f'<text class="lane" x="0" y="{top + 14}">{escape(_short(lane.stamp or "all"))}</text>',
    ]
    before = None
    for place, row in enumerate(lane.rows):
        if row.track is not before:
            y = top + ROW * place + 14
            drawn.append(f'<text class="soft" x="{GUTTER - 8}" y="{y}" text-anchor="end">{row.track}</text>')
        before = row.track
    return "".join(drawn)


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"


def _lane(lane: Lane, top: int, end: float, number: int) -> str:
    y = top - GAP / 2
    drawn = [f'<line class="rule-off" x1="0" y1="{y:g}" x2="{WIDTH + 20}" y2="{y:g}"/>']
    drawn += [_row(row, top + ROW * place, end, number) for place, row in enumerate(lane.rows)]
    return "".join(drawn)


def _row(row: Row, top: int, end: float, number: int) -> str:
    bars = "".join(_bar(bar, top, end, row) for bar in row.bars)
    return f'<g class="row">{bars}{"".join(_spots(row.spots, top + ROW // 2, end, number))}</g>'


def _bar(bar: Bar, top: int, end: float, row: Row) -> str:
    x, width = _x(bar.since, end), max(2.0, round(_x(bar.until, end) - _x(bar.since, end), 1))
    label = _label(bar, x, width, end, row)
    return (
        f'<g><rect class="{bar.look}" x="{x}" y="{top + 3}" width="{width}" height="{ROW - 6}" rx="2"/>'
        + (f'<text class="on" x="{label[0]}" y="{top + 14}">{escape(label[1])}</text>' if label else "")
        + f"<title>{escape(bar.words)}</title></g>"
    )


def _label(bar: Bar, x: float, width: float, end: float, row: Row) -> tuple[float, str] | None:
    """Where the label goes: on the bar, else behind it as far as nothing else comes; cut where it must be."""
    if not bar.label:
        return None
    nexts = [_x(other.since, end) for other in row.bars if other.since > bar.since]
    behind = x + width + 4
    places = [(width - 8, x + 5)]
    if bar.look is not Look.OUT:
        places.append((min([*nexts, WIDTH + 20.0]) - behind, behind))
    for room, begin in places:
        if len(bar.label) * LETTER <= room:
            return begin, bar.label
    room, begin = max(places)
    letters = int(room / LETTER)
    return (begin, f"{bar.label[: letters - 1]}…") if letters >= LETTERS_LEAST else None


def _spots(spots: Iterable[Spot], y: int, end: float, number: int) -> Iterator[str]:
    free = 0.0
    for spot in spots:
        x = _x(spot.at, end)
        label = ""
        if spot.label and x + 9 >= free:
            free = x + 14 + len(spot.label) * LETTER
            label = f'<text class="deed" x="{x + 10}" y="{y + 4}">{escape(spot.label)}</text>'
        yield (
            f'<a href="#s{number}l{spot.line}"><g class="{spot.look}">{_shape(spot.look, x, y)}</g>{label}'
            f"<title>{escape(spot.words)}</title></a>"
        )


def _shape(look: Look, x: float, y: float) -> str:
    match look:
        case Look.EFFECT:
            return f'<rect x="{x - 6:g}" y="{y - 6}" width="12" height="12" rx="1.5"/>'
        case Look.BY_HAND | Look.PERSON:
            return f'<path d="M{x:g} {y - 7}l7 7l-7 7l-7 -7z"/>'
        case Look.FENCE:
            return f'<path d="M{x - 4:g} {y - 9}v18M{x:g} {y - 9}v18M{x + 4:g} {y - 9}v18"/>'
        case Look.PAGE | Look.RESOLVED:
            return f'<path d="M{x:g} {y - 8}l7.5 14h-15z"/>'
        case Look.WORKER:
            return f'<path d="M{x - 4:g} {y - 4}l8 8m0 -8l-8 8"/>'
        case _:
            return f'<circle cx="{x:g}" cy="{y}" r="4"/>'


def _legend(drawn: Sequence[Lane]) -> str:
    """Only what can be seen."""
    rows = [row for lane in drawn for row in lane.rows]
    seen = {bar.look for row in rows for bar in row.bars} | {spot.look for row in rows for spot in row.spots}
    parts = []
    for look, words in LEGEND.items():
        if look in seen:
            bar = f'<rect class="{look}" x="1" y="3" width="22" height="12" rx="2"/>'
            shape = bar if look in _BARS else f'<g class="{look}">{_shape(look, 12, 9)}</g>'
            parts.append(f'<li><svg width="24" height="18" aria-hidden="true">{shape}</svg>{words}</li>')
    return f'<figcaption><ul class="legend">{"".join(parts)}</ul></figcaption>'
