"""Is the fold a join, and what of all that was said still stands?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.health import (
    Facts,
    facts,
    fold,
    forget,
    from_future,
    last_word,
    stands,
    too_old,
)
from rules.policy import Policy
from rules.signals import AlertState, Health, Signal
from tests.builders import NODE, NOW, a_signal, an_alert, at, registers, seconds

POLICY = Policy()


def _identified(signal: Signal) -> Signal:
    """The id is the identity of a fact: no two facts share one."""
    return replace(signal, id=f"{signal.key}/{signal.observed_at}/{signal.order}/{signal.says}/{signal.id}")


health_words = st.builds(
    a_signal,
    stamp=st.sampled_from(["weu", "neu", None]),
    node=st.sampled_from([NODE, "Stamp"]),
    health=st.sampled_from(Health),
    source=st.sampled_from(["model", "probe"]),
    observed_at=st.integers(-3, 3).map(at),
    order=st.integers(0, 1),
    id=st.sampled_from("ab"),
).map(_identified)
alert_words = st.builds(
    an_alert,
    condition=st.sampled_from(AlertState),
    observed_at=st.integers(-3, 3).map(at),
    instance=st.sampled_from("12"),
    id=st.sampled_from("ab"),
).map(_identified)
said = st.lists(health_words | alert_words, max_size=12)


@given(said, said)
def test_fold_is_commutative(one: list[Signal], other: list[Signal]) -> None:
    """P15: which batch came first makes no difference."""
    assert fold(fold({}, one), other) == fold(fold({}, other), one)


@given(said, said, said)
def test_fold_is_associative(one: list[Signal], two: list[Signal], three: list[Signal]) -> None:
    """P15: how the batches were cut makes no difference."""
    together = fold(fold({}, two), three).values()
    assert fold(fold(fold({}, one), two), three) == fold(fold({}, one), together)


@given(said)
def test_fold_is_idempotent(signals: list[Signal]) -> None:
    """P15: what is delivered again changes nothing."""
    once = fold({}, signals)
    assert fold(once, signals) == once
    assert fold(once, once.values()) == once


@given(st.data())
def test_any_order_and_any_duplication_gives_the_same_registers(data: st.DataObject) -> None:
    """P15: shuffled and doubled, the signals leave the same registers."""
    signals = data.draw(said)
    doubled = signals + data.draw(st.lists(st.sampled_from(signals), max_size=6) if signals else st.just([]))
    assert fold({}, data.draw(st.permutations(doubled))) == fold({}, signals)


@given(said)
def test_fold_never_loses_a_newer_word(signals: list[Signal]) -> None:
    """Each register holds the newest of all that was said for it."""
    for key, kept in fold({}, signals).items():
        assert all(kept.newness >= signal.newness for signal in signals if signal.key == key)


@given(said)
def test_a_doubt_is_kept_only_while_it_is_the_last_word_of_its_source(signals: list[Signal]) -> None:
    """Beside what the source last knew: a red that came before it is not lost, whatever came first (P15)."""
    folded = fold({}, signals)
    for key in {signal.key.knowing for signal in signals if signal.health}:
        words = [signal for signal in signals if signal.health and signal.key.knowing == key]
        known = [signal for signal in words if signal.health is not Health.UNKNOWN]
        assert folded.get(key) == max(known, key=lambda each: each.newness, default=None)
        assert last_word(folded, key) == max(words, key=lambda each: each.newness)


@pytest.mark.parametrize(
    ("before", "now", "an_hour_later"),
    [
        (Health.RED, Health.RED, Health.RED),
        # Unknown deserves less trust than what is seen to be slow; but it goes stale, and that does not.
        (Health.YELLOW, Health.UNKNOWN, Health.YELLOW),
        (Health.GREEN, Health.UNKNOWN, Health.UNKNOWN),
    ],
)
def test_a_source_that_does_not_know_takes_nothing_back(
    before: Health, now: Health, an_hour_later: Health
) -> None:
    """Red stays red, however long the doubt lasts; what was green is unknown at once."""
    doubt = a_signal(health=Health.UNKNOWN, observed_at=at(-1))
    said = fold({}, [a_signal(health=before, observed_at=at(-2)), doubt])
    assert facts(said, NOW, POLICY).node("weu", NODE).health is now
    assert facts(said, at(3600), POLICY).node("weu", NODE).health is an_hour_later


def test_what_is_known_again_settles_the_doubt() -> None:
    """The newest word counts, be it better or worse."""
    doubt = a_signal(health=Health.UNKNOWN)
    for again in (Health.GREEN, Health.YELLOW, Health.RED):
        known = a_signal(health=again, observed_at=at(1))
        assert fold({}, [known, doubt]) == fold({}, [doubt, known]) == registers([known])


def test_fold_leaves_its_argument_alone() -> None:
    """A record that could not be saved is as it was."""
    before = registers([a_signal()])
    fold(before, [a_signal(health=Health.RED, observed_at=at(1))])
    assert before == registers([a_signal()])


def at_now(*signals: Signal) -> Facts:
    """What stands now."""
    return facts(registers(signals), NOW, POLICY)


@pytest.mark.parametrize("health", Health)
def test_good_news_goes_stale_and_bad_news_stands(health: Health) -> None:
    """At the end of its freshness a word still stands; after it only red and yellow do."""
    limit = POLICY.fresh_for
    assert stands(a_signal(health=health, observed_at=NOW - limit), NOW, limit)
    lasting = health in (Health.RED, Health.YELLOW)
    assert stands(a_signal(health=health, observed_at=NOW - limit - seconds(1)), NOW, limit) is lasting


def test_a_stale_green_is_unknown() -> None:
    """Missing data is never green."""
    stale = at_now(a_signal(observed_at=at(-301)))
    assert stale.node("weu", NODE).health is Health.UNKNOWN
    assert stale.node("weu", NODE).newest is None
    assert at_now(a_signal(observed_at=at(-300))).node("weu", NODE).health is Health.GREEN


def test_a_node_nobody_has_spoken_of_is_unknown() -> None:
    """Neither green nor red."""
    assert at_now().node("weu", NODE).health is Health.UNKNOWN


def test_a_red_stands_until_its_own_source_takes_it_back() -> None:
    """Another source's green does not overwrite it, however new; its own does."""
    red = a_signal(source="lag-probe", health=Health.RED, observed_at=at(-3600))
    green = a_signal(source="model", observed_at=NOW)
    assert at_now(red, green).node("weu", NODE).health is Health.RED
    taken_back = replace(red, health=Health.GREEN, observed_at=at(-1))
    after = fold(registers([red, green]), [taken_back])
    assert facts(after, NOW, POLICY).node("weu", NODE).health is Health.GREEN


def test_a_node_is_the_worst_of_its_sources_and_rests_on_those_alone() -> None:
    """The evidence is what makes the node as it is, in the order it was said."""
    late = a_signal(source="b", health=Health.RED, observed_at=at(-1))
    early = a_signal(source="a", health=Health.RED, observed_at=at(-9))
    view = at_now(late, early, a_signal(source="c")).node("weu", NODE)
    assert view.health is Health.RED
    assert view.evidence == (early, late)
    assert view.newest == at(-1)


def test_a_node_keeps_who_says_better_of_it_and_not_what_is_stale() -> None:
    """So that a rule can ask one source alone; a node of one source carries nothing more."""
    red, green = a_signal(source="b", health=Health.RED), a_signal(source="a")
    stale = a_signal(source="c", observed_at=at(-301))
    view = at_now(red, green, stale).node("weu", NODE)
    assert (view.health, view.evidence, view.others) == (Health.RED, (red,), (green,))
    assert view.by("A") == at_now(green).node("weu", NODE)
    assert view.by("c").health is Health.UNKNOWN
    assert at_now(red).node("weu", NODE).others == ()


@given(said)
def test_the_facts_do_not_depend_on_the_order_of_the_registers(signals: list[Signal]) -> None:
    """P15: equal registers give equal facts, evidence and all."""
    kept = list(fold({}, signals).values())
    assert facts(registers(kept), NOW, POLICY) == facts(registers(reversed(kept)), NOW, POLICY)


def test_an_alert_fires_until_it_resolves_whatever_its_case() -> None:
    """Azure Monitor says Fired once; alert rules are found by their lower-case names."""
    fired = an_alert("HubThrottled", observed_at=at(-86400))
    assert at_now(fired).alerts == {("weu", "hubthrottled"): (fired,)}
    assert at_now(replace(fired, condition=AlertState.RESOLVED)).alerts == {}


def test_what_names_no_node_and_no_alert_is_no_fact() -> None:
    """A health without its node, and an alert without its rule, are about nothing."""
    nothing = at_now(a_signal(node=None, health=Health.RED), an_alert(alert=None, id="x"))  # type: ignore[arg-type]
    assert nothing == Facts({}, {})


def test_a_silent_source_is_forgotten_at_the_horizon_and_its_bad_news_later() -> None:
    """Each is kept up to its time and not beyond, so that the record stays bounded (P19)."""
    for signal, limit in (
        (a_signal(), POLICY.forget_after),
        (a_signal(health=Health.UNKNOWN), POLICY.forget_after),
        (a_signal(health=Health.YELLOW), POLICY.forget_firing_after),
        (a_signal(health=Health.RED), POLICY.forget_firing_after),
        (an_alert(condition=AlertState.RESOLVED), POLICY.forget_after),
        (an_alert(), POLICY.forget_firing_after),
    ):
        known = registers([signal])
        assert forget(known, NOW + limit - seconds(1), POLICY) == known
        assert forget(known, NOW + limit, POLICY) == {}


def test_nothing_forgotten_can_come_back() -> None:
    """P15: whatever is old enough to be forgotten is too old to be taken in."""
    for age in (POLICY.forget_after - seconds(1), POLICY.forget_after):
        signal = a_signal()
        kept = bool(forget(registers([signal]), NOW + age, POLICY))
        assert too_old(signal, NOW + age, POLICY) is not kept


def test_clocks_may_differ_by_five_minutes_and_not_by_more() -> None:
    """The moment of enqueueing is the only clock that both sides share."""
    signal = a_signal(observed_at=NOW + timedelta(minutes=5))
    assert not from_future(signal, NOW, POLICY)
    assert from_future(signal, NOW - seconds(1), POLICY)
