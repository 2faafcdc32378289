"""What are people told: which incidents are open, and what has changed about them?

Derived from state, like everything else: the incidents that ought to be open
are compared with those that are. One incident, one dedup key, one page.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from remediation.decide.case import Guardrail
from remediation.decide.draft import Draft
from remediation.decide.wording import news_of, title_of, what_the_worker_does
from remediation.ledger.intent import IntentState, Verb
from remediation.ledger.told import Action, Channel, Incident, MessageKind
from rules.evaluate import RuleSet
from rules.findings import Finding
from rules.policy import Mode
from rules.reach import Scope
from rules.rule import Rule
from rules.scope import ScopeVerdict, Situation, scope_of
from rules.signals import Severity

DRAINED_BY_OTHERS = "drained-by-others"
"""The family of the incident that asks about a drain which is not ours."""

DRAIN_UNDONE = "drain-undone"
"""The family of the incident that tells of a drain of ours which others undid."""

PASSING = frozenset({Guardrail.SETTLED, Guardrail.ONE_AT_A_TIME, Guardrail.LOOKED_AT})
"""Guardrails that let go by themselves within minutes; no news for people."""


def incident_key(workload: str, stamp: str | None, family: str) -> str:
    """The dedup key: computable without the ledger, so that a page can be sent without it."""
    return f"{workload}/{stamp or 'global'}/{family}"


NEEDS_HANDS = frozenset({Action.STUCK, Action.REFUSED})
"""What the worker cannot mend alone: someone is woken again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An incident that ought to be open, as people should know it, and the finding in words."""

    incident: Incident
    finding: str


def update_incidents(draft: Draft, situation: Situation, rules: RuleSet) -> None:
    """Open, update and end incidents so that they say what is."""
    wanted = _wanted(draft, situation, rules)
    for key, want in wanted.items():
        known = draft.incidents.get(key)
        if known is None:
            _open(draft, want)
        elif _has_news(known, want.incident):
            _renew(draft, known, want)
    for key in [key for key in draft.incidents if key not in wanted]:
        _end(draft, draft.incidents.pop(key), absorbed_by=_absorber(key, wanted))


def _wanted(draft: Draft, situation: Situation, rules: RuleSet) -> dict[str, Wanted]:
    wanted: dict[str, Wanted] = {}
    for finding, rule in _told(draft.findings.values(), situation, rules):
        _add(wanted, _from_finding(finding, rule, scope_of(finding, situation), draft))
    in_flight = (intent.stamp for intent in draft.view().in_flight())
    for name in dict.fromkeys((*draft.stamps, *in_flight)):
        for want in _from_stamp(name, draft, situation):
            _add(wanted, want)
    return {key: _with_rejoin_held(_with_action(want, draft), draft) for key, want in wanted.items()}


def _with_rejoin_held(want: Wanted, draft: Draft) -> Wanted:
    """A stamp that could come back but for a guardrail is waiting for people: they must know."""
    incident = want.incident
    held = {
        held.guardrail for held in draft.held if held.verb is Verb.REJOIN and held.stamp == incident.stamp
    } - PASSING
    if not held or incident.action is not Action.DRAINED:
        return want
    told = tuple(sorted({*incident.told_holds, *(f"rejoin:{guardrail}" for guardrail in held)}))
    return replace(want, incident=replace(incident, told_holds=told))


def _add(wanted: dict[str, Wanted], want: Wanted) -> None:
    key = want.incident.key
    wanted[key] = _joined(wanted[key], want) if key in wanted else want


def _joined(one: Wanted, other: Wanted) -> Wanted:
    """Two findings of one family make one incident: the louder speaks."""
    loudest = list(Severity)
    first = min(one, other, key=lambda want: loudest.index(want.incident.severity))
    holds = tuple(sorted({*one.incident.told_holds, *other.incident.told_holds}))
    pages = one.incident.pages or other.incident.pages
    finding = first.finding if one.finding == other.finding else f"{one.finding}; {other.finding}"
    return Wanted(replace(first.incident, pages=pages, told_holds=holds), finding)


def _told(findings: Iterable[Finding], situation: Situation, rules: RuleSet) -> list[tuple[Finding, Rule]]:
    """The findings that people are told of: in `observe` a rule writes its journal only."""
    pairs = [(finding, rules.by_name[finding.rule]) for finding in findings]
    return [
        (finding, rule)
        for finding, rule in pairs
        if rule.playbook.notifies and rule.mode.capped_by(situation.workload.mode) is not Mode.OBSERVE
    ]


def _from_finding(finding: Finding, rule: Rule, scope: ScopeVerdict, draft: Draft) -> Wanted:
    stamp = None if scope.scope is Scope.GLOBAL else finding.stamp
    held = {
        held.guardrail
        for held in draft.held
        if held.verb is Verb.DRAIN and held.stamp == finding.stamp and held.rule == rule.name
    }
    incident = Incident(
        key=incident_key(draft.before.workload, stamp, rule.family),
        stamp=stamp,
        family=rule.family,
        severity=rule.severity,
        opened_at=draft.now,
        summary=rule.summary,
        scope=scope.scope,
        reason=scope.reason,
        pages=rule.playbook.pages,
        told_holds=tuple(sorted(held - PASSING)),
    )
    return Wanted(incident, f"{finding.stamp}: {finding.reason}" if finding.stamp else finding.reason)


def _from_stamp(name: str, draft: Draft, situation: Situation) -> list[Wanted]:
    """What the state of a stamp itself keeps open, and opens unless we only observe."""
    stamp = draft.stamp(name)
    wanted = [
        Wanted(known, said)
        for family, said in _ours_at(name, draft)
        if (known := draft.incidents.get(incident_key(draft.before.workload, name, family))) is not None
    ]
    if situation.workload.mode is Mode.OBSERVE:
        return wanted
    if stamp.drain is not None and not wanted:
        told = f"{name} was drained by the worker, and nothing else would tell that it is still out."
        wanted.append(_about_stamp(name, draft, stamp.drain.family, told, pages=True))
    if stamp.adopted_at is not None:
        told = f"{name} was drained by other hands; it counts as out, and only they may bring it back."
        wanted.append(_about_stamp(name, draft, DRAINED_BY_OTHERS, told, pages=False))
    if stamp.undone_at is not None and draft.now - stamp.undone_at < situation.workload.policy.cooldown:
        told = f"The drain of {name} was undone by other hands; the worker leaves it so."
        wanted.append(_about_stamp(name, draft, DRAIN_UNDONE, told, pages=True))
    return wanted


def _ours_at(name: str, draft: Draft) -> list[tuple[str, str]]:
    """What of ours stands or goes on at a stamp, though its finding may have ended: family, and words."""
    drain = draft.stamp(name).drain
    ours = [(drain.family, f"{name} is drained since {drain.at:%H:%M:%S}")] if drain else []
    going = draft.going_at(name)
    return ours + [(intent.family, f"{intent.verb} of {name} is {intent.state}") for intent in going]


def _about_stamp(stamp: str, draft: Draft, family: str, told: str, *, pages: bool) -> Wanted:
    incident = Incident(
        key=incident_key(draft.before.workload, stamp, family),
        stamp=stamp,
        family=family,
        severity=Severity.WARNING,
        opened_at=draft.now,
        summary=told,
        scope=Scope.STAMP,
        reason="seen at its state file",
        pages=pages,
    )
    return Wanted(incident, told)


def _with_action(want: Wanted, draft: Draft) -> Wanted:
    stamp = want.incident.stamp
    if stamp is None or want.incident.family in (DRAINED_BY_OTHERS, DRAIN_UNDONE):
        return want
    known = draft.incidents.get(want.incident.key)
    action = _action(draft, stamp, since=known.opened_at if known else draft.now)
    return replace(want, incident=replace(want.incident, action=action))


def _action(draft: Draft, stamp: str, since: datetime) -> Action:
    known = draft.stamp(stamp)
    going = draft.going_at(stamp)
    if any(intent.stuck for intent in going):
        return Action.STUCK
    if going:
        applied = any(intent.state is IntentState.APPLIED for intent in going)
        return Action.APPLIED if applied else Action.PLANNED
    # A refusal from before the incident is none of its news. Where it is drained, the rejoin was refused.
    if known.refused is not None and known.refused.at >= since:
        return Action.REFUSED
    return Action.DRAINED if known.drain is not None else Action.NONE


def _has_news(known: Incident, wanted: Incident) -> bool:
    """Whether there is something to tell that people do not know yet."""
    return (
        known.scope is not wanted.scope
        or known.severity is not wanted.severity
        or known.action is not wanted.action
        or (wanted.pages and not known.pages)
        or (bool(wanted.told_holds) and wanted.told_holds != known.told_holds)
    )


def _worth_waking(known: Incident, wanted: Incident) -> bool:
    """Whether the news is worth another page.

    An action that goes as planned is not, nor is it that the fault has turned
    out to be one stamp's own: that is what the worker can deal with.
    """
    good_news = replace(known, scope=wanted.scope) if wanted.scope is Scope.STAMP else known
    if wanted.action not in NEEDS_HANDS:
        good_news = replace(good_news, action=wanted.action)
    return _has_news(good_news, wanted)


def _open(draft: Draft, want: Wanted) -> None:
    draft.incidents[want.incident.key] = want.incident
    draft.happened(f"incident {want.incident.key} opened: {want.finding}")
    _trigger(draft, want, page=want.incident.pages)


def _renew(draft: Draft, known: Incident, want: Wanted) -> None:
    renewed = replace(
        want.incident,
        opened_at=known.opened_at,
        pages=known.pages or want.incident.pages,
        told_holds=want.incident.told_holds or known.told_holds,
    )
    draft.incidents[known.key] = renewed
    draft.happened(f"incident {known.key} changed: {renewed.scope}, action {renewed.action}")
    _trigger(draft, Wanted(renewed, want.finding), page=renewed.pages and _worth_waking(known, renewed))


def _trigger(draft: Draft, want: Wanted, *, page: bool) -> None:
    incident = want.incident
    title = news_of(incident)
    facts = (
        ("Finding", want.finding),
        ("Scope", f"{incident.scope}: {incident.reason}"),
        ("Worker", what_the_worker_does(draft, incident)),
    )
    if page:
        draft.tell(incident, Channel.PAGE, MessageKind.TRIGGER, title, facts)
    draft.tell(incident, Channel.NOTIFY, MessageKind.TRIGGER, title, facts)


def _absorber(key: str, wanted: dict[str, Wanted]) -> str | None:
    """The global incident of the same family, if the ended one has become part of it."""
    workload, _, family = key.split("/", 2)
    wider = incident_key(workload, None, family)
    return wider if wider in wanted and wider != key else None


def _end(draft: Draft, incident: Incident, absorbed_by: str | None) -> None:
    how = f"has become part of {absorbed_by}" if absorbed_by else "has ended"
    draft.happened(f"incident {incident.key} {how}")
    title = f"{title_of(incident)} ({how})"
    if incident.pages:
        draft.tell(incident, Channel.PAGE, MessageKind.RESOLVE, title)
    draft.tell(incident, Channel.NOTIFY, MessageKind.RESOLVE, title)


def remind_people(draft: Draft, stamps: Iterable[str]) -> None:
    """Ask again about stamps that are still out by our hand: none is forgotten."""
    for name in stamps:
        drain = draft.stamp(name).drain
        family = drain.family if drain else DRAINED_BY_OTHERS
        incident = draft.incidents.get(incident_key(draft.before.workload, name, family))
        if incident is not None:
            title = f"{title_of(incident)} (still drained: bring it back, or say that it stays out)"
            # Whoever is woken by it is also told of its end.
            draft.incidents[incident.key] = replace(incident, pages=True)
            draft.tell(incident, Channel.PAGE, MessageKind.TRIGGER, title)
