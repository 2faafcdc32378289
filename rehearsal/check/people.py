"""Was everything heard, and was everybody told? P3 (the page says so), P6, P7, P8, P9."""

import re
from collections.abc import Iterator

from rehearsal.check.case import SKEW_MOST_SECONDS, Case, Violation
from rehearsal.faults.blob_store import LETTER
from rehearsal.faults.kinds import CallFault
from rehearsal.history import Happening, Kind, Sent
from rehearsal.world.what import What
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.told import Channel, Incident, Message, MessageKind
from rules.reach import Scope

TOLD_WITHIN_SECONDS = 60.0
"""So long, with nothing wrong, until whoever is to be told has been told."""

BLIND_WITHIN_SECONDS = 100.0
"""So long without a ledger until somebody has been woken: two ticks, and what their looks take."""

KEY = re.compile(r"^[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+$")


def signals_are_considered(case: Case) -> Iterator[Violation]:
    """P6: every signal that was taken in is named by a decision in the journal."""
    if any(each.words.startswith("parked") for each in case.history.of(Kind.BURIED)):
        return  # its bodies lie among the dead letters instead
    named = {signal for _, entry in case.history.journal() for signal in entry.signals}
    latest = case.end - TOLD_WITHIN_SECONDS
    for each in case.history.of(Kind.TAKEN):
        lost = [one for one in _ids(each) if one not in named]
        if lost and each.at < latest:
            yield Violation("P6", each.at, f"{len(lost)} signals are in no decision, such as {lost[0]}")


def signals_arrive(case: Case) -> Iterator[Violation]:
    """P6: what was sent to the hub is taken in, once whatever held it up is over."""
    refused = _gave_up(case)
    taken = {one for each in case.history.of(Kind.TAKEN) for one in _ids(each)}
    for each in case.history.of(Kind.SENT):
        if not isinstance(each.what, Sent) or each.at > case.end - TOLD_WITHIN_SECONDS or refused:
            continue
        lost = [one for one in each.what.signals if one not in taken]
        if lost:
            yield Violation("P6", each.at, f"{lost[0]} was sent and never taken in")


def _gave_up(case: Case) -> bool:
    """Whether a sender gave up: what it had to say was never accepted. A 4xx is an answer."""
    return any("refused with 4" not in each.words for each in case.history.of(Kind.REFUSED))


def _ids(taken: Happening) -> tuple[str, ...]:
    return taken.what if isinstance(taken.what, tuple) else ()


def decisions_are_kept(case: Case) -> Iterator[Violation]:
    """P6: each decision that ever waited in the record lies in the journal at the end."""
    kept = {entry.id for _, entry in case.history.journal()}
    for happening, record in case.records:
        for entry in record.journal:
            if entry.id not in kept and happening.at < case.end - TOLD_WITHIN_SECONDS:
                kept.add(entry.id)
                yield Violation("P6", happening.at, f"decision {entry.id} never came into the journal")


def the_unreadable_is_buried(case: Case) -> Iterator[Violation]:
    """P7: for each body that nobody could read there is a dead letter, known by its length."""
    if _gave_up(case) and case.disturbed_seconds > TOLD_WITHIN_SECONDS:
        return
    buried = {
        each.what[1]
        for each in case.history.of(Kind.BURIED)
        if isinstance(each.what, tuple) and each.what[0] == LETTER
    }
    for each in case.history.of(Kind.SENT):
        if not isinstance(each.what, Sent) or not each.what.body or each.what.signals:
            continue
        if each.at < case.end - TOLD_WITHIN_SECONDS and str(len(each.what.body)) not in buried:
            yield Violation("P7", each.at, f"{each.words} cannot be read, and there is no dead letter of it")


def openings_are_told(case: Case) -> Iterator[Violation]:
    """P8: each time an incident opens for which someone is to be woken, a page arrives."""
    pages = [(each.at, message) for each, message in _pages(case) if message.kind is MessageKind.TRIGGER]
    patience = TOLD_WITHIN_SECONDS + case.disturbed_seconds
    patience += 0.0 if case.clocks_are_right else SKEW_MOST_SECONDS
    for key, opened, closed in _openings(case):
        until = (closed or case.end) + patience
        # What a worker with a wrong clock died over, others tell when its time has come by that clock.
        may_be_short = closed is None or not case.clocks_are_right
        if may_be_short and until - opened < 2 * patience:
            continue
        if not any(message.incident == key and opened - 1 <= at <= until for at, message in pages):
            yield Violation("P8", opened, f"nobody was woken for {key}")


def _openings(case: Case) -> Iterator[tuple[str, float, float | None]]:
    """The incidents that someone is woken for: key, opened, ended."""
    open_now: dict[str, float] = {}
    for happening, record in case.records:
        told = {key for key, incident in record.incidents.items() if _is_told(incident)}
        for key in told - open_now.keys():
            open_now[key] = happening.at
        for key in [key for key in open_now if key not in record.incidents]:
            yield key, open_now.pop(key), happening.at
    for key, at in open_now.items():
        yield key, at, None


def _is_told(incident: Incident) -> bool:
    return incident.pages and not incident.silenced and not incident.under


def told_soon(case: Case) -> Iterator[Violation]:
    """P8: where nothing is wrong with the channel or the ledger, a page arrives within a minute."""
    if case.disturbed_seconds or _is_out(case, What.LEDGER) or _is_out(case, What.ENTRA):
        return
    pages = [(each.at, message) for each, message in _pages(case) if message.kind is MessageKind.TRIGGER]
    for key, opened, _ in _openings(case):
        soon = any(message.incident == key and at <= opened + 20 for at, message in pages)
        if not soon and opened < case.end - TOLD_WITHIN_SECONDS:
            yield Violation("P8", opened, f"nobody was woken soon for {key}")


def ends_are_told(case: Case) -> Iterator[Violation]:
    """P8: at the end the far side's last word is what is so: open incidents triggered, others resolved.

    A message that a network delivers a minute late may overtake what came after it. And a page that was
    sent without the ledger lies in the memory of its sender alone: where that one dies, nobody ends it.
    """
    if any(kind is CallFault.LATE and name.startswith("page") for _, kind, name, _ in case.faults):
        return
    last: dict[str, tuple[float, MessageKind]] = {}
    for each, message in _pages(case):
        if not _left_by_the_dead(case, each, message):
            last[message.incident] = (each.at, message.kind)
    changed = _last_change(case)
    for key, (at, kind) in last.items():
        incident = case.last.incidents.get(key)
        quiet = case.end - max(at, changed.get(key, 0.0)) > TOLD_WITHIN_SECONDS
        if kind is MessageKind.TRIGGER and incident is None and quiet:
            yield Violation("P8", at, f"the page of {key} was never resolved")
        if kind is MessageKind.RESOLVE and incident is not None and _is_told(incident) and quiet:
            yield Violation("P8", at, f"{key} stands, and its page is resolved")


def _left_by_the_dead(case: Case, told: Happening, message: Message) -> bool:
    """Whether a page was sent past the ledger, by a worker that died afterwards."""
    queued = any(message.id == one.id for _, record in case.records for one in record.outbox)
    gone = (each for each in case.history.of(Kind.PROCESS) if each.words.endswith("is killed"))
    return not queued and any(each.who == told.who and each.at >= told.at for each in gone)


def _last_change(case: Case) -> dict[str, float]:
    """When each incident opened or ended last."""
    changed: dict[str, float] = {}
    before = WorkloadRecord(case.workload.name)
    for happening, record in case.records:
        for key in before.incidents.keys() ^ record.incidents.keys():
            changed[key] = happening.at
        before = record
    return changed


def one_key_each(case: Case) -> Iterator[Violation]:
    """P8: an incident is told by one key, which says workload, stamp or global, and family."""
    for each, message in case.history.told():
        if not KEY.match(message.incident):
            yield Violation("P8", each.at, f"{message.incident} is no dedup key")


def scopes_are_said(case: Case) -> Iterator[Violation]:
    """P3: a page about something that no drain mends says how far it reaches."""
    told = [(each.at, message) for each, message in _pages(case)]
    for key, scope, since, until in _scopes(case):
        lasts = until - since
        if lasts < TOLD_WITHIN_SECONDS + case.disturbed_seconds:
            continue
        said = [message for at, message in told if message.incident == key and at <= until]
        if not any(f"[{scope}]" in message.title for message in said):
            yield Violation("P3", since, f"no page of {key} says that it is {scope}")


def _scopes(case: Case) -> Iterator[tuple[str, Scope, float, float]]:
    """The incidents that no drain mends, told and paged: key, scope, from when to when."""
    open_now: dict[str, tuple[Scope, float]] = {}
    for happening, record in case.records:
        now = {key: one.scope for key, one in record.incidents.items() if _is_told(one)}
        for key, (scope, since) in list(open_now.items()):
            if now.get(key) is not scope:
                yield key, scope, since, happening.at
                del open_now[key]
        for key, scope in now.items():
            if scope not in (Scope.STAMP, Scope.NONE):
                open_now.setdefault(key, (scope, happening.at))
    for key, (scope, since) in open_now.items():
        yield key, scope, since, case.end


def pages_need_no_ledger(case: Case) -> Iterator[Violation]:
    """P9: while the ledger or Entra is out nothing is done, and somebody is woken."""
    pages = [each.at for each, message in _pages(case) if message.kind is MessageKind.TRIGGER]
    disturbed = any(kind is not CallFault.WRONG for _, kind, _, _ in case.faults)
    for what in (What.LEDGER, What.ENTRA):
        for since, until in case.truths.outage_seconds(what, case.end):
            for deed in case.deeds:
                if since + 6 < deed.at < until and not case.was_delayed(deed):
                    yield Violation("P9", deed.at, f"{deed} while {what} is out")
            long = until - since > BLIND_WITHIN_SECONDS
            if long and not disturbed and not case.trial.schedule.troubles:
                woken = any(since <= at <= since + BLIND_WITHIN_SECONDS for at in pages)
                if not woken:
                    yield Violation("P9", since, f"nobody was woken while {what} was out")


def _is_out(case: Case, what: What) -> bool:
    return any(case.truths.outages[what].values)


def _pages(case: Case) -> Iterator[tuple[Happening, Message]]:
    return ((each, message) for each, message in case.history.told() if message.channel is Channel.PAGE)


PEOPLE = (
    signals_are_considered,
    signals_arrive,
    decisions_are_kept,
    the_unreadable_is_buried,
    openings_are_told,
    told_soon,
    ends_are_told,
    one_key_each,
    scopes_are_said,
    pages_need_no_ledger,
)
