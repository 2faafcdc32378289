"""Which stamps has a workload, and how far may we go with it when nobody says?"""

import pytest

from rules.policy import Mode, Policy
from rules.topology import SecretRef
from tests.builders import STAMPS, a_stamp, a_workload


def test_a_stamp_is_found_by_its_name() -> None:
    """In the order of the file; another name is an error, never some stamp."""
    workload = a_workload()
    assert workload.stamp_names == STAMPS
    assert workload.stamp("neu") == a_stamp("neu")
    with pytest.raises(KeyError):
        workload.stamp("elsewhere")


def test_a_secret_reads_as_it_stands_in_the_file() -> None:
    """Never its value."""
    assert str(SecretRef("PAGERDUTY_KEY")) == "env:PAGERDUTY_KEY"


@pytest.mark.parametrize("one", Mode)
@pytest.mark.parametrize("other", Mode)
def test_the_lesser_mode_holds(one: Mode, other: Mode) -> None:
    """Whichever of the two is the rule's and which the workload's."""
    order = [Mode.OBSERVE, Mode.APPROVE, Mode.AUTO]
    assert one.capped_by(other) is order[min(order.index(one), order.index(other))]


def test_the_worker_only_observes_until_it_is_told_to_act() -> None:
    """And its defaults are those that the design names."""
    assert a_workload().mode is Mode.OBSERVE
    policy = Policy()
    assert (policy.min_serving, policy.drains_per_hour, policy.drains_per_day) == (1, 2, 4)
    assert policy.settle >= policy.same_fault_within
