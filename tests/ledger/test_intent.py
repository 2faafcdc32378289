"""Can an intent go only the ways that are drawn for it?"""

from itertools import product

import pytest

from remediation.ledger.intent import ENDED, IllegalTransitionError, IntentState, Lease, check_transition
from tests.builders import an_intent, at

WAYS = {
    ("planned", "acting"),  # a worker takes the lease
    ("planned", "superseded"),  # it is not wanted any more
    ("acting", "acting"),  # the lease is renewed, or taken over
    ("acting", "applied"),  # a look shows the desired state
    ("acting", "planned"),  # it is to be tried again
    ("acting", "refused"),  # the lever said no
    ("acting", "superseded"),  # it is not wanted any more, and was fenced off
    ("applied", "verified"),  # it is seen to help
    ("applied", "superseded"),  # something else has come between
}
"""Said a second time, by hand: a change of the table must be meant twice."""


@pytest.mark.parametrize(("state", "to"), list(product(IntentState, IntentState)))
def test_only_the_drawn_ways_lead_on(state: IntentState, to: IntentState) -> None:
    """Of all pairs of states, exactly the drawn ones are legal."""
    intent = an_intent(state=state)
    if (state, to) in WAYS:
        check_transition(intent, to)
        assert intent.to(to).state is to
    else:
        with pytest.raises(IllegalTransitionError, match=f"{state} -> {to}"):
            check_transition(intent, to)
        with pytest.raises(IllegalTransitionError):
            intent.to(to)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_what_has_ended_stays_so(state: IntentState) -> None:
    """No way leads out of an end, and what has ended is not in flight."""
    assert not [way for way in WAYS if way[0] == state]
    assert not an_intent(state=state).in_flight


@pytest.mark.parametrize("state", sorted(set(IntentState) - ENDED))
def test_every_intent_can_end(state: IntentState) -> None:
    """From every state that is in flight some way leads to an end."""
    assert an_intent(state=state).in_flight
    assert [way for way in WAYS if way[0] == state and way[1] in ENDED]


def test_a_new_state_gives_up_the_lease() -> None:
    """Whoever moves an intent on lets go of it, and its last outcome stays unless a new one is given."""
    held = an_intent(state=IntentState.ACTING, lease=Lease("worker", "token", at(60)), outcome="unknown")
    assert held.to(IntentState.PLANNED).lease is None
    assert held.to(IntentState.PLANNED).outcome == "unknown"
    assert held.to(IntentState.APPLIED, "it is gone").outcome == "it is gone"
