"""What does Azure say of the health of one resource, and which node is that?

Resource Health speaks by alerts, by the stream of the activity log and by Event
Grid. All of them come to one call, so that all of them write into the same register:
one for each resource, for several resources may make up one node.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from remediation.intake.activity_entry import Entry
from remediation.intake.alert import last_part
from remediation.intake.alert_reasons import MAX_REASON, MAX_REASONS
from remediation.intake.identity import bounded, digest
from remediation.intake.limits import clip
from remediation.intake.loose import text
from remediation.intake.place import Clues
from remediation.intake.resource import resource_type
from remediation.intake.subject import Known, Placed, with_node
from rules.signals import Health, Signal

ON_PURPOSE = "somebody did this to the resource on purpose"
NOT_SAID = "it does not say whether somebody did this on purpose"

HEALTHS: Mapping[str, Health] = {
    "available": Health.GREEN,
    "degraded": Health.YELLOW,
    "unavailable": Health.RED,
    "unknown": Health.UNKNOWN,
}
"""Azure's words, in lower case. Any other one is unknown: it is never taken for good news."""

_BY_PEOPLE = frozenset({"userinitiated", "customerinitiated"})
_UNNAMED_NODE = "AzureResource"
_OF_RESOURCE_HEALTH = re.compile(r"/providers/microsoft\.resourcehealth/.*", re.IGNORECASE | re.DOTALL)
_NO_LETTER = re.compile(r"[^a-z]")
_NAME = 64
_SHORT = 8


def health_signal(  # noqa: PLR0913 - what every sender says of a resource
    resource_id: str,
    word: str,
    at: datetime,
    known: Known,
    *,
    why: str = "",
    event_id: str = "",
    reasons: tuple[str, ...] = (),
) -> tuple[Signal, ...]:
    """The health of a resource, for each workload that it belongs to.

    Args:
        resource_id: as it came, in any case, with or without what Resource Health hangs behind it.
        word: `Available`, `Degraded`, `Unavailable`, `Unknown`.
        at: since when.
        known: whose resources are ours.
        why: why it must never cause an action.
        event_id: the sender's identity of the event, if each way to us carries it. Without one the
            same word of the same moment is the same fact.
        reasons: in the sender's words; clipped here.

    Raises:
        Rejection: `not_ours`, where the resource belongs to no known workload.
    """
    resource = _OF_RESOURCE_HEALTH.sub("", resource_id.strip())
    health = HEALTHS.get(word.strip().lower(), Health.UNKNOWN)
    of_event = event_id or f"{at.isoformat()} {health}"
    placed = known.place(Clues(resources=(resource,) if resource else ()))
    return tuple(
        Signal(
            id=_identity(resource, of_event, each),
            subject=with_node(each, each.subject.node or _node(resource)).subject,
            source=source_of(resource),
            observed_at=at,
            # Where both give the same moment, Available is the later word.
            order=int(health is Health.GREEN),
            health=health,
            reasons=tuple(clip(reason, MAX_REASON) for reason in reasons if reason)[:MAX_REASONS],
            may_act=not (why or each.doubt),
            why=why or each.doubt,
            placed_by=each.by,
        )
        for each in placed
    )


def source_of(resource_id: str) -> str:
    """Who says so: Resource Health of this one resource, by name and, for names repeat, by a digest."""
    name = clip(last_part(resource_id).lower(), _NAME)
    return f"resource-health:{name}~{digest(resource_id.lower())[:_SHORT]}"


def signals(entry: Entry, known: Known) -> tuple[Signal, ...]:
    """What an entry of the activity log says of the health of its resource.

    Raises:
        Rejection: `not_ours`.
    """
    said = entry.properties
    now, before, cause = (text(said, key) for key in ("currenthealthstatus", "previoushealthstatus", "cause"))
    word = now or ("Available" if entry.status == "resolved" else "Unknown")
    change = f"{word}, before it {before or 'not known'}; cause: {cause or 'not given'}"
    return health_signal(
        entry.resource,
        word,
        entry.at,
        known,
        why=ON_PURPOSE if done_on_purpose(cause) else "",
        reasons=(text(said, "title"), change, text(said, "details")),
    )


def done_on_purpose(cause: str) -> bool:
    """Whether a cause, or the context of an annotation, means people, such as `UserInitiated`."""
    return _NO_LETTER.sub("", cause.lower()) in _BY_PEOPLE


def _node(resource_id: str) -> str:
    """A resource that is no node of the reference's health model is one of its own, by its type."""
    return bounded(last_part(resource_type(resource_id) or "")) or _UNNAMED_NODE


def _identity(resource: str, of_event: str, placed: Placed) -> str:
    where = placed.subject.workload, placed.subject.stamp or ""
    return f"resource-health:{digest(resource.lower(), of_event, *where)}"
