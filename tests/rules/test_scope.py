"""Is it one stamp's own fault, or something that draining a stamp cannot mend?"""

from collections.abc import Iterable

import pytest

from rules.findings import Finding
from rules.health import facts
from rules.policy import Policy
from rules.reach import Scope
from rules.scope import ScopeVerdict, Situation, scope_of
from rules.signals import Health, Signal
from tests.builders import NOW, RULE, STAMPS, a_finding, a_signal, a_workload, at, registers

GREEN_ROOTS = tuple(a_signal(stamp, "Stamp") for stamp in STAMPS)


def a_situation(
    *found: Finding,
    said: Iterable[Signal] = GREEN_ROOTS,
    out: Iterable[str] = (),
    rules: Iterable[str] = (RULE,),
) -> Situation:
    """Three stamps with green roots, and these findings."""
    return Situation(a_workload(), facts(registers(said), NOW, Policy()), found, set(out), set(rules))


def roots(**healths: Health) -> list[Signal]:
    """Roots that are green but for these."""
    return [a_signal(stamp, "Stamp", healths.get(stamp, Health.GREEN)) for stamp in STAMPS]


def scope(finding: Finding, situation: Situation) -> ScopeVerdict:
    """The verdict, with the finding among those that stand."""
    return scope_of(finding, situation)


def test_a_fault_of_one_stamp_alone_is_that_stamps() -> None:
    """Only here does a drain help."""
    weu = a_finding()
    assert scope(weu, a_situation(weu)) == ScopeVerdict(Scope.STAMP, "only weu is affected")


def test_a_finding_about_the_workload_is_global() -> None:
    """P3: no stamp is to blame."""
    assert scope(a_finding(stamp=None), a_situation()).scope is Scope.GLOBAL


def test_a_red_global_node_makes_every_fault_global() -> None:
    """P3: the database that all stamps share is red; the verdict names it."""
    said = [*GREEN_ROOTS, a_signal(None, "CosmosDB", Health.RED), a_signal(None, "DNS", Health.YELLOW)]
    verdict = scope(a_finding(), a_situation(a_finding(), said=said))
    assert verdict == ScopeVerdict(Scope.GLOBAL, "global node CosmosDB is red")


@pytest.mark.parametrize("apart", [0, 60, 61, 86_400])
def test_the_same_fault_on_two_stamps_in_rotation_is_global(apart: float) -> None:
    """P3: whichever of the two came first, and however long after the other."""
    weu, neu = a_finding(), a_finding(stamp="neu", since=at(apart))
    situation = a_situation(weu, neu, rules=())
    assert scope(weu, situation).scope is Scope.GLOBAL
    assert scope(neu, situation).scope is Scope.GLOBAL


@pytest.mark.parametrize(
    ("apart", "expected"),
    [(-61, Scope.STAMP), (-60, Scope.GLOBAL), (0, Scope.GLOBAL), (60, Scope.GLOBAL), (61, Scope.STAMP)],
)
def test_a_stamp_that_is_out_counts_only_by_when_its_fault_began(apart: float, expected: Scope) -> None:
    """P3: its traffic has been moved already, so only a common beginning shows a common cause."""
    weu, neu = a_finding(), a_finding(stamp="neu", since=at(apart))
    assert scope(weu, a_situation(weu, neu, out=("neu",), rules=())).scope is expected


def test_of_several_other_stamps_each_counts_by_itself() -> None:
    """P3: the verdict names those that make the fault global, and no other."""
    weu, neu, eus = a_finding(), a_finding(stamp="neu", since=at(-999)), a_finding(stamp="eus")
    verdict = scope(weu, a_situation(weu, neu, eus, out=("neu",), rules=()))
    assert verdict == ScopeVerdict(Scope.GLOBAL, f"{RULE} on eus, weu")


def test_another_fault_at_the_same_time_is_not_the_same_fault() -> None:
    """Only findings of one family are compared, and only on different stamps."""
    weu = a_finding()
    others = (a_finding("dns", "neu"), a_finding("lag", family=RULE), a_finding(stamp=None))
    assert scope(weu, a_situation(weu, *others, rules=())).scope is Scope.STAMP


def test_rules_of_one_family_are_the_same_fault() -> None:
    """P3: two rules that describe one fault on two stamps make it global; the verdict names both."""
    weu, neu = a_finding(), a_finding("lag", "neu", family=RULE)
    assert scope(weu, a_situation(weu, neu, rules=())).reason == f"{RULE} on neu, weu"


@pytest.mark.parametrize(
    ("healths", "out", "expected"),
    [
        ({}, (), Scope.STAMP),
        ({"weu": Health.RED}, (), Scope.STAMP),
        ({"neu": Health.YELLOW, "eus": Health.YELLOW}, (), Scope.STAMP),
        ({"neu": Health.RED}, (), Scope.GLOBAL),
        ({"neu": Health.UNKNOWN}, (), Scope.UNKNOWN),
        ({"neu": Health.UNKNOWN, "eus": Health.UNKNOWN}, (), Scope.UNKNOWN),
        ({"neu": Health.RED}, ("neu",), Scope.STAMP),
        ({}, ("neu",), Scope.STAMP),
        ({}, ("neu", "eus"), Scope.UNKNOWN),
        ({}, STAMPS, Scope.STAMP),
    ],
)
def test_more_than_half_red_or_unknown_is_not_one_stamps_fault(
    healths: dict[str, Health], out: tuple[str, ...], expected: Scope
) -> None:
    """P3: of the stamps in rotation, and weu counts as red since a rule asks for its drain."""
    weu = a_finding()
    assert scope(weu, a_situation(weu, said=roots(**healths), out=out)).scope is expected


def test_the_verdict_on_most_stamps_carries_their_names() -> None:
    """Whoever is paged reads which are red and which cannot be seen."""
    weu = a_finding()
    verdict = scope(weu, a_situation(weu, said=roots(neu=Health.UNKNOWN)))
    assert verdict.reason == "of 3 stamps in rotation, red: weu; unknown: neu"


def test_only_rules_that_ask_for_a_drain_make_a_stamp_red() -> None:
    """A page about another stamp says nothing about whether that stamp serves."""
    weu, neu = a_finding(), a_finding("lag", "neu", since=at(-600))
    assert scope(weu, a_situation(weu, neu, rules=(RULE,))).scope is Scope.STAMP
    assert scope(weu, a_situation(weu, neu, rules=(RULE, "lag"))).scope is Scope.GLOBAL
    assert a_situation(weu, a_finding(stamp=None)).asked_to_drain == {"weu"}
