"""Can anything that gets worse set a rejoin free? Whatever holds one must go on holding (P12)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.decide.case import Case, Guardrail
from remediation.decide.guardrails import holds
from remediation.ledger.intent import Verb
from remediation.ledger.orders import HoldSwitch
from rules.policy import Mode
from rules.signals import Health
from rules.topology import Window
from tests.builders import (
    a_finding,
    a_rule,
    a_seen,
    a_signal,
    a_workload,
    an_intent,
    at,
    findings,
    refused,
    registers,
)
from tests.decide.cases import GREEN, ROOTS, a_case, a_charge, a_recovered_record, drained, held_by, looked_at

OUT = drained(recovering_since=at(-600)).seen
RED_AGAIN = replace(GREEN, health=Health.RED, observed_at=at(-1))

WORSE: dict[str, tuple[Guardrail, dict[str, Any]]] = {
    "its cause is red again": (Guardrail.PROVEN_HEALTHY, {"green": RED_AGAIN}),
    "its cause is green no more": (Guardrail.PROVEN_HEALTHY, {"green": replace(GREEN, observed_at=at(-999))}),
    "a rule wants it out": (Guardrail.PROVEN_HEALTHY, {"findings": findings(a_finding(since=at(-9)))}),
    "another check fails": (
        Guardrail.PROVEN_HEALTHY,
        {"seen": replace(OUT or a_seen(), others_healthy=False, failing=("Database",))},
    ),
    "telemetry is blind": (Guardrail.FRESH_SIGNALS, {"said": [a_signal(None, "AzureTelemetry", Health.RED)]}),
    "a person drained it": (Guardrail.OTHERS_HANDS, {"drain": {"author": "ada"}}),
    "it relapsed": (Guardrail.PROBATION, {"drain": {"stays_out": True}}),
    "it comes and goes": (Guardrail.FLAPPING, {"turns": tuple(at(-each) for each in (9, 8, 7, 6))}),
    "its lever said no": (Guardrail.LEVER_WORKS, {"refusals": refused(at(-1), "403")}),
    "work is planned": (Guardrail.MAINTENANCE, {"windows": (Window(at(-1), at(1), "new nodes", "weu"),)}),
    "a person says hold": (Guardrail.HOLD_SWITCH, {"hold": HoldSwitch("ada", "wait")}),
    "a marker says hold": (Guardrail.HOLD_SWITCH, {"marker": HoldSwitch("marker", "wait")}),
    "it may only watch": (Guardrail.MODE, {"mode": Mode.OBSERVE}),
    "it must ask": (Guardrail.MODE, {"mode": Mode.APPROVE}),
    "another step goes on": (Guardrail.ONE_AT_A_TIME, {"intents": [an_intent(Verb.REJOIN, "neu")]}),
    "nobody has looked": (Guardrail.LOOKED_AT, {"seen": None}),
}
"""What may be wrong with the return of weu, one thing at a time, and the guardrail that says so."""


def case(names: frozenset[str]) -> Case:
    """The rejoin of weu, with these things wrong with it."""
    world: dict[str, Any] = {"green": GREEN, "said": [], "drain": {}, "seen": OUT, "mode": Mode.AUTO}
    for name in sorted(names):
        world |= WORSE[name][1]
    weu = replace(
        drained(recovering_since=at(-600), **world["drain"]),
        seen=world["seen"],
        turns=world.get("turns", ()),
        refusals=world.get("refusals", {}),
    )
    record = a_recovered_record(
        registers=registers([world["green"], *ROOTS, *world["said"]]),
        findings=world.get("findings", {}),
        stamps=looked_at(weu=weu),
        hold=world.get("hold"),
        intents={intent.id: intent for intent in world.get("intents", ())},
    )
    workload = replace(a_workload(mode=world["mode"]), maintenance=world.get("windows", ()))
    made = a_case(record, a_charge(a_rule(), workload=workload), verb=Verb.REJOIN)
    return replace(made, marker=world.get("marker"))


def test_a_rejoin_that_nothing_speaks_against_is_made() -> None:
    """Else nothing would be shown by what follows."""
    assert held_by(case(frozenset())) == {}


@pytest.mark.parametrize("name", WORSE)
def test_each_thing_alone_holds_a_rejoin(name: str) -> None:
    """P12: and it says itself why."""
    assert WORSE[name][0] in held_by(case(frozenset([name])))


@given(st.frozensets(st.sampled_from(sorted(WORSE)), max_size=5), st.sampled_from(sorted(WORSE)))
def test_nothing_that_gets_worse_frees_a_rejoin(wrong: frozenset[str], also: str) -> None:
    """P12: no two wrongs make a right."""
    assert holds(case(wrong | {also}))
    assert bool(holds(case(wrong))) is bool(wrong)
