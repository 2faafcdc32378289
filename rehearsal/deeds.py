"""What did the workers do to the world, and by which intent?

For the sentence `journal complete` of a scenario, and for the checkers of the promises: both ask what
stood in the ledger when something was done.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rehearsal.history import FENCE, Effect, Happening, History, Kind
from remediation.ledger.intent import Intent, IntentState, LeverKind
from remediation.ledger.record import WorkloadRecord

_Place = tuple[str, str, LeverKind | None]
_Leased = dict[tuple[str, str], tuple[str, WorkloadRecord]]
"""Of an intent and a worker: the token of its newest lease, and the record by which it was taken."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What a worker did to the world, and what stood in the ledger when it did.

    Attributes:
        at: when.
        who: which worker.
        effect: what.
        words: the same, as the timeline tells it.
        record: the newest in the ledger at that moment.
        leased: the one by which that worker took its lease, which another may have taken over since;
            `record` where it never had one.
        intent: that it carries out: the one that is being acted upon, of this verb, stamp and lever.
        before: one that was acted upon earlier, where none is now.
    """

    at: float
    who: str
    effect: Effect
    words: str
    record: WorkloadRecord
    leased: WorkloadRecord
    intent: Intent | None
    before: Intent | None

    def __str__(self) -> str:
        lever = f" by {self.effect.lever}" if self.effect.lever else ""
        return f"{self.effect.verb} of {self.effect.stamp or self.effect.target}{lever} by {self.who}"


def deeds_of(history: History, workload: str) -> Iterator[Deed]:
    """What workers did, in order; fencing is none of it."""
    record = WorkloadRecord(workload)
    leased: _Leased = {}
    acted: dict[_Place, Intent] = {}
    for each in history.of(Kind.WRITTEN, Kind.EFFECT):
        if isinstance(each.what, WorkloadRecord):
            record = each.what
            for intent in _acting(record):
                acted[_place(intent)] = intent
                lease = intent.lease
                if lease and leased.get((intent.id, lease.owner), ("",))[0] != lease.token:
                    leased[intent.id, lease.owner] = lease.token, record
        elif isinstance(each.what, Effect) and each.what.by_worker and each.what.verb != FENCE:
            yield _deed(each, each.what, record, leased, acted)


def _deed(
    each: Happening,
    effect: Effect,
    record: WorkloadRecord,
    leased: _Leased,
    acted: dict[_Place, Intent],
) -> Deed:
    place = (str(effect.verb), effect.stamp, effect.lever)
    now = (
        intent
        for intent in _acting(record)
        if _place(intent) == place and effect.intent in ("", intent.id)  # told to the other side, or not
    )
    intent = next(now, None)
    own = leased.get((intent.id, each.who)) if intent else None
    return Deed(
        at=each.at,
        who=each.who,
        effect=effect,
        words=each.words,
        record=record,
        leased=own[1] if own else record,
        intent=intent,
        before=None if intent else acted.get(place),
    )


def _acting(record: WorkloadRecord) -> list[Intent]:
    return [intent for intent in record.intents.values() if intent.state is IntentState.ACTING]


def _place(intent: Intent) -> _Place:
    return str(intent.verb), intent.stamp, intent.lever if intent.verb.moves_a_lever else None
