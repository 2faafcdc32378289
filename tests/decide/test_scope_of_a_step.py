"""Is a drain held while the fault is not, or not for long enough, one stamp's own?"""

from dataclasses import replace

import pytest

from remediation.decide.case import Case, Guardrail
from remediation.decide.looks import LiveLook
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import StampRecord
from rules.signals import Health
from tests.builders import (
    STAMPS,
    a_finding,
    a_look,
    a_seen,
    a_signal,
    at,
    findings,
    registers,
)
from tests.decide.cases import (
    RED,
    ROOTS,
    a_case,
    a_charge,
    a_red_record,
    an_auto_workload,
    decided,
    drained,
    held_by,
    looked_at,
)


def test_only_the_fault_of_a_stamp_is_answered_by_a_drain() -> None:
    """P3: a global node is red, and the reason says so."""
    record = a_red_record(registers=registers([RED, *ROOTS, a_signal(None, "CosmosDB", Health.RED)]))
    assert held_by(a_case(record)) == {Guardrail.ONLY_A_STAMP_FAULT: "global: global node CosmosDB is red"}


def a_live_case(*failing: str, out: str = "") -> Case:
    """The drain of weu, of five stamps, by a look in which these fail."""
    names = (*STAMPS, "sea", "jpe")
    stamps = {name: StampRecord(seen=a_seen()) for name in names}
    stamps |= {out: StampRecord(adopted_at=at(-999), seen=a_seen())} if out else {}
    said = registers([RED, *(a_signal(name, "Stamp") for name in names)])
    looks = {name: a_look(name, failing=["Database"] if name in failing else []) for name in names}
    record = a_red_record(registers=said, stamps=stamps)
    return a_case(record, a_charge(workload=an_auto_workload(names)), live=LiveLook(looks))


@pytest.mark.parametrize(
    ("failing", "out", "reason"),
    [
        ([], "", None),
        (["neu"], "", None),
        (["neu", "eus"], "", "of 5 stamps in rotation, these fail now: eus, neu, weu"),
        (["neu"], "jpe", None),
        (["neu", "jpe"], "jpe", None),
        (["neu", "eus"], "jpe", "of 4 stamps in rotation, these fail now: eus, neu, weu"),
    ],
)
def test_most_stamps_failing_in_the_very_look_is_no_fault_of_one_stamp(
    failing: list[str], out: str, reason: str | None
) -> None:
    """P3: the target counts among them, whatever it answers; a stamp that is out does not."""
    assert held_by(a_live_case(*failing, out=out)).get(Guardrail.ONLY_A_STAMP_FAULT) == reason


def test_by_the_record_the_same_is_held_as_by_the_look() -> None:
    """P20: a look says more than roots do, such as MAINTENANCE: else what the look held is planned again."""
    case = a_live_case("neu", "eus")
    seen = {name: StampRecord(seen=case.seen(name)) for name in case.situation.workload.stamp_names}
    remembered = replace(case, live=None, record=replace(case.record, stamps=seen))
    held = Guardrail.ONLY_A_STAMP_FAULT
    assert held_by(remembered)[held] == held_by(case)[held]


def test_a_target_that_is_out_by_the_first_lever_counts_as_in_rotation() -> None:
    """P3: its users are still there, or no second lever would be asked for."""
    for failing, reason in (
        (["neu"], None),
        (["neu", "eus"], "of 5 stamps in rotation, these fail now: eus, neu, weu"),
    ):
        case = a_live_case(*failing)
        stamps = {**case.record.stamps, "weu": drained()}
        second = replace(
            case, step=replace(case.step, second=True), record=replace(case.record, stamps=stamps)
        )
        assert held_by(second).get(Guardrail.ONLY_A_STAMP_FAULT) == reason


def test_a_fault_settles_only_while_it_is_one_stamps_own() -> None:
    """P3: it counts since when it has been alone, and not since it began; before that nothing has stood."""
    for alone_since, reason in (
        (None, "settling: 0s of 1m"),
        (at(-59), "settling: 59s of 1m"),
        (at(-60), None),
    ):
        finding = a_finding(since=at(-3600), alone_since=alone_since)
        held = held_by(a_case(a_red_record(findings=findings(finding))))
        assert held.get(Guardrail.SETTLED) == reason


@pytest.mark.parametrize(
    ("stood", "reason"),
    [(0, "settling: 0s of 1m"), (59, "settling: 59s of 1m"), (-30, "settling: 0s of 1m"), (60, None)],
)
def test_a_finding_settles_first(stood: float, reason: str | None) -> None:
    """Transients and global faults show in that time; by a clock that runs ahead nothing has stood."""
    record = a_red_record(findings=findings(a_finding(since=at(-stood))))
    assert held_by(a_case(record)).get(Guardrail.SETTLED) == reason


NEU_RED = a_signal("neu", health=Health.RED, id="neu")


def alone_since(record: WorkloadRecord, stamp: str = "weu") -> object:
    """Since when the fault of a stamp has been its own, as the record keeps it."""
    return next(found.alone_since for found in record.findings.values() if found.stamp == stamp)


def test_a_finding_that_is_one_stamps_own_remembers_since_when() -> None:
    """It is kept as long as that is so, and by what comes later it is not moved."""
    first = decided(a_red_record(findings={}))
    assert alone_since(first) == at(0)
    assert alone_since(decided(first, *ROOTS, now=at(30))) == at(0)


def test_a_second_stamp_with_the_same_fault_sets_the_clock_back() -> None:
    """P3: even for a moment, and however long the first has stood: both begin to settle anew."""
    alone = a_red_record(registers=registers([RED, *ROOTS]), findings=findings(a_finding(since=at(-3600))))
    both = decided(alone, NEU_RED)
    assert (alone_since(both), alone_since(both, "neu")) == (None, None)
    again = decided(both, replace(NEU_RED, health=Health.GREEN, observed_at=at(30), id="well"), now=at(30))
    assert alone_since(again) == at(30)
    assert held_by(a_case(again, now=at(89)))[Guardrail.SETTLED] == "settling: 59s of 1m"
    assert Guardrail.SETTLED not in held_by(a_case(again, now=at(90)))


def test_a_stamp_that_is_out_already_does_not_set_the_clock_back() -> None:
    """Its traffic has been moved; a second fault, much later, is judged by itself."""
    drain = drained(at=at(-3600))
    faults = findings(a_finding(since=at(-3600)), a_finding(stamp="neu", since=at(-90)))
    said = registers([RED, NEU_RED, *ROOTS])
    after = decided(a_red_record(registers=said, findings=faults, stamps=looked_at(weu=drain)))
    assert alone_since(after, "neu") == at(-90)


def test_a_fault_with_a_global_cause_is_not_alone() -> None:
    """P3: while the database of all stamps is red, nothing settles; when it is green again, it begins."""
    database = a_signal(None, "CosmosDB", Health.RED, id="database")
    shared = decided(a_red_record(), database)
    assert alone_since(shared) is None
    mended = replace(database, health=Health.GREEN, observed_at=at(30), id="mended")
    assert alone_since(decided(shared, mended, now=at(30))) == at(30)
