"""What stood in the way? The worker's own words, from its records and journal, as short as can be."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rehearsal.expect.returns import why_no_return
from rehearsal.history import Effect, Happening, History, Kind
from rehearsal.scenario.moments import clock_words
from remediation.ledger.intent import Intent, IntentState, LeverKind, Verb
from remediation.ledger.record import WorkloadRecord

if TYPE_CHECKING:
    from rehearsal.scenario.load import Scenario

LINES_MOST = 8


def why_not(
    history: History, scenario: "Scenario", verb: Verb, stamp: str | None, until: float | None
) -> tuple[str, ...]:
    """Why a step was not taken until then: which guardrail held it and when, or what else it waited for."""
    held = _held(history, verb, stamp, until)
    if verb is Verb.REJOIN:
        waited = [*why_no_return(history, scenario, stamp, until), *held]
        return (*waited[:LINES_MOST], *findings_of(history, stamp))
    return (*(held[:LINES_MOST] or [f"no guardrail held a {verb}"]), *findings_of(history, stamp))


def _held(history: History, verb: Verb, stamp: str | None, until: float | None) -> list[str]:
    spans: dict[tuple[str, str], tuple[float, float, str]] = {}
    for happening, record in history.records():
        if until is not None and happening.at > until:
            break
        for held in record.held:
            if held.verb == verb and stamp in (None, held.stamp):
                key = (held.stamp, str(held.guardrail))
                first = spans.get(key, (happening.at, 0, ""))[0]
                spans[key] = (first, happening.at, held.reason)
    return [
        f"{verb} of {name} held by {guardrail} from {clock_words(first)} to {clock_words(last)}: {reason}"
        for (name, guardrail), (first, last, reason) in spans.items()
    ]


def moves(history: History, stamp: str | None) -> list[tuple[Happening, Effect, str]]:
    """Each move of a lever there, by workers and by people, and in words: who, when, which lever, why."""
    found = []
    going: dict[tuple[Verb | str, str, LeverKind | None], Intent] = {}
    for each in history.of(Kind.WRITTEN, Kind.EFFECT):
        if isinstance(each.what, WorkloadRecord):
            acting = [one for one in each.what.intents.values() if one.state is IntentState.ACTING]
            going.update({(one.verb, one.stamp, one.lever): one for one in acting})
        elif isinstance(each.what, Effect) and each.what.verb in (Verb.DRAIN, Verb.REJOIN):
            effect = each.what
            if stamp not in (None, effect.stamp):
                continue
            intent = going.get((effect.verb, effect.stamp, effect.lever)) if effect.by_worker else None
            reason = f": {intent.reason}" if intent else ""
            by = f"{effect.verb} of {effect.stamp} by {effect.lever}"
            found.append((each, effect, f"{by} at {clock_words(each.at)}, by {each.who}{reason}"))
    return found


def why_by_another_lever(history: History, stamp: str | None, verb: Verb, lever: str) -> tuple[str, ...]:
    """Which lever was moved instead of the one that was expected, and whether it was seen to help."""
    lines = [words for _, effect, words in moves(history, stamp) if effect.verb == verb and effect.by_worker]
    if verb is Verb.REJOIN:
        return (
            *lines[:LINES_MOST],
            f"a return moves back what the drain had moved, and that was not {lever}",
        )
    for happening, record in history.records():
        helped = [
            one
            for one in record.intents.values()
            if one.verb is verb and stamp in (None, one.stamp) and one.state is IntentState.VERIFIED
        ]
        if helped:
            lines.append(
                f"that {verb} was seen to help at {clock_words(happening.at)}, so {lever} was not moved too"
            )
            break
    return (*lines[:LINES_MOST], *findings_of(history, stamp))


def why_at_the_end(history: History, scenario: "Scenario", stamp: str, *, out: bool) -> tuple[str, ...]:
    """Why a stamp is in rotation at the end, or out of it: the moves there, and what the next one lacked."""
    made = moves(history, stamp)
    lines = tuple(words for _, _, words in made[-LINES_MOST:])
    if out and made and made[-1][1].by_worker:
        return (*lines, *why_not(history, scenario, Verb.REJOIN, stamp, None))
    if made:
        return lines
    return why_not(history, scenario, Verb.REJOIN if out else Verb.DRAIN, stamp, None)


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
