"""Does whoever is woken see where the stamps differ?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.differs import MOST_CHARACTERS
from remediation.decide.plan import Charge
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import LeverState, StampRecord
from rules.rule import AskedOf, Playbook
from rules.signals import Health, Signal
from tests.builders import RULE, a_look, a_record, a_rule, a_seen, a_signal, registers
from tests.decide.cases import RED, ROOTS, a_charge, an_auto_workload, decided, looked_at
from tests.decide.outboxes import page

GLOBAL = f"shop/global/{RULE}"
PAGES = a_charge(a_rule(playbook=Playbook.PAGE))
NEU = a_signal("neu", health=Health.RED, id="neu")
FAILS = a_seen(serves=False, words="HealthService 503, failing: Database; state file in")
LABEL = "Differs by"


def differs(*words: Signal, charge: Charge = PAGES, **changes: Any) -> str:
    """The table of the page about these words; empty where there is none."""
    stamps = looked_at(weu=StampRecord(seen=FAILS))
    record: WorkloadRecord = a_record(**({"stamps": stamps} | changes))
    return page(decided(replace(record, registers=registers([*ROOTS, *words])), charge=charge)).get(LABEL, "")


def test_a_global_verdict_shows_every_stamp_by_path_and_check() -> None:
    """What was seen directly, its state file, and its root; in the order of the file."""
    assert differs(RED, NEU).splitlines() == [
        "weu: direct 503, failing: Database; state file in; root green",
        "neu: direct 200; root green",
        "eus: direct 200; root green",
    ]


def test_the_words_of_a_look_are_those_that_the_record_keeps() -> None:
    """Whatever a look says begins with the HealthService: the table names the path instead."""
    seen = a_look("weu", LeverState.OUT, ["Database"]).seen("BlobStorage")
    stamps = looked_at(weu=StampRecord(seen=seen))
    assert differs(RED, NEU, stamps=stamps).startswith("weu: direct 503, failing: BlobStorage, Database; ")


@pytest.mark.parametrize(
    ("reasons", "said"), [((), "red"), (("through Front Door: 503", "no origin"), "red (503; no origin)")]
)
def test_what_was_seen_through_front_door_stands_above_it(reasons: tuple[str, ...], said: str) -> None:
    """With its reasons and its time; only what the look through Front Door said itself."""
    word = a_signal(None, "FrontDoor", Health.RED, source="front-door", reasons=reasons)
    workload = replace(an_auto_workload(), front_door_url="https://shop.example/health/stamp")
    everywhere = a_charge(a_rule(playbook=Playbook.PAGE, asked_of=AskedOf.WORKLOAD), workload=workload)
    shown = differs(word, a_signal(None, health=Health.RED), charge=everywhere)
    assert shown.splitlines()[0] == f"through Front Door: {said}, at 03:00:00"
    assert len(shown.splitlines()) == 4
    other = replace(word, source="alert:origin")
    assert "Front Door" not in differs(other, a_signal(None, health=Health.RED), charge=everywhere)


def test_a_stamp_that_was_never_looked_at_says_so() -> None:
    """It is not left out: that it cannot be seen may be the difference."""
    assert differs(RED, NEU, stamps={}).splitlines()[0] == "weu: not looked at directly; root green"


def test_an_unknown_verdict_shows_it_too_and_a_stamps_own_fault_does_not() -> None:
    """A fault of one stamp differs by that stamp: the verdict says so already."""
    assert differs(RED) == ""
    blind = a_record(registers=registers([RED, ROOTS[0]]), stamps=looked_at())
    shown = page(decided(blind, charge=PAGES))
    assert shown["Scope"].startswith("unknown: ")
    assert "neu: direct 200; root unknown" in shown[LABEL]


@pytest.mark.parametrize("letters", [10, 17, 30, 300])
def test_the_table_is_bounded_and_says_how_many_are_left_out(letters: int) -> None:
    """P19: whole lines, at most a thousand characters."""
    names = [f"s{n:02}" for n in range(40)]
    charge = a_charge(a_rule(playbook=Playbook.PAGE), workload=an_auto_workload(names))
    seen = a_seen(words="HealthService " + "x" * letters)
    words = [a_signal(name, health=Health.RED, id=name) for name in names]
    shown = differs(*words, charge=charge, stamps={name: StampRecord(seen=seen) for name in names})
    lines = shown.splitlines()
    assert len(shown) <= MOST_CHARACTERS
    assert lines[-1] == f"and {40 - len(lines) + 1} more"
    assert len(shown) + len(f"s00: direct {'x' * letters}; root unknown") >= MOST_CHARACTERS - len(lines[-1])


def test_in_a_storm_only_the_first_messages_carry_the_table() -> None:
    """P19: it is the same in each, and the record must hold them all."""
    rules = [a_rule(f"rule-{n}", family=f"{n}", playbook=Playbook.PAGE) for n in range(30)]
    record = a_record(registers=registers([*ROOTS, RED, NEU]), stamps=looked_at())
    messages = decided(record, charge=a_charge(*rules)).outbox
    assert len(messages) == 60
    assert [LABEL in dict(message.facts) for message in messages] == [True] * 40 + [False] * 20
