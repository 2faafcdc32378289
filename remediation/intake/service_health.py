"""What does Azure say of its own services: which node is hit where, and is it over?

An incident is known by its tracking id. Its updates come one by one, each with an
identity of its own, and all of them write into the same registers: the later word
counts. An update speaks only of the services and regions that it lists. So an end
that lists fewer than the beginning leaves the others as they were: bad news stands
until its own source takes it back or it is forgotten, and silence is never green.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from remediation.intake.activity_entry import Entry, json_in
from remediation.intake.alert import Alert, rule_name, signal_at
from remediation.intake.alert_reasons import MAX_REASON
from remediation.intake.azure_services import CONTROL_PLANE, candidates, service_of
from remediation.intake.identity import digest
from remediation.intake.limits import clip
from remediation.intake.loose import Table, lower_keys, rows, scalar, text
from remediation.intake.place import Clues
from remediation.intake.rejection import Rejection
from remediation.intake.service_text import only_managing, plain
from remediation.intake.subject import Known, Placed, with_node
from rules.signals import AlertState, Health, Severity, Signal, Subject, worst

OF_THE_PAST = "an RCA tells of the past"
NOT_BEGUN = "it is planned, and has not begun"
UNKNOWN_STAGE = "its stage is none that we know"
UNTRACKED = "it has no tracking id, so its end might not be known for its own"
SPARED = "only managing fails; what runs is said to be fine"

_MAX_SERVICES = 100
_MAX_REGIONS = 100
_MAX_NAME = 80
_MAINTENANCE = "maintenance"
_INCIDENT = "incident"
_UNNAMED = "an unnamed service"


class Phase(StrEnum):
    """Where an incident or a maintenance is."""

    PLANNED = "planned"
    ACTIVE = "active"
    OVER = "over"
    TOLD = "told"  # afterwards, what caused it
    UNKNOWN = "unknown"


PHASES: Mapping[str, Phase] = {
    **dict.fromkeys(("planned", "rescheduled"), Phase.PLANNED),
    **dict.fromkeys(("active", "inprogress", "in progress"), Phase.ACTIVE),
    **dict.fromkeys(("resolved", "complete", "completed", "canceled", "cancelled"), Phase.OVER),
    **dict.fromkeys(("rca", "pir"), Phase.TOLD),
}
"""Every stage, in lower case."""

_ORDERS = {Phase.PLANNED: 0, Phase.UNKNOWN: 0, Phase.ACTIVE: 1, Phase.OVER: 2, Phase.TOLD: 3}
"""Of two updates of one moment, the later in the life of an incident is the later word."""

_NEVER = {Phase.TOLD: OF_THE_PAST, Phase.PLANNED: NOT_BEGUN, Phase.UNKNOWN: UNKNOWN_STAGE}


@dataclass(frozen=True, slots=True)
class Update:
    """One update of one incident, maintenance or advice.

    Attributes:
        entry: that carried it.
        kind: `incident`, `maintenance`, `actionrequired`, `informational`, `security`.
        tracking: the tracking id.
        identity: of this update, the same by whichever way it comes.
        phase: where it is.
        stage: in Azure's word.
        services: that it lists, each with its regions; no regions: Azure as a whole.
        title: in plain words.
        said: the communication, in plain words.
    """

    entry: Entry
    kind: str
    tracking: str
    identity: str
    phase: Phase
    stage: str
    services: tuple[tuple[str, tuple[str, ...]], ...]
    title: str
    said: str


class Impact(NamedTuple):
    """One service that an update lists, at one place that is ours."""

    placed: Placed
    service: str


def signals(entry: Entry, known: Known) -> tuple[Signal, ...]:
    """An alert that a rule can name, and the health of nodes: for each stamp in a region, or each workload.

    Raises:
        Rejection: `not_ours`, where no stamp lies in any region that it names.
    """
    update = _update(entry)
    why = "" if text(entry.properties, "trackingid") else UNTRACKED
    impacts = _impacts(update, known)
    first = {impact.placed.subject: impact.placed for impact in impacts}
    alerts = tuple(_alert(update, placed, why) for placed in first.values())
    if update.kind not in (_INCIDENT, _MAINTENANCE):
        return alerts
    return (*alerts, *_healths(update, impacts, why))


def _update(entry: Entry) -> Update:
    said = entry.properties
    services = _listed(said)
    of_operation = entry.operation.removeprefix("microsoft.servicehealth/").partition("/")[0]
    kind = (text(said, "incidenttype") or of_operation or "unnamed").replace(" ", "").lower()
    stage = text(said, "stage") or entry.status
    untracked = f"untracked-{digest(kind, *(name for name, _ in services))}"
    tracking = rule_name(text(said, "trackingid"), untracked)
    of_update = scalar(said, "communicationid") or f"{stage.lower()} {entry.at.isoformat()}"
    return Update(
        entry=entry,
        kind=kind,
        tracking=tracking,
        identity=digest(tracking, of_update),
        phase=PHASES.get(stage.lower(), Phase.UNKNOWN),
        stage=stage,
        services=services,
        title=plain(text(said, "title") or text(said, "defaultlanguagetitle")),
        said=plain(text(said, "communication") or text(said, "defaultlanguagecontent")),
    )


def _listed(said: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Services, each with its regions; where it has none of its own, those of the whole update."""
    found = said.get("impactedservices")
    listed = {"services": json_in(found) if isinstance(found, str) else found}
    regions = _split(text(said, "region"))
    services = [lower_keys(each) for each in rows(listed, "services") if isinstance(each, dict)]
    if services:
        return tuple(
            (clip(text(each, "servicename"), _MAX_NAME) or _UNNAMED, _regions(each) or regions)
            for each in services[:_MAX_SERVICES]
        )
    return tuple((name, regions) for name in _split(text(said, "service")) or (_UNNAMED,))


def _regions(service: Table) -> tuple[str, ...]:
    found = [lower_keys(each) for each in rows(service, "impactedregions") if isinstance(each, dict)]
    named = [clip(text(each, "regionname"), _MAX_NAME) for each in found[:_MAX_REGIONS]]
    return tuple(name for name in named if name)


def _split(names: str) -> tuple[str, ...]:
    return tuple(clip(name, _MAX_NAME) for each in names.split(",")[:_MAX_REGIONS] if (name := each.strip()))


def _impacts(update: Update, known: Known) -> list[Impact]:
    found: list[Impact] = []
    for service, regions in update.services:
        try:
            found += [Impact(placed, service) for placed in known.in_regions(regions)]
        except Rejection:  # this service fails where we are not; others of the update may be nearer
            continue
    if not found:
        known.in_regions([region for _, regions in update.services for region in regions])
    return found


def _alert(update: Update, placed: Placed, why: str) -> Signal:
    fires = update.phase in (Phase.ACTIVE, Phase.PLANNED)
    planned = "-planned" if update.phase is Phase.PLANNED else ""
    # What cannot be understood neither fires nor ends anything: it is written down beside the rest.
    instance = f"{update.tracking} {update.stage}" if update.phase is Phase.UNKNOWN else update.tracking
    alert = Alert(
        rule=rule_name(f"service-health:{update.kind}{planned}"),
        condition=AlertState.FIRED if fires else AlertState.RESOLVED,
        observed_at=update.entry.at,
        instance=rule_name(instance),
        clues=Clues(),
        severity=update.entry.severity,
        reasons=_reasons(update, [name for name, _ in update.services]),
        why=why or _NEVER.get(update.phase, ""),
    )
    return replace(
        signal_at(placed, alert),
        id=_identity(update, placed.subject, "alert"),
        source=f"service-health:{update.tracking}",
        order=_ORDERS[update.phase],
    )


def _healths(update: Update, impacts: Iterable[Impact], why: str) -> tuple[Signal, ...]:
    """One signal for each node at each place; the worst, where several services are one node."""
    said: dict[tuple[Placed, str], list[tuple[Health, str]]] = {}
    for impact in impacts:
        worldwide = impact.placed.subject.stamp is None
        for node, health in _effects(update, impact.service, worldwide=worldwide).items():
            said.setdefault((impact.placed, node), []).append((health, impact.service))
    return tuple(
        _health(update, with_node(placed, node), words, why) for (placed, node), words in said.items()
    )


def _health(update: Update, placed: Placed, words: list[tuple[Health, str]], why: str) -> Signal:
    health = worst([health for health, _ in words])
    spared = health is Health.GREEN and update.phase is Phase.ACTIVE
    return Signal(
        id=_identity(update, placed.subject, "health"),
        subject=placed.subject,
        source=f"service-health:{update.tracking}",
        observed_at=update.entry.at,
        order=_ORDERS[update.phase],
        health=health,
        reasons=_reasons(update, [service for _, service in words], SPARED if spared else ""),
        may_act=not (why or placed.doubt),
        why=why or placed.doubt,
        placed_by=placed.by,
    )


def _effects(update: Update, service: str, *, worldwide: bool) -> dict[str, Health]:
    """The nodes that an update about a service speaks of, and what it makes of them."""
    if service == _UNNAMED or update.phase not in (Phase.ACTIVE, Phase.OVER):
        return {}
    if update.phase is Phase.OVER:
        kinds = candidates(service, of_incident=update.kind == _INCIDENT)
        return {kind.node: Health.GREEN for kind in kinds}
    found = service_of(service, f"{update.title} {update.said}")
    if update.kind == _MAINTENANCE:
        return {found.node: Health.YELLOW}
    informational = update.entry.severity is Severity.INFO
    if found.managed and only_managing(update.said, informational=informational):
        # What runs is said to be fine, so an earlier update that took it for broken is corrected.
        managing = found.health_of_managing(worldwide=worldwide)
        return {found.node: Health.GREEN, CONTROL_PLANE.node: managing}
    return {found.node: found.health(worldwide=worldwide)}


def _reasons(update: Update, services: list[str], note: str = "") -> tuple[str, ...]:
    listed = ", ".join(dict.fromkeys(services))[:_MAX_NAME]
    regions = dict.fromkeys(region for name, of in update.services if name in services for region in of)
    where = ", ".join(regions)[:_MAX_NAME] or "Global"
    stage = update.stage or "no stage given"
    what = f"{plain(listed)} in {plain(where)}: {update.kind}, {stage}; tracking id {update.tracking}"
    return tuple(clip(each, MAX_REASON) for each in (update.title, what, note, update.said) if each)


def _identity(update: Update, subject: Subject, what: str) -> str:
    where = subject.workload, subject.stamp or "", subject.node or ""
    return f"service-health:{digest(update.identity, what, *where)}"
