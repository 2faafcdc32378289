"""Has a stamp that we drained recovered, by positive proof?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.plan import situation_of
from remediation.decide.proof import Proof, proof_of_recovery
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import LeverState, StampRecord
from rules.signals import AlertState, Health, Signal
from tests.builders import NOW, a_finding, a_seen, a_signal, an_alert, at, findings, registers
from tests.decide.cases import GREEN, RED, ROOTS, a_charge, a_drain, a_recovered_record, looked_at


def proof(record: WorkloadRecord, **drain: Any) -> Proof:
    """The proof for weu."""
    return proof_of_recovery("weu", a_drain(**drain), record, situation_of(record, a_charge(), NOW), NOW)


def saying(*signals: Signal) -> WorkloadRecord:
    """Weu, drained, with these words about it."""
    return a_recovered_record(registers=registers([*signals, *ROOTS]))


def test_the_cause_taken_back_and_all_else_well_is_proof() -> None:
    """P12: the reason names who took it back."""
    assert proof(saying(GREEN)) == Proof(
        proven=True, reason="/health-models/shop took it back; every other check is healthy"
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ((), "/health-models/shop has fallen silent"),
        ((RED,), "/health-models/shop says red"),
        ((a_signal(health=Health.YELLOW),), "/health-models/shop says yellow"),
        ((a_signal(health=Health.UNKNOWN),), "/health-models/shop says unknown"),
        ((a_signal(source="another"),), "/health-models/shop has fallen silent"),
        (
            (a_signal(observed_at=at(-301)),),
            "/health-models/shop said green 5m 1s ago and nothing since",
        ),
    ],
)
def test_nothing_less_than_a_fresh_green_of_its_own_source_is_proof(
    said: tuple[Signal, ...], reason: str
) -> None:
    """P12: silence, a better colour, an old green and another source's green prove nothing."""
    assert proof(saying(*said)) == Proof(proven=False, reason=reason)
    assert proof(saying(a_signal(observed_at=at(-300)))).proven


def test_every_source_must_take_it_back() -> None:
    """P12: each of those who ever raised the finding, and all that are wanting are named."""
    keys = (RED.key, an_alert("Lag").key)
    resolved = an_alert("Lag", AlertState.RESOLVED, observed_at=at(-3600))
    assert proof(saying(GREEN, resolved), evidence=keys).proven
    assert proof(saying(GREEN, an_alert("Lag")), evidence=keys).reason == "alert:Lag says fired"
    assert proof(saying(RED), evidence=keys).reason == (
        "/health-models/shop says red; alert:Lag has fallen silent"
    )


def test_no_proof_while_a_rule_still_asks_for_the_drain() -> None:
    """P12: another finding than the one it was drained for keeps it out as well."""
    record = replace(saying(GREEN), findings=findings(a_finding()))
    assert proof(record).reason == "a rule still asks for the drain"


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        (StampRecord(a_drain()), "nobody has looked at it yet"),
        (
            StampRecord(a_drain(), seen=a_seen(LeverState.OUT, others_healthy=False, words="503, Database")),
            "503, Database",
        ),
    ],
)
def test_no_proof_without_a_look_at_every_other_check(stamp: StampRecord, reason: str) -> None:
    """P12: the words of the look say what fails."""
    record = replace(saying(GREEN), stamps=looked_at(weu=stamp))
    assert proof(record) == Proof(proven=False, reason=reason)
