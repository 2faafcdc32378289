"""Does the log keep what it acknowledged, whatever happens to the file?"""

from __future__ import annotations

import asyncio
import resource
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from local.eventhubs.log import Clock, Draft, PartitionLog, Retention, Storage, open_log, wall_clock
from local.eventhubs.position import EARLIEST, Kind, Position, parse_selector
from local.eventhubs.segment import CorruptLogError, Record, Stamp, encode_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Opener = Callable[..., PartitionLog]

SMALL = Retention(segment_size=1000)
"""So small that a few events make several segments."""


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Opener]:
    """Opens the same log, as often as wanted."""
    with ThreadPoolExecutor(2) as executor:

        def opened(retention: Retention = SMALL, clock: Clock = wall_clock) -> PartitionLog:
            return open_log(tmp_path / "0", Storage(executor, retention, clock))

        yield opened


def draft(payload: bytes) -> Draft:
    """An event that looks the same whatever its stamp."""
    return Draft(len(payload), lambda _stamp: payload)


async def fill(log: PartitionLog, count: int, size: int = 100) -> list[bytes]:
    """Append events one by one, each in a commit of its own."""
    first = log.next_sequence_number
    payloads = [str(first + at).encode().ljust(size, b".") for at in range(count)]
    for payload in payloads:
        await log.append([draft(payload)])
    return payloads


def read(log: PartitionLog, position: Position = EARLIEST) -> list[Record]:
    """Everything behind a position."""
    cursor = log.seek(position)
    return list(iter(cursor.take, None))


def files(tmp_path: Path) -> list[Path]:
    """The segments, oldest first."""
    return sorted((tmp_path / "0").glob("*.segment"))


def damage(path: Path, at: int) -> None:
    """Change one byte."""
    raw = bytearray(path.read_bytes())
    raw[at] ^= 0xFF
    path.write_bytes(raw)


async def test_what_was_appended_is_there_after_reopening(reopen: Opener) -> None:
    """Events keep their order, numbers, offsets and times over a restart."""
    log = reopen()
    payloads = await fill(log, 40)
    before = read(log)
    again = reopen()
    assert [record.payload for record in before] == payloads
    assert read(again) == before
    assert again.next_sequence_number == 40
    await fill(again, 1)
    assert read(again)[-1].stamp.sequence_number == 40


async def test_many_appends_share_a_commit(reopen: Opener) -> None:
    """Concurrent senders do not each pay for an fsync."""
    log = reopen()
    await asyncio.gather(*(log.append([draft(b"x")]) for _ in range(500)))
    commits = {record.commit for record in read(log)}
    assert log.next_sequence_number == 500
    assert len(commits) <= 5


async def test_readers_see_only_what_is_durable(reopen: Opener) -> None:
    """An event is not there before its append is done, and then a waiting reader is woken."""
    log = reopen()
    cursor = log.seek(EARLIEST)
    woken = asyncio.Event()
    log.on_durable = woken.set
    done = log.append([draft(b"x")])
    assert cursor.take() is None
    await done
    assert woken.is_set()
    record = cursor.take()
    assert record is not None
    assert record.payload == b"x"


@pytest.mark.parametrize("kind", [Kind.OFFSET, Kind.SEQUENCE_NUMBER, Kind.ENQUEUED_TIME])
@pytest.mark.parametrize("inclusive", [False, True])
async def test_a_seek_finds_exactly_what_lies_behind(reopen: Opener, kind: Kind, *, inclusive: bool) -> None:
    """For every position, over several segments and an index with gaps, nothing is missed or too many."""
    ticks = iter(range(1_000, 1_000_000))
    log = reopen(Retention(segment_size=80_000), lambda: next(ticks) // 3)
    await fill(log, 60, size=5_000)
    everything = read(log)
    column = [Kind.SEQUENCE_NUMBER, Kind.OFFSET, Kind.ENQUEUED_TIME].index(kind)
    for value in sorted({record.stamp[column] + step for record in everything for step in (-1, 0, 1)}):
        position = Position(kind, value, inclusive)
        expected = [
            record
            for record in everything
            if record.stamp[column] > value or (inclusive and record.stamp[column] == value)
        ]
        assert read(log, position) == expected


async def test_latest_gives_only_what_comes_later(reopen: Opener) -> None:
    """A reader that wants only news gets no history."""
    log = reopen()
    await fill(log, 20)
    cursor = log.seek(Position(Kind.LATEST))
    assert cursor.take() is None
    await fill(log, 1)
    record = cursor.take()
    assert record is not None
    assert record.stamp.sequence_number == 20


async def test_time_never_steps_back(reopen: Opener) -> None:
    """Enqueued times are monotonic when the clock is set back, also over a restart."""
    now = 5_000
    log = reopen(clock=lambda: now)
    await fill(log, 1)
    now = 4_000
    await fill(log, 1)
    now = 3_000
    log = reopen(clock=lambda: now)
    await fill(log, 1)
    now = 6_000
    await fill(log, 1)
    assert [record.stamp.enqueued_ms for record in read(log)] == [5_000, 5_000, 5_000, 6_000]


async def test_a_torn_tail_is_cut_off(reopen: Opener, tmp_path: Path) -> None:
    """Wherever a write was cut short, what was acknowledged before it stays, and appending goes on."""
    log = reopen(Retention())
    await fill(log, 3)
    await log.append([draft(b"last" * 5)])
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    start = read(log)[-1].stamp.offset
    for length in range(start + 1, len(whole)):
        path.write_bytes(whole[:length])
        assert [record.stamp.sequence_number for record in read(reopen())] == [0, 1, 2]
        assert path.stat().st_size == start
    await fill(reopen(), 1)
    assert len(read(reopen())) == 4


@pytest.mark.parametrize("rest", [bytes(3000), b"\xff" * 3000, b"\x00\x00\x00\x10" * 700])
async def test_rubbish_behind_the_last_event_is_cut_off(reopen: Opener, tmp_path: Path, rest: bytes) -> None:
    """Whatever a power failure leaves behind the last event, the log opens without it."""
    await fill(reopen(Retention()), 3)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + rest)
    assert len(read(reopen())) == 3
    assert path.read_bytes() == whole


async def test_a_group_torn_in_its_middle_is_cut_off(reopen: Opener, tmp_path: Path) -> None:
    """A later record of the same commit does not make a torn one a loss: nobody was told of either."""
    log = reopen(Retention())
    await fill(log, 2)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    torn = bytearray(encode_record(Stamp(2, len(whole), 1), 2, b"a" * 50))
    torn[40] ^= 0xFF
    path.write_bytes(whole + torn + encode_record(Stamp(3, len(whole) + len(torn), 1), 2, b"b" * 50))
    assert len(read(reopen())) == 2


@pytest.mark.parametrize("field", [0, 5, 10, 20, 60])
async def test_damage_before_a_later_commit_is_an_error(reopen: Opener, tmp_path: Path, field: int) -> None:
    """An acknowledged event that cannot be read stops the log from opening, and nothing is cut off."""
    log = reopen(Retention())
    await fill(log, 5)
    at = read(log)[2].stamp.offset
    (path,) = files(tmp_path)
    damage(path, at + field)
    damaged = path.read_bytes()
    with pytest.raises(CorruptLogError, match=f"{path.name} is corrupt at byte {at}"):
        reopen()
    assert path.read_bytes() == damaged


async def test_damage_in_an_earlier_segment_is_an_error(reopen: Opener, tmp_path: Path) -> None:
    """Even its very last event is not taken for a torn tail."""
    await fill(reopen(), 30)
    path = files(tmp_path)[1]
    damage(path, path.stat().st_size - 1)
    with pytest.raises(CorruptLogError, match=path.name) as caught:
        reopen()
    assert 0 < caught.value.position < path.stat().st_size


async def test_a_missing_segment_is_an_error(reopen: Opener, tmp_path: Path) -> None:
    """A gap between two segments is no silent loss."""
    await fill(reopen(), 30)
    files(tmp_path)[1].unlink()
    with pytest.raises(CorruptLogError, match="does not follow"):
        reopen()


async def test_damage_after_opening_is_an_error_for_the_reader(reopen: Opener, tmp_path: Path) -> None:
    """A reader never gets an event that differs from the one that was stored."""
    log = reopen()
    await fill(log, 5)
    damage(files(tmp_path)[0], 60)
    with pytest.raises(CorruptLogError):
        read(log)


async def test_a_failed_write_keeps_nothing_and_costs_no_number(reopen: Opener, tmp_path: Path) -> None:
    """When the disk refuses in the middle of an event, the append fails and the file is as before."""
    log = reopen(Retention())
    await fill(log, 3)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, hard))
    try:
        outcomes = await asyncio.gather(
            *(log.append([draft(b"lost" * 50)]) for _ in range(3)), return_exceptions=True
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [type(outcome) for outcome in outcomes] == [OSError] * 3
    assert path.read_bytes() == whole
    await fill(log, 1)
    assert [record.stamp.sequence_number for record in read(log)] == [0, 1, 2, 3]
    assert read(reopen()) == read(log)


async def test_retention_deletes_the_oldest(reopen: Opener, tmp_path: Path) -> None:
    """The log stays within its size, and a reader that was overtaken goes on at the oldest event."""
    bounded = Retention(size=4_000, segment_size=1_000)
    log = reopen(bounded)
    await fill(log, 5)
    cursor = log.seek(EARLIEST)
    await fill(log, 95)
    record = cursor.take()
    assert record is not None
    assert record.stamp.sequence_number == log.first_sequence_number > 5
    assert sum(path.stat().st_size for path in files(tmp_path)) < 6_000
    assert read(reopen(bounded)) == read(log)


async def test_retention_by_age_keeps_the_numbers(reopen: Opener) -> None:
    """When all events are too old they go, and numbers and offsets continue, also over a restart."""
    now = 0
    aged = Retention(age=timedelta(seconds=10))
    log = reopen(aged, lambda: now)
    await fill(log, 5)
    end = log.end_offset
    now = 60_000
    await fill(log, 1)
    (record,) = read(log)
    assert record.stamp == Stamp(5, end, 60_000)
    assert read(reopen(aged, lambda: now)) == [record]


async def test_large_events_are_read_whole(reopen: Opener) -> None:
    """An event may be larger than what a cursor reads at once."""
    log = reopen(Retention())
    payloads = [bytes([at]) * size for at, size in enumerate((1, 1_000_000, 70_000, 65_536, 0, 3))]
    await log.append([draft(payload) for payload in payloads])
    assert [record.payload for record in read(log)] == payloads


async def test_closing_waits_for_what_was_appended(reopen: Opener) -> None:
    """Nothing that was handed over is dropped by a stop in good order."""
    log = reopen()
    pending = [log.append([draft(b"x" * 500)]) for _ in range(200)]
    await log.close()
    assert all(done.done() for done in pending)
    assert len(read(reopen())) == 200


@pytest.mark.parametrize(
    ("selector", "position"),
    [
        (None, Position(Kind.OFFSET, -1)),
        ("amqp.annotation.x-opt-offset > '-1'", Position(Kind.OFFSET, -1)),
        ("amqp.annotation.x-opt-offset > '@latest'", Position(Kind.LATEST)),
        ("amqp.annotation.x-opt-offset >= '77'", Position(Kind.OFFSET, 77, inclusive=True)),
        ("amqp.annotation.x-opt-sequence-number > '5'", Position(Kind.SEQUENCE_NUMBER, 5)),
        ("amqp.annotation.x-opt-enqueued-time >= '9'", Position(Kind.ENQUEUED_TIME, 9, inclusive=True)),
    ],
)
def test_selectors_of_the_sdk_are_understood(selector: str | None, position: Position) -> None:
    """Each way the SDK names a starting position is one of ours."""
    assert parse_selector(selector) == position
