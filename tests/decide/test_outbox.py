"""What must be told now, by whom, and what becomes of what could not be told?"""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.decide.draft import AUTHOR_DELIVERS_FOR, Draft
from remediation.decide.outbox import RETRY_FIRST, RETRY_LONGEST, due, settle
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.told import Channel, Message, MessageKind
from tests.builders import NOW, a_message, a_record, an_incident, at, seconds

TRIGGER = a_message(id="1")
RESOLVE = a_message(MessageKind.RESOLVE, id="2")


def ids(*outbox: Message, mine: tuple[str, ...] = (), channel: Channel = Channel.PAGE) -> list[str]:
    """What is due now."""
    return [message.id for message in due(a_record(outbox=outbox), channel, mine, NOW)]


def told(*outbox: Message, **outcomes: Outcome) -> tuple[list[Message], list[str]]:
    """What is left in the outbox after these outcomes, by id, and what the journal says."""
    draft = Draft(a_record(outbox=outbox), NOW)
    settle(draft, {name.removeprefix("m"): outcome for name, outcome in outcomes.items()})
    return draft.outbox, draft.events


def test_no_resolve_overtakes_its_trigger() -> None:
    """P8: it waits in the same channel until the trigger is delivered, even if it is one's own."""
    assert ids(TRIGGER, RESOLVE) == ["1"]
    waiting = a_message(id="1", not_before=at(60))
    assert ids(waiting, RESOLVE) == []
    assert ids(waiting, RESOLVE, mine=("2",)) == []
    assert ids(RESOLVE) == ["2"]


def test_other_incidents_and_channels_do_not_wait() -> None:
    """One that cannot be delivered holds up nothing but its own incident."""
    waiting = a_message(id="1", not_before=at(60))
    other = a_message(id="3", incident="shop/neu/lag")
    notice = a_message(id="4", channel=Channel.NOTIFY)
    assert ids(waiting, other, notice) == ["3"]
    assert ids(waiting, other, notice, channel=Channel.NOTIFY) == ["4"]


def test_the_author_delivers_at_once_and_others_after_a_while() -> None:
    """So that two workers do not page for the same write; and none is lost with its author (P8)."""
    draft = Draft(a_record(), NOW)
    draft.tell(an_incident(), Channel.PAGE, MessageKind.TRIGGER, "title")
    (message,) = draft.outbox
    assert message.not_before == NOW + AUTHOR_DELIVERS_FOR
    assert due(draft.view(), Channel.PAGE, {message.id}, NOW) == [message]
    assert due(draft.view(), Channel.PAGE, (), NOW) == []
    assert due(draft.view(), Channel.PAGE, (), NOW + AUTHOR_DELIVERS_FOR) == [message]


def test_what_was_delivered_leaves_the_outbox() -> None:
    """And the journal says so; what was not tried stays as it was."""
    left, events = told(TRIGGER, RESOLVE, m1=Outcome(OutcomeKind.APPLIED, "202"))
    assert left == [RESOLVE]
    assert events == [f"page trigger delivered: {TRIGGER.title}"]


@pytest.mark.parametrize("kind", [OutcomeKind.REFUSED, OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN])
def test_what_was_not_delivered_is_kept(kind: OutcomeKind) -> None:
    """P8: whatever the channel said, and in its place; the journal names the first failure only."""
    left, events = told(TRIGGER, RESOLVE, m1=Outcome(kind, "no"))
    assert [(message.id, message.attempts) for message in left] == [("1", 1), ("2", 0)]
    assert left[0].not_before > NOW
    assert events == ["page trigger not delivered yet: no"]
    assert told(a_message(id="1", attempts=1), m1=Outcome(kind, "no"))[1] == []


def wait(attempts: int, kind: OutcomeKind = OutcomeKind.TRANSIENT, asked: float | None = None) -> timedelta:
    """How long a message waits after this many attempts and one more."""
    left, _ = told(a_message(id="1", attempts=attempts), m1=Outcome(kind, "no", asked))
    return left[0].not_before - NOW


def test_attempts_come_more_and_more_slowly() -> None:
    """Doubling from the first, up to the longest; one that is refused outright waits for the longest."""
    assert [wait(attempts) for attempts in (0, 1, 2)] == [RETRY_FIRST, 2 * RETRY_FIRST, 4 * RETRY_FIRST]
    assert wait(0, OutcomeKind.REFUSED) == RETRY_LONGEST


def test_the_other_side_may_ask_for_a_longer_wait() -> None:
    """A shorter one than our own does not count."""
    assert wait(0, asked=30) == seconds(30)
    assert wait(2, asked=1) == seconds(20)


asks = st.none() | st.floats(allow_nan=False)


@given(st.integers(0, 10**9), st.sampled_from(OutcomeKind), asks)
def test_every_wait_is_bounded(attempts: int, kind: OutcomeKind, asked: Any) -> None:
    """P19: however often it failed, and however long the other side asks for."""
    if kind is not OutcomeKind.APPLIED:
        assert RETRY_FIRST <= wait(attempts, kind, asked) <= RETRY_LONGEST
