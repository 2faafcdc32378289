"""What is worth telling of a run? The history without its small print, and what stood in the way.

The one account from which terminal, JSON and page are made, so that they never differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rehearsal.history import Effect, Happening, Kind, Served
from rehearsal.report.news import News, order_words
from rehearsal.run import Run
from remediation.ledger.told import Channel, Message


class Mark(StrEnum):
    """What a line of the story is about."""

    WORLD = "world"
    SIGNAL = "signal"
    RULE = "rule"
    VERDICT = "verdict"
    HELD = "held"
    EFFECT = "effect"
    PAGE = "page"
    NOTIFICATION = "notification"
    USERS = "users"
    WORKER = "worker"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story.

    Attributes:
        at: seconds since the beginning.
        mark: what it is about.
        stamp: which stamp; None for all of them.
        words: a sentence.
        until: for a hold, how long it lasted.
        happening: what it tells of, where that is one happening.
    """

    at: float
    mark: Mark
    stamp: str | None
    words: str
    until: float | None = None
    happening: Happening | None = None


@dataclass(frozen=True, slots=True)
class HoldSpan:
    """A guardrail that held a step, for as long as it did."""

    at: float
    until: float
    verb: str
    stamp: str
    guardrail: str
    reason: str


@dataclass(frozen=True, slots=True)
class VerdictSaid:
    """How far a fault reaches, when that was first said."""

    at: float
    stamp: str
    rule: str
    scope: str
    reason: str


_MARKS = {
    Kind.WORLD: Mark.WORLD,
    Kind.ROUTED: Mark.USERS,
    Kind.SERVED: Mark.USERS,
    Kind.SENT: Mark.SIGNAL,
    Kind.REFUSED: Mark.SIGNAL,
    Kind.BURIED: Mark.SIGNAL,
    Kind.EFFECT: Mark.EFFECT,
    Kind.PROCESS: Mark.WORKER,
    Kind.FAULT: Mark.WORKER,
    Kind.PERSON: Mark.PERSON,
    Kind.NOT_TOLD: Mark.WORKER,
}


def story(run: Run) -> list[Line]:
    """The lines, in order of time; of one moment what was thought comes before what was done."""
    lines = [*_rules(run)]
    lines += [
        Line(each.at, Mark.VERDICT, None if each.stamp == "global" else each.stamp, _verdict_words(each))
        for each in verdicts(run)
    ]
    lines += [
        Line(each.at, Mark.HELD, each.stamp or None, _held_words(each), each.until) for each in holds(run)
    ]
    return sorted([*lines, *_happened(run)], key=lambda line: line.at)


def _happened(run: Run) -> Iterator[Line]:
    news = News(run.history)
    for each in run.history.happenings:
        if isinstance(each.what, Message) and each.kind is Kind.TOLD:
            mark = Mark.PAGE if each.what.channel is Channel.PAGE else Mark.NOTIFICATION
            if said := news.of(each.at, each.what):
                yield Line(each.at, mark, each.stamp, said, happening=each)
        elif each.kind in _MARKS and not each.words.startswith("snapshot"):
            by = f"{each.who}: " if each.who and each.who not in each.words else ""
            words = f"{by}{order_words(each.words) if each.kind is Kind.PERSON else each.words}"
            yield Line(each.at, _MARKS[each.kind], each.stamp, words, happening=each)


def _rules(run: Run) -> Iterator[Line]:
    """The rules that begin and cease to hold."""
    before: dict[tuple[str, str | None], str] = {}
    for happening, record in run.history.records():
        now = {(asked.rule, asked.stamp): found.reason for asked, found in record.findings.items()}
        for rule, stamp in (key for key in now if key not in before):
            yield Line(happening.at, Mark.RULE, stamp, f"{rule} holds: {now[rule, stamp]}")
        for rule, stamp in (key for key in before if key not in now):
            yield Line(happening.at, Mark.RULE, stamp, f"{rule} no longer holds")
        before = now


def holds(run: Run) -> list[HoldSpan]:
    """Every guardrail that held a step, with when it began and ceased to."""
    spans: list[HoldSpan] = []
    open_now: dict[tuple[str, str, str], tuple[float, str]] = {}
    last = 0.0
    for happening, record in run.history.records():
        last = happening.at
        held = {(str(one.verb), one.stamp, str(one.guardrail)): one.reason for one in record.held}
        for key in [key for key in open_now if key not in held]:
            began, reason = open_now.pop(key)
            spans.append(HoldSpan(began, last, *key, reason))
        for key, reason in held.items():
            open_now[key] = (open_now.get(key, (last, ""))[0], reason)
    spans += [HoldSpan(began, last, *key, reason) for key, (began, reason) in open_now.items()]
    return sorted(spans, key=lambda span: (span.at, span.stamp, span.guardrail))


def _held_words(span: HoldSpan) -> str:
    return f"{span.verb} held by {span.guardrail}: {span.reason}"


def verdicts(run: Run) -> list[VerdictSaid]:
    """Every verdict on the reach of a fault, where it is new or differs from the last."""
    decided: dict[str, float] = {}
    for happening, record in run.history.records():
        for entry in record.journal:
            decided.setdefault(entry.id, happening.at)
    said: dict[tuple[str, str], str] = {}
    found = []
    for happening, entry in run.history.journal():
        at = decided.get(entry.id, happening.at)  # a decision may come into the journal later
        for rule, stamp, scope, reason in entry.scopes:
            if said.get((rule, stamp)) != scope:
                said[rule, stamp] = scope
                found.append(VerdictSaid(at, stamp, rule, scope, reason))
    return found


def _verdict_words(said: VerdictSaid) -> str:
    return f"{said.rule} is {said.scope}: {said.reason}"


def effects(run: Run) -> list[tuple[Happening, Effect]]:
    """Everything that was done to the world."""
    return list(run.history.effects())


def served(run: Run) -> list[tuple[float, Served]]:
    """How many users were served, from when on, and where they went."""
    return [(each.at, each.what) for each in run.history.of(Kind.SERVED) if isinstance(each.what, Served)]


def document(run: Run) -> dict[str, Any]:
    """For scripts: what `remediation rehearse --json` prints of one scenario (DESIGN §6)."""
    return {
        "file": run.scenario.file,
        "name": run.scenario.name,
        "row": run.scenario.row or None,
        "seed": run.seed,
        "passed": run.passed,
        "seconds": run.scenario.run.total_seconds(),
        "effects": [
            {
                "at": each.at,
                "stamp": effect.stamp or None,
                "verb": str(effect.verb),
                "lever": effect.lever and str(effect.lever),
                "target": effect.target or None,
                "by": each.who,
                "by_worker": effect.by_worker,
                "words": each.words,
            }
            for each, effect in effects(run)
        ],
        "pages": [_page(each, message) for each, message in run.history.told() if _is_page(message)],
        "notifications": [
            _page(each, message) for each, message in run.history.told() if not _is_page(message)
        ],
        "holds": [
            {
                "at": span.at,
                "until": span.until,
                "stamp": span.stamp or None,
                "verb": span.verb,
                "guardrail": span.guardrail,
                "words": span.reason,
            }
            for span in holds(run)
        ],
        "verdicts": [
            {
                "at": said.at,
                "stamp": None if said.stamp == "global" else said.stamp,
                "rule": said.rule,
                "scope": said.scope,
                "words": said.reason,
            }
            for said in verdicts(run)
        ],
        "expectations": [
            {"text": each.text, "holds": each.holds, "instead": each.instead or None, "why": list(each.why)}
            for each in run.judged
        ],
    }


def _is_page(message: Message) -> bool:
    return message.channel is Channel.PAGE


def _page(each: Happening, message: Message) -> dict[str, Any]:
    return {
        "at": each.at,
        "stamp": each.stamp,
        "kind": str(message.kind),
        "severity": str(message.severity),
        "incident": message.incident,
        "words": message.title,
    }
