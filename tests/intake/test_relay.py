"""Is a forwarded body the same as one that came straight, and is nothing told of its headers?"""

import base64
import json
from typing import Any

import pytest

from remediation.intake import relay
from remediation.intake.read import read
from remediation.intake.rejection import Code
from tests.intake.bodies import KNOWN, a_health_event, an_alert_body, encode, rejected
from tests.intake.legacy_bodies import a_budget, a_log_alert, a_metric_alert, an_autoscale

HEADERS = {
    "User-Agent": "IcMBroadcaster/1.0",
    "Authorization": "Bearer secret-7",
    "x-functions-key": "secret-8",
}


def forwarded(body: object, **more: Any) -> dict[str, Any]:
    """A body as a logic app forwards it."""
    return {"headers": HEADERS, "body": body, **more}


def in_base64(body: object) -> dict[str, str]:
    """As a logic app writes what came with a media type that it does not know."""
    content = base64.b64encode(encode(body)).decode()
    return {"$content-type": "application/cloudevents+json", "$content": content}


BODIES = [
    pytest.param(an_alert_body(), id="common"),
    pytest.param(an_alert_body(alertId=None), id="common-without-alert-id"),
    pytest.param(a_metric_alert(), id="legacy-metric"),
    pytest.param(a_metric_alert("Deactivated"), id="legacy-metric-deactivated"),
    pytest.param(a_log_alert(), id="legacy-log"),
    pytest.param(a_budget(), id="legacy-budget"),
    pytest.param(an_autoscale(), id="autoscale"),
    pytest.param(a_health_event(), id="health-event"),
]


@pytest.mark.parametrize("body", BODIES)
def test_the_same_fact_by_whatever_path_has_the_same_identity(body: dict[str, Any]) -> None:
    """By webhook or Event Hub action, bare or in an array, forwarded as an object, a string or base64."""
    ways = [
        body,
        [body],
        forwarded(body),
        forwarded(json.dumps(body)),
        forwarded(in_base64(body)),
        forwarded([body]),
        [forwarded(body)],
        [forwarded(json.dumps(body, indent=2))],
    ]
    readings = [read(encode(way), KNOWN) for way in ways]
    assert readings[0].signals
    assert {reading.signals for reading in readings} == {readings[0].signals}
    assert {reading.family for reading in readings} == {readings[0].family}
    assert not any(reading.rejected for reading in readings)


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        7,
        None,
        {"headers": HEADERS},
        {"body": {}},
        {"headers": "text", "body": {}},
        {"headers": [], "body": {}},
    ],
)
def test_what_is_no_wrapper_stays_as_it_is(value: object) -> None:
    """Headers and a body make one."""
    assert relay.unwrapped(value) is value


def test_more_beside_the_body_is_no_matter() -> None:
    """A logic app may add the query and the path."""
    assert relay.unwrapped(forwarded({"a": 1}, queries={"code": "x"}, relativePathParameters={})) == {"a": 1}


def test_a_wrapper_in_a_wrapper_is_unwrapped_once() -> None:
    """Who forwards what was forwarded is not followed for ever: the second one is no known family."""
    assert relay.unwrapped(forwarded(forwarded({"a": 1}))) == forwarded({"a": 1})
    assert rejected(lambda: read(encode(forwarded(forwarded(an_alert_body()))), KNOWN)).code is (
        Code.UNKNOWN_FAMILY
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<alert/>", Code.NOT_JSON),
        ("", Code.NOT_JSON),
        ('{"a": 1, "a": 2}', Code.DUPLICATE_KEY),
        ('{"a": NaN}', Code.NOT_FINITE),
        ("[" * 40 + "]" * 40, Code.TOO_DEEP),
        ({"$content": "no base64!"}, Code.NOT_JSON),
        ({"$content": "ähm"}, Code.NOT_JSON),
        ({"$content": base64.b64encode(b"\xff").decode()}, Code.NOT_UTF8),
    ],
)
def test_a_forwarded_text_passes_the_same_limits(body: object, code: Code) -> None:
    """A string inside JSON is no way around the bounds; the sentence says that it is the inner one."""
    rejection = rejected(lambda: relay.unwrapped(forwarded(body)))
    assert rejection.code is code
    assert rejection.reason.startswith(("in the forwarded `body`", "body.$content"))


@pytest.mark.parametrize("body", [None, 7, True, "7", {}, {"what": "is this"}])
def test_a_forwarded_nothing_is_rejected_and_its_headers_are_not_told(body: object) -> None:
    """Neither the reason nor the signals ever hold a header: there may be keys among them."""
    rejection = rejected(lambda: read(encode(forwarded(body)), KNOWN))
    assert rejection.code in {Code.NOT_AN_OBJECT, Code.UNKNOWN_FAMILY}
    assert "secret" not in rejection.reason
    assert "secret" not in repr(read(encode(forwarded(an_alert_body())), KNOWN))


def test_one_bad_wrapper_does_not_stop_its_batch() -> None:
    """It is buried with its reason; the alert beside it is read."""
    reading = read(encode([forwarded("<alert/>"), forwarded(an_alert_body())]), KNOWN)
    assert [item.code for item in reading.rejected] == [Code.NOT_JSON]
    assert len(reading.signals) == 1
