"""Does nothing that anybody sends come to more than signals or a stated rejection?"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from types import FrameType

import pytest

from remediation.intake.dead_letter import MAX_KEPT
from remediation.intake.read import FAMILIES, Reading, read
from remediation.intake.rejection import Code, Rejection
from remediation.ledger.memory import MemoryLedger
from rules.signals import Signal
from tests.builders import NOW
from tests.intake.bodies import BODIES, KNOWN, a_health_event, encode, shop
from tests.intake.consuming import Message, a_worker
from tests.intake.hostile import MARK, RAW, SHAPED, Hostile, bombs, mutations, planted, worded
from tests.world import World

INPUTS = 20_000
CALLS_PER_BYTE = 20
"""The most function calls and returns that a byte of a body may cost; twelve are seen."""


def outcome(body: bytes) -> tuple[Reading, list[tuple[Code, str]]]:
    """What was read, and every rejection. Any other exception fails the test that asks."""
    try:
        reading = read(body, KNOWN)
    except Rejection as why:
        return Reading("none", ()), [(why.code, why.reason)]
    return reading, [(item.code, item.reason) for item in reading.rejected]


def check_reason(reason: str) -> None:
    """Bounded, on one line, and without any secret."""
    assert 0 < len(reason) < 600
    assert reason.isprintable()
    assert MARK not in reason


def check_signal(signal: Signal) -> None:
    """As every signal must be, whatever it was made of."""
    assert (signal.health is None) != (signal.condition is None)
    assert bool(signal.why) != signal.may_act
    assert signal.subject.workload == "shop"
    assert signal.subject.stamp in {None, "weu", "neu", "eus"}
    assert signal.observed_at.utcoffset() is not None
    assert len(signal.reasons) <= 5
    assert all(0 < len(reason) <= 300 for reason in signal.reasons)
    names = signal.id, signal.source, signal.instance, signal.alert or "", signal.subject.node or ""
    assert all(len(name) <= 300 for name in names)
    json.dumps([signal.reasons, names, signal.placed_by], ensure_ascii=False).encode()


@pytest.mark.slow
def test_twenty_thousand_hostile_bodies_are_read_or_rejected() -> None:
    """Broken bytes, odd values, swapped fields, wrappers and bombs: signals, or a code and a sentence."""
    kinds: Counter[str] = Counter()
    codes: Counter[Code] = Counter()
    read_well = 0
    for hostile in (*bombs(), *mutations(INPUTS)):
        kinds[hostile.kind] += 1
        reading, rejections = outcome(hostile.body)
        assert len(reading.signals) <= 10_000
        for signal in reading.signals[:50]:
            check_signal(signal)
        for code, reason in rejections[:50]:
            codes[code] += 1
            check_reason(reason)
        read_well += bool(reading.signals)
    assert kinds.total() >= INPUTS
    assert min(kinds.values()) > 0
    # A generator whose bodies all fell at the first gate would show nothing.
    assert read_well > INPUTS // 4
    assert set(codes) == set(Code) - {Code.PARKED, Code.FAULT}


def test_the_generator_gives_the_same_bodies_in_every_run() -> None:
    """What failed once can be found again."""
    assert [*mutations(300)] == [*mutations(300)] != [*mutations(300, seed=5)]


def test_secrets_where_bodies_hold_them_are_never_told() -> None:
    """Claims, callers' headers and the headers of a relay stand in no signal and in no reason."""
    for raw in RAW:
        value = planted(json.loads(raw))
        for body in (value, {"headers": {"Authorization": SHAPED[2]}, "body": value}, [value]):
            reading, rejections = outcome(encode(body))
            assert MARK not in repr(reading.signals)
            assert MARK not in repr(rejections)


def test_secrets_in_the_words_of_senders_are_cut_out_of_what_is_told() -> None:
    """Descriptions and messages become reasons, which people read and the journal keeps: of any family."""
    cut: Counter[str] = Counter()
    for raw in RAW:
        for secret in SHAPED:
            reading, _ = outcome(encode(worded(json.loads(raw), secret)))
            for signal in reading.signals:
                assert MARK not in repr(signal.reasons)
                cut[reading.family] += any("…" in reason for reason in signal.reasons)
    # These tell in words of ours, and in no sentence of the sender's.
    families = {family.name for family in FAMILIES} - {"autoscale", "legacy-budget", "legacy-metric"}
    assert families <= {family for family, times in cut.items() if times}


def test_secrets_that_reach_a_rejection_are_cut_out_of_it() -> None:
    """Where the sentence shows an excerpt of a stranger's value, nothing in it looks like a secret."""
    event = a_health_event()
    bodies = [
        body
        for secret in SHAPED
        for body in (
            {"data": {"essentials": {"monitorCondition": secret}}},
            {"specversion": "1.0", "type": secret},
            {"time": "x", "resourceId": "y", "category": secret},
            {**event, "data": {**event["data"], "workload": secret}},
            {**event, "data": {**event["data"], "observed_at": secret}},
            {
                "data": {
                    "essentials": {
                        "alertTargetIDs": [f"/resourceGroups/{secret}"],
                        "firedDateTime": "2026-03-01T03:00:00Z",
                    }
                }
            },
        )
    ]
    doubled = [f'{{"{secret}": 1, "{secret}": 2}}'.encode() for secret in SHAPED]
    for body in (*map(encode, bodies), *doubled):
        reading, rejections = outcome(body)
        assert not reading.signals
        for _, reason in rejections:
            check_reason(reason)


def calls_of(body: bytes) -> int:
    """How many functions are called, and left, while a body is read."""
    count = 0

    def counting(_frame: FrameType, _event: str, _arg: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counting)
    try:
        outcome(body)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.slow
def test_the_work_for_a_body_is_bounded_by_its_size() -> None:
    """No bomb makes the reader do more for each of its bytes than a few calls: not at the limits either."""
    costs = {
        hostile.kind: calls_of(hostile.body) / len(hostile.body)
        for hostile in bombs()
        if len(hostile.body) > 4096
    }
    assert len(costs) > 25
    assert max(costs.values()) < CALLS_PER_BYTE, costs


def batches(bodies: Iterator[Hostile], size: int) -> Iterator[list[Hostile]]:
    """So many at a time."""
    while batch := [*islice(bodies, size)]:
        yield batch


@pytest.mark.slow
async def test_p7_the_consumer_goes_on_and_buries_each_whole() -> None:
    """None is lost, none is a fault of ours, and the good body at the end of each batch counts."""
    ledger = MemoryLedger()
    world = World(shop(), ledger=ledger)
    worker = a_worker(world)
    expected: set[tuple[bytes, int]] = set()
    for batch in batches(iter([*mutations(1_500, seed=7), *islice(bombs(), 0, None, 12)]), 50):
        good = encode(a_health_event(id=f"good-{len(expected)}", observed_at=NOW.isoformat()))
        await worker.consume([*(Message(hostile.body) for hostile in batch), Message(good)])
        for hostile in batch:
            expected |= {(body[:MAX_KEPT], len(body)) for body in buried(hostile.body)}
        assert "BackgroundProcessor" in {key.node for key in (await world.record()).registers}
    letters = await ledger.dead_letters(100_000)
    assert {(letter.body, letter.size) for letter in letters} == expected
    assert not {letter.code for letter in letters} & {Code.FAULT, Code.PARKED}
    assert max(len(letter.body) for letter in letters) == MAX_KEPT
    assert all(MARK not in letter.reason for letter in letters)


def buried(body: bytes) -> list[bytes]:
    """What of a body becomes dead letters: the whole, or some items of a batch."""
    try:
        return [item.body for item in read(body, KNOWN).rejected]
    except Rejection:
        return [body]


def test_the_corpus_is_large_enough() -> None:
    """The mutations are of real bodies of every family: see `test_corpus`."""
    assert len(BODIES) >= 240
