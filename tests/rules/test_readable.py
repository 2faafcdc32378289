"""Can the people of a workload be told, however bad its file is?"""

import pytest

from rules.readable import people_of
from rules.topology import PagerDuty, SecretRef

PAGER = "channels:\n  pagerduty: {routing_key: env:SHOP_KEY}\n"


@pytest.mark.parametrize("rest", ["mode: autto\n", "stamps: 3\n", "stamps: []\nstampps: []\n", "mode: \n"])
def test_a_slip_elsewhere_hides_neither_name_nor_channels(rest: str) -> None:
    """They are all that is needed to wake somebody."""
    people = people_of(f"workload: shop\n{rest}{PAGER}", "w.yaml")
    assert people is not None
    assert (people.name, people.stamps) == ("shop", ())
    assert people.channels.pagerduty == PagerDuty(SecretRef("SHOP_KEY"))


@pytest.mark.parametrize("channels", ["", "channels: {pagerduty: {routing_key: secret}}\n", "channels: x\n"])
def test_without_channels_that_can_be_read_the_log_is_told(channels: str) -> None:
    """The name is enough for that."""
    people = people_of(f"workload: shop\n{channels}".encode(), "w.yaml")
    assert people is not None
    assert people.channels.pagerduty is None


@pytest.mark.parametrize("text", ["workload: [shop\n", "- shop\n", "workload: 3\n", PAGER, b"\xff", ""])
def test_without_a_name_there_is_nobody(text: str | bytes) -> None:
    """A page must say what it is about."""
    assert people_of(text, "w.yaml") is None
