"""What becomes of our own looks: which of them are words worth writing down?"""

from dataclasses import replace

import pytest

from remediation.decide.looks import HEALTHSERVICE, LiveLook, StampLook
from remediation.decide.plan import Occasion, plan
from remediation.ledger.intent import IntentState, Verb
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.stamp import LeverState
from rules.signals import RegisterKey
from tests.builders import STAMPS, a_live_look, a_look, a_record, a_signal, an_intent, at
from tests.decide.cases import (
    GREEN,
    a_charge,
    a_recovered_record,
    an_auto_workload,
    decided,
    drained,
    looked_at,
)
from tests.rules.test_bounds import a_flood


def looked(record: WorkloadRecord, *looks: StampLook, seconds: float) -> WorkloadRecord | None:
    """What a look at all stamps, so much later, makes of the record; None if it changes nothing."""
    live = a_live_look(*looks, look_at=at(seconds))
    return plan(record, a_charge(), Occasion(Cause.TIMER, live=live), at(seconds))


def root(record: WorkloadRecord, stamp: str = "weu") -> tuple[str, tuple[str, ...]] | None:
    """What our own looks are known to say of a stamp's root, and why."""
    known = record.registers.get(RegisterKey(stamp, "Stamp", HEALTHSERVICE))
    return (known.says, known.reasons) if known else None


def test_the_first_look_is_known_by_what_it_says() -> None:
    """P6: each stamp's root is green by our own word, and the journal names these words."""
    first = decided(a_record(), live=a_live_look())
    assert {stamp: root(first, stamp) for stamp in STAMPS} == dict.fromkeys(STAMPS, ("green", ()))
    assert set(first.journal[-1].signals) == {signal.id for signal in first.registers.values()}


def test_a_look_that_shows_the_same_again_is_not_written() -> None:
    """P20: until the last word is half as old as it is good for; then it is refreshed, and no news."""
    first = decided(a_record(), live=a_live_look())
    assert [looked(first, seconds=later) for later in (0, 30, 60, 149)] == [None] * 4
    refreshed = looked(first, seconds=150)
    assert refreshed is not None
    assert {signal.observed_at for signal in refreshed.registers.values()} == {at(150)}
    assert refreshed.journal == first.journal
    assert looked(refreshed, seconds=180) is None


def test_each_stamp_is_refreshed_by_itself() -> None:
    """P20: a word that is new for one stamp is no reason to repeat those of the others."""
    first = decided(a_record(), live=a_live_look())
    after = looked(first, a_look("neu", failing=["Database"], look_at=at(30)), seconds=30)
    assert after is not None
    assert {stamp: after.registers[key].observed_at for stamp in STAMPS if (key := key_of(stamp))} == {
        "weu": at(0),
        "neu": at(30),
        "eus": at(0),
    }


def key_of(stamp: str) -> RegisterKey:
    """Where our own word about that stamp's root is kept."""
    return RegisterKey(stamp, "Stamp", HEALTHSERVICE)


def test_what_a_look_says_anew_is_written_at_once() -> None:
    """P6: another health is journalled; another reason is kept."""
    first = decided(a_record(), live=a_live_look())
    failing = a_look(failing=["Database"], look_at=at(1))
    red = looked(first, failing, seconds=1)
    assert red is not None
    assert root(red) == ("red", ("Database is not healthy",))
    assert red.journal[-1].signals == (f"healthservice/shop/weu/{at(1).isoformat()}",)
    both = looked(red, a_look(failing=["Database", "Queue"], look_at=at(2)), seconds=2)
    assert both is not None
    assert root(both) == ("red", ("Database is not healthy", "Queue is not healthy"))
    assert both.journal == red.journal


@pytest.mark.parametrize("seconds", [-1, 0])
def test_a_look_by_a_clock_that_lies_behind_changes_nothing(seconds: float) -> None:
    """P20: two workers whose clocks differ see different things, and the later word stays."""
    red = decided(a_record(), live=a_live_look(a_look(failing=["Database"])))
    settled = looked(red, seconds=seconds) or red
    assert root(settled) == root(red)
    assert looked(settled, seconds=seconds) is None


def test_a_stamp_on_its_way_back_is_not_judged_by_its_looks() -> None:
    """P12: its HealthService may still speak of the drain, or of a stamp that has no traffic yet."""
    rejoin = an_intent(Verb.REJOIN, state=IntentState.APPLIED, applied_at=at(0))
    record = a_recovered_record(intents={rejoin.id: rejoin})
    late = a_look(failing=["BlobStorage"])
    assert late.lever.state is LeverState.IN
    after = decided(record, live=a_live_look(late))
    assert root(after) is None
    assert root(after, "neu") == ("green", ())
    ended = replace(record, intents={rejoin.id: rejoin.to(IntentState.VERIFIED)})
    word = root(decided(ended, live=a_live_look(late)))
    assert word is not None
    assert word[0] == "red"


def test_a_drain_on_its_way_is_judged_by_its_looks() -> None:
    """What else fails there counts from the first look on."""
    drain = an_intent(state=IntentState.APPLIED, applied_at=at(0))
    record = a_recovered_record(stamps=looked_at(weu=drained(at=at(0))), intents={drain.id: drain})
    after = decided(record, live=a_live_look(a_look(lever=LeverState.OUT, failing=["Database"])))
    assert root(after) == ("red", ("Database is not healthy",))


def test_nothing_is_said_of_a_stamp_that_was_not_looked_at() -> None:
    """A look that skips a stamp is no word about it."""
    live = LiveLook({"neu": a_look("neu")})
    assert list(decided(a_record(), live=live).registers) == [key_of("neu")]


def test_a_flood_of_alerts_sheds_neither_a_root_nor_what_a_drain_waits_for() -> None:
    """P2, P12, P19: by the workload's own name for its roots, and by what its drains rest on."""
    charge = a_charge(workload=replace(an_auto_workload(), root_node="Root"))
    mended = replace(GREEN, observed_at=at(-3600))
    known_root = a_signal("neu", "Root", observed_at=at(-3600), id="root")
    other = a_signal("neu", "Cache", observed_at=at(-3600), id="cache")
    after = decided(
        a_recovered_record(registers={}), mended, known_root, other, *a_flood(), charge=charge, now=at(600)
    )
    assert {mended.key, known_root.key} <= after.registers.keys()
    assert other.key not in after.registers
