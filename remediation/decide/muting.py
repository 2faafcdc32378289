"""Which incidents are not told by themselves now, for a silence covers them or another one explains them?

One fault should wake people once. Where the root of a stamp is red because its
key vault is, the page about the root tells of both.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from remediation.decide.draft import Draft
from remediation.decide.silences import silence_on
from remediation.decide.tree import HealthModel, Way
from remediation.decide.wanted import Wanted
from remediation.ledger.orders import Silence
from remediation.ledger.told import Incident
from rules.reach import Scope
from rules.signals import Severity


@dataclass(frozen=True, slots=True)
class Mute:
    """Why an incident is not told by itself: a silence, or the incident that it is under. Neither: it is."""

    silence: Silence | None = None
    under: str = ""


ALOUD = Mute()
"""It is told."""


def never_told(incident: Incident) -> bool:
    """Whether nobody has heard of it yet: it was silenced or explained when it opened, and is still.

    Only incidents that woke someone, or that nobody has heard of, are ever marked as silenced or under.
    One that the team was told of, without waking anyone, is left unmarked; so the marks tell.
    """
    return not incident.pages and (incident.silenced or bool(incident.under))


def mutes(draft: Draft, wanted: Mapping[str, Wanted], model: HealthModel) -> dict[str, Mute]:
    """What mutes each incident that ought to be open."""
    silenced = {key: silence_on(draft.silences, want.incident, draft.now) for key, want in wanted.items()}
    speaking = [want for key, want in wanted.items() if silenced[key] is None and _wakes(draft, want)]
    under = explained(wanted.values(), speaking, model)
    return {
        key: Mute(silence, "" if silence or _told_quietly(draft, key) else under.get(key, ""))
        for key, silence in silenced.items()
    }


def _wakes(draft: Draft, want: Wanted) -> bool:
    known = draft.incidents.get(want.key)
    return want.incident.pages or (known is not None and known.pages)


def _told_quietly(draft: Draft, key: str) -> bool:
    """The team was told of it, and nobody was woken: it goes on as it began."""
    known = draft.incidents.get(key)
    return known is not None and not known.pages and not never_told(known)


def explained(wanted: Iterable[Wanted], speaking: Collection[Wanted], model: HealthModel) -> dict[str, str]:
    """The keys of those that another one explains, each with the key of the topmost that does.

    Explaining is transitive, and no two explain each other: of those that
    explain one, some is always explained by none.
    """
    by_stamp: dict[str | None, list[Wanted]] = defaultdict(list)
    for want in speaking:
        by_stamp[want.incident.stamp].append(want)
    uppers = {
        want.key: [upper for upper in by_stamp[want.incident.stamp] if _explains(upper, want, model)]
        for want in wanted
        if _may_be_explained(want)
    }
    return {
        key: min((upper for upper in found if not uppers.get(upper.key)), key=_loudest).key
        for key, found in uppers.items()
        if found
    }


def _loudest(want: Wanted) -> tuple[int, str]:
    return (list(Severity).index(want.incident.severity), want.key)


def _may_be_explained(lower: Wanted) -> bool:
    """Only what rests on nodes of stamps alone, and for which nothing is done or would be.

    A drain, a restart, a step that somebody else is asked for: people must know what it is about.
    """
    return lower.placed and not lower.acts


def _explains(upper: Wanted, lower: Wanted, model: HealthModel) -> bool:
    severity = list(Severity).index
    return (
        severity(lower.incident.severity) >= severity(upper.incident.severity)
        # Whose verdict differs has something else to say.
        and lower.incident.scope in (Scope.STAMP, upper.incident.scope)
        and all(way_between(upper, stamp, node, model) for stamp, node in lower.nodes)
    )


def way_between(upper: Wanted, stamp: str, node: str, model: HealthModel) -> Way | None:
    """The way from a red node that the upper one rests on down to a node of the same stamp below it."""
    tops = (top for where, top in upper.nodes if where == stamp and model.is_red(stamp, top))
    ways = (model.way_down(stamp, top, node) for top in tops)
    return next((way for way in ways if way), None)
