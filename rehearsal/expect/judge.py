"""Does an expectation hold for what happened? If not: what happened instead, when, and why?"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rehearsal.expect.complete import lost_signals, without_intent
from rehearsal.expect.why import (
    findings_of,
    moves,
    verdicts_of,
    why_at_the_end,
    why_by_another_lever,
    why_not,
)
from rehearsal.expect.words import Ask, Expectation
from rehearsal.history import Effect, Happening, History, Kind, Served
from rehearsal.scenario.late import LANDED, Landed
from rehearsal.scenario.moments import clock_words
from remediation.ledger.intent import Verb
from remediation.ledger.told import Channel, Message, MessageKind

if TYPE_CHECKING:
    from rehearsal.scenario.load import Scenario

SHOWN_MOST = 6

_Done = tuple[float, str, Effect]
_VERBS = {
    Ask.DRAINED: Verb.DRAIN,
    Ask.REJOINED: Verb.REJOIN,
    Ask.RESTARTED: Verb.RESTART,
    Ask.ASKED: Verb.WEBHOOK,
}
_MESSAGES = {
    Ask.PAGES: (Channel.PAGE, MessageKind.TRIGGER),
    Ask.RESOLVED: (Channel.PAGE, MessageKind.RESOLVE),
    Ask.NOTIFIED: (Channel.NOTIFY, MessageKind.TRIGGER),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """An expectation, and whether it holds.

    Attributes:
        text: as it stands in the file.
        holds: whether it does.
        instead: what happened instead, and when; empty where it holds.
        why: what stood in the way, by the worker's own journal.
    """

    text: str
    holds: bool
    instead: str = ""
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """All that an expectation is held against."""

    asked: Expectation
    history: History
    scenario: "Scenario"
    out: Collection[str]

    def said(self, found: Iterable[tuple[float, str]], what: str) -> str:
        """What happened instead, with times."""
        rows = list(found)
        shown = [f"{words} at {clock_words(at)}" for at, words in rows[:SHOWN_MOST]]
        more = [f"and {len(rows) - SHOWN_MOST} more"] if len(rows) > SHOWN_MOST else []
        return "; ".join([*shown, *more]) or f"no {what} in {clock_words(self.scenario.run.total_seconds())}"


def judge(expectation: Expectation, history: History, scenario: "Scenario", out: Collection[str]) -> Judged:
    """Hold one expectation against a history; `out` are the stamps that are out at its end."""
    case = _Case(expectation, history, scenario, out)
    return _JUDGES[expectation.ask](case)


def _deeds(case: _Case) -> Judged:
    asked, verb = case.asked, _VERBS[case.asked.ask]
    done = [
        (each.at, f"{verb} of {effect.stamp or effect.target} ({each.words})", effect)
        for each, effect in case.history.effects()
        if effect.verb == verb and effect.by_worker
    ]
    at_stamp = [
        row for row in done if asked.stamp in (None, row[2].stamp) and _by(asked, row[2].lever, row[2].target)
    ]
    in_time = [row for row in at_stamp if asked.span.holds(row[0])]
    if asked.never:
        if not in_time:
            return Judged(asked.text, holds=True)
        said = case.said(((at, words) for at, words, _ in in_time), str(verb))
        return Judged(asked.text, holds=False, instead=said, why=findings_of(case.history, asked.stamp))
    if in_time:
        return Judged(asked.text, holds=True)
    said = case.said(((at, words) for at, words, _ in done), f"{verb} by a worker")
    return Judged(asked.text, holds=False, instead=said, why=_why_no_deed(case, done, at_stamp))


def _why_no_deed(case: _Case, done: Sequence[_Done], at_stamp: Sequence[_Done]) -> tuple[str, ...]:
    """What held it until it came; where it came too soon, why it came; where by another lever, which."""
    asked, verb = case.asked, _VERBS[case.asked.ask]
    by = asked.span.by
    late = [at for at, _, _ in at_stamp if by is not None and at > by.total_seconds()]
    if at_stamp and not late:
        made = (words for _, effect, words in moves(case.history, asked.stamp) if effect.verb == verb)
        return tuple(made) or findings_of(case.history, asked.stamp)
    there = [row for row in done if asked.stamp in (None, row[2].stamp)]
    if not at_stamp and there and asked.ask in (Ask.DRAINED, Ask.REJOINED):
        return why_by_another_lever(case.history, asked.stamp, verb, asked.name)
    return why_not(case.history, case.scenario, verb, asked.stamp, min(late, default=None))


def _by(asked: Expectation, lever: object, target: str) -> bool:
    if asked.ask is Ask.ASKED:
        return asked.name == target
    return not asked.name or str(lever) == asked.name


def _told(case: _Case) -> Judged:
    asked = case.asked
    channel, kind = _MESSAGES[asked.ask]
    every = [
        (each, message, f"'{message.title}'{f' as {message.severity}' if asked.severity else ''}")
        for each, message in case.history.told()
        if (message.channel, message.kind) == (channel, kind)
    ]
    chosen = [row for row in every if _is_meant(asked, row[0], row[1])]
    if _is_enough(asked, len(chosen)):
        return Judged(asked.text, holds=True)
    shown = chosen if asked.least < len(chosen) else every
    word = {Ask.PAGES: "page", Ask.RESOLVED: "resolved page", Ask.NOTIFIED: "notification"}[asked.ask]
    said = case.said(((each.at, words) for each, _, words in shown), word)
    return Judged(
        asked.text, holds=False, instead=f"{len(chosen)}: {said}", why=findings_of(case.history, asked.stamp)
    )


def _is_meant(asked: Expectation, each: Happening, message: Message) -> bool:
    at = asked.stamp is None or asked.stamp == (each.stamp or "global")
    loud = asked.severity is None or asked.severity is message.severity
    return at and loud and asked.saying.lower() in _whole(each).lower() and asked.span.holds(each.at)


def _whole(each: Happening) -> str:
    """All words of a message, its facts too."""
    facts = getattr(each.what, "facts", ())
    return " ".join([each.words, *(f"{label}: {text}" for label, text in facts)])


def _is_enough(asked: Expectation, count: int) -> bool:
    return asked.least <= count and (asked.most is None or count <= asked.most)


def _judged(
    rows: Callable[[History], Iterator[tuple[float, str, str, str]]], what: str
) -> Callable[[_Case], Judged]:
    """For what the journal says: rows of time, stamp, name and words."""

    def judged(case: _Case) -> Judged:
        asked = case.asked
        every = list(rows(case.history))
        found = [
            row
            for row in every
            if row[2] == asked.name and asked.stamp in (None, row[1]) and asked.span.holds(row[0])
        ]
        if asked.never:
            said = case.said(((row[0], row[3]) for row in found), what)
            return Judged(asked.text, not found, said if found else "")
        if found:
            return Judged(asked.text, holds=True)
        first = {(row[1], row[2]): (row[0], row[3]) for row in reversed(every)}
        said = case.said(sorted(first.values()), what)
        return Judged(asked.text, holds=False, instead=said, why=findings_of(case.history, asked.stamp))

    return judged


def _holds(history: History) -> Iterator[tuple[float, str, str, str]]:
    for happening, record in history.records():
        for held in record.held:
            words = f"{held.verb} of {held.stamp} held by {held.guardrail} ({held.reason})"
            yield happening.at, held.stamp or "global", str(held.guardrail), words


def _findings(history: History) -> Iterator[tuple[float, str, str, str]]:
    for happening, record in history.records():
        for asked, finding in record.findings.items():
            stamp = asked.stamp or "global"
            yield happening.at, stamp, asked.rule, f"{asked.rule} at {stamp} ({finding.reason})"


def _served(case: _Case) -> Judged:
    asked, end = case.asked, case.scenario.run.total_seconds()
    first = asked.span.after.total_seconds() if asked.span.after else 0.0
    last = asked.span.by.total_seconds() if asked.span.by else end
    whole, low, percent = 0.0, (first, 100.0), 100.0
    at = first
    for each in case.history.of(Kind.SERVED):
        if not isinstance(each.what, Served) or each.at > last:
            continue
        if each.at > at:
            whole += (each.at - at) * percent
            at = each.at
        percent = each.what.percent
        if each.at >= first and percent < low[1]:
            low = (each.at, percent)
    served = (whole + (last - at) * percent) / max(last - first, 1e-9)
    if served >= asked.least:
        return Judged(asked.text, holds=True)
    said = f"{served:.1f} % were served; the least was {low[1]:g} % at {clock_words(low[0])}"
    return Judged(asked.text, holds=False, instead=said)


def _at_the_end(case: _Case) -> Judged:
    asked = case.asked
    stamp, out = asked.stamp or "", asked.stamp in case.out
    if out == (asked.name == "out"):
        return Judged(asked.text, holds=True)
    why = why_at_the_end(case.history, case.scenario, stamp, out=out)
    return Judged(asked.text, holds=False, instead=f"{stamp} is {'out' if out else 'in'}", why=why)


def _dead_letters(case: _Case) -> Judged:
    letters = [(each.at, each.words) for each in case.history.of(Kind.BURIED)]
    holds = _is_enough(case.asked, len(letters))
    return Judged(case.asked.text, holds, "" if holds else case.said(letters, "dead letter"))


def _journal(case: _Case) -> Judged:
    history, scenario = case.history, case.scenario
    lost = [
        *lost_signals(history, scenario.run.total_seconds()),
        *without_intent(history, scenario.charge.workload.name),
    ]
    more = [f"and {len(lost) - SHOWN_MOST} more"] if len(lost) > SHOWN_MOST else []
    return Judged(case.asked.text, not lost, "; ".join([*lost[:SHOWN_MOST], *more]))


def _fenced_off(case: _Case) -> Judged:
    """A late deletion landed, and the file stood under another ETag. That none ever left is no proof."""
    asked = case.asked
    landed = [
        (each, each.what[1])
        for each in case.history.of(Kind.WORLD)
        if isinstance(each.what, tuple) and each.what[0] == LANDED and each.stamp == asked.stamp
    ]
    came = [name for each, name in landed if asked.span.holds(each.at)]
    holds = bool(came) and all(name == Landed.FENCED_OFF.name for name in came)
    said = case.said(((each.at, each.words) for each, _ in landed), "late deletion landed")
    return Judged(asked.text, holds, "" if holds else said)


_JUDGES: dict[Ask, Callable[[_Case], Judged]] = {
    **dict.fromkeys(_VERBS, _deeds),
    **dict.fromkeys(_MESSAGES, _told),
    Ask.HELD_BY: _judged(_holds, "hold"),
    Ask.VERDICT: _judged(verdicts_of, "verdict"),
    Ask.FINDING: _judged(_findings, "finding"),
    Ask.SERVED: _served,
    Ask.AT_THE_END: _at_the_end,
    Ask.DEAD_LETTERS: _dead_letters,
    Ask.JOURNAL: _journal,
    Ask.FENCED_OFF: _fenced_off,
}
