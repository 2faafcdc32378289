"""Is what the record remembers of a queue small, storable, and right in any order of looks?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from remediation.decide.lag import (
    PARTITIONS_MOST,
    Lag,
    QueueLook,
    QueueState,
    follow,
    judge,
    marks,
    not_passed,
)
from rules.policy import Policy
from rules.signals import Health
from tests.builders import at
from tests.decide.queue_looks import EVERY, MADE, Watch, a_partition, a_queue_look, blind

STORED = TypeAdapter(QueueState)


# --- memory ---


def test_p16_the_state_survives_its_storing() -> None:
    """(P16) Another worker, at the next look, remembers exactly what this one saw."""
    watch = Watch()
    for n in range(20):
        watch.see(30 * n, (200 + 100 * n, 100 + 10 * n), (5, None), (3, 9))
        watch.state = STORED.validate_json(STORED.dump_json(watch.remembered))
    unstored = Watch()
    for n in range(20):
        unstored.see(30 * n, (200 + 100 * n, 100 + 10 * n), (5, None), (3, 9))
    assert watch.state == unstored.state


def test_p19_no_more_than_64_partitions_are_remembered() -> None:
    """(P19) A hub of a thousand partitions takes no more room than one of 64, and the rest is counted."""
    pairs = [(10**12 + n, 10**11 + n) for n in range(1000)]
    watch = Watch()
    watch.see(0, *pairs)
    watch.see(30, *pairs)
    assert list(watch.remembered.partitions) == [str(n) for n in range(PARTITIONS_MOST)]
    assert watch.remembered.beyond == 1000 - PARTITIONS_MOST
    assert len(STORED.dump_json(watch.remembered)) < 12_000


def test_p15_a_look_that_comes_twice_or_late_changes_nothing() -> None:
    """(P15) Replays and stragglers of other workers leave the memory as it is."""
    first, second = a_queue_look(0, (100, 100)), a_queue_look(30, (110, 100))
    state = follow(follow(None, first), second)
    assert follow(state, second) == state
    assert follow(state, first) == state
    assert follow(state, blind(15)) == state


def test_a_blind_look_keeps_the_memory_and_nothing_else() -> None:
    """A look that failed is remembered as that; partitions, stall and times stay as they were."""
    watch = Watch()
    watch.see(0, (100, 100))
    watch.see(30, (110, 100))
    before = watch.remembered
    watch.take(blind(60, "x" * 1000))
    after = watch.remembered
    assert after.blind == "x" * 200
    assert (after.at, after.partitions, after.stalled_since) == (at(30), before.partitions, at(30))


def test_a_hub_without_partitions_is_no_sight() -> None:
    """An answer that names no partition says nothing about reading."""
    state = follow(None, QueueLook("weu", at(0), MADE))
    assert state.blind == "the hub has no partitions"
    assert judge(state, at(0), Policy(), database_red=False).kind is Lag.BLIND


def test_a_partition_added_later_is_watched_from_then_on() -> None:
    """A hub that grew has partitions without a past; their events count from the look that sees them."""
    watch = Watch()
    watch.see(0, (100, 100))
    watch.see(30, (110, 110), (5, None))
    assert watch.remembered.partitions["1"].still_since == at(30)
    assert watch.remembered.unread == 6


def test_a_hub_that_does_not_say_when_it_was_made_is_the_same_hub() -> None:
    """Only another time of creation means another hub; none at all does not."""
    watch = Watch()
    watch.see(0, (100, 100))
    watch.take(a_queue_look(30, (110, 105), made=None))
    assert watch.remembered.hub_created_at == MADE
    assert watch.remembered.remade_at is None


# --- the proof of a rejoin ---


def test_the_marks_are_what_was_sent_until_now() -> None:
    """At the moment of a drain the newest event of every partition that ever had one is the mark."""
    state = follow(None, a_queue_look(0, (100, 60), (-1, None), (7, None)))
    assert marks(state) == {"0": 100, "2": 7}


def test_p12_a_partition_has_passed_when_its_checkpoint_reached_the_mark() -> None:
    """(P12) What was sent before the drain must have been read, in every partition, to the last event."""
    wanted = {"0": 100, "1": 50, "2": 7, "10": 3, "11": 0}
    state = follow(None, a_queue_look(0, (300, 100), (300, 49), (300, None)))
    assert not_passed(state, wanted) == ["1", "2", "10", "11"]
    assert not_passed(follow(state, a_queue_look(30, (300, 100), (300, 50), (9, 7))), wanted) == ["10", "11"]
    assert not_passed(state, {}) == []


def test_p12_a_checkpoint_of_another_hub_passes_no_mark() -> None:
    """(P12) A high number that was written for a hub that is gone proves nothing."""
    state = follow(None, a_queue_look(0, (10, 5000)))
    assert not_passed(state, {"0": 100}) == ["0"]


# --- properties ---

STEP = st.tuples(st.integers(0, 50), st.integers(0, 60))
"""How many events came and how many were read between two looks."""


def _walk(steps: list[list[tuple[int, int]]]) -> list[list[tuple[int, int | None]]]:
    """Numbers that only grow, and checkpoints that follow them."""
    last = [99] * len(steps[0])
    read = [99] * len(steps[0])
    walk: list[list[tuple[int, int | None]]] = []
    for step in steps:
        last = [number + came for number, (came, _) in zip(last, step, strict=True)]
        read = [min(top, number + done) for top, number, (_, done) in zip(last, read, step, strict=True)]
        walk.append(list(zip(last, read, strict=True)))
    return walk


_STEPS = st.integers(1, 4).flatmap(
    lambda count: st.lists(st.lists(STEP, min_size=count, max_size=count), min_size=2, max_size=40)
)


@given(_STEPS)
def test_never_red_while_a_checkpoint_moves_within_the_limit(steps: list[list[tuple[int, int]]]) -> None:
    """Red means: for `cannot_read_after` events waited at every look, and no checkpoint moved between any."""
    walk = _walk(steps)
    watch = Watch()
    window = int(Policy().cannot_read_after.total_seconds()) // EVERY
    for n, pairs in enumerate(walk):
        verdict = watch.see(EVERY * n, *pairs)
        recent = walk[max(0, n - window) : n + 1]
        stood = len(recent) == window + 1 and all(
            [read for _, read in pairs] == [read for _, read in earlier] for earlier in recent
        )
        waits = all(any(last > (read or 0) for last, read in earlier) for earlier in recent)
        assert (verdict.health is Health.RED) == (stood and waits)


@given(_STEPS)
def test_green_is_never_said_of_events_that_nobody_was_seen_to_read(
    steps: list[list[tuple[int, int]]],
) -> None:
    """A verdict is green only if everything was read, or something moved, within the limit before."""
    watch = Watch()
    walk = _walk(steps)
    limit = Policy().cannot_read_after.total_seconds()
    well_at = None
    for n, pairs in enumerate(walk):
        verdict = watch.see(EVERY * n, *pairs)
        moved = n > 0 and [read for _, read in pairs] != [read for _, read in walk[n - 1]]
        if moved or all(last == read for last, read in pairs):
            well_at = EVERY * n
        if verdict.health is Health.GREEN:
            assert well_at is not None
            assert EVERY * n - well_at <= limit


@given(_STEPS, st.sets(st.integers(0, 39)))
def test_looks_that_fail_never_make_a_stall(steps: list[list[tuple[int, int]]], failed: set[int]) -> None:
    """With some looks lost, a verdict is red only if the looks that remain show the stall themselves."""
    watch = Watch()
    seen: list[tuple[int, list[tuple[int, int | None]]]] = []
    for n, pairs in enumerate(_walk(steps)):
        if n in failed:
            assert watch.take(blind(EVERY * n)).health is Health.UNKNOWN
            continue
        seen.append((EVERY * n, pairs))
        if watch.see(EVERY * n, *pairs).health is Health.RED:
            reads = [[read for _, read in earlier] for _, earlier in seen]
            same = [time for (time, _), read in zip(seen, reads, strict=True) if read == reads[-1]]
            assert same[-1] - same[0] >= Policy().cannot_read_after.total_seconds()


@given(_STEPS, st.lists(st.integers(0, 39), min_size=40, max_size=40))
def test_p15_only_the_newest_looks_count_whatever_comes_late(
    steps: list[list[tuple[int, int]]], lates: list[int]
) -> None:
    """(P15) Every look delivered twice, the second time late, leaves the same memory."""
    looks = [a_queue_look(EVERY * n, *pairs) for n, pairs in enumerate(_walk(steps))]
    once: QueueState | None = None
    twice: QueueState | None = None
    for n, look in enumerate(looks):
        once = follow(once, look)
        late = looks[lates[n] % (n + 1)]
        twice = follow(follow(twice, look), late)
    assert once == twice


@pytest.mark.parametrize("database_red", [False, True])
@given(steps=_STEPS)
def test_p16_the_same_state_and_moment_give_the_same_verdict(
    steps: list[list[tuple[int, int]]], *, database_red: bool
) -> None:
    """(P16) No clock, no memory of its own: a verdict can be repeated from the record."""
    watch = Watch()
    for n, pairs in enumerate(_walk(steps)):
        verdict = watch.see(EVERY * n, *pairs, database_red=database_red)
        again = judge(watch.remembered, at(EVERY * n), watch.policy, database_red=database_red)
        assert verdict == again
        assert verdict.reason


def test_a_partition_trimmed_at_its_beginning_counts_what_is_left() -> None:
    """Events that expired are not unread: nobody can read them any more."""
    look = QueueLook("weu", at(0), MADE, {"0": a_partition(100, 20, first=91), "1": a_partition(9, None)})
    state = follow(None, look)
    assert (state.unread, state.expired) == (20, 70)
