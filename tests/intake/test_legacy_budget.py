"""Is a budget's notification kept for people, placed rightly, and never acted upon?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from remediation.intake import legacy_budget, samples
from remediation.intake.rejection import Code
from rules.signals import AlertState, Signal, Subject
from rules.topology import SubjectRow
from tests.intake.bodies import KNOWN, know, rejected, shop
from tests.intake.legacy_bodies import PLACEHOLDER, SUBSCRIPTION, a_budget


def the_signal(**changes: Any) -> Signal:
    """The one signal of a notification."""
    body = a_budget(**changes)
    assert legacy_budget.claims(body)
    (signal,) = legacy_budget.read(body, KNOWN)
    return signal


def test_a_budget_of_a_group_of_ours_is_told_and_never_acts() -> None:
    """People may want to know; no stamp is drained for money."""
    signal = the_signal()
    assert signal.subject == Subject("shop", "weu")
    assert (signal.alert, signal.condition) == ("shop-monthly", AlertState.FIRED)
    assert signal.observed_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert signal.reasons == ("4112.07 of 5000 EUR spent, told at 4000.0",)
    assert (signal.may_act, signal.why) == (False, legacy_budget.WHY)


def test_who_made_the_budget_is_not_told() -> None:
    """The address of a person is nobody's business."""
    assert "owner@example.com" not in repr(the_signal())


def test_a_budget_of_a_subscription_is_ours_only_by_a_row() -> None:
    """A subscription is no stamp; the one who means it to be ours says so in `subjects`."""
    body = a_budget(ResourceGroup="")
    assert rejected(lambda: legacy_budget.read(body, KNOWN)).code is Code.NOT_OURS
    claimed = know(shop(subjects=(SubjectRow(resource=f"/subscriptions/{SUBSCRIPTION}", stamp="neu"),)))
    (signal,) = legacy_budget.read(body, claimed)
    assert (signal.subject.stamp, signal.may_act) == ("neu", False)


def test_what_was_spent_tells_two_notifications_apart() -> None:
    """All of one budget have the same date; a delivery again has the same amount as well."""
    assert the_signal().id == the_signal(DepartmentName="x").id
    assert the_signal(SpendingAmount="4500").id != the_signal().id
    assert the_signal(SpendingAmount="4500").key == the_signal().key
    assert the_signal(NotificationThresholdAmount="5000").key != the_signal().key


def test_a_date_of_the_united_states_is_read() -> None:
    """With its own offset."""
    signal = the_signal(BudgetStartDate="11/17/2021 5:40:29 PM -08:00")
    assert signal.observed_at == datetime(2021, 11, 18, 1, 40, 29, tzinfo=UTC)


@pytest.mark.parametrize("date", [None, "", "soon", 7, ...])
def test_without_any_date_it_is_rejected(date: object) -> None:
    """A fact without a moment has no place in the order of facts."""
    body = a_budget(BudgetStartDate=date)
    assert rejected(lambda: legacy_budget.read(body, KNOWN)).code is Code.BAD_TIME


def test_missing_amounts_stop_nothing() -> None:
    """What is not said is a question mark."""
    gone = {"SpendingAmount": None, "Budget": ..., "Unit": ..., "NotificationThresholdAmount": None}
    assert the_signal(**gone).reasons == ("? of ? spent",)


@pytest.mark.parametrize("schema", ["other", None])
def test_the_shape_counts_and_not_the_schema_id(schema: object) -> None:
    """A budget beside what was spent makes it a budget."""
    assert legacy_budget.claims({**a_budget(), "schemaId": schema})
    assert not legacy_budget.claims({"schemaId": schema, "data": {"BudgetName": "x"}})


def test_a_sample_about_nothing_of_ours_is_shown_too() -> None:
    """Who presses the button learns that it arrived."""
    body = a_budget(SubscriptionId=PLACEHOLDER, ResourceGroup="test-RG", BudgetName="test-budgetName")
    assert [each.alert for each in legacy_budget.read(body, KNOWN)] == [samples.RULE]
