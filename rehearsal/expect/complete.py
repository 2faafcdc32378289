"""Is the journal complete? Every signal is in a decision, and no effect is without its intent (P4, P6)."""

from collections.abc import Iterator

from rehearsal.deeds import deeds_of
from rehearsal.history import Happening, History, Kind, Sent
from rehearsal.scenario.moments import clock_words
from remediation.ledger.intent import LeverKind

WITHIN_SECONDS = 60.0
"""So long, with nothing wrong, until what was sent is in a decision: what is younger at the end may wait."""


def lost_signals(history: History, end: float) -> Iterator[str]:
    """What was sent and never taken in, and what was taken in and is in no decision.

    A body that was refused was answered so. It is known only that there were some; where there were, only
    what was taken in is asked for.
    """
    named = {signal for _, entry in history.journal() for signal in entry.signals}
    taken = {one for each in history.of(Kind.TAKEN) for one in _ids(each)}
    refused = any(True for _ in history.of(Kind.REFUSED))
    for each in history.of(Kind.SENT):
        if not isinstance(each.what, Sent):
            continue
        for signal in each.what.signals:
            excused = signal not in taken and (refused or each.at > end - WITHIN_SECONDS)
            if signal in named or excused:
                continue
            came = "taken in, and in no decision" if signal in taken else "never taken in"
            yield f"signal {signal} sent at {clock_words(each.at)} was {came}"


def without_intent(history: History, workload: str) -> Iterator[str]:
    """The effects of workers for which no intent was being acted upon in the ledger when they came.

    A change of a Front Door origin cannot be fenced off, for it has no ETag: there it is enough that its
    intent was acted upon at some time before.
    """
    for deed in deeds_of(history, workload):
        late = deed.before is not None and deed.effect.lever is LeverKind.FRONT_DOOR
        if deed.intent is None and not late:
            yield f"{deed.words} at {clock_words(deed.at)} without an intent"


def _ids(happening: Happening) -> tuple[str, ...]:
    return happening.what if isinstance(happening.what, tuple) else ()
