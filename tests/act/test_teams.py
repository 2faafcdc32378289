"""Does the team get a card that Teams can show, whatever is in the message?"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from remediation.act.card import CARD_BYTES, card_body, escaped
from remediation.act.http import Door
from remediation.act.log import LogTeller
from remediation.act.teams import TeamsTeller
from remediation.ledger.intent import OutcomeKind
from remediation.ledger.told import Channel, Message, MessageKind
from rules.signals import Severity
from rules.topology import Channels, SecretRef, Teams
from tests.act.far_side import FarSide, hangs, hangs_up, says, secrets
from tests.builders import a_message, a_workload

SECRET_PATH = "/powerautomate/automations/direct/workflows/0123456789abcdef/triggers/manual/paths/invoke"
SIGNATURE = "sIgNaTuRe-0123456789"
TELLING = a_workload(channels=Channels(teams=Teams(SecretRef("TEAMS_URL"))))

ELEMENTS = {"Container": {"style", "bleed", "items"}, "FactSet": {"facts"}}
ELEMENTS["TextBlock"] = {"text", "weight", "color", "wrap", "size", "isSubtle"}
COLOURS = {"default", "dark", "light", "accent", "good", "warning", "attention"}
STYLES = {"default", "emphasis", "good", "attention", "warning", "accent"}


def teller(door: Door, base: str, timeout_seconds: float = 5.0) -> TeamsTeller:
    """One that knows the webhook of the flow there."""
    url = f"{base}{SECRET_PATH}?api-version=1&sig={SIGNATURE}"
    return TeamsTeller(door, secrets(TEAMS_URL=url), LogTeller(), timeout_seconds=timeout_seconds)


def a_notice(**changes: Any) -> Message:
    """A message for the team."""
    return a_message(**({"channel": Channel.NOTIFY} | changes))


def card_of(body: bytes) -> Any:
    """The card in its envelope, which is exactly as a Workflows webhook takes it."""
    envelope = json.loads(body)
    [attachment] = envelope.pop("attachments")
    card = attachment.pop("content")
    assert envelope == {"type": "message"}
    assert attachment == {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None}
    return card


def elements(items: list[Any]) -> Iterator[Any]:
    """Every element of a card, each checked against version 1.4."""
    for item in items:
        kind = item["type"]
        assert set(item) - {"type"} <= ELEMENTS[kind]
        assert item.get("color", "default") in COLOURS
        assert item.get("style", "default") in STYLES
        yield item
        yield from elements(item.get("items", []))


def texts(card: Any) -> list[str]:
    """Every text that is shown, in its order."""
    shown: list[str] = []
    for element in elements(card["body"]):
        if element["type"] == "TextBlock":
            shown.append(element["text"])
        for fact in element.get("facts", []):
            shown += [fact["title"], fact["value"]]
    return shown


def test_a_card_keeps_to_version_1_4() -> None:
    """Workflows show no later version, and nothing in the card is of one."""
    card = card_of(card_body(a_notice(facts=(("scope", "stamp"), ("why", "")))))
    assert card["type"] == "AdaptiveCard"
    assert card["version"] == "1.4"
    assert card["$schema"] == "http://adaptivecards.io/schemas/adaptive-card.json"
    assert set(card) == {"$schema", "type", "version", "msteams", "fallbackText", "body"}
    assert texts(card)[-4:] == ["scope", "stamp", "why", "(empty)"]


@pytest.mark.parametrize(
    ("severity", "style"),
    [
        (Severity.CRITICAL, "attention"),
        (Severity.ERROR, "attention"),
        (Severity.WARNING, "warning"),
        (Severity.INFO, "accent"),
    ],
)
def test_severity_is_seen_and_said(severity: Severity, style: str) -> None:
    """The colour tells the severity, and so does a word."""
    card = card_of(card_body(a_notice(severity=severity)))
    assert card["body"][0]["style"] == style
    assert texts(card)[0] == str(severity).upper()
    assert card["fallbackText"].startswith(str(severity).upper())


def test_a_resolved_card_looks_resolved() -> None:
    """The end of a critical incident is green and says so."""
    card = card_of(card_body(a_notice(kind=MessageKind.RESOLVE)))
    assert card["body"][0]["style"] == "good"
    assert texts(card)[0] == "RESOLVED"


def test_a_card_too_large_loses_rows_and_keeps_its_title() -> None:
    """Rows go from the end until the card fits, and their number is said."""
    facts = tuple((f"row {number}", "\U0001f525" * 5000) for number in range(60))
    body = card_body(a_notice(facts=facts))
    shown = texts(card_of(body))
    rows = [text for text in shown if text.startswith("row ")]
    assert len(body) <= CARD_BYTES
    assert rows
    assert rows == [f"row {number}" for number in range(len(rows))]
    assert shown[1].startswith("shop/weu: the background processor")
    assert shown[-1] == f"{60 - len(rows)} more left out"


@given(
    title=st.text(max_size=2000),
    incident=st.text(max_size=2000),
    facts=st.lists(st.tuples(st.text(max_size=200), st.text(max_size=2000)), max_size=60),
)
def test_every_message_gives_a_card_that_fits(
    title: str, incident: str, facts: list[tuple[str, str]]
) -> None:
    """Whatever the text, the card is whole, titled and at most 20,000 bytes long."""
    body = card_body(a_notice(title=title, incident=incident, facts=tuple(facts)))
    assert len(body) <= CARD_BYTES
    assert len(texts(card_of(body))) >= 3


@pytest.mark.parametrize("text", ["\\" * 5000, '"' * 5000, "*" * 5000, "\U0001f525" * 5000])
def test_the_worst_title_leaves_room(text: str) -> None:
    """Escapes and four-byte characters do not carry a card over its limit."""
    body = card_body(a_notice(title=text, incident=text, facts=((text, text),) * 60))
    assert len(body) <= CARD_BYTES
    assert len(texts(card_of(body))) > 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<at>everyone</at>", "\u2039at\u203aeveryone\u2039/at\u203a"),
        ("[open](https://evil.example)", "\\[open\\](https://evil.example)"),
        ("**bold** _it_ `code` ~~gone~~", "\\*\\*bold\\*\\* \\_it\\_ \\`code\\` \\~\\~gone\\~\\~"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("# head", "\\# head"),
        ("2026-11-21", "2026-11-21"),
        ("-1", "-1"),
        ("{{DATE(2026-11-21T03:00:00Z)}}", "\\{\\{DATE(2026-11-21T03:00:00Z)\\}\\}"),
        ("two\nlines\u202e", "two lines"),
        ("\\", "\\\\"),
    ],
)
def test_foreign_text_is_shown_as_it_is(text: str, shown: str) -> None:
    """No markup, mention, macro or line break of an alert's author takes effect."""
    assert escaped(text, 600) == shown


def test_foreign_text_is_bounded() -> None:
    """A long text ends with an ellipsis."""
    assert escaped("x" * 1000, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("status", [200, 202])
async def test_a_card_is_posted(door: Door, status: int) -> None:
    """A flow that has started is all that can be known."""
    async with FarSide(says(status)) as far:
        outcome = await teller(door, far.url).tell(TELLING, a_notice())
    assert outcome.kind is OutcomeKind.APPLIED
    [request] = far.received
    assert request.method == "POST"
    assert request.path.startswith(SECRET_PATH)
    assert card_of(request.body)["version"] == "1.4"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refused_card_gives_no_secret_away(door: Door, status: int) -> None:
    """Whatever the flow says, its URL and signature are in no reason and no log."""
    said = f"The workflow at {SECRET_PATH}?sig={SIGNATURE} or {SIGNATURE} is gone"
    with capture_logs() as lines:
        async with FarSide(says(status, said)) as far:
            outcome = await teller(door, far.url).tell(TELLING, a_notice())
    assert outcome.kind is OutcomeKind.REFUSED
    for told in (outcome.reason, repr(lines)):
        assert SIGNATURE not in told
        assert "0123456789abcdef" not in told


async def test_a_throttled_card_waits_as_long_as_it_is_asked_to(door: Door) -> None:
    """The outbox learns how long."""
    async with FarSide(says(429, headers={"Retry-After": "17"})) as far:
        outcome = await teller(door, far.url).tell(TELLING, a_notice())
    assert (outcome.kind, outcome.retry_after_seconds) == (OutcomeKind.TRANSIENT, 17.0)


@pytest.mark.parametrize("answer", [hangs(), hangs_up()])
async def test_a_card_that_may_have_arrived_is_not_posted_twice(door: Door, answer: Any) -> None:
    """A card has no dedup key: a lost answer is unknown, and nothing is sent again here."""
    async with FarSide(answer) as far:
        outcome = await teller(door, far.url, timeout_seconds=0.3).tell(TELLING, a_notice())
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert len(far.received) == 1


async def test_a_card_without_a_url_names_the_variable(door: Door) -> None:
    """What is not set is named."""
    outcome = await TeamsTeller(door, secrets(), LogTeller()).tell(TELLING, a_notice())
    assert outcome.kind is OutcomeKind.REFUSED
    assert outcome.reason == "environment variable TEAMS_URL is not set"


async def test_a_notice_without_a_channel_is_written_to_the_log(door: Door) -> None:
    """A workload without Teams loses no notification without a trace."""
    with capture_logs() as lines:
        outcome = await TeamsTeller(door, secrets(), LogTeller()).tell(a_workload(), a_notice())
    assert outcome.kind is OutcomeKind.APPLIED
    assert [line["event"] for line in lines] == ["notify"]
