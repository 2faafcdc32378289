"""Is it one stamp's own fault, or something that draining a stamp cannot mend?"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from rules.findings import Finding
from rules.health import facts
from rules.policy import Policy
from rules.reach import Scope
from rules.rule import Rule
from rules.scope import ScopeVerdict, Situation, scope_of
from rules.signals import Health, Signal
from tests.builders import NOW, RULE, STAMPS, a_finding, a_rule, a_signal, a_workload, at, registers

GREEN_ROOTS = tuple(a_signal(stamp, "Stamp") for stamp in STAMPS)


def a_situation(
    *found: Finding,
    said: Iterable[Signal] = GREEN_ROOTS,
    out: Iterable[str] = (),
    rules: Iterable[str] = (RULE,),
    known: Iterable[Rule] = (),
) -> Situation:
    """Three stamps with green roots, and these findings."""
    by_name = {rule.name: rule for rule in known}
    return Situation(
        a_workload(), facts(registers(said), NOW, Policy()), found, set(out), set(rules), by_name
    )


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


@pytest.mark.parametrize(
    ("red", "expected", "reason"),
    [
        (["FrontDoor"], Scope.EDGE, "global node FrontDoor is red"),
        (["AzureEdge", "FrontDoor"], Scope.EDGE, "global node AzureEdge, FrontDoor is red"),
        (["FrontDoor", "CosmosDB"], Scope.GLOBAL, "global node CosmosDB, FrontDoor is red"),
        (["AzureTelemetry"], Scope.UNKNOWN, "telemetry is blind: AzureTelemetry is red"),
        (["AzureTelemetry", "AzureDNS"], Scope.GLOBAL, "global node AzureDNS is red"),
        (["AzureTelemetry", "FrontDoor"], Scope.EDGE, "global node FrontDoor is red"),
        (["AzureControlPlane"], Scope.GLOBAL, "global node AzureControlPlane is red"),
    ],
)
def test_which_global_node_is_red_tells_how_far_it_reaches(
    red: list[str], expected: Scope, reason: str
) -> None:
    """P3: before the stamps, in all of them, or nobody knows: what is blind says least."""
    said = [*GREEN_ROOTS, *(a_signal(None, node, Health.RED) for node in red)]
    verdict = scope(a_finding(), a_situation(a_finding(), said=said))
    assert verdict == ScopeVerdict(expected, reason)


@pytest.mark.parametrize("node", ["AzureControlPlane", "AzureRegistry", "AzureTelemetry", "FrontDoor"])
def test_a_yellow_global_node_makes_nothing_global(node: str) -> None:
    """I3: what only manages may fail, and the fault of a stamp is still its own."""
    said = [*GREEN_ROOTS, a_signal(None, node, Health.YELLOW)]
    assert scope(a_finding(), a_situation(a_finding(), said=said)).scope is Scope.STAMP


@pytest.mark.parametrize(("stamp", "expected"), [("weu", Scope.UNKNOWN), ("neu", Scope.STAMP)])
def test_where_the_telemetry_of_a_region_is_blind_its_stamp_cannot_be_judged(
    stamp: str, expected: Scope
) -> None:
    """I1: of that stamp, and of no other."""
    said = [*GREEN_ROOTS, a_signal(stamp, "AzureTelemetry", Health.RED)]
    situation = a_situation(a_finding(), said=said)
    assert scope(a_finding(), situation).scope is expected
    assert (situation.blind_at("weu"), situation.blind_at("neu")) == (stamp == "weu", stamp == "neu")


HELD_BY = {each: a_rule(str(each), scope=each, summary=f"It is {each}.") for each in Scope}


@pytest.mark.parametrize("said", Scope)
@pytest.mark.parametrize("stamp", [None, "weu"])
def test_a_rule_that_holds_says_how_far_all_faults_of_its_stamp_reach(stamp: str | None, said: Scope) -> None:
    """P3: asked of the workload, of every stamp. That it were a stamp's own, or nothing, opens nothing."""
    weu, other = a_finding(), a_finding(str(said), stamp)
    verdict = scope(weu, a_situation(weu, other, known=HELD_BY.values()))
    if said in (Scope.NONE, Scope.STAMP):
        assert verdict == ScopeVerdict(Scope.STAMP, "only weu is affected")
    else:
        assert verdict == ScopeVerdict(said, f"by rule {said}: It is {said}.")


def test_what_a_rule_says_of_another_stamp_says_nothing_of_this_one() -> None:
    """Only what is asked of the workload speaks for all."""
    weu, neu = a_finding(), a_finding("partial", "neu")
    assert scope(weu, a_situation(weu, neu, known=HELD_BY.values())).scope is Scope.STAMP


def test_of_several_rules_the_one_that_says_most_is_heard() -> None:
    """In whatever order they hold, and of a stamp or of all."""
    weu = a_finding()
    some = [a_finding("partial"), a_finding("unknown"), a_finding("edge", None), a_finding("partial", None)]
    for others in (some, some[::-1]):
        situation = a_situation(weu, *others, known=HELD_BY.values())
        assert scope(weu, situation).scope is Scope.EDGE
        assert situation.declared["weu"].scope is Scope.UNKNOWN


def test_what_is_seen_goes_before_what_a_rule_says() -> None:
    """P3: a red global node, or the same fault elsewhere, is more than partial."""
    weu, neu, partial = a_finding(), a_finding(stamp="neu"), a_finding("partial")
    known = HELD_BY.values()
    said = [*GREEN_ROOTS, a_signal(None, "CosmosDB", Health.RED)]
    assert scope(weu, a_situation(weu, partial, said=said, known=known)).scope is Scope.GLOBAL
    assert scope(weu, a_situation(weu, neu, partial, known=known)).scope is Scope.GLOBAL


def test_a_rule_says_it_of_its_own_finding_too() -> None:
    """That nothing is broken for users is said of nobody else's."""
    nothing, weu = a_finding("none"), a_finding()
    situation = a_situation(weu, nothing, known=HELD_BY.values())
    assert scope(nothing, situation) == ScopeVerdict(Scope.NONE, "by rule none: It is none.")
    assert scope(weu, situation).scope is Scope.STAMP


@pytest.mark.parametrize("said", Scope)
def test_a_finding_about_the_workload_reaches_as_far_as_its_rule_says(said: Scope) -> None:
    """Only that it were one stamp's own is not believed: it names none."""
    verdict = scope(a_finding(str(said), None), a_situation(known=HELD_BY.values()))
    assert verdict.scope is (Scope.GLOBAL if said is Scope.STAMP else said)


def test_the_stamps_that_can_take_no_more_load_are_named_with_their_reason() -> None:
    """By rules that say so and hold; the words do not depend on the order."""
    full = a_rule("full", no_headroom=True, summary="No room.")
    quota = a_rule("quota", no_headroom=True, summary="A quota.")
    found = [a_finding("full"), a_finding("quota"), a_finding("full", None), a_finding(stamp="neu")]
    for order in (found, found[::-1]):
        situation = a_situation(*order, known=[full, quota, a_rule()])
        assert situation.full == {"weu": "A quota.", None: "No room."}


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


@pytest.mark.parametrize(
    ("deaf", "red", "expected"),
    [
        (["weu", "neu"], ["weu", "neu"], Scope.UNKNOWN),
        (["weu", "neu", "eus"], ["weu", "neu", "eus"], Scope.UNKNOWN),
        (["weu"], ["weu"], Scope.STAMP),
        (["weu"], ["weu", "neu"], Scope.GLOBAL),
        (["neu", "eus"], ["weu"], Scope.STAMP),
    ],
)
def test_where_every_red_stamp_is_red_by_its_look_at_the_model_alone_nothing_is_known(
    deaf: list[str], red: list[str], expected: Scope
) -> None:
    """I1: the query may fail and every HealthService with it; of one stamp alone it is a word like any."""
    found = [a_finding(stamp=stamp) for stamp in red]
    situation = replace(
        a_situation(*found, said=roots(**dict.fromkeys(red, Health.RED))), deaf=frozenset(deaf)
    )
    assert scope(found[0], situation).scope is expected
