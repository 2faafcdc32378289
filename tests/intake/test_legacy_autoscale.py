"""Is what autoscale did recorded, without being taken for a fault?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from remediation.intake import legacy_autoscale
from remediation.intake.rejection import Code
from rules.health import fold
from rules.signals import AlertState, Signal, Subject
from tests.intake.bodies import KNOWN, rejected
from tests.intake.legacy_bodies import NEU, a_metric_alert, an_autoscale, resource_id


def the_signal(operation: object = "Scale Out", **context: Any) -> Signal:
    """The one signal of a notification."""
    body = an_autoscale(operation, **context)
    assert legacy_autoscale.claims(body)
    (signal,) = legacy_autoscale.read(body, KNOWN)
    return signal


def test_a_scaling_is_a_fact_that_a_rule_can_name_and_nothing_to_act_upon() -> None:
    """Named by its operation, about the node that was scaled."""
    signal = the_signal()
    assert signal.subject == Subject("shop", "weu", "AKSCluster")
    assert (signal.alert, signal.condition) == ("autoscale:scale out", AlertState.FIRED)
    assert signal.observed_at == datetime(2026, 3, 1, 3, tzinfo=UTC)
    assert signal.reasons == ("from 2 to 3",)
    assert (signal.may_act, signal.why) == (False, legacy_autoscale.WHY)


def test_the_latest_operation_of_a_setting_stands() -> None:
    """Scale In takes the place of Scale Out, whichever arrives first (P15)."""
    out, back = the_signal(), the_signal("Scale In", timestamp="2026-03-01T04:00:00Z")
    assert fold({}, [out, back]) == fold({}, [back, out])
    assert [each.alert for each in fold({}, [back, out]).values()] == ["autoscale:scale in"]


def test_another_setting_or_resource_is_another_instance() -> None:
    """Two scalings beside each other are both known."""
    other = resource_id("microsoft.insights/autoscalesettings", "other")
    elsewhere = resource_id("Microsoft.Compute/virtualMachineScaleSets", "aks-nodes", NEU)
    assert the_signal(id=other).key != the_signal().key
    assert the_signal(resourceId=elsewhere).key != the_signal().key


def test_each_scaling_is_a_fact_of_its_own() -> None:
    """A delivery again is the same; another operation or moment is not."""
    facts = [the_signal(), the_signal("Scale In"), the_signal(timestamp="2026-03-01T04:00:00Z")]
    assert len({each.id for each in facts}) == 3
    assert the_signal(details="again").id == the_signal().id


def test_without_details_the_capacities_are_told() -> None:
    """As far as they are given."""
    assert the_signal(details=None).reasons == ("nodes: from 2 to 3",)
    assert the_signal(details=None, oldCapacity=...).reasons == ("nodes: from ? to 3",)


@pytest.mark.parametrize(
    "body",
    [a_metric_alert(), {}, {"operation": "Scale Out"}, {**an_autoscale(), "operation": None}],
)
def test_other_shapes_are_not_claimed(body: dict[str, Any]) -> None:
    """An operation beside capacities makes it autoscale."""
    assert not legacy_autoscale.claims(body)


def test_what_cannot_be_made_out_is_rejected() -> None:
    """Nothing of ours, or no moment."""
    elsewhere = an_autoscale(resourceId=resource_id("x/y", "z", "somebody-else-rg"))
    assert rejected(lambda: legacy_autoscale.read(elsewhere, KNOWN)).code is Code.NOT_OURS
    timeless = an_autoscale(timestamp="soon")
    assert rejected(lambda: legacy_autoscale.read(timeless, KNOWN)).code is Code.BAD_TIME
