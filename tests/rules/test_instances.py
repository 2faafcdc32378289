"""Does an alert end where it was placed, although its end was placed elsewhere?"""

from datetime import timedelta
from itertools import permutations

from rules.health import fold
from rules.instances import with_ends
from rules.signals import AlertState, RegisterKey, Signal
from tests.builders import NOW, a_signal, an_alert

FIRED = an_alert("throttled", instance="i-1")
LATER = NOW + timedelta(minutes=5)
RESOLVED = an_alert("throttled", AlertState.RESOLVED, None, instance="i-1", observed_at=LATER)


def after(*signals: Signal) -> dict[RegisterKey, Signal]:
    """The registers after these signals, one by one."""
    registers: dict[RegisterKey, Signal] = {}
    for signal in signals:
        registers = with_ends(fold(registers, [signal]), [signal])
    return registers


def firing(*signals: Signal) -> list[str | None]:
    """The stamps for which an alert fires in the end."""
    return [key.stamp for key, kept in after(*signals).items() if kept.condition is AlertState.FIRED]


def test_a_resolved_without_its_context_ends_the_alert_where_it_was_placed() -> None:
    """Azure leaves the context out of some ends, so they point at no stamp; the instance is the same."""
    ended = after(FIRED, RESOLVED)[FIRED.key]
    assert (ended.condition, ended.observed_at, ended.subject) == (
        AlertState.RESOLVED,
        LATER,
        FIRED.subject,
    )


def test_the_end_may_come_first_and_come_twice() -> None:
    """Delivery has no order (P7)."""
    for order in permutations((FIRED, RESOLVED, FIRED, RESOLVED)):
        assert firing(*order) == []


def test_an_end_under_another_name_of_the_rule_ends_it_too() -> None:
    """A rule may be renamed while it fires."""
    renamed = an_alert("throttled-2", AlertState.RESOLVED, instance="i-1", observed_at=LATER)
    assert firing(FIRED, renamed) == []


def test_an_older_end_ends_nothing() -> None:
    """A stateless alert fires again under the same instance: that is news."""
    again = an_alert("throttled", instance="i-1", observed_at=LATER + timedelta(minutes=1))
    assert firing(FIRED, RESOLVED, again) == ["weu"]


def test_another_instance_and_what_is_no_alert_of_a_rule_are_left_alone() -> None:
    """Two stamps have rules of one name; Service Health ends only what an update lists."""
    other = an_alert("throttled", stamp="neu", instance="i-2")
    incident = an_alert("service-health:incident", instance="i-1", source="service-health:i-1")
    assert firing(FIRED, other, incident, RESOLVED) == ["neu", "weu"]
    assert after(a_signal(), RESOLVED)[a_signal().key] == a_signal()
