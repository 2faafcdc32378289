"""What are people told: which incidents are open, and what has changed about them?

Derived from state, like everything else: the incidents that ought to be open
are compared with those that are. One incident, one dedup key, one page. What
the record keeps of an incident is what people were last told: while it is
muted it stays so, and the difference is told afterwards.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from remediation.decide.bulletin import Bulletin
from remediation.decide.draft import Draft
from remediation.decide.endings import words_of_its_end
from remediation.decide.muting import Mute, mutes, never_told
from remediation.decide.silences import remembered, silence_before, silence_on
from remediation.decide.tree import HealthModel
from remediation.decide.wanted import (
    DRAIN_UNDONE,
    DRAINED_BY_OTHERS,
    Wanted,
    incident_key,
    wanted_incidents,
)
from remediation.decide.wording import is_flapping, title_of
from remediation.ledger.told import Action, Channel, Incident, MessageKind
from rules.conditions import words
from rules.evaluate import RuleSet
from rules.policy import Policy
from rules.reach import Scope
from rules.scope import Situation
from rules.signals import Severity

__all__ = [
    "DRAINED_BY_OTHERS",
    "DRAIN_UNDONE",
    "end_incident",
    "incident_key",
    "remind_people",
    "update_incidents",
]

NEEDS_HANDS = frozenset({Action.STUCK, Action.REFUSED})
"""What the worker cannot mend alone: someone is woken again, through any silence."""

ESCALATES = frozenset({Severity.CRITICAL, Severity.ERROR})
"""A page of less is a quiet one: that nobody can mend it is no reason to wake people again."""


def update_incidents(draft: Draft, situation: Situation, rules: RuleSet) -> None:
    """Open, update and end incidents so that they say what is."""
    workload = situation.workload
    wanted = wanted_incidents(draft, situation, rules)
    model = HealthModel(workload.dependencies, draft.registers, workload.policy, draft.now)
    muted = mutes(draft, wanted, model)
    lowers: dict[str, list[Wanted]] = defaultdict(list)
    grown: set[str] = set()
    for key, mute in muted.items():
        if mute.under:
            lowers[mute.under].append(wanted[key])
            if key not in draft.incidents or draft.incidents[key].under != mute.under:
                grown.add(mute.under)
    bulletin = Bulletin(draft, situation, model, lowers)
    for key, want in wanted.items():
        known = draft.incidents.get(key)
        if known is None:
            _open(bulletin, want, muted[key])
            continue
        going_on = _going_on(known, want, workload.policy, draft.now)
        if muted[key].silence or muted[key].under:
            _keep_muted(bulletin, known, going_on, muted[key])
        else:
            _keep_telling(bulletin, known, going_on, explains_more=key in grown)
    for key in [key for key in draft.incidents if key not in wanted]:
        incident = draft.incidents.pop(key)
        end_incident(draft, incident, words_of_its_end(draft, incident, workload, _absorber(key, wanted)))
    draft.silences = remembered(draft.silences, draft.now)


def _open(bulletin: Bulletin, want: Wanted, mute: Mute) -> None:
    draft, incident = bulletin.draft, want.incident
    must = incident.pages and incident.action in NEEDS_HANDS
    if mute.under or (mute.silence and not must):
        hushed = replace(incident, pages=False, under=mute.under, silenced=mute.silence is not None)
        draft.incidents[want.key] = hushed
        draft.happened(f"incident {want.key} opened, {_why_muted(mute)}: {want.finding}")
        return
    draft.incidents[want.key] = replace(incident, silenced=mute.silence is not None)
    draft.happened(f"incident {want.key} opened: {want.finding}")
    bulletin.tell(want, page=incident.pages)


def _why_muted(mute: Mute) -> str:
    if mute.silence is None:
        return f"explained by {mute.under}"
    return f"silenced by {mute.silence.author} until {mute.silence.until:%Y-%m-%d %H:%M:%S}"


def _going_on(known: Incident, want: Wanted, policy: Policy, now: datetime) -> Wanted:
    """What ought to be, as it follows what has been."""
    incident = replace(
        want.incident,
        opened_at=known.opened_at,
        pages=known.pages or want.incident.pages,
        told_holds=want.incident.told_holds or known.told_holds,
    )
    if is_flapping(incident):
        # What holds comes and goes with every turn: each guardrail is told once.
        incident = replace(incident, told_holds=tuple(sorted({*incident.told_holds, *known.told_holds})))
    stands = now - known.opened_at >= policy.escalate_after
    red = want.since is not None and incident.action is not Action.DRAINED
    # Where the worker does something by itself nobody is woken at first: it did not help.
    wakes = incident.pages or want.acts
    if known.escalated or (stands and red and wakes and incident.severity in ESCALATES):
        incident = replace(incident, severity=_louder(incident.severity), escalated=True, pages=True)
    return replace(want, incident=incident)


def _louder(severity: Severity) -> Severity:
    """One step louder, if there is one."""
    loudest = list(Severity)
    return loudest[max(0, loudest.index(severity) - 1)]


def _keep_muted(bulletin: Bulletin, known: Incident, want: Wanted, mute: Mute) -> None:
    """Tell nothing, but for what the worker itself could not do."""
    draft = bulletin.draft
    action = want.incident.action
    failing = action in NEEDS_HANDS and known.action is not action
    if mute.silence and failing and want.incident.pages:
        draft.incidents[known.key] = replace(want.incident, silenced=True)
        draft.happened(f"incident {known.key} is told through the silence: action {action}")
        bulletin.tell(want, page=True, lead=_lead(bulletin, known, want.incident))
        return
    # Who was told without being woken is not marked: see `never_told`.
    marks = known.pages or never_told(known)
    muted = replace(known, under=mute.under, silenced=mute.silence is not None)
    if marks and muted != known:
        draft.incidents[known.key] = muted
        draft.happened(f"incident {known.key} is {_why_muted(mute)}")


def _keep_telling(bulletin: Bulletin, known: Incident, want: Wanted, *, explains_more: bool) -> None:
    draft, incident = bulletin.draft, want.incident
    unmuted = replace(known, under="", silenced=False)
    first = never_told(known)
    again = known.silenced or first
    if again or _has_news(known, incident):
        draft.incidents[known.key] = incident
        how = "is told now" if again else "changed"
        draft.happened(f"incident {known.key} {how}: {incident.scope}, action {incident.action}")
        page = incident.pages and (again or _worth_waking(known, incident))
        bulletin.tell(want, page=page, lead=_lead(bulletin, known, incident), tail=_tail(draft, known))
    elif unmuted != known:
        draft.incidents[known.key] = unmuted
        draft.happened(f"incident {known.key} is no longer explained by {known.under}")
    elif explains_more:
        bulletin.tell(want, page=False)


def _lead(bulletin: Bulletin, known: Incident, incident: Incident) -> str:
    if known.escalated or not incident.escalated:
        return ""
    return f"STILL RED after {words(bulletin.situation.workload.policy.escalate_after)}: "


def _tail(draft: Draft, known: Incident) -> str:
    if not known.silenced:
        return ""
    silence = silence_before(draft.silences, known, draft.now)
    return f" (still red after a silence{f' by {silence.author}' if silence else ''})"


def _has_news(known: Incident, wanted: Incident) -> bool:
    """Whether there is something to tell that people do not know yet."""
    return (
        known.scope is not wanted.scope
        or known.severity is not wanted.severity
        or known.action is not wanted.action
        or (wanted.pages and not known.pages)
        or wanted.told_holds != known.told_holds
        or (wanted.escalated and not known.escalated)
        or (is_flapping(wanted) and not is_flapping(known))
    )


def _worth_waking(known: Incident, wanted: Incident) -> bool:
    """Whether the news is worth another page.

    An action that goes as planned is not, nor is it that the fault has turned
    out to be one stamp's own: that is what the worker can deal with. Nor that
    it is less bad than it was, or that it comes and goes.
    """
    loudest = list(Severity)
    told = replace(known, summary=wanted.summary)
    if wanted.scope is Scope.STAMP:
        told = replace(told, scope=wanted.scope)
    if wanted.action not in NEEDS_HANDS:
        told = replace(told, action=wanted.action)
    if loudest.index(wanted.severity) > loudest.index(known.severity):
        told = replace(told, severity=wanted.severity)
    return _has_news(told, wanted)


def _absorber(key: str, wanted: Iterable[str]) -> str | None:
    """The global incident of the same family, if the ended one has become part of it."""
    workload, _, family = key.split("/", 2)
    wider = incident_key(workload, None, family)
    return wider if wider in wanted and wider != key else None


def end_incident(draft: Draft, incident: Incident, how: str) -> None:
    """Tell the end of an incident to whomever it was told, in these words. It is no longer in the draft."""
    draft.happened(f"incident {incident.key} {how}")
    if never_told(incident):
        return
    title = f"{title_of(incident)} ({how})"
    if incident.pages:
        draft.tell(incident, Channel.PAGE, MessageKind.RESOLVE, title)
    draft.tell(incident, Channel.NOTIFY, MessageKind.RESOLVE, title)


def remind_people(draft: Draft, stamps: Iterable[str]) -> None:
    """Ask again about stamps that are still out: none is forgotten.

    About what others drained only if nobody wants silence; about what the worker itself holds out, always.
    """
    for name in stamps:
        drain = draft.stamp(name).drain
        family = drain.family if drain else DRAINED_BY_OTHERS
        incident = draft.incidents.get(incident_key(draft.before.workload, name, family))
        if incident is None or (drain is None and silence_on(draft.silences, incident, draft.now)):
            continue
        title = f"{title_of(incident)} (still drained: bring it back, or say that it stays out)"
        # Whoever is woken by it is also told of its end.
        draft.incidents[incident.key] = replace(incident, pages=True)
        draft.tell(incident, Channel.PAGE, MessageKind.TRIGGER, title)
