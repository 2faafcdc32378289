"""What does a message look like in Teams?

An Adaptive Card in the envelope that a Workflows webhook takes. Workflows
render cards up to version 1.4, whatever Teams itself can do, and Teams refuses
a message of 28 KB after it has wrapped it: 20 KB of ours leave room.
"""

import re
from typing import Any

from remediation.act.http import json_body
from remediation.ledger.told import Message, MessageKind
from rules.signals import Severity

CARD_BYTES = 20_000
VERSION = "1.4"

_TITLE_CHARACTERS = 300
_LABEL_CHARACTERS = 80
_TEXT_CHARACTERS = 600
_ROWS = 40
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#~|!])")
_LIST = re.compile(r"^(\d*)([-+.)])(?=\s|$)")
_ANGLES = str.maketrans("<>", "\u2039\u203a")  # single angle quotation marks

_STYLES = {
    Severity.CRITICAL: "attention",
    Severity.ERROR: "attention",
    Severity.WARNING: "warning",
    Severity.INFO: "accent",
}


def card_body(message: Message) -> bytes:
    """The webhook's body, at most 20,000 bytes: rows are left out from the end, never the title."""
    head = _head(message)
    facts = [each for label, text in message.facts for each in _lines(label, text)]
    rows = [
        {"title": escaped(label, _LABEL_CHARACTERS), "value": escaped(text, _TEXT_CHARACTERS) or "(empty)"}
        for label, text in facts[:_ROWS]
    ]
    while True:
        body = json_body(_envelope(_card(message, [head, *_details(rows, len(facts))])))
        if len(body) <= CARD_BYTES or not rows:
            return body
        rows.pop()


def _lines(label: str, text: str) -> list[tuple[str, str]]:
    """A row for each line of a text; a card would run them together."""
    first, *others = text.splitlines() or [""]
    return [(label, first), *(("\u00a0", line) for line in others)]


def escaped(text: str, characters: int) -> str:
    """Foreign text that Teams shows as it is: no markup, no mentions, one bounded line.

    Markdown is escaped. Angle brackets become look-alikes, for clients differ
    in how they undo an escape, and `<at>` must be a mention in none of them.
    """
    line = _MARKDOWN.sub(r"\\\1", plain(text, characters))
    return _LIST.sub(r"\1\\\2", line)


def plain(text: str, characters: int) -> str:
    """One bounded line of printable characters; those that turn the writing direction are not."""
    printable = (letter if letter.isprintable() else " " for letter in text[: 2 * characters])
    line = " ".join("".join(printable).split()).translate(_ANGLES)
    return line if len(line) <= characters else line[: characters - 1] + "…"


def _envelope(card: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def _card(message: Message, body: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "msteams": {"width": "Full"},
        "fallbackText": plain(f"{_state(message)}: {message.title}", _TITLE_CHARACTERS),
        "body": body,
    }


def _head(message: Message) -> dict[str, Any]:
    resolved = message.kind is MessageKind.RESOLVE
    style = "good" if resolved else _STYLES[message.severity]
    told_at = message.created_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    subtitle = f"{plain(message.incident, 200)} · {told_at}"
    return {
        "type": "Container",
        "style": style,
        "bleed": True,
        "items": [
            # The state stands in words, too: colour alone tells some people nothing.
            {"type": "TextBlock", "text": _state(message), "weight": "Bolder", "color": style, "wrap": True},
            {
                "type": "TextBlock",
                "text": escaped(message.title or message.incident, _TITLE_CHARACTERS),
                "weight": "Bolder",
                "size": "Medium",
                "wrap": True,
            },
            {"type": "TextBlock", "text": escaped(subtitle, 400), "isSubtle": True, "wrap": True},
        ],
    }


def _state(message: Message) -> str:
    return "RESOLVED" if message.kind is MessageKind.RESOLVE else str(message.severity).upper()


def _details(rows: list[dict[str, str]], in_all: int) -> list[dict[str, Any]]:
    elements: list[dict[str, Any]] = [{"type": "FactSet", "facts": rows}] if rows else []
    if in_all > len(rows):
        note = f"{in_all - len(rows)} more left out"
        elements.append({"type": "TextBlock", "text": note, "isSubtle": True, "wrap": True})
    return elements
