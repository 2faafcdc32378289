"""What may people order, and what becomes of an order that touches no stamp?

Hold, release and silence change how the worker acts and tells from now on.
Drain and rejoin are in `by_hand`, approvals in `approvals`. Every order changes
a draft or says why not; nothing is changed where the answer is no.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from remediation.decide.case import Guardrail, Hold
from remediation.decide.draft import Draft
from remediation.decide.silences import covers
from remediation.ledger.intent import Intent, IntentState
from remediation.ledger.orders import HoldSwitch, Silence
from remediation.ledger.record import HeldStep, WorkloadRecord
from rules.problems import did_you_mean

AUTHOR_MOST = 100
REASON_MOST = 500
FAMILY_MOST = 100

SILENCES_MOST = 50
"""So many may stand at once: the record is bounded."""

SILENCE_LONGEST = timedelta(days=7)
"""Whoever wants longer says so again: a silence that everybody has forgotten hides the next outage."""


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """Stop all acting; pages go on."""

    author: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """End the hold."""

    author: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SilenceOrder:
    """Tell nobody about what it covers; deciding and acting go on."""

    author: str
    reason: str
    until: datetime
    stamp: str | None = None
    family: str = "*"


@dataclass(frozen=True, slots=True)
class EndSilenceOrder:
    """End a silence before its time."""

    author: str
    silence: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DrainOrder:
    """Take a stamp out of rotation; only a person brings it back."""

    author: str
    reason: str
    stamp: str


@dataclass(frozen=True, slots=True)
class RejoinOrder:
    """Bring back a stamp that the worker took out, for a rule or for a person.

    Attributes:
        unproven: bring it back though its recovery is not proven.
    """

    author: str
    reason: str
    stamp: str
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class ApproveOrder:
    """Let somebody else's step go on."""

    author: str
    approval: str
    reason: str = ""


Order = HoldOrder | ReleaseOrder | SilenceOrder | EndSilenceOrder | DrainOrder | RejoinOrder | ApproveOrder


class WrongOrderError(Exception):
    """The order makes no sense as it was given; says what was expected."""


@dataclass(frozen=True, slots=True)
class AskedGuardrail:
    """What one guardrail says to an order.

    Attributes:
        name: in words.
        hold: why it holds; None where it lets the order pass.
    """

    name: str
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of an order.

    Attributes:
        does: what it does, in sentences.
        warnings: what people should know before they say yes.
        asked: each guardrail's answer, where it moves a stamp.
        refused: why it is not followed, if that is no guardrail's doing.
        approval: id of the request that somebody else must approve first.
    """

    does: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    asked: tuple[AskedGuardrail, ...] = ()
    refused: str = ""
    approval: str = ""

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The guardrails that hold it."""
        return tuple(asked.hold for asked in self.asked if asked.hold)

    @property
    def follows(self) -> bool:
        """Whether the order is followed."""
        return not self.refused and not self.holds


def hold(draft: Draft, order: HoldOrder) -> Answer:
    """Stop all acting. Steps that have begun come to their end; those that have not are withdrawn."""
    author, reason = said_by(order.author), reason_of(order.reason)
    _in_future(order.until, draft.now)
    before, until = draft.hold, _until(order.until)
    draft.hold = HoldSwitch(author, reason, order.until)
    replaced = f", in the place of a hold by {before.author}" if before else ""
    draft.happened(f"hold by {author}{until}{replaced}: {reason}")
    nothing = f"nothing is done to any stamp{until or ' until it is released'}; pages go on"
    return Answer((nothing, *(_held_back(intent) for intent in draft.view().in_flight())))


def _held_back(intent: Intent) -> str:
    step = f"{intent.verb} of {intent.stamp}"
    if intent.state is IntentState.PLANNED:
        return f"{step} is planned: it is withdrawn"
    return f"{step} has begun ({intent.state}): it comes to its end"


def release(draft: Draft, order: ReleaseOrder) -> Answer:
    """End the hold. A marker in the ledger's store is not the worker's to remove."""
    author, held, marker = said_by(order.author), draft.hold, draft.marker
    if held is None:
        return Answer(refused=_by_marker(marker) if marker else "nothing is held")
    draft.hold = None
    draft.happened(f"hold by {held.author} released by {author}{_because(order.reason)}")
    waiting = (_goes_on(step) for step in draft.held if step.guardrail == Guardrail.HOLD_SWITCH)
    warnings = (_by_marker(marker),) if marker else ()
    return Answer((f"the hold by {held.author} ends: {held.reason}", *waiting), warnings)


def _by_marker(marker: HoldSwitch) -> str:
    return f"a marker in the ledger's store holds ({marker.reason}): remove that file or blob"


def _goes_on(step: HeldStep) -> str:
    return f"{step.verb} of {step.stamp} has waited for it; it goes on if nothing else holds it"


def silence(draft: Draft, order: SilenceOrder, families: Collection[str] = ()) -> Answer:
    """Mute telling for a time. What is still red at its end is paged.

    Args:
        draft: changed.
        order: what is to be muted.
        families: those that there are, to warn of a silence that covers none; empty: nobody knows them.
    """
    _in_future(order.until, draft.now)
    if order.until - draft.now > SILENCE_LONGEST:
        raise WrongOrderError(f"until: at most {SILENCE_LONGEST.days} days from now were expected")
    standing = tuple(one for one in draft.silences if one.until > draft.now)
    if len(standing) >= SILENCES_MOST:
        return Answer(refused=f"{SILENCES_MOST} silences stand already; end some of them")
    # Those that have ended are kept for a while, as long as there is room.
    kept = draft.silences if len(draft.silences) < SILENCES_MOST else standing
    muted = Silence(
        id=f"s{draft.before.revision + 1}",
        author=said_by(order.author),
        reason=reason_of(order.reason),
        since=draft.now,
        until=order.until,
        stamp=order.stamp,
        family=_clean("family", order.family, FAMILY_MOST),
    )
    draft.silences = (*kept, muted)
    muting = f"{about(muted)}{_until(muted.until)}"
    draft.happened(f"silence {muted.id} by {muted.author} of {muting}: {muted.reason}")
    hidden = hides(draft.view(), muted)
    return Answer(
        (
            f"nobody is told about {muting}; deciding and acting go on",
            *hidden,
            *([] if hidden else ["nothing that is open now is hidden by it"]),
            f"it ends by itself, or with its id, {muted.id}; what is still red then is paged",
        ),
        () if hidden else _covers_none(muted, families),
    )


def _covers_none(muted: Silence, families: Collection[str]) -> tuple[str, ...]:
    """A slip in a family's name, said before somebody relies on it."""
    if not families or any(covers(muted, muted.stamp, family) for family in families):
        return ()
    hint = did_you_mean(muted.family, sorted(families), f"there are: {', '.join(sorted(families))}")
    return (f"no family is {muted.family}: it will hide nothing; {hint}",)


def hides(record: WorkloadRecord, muted: Silence) -> list[str]:
    """What a silence hides of what stands now: open incidents, and findings that have none of their own."""
    incidents = [i for i in record.incidents.values() if covers(muted, i.stamp, i.family)]
    known = {(incident.stamp, incident.family) for incident in incidents}
    findings = [
        finding
        for finding in record.findings.values()
        if covers(muted, finding.stamp, finding.family) and (finding.stamp, finding.family) not in known
    ]
    return [
        *(f"hides incident {incident.key}: {incident.summary}" for incident in incidents),
        *(f"hides {found.rule} at {found.stamp or 'the workload'}: {found.reason}" for found in findings),
    ]


def about(muted: Silence) -> str:
    """What a silence covers, in words."""
    where = muted.stamp or "the whole workload"
    return where if muted.family == "*" else f"{muted.family} at {where}"


def end_silence(draft: Draft, order: EndSilenceOrder) -> Answer:
    """End a silence now. What is still red is paged, as at its own end."""
    author = said_by(order.author)
    muted = next((one for one in draft.silences if one.id == order.silence and one.until > draft.now), None)
    if muted is None:
        standing = ", ".join(one.id for one in draft.silences if one.until > draft.now) or "none"
        return Answer(refused=f"no silence {order.silence} stands; there are: {standing}")
    # It stays in the record as one that has ended: whoever tells people must see that there was one.
    ended = replace(muted, until=draft.now)
    draft.silences = tuple(ended if one is muted else one for one in draft.silences)
    draft.happened(f"silence {muted.id} of {about(muted)} ended by {author}{_because(order.reason)}")
    return Answer((f"people are told about {about(muted)} again; what is still red is paged",))


def said_by(author: str) -> str:
    """The author of an order, fit for the journal.

    Raises:
        WrongOrderError: nobody is named.
    """
    return _clean("author", author, AUTHOR_MOST)


def reason_of(reason: str) -> str:
    """The reason of an order, fit for the journal.

    Raises:
        WrongOrderError: there is none.
    """
    return _clean("reason", reason, REASON_MOST)


def _clean(what: str, text: str, most: int) -> str:
    """One line of printable characters: it goes into the journal, into cards and onto terminals."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if not line:
        raise WrongOrderError(f"{what}: a few words were expected")
    if len(line) > most:
        raise WrongOrderError(f"{what}: at most {most} characters were expected, and it has {len(line)}")
    return line


def _in_future(until: datetime | None, now: datetime) -> None:
    if until is not None and until <= now:
        raise WrongOrderError(f"until: a time after {now:%Y-%m-%d %H:%M} UTC was expected")


def _until(until: datetime | None) -> str:
    return f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""


def _because(reason: str) -> str:
    return f": {reason_of(reason)}" if reason else ""
