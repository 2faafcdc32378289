"""Does each word of the closed vocabulary mean what it says, with a reason that people can read?"""

from datetime import timedelta

import pytest

from rules.conditions import (
    AlertFires,
    AllOf,
    Answer,
    AnyOf,
    Condition,
    HeldFor,
    Moment,
    NodeIs,
    Not,
    Verdict,
    anchors,
    judge,
    walk,
    watched,
    words,
)
from rules.health import facts
from rules.policy import Policy
from rules.signals import AlertState, Health, Severity, Signal
from tests.builders import NODE, NOW, a_signal, an_alert, at, registers, seconds

RED = NodeIs(NODE, frozenset({Health.RED}))
ROOT_RED = NodeIs("Stamp", frozenset({Health.RED}))
LAG = AlertFires("Lag")
RED_NODE = a_signal(health=Health.RED, reasons=("lag 4,000", "and more"))


def a_moment(*signals: Signal, stamp: str | None = "weu", now: float = 0, **since: float) -> Moment:
    """What weu looks like; `since` by path, with `_` for the dot."""
    begun = {path.replace("_", "."): at(when) for path, when in since.items()}
    return Moment(facts(registers(signals), NOW, Policy()), stamp, at(now), begun, {})


def ask(condition: Condition, *signals: Signal, **changes: float) -> Verdict:
    """The verdict for weu."""
    return judge(condition, a_moment(*signals, stamp="weu", **changes))


def test_a_node_in_one_of_the_states_holds_and_says_who_said_so() -> None:
    """Source, time and the first of its reasons."""
    verdict = ask(RED, RED_NODE)
    assert verdict.answer is Answer.HOLDS
    assert verdict.reason == "BackgroundProcessor is red (/health-models/shop at 03:00:00: lag 4,000)"
    assert verdict.evidence == (RED_NODE,)


def test_a_node_in_another_state_does_not_hold_and_says_which() -> None:
    """The states asked for are named from the best to the worst."""
    either = NodeIs(NODE, frozenset({Health.RED, Health.YELLOW}))
    assert ask(either, a_signal()) == Verdict(Answer.NO, "BackgroundProcessor is green, not yellow or red")


LAGS = NodeIs(NODE, frozenset({Health.RED}), "consumer-lag")


def test_a_sourced_condition_rests_on_that_source_alone() -> None:
    """Another source's red is not its word, nor does another's green hide it; the reason names it."""
    probe = a_signal(health=Health.RED, source="consumer-lag", id="lag", reasons=("lag 4,000",))
    verdict = ask(LAGS, probe, RED_NODE)
    assert verdict.answer is Answer.HOLDS
    assert (
        verdict.reason == "BackgroundProcessor is red by consumer-lag (consumer-lag at 03:00:00: lag 4,000)"
    )
    assert verdict.evidence == (probe,)
    assert ask(LAGS, probe, a_signal()).evidence == (probe,)
    said = ask(LAGS, RED_NODE, a_signal(source="consumer-lag", id="well"))
    assert said == Verdict(Answer.NO, "BackgroundProcessor is green by consumer-lag, not red")


def test_a_source_that_has_not_spoken_is_unknown_whatever_others_say() -> None:
    """Missing data is neither good nor bad; it can be asked for."""
    reason = "BackgroundProcessor is unknown by consumer-lag, not red"
    assert ask(LAGS, RED_NODE) == Verdict(Answer.NO, reason)
    assert ask(LAGS) == Verdict(Answer.NO, reason)
    silent = NodeIs(NODE, frozenset({Health.UNKNOWN}), "consumer-lag")
    stale = a_signal(source="consumer-lag", observed_at=at(-301))
    assert ask(silent, RED_NODE, stale).answer is Answer.HOLDS


@pytest.mark.parametrize(
    ("pattern", "source", "meant"),
    [
        ("service-health:*", "service-health:ABCD-123", True),
        ("Consumer-Lag", "consumer-lag", True),
        ("*[eu]", "lag[EU]", True),
        ("consumer", "consumer-lag", False),
        ("lag[12]", "lag1", False),
        ("*[12]", "lag1", False),
    ],
)
def test_a_source_is_found_by_its_name_or_pattern(pattern: str, source: str, meant: bool) -> None:  # noqa: FBT001 - a table
    """As an alert is."""
    asked = NodeIs(NODE, frozenset({Health.RED}), pattern)
    assert (ask(asked, a_signal(health=Health.RED, source=source)).answer is Answer.HOLDS) is meant


def test_of_several_sources_of_one_pattern_the_worst_counts() -> None:
    """As for a node as a whole."""
    asked = NodeIs(NODE, frozenset({Health.YELLOW}), "service-health:*")
    yellow = a_signal(health=Health.YELLOW, source="service-health:1")
    green = a_signal(source="service-health:2")
    red = a_signal(health=Health.RED, source="service-health:3")
    assert ask(asked, yellow, green, RED_NODE).evidence == (yellow,)
    assert ask(asked, yellow, green, red).answer is Answer.NO


def test_a_node_of_another_stamp_is_another_node() -> None:
    """A rule is asked of each stamp by itself, and of the workload as a whole."""
    assert ask(RED, a_signal("neu", health=Health.RED)).answer is Answer.NO
    assert judge(RED, a_moment(a_signal(None, health=Health.RED), stamp=None)).answer is Answer.HOLDS


def test_a_node_nobody_spoke_of_is_unknown_and_can_be_asked_for() -> None:
    """It holds on nobody's word, and says so."""
    unknown = NodeIs(NODE, frozenset({Health.UNKNOWN}))
    reason = "BackgroundProcessor is unknown (nobody has spoken of it lately)"
    assert ask(unknown) == Verdict(Answer.HOLDS, reason)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("Lag", "lag"),
        ("lag", "LAG"),
        ("*", "anything"),
        ("EventHub-*", "eventhub-OutgoingMessages"),
        ("*lag*", "consumer lag high"),
        ("[Prod] *", "[prod] CPU"),
        ("Ready? *", "Ready? no"),
    ],
)
def test_an_alert_is_found_by_its_name_or_pattern(asked: str, named: str) -> None:
    """Case does not matter, `*` matches any run, and every other character stands for itself."""
    assert ask(AlertFires(asked), an_alert(named)).answer is Answer.HOLDS


@pytest.mark.parametrize(
    ("asked", "named"), [("Lag", "Lagging"), ("[Prod] *", "P CPU"), ("Ready? *", "Ready! no"), ("a*", "b")]
)
def test_an_alert_of_another_name_is_not_meant(asked: str, named: str) -> None:
    """Brackets and question marks are no patterns."""
    assert ask(AlertFires(asked), an_alert(named)).answer is Answer.NO


def test_an_alert_elsewhere_or_resolved_does_not_fire_here() -> None:
    """Only firing instances of this stamp count, for names and patterns alike."""
    for condition in (LAG, AlertFires("L*")):
        assert ask(condition, an_alert("Lag", stamp="neu")).answer is Answer.NO
        assert ask(condition, an_alert("Lag", AlertState.RESOLVED)).reason.endswith("is not firing")


def test_severities_narrow_an_alert() -> None:
    """An alert without a severity is of none of those asked for."""
    critical = AlertFires("Lag", frozenset({Severity.CRITICAL}))
    assert ask(critical, an_alert("Lag", severity=Severity.CRITICAL)).answer is Answer.HOLDS
    assert ask(critical, an_alert("Lag", severity=Severity.ERROR)).answer is Answer.NO
    assert ask(critical, an_alert("Lag", severity=None)).answer is Answer.NO


def test_firing_alerts_are_told_by_name_since_the_first() -> None:
    """In an order that does not depend on the order of arrival (P15)."""
    first = an_alert("lag a", observed_at=at(-60))
    second, third = an_alert("Lag B"), an_alert("lag a", instance="2", id="2")
    verdict = ask(AlertFires("lag*"), second, third, first)
    assert verdict.reason == "alert Lag B, lag a fired at 02:59:00"
    assert verdict.evidence == (first, third, second)


def test_all_wants_every_part_and_names_those_that_fail() -> None:
    """The reason names what is wanting, and nothing else."""
    both = AllOf((RED, LAG))
    assert ask(both, RED_NODE, an_alert("Lag")).evidence == (RED_NODE, an_alert("Lag"))
    assert ask(both, RED_NODE) == Verdict(Answer.NO, "alert Lag is not firing")
    assert ask(both).reason == "BackgroundProcessor is unknown, not red; alert Lag is not firing"


def test_any_wants_one_part_and_rests_on_those_that_hold() -> None:
    """If none holds, every reason is given."""
    either = AnyOf((RED, LAG))
    assert ask(either, an_alert("Lag")).evidence == (an_alert("Lag"),)
    assert ask(either, RED_NODE, an_alert("Lag")).evidence == (RED_NODE, an_alert("Lag"))
    assert ask(either).reason == "BackgroundProcessor is unknown, not red; alert Lag is not firing"


def test_all_and_any_wait_for_a_part_that_waits() -> None:
    """Pending is weaker than holding and stronger than no."""
    waiting = HeldFor(LAG, seconds(60))
    lag = an_alert("Lag")
    assert ask(AllOf((RED, waiting)), RED_NODE, lag).answer is Answer.PENDING
    assert ask(AllOf((RED, waiting)), lag).answer is Answer.NO
    assert ask(AnyOf((RED, waiting)), lag).answer is Answer.PENDING
    assert ask(AnyOf((RED, waiting)), lag).evidence == (lag,)
    assert ask(AnyOf((RED, waiting)), RED_NODE, lag).answer is Answer.HOLDS


def test_not_turns_the_answer_and_rests_on_nothing() -> None:
    """What has not held for long enough does not hold yet, so its negation does."""
    assert ask(Not(RED)) == Verdict(Answer.HOLDS, "BackgroundProcessor is unknown, not red")
    assert ask(Not(RED), RED_NODE).reason.startswith("it does hold that BackgroundProcessor is red")
    assert ask(Not(RED), RED_NODE).answer is Answer.NO
    assert ask(Not(HeldFor(RED, seconds(60))), RED_NODE).answer is Answer.HOLDS


@pytest.mark.parametrize(
    ("held", "expected"),
    [(0, Answer.PENDING), (119, Answer.PENDING), (120, Answer.HOLDS), (999, Answer.HOLDS)],
)
def test_for_holds_once_its_time_has_passed(held: float, expected: Answer) -> None:
    """The last second counts."""
    condition = AllOf((HeldFor(RED, seconds(120)),))
    verdict = ask(condition, RED_NODE, _0=-held)
    assert verdict.answer is expected
    assert verdict.reason.endswith(f"for {words(seconds(held))} of 2m") is (expected is Answer.PENDING)


def test_for_begins_when_it_is_first_seen_and_keeps_its_beginning() -> None:
    """The moment is noted by the path of the `for`, so that it can lie in the record."""
    first = a_moment(RED_NODE)
    judge(AnyOf((LAG, HeldFor(RED, seconds(60)))), first)
    assert first.seen == {".1": NOW}
    later = a_moment(RED_NODE, now=30, _1=0)
    judge(AnyOf((LAG, HeldFor(RED, seconds(60)))), later)
    assert later.seen == {".1": NOW}


def test_for_forgets_its_beginning_when_its_part_does_not_hold() -> None:
    """It starts anew, as in Prometheus."""
    moment = a_moment(a_signal(), _=-600)
    assert judge(HeldFor(RED, seconds(60)), moment).answer is Answer.NO
    assert moment.seen == {}


def test_a_beginning_in_the_future_counts_as_now() -> None:
    """P11: a worker whose clock runs ahead cannot make another wait for longer than the `for`."""
    moment = Moment(facts(registers([RED_NODE]), NOW, Policy()), "weu", NOW, {"": at(300)}, {})
    assert judge(HeldFor(RED, seconds(60)), moment).answer is Answer.PENDING
    assert moment.seen == {"": NOW}


def test_a_for_within_a_for_waits_for_both() -> None:
    """The outer one begins when the inner one holds."""
    nested = HeldFor(HeldFor(RED, seconds(60)), seconds(30))
    moment = a_moment(RED_NODE, _for=-60)
    assert judge(nested, moment).answer is Answer.PENDING
    assert moment.seen == {"": NOW, ".for": at(-60)}
    assert ask(nested, RED_NODE, _for=-30).reason.endswith("for 30s of 1m")


def test_every_for_is_seen_even_where_the_answer_is_known() -> None:
    """No `for` loses its beginning because another part decides."""
    parts = (LAG, HeldFor(RED, seconds(60)), Not(HeldFor(RED, seconds(60))))
    for condition in (AllOf(parts), AnyOf(parts)):
        moment = a_moment(RED_NODE)
        judge(condition, moment)
        assert moment.seen == {".1": NOW, ".2.not": NOW}


@pytest.mark.parametrize(
    ("duration", "said"),
    [(0, "0s"), (45, "45s"), (180, "3m"), (5400, "1h 30m"), (86_401, "1d 1s"), (59.9, "59s"), (-5, "0s")],
)
def test_durations_read_as_people_write_them(duration: float, said: str) -> None:
    """Clocks that lie apart make no negative numbers."""
    assert words(timedelta(seconds=duration)) == said


NODE_KEY = ("node", NODE, "red")
LAG_KEY = ("alert", "lag", "")
UNKNOWN = NodeIs(NODE, frozenset({Health.UNKNOWN, Health.RED}))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (RED, {NODE_KEY}),
        (UNKNOWN, None),
        (LAGS, {NODE_KEY}),
        (
            NodeIs(NODE, frozenset({Health.YELLOW}), "lag"),
            {("node", NODE, "yellow"), ("node", NODE, "unknown"), NODE_KEY},
        ),
        (
            NodeIs(NODE, frozenset({Health.GREEN, Health.RED}), "lag"),
            {("node", NODE, health) for health in Health},
        ),
        (NodeIs(NODE, frozenset({Health.GREEN}), None), {("node", NODE, "green")}),
        (NodeIs(NODE, frozenset({Health.UNKNOWN}), "lag"), None),
        (LAG, {LAG_KEY}),
        (AlertFires("L*"), {("alert", "*", "")}),
        (AllOf((AnyOf((RED, ROOT_RED)), LAG)), {LAG_KEY}),
        (AllOf((Not(RED), LAG)), {LAG_KEY}),
        (AllOf((Not(RED),)), None),
        (AllOf(()), None),
        (AnyOf((RED, LAG)), {NODE_KEY, LAG_KEY}),
        (AnyOf((RED, Not(LAG))), None),
        (AnyOf(()), set()),
        (Not(RED), None),
        (HeldFor(RED, seconds(1)), {NODE_KEY}),
    ],
)
def test_the_anchors_of_a_condition(condition: Condition, expected: set[tuple[str, str, str]] | None) -> None:
    """The facts of which one must be there; None where it can hold without any."""
    assert anchors(condition) == expected


def test_what_is_watched_takes_in_every_for_inside() -> None:
    """A `for` counts from when its own part holds, though the alert beside it does not fire yet."""
    both = AllOf((LAG, HeldFor(RED, seconds(60))))
    assert anchors(both) == frozenset({LAG_KEY})
    assert watched(both) == frozenset({LAG_KEY, NODE_KEY})
    assert watched(AllOf((LAG, HeldFor(UNKNOWN, seconds(60))))) is None


def test_walk_visits_every_part_once() -> None:
    """From the whole to the leaves."""
    tree = AllOf((Not(RED), AnyOf((LAG, HeldFor(ROOT_RED, seconds(1))))))
    seen: list[str] = []
    walk(tree, lambda part: seen.append(type(part).__name__))
    assert seen == ["AllOf", "Not", "NodeIs", "AnyOf", "AlertFires", "HeldFor", "NodeIs"]


@pytest.mark.parametrize(("age", "answer"), [(599, Answer.HOLDS), (600, Answer.HOLDS), (601, Answer.NO)])
def test_an_alert_may_count_for_a_time_only(age: float, answer: Answer) -> None:
    """What is said once and never resolved would otherwise hold for a week."""
    moment = a_moment(an_alert("Failed", observed_at=at(-age)))
    assert judge(AlertFires("Failed", within=seconds(600)), moment).answer is answer
