"""What stood in the way? The worker's own words, from its records and journal, as short as can be."""

from collections.abc import Iterator

from rehearsal.history import History
from rehearsal.scenario.moments import clock_words
from remediation.ledger.intent import Verb

LINES_MOST = 8


def why_not(history: History, verb: Verb, stamp: str | None, until: float | None) -> tuple[str, ...]:
    """Why a step was not taken until then: which guardrail held it and when, or that no rule asked for it."""
    spans: dict[tuple[str, str], tuple[float, float, str]] = {}
    for happening, record in history.records():
        if until is not None and happening.at > until:
            break
        for held in record.held:
            if held.verb == verb and stamp in (None, held.stamp):
                key = (held.stamp, str(held.guardrail))
                first = spans.get(key, (happening.at, 0, ""))[0]
                spans[key] = (first, happening.at, held.reason)
    lines = [
        f"{verb} of {name} held by {guardrail} from {clock_words(first)} to {clock_words(last)}: {reason}"
        for (name, guardrail), (first, last, reason) in spans.items()
    ]
    reasons = lines[:LINES_MOST] or [f"no guardrail held a {verb}"]
    return (*reasons, *findings_of(history, stamp))


def findings_of(history: History, stamp: str | None) -> tuple[str, ...]:
    """Which rules ever held there, from when to when, and the last verdict on each."""
    spans: dict[tuple[str, str], tuple[float, float]] = {}
    for happening, record in history.records():
        for asked in record.findings:
            where = asked.stamp or "global"
            if stamp in (None, where):
                first = spans.get((asked.rule, where), (happening.at, 0))[0]
                spans[asked.rule, where] = (first, happening.at)
    scopes: dict[tuple[str, str], str] = {}
    for _, entry in history.journal():
        for rule, where, scope, reason in entry.scopes:
            scopes[rule, where] = f"{scope}: {reason}"
    lines = []
    for (rule, where), (first, last) in list(spans.items())[:LINES_MOST]:
        verdict = scopes.get((rule, where))
        said = f"; verdict {verdict}" if verdict else ""
        lines.append(f"{rule} held at {where} from {clock_words(first)} to {clock_words(last)}{said}")
    return tuple(lines) or ("no rule ever held there",)


def verdicts_of(history: History) -> Iterator[tuple[float, str, str, str]]:
    """Time, stamp, scope and words of every verdict on how far a fault reaches."""
    for happening, entry in history.journal():
        for rule, where, scope, reason in entry.scopes:
            yield happening.at, where, scope, f"{rule} at {where} is {scope} ({reason})"
