"""Does whatever is in flight hold every other step, and is that told when it will not end by itself?"""

from dataclasses import replace

import pytest

from remediation.decide.case import Guardrail
from remediation.ledger.intent import IntentState, Verb
from tests.builders import an_intent
from tests.decide.cases import a_case, held_by

DRAINS_AND_REJOINS = pytest.mark.parametrize("verb", Verb)


@DRAINS_AND_REJOINS
@pytest.mark.parametrize("state", IntentState)
def test_one_step_at_a_time(verb: Verb, state: IntentState) -> None:
    """P1: whatever is in flight holds every other step of the workload, and is named; not itself."""
    other = an_intent(Verb.DRAIN, "neu", state=state)
    record = replace(a_case(verb=verb).record, intents={other.id: other})
    over = state in (IntentState.VERIFIED, IntentState.REFUSED, IntentState.SUPERSEDED)
    reason = None if over else f"drain of neu is {state}"
    assert held_by(a_case(record, verb=verb)).get(Guardrail.ONE_AT_A_TIME) == reason
    own = an_intent(verb, "weu", state=state)
    record = replace(record, intents={own.id: own})
    assert Guardrail.ONE_AT_A_TIME not in held_by(a_case(record, verb=verb, intent=own.id))


@DRAINS_AND_REJOINS
def test_a_step_in_flight_that_is_stuck_holds_by_a_name_of_its_own(verb: Verb) -> None:
    """P1: it does not let go by itself, so that people must be told what holds."""
    stuck = an_intent(Verb.DRAIN, "neu", state=IntentState.APPLIED, stuck=True)
    planned = an_intent(Verb.REJOIN, "eus")
    record = replace(a_case(verb=verb).record, intents={stuck.id: stuck, planned.id: planned})
    reason = "rejoin of eus is planned, drain of neu is applied"
    held = held_by(a_case(record, verb=verb))
    assert held.get(Guardrail.STUCK_STEP) == reason
    assert Guardrail.ONE_AT_A_TIME not in held
