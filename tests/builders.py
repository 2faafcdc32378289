"""What does a test mean when it does not say?

Every builder gives a thing that is valid and unremarkable; a test names only what
its claim is about: `a_signal(health=Health.RED)`.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from remediation.decide.looks import HealthLook, LeverLook, LiveLook, StampLook
from remediation.ledger.intent import Intent, LeverKind, Verb
from remediation.ledger.record import Cause, JournalEntry, WorkloadRecord
from remediation.ledger.stamp import LeverState, Refusal, Seen
from remediation.ledger.told import Channel, Incident, Message, MessageKind
from remediation.ports import DeadLetter
from rules.conditions import NodeIs
from rules.evaluate import Asked
from rules.findings import Finding
from rules.reach import Scope
from rules.rule import Playbook, Rule
from rules.signals import AlertState, Health, RegisterKey, Severity, Signal, Subject
from rules.topology import FolderStateFile, Stamp, Workload

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
"""Three in the morning."""

WORKLOAD = "shop"
STAMPS = ("weu", "neu", "eus")
REGIONS = {"weu": "westeurope", "neu": "northeurope", "eus": "eastus"}
NODE = "BackgroundProcessor"
RULE = "consumer-cannot-read"


def seconds(count: float) -> timedelta:
    """That many seconds."""
    return timedelta(seconds=count)


def at(count: float) -> datetime:
    """That many seconds after NOW; before it, if negative."""
    return NOW + seconds(count)


def a_signal(
    stamp: str | None = "weu",
    node: str | None = NODE,
    health: Health | None = Health.GREEN,
    **changes: Any,
) -> Signal:
    """A health model's word about a node."""
    workload = changes.pop("workload", WORKLOAD)
    signal = Signal(
        id=f"{workload}/{stamp}/{node}/{health}",
        subject=Subject(workload, stamp, node),
        source=f"/health-models/{workload}",
        observed_at=NOW,
        health=health,
    )
    return replace(signal, **changes)


def an_alert(
    alert: str = "EventHubThrottled",
    condition: AlertState = AlertState.FIRED,
    stamp: str | None = "weu",
    **changes: Any,
) -> Signal:
    """Azure Monitor's word that an alert rule fires, or no longer does."""
    signal = Signal(
        id=f"{alert}/{stamp}/{condition}",
        subject=Subject(WORKLOAD, stamp),
        source=f"alert:{alert}",
        observed_at=NOW,
        condition=condition,
        alert=alert,
        instance=f"{alert}/{stamp}",
        severity=Severity.ERROR,
    )
    return replace(signal, **changes)


def registers(signals: Iterable[Signal]) -> dict[RegisterKey, Signal]:
    """Each signal in its register."""
    return {signal.key: signal for signal in signals}


def a_stamp(name: str = "weu", **changes: Any) -> Stamp:
    """A stamp whose state file lies in a folder."""
    stamp = Stamp(
        name=name,
        region=REGIONS.get(name, "westeurope"),
        health_service=f"http://{name}.example/health/stamp",
        state_file=FolderStateFile(PurePosixPath(f"states/{name}/stamp.health")),
    )
    return replace(stamp, **changes)


def a_workload(name: str = WORKLOAD, stamps: Iterable[str] = STAMPS, **changes: Any) -> Workload:
    """A workload of three stamps."""
    return replace(Workload(name, tuple(a_stamp(stamp) for stamp in stamps)), **changes)


def a_rule(name: str = RULE, **changes: Any) -> Rule:
    """A rule that asks for a drain where the background processor is red."""
    rule = Rule(
        name,
        "The background processor cannot read from the event hub.",
        NodeIs(NODE, frozenset({Health.RED})),
        Severity.CRITICAL,
        Playbook.DRAIN,
    )
    return replace(rule, **changes)


def a_seen(lever: LeverState = LeverState.IN, **changes: Any) -> Seen:
    """What a look at a stamp shows that is well and in rotation."""
    seen = Seen(lever, serves=True, others_healthy=True, drained=False, words="HealthService 200")
    return replace(seen, **changes)


def refused(when: datetime, reason: str) -> dict[LeverKind, Refusal]:
    """The state file said no."""
    return {LeverKind.STATE_FILE: Refusal(when, reason)}


def a_look(
    stamp: str = "weu",
    lever: LeverState = LeverState.IN,
    failing: Iterable[str] = (),
    *,
    answers: bool = True,
    content: str = "",
    look_at: datetime = NOW,
) -> StampLook:
    """A look at a stamp, whose HealthService notices an absent state file."""
    checks = {"BlobStorage": lever is LeverState.IN, "Database": True} | dict.fromkeys(failing, False)
    status = 200 if all(checks.values()) else 503
    health = (
        HealthLook(stamp, look_at, status, checks)
        if answers
        else HealthLook(stamp, look_at, None, reason="timed out")
    )
    return StampLook(health, LeverLook(stamp, lever, "1", content))


def a_live_look(*looks: StampLook, look_at: datetime = NOW) -> LiveLook:
    """A look at all stamps; those not named are well."""
    named = {look.health.stamp: look for look in looks}
    return LiveLook({stamp: named.get(stamp) or a_look(stamp, look_at=look_at) for stamp in STAMPS})


def a_finding(rule: str = RULE, stamp: str | None = "weu", **changes: Any) -> Finding:
    """A rule that holds for a stamp, and has been that stamp's own fault from the beginning."""
    finding = Finding(
        rule=rule,
        family=rule,
        stamp=stamp,
        since=NOW,
        reason=f"{NODE} is red",
        evidence=(a_signal(stamp).key,),
        alone_since=changes.get("since", NOW) if stamp else None,
    )
    return replace(finding, **changes)


def findings(*found: Finding) -> dict[Asked, Finding]:
    """As the record keeps them."""
    return {Asked(finding.rule, finding.stamp): finding for finding in found}


def an_intent(verb: Verb = Verb.DRAIN, stamp: str = "weu", **changes: Any) -> Intent:
    """A planned drain."""
    intent = Intent(
        id=f"{WORKLOAD}/{stamp}/{verb}/1",
        verb=verb,
        stamp=stamp,
        rule=RULE,
        family=RULE,
        reason=f"{NODE} is red, and only {stamp} is affected",
        planned_at=NOW,
        evidence=(a_signal(stamp).key,),
    )
    return replace(intent, **changes)


def an_incident(stamp: str | None = "weu", family: str = RULE, **changes: Any) -> Incident:
    """An open incident that woke someone."""
    incident = Incident(
        key=f"{WORKLOAD}/{stamp or 'global'}/{family}",
        stamp=stamp,
        family=family,
        severity=Severity.CRITICAL,
        opened_at=NOW,
        summary="The background processor cannot read from the event hub.",
        scope=Scope.STAMP,
        reason=f"only {stamp} is affected",
        pages=True,
    )
    return replace(incident, **changes)


def a_message(kind: MessageKind = MessageKind.TRIGGER, **changes: Any) -> Message:
    """A page that must still be sent."""
    key = an_incident().key
    message = Message(
        id=f"{key}/{kind}",
        channel=Channel.PAGE,
        kind=kind,
        incident=key,
        severity=Severity.CRITICAL,
        title="shop/weu: the background processor cannot read from the event hub",
        created_at=NOW,
        not_before=NOW,
    )
    return replace(message, **changes)


def an_entry(revision: int = 1, workload: str = WORKLOAD, **changes: Any) -> JournalEntry:
    """A decision made on the timer."""
    entry = JournalEntry(id=f"{workload}/{revision}", workload=workload, at=NOW, cause=Cause.TIMER)
    return replace(entry, **changes)


def a_letter(name: str = "1", **changes: Any) -> DeadLetter:
    """A body that was no JSON."""
    body = b"no json"
    letter = DeadLetter(
        id=name, at=NOW, route="alerts", code="not-json", reason="no JSON", body=body, size=len(body)
    )
    return replace(letter, **changes)


def a_record(workload: str = WORKLOAD, revision: int = 1, **changes: Any) -> WorkloadRecord:
    """The first record of a workload about which nothing is known yet."""
    return replace(WorkloadRecord(workload, revision), **changes)


def next_record(record: WorkloadRecord, **changes: Any) -> WorkloadRecord:
    """The record that follows, with these changes."""
    return replace(record, revision=record.revision + 1, **changes)
