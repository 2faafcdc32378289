"""Does `inspect` say of any body what the worker makes of it, and in the shape that is published?"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from cli.inspection import NAMED, Inspection, inspect_body
from cli.main import app
from remediation.intake.read import FAMILIES
from tests.intake.bodies import BODIES, a_health_event, an_alert_body, encode, shop

WORKLOADS = {"shop": shop()}
THEN = datetime(2026, 3, 1, 3, tzinfo=UTC)
WORKLOAD_FILE = """
workload: shop
resource_groups: [aoprod-monitoring-rg]
stamps:
  - name: weu
    region: westeurope
    resource_group: aoprod7745-stamp-westeurope-rg
    health_service: https://weu.example/health/stamp
    state_file: {folder: states/weu}
  - name: neu
    region: northeurope
    health_service: https://neu.example/health/stamp
    state_file: {folder: states/neu}
"""
A_HANDSHAKE = {
    "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    "data": {"validationCode": "512d38b6"},
}
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command about a workload that has the stamp weu."""
    workload = tmp_path / "workload.yaml"
    workload.write_text(WORKLOAD_FILE)
    environment = {"REMEDIATION_WORKLOADS": str(workload), "COLUMNS": "200"}

    def invoke(*words: str, given: bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=given, env=environment)

    return invoke


def inspected(body: object, now: datetime = THEN + timedelta(minutes=1)) -> Inspection:
    """What is said of a body, a minute after the facts in it."""
    return inspect_body(encode(body), WORKLOADS, now)


def test_every_body_of_the_corpus_is_answered_in_the_published_shape(run: Run) -> None:
    """What `schema inspect` prints is what `inspect --json` answers, for every family and rejection."""
    schema = json.loads(run("schema", "inspect").output)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    families = set()
    for path in BODIES:
        answer = inspect_body(path.read_bytes(), WORKLOADS, THEN).model_dump(mode="json")
        validator.validate(answer)
        families.add(answer["family"])
        assert answer["accepted"] == bool(answer["signals"])
        assert answer["accepted"] or answer["reason"]
    assert families >= {family.name for family in FAMILIES}


def test_the_shape_has_no_fields_beside_those_that_are_published(run: Run) -> None:
    """A field more, or one that is missing, is against the schema: so the two cannot drift apart."""
    schema = json.loads(run("schema", "inspect").output)
    answer = json.loads(run("inspect", "--json", "-", given=encode(an_alert_body())).output)
    jsonschema.validate(answer, schema)
    fixed = ("family", "accepted", "reason", "signals", "rejected")
    of_signals = ("id", "workload", "stamp", "node", "health", "condition", "severity", "observed_at")
    assert set(fixed) <= set(answer)
    assert {*of_signals, "may_act", "why", "instance", "source", "placed_by"} <= set(answer["signals"][0])
    for broken in ({**answer, "more": 1}, {name: answer[name] for name in answer if name != "rejected"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_the_register_and_the_rule_of_the_mapping_are_shown() -> None:
    """Whose word it is, of which instance, and why it is about this stamp; an event names it itself."""
    [alert] = inspected(an_alert_body()).signals
    assert (alert.source, alert.instance != "") == ("alert:EventHubThrottled", True)
    assert alert.placed_by == "resource group aoprod7745-stamp-westeurope-rg belongs to stamp weu"
    [event] = inspected(a_health_event()).signals
    assert (event.source, event.instance, event.placed_by) == ("/health-models/shop", "", NAMED)


@pytest.mark.parametrize(
    ("body", "age", "why"),
    [
        (an_alert_body(), timedelta(minutes=1), ""),
        (an_alert_body(), timedelta(minutes=61), "observed 1h 1m ago; it may act for 1h"),
        (an_alert_body(), timedelta(days=2), "observed 2d ago; from 1d on it is set aside"),
        (a_health_event(), timedelta(minutes=4), ""),
        (a_health_event(), timedelta(minutes=6), "observed 6m ago; it may act for 5m"),
        (a_health_event(), timedelta(minutes=-4), ""),
        (a_health_event(), timedelta(minutes=-6), "6m ahead of now, more than 5m: it is set aside"),
        (
            an_alert_body(monitorCondition="Resolved"),
            timedelta(minutes=1),
            "it ends what fired, and causes nothing by itself",
        ),
        (
            an_alert_body(monitorCondition=None),
            timedelta(minutes=1),
            "it does not say whether it fired or was resolved",
        ),
        (an_alert_body({"properties": {"IsSynthetic": "True"}}), timedelta(), "a test action"),
    ],
)
def test_whether_it_may_act_is_judged_at_the_moment(body: object, age: timedelta, why: str) -> None:
    """Too old, from the future, over, unclear or a sample: each with its words; else it may."""
    [signal] = inspected(body, THEN + age).signals
    assert signal.may_act is (not why)
    assert why in signal.why
    assert bool(signal.why) is bool(why)
    assert signal.age_seconds == age.total_seconds()


def test_items_of_a_batch_that_are_rejected_are_listed() -> None:
    """Each with its code, sentence and size, beside the signals of the others."""
    answer = inspected([a_health_event(), {"what": 1}, a_health_event(state="purple")])
    assert answer.accepted
    assert [each.code for each in answer.rejected] == ["unknown_family", "wrong_shape"]
    assert all(each.reason and each.size > 0 for each in answer.rejected)
    assert answer.reason.startswith("unknown_family: ")


def test_of_many_rejected_items_the_reason_names_the_first() -> None:
    """The list has all of them; the sentence stays short."""
    answer = inspected([7] * 1000)
    assert len(answer.rejected) == 1000
    assert answer.reason.endswith("; and 997 more")
    assert len(answer.reason) < 600
    assert inspected([]).reason == "it holds no item"


def test_a_body_that_is_rejected_still_has_its_family() -> None:
    """An alert about nothing of ours is an alert; a shape that nobody knows has no family."""
    foreign = inspected(an_alert_body(alertTargetIDs=["/subscriptions/1/resourceGroups/theirs"]))
    assert (foreign.family, foreign.accepted, foreign.rejected[0].code) == (
        "azure-monitor",
        False,
        "not_ours",
    )
    assert inspected({"what": 1}).family is None
    assert inspected(7).family is None
    assert inspect_body(b"{", WORKLOADS, THEN).family is None


def test_a_handshake_is_said_to_be_one(run: Run) -> None:
    """It is answered and never kept, so it is no rejection; but there is no signal, and the status is 1."""
    for body in (A_HANDSHAKE, [A_HANDSHAKE]):
        answer = inspected(body)
        assert (answer.handshake, answer.accepted, answer.rejected) == (True, False, [])
        shown = run("inspect", "-", given=encode(body))
        assert (shown.exit_code, "handshake" in shown.output) == (1, True)


def test_people_read_the_same(run: Run) -> None:
    """Subject, state, severity, age, mapping, both identities, reasons, and why it must not act."""
    shown = run("inspect", "-", given=encode(an_alert_body()))
    assert shown.exit_code == 0
    for words in (
        "family: azure-monitor",
        "shop/weu/EventHub: alert EventHubThrottled fired, severity error",
        "observed at 2026-03-01T03:00:00+00:00 (",
        "placed by: resource group aoprod7745-stamp-westeurope-rg belongs to stamp weu",
        "id: alert:",
        "source: alert:EventHubThrottled, instance ",
        "must not act: observed",
    ):
        assert words in shown.output


def test_what_is_ahead_of_now_is_shown_so(run: Run) -> None:
    """A fact of tomorrow is told apart from one of yesterday; one of this moment may act."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    shown = run("inspect", "-", given=encode(a_health_event(observed_at=tomorrow.isoformat())))
    assert "ahead)" in shown.output
    now = datetime.now(UTC).isoformat()
    fresh: dict[str, Any] = an_alert_body({"DetectionSummary": "Too many failures"}, firedDateTime=now)
    shown = run("inspect", "-", given=encode(fresh))
    assert "  may act" in shown.output
    assert "  reason: Too many failures" in shown.output


def test_rejected_items_are_shown_to_people(run: Run) -> None:
    """One line for each, with the code in front; nothing read means status 1."""
    shown = run("inspect", "-", given=encode([7, a_health_event(observed_at="x")]))
    assert shown.exit_code == 1
    assert "rejected: not_an_object: " in shown.output
    assert "rejected: bad_time: " in shown.output
    assert run("inspect", "-", given=b"[]").exit_code == 1
