"""Can a receiver be sure that a step was asked for by us, and obey it once?"""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook, WebhookVerificationError

from remediation.act.http import Door
from remediation.act.secret import ReadSecret
from remediation.act.webhook import EVENT_TYPE, StepWebhook, event_body
from remediation.ledger.intent import Intent, Outcome, OutcomeKind
from remediation.ports import Clock
from rules.topology import Endpoint, SecretRef
from tests.act.far_side import Answer, FarSide, Received, StillClock, hangs, hangs_up, says, secrets
from tests.builders import NOW, an_intent

KEY = base64.b64encode(b"0123456789/+abcdefghijklmnopqrst").decode()
SECRET = f"whsec_{KEY}"
SIGNED = SecretRef("HOOK_SECRET")
PATH = "/hooks/4f1d9c2b7a3e4d5f8091?sig=s3cr3tsignature"
"""A receiver's URL can be a secret itself."""


class RealClock:
    """The machine's: the library's verifier compares with it."""

    def now(self) -> datetime:
        """In whatever zone, so that nothing relies on UTC."""
        return datetime.now(timezone(timedelta(hours=5)))


class LaterClock:
    """A clock that stands a minute after `StillClock`."""

    def now(self) -> datetime:
        """One minute past three."""
        return NOW + timedelta(minutes=1)


def an_attempt(**changes: Any) -> Intent:
    """A step that is tried for the first time."""
    return replace(an_intent(), attempts=1, **changes)


async def ask(
    door: Door,
    far: FarSide,
    intent: Intent | None = None,
    *,
    clock: Clock | None = None,
    timeout_seconds: float = 5.0,
    secret: SecretRef | None = SIGNED,
) -> Outcome:
    """Ask the far side for a step."""
    known = secrets(HOOK_URL=far.url + PATH, HOOK_SECRET=SECRET)
    webhook = StepWebhook(door, known, clock or StillClock(), timeout_seconds=timeout_seconds)
    endpoint = Endpoint(SecretRef("HOOK_URL"), secret)
    return await webhook.apply(endpoint, "shop", intent or an_attempt())


def verified(received: Received, secret: str = SECRET) -> Any:
    """The body, if the library's own verifier takes the signature."""
    return Webhook(secret).verify(received.body, dict(received.headers))


def as_sent(received: Received) -> tuple[dict[str, str], bytes]:
    """A request without what may differ between two sendings."""
    changing = {"webhook-timestamp", "webhook-signature"}
    return {name: value for name, value in received.headers.items() if name.lower() not in changing}, (
        received.body
    )


async def test_a_receiver_verifies_the_signature_with_the_standard_library(door: Door) -> None:
    """Standard Webhooks' own verifier takes what was sent, and the id is the intent's."""
    async with FarSide(says(202)) as far:
        outcome = await ask(door, far, clock=RealClock())
    (received,) = far.received
    assert outcome == Outcome(OutcomeKind.APPLIED, "HTTP 202")
    assert verified(received)["id"] == an_attempt().id
    assert received.headers["webhook-id"] == an_attempt().id
    assert received.method == "POST"
    assert received.path == PATH


async def test_a_signature_covers_body_id_and_time(door: Door) -> None:
    """Whoever changes one of them, or has another secret, is found out."""
    async with FarSide() as far:
        await ask(door, far, an_attempt(reason="Zufluss gestört. Ü"), clock=RealClock())
    (received,) = far.received
    assert verified(received)["data"]["reason"] == "Zufluss gestört. Ü"
    other_time = str(int(received.headers["webhook-timestamp"]) + 1)
    forged = [
        replace(received, body=received.body.replace(b'"shop"', b'"fish"')),
        replace(received, headers={**received.headers, "webhook-id": "another"}),
        replace(received, headers={**received.headers, "webhook-timestamp": other_time}),
    ]
    for each in forged:
        with pytest.raises(WebhookVerificationError):
            verified(each)
    with pytest.raises(WebhookVerificationError):
        verified(received, "whsec_" + base64.b64encode(b"another secret of 24 bytes").decode())


async def test_the_time_of_the_signature_is_that_of_the_sending(door: Door) -> None:
    """A step may be planned long before it is sent, and receivers take five minutes at most."""
    intent = an_attempt(planned_at=NOW - timedelta(hours=2))
    async with FarSide() as far:
        await ask(door, far, intent)
    assert far.received[0].headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert far.received[0].json["time"] == "2026-11-21T01:00:00Z"


def test_a_step_about_the_whole_workload_names_no_stamp() -> None:
    """A receiver that goes by the subject is not sent to a stamp without a name."""
    about = json.loads(event_body("shop", an_attempt(stamp="")))
    assert about["subject"] == "workload"


async def test_the_body_is_a_cloud_event(door: Door) -> None:
    """The CNCF's own library reads it in structured mode, with everything that the step is about."""
    async with FarSide() as far:
        await ask(door, far)
    (received,) = far.received
    message = HTTPMessage({"content-type": received.headers["Content-Type"]}, received.body)
    event = from_structured_event(message, JSONFormat())
    assert received.headers["Content-Type"] == "application/cloudevents+json"
    assert event.get_specversion() == "1.0"
    assert event.get_id() == an_attempt().id
    assert event.get_type() == EVENT_TYPE == "remediation.step.requested.v1"
    assert event.get_source() == "/remediation/shop"
    assert event.get_subject() == "stamps/weu"
    assert event.get_time() == NOW
    assert event.get_data() == {
        "workload": "shop",
        "stamp": "weu",
        "rule": an_attempt().rule,
        "reason": an_attempt().reason,
        "intent": an_attempt().id,
        "attempt": 1,
    }


async def test_p5_the_same_step_sent_again_is_the_same_request(door: Door) -> None:
    """Byte for byte, but for the time of the signature and the signature."""
    async with FarSide() as far:
        await ask(door, far)
        await ask(door, far, clock=LaterClock())
        await ask(door, far, an_attempt(id="shop/weu/drain/2"))
    first, again, other = far.received
    assert as_sent(first) == as_sent(again)
    assert first.headers["webhook-signature"] != again.headers["webhook-signature"]
    assert as_sent(first) != as_sent(other)


def test_p5_another_attempt_has_the_same_id() -> None:
    """The receiver knows it by its id; only the number of the attempt tells the two apart."""
    first = json.loads(event_body("shop", an_attempt()))
    second = json.loads(event_body("shop", replace(an_attempt(), attempts=2)))
    assert second["data"].pop("attempt") == first["data"].pop("attempt") + 1
    assert first == second


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, OutcomeKind.APPLIED),
        (204, OutcomeKind.APPLIED),
        (301, OutcomeKind.REFUSED),
        (400, OutcomeKind.REFUSED),
        (401, OutcomeKind.REFUSED),
        (404, OutcomeKind.REFUSED),
        (409, OutcomeKind.REFUSED),
        (410, OutcomeKind.REFUSED),
        (408, OutcomeKind.TRANSIENT),
        (429, OutcomeKind.TRANSIENT),
        (503, OutcomeKind.TRANSIENT),
        (500, OutcomeKind.UNKNOWN),
        (502, OutcomeKind.UNKNOWN),
        (504, OutcomeKind.UNKNOWN),
    ],
)
async def test_each_status_has_one_meaning(door: Door, status: int, kind: OutcomeKind) -> None:
    """Taken, refused, not now, or nobody knows; each is sent once."""
    headers = {"Retry-After": "9", "Location": "http://127.0.0.1:1/"}
    async with FarSide(says(status, headers=headers)) as far:
        outcome = await ask(door, far)
    assert outcome.kind is kind
    assert outcome.retry_after_seconds == 9
    assert f"HTTP {status}" in outcome.reason
    assert ("may be sent again" in outcome.reason) == (kind is OutcomeKind.UNKNOWN)
    assert len(far.received) == 1


@pytest.mark.parametrize("lost", [hangs(), hangs_up()])
async def test_no_answer_is_unknown_and_says_that_it_may_be_sent_again(door: Door, lost: Answer) -> None:
    """The receiver may have obeyed; it will know the second request by its id."""
    async with FarSide(lost) as far:
        outcome = await ask(door, far, timeout_seconds=0.3)
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "it may have arrived, and may be sent again: the receiver knows it by its id" in outcome.reason
    assert len(far.received) == 1


async def test_where_nobody_listens_it_is_transient(door: Door) -> None:
    """Nothing was sent."""
    far = FarSide()
    async with far:
        known = secrets(HOOK_URL=far.url, HOOK_SECRET=SECRET)
    webhook = StepWebhook(door, known, StillClock())
    outcome = await webhook.apply(Endpoint(SecretRef("HOOK_URL")), "shop", an_attempt())
    assert outcome == Outcome(OutcomeKind.TRANSIENT, "connection refused")


@pytest.mark.parametrize("status", [400, 429, 500])
async def test_no_reason_holds_a_secret(door: Door, status: int) -> None:
    """An answer that quotes the URL, the secret or a part of either does not carry it on."""

    async def quotes(request: Any) -> Any:
        host = f"http://{request.host}"
        quoted = f"why: {host}{PATH} {PATH} {SECRET} {KEY} key {KEY.split('/')[-1]} s3cr3tsignature"
        return await says(status, quoted)(request)

    async with FarSide(quotes) as far:
        outcome = await ask(door, far)
    assert f"HTTP {status}" in outcome.reason
    assert "why: " in outcome.reason
    for hidden in (SECRET, KEY, KEY.split("/")[-1], "4f1d9c2b7a3e4d5f8091", "s3cr3tsignature", "127.0.0.1"):
        assert hidden not in outcome.reason


async def test_without_a_secret_nothing_is_signed_and_the_id_is_there(door: Door) -> None:
    """Inside a network that is trusted otherwise; the id still tells repetitions."""
    async with FarSide() as far:
        outcome = await ask(door, far, secret=None)
    (received,) = far.received
    assert outcome.kind is OutcomeKind.APPLIED
    assert received.headers["webhook-id"] == an_attempt().id
    assert "webhook-signature" not in received.headers


async def test_a_url_that_is_no_secret_may_stand_in_the_file(door: Door) -> None:
    """It is taken as it stands."""
    async with FarSide() as far:
        webhook = StepWebhook(door, secrets(), StillClock())
        outcome = await webhook.apply(Endpoint(f"{far.url}/steps"), "shop", an_attempt())
    assert outcome.kind is OutcomeKind.APPLIED
    assert far.received[0].path == "/steps"


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (secrets(HOOK_SECRET=SECRET), "environment variable HOOK_URL is not set"),
        (secrets(HOOK_URL="https://hooks.example"), "environment variable HOOK_SECRET is not set"),
    ],
)
async def test_a_variable_that_is_not_set_is_refused(door: Door, known: ReadSecret, words: str) -> None:
    """An unsigned request in place of a signed one is never sent."""
    endpoint = Endpoint(SecretRef("HOOK_URL"), SecretRef("HOOK_SECRET"))
    outcome = await StepWebhook(door, known, StillClock()).apply(endpoint, "shop", an_attempt())
    assert outcome == Outcome(OutcomeKind.REFUSED, words)


@pytest.mark.parametrize(
    "secret", ["whsec_", "whsec_it is no secret", f"{KEY[:-3]}", "whsec_ünicode", "whsec_a==="]
)
async def test_what_is_no_signing_secret_is_refused_without_being_repeated(door: Door, secret: str) -> None:
    """The library would sign with what is left of it, and no receiver could verify that."""
    async with FarSide() as far:
        known = secrets(HOOK_URL=far.url, HOOK_SECRET=secret)
        endpoint = Endpoint(SecretRef("HOOK_URL"), SecretRef("HOOK_SECRET"))
        outcome = await StepWebhook(door, known, StillClock()).apply(endpoint, "shop", an_attempt())
    assert not far.received
    words = "environment variable HOOK_SECRET holds no signing secret: `whsec_` and base64"
    assert outcome == Outcome(OutcomeKind.REFUSED, words)


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/steps", "ftp://127.0.0.1", "hooks.example", "https://", "https://[x", "http://"],
)
async def test_a_url_that_is_not_encrypted_is_refused_without_being_repeated(door: Door, url: str) -> None:
    """From a variable it has passed no check of the file; from a file it is no less refused."""
    webhook = StepWebhook(door, secrets(HOOK_URL=url), StillClock())
    by_name = await webhook.apply(Endpoint(SecretRef("HOOK_URL")), "shop", an_attempt())
    by_value = await webhook.apply(Endpoint(url), "shop", an_attempt())
    assert by_name == Outcome(OutcomeKind.REFUSED, "environment variable HOOK_URL holds no https URL")
    assert by_value == Outcome(OutcomeKind.REFUSED, "this is no https URL")


async def test_the_machine_itself_may_be_called_by_its_name(door: Door) -> None:
    """`localhost` needs no encryption."""
    async with FarSide() as far:
        webhook = StepWebhook(door, secrets(), StillClock())
        outcome = await webhook.apply(Endpoint(f"http://localhost:{far.port}"), "shop", an_attempt())
    assert outcome.kind is OutcomeKind.APPLIED


def test_the_event_says_its_time_in_utc() -> None:
    """Whatever zone the plan was made in."""
    there = NOW.astimezone(timezone(timedelta(hours=-8)))
    event = json.loads(event_body("shop", an_attempt(planned_at=there)))
    assert event["time"] == "2026-11-21T03:00:00Z"
    assert datetime.fromisoformat(event["time"]).tzinfo is UTC
