"""Do cooldown and budget hold drains apart, over all rules, workers and people?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.case import Guardrail
from remediation.ledger.record import DrainMade
from remediation.ledger.stamp import StampRecord
from tests.builders import NOW, a_seen, an_intent, at
from tests.decide.cases import a_case, a_charge, a_red_record, an_auto_workload, held_by, looked_at


def after_drains(*ages: float, **policy: Any) -> dict[Guardrail, str]:
    """What holds after drains of these ages, in seconds."""
    record = a_red_record(drains=tuple(DrainMade("neu", at(-age)) for age in ages))
    return held_by(a_case(record, a_charge(workload=an_auto_workload(**policy))))


@pytest.mark.parametrize(
    ("age", "reason"),
    [(0, "the last drain was 0s of 30m ago"), (1799, "the last drain was 29m 59s of 30m ago"), (1800, None)],
)
def test_a_drain_waits_for_the_cooldown(age: float, reason: str | None) -> None:
    """What follows so fast was not a stamp's own fault."""
    assert after_drains(9000, age).get(Guardrail.COOLDOWN) == reason
    assert after_drains(age, 9000).get(Guardrail.COOLDOWN) == reason


@pytest.mark.parametrize(
    ("ages", "reason"),
    [
        ((1900, 3599), "2 of 2 drains in the last hour, 2 of 4 in the last 24 hours"),
        ((1900, 3600), None),
        ((4000, 5000, 6000), None),
        ((4000, 5000, 6000, 86399), "0 of 2 drains in the last hour, 4 of 4 in the last 24 hours"),
        ((4000, 5000, 6000, 86400), None),
    ],
)
def test_drains_are_kept_within_a_budget(ages: tuple[float, ...], reason: str | None) -> None:
    """P13: over all stamps, by the hour and by the day; what is older does not count."""
    assert after_drains(*ages).get(Guardrail.BUDGET) == reason


def test_a_drain_that_was_begun_does_not_stand_in_its_own_way() -> None:
    """A retry is no second drain; before its first attempt, the others count in full."""
    begun = an_intent(attempts=1)
    record = a_red_record(
        intents={begun.id: begun}, drains=(DrainMade("neu", at(-1900)), DrainMade("weu", NOW))
    )
    assert held_by(a_case(record, intent=begun.id)) == {}
    planned = replace(record, intents={begun.id: replace(begun, attempts=0)})
    assert set(held_by(a_case(planned, intent=begun.id))) == {Guardrail.COOLDOWN, Guardrail.BUDGET}


@pytest.mark.parametrize(
    ("ago", "reason"), [(0, None), (1800, None), (1801, "the last drain was 29m 59s of 30m ago")]
)
def test_a_relapse_on_probation_does_not_wait_for_the_cooldown(ago: float, reason: str | None) -> None:
    """The same stamp, just brought back, fails again; the budget counts it all the same."""
    weu = StampRecord(seen=a_seen(), rejoined_at=at(-ago))
    drains = tuple(DrainMade("weu", at(-age)) for age in (1799, 3000))
    record = a_red_record(drains=drains, stamps=looked_at(weu=weu))
    held = held_by(a_case(record))
    assert held.get(Guardrail.COOLDOWN) == reason
    assert Guardrail.BUDGET in held
    neu = looked_at(neu=StampRecord(seen=a_seen(), rejoined_at=at(-ago)))
    assert Guardrail.COOLDOWN in held_by(a_case(replace(record, stamps=neu)))
