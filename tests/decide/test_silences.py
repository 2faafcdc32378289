"""Which silence covers what, from when to when?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.silences import covers, remembered, silence_before, silence_on
from remediation.ledger.orders import Silence
from tests.builders import NOW, RULE, an_incident, at

INCIDENT = an_incident()
DAY = 86_400


def a_silence(**changes: Any) -> Silence:
    """By ada, of everything, for ten minutes from now."""
    return replace(Silence("s1", "ada", "deploying", NOW, at(600)), **changes)


@pytest.mark.parametrize(
    ("silence", "covered"),
    [
        (a_silence(), True),
        (a_silence(stamp="weu"), True),
        (a_silence(stamp="neu"), False),
        (a_silence(family=RULE), True),
        (a_silence(family="consumer-*"), True),
        (a_silence(family="*-read"), True),
        (a_silence(family="consumer"), False),
        (a_silence(family="Consumer-*"), False),
        (a_silence(family="consumer-cannot-rea?"), False),
        (a_silence(family="[c]onsumer-*"), False),
    ],
)
def test_a_silence_is_of_a_stamp_and_a_pattern(silence: Silence, *, covered: bool) -> None:
    """Only `*` is special in it."""
    assert covers(silence, "weu", RULE) is covered


def test_the_silence_of_a_stamp_does_not_cover_what_reaches_further() -> None:
    """One of the whole workload does."""
    assert not covers(a_silence(stamp="weu"), None, RULE)
    assert covers(a_silence(), None, RULE)


@pytest.mark.parametrize(("when", "stands"), [(-1, False), (0, True), (599, True), (600, False)])
def test_a_silence_stands_from_its_beginning_until_its_end(when: float, *, stands: bool) -> None:
    """At its end it stands no more."""
    assert (silence_on([a_silence()], INCIDENT, at(when)) is not None) is stands
    assert (silence_before([a_silence()], INCIDENT, at(when)) is not None) is (when >= 600)


def test_of_several_silences_the_one_that_lasts_longest_counts() -> None:
    """And of those that are over, the last."""
    long = a_silence(id="s2", until=at(900), author="bob")
    assert silence_on([a_silence(), long, a_silence(stamp="neu", until=at(9999))], INCIDENT, NOW) == long
    assert silence_before([a_silence(), long], INCIDENT, at(899)) == a_silence()
    assert (
        silence_before([long, a_silence(), a_silence(stamp="neu", until=at(901))], INCIDENT, at(999)) == long
    )


@pytest.mark.parametrize(("after", "kept"), [(DAY - 1, 1), (DAY, 0)])
def test_a_silence_is_remembered_for_a_day_after_its_end(after: float, kept: int) -> None:
    """P19: the record is bounded."""
    assert len(remembered((a_silence(),), at(600 + after))) == kept
