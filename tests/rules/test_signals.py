"""What does a signal say, about what, and which of two is the newer?"""

from itertools import permutations

import pytest

from rules.signals import AlertState, Health, RegisterKey, Signal, Subject, worst
from tests.builders import a_signal, an_alert, at


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (Subject("shop", "weu", "BackgroundProcessor"), "shop/weu/BackgroundProcessor"),
        (Subject("shop", "weu"), "shop/weu"),
        (Subject("shop", None, "CosmosDB"), "shop/global/CosmosDB"),
        (Subject("shop"), "shop/global"),
    ],
)
def test_a_subject_reads_as_people_write_it(subject: Subject, words: str) -> None:
    """Workload, stamp or `global`, and node, where there is one."""
    assert str(subject) == words


def test_the_worst_of_nothing_is_unknown() -> None:
    """Missing data is never green."""
    assert worst([]) is Health.UNKNOWN


def test_badness_goes_from_green_over_yellow_and_unknown_to_red() -> None:
    """What cannot be seen is worse than what is slow, and better than what is broken; in any order."""
    ranked = [Health.GREEN, Health.YELLOW, Health.UNKNOWN, Health.RED]
    for most in range(1, 5):
        for healths in permutations(ranked[:most]):
            assert worst(list(healths)) is ranked[most - 1]


def test_a_register_is_kept_for_each_source_and_alert_instance() -> None:
    """A source can only overwrite its own words, and an alert only its own instance."""
    assert a_signal().key == RegisterKey("weu", "BackgroundProcessor", "/health-models/shop")
    assert a_signal().key != a_signal(source="lag-probe").key
    assert an_alert(instance="1").key != an_alert(instance="2").key


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (a_signal(observed_at=at(0)), a_signal(observed_at=at(1))),
        (a_signal(order=9, id="z", health=Health.RED), a_signal(observed_at=at(1))),
        (a_signal(order=1, health=Health.RED, id="z"), a_signal(order=2, id="a")),
        (a_signal(health=Health.YELLOW, id="z"), a_signal(health=Health.UNKNOWN, id="a")),
        (an_alert(condition=AlertState.RESOLVED, id="z"), an_alert(condition=AlertState.FIRED, id="a")),
        (a_signal(id="a"), a_signal(id="b")),
    ],
)
def test_time_then_order_then_the_worse_word_then_the_id_decides(older: Signal, newer: Signal) -> None:
    """P15: newness is a total order, so the outcome never depends on which arrived first."""
    assert older.newness < newer.newness


def test_a_signal_says_its_health_or_its_alert_state() -> None:
    """One word for people, whichever kind it is."""
    assert a_signal(health=Health.RED).says == "red"
    assert an_alert(condition=AlertState.RESOLVED).says == "resolved"
