"""What did the run look like? One self-contained page: a drawn timeline, the story, the expectations.

It loads nothing from anywhere, so that it can be attached to a ticket. Everything that comes from a
scenario or a signal is escaped: bodies are untrusted.
"""

from collections.abc import Iterable, Sequence
from html import escape

from rehearsal.history import Kind
from rehearsal.report.story import Line, Mark, story
from rehearsal.run import Run
from rehearsal.scenario.moments import clock_words

WIDTH, LEFT, LANE, TOP = 1100, 110, 46, 30
TICKS_MOST = 12
_TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)

COLOURS = {
    Mark.WORLD: "#6b4f3a",
    Mark.SIGNAL: "#3465a4",
    Mark.RULE: "#8f5902",
    Mark.VERDICT: "#75507b",
    Mark.HELD: "#c4a000",
    Mark.EFFECT: "#a40000",
    Mark.PAGE: "#cc0000",
    Mark.NOTIFICATION: "#729fcf",
    Mark.USERS: "#4e9a06",
    Mark.WORKER: "#2e3436",
    Mark.PERSON: "#5c3566",
}
"""Each is told apart by its shape and words too, not by colour alone."""

_SHAPES = {
    Mark.EFFECT: "square",
    Mark.PAGE: "triangle",
    Mark.WORLD: "cross",
    Mark.PERSON: "diamond",
    Mark.SIGNAL: "small",
    Mark.VERDICT: "ring",
    Mark.NOTIFICATION: "small",
    Mark.WORKER: "cross",
}

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1140px;padding:0 1rem}
body{color:#222;background:#fff}
table{border-collapse:collapse;width:100%}td,th{padding:.15rem .6rem;text-align:left;vertical-align:top}
tr:nth-child(even){background:#f5f5f3}.t{white-space:nowrap;font-variant-numeric:tabular-nums}
.ok::before{content:"\\2713  ";color:#2e7d32}.no::before{content:"\\2717  ";color:#b00020}.no{font-weight:600}
.why{color:#555;font-weight:400;margin-left:1.4rem}svg{max-width:100%;height:auto;display:block}
@media (prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}tr:nth-child(even){background:#262626}
.why{color:#aaa}svg{background:#f8f8f6}}
"""


def page(runs: Sequence[Run]) -> str:
    """The page of some runs."""
    title = runs[0].scenario.name if len(runs) == 1 else f"{len(runs)} scenarios"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"{''.join(_section(run) for run in runs)}</body></html>\n"
    )


def _section(run: Run) -> str:
    scenario, lines = run.scenario, story(run)
    row = f"{escape(scenario.row)}: " if scenario.row else ""
    about = f"<p>{escape(scenario.about)}</p>" if scenario.about else ""
    result = "every expectation holds" if run.passed else "some expectations do not hold"
    return (
        f"<section><h1>{row}{escape(scenario.name)}</h1>{about}"
        f"<p>{escape(scenario.file)}, seed {escape(run.seed)}, "
        f"{clock_words(scenario.run.total_seconds())} of virtual time: {result}.</p>"
        f"{_drawing(run, lines)}<h2>Expectations</h2><ul>{''.join(_expectations(run))}</ul>"
        "<h2>What happened</h2><table><thead><tr><th>when</th><th>where</th><th></th><th>what</th></tr>"
        f"</thead><tbody>{''.join(map(_row, lines))}</tbody></table></section>"
    )


def _expectations(run: Run) -> Iterable[str]:
    for each in run.judged:
        why = "".join(f'<div class="why">{escape(line)}</div>' for line in _explained(each.instead, each.why))
        yield f'<li class="{"ok" if each.holds else "no"}">{escape(each.text)}{why}</li>'


def _explained(instead: str, why: Iterable[str]) -> list[str]:
    return [*([f"instead: {instead}"] if instead else []), *(f"because {line}" for line in why)]


def _row(line: Line) -> str:
    colour = COLOURS[line.mark]
    until = f" (until {clock_words(line.until)})" if line.until is not None else ""
    return (
        f'<tr><td class="t">{clock_words(line.at)}</td><td>{escape(line.stamp or "all")}</td>'
        f'<td class="t" style="color:{colour}">{line.mark}</td><td>{escape(line.words)}{until}</td></tr>'
    )


# --- the drawing ---------------------------------------------------------------------------------


def _drawing(run: Run, lines: Sequence[Line]) -> str:
    """A lane for each stamp and one for all of them: bars while a stamp is out, marks for what happened."""
    end = run.scenario.run.total_seconds()
    lanes: list[str | None] = [*run.scenario.charge.workload.stamp_names, None]
    height = TOP + LANE * len(lanes) + 20
    drawn = [_scale(end, height)]
    for number, lane in enumerate(lanes):
        y = TOP + LANE * number + LANE / 2
        drawn += [
            f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH}" y2="{y}" stroke="#ccc"/>',
            f'<text x="4" y="{y + 5}" font-weight="600">{escape(lane or "workload")}</text>',
        ]
        drawn += [_bar(first, last, y, end) for first, last in _out(run, lane, end)]
        drawn += [_mark(line, y, end) for line in lines if line.stamp == lane and line.mark in _SHAPES]
    words = f"Timeline of {run.scenario.name}"
    return (
        f'<svg viewBox="0 0 {WIDTH + 10} {height}" role="img" aria-label="{escape(words)}" '
        f'font-family="system-ui,sans-serif" font-size="13">{"".join(drawn)}</svg>{_legend()}'
    )


def _scale(end: float, height: int) -> str:
    step = next((m for m in _TICK_MINUTES if end / 60 / m <= TICKS_MOST), _TICK_MINUTES[-1]) * 60
    drawn = []
    for number in range(int(end // step) + 1):
        x = _x(number * step, end)
        drawn.append(
            f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 20}" stroke="#eee"/>'
            f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle" fill="#666">{number * step // 60}m</text>'
        )
    return "".join(drawn)


def _x(at: float, end: float) -> float:
    return LEFT + (WIDTH - LEFT) * at / end


def _out(run: Run, stamp: str | None, end: float) -> list[tuple[float, float]]:
    """When users were not sent to a stamp."""
    if stamp is None:
        return []
    spans, since = [], None
    for each in run.history.of(Kind.SERVED):
        gone = stamp not in getattr(each.what, "to", ())
        if gone and since is None:
            since = each.at
        elif not gone and since is not None:
            spans.append((since, each.at))
            since = None
    return [*spans, *([(since, end)] if since is not None else [])]


def _bar(first: float, last: float, y: float, end: float) -> str:
    x, width = _x(first, end), max(2.0, _x(last, end) - _x(first, end))
    title = f"users go elsewhere from {clock_words(first)} to {clock_words(last)}"
    return (
        f'<rect x="{x:.1f}" y="{y - 9}" width="{width:.1f}" height="18" fill="#d3d7cf">'
        f"<title>{title}</title></rect>"
    )


def _mark(line: Line, y: float, end: float) -> str:
    x, colour = _x(line.at, end), COLOURS[line.mark]
    shape = {
        "square": f'<rect x="{x - 6:.1f}" y="{y - 6}" width="12" height="12" fill="{colour}"/>',
        "triangle": f'<path d="M{x:.1f} {y - 16}l7 12h-14z" fill="{colour}"/>',
        "cross": f'<path d="M{x - 5:.1f} {y + 9}l10 10m0 -10l-10 10" stroke="{colour}" stroke-width="2"/>',
        "diamond": f'<path d="M{x:.1f} {y - 8}l8 8l-8 8l-8 -8z" fill="{colour}"/>',
        "ring": f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="none" stroke="{colour}" stroke-width="2"/>',
        "small": f'<circle cx="{x:.1f}" cy="{y}" r="3" fill="{colour}"/>',
    }[_SHAPES[line.mark]]
    return f"<g>{shape}<title>{escape(f'{clock_words(line.at)} {line.mark}: {line.words}')}</title></g>"


def _legend() -> str:
    parts = (
        f'<span style="color:{COLOURS[mark]};margin-right:1rem">{mark} ({shape})</span>'
        for mark, shape in _SHAPES.items()
    )
    return f"<p>{''.join(parts)}<span>grey bar: users go elsewhere</span></p>"
