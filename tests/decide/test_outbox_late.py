"""What if a message is delivered by two workers, and the later one says what is no longer so?"""

from dataclasses import replace

import pytest

from remediation.decide.draft import Draft
from remediation.decide.outbox import make_up_for
from remediation.ledger.told import Incident, Message, MessageKind
from tests.builders import NOW, a_message, a_record, an_incident, at
from tests.decide.cases import incidents

TRIGGER = a_message(id="1", created_at=at(-60), attempts=3, facts=(("Finding", "red"),))
RESOLVE = replace(TRIGGER, id="2", kind=MessageKind.RESOLVE)


def made_up_for(told: Message, *outbox: Message, stands: Incident | None = None) -> Draft:
    """The draft after this was told, with that in the outbox."""
    draft = Draft(a_record(outbox=outbox, incidents=incidents(*[stands] if stands else [])), NOW)
    make_up_for(draft, [told])
    return draft


@pytest.mark.parametrize(
    ("late", "stands", "true", "title"),
    [
        (TRIGGER, None, MessageKind.RESOLVE, f"{TRIGGER.title} (has ended)"),
        (
            RESOLVE,
            an_incident(),
            MessageKind.TRIGGER,
            "shop/weu: The background processor cannot read from the event hub.",
        ),
    ],
)
def test_what_came_late_and_is_not_so_is_told_again_as_it_is(
    late: Message, stands: Incident | None, true: MessageKind, title: str
) -> None:
    """P8: the far side goes by the last word; anyone may deliver it, at once, and the journal says why."""
    draft = made_up_for(late, stands=stands)
    (again,) = draft.outbox
    assert (again.kind, again.title, again.incident, again.channel) == (
        true,
        title,
        late.incident,
        late.channel,
    )
    assert (again.created_at, again.not_before, again.facts, again.attempts) == (NOW, NOW, (), 0)
    assert draft.events == [f"page {late.kind} of {late.incident} came late: {true} is told again"]


@pytest.mark.parametrize(
    ("told", "outbox", "stands"),
    [
        (TRIGGER, (), an_incident()),
        (RESOLVE, (), None),
        (TRIGGER, (TRIGGER,), None),
        (TRIGGER, (replace(RESOLVE, id="3"),), None),
        (RESOLVE, (replace(TRIGGER, id="3"),), an_incident()),
    ],
)
def test_what_is_so_or_will_be_told_anyway_is_not_told_again(
    told: Message, outbox: tuple[Message, ...], stands: Incident | None
) -> None:
    """P8: nothing is said twice that came in time, is true, or waits in the outbox already."""
    draft = made_up_for(told, *outbox, stands=stands)
    assert draft.outbox == list(outbox)
    assert draft.events == []
