"""Which incidents ought to be open now, and what should people know of each?

Derived from what stands: the rules that hold, the stamps that are out, what is
under way, and the stamps that turn red again and again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from remediation.decide.case import Guardrail
from remediation.decide.draft import Draft
from remediation.decide.failing import action_of
from remediation.decide.wording import FLAPPING, is_flapping
from remediation.ledger.intent import Intent, IntentState, Verb
from remediation.ledger.told import Action, Incident
from rules.conditions import words
from rules.evaluate import RuleSet
from rules.findings import Finding
from rules.policy import Mode, Policy
from rules.reach import Scope
from rules.rule import Rule
from rules.scope import ScopeVerdict, Situation, scope_of
from rules.signals import Severity

DRAINED_BY_OTHERS = "drained-by-others"
"""The family of the incident that asks about a drain which is not ours."""

DRAIN_UNDONE = "drain-undone"
"""The family of the incident that tells of a drain of ours which others undid."""

CONFIGURATION = "configuration"
"""The family of the incident that tells of files which cannot be taken up."""

CONFIGURATION_CHARACTERS = 600

PASSING = frozenset({Guardrail.SETTLED, Guardrail.ONE_AT_A_TIME, Guardrail.LOOKED_AT})
"""Guardrails that let go by themselves within minutes; no news for people."""

QUIET_FOR = timedelta(minutes=15)
"""A flapping stamp that has not turned red for so long may be at rest."""


def incident_key(workload: str, stamp: str | None, family: str) -> str:
    """The dedup key: computable without the ledger, so that a page can be sent without it."""
    return f"{workload}/{stamp or 'global'}/{family}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An incident that ought to be open, as people should know it.

    Attributes:
        incident: as it should be.
        finding: what was found, in words.
        since: since when a rule has held; None where something else keeps it open.
        nodes: the nodes that the findings rest on, each with its stamp.
        placed: whether they rest on nothing but such nodes.
        acts: whether the worker acts for it, or would.
        runbook: where people read on.
    """

    incident: Incident
    finding: str
    since: datetime | None = None
    nodes: tuple[tuple[str, str], ...] = ()
    placed: bool = False
    acts: bool = False
    runbook: str | None = None

    @property
    def key(self) -> str:
        """The incident's."""
        return self.incident.key


def wanted_incidents(draft: Draft, situation: Situation, rules: RuleSet) -> dict[str, Wanted]:
    """The incidents that ought to be open, by key, in an order that every worker finds."""
    wanted: dict[str, Wanted] = {}
    for finding, rule in _told(draft, situation, rules):
        _add(wanted, _from_finding(finding, rule, scope_of(finding, situation), draft))
    in_flight = (intent.stamp for intent in draft.view().in_flight())
    for name in dict.fromkeys((*draft.stamps, *in_flight)):
        for want in _from_stamp(name, draft, situation):
            _add(wanted, want)
        if situation.workload.mode is not Mode.OBSERVE:
            for want in _in_secret(name, draft):
                wanted.setdefault(want.key, want)
    for want in _about_configuration(draft):
        _add(wanted, want)
    _mark_flapping(wanted, draft, situation, rules)
    return {key: _with_rejoin_held(_with_action(want, draft), draft) for key, want in wanted.items()}


def _about_configuration(draft: Draft) -> list[Wanted]:
    """Whoever changed the files believes that they are in force."""
    key = incident_key(draft.before.workload, None, CONFIGURATION)
    if draft.problem is None and key in draft.incidents:
        return [Wanted(draft.incidents[key], "it stands until a worker finds it mended")]
    if not draft.problem:
        return []
    incident = Incident(
        key=key,
        stamp=None,
        family=CONFIGURATION,
        severity=Severity.ERROR,
        opened_at=draft.now,
        summary="The configuration cannot be taken up as it is; the last good one stays in force.",
        scope=Scope.NONE,
        reason="it is the worker's own",
        pages=True,
    )
    return [Wanted(incident, draft.problem[:CONFIGURATION_CHARACTERS])]


def _add(wanted: dict[str, Wanted], want: Wanted) -> None:
    wanted[want.key] = _joined(wanted[want.key], want) if want.key in wanted else want


def _joined(one: Wanted, other: Wanted) -> Wanted:
    """Two findings of one family make one incident: the louder speaks."""
    loudest = list(Severity)
    first = min(one, other, key=lambda want: loudest.index(want.incident.severity))
    holds = tuple(sorted({*one.incident.told_holds, *other.incident.told_holds}))
    pages = one.incident.pages or other.incident.pages
    action = max(one.incident.action, other.incident.action, key=list(Action).index)
    begun = [want.since for want in (one, other) if want.since]
    return replace(
        first,
        incident=replace(first.incident, pages=pages, told_holds=holds, action=action),
        finding=one.finding if one.finding == other.finding else f"{one.finding}; {other.finding}",
        since=min(begun, default=None),
        nodes=tuple(dict.fromkeys((*one.nodes, *other.nodes))),
        placed=one.placed and other.placed,
        acts=one.acts or other.acts,
        runbook=first.runbook or one.runbook or other.runbook,
    )


def _told(draft: Draft, situation: Situation, rules: RuleSet) -> list[tuple[Finding, Rule]]:
    """The findings that people are told of: in `observe` a rule writes its journal only.

    But of what they know already they are told until it ends: the mode may be changed in the middle.
    """
    pairs = [(finding, rules.by_name[finding.rule]) for finding in draft.findings.values()]
    return [
        (finding, rule)
        for finding, rule in pairs
        if rule.playbook.notifies
        and rule.mode is not Mode.OBSERVE
        and (situation.workload.mode is not Mode.OBSERVE or _is_known(finding, draft))
    ]


def _is_known(finding: Finding, draft: Draft) -> bool:
    """Whether people were told of such a fault there, or of one that reaches further."""
    places = (finding.stamp, None)
    keys = (incident_key(draft.before.workload, stamp, finding.family) for stamp in places)
    return any(key in draft.incidents for key in keys)


def _from_finding(finding: Finding, rule: Rule, scope: ScopeVerdict, draft: Draft) -> Wanted:
    stamp = None if scope.scope is Scope.GLOBAL else finding.stamp
    failing = action_of(draft, finding)
    held = {
        held.guardrail
        for held in draft.held
        if held.verb is not Verb.REJOIN and held.stamp == finding.stamp and held.rule == rule.name
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
        pages=rule.playbook.pages or failing is not Action.NONE,
        action=failing,
        told_holds=tuple(
            sorted({*(held - PASSING), *(_asked_for(finding, rule, draft) if Guardrail.MODE in held else ())})
        ),
    )
    about = finding.stamp
    placed = [(about, key.node) for key in finding.evidence if about and key.node and key.stamp == about]
    return Wanted(
        incident,
        f"{finding.stamp}: {finding.reason}" if finding.stamp else finding.reason,
        since=finding.since,
        nodes=tuple(dict.fromkeys(placed)),
        placed=bool(placed) and len(placed) == len(finding.evidence),
        acts=rule.playbook.drains or rule.playbook.targets,
        runbook=rule.runbook,
    )


def _asked_for(finding: Finding, rule: Rule, draft: Draft) -> set[str]:
    """The approvals that people are waited for: an id that nobody was told is worth nothing."""
    return {
        f"approval:{one.id}"
        for one in draft.approvals
        if (one.stamp, one.rule) == (finding.stamp or "", rule.name) and not one.approved_by
    }


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
    if stamp.adopted_at is not None:
        told = f"{name} was drained by other hands; it counts as out, and only they may bring it back."
        wanted.append(_about_stamp(name, draft, DRAINED_BY_OTHERS, told, pages=False))
    if stamp.undone_at is not None and draft.now - stamp.undone_at < situation.workload.policy.cooldown:
        told = f"The drain of {name} was undone by hand; the worker leaves it so."
        wanted.append(_about_stamp(name, draft, DRAIN_UNDONE, told, pages=True))
    return wanted


def _ours_at(name: str, draft: Draft) -> list[tuple[str, str]]:
    """What of ours stands or goes on at a stamp, though its finding may have ended: family, and words."""
    drain = draft.stamp(name).drain
    ours = [(drain.family, f"{name} is drained since {drain.at:%H:%M:%S}")] if drain else []
    going = draft.going_at(name)
    return ours + [(intent.family, f"{intent.verb} of {name} is {intent.state}") for intent in going]


def _in_secret(name: str, draft: Draft) -> Iterator[Wanted]:
    """What of ours nothing else would tell of: a drain that stands, a step that is stuck."""
    drain = draft.stamp(name).drain
    if drain is not None and drain.author:
        told = f"{name} was drained at the word of {drain.author}, who alone may have it brought back."
        yield _about_stamp(name, draft, drain.family, told, pages=False)
    elif drain is not None:
        told = f"{name} was drained by the worker, and nothing else would tell that it is still out."
        yield _about_stamp(name, draft, drain.family, told, pages=True)
    for intent in draft.going_at(name):
        if intent.stuck:
            told = f"The {intent.verb} of {name} was not seen to help in time."
            yield _about_stamp(name, draft, intent.family, told, pages=True)


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


def _mark_flapping(wanted: dict[str, Wanted], draft: Draft, situation: Situation, rules: RuleSet) -> None:
    """Say of a stamp that turns red again and again that it does; keep its incident open between two turns.

    Else there would be a page and its end for every turn, and nobody would see the pattern. It is for
    those rules that ask for a drain: theirs are the turns that are counted.
    """
    policy = situation.workload.policy
    said = {name: flapping(stamp.turns, policy, draft.now) for name, stamp in draft.stamps.items()}
    if not any(said.values()):
        return
    families = dict.fromkeys(rule.family for rule in rules.rules if rule.playbook.drains)
    for name, pattern in said.items():
        for key in (incident_key(draft.before.workload, name, family) for family in families):
            known = draft.incidents.get(key)
            resting = not pattern or draft.now - max(draft.stamp(name).turns) >= QUIET_FOR
            if key not in wanted and known is not None and not resting:
                wanted[key] = Wanted(known, f"{name}: {pattern}")
            if pattern and key in wanted and not is_flapping(wanted[key].incident):
                incident = wanted[key].incident
                flaps = replace(incident, summary=f"{pattern}. {incident.summary}")
                wanted[key] = replace(wanted[key], incident=flaps)


def flapping(turns: tuple[datetime, ...], policy: Policy, now: datetime) -> str:
    """In words, how a stamp flaps that has turned red at these times; empty where it does not."""
    lately = [turn for turn in turns if turn > now - policy.flaps_within]
    if len(lately) < policy.flaps:
        return ""
    return f"{FLAPPING}red {len(lately)} times within {words(policy.flaps_within)}"


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


def _with_action(want: Wanted, draft: Draft) -> Wanted:
    stamp, family = want.incident.stamp, want.incident.family
    if stamp is None or family in (DRAINED_BY_OTHERS, DRAIN_UNDONE):
        return want
    known = draft.incidents.get(want.key)
    going = draft.going_at(stamp)
    drain = draft.stamp(stamp).drain
    acts = want.acts or family in {*(intent.family for intent in going), *([drain.family] if drain else [])}
    action = _action(draft, stamp, going, since=known.opened_at if known else draft.now)
    if action is Action.NONE and want.since is not None:
        action = want.incident.action
    return replace(want, incident=replace(want.incident, action=action), acts=acts)


def _action(draft: Draft, stamp: str, going: list[Intent], since: datetime) -> Action:
    known = draft.stamp(stamp)
    if any(intent.stuck or intent.second for intent in going):
        return Action.STUCK
    if going:
        applied = any(intent.state is IntentState.APPLIED for intent in going)
        return Action.APPLIED if applied else Action.PLANNED
    # A refusal from before the incident is none of its news. Where the stamp is drained, another lever
    # has done it after all, unless the refusal is the later one: then it was the rejoin's.
    if known.refused is not None and known.refused.at >= max(since, known.drain.at if known.drain else since):
        return Action.REFUSED
    return Action.DRAINED if known.drain is not None else Action.NONE
