"""Does the whole decision keep its promises, whatever has happened before?"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediation.decide.plan import Arrival, Occasion, plan, situation_of
from remediation.ledger.codec import decode, encode
from remediation.ledger.record import Cause, WorkloadRecord, check_succession
from rules.policy import Mode
from rules.signals import Health
from tests.builders import (
    NODE,
    NOW,
    RULE,
    STAMPS,
    a_live_look,
    a_record,
    a_rule,
    a_signal,
    at,
    registers,
)
from tests.decide.cases import RED, ROOTS, a_charge, a_red_record, arrived, decided
from tests.decide.histories import CHARGES, RED_FOR_A_WHILE, histories, lived

NEVER = Occasion(Cause.TIMER)
drained_histories = histories.map(lambda some: RED_FOR_A_WHILE + some)
all_histories = histories | drained_histories

LETTERS = "abcdefgh"


def many_findings() -> bytes:
    """The bytes of a decision in which much begins and ends at once."""
    rules = [a_rule(f"rule-{letter}", family=letter) for letter in LETTERS]
    record = a_red_record(registers=registers([a_signal(stamp, health=Health.RED) for stamp in STAMPS]))
    begun = plan(record, a_charge(*rules), NEVER, NOW)
    assert begun is not None
    ended = plan(replace(begun, registers={}), a_charge(*rules), NEVER, at(60))
    assert ended is not None
    return encode(begun, "w") + encode(ended, "w")


@pytest.mark.slow
def test_every_worker_decides_the_same_bytes() -> None:
    """P16: nothing depends on the seed by which a process hashes its words."""
    seen = set()
    for seed in "012":
        script = "from tests.decide.test_plan import many_findings; print(many_findings())"
        run = subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(run.stdout)
    assert len(seen) == 1


@pytest.mark.slow
@settings(max_examples=60)
@given(all_histories)
def test_the_same_record_and_moment_give_the_same_bytes(history: Any) -> None:
    """P16: as it lies in memory, and as it comes out of the ledger."""
    for before, _, now in lived(history):
        stored, _ = decode(encode(before, "w"))
        assert stored == before
        occasion = Occasion(Cause.TIMER, live=a_live_look(look_at=now.now))
        first = plan(before, now.charge, occasion, now.now) or before
        again = plan(stored, now.charge, occasion, now.now) or stored
        assert encode(first, "w") == encode(again, "w")


@settings(max_examples=100)
@given(all_histories)
def test_every_record_may_follow_its_predecessor(history: Any) -> None:
    """P1, P4: no way of an intent is left out, none is lost, and at most one drain is in flight."""
    for before, after, _ in lived(history):
        if after is not None:
            check_succession(before, after)


@settings(max_examples=100)
@given(all_histories, st.integers(0, len(CHARGES) - 1))
def test_without_news_planning_comes_to_rest(history: Any, configured: int) -> None:
    """P20: within five rounds of the same moment, whatever became of rules and stamps in between."""
    *_, (_, _, last) = lived([*history, ("configure", configured)])
    for _ in range(5):
        if last.decides(Occasion(Cause.TIMER)) is None:
            return
    raise AssertionError(last.record)


@settings(max_examples=100)
@given(all_histories)
def test_every_signal_is_in_a_journalled_decision(history: Any) -> None:
    """P6: whether it was folded or set aside; a replay of the same batch is no longer news."""
    for _, after, now in lived([event for event in history if event[0] != "configure"]):
        if after is None or not after.journal or after.journal[-1].cause is not Cause.SIGNALS:
            continue
        said = after.journal[-1].signals
        assert all(any(str(n) in e.signals for e in after.journal) for n in range(1, now.said + 1))
        assert len(said) == len(set(said))


@settings(max_examples=100)
@given(all_histories)
def test_no_stamp_is_out_by_our_hand_in_secret(history: Any) -> None:
    """P14: as soon as a decision was made in which the worker may speak, an incident is open about it."""
    for _, after, now in lived(history):
        if after is None or after.journal[-1:] == () or now.charge.workload.mode is Mode.OBSERVE:
            continue
        settled = plan(after, now.charge, NEVER, now.now) or after
        for name, stamp in settled.stamps.items():
            if stamp.drain is not None:
                assert f"shop/{name}/{stamp.drain.family}" in settled.incidents


@settings(max_examples=100)
@given(all_histories)
def test_whoever_was_woken_is_told_of_the_end(history: Any) -> None:
    """P8: every page whose incident is no longer open is followed by its resolve, and by nothing else."""
    paging: dict[str, str] = {}
    for before, after, _ in lived(history):
        if after is None:
            continue
        known = {message.id for message in before.outbox}
        for message in after.outbox:
            if message.channel == "page" and message.id not in known:
                paging[message.incident] = str(message.kind)
        for key, kind in paging.items():
            open_page = key in after.incidents and after.incidents[key].pages
            assert (kind == "trigger") == open_page


@given(st.permutations([RED, *ROOTS, a_signal("neu", health=Health.RED, id="neu")]))
def test_the_order_of_arrival_changes_no_decision(signals: Any) -> None:
    """P15: the same findings, incidents, holds and messages; only the journal names them as they came."""
    sorted_ones = sorted(signals, key=lambda signal: signal.id)
    one, other = decided(a_record(), *signals), decided(a_record(), *sorted_ones)
    assert replace(one, journal=()) == replace(other, journal=())


def test_a_replay_changes_nothing() -> None:
    """P6, P15: the same batch again is no decision at all."""
    batch = [RED, *ROOTS]
    first = decided(a_record(), *batch)
    assert set(first.journal[-1].signals) == {signal.id for signal in batch}
    assert plan(first, a_charge(), Occasion(Cause.SIGNALS, arrived(*batch, *batch)), NOW) is None


def test_a_late_older_word_is_journalled_and_changes_no_register() -> None:
    """P6: it is considered, though a newer one is known."""
    first = decided(a_record(), RED)
    late = a_signal(observed_at=at(-60), id="late")
    after = decided(first, late)
    assert after.registers == first.registers
    assert after.journal[-1].signals == ("late",)


@pytest.mark.parametrize(
    ("seen_at", "why"), [(301, "its time lies in the future"), (-86_400, "it is too old")]
)
def test_signals_from_the_future_or_too_old_are_set_aside(seen_at: float, why: str) -> None:
    """P6: they touch no register, and the journal names them with the reason and their time as it came."""
    odd = a_signal(health=Health.RED, observed_at=at(seen_at), id="odd")
    record = a_record()
    after = plan(record, a_charge(), Occasion(Cause.SIGNALS, [Arrival(odd, NOW)]), NOW)
    assert after is not None
    assert (after.registers, after.findings) == ({}, {})
    assert after.journal[-1].signals == ("odd",)
    assert after.journal[-1].events == (f"signal odd set aside: {why} ({odd.observed_at.isoformat()})",)


def test_the_latest_and_the_oldest_that_count_are_taken_in() -> None:
    """Clocks may differ by five minutes, and a signal may be a day old but for a moment."""
    ahead, old = a_signal(observed_at=at(300), id="a"), a_signal("neu", observed_at=at(-86_399), id="b")
    occasion = Occasion(Cause.SIGNALS, [Arrival(ahead, NOW), Arrival(old, NOW)])
    after = plan(a_record(), a_charge(), occasion, NOW)
    assert after is not None
    assert set(after.registers.values()) == {ahead, old}


def test_bad_news_that_nobody_repeats_is_forgotten_after_a_week() -> None:
    """P19: with its findings; the journal says that they ended."""
    first = decided(a_record(), RED)
    assert decided(first, now=at(604_799)).findings == first.findings
    after = decided(first, now=at(604_800))
    assert (after.registers, after.findings) == ({}, {})
    assert f"{RULE} no longer holds for weu" in after.journal[-1].events


def test_the_journal_says_what_began_and_what_ended() -> None:
    """For a stamp, and for the workload as a whole, each with the words of its verdict."""
    begun = decided(a_record(), RED)
    assert begun.journal[-1].events[0].startswith(f"{RULE} holds for weu: {NODE} is red")
    assert begun.journal[-1].verdicts[0][:3] == (RULE, "weu", "holds")


def test_the_situation_is_what_the_record_says() -> None:
    """Without judging the rules again."""
    record: WorkloadRecord = a_red_record()
    situation = situation_of(record, CHARGES[0], NOW)
    assert situation.findings == tuple(record.findings.values())
    assert situation.draining_rules == {"reads", "lags"}
    assert (situation.out, situation.root("weu")) == (set(), Health.GREEN)
