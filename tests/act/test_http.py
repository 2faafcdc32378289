"""Does the outgoing door say truly what may have happened to a request?"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from email.utils import format_datetime

import pytest
from structlog.testing import capture_logs

from remediation.act.answer import LONGEST_WAIT_SECONDS, Failure, outcome_of, scrub
from remediation.act.http import BODY_BYTES, Door, json_body
from remediation.ledger.intent import OutcomeKind
from tests.act.far_side import FarSide, StillClock, breaks_off, hangs, hangs_up, says
from tests.builders import NOW

TIMEOUT = 5.0


@contextmanager
def a_port_that_connects_nobody() -> Iterator[int]:
    """A listening socket whose queue is full: further connections hang."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the library's own signature
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def a_free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, OutcomeKind.APPLIED),
        (202, OutcomeKind.APPLIED),
        (301, OutcomeKind.REFUSED),
        (307, OutcomeKind.REFUSED),
        (400, OutcomeKind.REFUSED),
        (401, OutcomeKind.REFUSED),
        (403, OutcomeKind.REFUSED),
        (404, OutcomeKind.REFUSED),
        (408, OutcomeKind.TRANSIENT),
        (413, OutcomeKind.REFUSED),
        (429, OutcomeKind.TRANSIENT),
        (500, OutcomeKind.TRANSIENT),
        (503, OutcomeKind.TRANSIENT),
    ],
)
async def test_each_status_has_one_meaning(door: Door, status: int, kind: OutcomeKind) -> None:
    """Success is applied, a fault of ours is refused, theirs is transient."""
    async with FarSide(says(status, "because", {"Location": "http://127.0.0.1:1/"})) as far:
        answer = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT)
    assert outcome_of(answer).kind is kind
    assert len(far.received) == 1


async def test_a_timeout_after_the_sending_is_unknown(door: Door) -> None:
    """Whoever got the request but did not answer in time may have obeyed it."""
    async with FarSide(hangs()) as far:
        answer = await door.post_json(far.url, b"{}", timeout_seconds=0.2)
    assert answer.failure is Failure.TIMED_OUT
    assert outcome_of(answer).kind is OutcomeKind.UNKNOWN


async def test_a_connection_lost_after_the_sending_is_unknown(door: Door) -> None:
    """A cut connection says no more than a time-out does."""
    async with FarSide(hangs_up()) as far:
        answer = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT)
    assert answer.failure is Failure.LOST
    assert outcome_of(answer).kind is OutcomeKind.UNKNOWN


async def test_a_lost_get_is_not_sent_again_behind_our_back(door: Door) -> None:
    """The HTTP library's own second attempt at idempotent requests is switched off."""
    async with FarSide(hangs_up(), says(200)) as far:
        answer = await door.get(far.url, {}, timeout_seconds=TIMEOUT)
    assert answer.failure is Failure.LOST
    assert len(far.received) == 1


async def test_a_refused_connection_is_transient(door: Door) -> None:
    """Where nobody listens, nothing was sent."""
    answer = await door.post_json(f"http://127.0.0.1:{a_free_port()}", b"{}", timeout_seconds=TIMEOUT)
    assert answer.failure is Failure.REFUSED
    assert outcome_of(answer).kind is OutcomeKind.TRANSIENT


async def test_a_timeout_before_the_sending_is_transient(door: Door) -> None:
    """While no connection was made, nothing was sent."""
    with a_port_that_connects_nobody() as port:
        answer = await door.post_json(f"http://127.0.0.1:{port}", b"{}", timeout_seconds=0.3)
    assert answer.failure is Failure.NOT_CONNECTED_IN_TIME
    assert outcome_of(answer).kind is OutcomeKind.TRANSIENT


async def test_an_unknown_name_is_transient(door: Door) -> None:
    """Name resolution may work again, and nothing was sent."""
    answer = await door.post_json("http://nobody.invalid/", b"{}", timeout_seconds=TIMEOUT)
    assert answer.failure is Failure.NAME
    assert outcome_of(answer).kind is OutcomeKind.TRANSIENT


async def test_a_tls_fault_is_told_by_name(door: Door) -> None:
    """A server that does not speak TLS is neither down nor slow."""
    async with FarSide(says(200)) as far:
        answer = await door.get(f"https://127.0.0.1:{far.port}/", {}, timeout_seconds=TIMEOUT)
    assert answer.failure is Failure.TLS


@pytest.mark.parametrize("url", ["", "no url", "ftp://host/", "http://", "http://[/", "http://host:99999/"])
async def test_what_is_no_url_is_refused(door: Door, url: str) -> None:
    """A URL that cannot be used never will be, and is not repeated in the reason."""
    answer = await door.post_json(url, b"{}", timeout_seconds=TIMEOUT, attempts=3)
    assert answer.failure is Failure.INVALID
    assert outcome_of(answer).kind is OutcomeKind.REFUSED


async def test_a_header_that_cannot_be_written_is_no_crash(door: Door) -> None:
    """A line break in a header value is refused as invalid."""
    async with FarSide() as far:
        answer = await door.get(far.url, {"X-Azure-FDID": "a\r\nHost: b"}, timeout_seconds=TIMEOUT)
    assert answer.failure is Failure.INVALID
    assert far.received == []


async def test_no_more_than_64_kib_of_a_body_are_read(door: Door) -> None:
    """A huge answer is cut, and known to be."""
    async with FarSide(says(200, b"x" * 1_000_000)) as far:
        answer = await door.get(far.url, {}, timeout_seconds=TIMEOUT)
    assert (len(answer.body), answer.complete) == (BODY_BYTES, False)


async def test_a_body_that_breaks_off_does_not_undo_the_status(door: Door) -> None:
    """What was accepted is accepted, whatever becomes of the rest of the answer."""
    async with FarSide(breaks_off(202, b"begun")) as far:
        answer = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT)
    assert (answer.status, answer.body, answer.complete) == (202, b"begun", False)
    assert outcome_of(answer).kind is OutcomeKind.APPLIED


async def test_a_fault_of_theirs_is_tried_again_where_the_caller_says_so(door: Door) -> None:
    """Three attempts outlast two failures."""
    async with FarSide(says(503), says(500), says(202)) as far:
        answer = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT, attempts=3)
    assert answer.status == 202
    assert len(far.received) == 3


async def test_the_attempts_are_bounded(door: Door) -> None:
    """What fails every time ends with the last answer."""
    async with FarSide(says(503, "down")) as far:
        answer = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT, attempts=2)
    assert (answer.status, answer.body) == (503, b"down")
    assert len(far.received) == 2


async def test_what_may_have_arrived_is_sent_again_only_if_repeatable(door: Door) -> None:
    """A second card is worse than none; a second trigger of the same page is harmless."""
    async with FarSide(hangs_up(), says(202)) as far:
        once = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT, attempts=3)
    async with FarSide(hangs_up(), says(202)) as far:
        again = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT, attempts=3, repeatable=True)
    assert (once.status, again.status) == (None, 202)


async def test_a_long_wait_is_the_outboxs_and_not_ours(door: Door) -> None:
    """Throttled for a minute: one attempt, and the minute is reported."""
    async with FarSide(says(429, headers={"Retry-After": "60"})) as far:
        answer = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT, attempts=3)
    assert outcome_of(answer).retry_after_seconds == 60
    assert len(far.received) == 1


async def test_a_short_wait_is_kept(door: Door) -> None:
    """Throttled for a second: the second attempt comes no earlier."""
    async with FarSide(says(429, headers={"Retry-After": "1"}), says(202)) as far:
        begun = asyncio.get_running_loop().time()
        answer = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT, attempts=3)
        took = asyncio.get_running_loop().time() - begun
    assert answer.status == 202
    assert took >= 1.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("9" * 500, LONGEST_WAIT_SECONDS),
        ("soon", None),
        ("-5", None),
    ],
)
async def test_a_wait_is_read_as_seconds_or_as_a_date(door: Door, header: str, seconds: float | None) -> None:
    """`Retry-After` is bounded, and nonsense in it is no wait."""
    async with FarSide(says(429, headers={"Retry-After": header})) as far:
        answer = await door.post_json(far.url, b"{}", timeout_seconds=TIMEOUT)
    assert answer.retry_after_seconds == seconds


async def test_retries_leave_no_secret_in_the_log() -> None:
    """What the retry library logs holds neither the URL nor the body."""
    door = Door(StillClock())
    with capture_logs() as lines:
        async with FarSide(says(503), says(202)) as far:
            url = f"{far.url}/invoke?sig=SIGNATURE-OF-THE-FLOW"
            await door.post_json(url, b'"ROUTING-KEY"', timeout_seconds=TIMEOUT, attempts=2)
    await door.close()
    assert lines
    assert "SIGNATURE" not in repr(lines)
    assert "ROUTING" not in repr(lines)


@pytest.mark.parametrize(
    "text",
    [
        "no flow at https://host.example/workflows/abc?api-version=1&sig=S3cretSignature_x",
        "bad signature sig=S3cretSignature_x&sv=1.0",
        '{"error": "https:\\/\\/host.example\\/p?sig=S3cretSignature_x"}',
        "you sent S3cretSignature_x",
    ],
)
def test_scrubbed_text_holds_no_secret(text: str) -> None:
    """Neither a quoted URL nor a quoted piece of it gets into a reason."""
    secret = "https://host.example/workflows/abc?api-version=1&sig=S3cretSignature_x"
    assert "S3cret" not in scrub(text, [secret])
    assert "S3cret" not in scrub(text, []) or text.startswith("you sent")


def test_scrubbed_text_is_one_bounded_line() -> None:
    """Foreign text cannot forge lines or fill the record."""
    line = scrub("first\nsecond\u202e" + "x" * 10_000)
    assert line.startswith("first second x")
    assert len(line) == 300


def test_half_characters_do_not_stop_a_message() -> None:
    """JSON can bring a lone surrogate in, and UTF-8 cannot carry it out."""
    assert json_body({"a": "\ud800ü"}) == '{"a":"?ü"}'.encode()


async def test_a_closed_door_opens_again(door: Door) -> None:
    """A request after `close` makes a new session."""
    async with FarSide(says(200)) as far:
        await door.get(far.url, {}, timeout_seconds=TIMEOUT)
        await door.close()
        await door.close()
        answer = await door.get(far.url, {}, timeout_seconds=TIMEOUT)
    assert answer.status == 200
