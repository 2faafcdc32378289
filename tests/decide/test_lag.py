"""Does the verdict tell apart what looks alike, and say it with numbers?"""

from datetime import timedelta

import pytest

from remediation.decide.lag import Lag, QueueLook, follow, judge
from rules.policy import Policy
from rules.signals import Health
from tests.builders import at, seconds
from tests.decide.queue_looks import Watch, a_partition, a_queue_look, blind, said, with_partition

GREEN, YELLOW, RED, UNKNOWN = Health.GREEN, Health.YELLOW, Health.RED, Health.UNKNOWN


# --- reading ---


def test_moving_checkpoints_are_green() -> None:
    """A processor whose checkpoints move reads, however much waits."""
    watch = Watch()
    watch.see(0, (900, 100), (900, 100))
    verdict = watch.see(30, (930, 200), (930, 150))
    assert said(verdict) == (Lag.READING, GREEN)
    assert "1510 events unread" in verdict.reason


def test_everything_read_is_green_at_the_first_look() -> None:
    """Where every checkpoint is at its newest event there is nothing left to prove."""
    verdict = Watch().see(0, (100, 100), (7, 7))
    assert said(verdict) == (Lag.READING, GREEN)
    assert verdict.reason == "everything is read in 2 partitions"


def test_a_pause_shorter_than_the_limit_stays_green() -> None:
    """Between two checkpoints nothing moves; that is no stall, and the reason says since when."""
    watch = Watch()
    watch.see(0, (100, 100))
    verdict = watch.stand(30, 180, (120, 100))
    assert said(verdict) == (Lag.READING, GREEN)
    assert verdict.reason == "reads: 20 events unread, no checkpoint moved since 03:00:30Z"


def test_a_backlog_that_is_worked_off_is_green() -> None:
    """A processor that catches up reads: it is the checkpoints that count, not the backlog."""
    watch = Watch()
    verdicts = [watch.see(30 * n, (10_000, 500 * n)) for n in range(1, 20)]
    assert {said(verdict) for verdict in verdicts[1:]} == {(Lag.READING, GREEN)}


def test_one_look_at_a_backlog_is_too_soon_to_tell() -> None:
    """Who sees unread events for the first time claims neither green nor red."""
    verdict = Watch().see(0, (100, 40))
    assert said(verdict) == (Lag.TOO_SOON, UNKNOWN)
    assert verdict.reason == "too soon to tell: 60 events unread, first seen 03:00:00Z"


# --- stalled ---


def test_no_checkpoint_moving_while_events_come_is_red() -> None:
    """F21: events come, and no partition is read for `cannot_read_after`."""
    watch = Watch()
    watch.see(0, (100, 100), (100, 100))
    for n in range(1, 7):
        assert watch.see(30 * n, (100 + n, 100), (100 + n, 100)).health is GREEN
    verdict = watch.see(210, (107, 100), (107, 100))
    assert said(verdict) == (Lag.STALLED, RED)
    assert verdict.reason == (
        "no checkpoint moved for 3m (since 03:00:30Z): 14 events unread in 2 of 2 partitions;"
        " newest checkpoint: 3m 50s old; partitions last claimed 3m 40s ago"
    )


def test_a_backlog_that_stands_is_red_although_nothing_new_comes() -> None:
    """Events that wait are enough: nobody must send more for the stall to show."""
    watch = Watch()
    watch.see(0, (100, 100))
    assert said(watch.stand(30, 180, (101, 100))) == (Lag.READING, GREEN)
    assert said(watch.see(210, (101, 100))) == (Lag.STALLED, RED)


@pytest.mark.parametrize(("stood", "health"), [(179, GREEN), (180, RED), (181, RED)])
def test_a_stall_is_red_from_the_limit_on(stood: int, health: Health) -> None:
    """Exactly `cannot_read_after` is long enough, a second less is not."""
    watch = Watch()
    watch.see(0, (100, 100))
    watch.see(30, (101, 100))
    assert watch.see(30 + stood, (101, 100)).health is health


def test_an_idle_hub_does_not_look_behind_at_its_first_event() -> None:
    """After an hour without events a stall counts from the look that sees one, not from a blob's time."""
    watch = Watch()
    watch.stand(0, 3600, (100, 100))
    assert watch.see(3630, (101, 100)).health is GREEN
    assert watch.see(3660, (101, 101)).health is GREEN


def test_one_checkpoint_that_moves_ends_the_stall() -> None:
    """After a stall the first checkpoint that moves is green, and a new stall counts from its own start."""
    watch = Watch()
    watch.see(0, (100, 100), (100, 100))
    assert watch.stand(30, 300, (200, 100), (200, 100)).health is RED
    assert said(watch.see(330, (200, 101), (200, 101))) == (Lag.READING, GREEN)
    assert watch.see(360, (200, 101), (200, 101)).health is GREEN


def test_a_checkpoint_that_is_deleted_is_no_sign_of_reading() -> None:
    """Only a checkpoint that is written shows a reader; one that vanishes does not end a stall."""
    watch = Watch()
    watch.see(0, (100, 100), (100, 90))
    assert watch.stand(30, 210, (200, 100), (200, 90)).health is RED
    assert watch.see(240, (200, 100), (200, None)).health is RED


def test_a_stall_goes_on_over_looks_that_failed() -> None:
    """While we were blind the checkpoint did not move either: the next look finds the same number."""
    watch = Watch()
    watch.see(0, (100, 100))
    watch.see(30, (101, 100))
    assert said(watch.take(blind(120))) == (Lag.BLIND, UNKNOWN)
    assert said(watch.see(210, (101, 100))) == (Lag.STALLED, RED)


def test_a_look_after_a_long_gap_claims_no_green() -> None:
    """Well an hour ago and events unread now: nobody knows how long they have been waiting."""
    watch = Watch()
    watch.see(0, (100, 100))
    assert said(watch.see(3600, (200, 100))) == (Lag.TOO_SOON, UNKNOWN)
    assert said(watch.stand(3630, 3780, (200, 100))) == (Lag.STALLED, RED)


def test_a_stall_without_checkpoint_times_says_so() -> None:
    """Numbers that are not known are not made up."""
    partition = a_partition(5, 3)
    look = with_partition(a_queue_look(0), "0", partition)
    watch = Watch()
    watch.take(look)
    bare = {"0": type(partition)(5, None, 3)}
    verdict = watch.take(QueueLook("weu", at(200), look.hub_created_at, bare))
    assert verdict.health is RED
    assert verdict.reason.endswith("newest checkpoint: none; partitions claimed by nobody")
    assert "2 events unread in 1 of 1 partition;" in verdict.reason


# --- one partition ---


def test_one_partition_that_stands_while_others_move_is_yellow_and_named() -> None:
    """Draining the stamp for one partition would be too much; hiding it would be too little."""
    watch = Watch()
    watch.see(0, (100, 100), (100, 100), (100, 100))
    for n in range(1, 8):
        verdict = watch.see(30 * n, (100 + n, 99 + n), (100 + n, 100), (100 + n, 99 + n))
    assert said(verdict) == (Lag.ONE_STUCK, YELLOW)
    assert verdict.reason == (
        "partition 1 of 3 partitions not read since 03:00:30Z while others are: 7 events unread"
    )


def test_no_more_than_eight_partitions_are_named() -> None:
    """A page must stay readable with a hub of many partitions."""
    watch = Watch()
    for n in range(9):
        verdict = watch.see(30 * n, *[(100 + n, 99 + n), *[(100 + n, 50)] * 12])
    assert said(verdict) == (Lag.ONE_STUCK, YELLOW)
    assert verdict.reason.startswith("partitions 1, 2, 3, 4, 5, 6, 7, 8 and 4 more of 13 partitions not read")


def test_when_the_last_partition_stops_it_is_a_stall() -> None:
    """One stuck partition becomes a stall `cannot_read_after` after the others stopped too, not at once."""
    watch = Watch()
    for n in range(10):
        watch.see(30 * n, (100 + n, 99 + n), (100 + n, 90))
    assert said(watch.stand(300, 470, (110, 108), (110, 90)))[0] is Lag.ONE_STUCK
    assert said(watch.see(480, (110, 108), (110, 90))) == (Lag.STALLED, RED)


# --- slow ---


def test_a_backlog_that_grows_while_checkpoints_move_is_yellow() -> None:
    """It reads, but less than is sent: no drain helps at once, and somebody should know."""
    watch = Watch()
    for n in range(14):
        verdict = watch.see(30 * n, (200 + 100 * n, 100 + 10 * n))
    assert said(verdict) == (Lag.SLOW, YELLOW)
    assert verdict.reason == "reads slower than is sent: 1270 events unread, growing since 03:06:00Z"
    for n in range(14, 30):
        verdict = watch.see(30 * n, (200 + 100 * n, 100 + 10 * n))
    assert "growing since 03:06:00Z" in verdict.reason


def test_a_backlog_that_goes_up_and_down_is_green() -> None:
    """Checkpoints come every so often, so what is unread swings; only a trend counts."""
    watch = Watch()
    verdicts = [watch.see(30 * n, (200 + 100 * n, 100 + 100 * n - 9 * (n * n % 17))) for n in range(60)]
    assert {said(verdict) for verdict in verdicts[1:]} == {(Lag.READING, GREEN)}


def test_a_backlog_that_shrinks_again_is_green_at_once() -> None:
    """Slowness ends with the first look below the window before."""
    watch = Watch()
    for n in range(14):
        watch.see(30 * n, (200 + 100 * n, 100 + 10 * n))
    assert said(watch.see(420, (1500, 1400))) == (Lag.READING, GREEN)


def test_the_backlog_of_a_stall_is_not_slowness_afterwards() -> None:
    """What grew while nobody read is worked off now: that is reading."""
    watch = Watch()
    watch.see(0, (100, 100))
    for n in range(1, 30):
        watch.see(30 * n, (100 + 100 * n, 100))
    verdicts = [watch.see(900 + 30 * n, (3100 + 100 * n, 500 + 150 * n)) for n in range(20)]
    assert {said(verdict) for verdict in verdicts} == {(Lag.READING, GREEN)}


# --- the database ---


def test_a_stall_while_the_database_is_red_waits() -> None:
    """The processor tries one message for 275 s while the database fails: the cause is elsewhere. Hold."""
    watch = Watch()
    watch.see(0, (100, 100))
    verdict = watch.see(30, (101, 100), database_red=True)
    assert said(verdict) == (Lag.WAITING, YELLOW)
    assert verdict.reason == (
        "the database is red and it tries again by itself: no checkpoint moved since 03:00:30Z,"
        " 1 event unread; red from 03:08:05Z on"
    )


@pytest.mark.parametrize(
    ("stood", "kind", "words"),
    [
        (274, Lag.WAITING, "tries again by itself"),
        (275, Lag.WAITING, "its retries are over"),
        (454, Lag.WAITING, "its retries are over"),
        (455, Lag.STALLED, "no checkpoint moved for 7m 35s"),
    ],
)
def test_waiting_for_the_database_ends(stood: int, kind: Lag, words: str) -> None:
    """After its retries a processor sets the message aside and must move within `cannot_read_after`."""
    watch = Watch()
    watch.see(0, (100, 100))
    watch.see(30, (101, 100), database_red=True)
    verdict = watch.see(30 + stood, (101, 100), database_red=True)
    assert verdict.kind is kind
    assert verdict.health is (RED if kind is Lag.STALLED else YELLOW)
    assert words in verdict.reason


def test_a_red_database_does_not_hide_that_it_reads() -> None:
    """A processor that moves while the database is red is not waiting for it."""
    watch = Watch()
    watch.see(0, (100, 90), database_red=True)
    assert said(watch.see(30, (110, 95), database_red=True)) == (Lag.READING, GREEN)


def test_a_stall_is_red_as_soon_as_the_database_is_not() -> None:
    """The excuse ends with the database's red; the time of standing still counts from its start."""
    watch = Watch()
    watch.see(0, (100, 100))
    assert watch.stand(30, 270, (101, 100), database_red=True).kind is Lag.WAITING
    assert said(watch.see(300, (101, 100))) == (Lag.STALLED, RED)


# --- idle, new, made anew ---


def test_idle_is_green_by_proof_and_says_so() -> None:
    """When nobody sends, the processor is green because everything sent is read, not because all is quiet."""
    watch = Watch()
    verdict = watch.see(600, (100, 100), (7, 7), sent_at=at(0))
    assert said(verdict) == (Lag.IDLE, GREEN)
    assert verdict.reason == "idle: nothing was sent for 10m; everything is read"


def test_idle_begins_after_the_limit() -> None:
    """A pause of senders shorter than `cannot_read_after` is not worth a word."""
    watch = Watch()
    assert watch.see(179, (100, 100), sent_at=at(0)).kind is Lag.READING
    assert watch.see(180, (100, 100), sent_at=at(0)).kind is Lag.IDLE


def test_what_expired_unread_proves_nothing() -> None:
    """Events gone before they were read leave nothing to read, and no proof that anyone can."""
    look = QueueLook("weu", at(0), at(-9), {"0": a_partition(100, 60, first=101)})
    verdict = Watch().take(look)
    assert said(verdict) == (Lag.IDLE, UNKNOWN)
    assert verdict.reason == "40 events expired before they were read; nothing is left to read"


def test_what_expired_unread_is_no_sight_of_a_reader() -> None:
    """An event after such a look is not taken for a pause of a processor that was seen to read."""
    watch = Watch()
    watch.take(QueueLook("weu", at(0), at(-9), {"0": a_partition(100, 60, first=101)}))
    verdict = watch.take(QueueLook("weu", at(30), at(-9), {"0": a_partition(101, 60, first=101)}))
    assert said(verdict) == (Lag.TOO_SOON, UNKNOWN)


def test_an_emptied_hub_that_was_read_is_idle() -> None:
    """Where all was read before it expired, the hub gives no time of its newest event."""
    look = QueueLook("weu", at(0), at(-9), {"0": a_partition(100, 100, first=101, sent_at=None)})
    verdict = Watch().take(look)
    assert said(verdict) == (Lag.IDLE, GREEN)
    assert verdict.reason == "idle: the hub is empty; everything is read"


def test_a_group_without_checkpoints_is_unknown_and_then_has_never_read() -> None:
    """A new group has time to begin; after `cannot_read_after` with events waiting it cannot read."""
    watch = Watch()
    assert watch.see(0, (-1, None), (-1, None)).reason == "no checkpoint yet, and nothing to read"
    verdict = watch.stand(30, 180, (4, None), (-1, None))
    assert said(verdict) == (Lag.NEW_GROUP, UNKNOWN)
    assert verdict.reason == "no checkpoint yet, 5 events unread since 03:00:30Z"
    verdict = watch.see(210, (4, None), (-1, None))
    assert said(verdict) == (Lag.NEW_GROUP, RED)
    assert verdict.reason.startswith("has never read: no checkpoint moved for 3m (since 03:00:30Z)")


def test_the_first_checkpoint_of_a_new_group_is_reading() -> None:
    """A checkpoint where there was none is one that moved."""
    watch = Watch()
    watch.stand(0, 150, (4, None), (9, None))
    assert said(watch.see(180, (4, 1), (9, 0))) == (Lag.READING, GREEN)


def test_a_hub_made_anew_is_unknown_and_then_red_in_its_own_words() -> None:
    """Checkpoints of a hub that is gone stop a reader silently: people must be told what to delete."""
    watch = Watch()
    watch.see(0, (5000, 5000), (4000, 4000))
    verdict = watch.see(30, (3, 5000), (-1, 4000), made=at(20))
    assert said(verdict) == (Lag.HUB_RECREATED, UNKNOWN)
    assert verdict.reason == (
        "checkpoints are of an older hub of that name: 4 events unread in 2 partitions,"
        " no checkpoint written since 03:00:30Z"
    )
    assert watch.stand(60, 180, (9, 5000), (-1, 4000), made=at(20)).health is UNKNOWN
    verdict = watch.see(210, (9, 5000), (-1, 4000), made=at(20))
    assert said(verdict) == (Lag.HUB_RECREATED, RED)
    assert verdict.reason.endswith("; delete them, or nothing is read")


def test_a_hub_made_anew_is_known_by_its_numbers_at_the_first_look() -> None:
    """Without any memory, a checkpoint ahead of the newest event is enough."""
    assert said(Watch().see(0, (3, 5000))) == (Lag.HUB_RECREATED, UNKNOWN)


def test_a_hub_made_anew_is_known_by_its_time_although_the_numbers_fit() -> None:
    """An old checkpoint within the new hub's numbers says nothing, not even that everything is read."""
    watch = Watch()
    watch.see(0, (50, 50))
    verdict = watch.see(30, (50, 50), made=at(20))
    assert said(verdict) == (Lag.HUB_RECREATED, UNKNOWN)
    assert verdict.reason.endswith("0 events unread in 1 partition, no checkpoint written")
    assert said(watch.see(60, (70, 50), made=at(20))) == (Lag.HUB_RECREATED, UNKNOWN)


def test_a_stall_of_the_hub_that_is_gone_does_not_count() -> None:
    """A hub made anew begins with a clean slate: its own stall takes `cannot_read_after` of its own."""
    watch = Watch()
    watch.see(0, (100, 100))
    assert watch.stand(30, 300, (200, 100)).health is RED
    assert said(watch.see(330, (200, 100), made=at(320))) == (Lag.HUB_RECREATED, UNKNOWN)


def test_the_first_checkpoint_on_the_new_hub_ends_the_doubt() -> None:
    """A reader that writes a checkpoint reads; what another partition still carries is told of that one."""
    watch = Watch()
    watch.see(0, (5000, 5000), (4000, 4000))
    watch.see(30, (8, 5000), (7, 4000), made=at(20))
    assert said(watch.see(60, (8, 3), (7, 4000), made=at(20))) == (Lag.READING, GREEN)
    for n in range(3, 9):
        verdict = watch.see(30 * n, (8 + n, 3 + n), (7, 4000), made=at(20))
    assert said(verdict) == (Lag.ONE_STUCK, YELLOW)
    assert verdict.reason.endswith("8 events unread; checkpoints of an older hub: 1")


def test_checkpoints_deleted_with_the_hub_make_a_new_group() -> None:
    """Who deletes both has nothing stale left: the group simply has not read yet."""
    watch = Watch()
    watch.see(0, (5000, 5000))
    assert said(watch.see(30, (3, None), made=at(20))) == (Lag.NEW_GROUP, UNKNOWN)


def test_a_checkpoint_at_the_newest_event_is_not_of_another_hub() -> None:
    """Checkpoints are read before the hub, so the two may be equal and no more."""
    assert Watch().see(0, (100, 100)).kind is Lag.READING
    assert Watch().see(0, (99, 100)).kind is Lag.HUB_RECREATED


# --- blind ---


def test_blind_is_unknown_with_its_reason() -> None:
    """What cannot be seen is neither green nor red, and people are told what is in the way."""
    verdict = Watch().take(blind(0, "checkpoint container ehcheckpoints not found"))
    assert said(verdict) == (Lag.BLIND, UNKNOWN)
    assert verdict.reason == "cannot look: checkpoint container ehcheckpoints not found"


def test_blind_after_red_is_unknown_and_says_how_old_the_last_sight_is() -> None:
    """Old red is not repeated as if it had been seen."""
    watch = Watch()
    watch.see(0, (100, 100))
    assert watch.stand(30, 240, (101, 100)).health is RED
    verdict = watch.take(blind(300))
    assert said(verdict) == (Lag.BLIND, UNKNOWN)
    assert verdict.reason == "cannot look: event hub orders unreachable; last seen 1m ago"
    assert said(watch.see(330, (101, 100))) == (Lag.STALLED, RED)


def test_a_state_that_nobody_refreshed_is_blind() -> None:
    """What the record remembers is good for `fresh_for`; a worker that comes later knows nothing yet."""
    state = follow(None, a_queue_look(0, (100, 100), sent_at=at(290)))
    judged = [judge(state, at(age), Policy(), database_red=False).kind for age in (300, 301)]
    assert judged == [Lag.READING, Lag.BLIND]
    words = judge(state, at(3600), Policy(), database_red=False).reason
    assert words == "nobody has looked for 1h"


def test_standing_still_ends_with_the_last_look() -> None:
    """Time that passes without a look proves nothing: a stall is not red because nobody looked."""
    watch = Watch()
    watch.see(0, (100, 100))
    watch.see(30, (101, 100))
    later = judge(watch.remembered, at(300), Policy(), database_red=False)
    assert said(later) == (Lag.READING, GREEN)


def test_the_limit_is_the_policys() -> None:
    """`cannot_read_after` moves the line between a pause and a stall."""
    watch = Watch(Policy(cannot_read_after=timedelta(seconds=60)))
    watch.see(0, (100, 100))
    watch.see(30, (101, 100))
    assert watch.see(90, (101, 100)).health is RED
    assert watch.policy.cannot_read_after == seconds(60)


def test_partitions_that_are_not_looked_at_are_counted_in_the_words() -> None:
    """Of a very large hub people must know that the verdict speaks of a part."""
    look = QueueLook("weu", at(0), at(-9), {"0": a_partition()}, beyond=36)
    assert Watch().take(look).reason == "everything is read in 1 partition (and 36 not looked at)"
