"""Is someone woken, once per incident, whatever PagerDuty answers?"""

import json
from datetime import datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from remediation.act.http import Door
from remediation.act.log import LogTeller
from remediation.act.page import BODY_BYTES, PagerDutyTeller, dedup_key, event_body
from remediation.act.secret import from_environment
from remediation.ledger.intent import OutcomeKind
from remediation.ledger.told import Channel, Message, MessageKind
from rules.signals import Severity
from rules.topology import Channels, PagerDuty, SecretRef, Workload
from tests.act.far_side import FarSide, hangs, hangs_up, says, says_json, secrets
from tests.builders import NOW, a_message, a_workload

KEY = "R0UTINGKEY0123456789ABCDEFGHIJKL"
ACCEPTED = says_json(202, {"status": "success", "message": "Event processed", "dedup_key": "x"})


def paging_through(url: str) -> Workload:
    """A workload whose PagerDuty is there."""
    return a_workload(channels=Channels(pagerduty=PagerDuty(SecretRef("PD_KEY"), url)))


def teller(door: Door, timeout_seconds: float = 5.0) -> PagerDutyTeller:
    """One that knows the routing key."""
    return PagerDutyTeller(door, secrets(PD_KEY=KEY), LogTeller(), timeout_seconds=timeout_seconds)


def alerts_after(events: list[Any]) -> dict[str, str]:
    """What PagerDuty makes of events: the open alerts by dedup key, with their severity."""
    alerts: dict[str, str] = {}
    for event in events:
        assert event["routing_key"] == KEY
        assert len(event["dedup_key"]) <= 255
        if event["event_action"] == "resolve":
            alerts.pop(event["dedup_key"], None)
        else:
            assert event["event_action"] == "trigger"
            assert 0 < len(event["payload"]["summary"]) <= 1024
            assert event["payload"]["source"]
            alerts[event["dedup_key"]] = event["payload"]["severity"]
    return alerts


async def test_p8_a_page_repeated_opens_one_alert_and_its_resolve_closes_it(door: Door) -> None:
    """The incident's key is the dedup key of trigger and resolve alike."""
    async with FarSide(ACCEPTED) as far:
        workload = paging_through(far.url)
        for _ in range(2):
            outcome = await teller(door).tell(workload, a_message())
            assert outcome.kind is OutcomeKind.APPLIED
        events = [request.json for request in far.received]
        assert alerts_after(events) == {a_message().incident: "critical"}
        await teller(door).tell(workload, a_message(MessageKind.RESOLVE))
        events = [request.json for request in far.received]
    assert alerts_after(events) == {}
    assert {request.path for request in far.received} == {"/v2/enqueue"}


def test_an_event_says_what_broke_where_and_when() -> None:
    """Every field that responders filter by is filled from the incident."""
    message = a_message(facts=(("scope", "stamp"), ("why", "first"), ("why", "second")))
    event = json.loads(event_body(KEY, a_workload(), message))
    payload = event["payload"]
    assert payload["source"] == "shop/weu"
    assert payload["component"] == "weu"
    assert payload["group"] == "shop"
    assert payload["class"] == "consumer-cannot-read"
    assert payload["summary"] == message.title
    assert datetime.fromisoformat(payload["timestamp"]) == NOW
    assert payload["custom_details"] == {"scope": "stamp", "why": "first\nsecond"}


def test_a_summary_is_cut_in_characters_and_never_empty() -> None:
    """PagerDuty counts characters, and takes no event without a summary."""
    long = json.loads(event_body(KEY, a_workload(), a_message(title="ü" * 3000)))
    empty = json.loads(event_body(KEY, a_workload(), a_message(title=" ")))
    assert long["payload"]["summary"] == "ü" * 1024
    assert empty["payload"]["summary"] == a_message().incident


def test_a_long_incident_keeps_one_dedup_key() -> None:
    """A key beyond 255 characters is hashed, the same for trigger and resolve."""
    incident = "shop/weu/" + "x" * 300
    keys = {
        json.loads(event_body(KEY, a_workload(), a_message(kind, incident=incident)))["dedup_key"]
        for kind in MessageKind
    }
    assert keys == {dedup_key(incident)}
    assert len(dedup_key(incident)) == 64


def test_a_page_too_large_loses_its_details_and_not_itself() -> None:
    """Beyond 512,000 bytes PagerDuty takes nothing: the details go, the page stays."""
    message = a_message(facts=(("log", "ü" * 400_000),))
    body = event_body(KEY, a_workload(), message)
    assert len(body) <= BODY_BYTES
    assert json.loads(body)["payload"]["summary"] == message.title
    assert "left out" in json.loads(body)["payload"]["custom_details"]["details"]


async def test_a_refused_page_says_what_pagerduty_said_without_the_key(door: Door) -> None:
    """A 400 is final, and its reason holds `errors` but never the routing key."""
    refusal = {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": [f"bad {KEY}", "no"],
    }
    async with FarSide(says_json(400, refusal)) as far:
        outcome = await teller(door).tell(paging_through(far.url), a_message())
    assert outcome.kind is OutcomeKind.REFUSED
    assert outcome.reason == "HTTP 400: bad ***; no"
    assert len(far.received) == 1


async def test_a_throttled_page_waits_half_a_minute_at_least(door: Door) -> None:
    """A 429 is not tried again at once, whatever it asks for."""
    async with FarSide(says(429)) as far:
        bare = await teller(door).tell(paging_through(far.url), a_message())
    async with FarSide(says(429, headers={"Retry-After": "90"})) as far:
        asked = await teller(door).tell(paging_through(far.url), a_message())
    assert (bare.kind, bare.retry_after_seconds) == (OutcomeKind.TRANSIENT, 30.0)
    assert (asked.kind, asked.retry_after_seconds) == (OutcomeKind.TRANSIENT, 90.0)


async def test_a_page_outlasts_a_short_fault(door: Door) -> None:
    """A failure and a lost answer are tried again at once: the dedup key makes it safe."""
    async with FarSide(says(502), hangs_up(), ACCEPTED) as far:
        outcome = await teller(door).tell(paging_through(far.url), a_message())
    assert outcome.kind is OutcomeKind.APPLIED
    assert alerts_after([request.json for request in far.received]) == {a_message().incident: "critical"}


async def test_a_page_without_an_answer_is_unknown(door: Door) -> None:
    """Nobody knows whether it woke someone; the outbox sends it again."""
    async with FarSide(hangs()) as far:
        outcome = await teller(door, timeout_seconds=0.1).tell(paging_through(far.url), a_message())
    assert outcome.kind is OutcomeKind.UNKNOWN


async def test_a_page_without_a_routing_key_names_the_variable(door: Door) -> None:
    """What is not set is named, and nothing is sent."""
    async with FarSide() as far:
        without = PagerDutyTeller(door, secrets(), LogTeller())
        outcome = await without.tell(paging_through(far.url), a_message())
    assert outcome.kind is OutcomeKind.REFUSED
    assert outcome.reason == "environment variable PD_KEY is not set"
    assert far.received == []


async def test_a_page_without_a_channel_is_an_error_in_the_log(door: Door) -> None:
    """A workload without PagerDuty loses no page without a trace."""
    with capture_logs() as lines:
        outcome = await teller(door).tell(a_workload(), a_message(facts=(("why", "a\nb"),)))
    [line] = lines
    assert outcome.kind is OutcomeKind.APPLIED
    assert (line["event"], line["log_level"]) == ("page", "error")
    assert (line["workload"], line["incident"]) == ("shop", a_message().incident)
    assert line["facts"] == {"why": "a b"}


@pytest.mark.parametrize(
    "message",
    [a_message(MessageKind.RESOLVE), a_message(channel=Channel.NOTIFY, severity=Severity.INFO)],
)
async def test_what_wakes_nobody_is_a_warning_in_the_log(message: Message) -> None:
    """Resolves and notifications are written, below the level of errors."""
    with capture_logs() as lines:
        await LogTeller().tell(a_workload(), message)
    assert [line["log_level"] for line in lines] == ["warning"]


def test_a_blank_variable_is_not_set() -> None:
    """A secret of white space alone is no secret; white space around one is none of it."""
    environment = {"BLANK": " \n", "KEY": " value\n"}
    assert [from_environment(SecretRef(name), environment) for name in ("BLANK", "KEY", "NONE")] == [
        None,
        "value",
        None,
    ]


def test_each_severity_is_one_of_pagerdutys() -> None:
    """PagerDuty knows four words, and so do we."""
    events = [json.loads(event_body(KEY, a_workload(), a_message(severity=word))) for word in Severity]
    told = {event["payload"]["severity"] for event in events}
    assert told == {"critical", "error", "warning", "info"}
