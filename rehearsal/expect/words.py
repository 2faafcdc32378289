"""What does a line of `expect` ask for?

A small language of sentences such as `drained: weu by 3m`, `never: drained neu`, `pages: 1 saying
global`, `held by: keeps_enough_serving at weu`. Closed, so that a slip is an error of the file.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from rehearsal.scenario.moments import parse_moment
from remediation.decide.case import Guardrail
from rules.problems import Complaint, did_you_mean, refusal
from rules.reach import Scope
from rules.signals import Severity


class Ask(StrEnum):
    """What an expectation is about."""

    DRAINED = "drained"
    REJOINED = "rejoined"
    RESTARTED = "restarted"
    ASKED = "asked"  # another system, by webhook
    PAGES = "pages"
    RESOLVED = "resolved"
    NOTIFIED = "notified"
    FENCED_OFF = "fenced off"  # a deletion that landed too late, by its ETag
    HELD_BY = "held by"
    VERDICT = "verdict"
    FINDING = "finding"
    SERVED = "users served"
    AT_THE_END = "at the end"
    DEAD_LETTERS = "dead letters"
    JOURNAL = "journal complete"


FORMS = {
    Ask.DRAINED: "STAMP [by state_file|front_door] [WHEN]",
    Ask.REJOINED: "STAMP [by state_file|front_door] [WHEN]",
    Ask.RESTARTED: "STAMP [WHEN]",
    Ask.ASKED: "NAME [WHEN]",
    Ask.PAGES: "[at least|at most] N [as SEVERITY] [at STAMP] [saying TEXT] [WHEN]",
    Ask.RESOLVED: "[at least|at most] N [as SEVERITY] [at STAMP] [saying TEXT] [WHEN]",
    Ask.NOTIFIED: "[at least|at most] N [as SEVERITY] [at STAMP] [saying TEXT] [WHEN]",
    Ask.FENCED_OFF: "STAMP [WHEN]",
    Ask.HELD_BY: "GUARDRAIL [at STAMP] [WHEN]",
    Ask.VERDICT: "SCOPE [at STAMP] [WHEN]",
    Ask.FINDING: "RULE [at STAMP] [WHEN]",
    Ask.SERVED: "at least N% [WHEN]",
    Ask.AT_THE_END: "STAMP is in|out",
    Ask.DEAD_LETTERS: "[at least|at most] N",
}
"""What follows each word. WHEN is `by T`, `after T`, `between T and T`."""

DEEDS = (Ask.DRAINED, Ask.REJOINED, Ask.RESTARTED, Ask.ASKED)
COUNTED = (Ask.PAGES, Ask.RESOLVED, Ask.NOTIFIED, Ask.DEAD_LETTERS)
JUDGED = (Ask.HELD_BY, Ask.VERDICT, Ask.FINDING)


@dataclass(frozen=True, slots=True)
class Span:
    """A time of the run, both ends in it; open where None."""

    after: timedelta | None = None
    by: timedelta | None = None

    def holds(self, seconds: float) -> bool:
        """Whether a moment lies in it."""
        early = self.after is not None and seconds < self.after.total_seconds()
        return not early and (self.by is None or seconds <= self.by.total_seconds())


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation.

    Attributes:
        text: as it stands in the file.
        ask: what it is about.
        never: it must not be so.
        stamp: at which stamp; None: at any, `global`: of the workload.
        name: the guardrail, scope, rule or webhook; for the end, `in` or `out`; of a lever, its name.
        saying: text that must be in the message.
        severity: how loudly it was told; None: in any way.
        least: how often, or how much, at least.
        most: at most.
        span: when.
    """

    text: str
    ask: Ask
    never: bool = False
    stamp: str | None = None
    name: str = ""
    saying: str = ""
    severity: Severity | None = None
    least: float = 1
    most: float | None = None
    span: Span = Span()


_TIME = r"(?:\d+(?:d|h|ms|m|s) ?)+"
_WHEN = re.compile(
    rf"\s*(?:\bby (?P<by>{_TIME})|\bafter (?P<after>{_TIME})"
    rf"|\bbetween (?P<first>{_TIME})and (?P<last>{_TIME}))$"
)
_COUNT = r"(?:(?P<bound>at least|at most) )?(?P<count>\d+)"
_AT = r"(?: at (?P<stamp>[a-z0-9-]+))?"
_AS = r"(?: as (?P<severity>[A-Za-z0-9]+))?"
_SAYING = r"(?: saying (?P<saying>.+))?"
_PATTERNS = {
    **dict.fromkeys(
        (Ask.DRAINED, Ask.REJOINED), r"(?P<stamp>[a-z0-9-]+)(?: by (?P<name>state_file|front_door))?"
    ),
    **dict.fromkeys((Ask.RESTARTED, Ask.FENCED_OFF), r"(?P<stamp>[a-z0-9-]+)"),
    Ask.ASKED: r"(?P<name>\S.*)",
    **dict.fromkeys((Ask.PAGES, Ask.RESOLVED, Ask.NOTIFIED), rf"{_COUNT}{_AS}{_AT}{_SAYING}"),
    **dict.fromkeys(JUDGED, rf"(?P<name>\S+){_AT}"),
    Ask.SERVED: r"at least (?P<count>\d+(?:\.\d+)?) ?%",
    Ask.AT_THE_END: r"(?P<stamp>[a-z0-9-]+) is (?P<name>in|out)",
    Ask.DEAD_LETTERS: _COUNT,
}
_NAMES = {Ask.HELD_BY: [str(one) for one in Guardrail], Ask.VERDICT: [str(one) for one in Scope]}
_NONE = {"no pages": Ask.PAGES, "no notifications": Ask.NOTIFIED, "no dead letters": Ask.DEAD_LETTERS}
_PAST = {"paged": "pages"}


def parse_expectation(value: object) -> Expectation:
    """The expectation that a text, or a mapping of one key, says.

    Raises:
        PydanticCustomError: it says none.
    """
    if isinstance(value, dict) and len(value) == 1:
        key, said = next(iter(value.items()))
        if isinstance(said, str | int) and not isinstance(said, bool):
            return _parse(str(key), str(said), f"{key}: {said}")
    if isinstance(value, str):
        key, _, said = value.partition(":")
        return _parse(key.strip(), said.strip(), value)
    raise refusal(
        Complaint("expected a sentence such as `drained: weu by 3m`", f"known: {', '.join(Ask)}, never")
    )


def _parse(key: str, said: str, text: str) -> Expectation:
    if key in (Ask.JOURNAL, *_NONE) or any(key.startswith(f"{word} ") for word in _NONE):
        return _without_words(key, said, text)
    if key == "never":
        return _never(said, text)
    return _affirmed(_word(key), said, text)


def _without_words(key: str, said: str, text: str) -> Expectation:
    if key == Ask.JOURNAL:
        if said:
            raise refusal(
                Complaint(f"expected nothing after `{key}`, found '{said}'", "it is of the whole run")
            )
        return Expectation(text, Ask.JOURNAL)
    word = next(word for word in _NONE if key.startswith(word))
    rest, span = _span(f"{key.removeprefix(word)} {said}".strip(), text)
    if rest:
        raise refusal(Complaint(f"expected nothing but a time after `{word}`, found '{rest}'"))
    return Expectation(text, _NONE[word], least=0, most=0, span=span)


def _never(said: str, text: str) -> Expectation:
    """`drained`, `drained neu`, `paged saying global`, `held by budget`: what must not be."""
    word = next((ask for ask in (*DEEDS, *JUDGED) if said == ask or said.startswith(f"{ask} ")), None)
    if word is None and (said == "paged" or said.startswith("paged ")):
        rest, span = _span(said.removeprefix("paged").strip(), text)
        found = re.fullmatch(rf"{_AS}{_AT}{_SAYING}", f" {rest}" if rest else "")
        if found is None:
            form = "never: paged [as SEVERITY] [at STAMP] [saying TEXT] [WHEN]"
            raise refusal(Complaint(f"expected `{form}`, found '{rest}'"))
        return Expectation(
            text,
            Ask.PAGES,
            stamp=found["stamp"],
            saying=found["saying"] or "",
            severity=_severity(found["severity"]),
            least=0,
            most=0,
            span=span,
        )
    if word is None:
        known = ", ".join(("paged", *DEEDS, *JUDGED))
        raise refusal(
            Complaint(f"expected one of {known} after `never`", did_you_mean(said, known.split(", ")))
        )
    rest, span = _span(said.removeprefix(word).strip(), text)
    if not rest and word in DEEDS:
        return Expectation(text, word, never=True, span=span)
    return _read(word, rest, text, span, never=True)


def _word(key: str) -> Ask:
    known = [str(one) for one in Ask]
    if key not in known:
        raise refusal(
            Complaint(f"unknown expectation `{key}`", did_you_mean(key, known, f"known: {', '.join(known)}"))
        )
    return Ask(key)


def _affirmed(ask: Ask, said: str, text: str) -> Expectation:
    rest, span = _span(said, text)
    return _read(ask, rest, text, span)


def _read(ask: Ask, said: str, text: str, span: Span, *, never: bool = False) -> Expectation:
    found = re.fullmatch(_PATTERNS[ask], said)
    if found is None:
        raise refusal(Complaint(f"expected `{ask}: {FORMS[ask]}`, found '{said}'"))
    parts = found.groupdict()
    name, count = parts.get("name") or "", parts.get("count")
    if ask in _NAMES and name not in _NAMES[ask]:
        hint = did_you_mean(name, _NAMES[ask], f"known: {', '.join(_NAMES[ask])}")
        raise refusal(Complaint(f"there is no {name}", hint))
    least, most = _bounds(ask, count, parts.get("bound"))
    return Expectation(
        text=text,
        ask=ask,
        never=never,
        stamp=parts.get("stamp"),
        name=name,
        saying=parts.get("saying") or "",
        severity=_severity(parts.get("severity")),
        least=least,
        most=most,
        span=span,
    )


def _severity(word: str | None) -> Severity | None:
    known = [str(one) for one in Severity]
    if word is None:
        return None
    if word not in known:
        hint = did_you_mean(word, known, f"known: {', '.join(known)}")
        raise refusal(Complaint(f"there is no severity {word}", hint))
    return Severity(word)


def _bounds(ask: Ask, count: str | None, bound: str | None) -> tuple[float, float | None]:
    if count is None:
        return 1, None
    number = float(count)
    if ask is Ask.SERVED or bound == "at least":
        return number, None
    return (0, number) if bound == "at most" else (number, number)


def _span(said: str, text: str) -> tuple[str, Span]:
    """What is left of a sentence without its time, and the time."""
    found = _WHEN.search(said)
    if found is None:
        return said.strip(), Span()
    rest = said[: found.start()].strip()
    times = {key: parse_moment(value.strip()) for key, value in found.groupdict().items() if value}
    span = Span(times.get("after") or times.get("first"), times.get("by") or times.get("last"))
    if span.after is not None and span.by is not None and span.after > span.by:
        raise refusal(Complaint(f"the time of '{text}' ends before it begins"))
    return rest, span
