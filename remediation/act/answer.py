"""What does an answer to our request mean, and what does the lack of one mean?

Reasons are made of our own words and of the scrubbed beginning of a body. The
text of an exception is never used: it can hold a URL, and a URL can be a secret.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus

from remediation.ledger.intent import Outcome, OutcomeKind

LONGEST_WAIT_SECONDS = 3600.0
"""Nobody is believed who asks us to wait longer."""

_SAID_CHARACTERS = 300
_PIECE_CHARACTERS = 12  # of a secret; shorter pieces are words such as `api-version`
_URL = re.compile(r"(https?://)[^\s/?#\"'<>\\]+[^\s\"'<>]*", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"\b(sig|code|key|token|secret|password)=[^&\s\"'<>]+", re.IGNORECASE)


class Failure(StrEnum):
    """Why there was no answer."""

    INVALID = "the request cannot be sent as it is"
    REFUSED = "connection refused"
    NAME = "host name not resolved"
    TLS = "TLS failed"
    NO_CONNECTION = "no connection"
    NOT_CONNECTED_IN_TIME = "timed out before the request was sent"
    TIMED_OUT = "timed out"  # after the request was sent
    LOST = "connection lost before the answer"


MAY_HAVE_ARRIVED = frozenset({Failure.TIMED_OUT, Failure.LOST})
"""Nobody can say whether the request had its effect."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request, or why there was none.

    Attributes:
        status: the HTTP status; None when there was no answer.
        body: its first 64 KiB.
        complete: whether that is the whole of it.
        retry_after_seconds: how long the other side asked us to wait.
        failure: set exactly when there was no answer.
    """

    status: int | None
    body: bytes = b""
    complete: bool = True
    retry_after_seconds: float | None = None
    failure: Failure | None = None

    @property
    def reason(self) -> str:
        """In one short phrase, without a word of the other side's."""
        return str(self.failure or f"HTTP {self.status}")

    def said(self, hide: Iterable[str] = ()) -> str:
        """What the other side said: the beginning of its body, scrubbed of these secrets."""
        return scrub(self.body.decode("utf-8", "replace"), hide)


def outcome_of(answer: Answer, said: str = "") -> Outcome:
    """What came of the request that was so answered.

    `said` are the other side's words, scrubbed; they stand in the reason of a refusal.
    """
    kind = _kind_of_failure(answer.failure) if answer.failure else _kind_of_status(answer.status or 0)
    if kind in {OutcomeKind.APPLIED, OutcomeKind.UNKNOWN} or not said:
        return Outcome(kind, answer.reason, answer.retry_after_seconds)
    return Outcome(kind, f"{answer.reason}: {said}", answer.retry_after_seconds)


def _kind_of_failure(failure: Failure) -> OutcomeKind:
    if failure in MAY_HAVE_ARRIVED:
        return OutcomeKind.UNKNOWN
    return OutcomeKind.REFUSED if failure is Failure.INVALID else OutcomeKind.TRANSIENT


def _kind_of_status(status: int) -> OutcomeKind:
    if 200 <= status < 300:
        return OutcomeKind.APPLIED
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS} or status >= 500:
        return OutcomeKind.TRANSIENT
    return OutcomeKind.REFUSED  # redirects too: nobody moves a webhook without telling its owner


def scrub(text: str, hide: Iterable[str] = ()) -> str:
    """Foreign text fit for a reason: one bounded line of printable characters without secrets.

    A secret is hidden whole and by its longer pieces, for an error message may
    quote a part of it. Of a URL nothing but its scheme is left.
    """
    for secret in hide:
        pieces = [piece for piece in re.split(r"[/?&=\s]", secret) if len(piece) >= _PIECE_CHARACTERS]
        for hidden in [secret, *sorted(pieces, key=len, reverse=True)]:
            text = text.replace(hidden, "***") if hidden else text
    text = _ASSIGNMENT.sub(r"\1=***", _URL.sub(r"\1***", text))
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _SAID_CHARACTERS else line[: _SAID_CHARACTERS - 1] + "…"


def retry_after(header: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, as a number or as a date; None if it cannot be read."""
    if not header:
        return None
    try:
        seconds = float(header) if header.strip().isdecimal() else _until(header, now)
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _until(date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
