"""What does a record look like in which every field of everything says something?"""

from dataclasses import replace

from remediation.ledger.intent import IntentState, Lease, LeverKind, Verb
from remediation.ledger.orders import Approval, HoldSwitch, Silence
from remediation.ledger.record import Cause, DrainMade, HeldStep, JournalEntry, WorkloadRecord
from remediation.ledger.stamp import Drain, LeverState, Moved, Seen, StampRecord
from remediation.ledger.told import Action, Channel
from rules.evaluate import Waiting
from rules.findings import Finding
from rules.queue import Backlog, PartitionState, QueueState
from rules.signals import Health, RegisterKey, Signal
from tests.builders import (
    RULE,
    a_finding,
    a_message,
    a_record,
    a_signal,
    an_alert,
    an_entry,
    an_incident,
    an_intent,
    at,
    findings,
    refused,
    registers,
)


def a_rich_record(revision: int = 1) -> WorkloadRecord:
    """A record with something in every field, and a plain thing beside each rich one."""
    return a_record(
        revision=revision,
        registers=_registers(),
        since={Waiting(RULE, "weu", ".0.for"): at(-90), Waiting("dns", None, ""): at(-3)},
        findings=findings(
            a_finding(may_act=False, why="a test alert"),
            Finding("dns", "dns", None, at(1), "DNS is red"),
        ),
        incidents={
            incident.key: incident
            for incident in (
                an_incident(
                    told_holds=("cooldown", "budget"),
                    action=Action.APPLIED,
                    under="shop/weu/root",
                    escalated=True,
                    silenced=True,
                ),
                an_incident(stamp=None, family="dns", pages=False),
            )
        },
        stamps={"weu": _drained(), "neu": StampRecord()},
        intents={
            intent.id: intent
            for intent in (
                an_intent(),
                an_intent(
                    Verb.REJOIN,
                    "neu",
                    attempts=2,
                    not_before=at(20),
                    applied_at=at(10),
                    content="stamp is up\n",
                    lever=LeverKind.FRONT_DOOR,
                    author="ada",
                    approved_by="bob",
                    target="processor",
                    second=True,
                    relapse=True,
                    backlog=True,
                    outcome="the answer was lost",
                    stuck=True,
                ),
                an_intent(Verb.REJOIN, "eus"),
            )
        },
        drains=(DrainMade("weu", at(-3600)), DrainMade("neu", at(-7200))),
        held=(HeldStep(Verb.DRAIN, "weu", RULE, "settle", "seen for 30 s of 1m"),),
        outbox=(
            a_message(facts=(("stamp", "weu"), ("why", "„cannot read“, 3x in a row")), attempts=3),
            a_message(id="another", channel=Channel.NOTIFY),
        ),
        journal=(_decision(revision), an_entry(revision + 1)),
        hold=HoldSwitch("anna@example.com", "the region is being moved", at(86400)),
        silences=(Silence("s1", "ada", "a test of load", at(-60), at(600), "weu", "root-*"),),
        approvals=(
            Approval("a1", Verb.DRAIN, "weu", RULE, "0f", "drain weu", "worker", at(-9), at(900), "ada"),
        ),
        took={
            (Verb.DRAIN, LeverKind.STATE_FILE): (31, 60),
            (Verb.REJOIN, LeverKind.FRONT_DOOR): (30,),
        },
    )


def acting(record: WorkloadRecord) -> WorkloadRecord:
    """The record that follows it, with its drain under way."""
    drain = next(intent for intent in record.in_flight() if intent.verb is Verb.DRAIN)
    lease = Lease("worker-1", "token-1", at(60))
    under_way = replace(drain, state=IntentState.ACTING, lease=lease, attempts=1)
    return replace(record, revision=record.revision + 1, intents={**record.intents, under_way.id: under_way})


def _registers() -> dict[RegisterKey, Signal]:
    return registers(
        [
            a_signal(),
            a_signal(source="lag-probe", health=Health.RED, order=1234, reasons=("lag 4,000", "ünïcödé 🔥")),
            a_signal(stamp=None, node="CosmosDB"),
            an_alert(may_act=False, why="a test alert", placed_by="the label `stamp` names it"),
            an_alert(stamp=None),
        ]
    )


def _drained() -> StampRecord:
    return StampRecord(
        drain=Drain(
            intent="shop/weu/drain/1",
            rule=RULE,
            family=RULE,
            at=at(-300),
            evidence=(a_signal().key,),
            levers=(Moved(LeverKind.STATE_FILE, "stamp is up\n"), Moved(LeverKind.FRONT_DOOR, "{}")),
            marks={"0": 17},
            author="ada",
            stays_out=True,
            recovering_since=at(-30),
        ),
        adopted_at=at(-400),
        reminded_at=at(-20),
        refusals=refused(at(-500), "403"),
        undone_at=at(-200),
        rejoined_at=at(-9000),
        out_by_itself_at=at(-8000),
        back_by_itself_at=at(-7000),
        turns=(at(-60), at(-30)),
        queue=_queue(),
        seen=Seen(
            LeverState.OUT,
            serves=True,
            others_healthy=True,
            drained=True,
            answered=False,
            maintenance=True,
            words="HealthService 503; state file out",
            origin=LeverState.IN,
            settled=False,
            failing=("Database",),
        ),
    )


def _queue() -> QueueState:
    return QueueState(
        stamp="weu",
        looked_at=at(-3),
        at=at(-33),
        blind="the hub cannot be reached",
        hub_created_at=at(-90000),
        remade_at=at(-80000),
        partitions={"0": PartitionState(17, 12, 5, 1, at(-200), stale=True), "1": PartitionState(3)},
        beyond=2,
        stalled_since=at(-200),
        well_at=at(-230),
        sent_at=at(-40),
        checkpoint_at=at(-231),
        owned_at=at(-50),
        backlog=Backlog(at(-300), 1, 6, 3, at(-100)),
    )


def _decision(revision: int) -> JournalEntry:
    return an_entry(
        revision,
        cause=Cause.SIGNALS,
        signals=("a", "b"),
        verdicts=((RULE, "weu", "holds", "it cannot read"), ("dns", "global", "no", "DNS is green")),
        held=(HeldStep(Verb.REJOIN, "neu", RULE, "proof", "no checkpoint since the drain"),),
        events=("planned drain of weu",),
        heard=(
            a_signal(node="Stamp", health=Health.RED, order=7, reasons=("Database is not healthy",)),
            an_alert(may_act=False, why="a test alert", placed_by="the label `stamp` names it"),
        ),
        scopes=((RULE, "weu", "stamp", "only weu is affected"),),
        passed=(("drain", "weu", RULE, "mode_allows, looked_at"),),
    )
