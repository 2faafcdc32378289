"""What did the run look like? One self-contained page: drawn timelines, the story, the expectations.

It holds no script and loads nothing from anywhere, and says so to the browser, so that it can be attached
to a ticket and opened years later. Everything that comes from a scenario or a signal is escaped: bodies
are untrusted.
"""

from collections.abc import Iterator, Sequence
from html import escape

from rehearsal.expect.judge import Judged
from rehearsal.report.drawing import drawing
from rehearsal.report.look import STYLE
from rehearsal.report.story import Line, Mark, effects, served, story
from rehearsal.run import Run
from rehearsal.scenario.moments import clock_words
from remediation.ledger.intent import Verb
from remediation.ledger.told import Channel, MessageKind

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What the browser is told to refuse, should anything ever slip through: every script, every request."""


def page(runs: Sequence[Run]) -> str:
    """The page of some runs."""
    alone = len(runs) == 1
    title = _name(runs[0]) if alone else f"{len(runs)} scenarios rehearsed"
    index = "" if alone else _index(title, runs)
    sections = "".join(_section(run, number, alone=alone) for number, run in enumerate(runs))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>{index}{sections}</body></html>\n"
    )


def _name(run: Run) -> str:
    row = f"{run.scenario.row}: " if run.scenario.row else ""
    return f"{row}{run.scenario.name}"


def _index(title: str, runs: Sequence[Run]) -> str:
    """Which scenarios there are, and how each went; what failed first."""
    numbered = sorted(enumerate(runs), key=lambda pair: pair[1].passed)
    rows = "".join(
        f'<tr><td class="k">{_badge(run)}</td><td class="t">{escape(run.scenario.row)}</td>'
        f'<td><a href="#s{number}">{escape(run.scenario.name)}</a></td>'
        f'<td class="t n">{_drains(run)}</td><td class="t n">{len(_pages(run))}</td></tr>'
        for number, run in numbered
    )
    failed = sum(not run.passed for run in runs)
    said = f"{failed} of them failed" if failed else "all of them passed"
    return (
        f"<header><h1>{escape(title)}</h1><p>In virtual time, by the real worker; {said}.</p></header>"
        '<h3>Scenarios</h3><table class="index"><thead><tr><th>result</th><th>row</th><th>claim</th>'
        f'<th class="n">drains</th><th class="n">pages</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _section(run: Run, number: int, *, alone: bool) -> str:
    scenario, lines = run.scenario, story(run)
    row = f'<span class="row-name">{escape(scenario.row)}</span> ' if scenario.row else ""
    head = "h1" if alone else "h2"
    about = f"<p>{escape(scenario.about)}</p>" if scenario.about else ""
    workers = "1 worker" if scenario.workers == 1 else f"{scenario.workers} workers"
    lasted = clock_words(scenario.run.total_seconds())
    facts = f"{scenario.file}, {lasted} of virtual time, {workers}, seed {run.seed}"
    return (
        f'<section id="s{number}"><header><{head}>{row}{escape(scenario.name)}</{head}>{about}'
        f'<p class="what">{_badge(run)} {escape(facts)}</p></header>'
        f"{_sums(run)}{drawing(run, lines, number)}"
        f"<h3>What must come of it</h3>{_expectations(run)}"
        '<h3>What happened</h3><table class="story"><thead><tr>'
        "<th>when</th><th>where</th><th>what</th><th>in words</th>"
        f"</tr></thead><tbody>{''.join(_rows(lines, number))}</tbody></table></section>\n"
    )


def _badge(run: Run) -> str:
    return f'<span class="badge {"ok" if run.passed else "no"}">{"passed" if run.passed else "failed"}</span>'


# --- in numbers ----------------------------------------------------------------------------------


def _sums(run: Run) -> str:
    told = [message for _, message in run.history.told() if message.kind is MessageKind.TRIGGER]
    percent, low = _users(run)
    holds = sum(each.holds for each in run.judged)
    rows = [
        ("users served", f"{percent:.1f} %", f"at the least {low:g} %"),
        ("pages", str(len(_pages(run))), "to whoever is on call"),
        ("notifications", str(sum(each.channel is Channel.NOTIFY for each in told)), "to the team"),
        ("drains", str(_drains(run)), "by the worker"),
        ("expectations", f"{holds} of {len(run.judged)}", "hold"),
    ]
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{value}<small>{of}</small></dd></div>" for name, value, of in rows
    )
    return f'<dl class="sums">{cells}</dl>'


def _users(run: Run) -> tuple[float, float]:
    """Of a hundred users over the whole run: how many were served, and how few at the worst."""
    end, steps = run.scenario.run.total_seconds(), [(at, what.percent) for at, what in served(run)]
    nexts = [at for at, _ in steps[1:]] + [end]
    whole = sum((until - at) * percent for (at, percent), until in zip(steps, nexts, strict=True))
    return whole / end, min((percent for _, percent in steps), default=0.0)


def _drains(run: Run) -> int:
    return sum(effect.verb == Verb.DRAIN and effect.by_worker for _, effect in effects(run))


def _pages(run: Run) -> list[str]:
    return [
        message.title
        for _, message in run.history.told()
        if message.channel is Channel.PAGE and message.kind is MessageKind.TRIGGER
    ]


# --- in words ------------------------------------------------------------------------------------


def _expectations(run: Run) -> str:
    """What does not hold comes first: it is what the page was opened for."""
    fails = "".join(_failed(each) for each in run.judged if not each.holds)
    holds = "".join(f"<li>{escape(each.text)}</li>" for each in run.judged if each.holds)
    return f'<ul class="asked fails">{fails}</ul><ul class="asked holds">{holds}</ul>'


def _failed(each: Judged) -> str:
    lines = [
        *([f"instead: {each.instead}"] if each.instead else []),
        *(f"because {line}" for line in each.why),
    ]
    why = "".join(f'<div class="why">{escape(line)}</div>' for line in lines)
    return f"<li><strong>{escape(each.text)}</strong>{why}</li>"


def _rows(lines: Sequence[Line], number: int) -> Iterator[str]:
    for place, line in enumerate(lines):
        until = f" (until {clock_words(line.until)})" if line.until is not None else ""
        kind = line.mark if line.mark in (Mark.EFFECT, Mark.PAGE) else ""
        own = f"s{number}l{place}"
        yield (
            f'<tr id="{own}" class="{kind}"><td class="t"><a href="#{own}">{clock_words(line.at)}</a></td>'
            f'<td class="t">{escape(line.stamp or "all")}</td><td class="k {line.mark}">{line.mark}</td>'
            f"<td>{escape(line.words)}{until}</td></tr>"
        )
