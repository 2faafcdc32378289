"""What holds a restart of a deployment, or a step that another system is asked for?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.case import Case, Guardrail, Step
from remediation.ledger.intent import Intent, IntentState, Verb
from remediation.ledger.record import DrainMade, WorkloadRecord
from remediation.ledger.stamp import StampRecord
from rules.conditions import AlertFires
from rules.policy import Mode
from rules.rule import AskedOf, Playbook
from rules.signals import Health
from rules.topology import Deployment, Endpoint, Window
from tests.builders import (
    a_finding,
    a_rule,
    a_seen,
    a_signal,
    a_workload,
    an_alert,
    an_intent,
    at,
    findings,
    registers,
)
from tests.decide.cases import RED, ROOTS, a_case, a_charge, a_red_record, held_by, looked_at, passing

WORKLOAD = replace(
    a_workload(mode=Mode.AUTO),
    deployments=(
        Deployment("https://weu.example", "work", "processor", name="processor", stamp="weu"),
        Deployment("https://neu.example", "work", "processor", name="processor", stamp="neu"),
        Deployment("https://weu.example", "work", "catalogue", name="catalogue", stamp="weu"),
    ),
    webhooks=(Endpoint("https://ops.example/steps", name="ops"),),
)
TARGETS = {Verb.RESTART: "processor", Verb.WEBHOOK: "ops"}
BOTH = pytest.mark.parametrize("verb", [Verb.RESTART, Verb.WEBHOOK])


def a_step(verb: Verb, record: WorkloadRecord | None = None, **changes: Any) -> Case:
    """The step that a rule asks for because the processor of weu is red; nothing stands against it."""
    target = changes.pop("target", TARGETS[verb])
    workload = replace(WORKLOAD, **changes)
    rule = a_rule(playbook=Playbook(verb), target=target)
    case = a_case(record or a_red_record(), a_charge(rule, workload=workload))
    return replace(case, step=Step(verb, "weu", rule, target=target))


def with_intents(*intents: Intent, **changes: Any) -> WorkloadRecord:
    """The record with these steps in it."""
    return a_red_record(intents={each.id: each for each in intents}, **changes)


def done(verb: Verb, ago: float, stamp: str = "weu", **changes: Any) -> Intent:
    """A step of that verb that was taken so many seconds ago, and verified."""
    when = at(-ago)
    told: dict[str, Any] = {
        "id": f"{verb}/{stamp}/{ago}",
        "target": TARGETS[verb],
        "attempts": 1,
        "state": IntentState.VERIFIED,
        "planned_at": when,
        "applied_at": when,
    }
    return an_intent(verb, stamp, **(told | changes))


@BOTH
def test_nothing_stands_against_a_plain_step(verb: Verb) -> None:
    """The case from which the others differ in one thing."""
    assert held_by(a_step(verb)) == {}


@BOTH
def test_a_step_waits_for_its_mode_and_its_finding(verb: Verb) -> None:
    """P17: as a drain does; that a fault reaches further makes no restart worse."""
    assert set(held_by(a_step(verb, mode=Mode.OBSERVE))) == {Guardrail.MODE}
    assert set(held_by(a_step(verb, a_red_record(findings={})))) == {Guardrail.STILL_WANTED}
    both = a_red_record(findings=findings(a_finding(since=at(-60), alone_since=None), a_finding(stamp="neu")))
    assert held_by(a_step(verb, both)) == {}
    young = a_red_record(findings=findings(a_finding(since=at(-59))))
    assert held_by(a_step(verb, young)) == {Guardrail.SETTLED: "settling: 59s of 1m"}


@BOTH
def test_a_step_rests_on_fresh_signals(verb: Verb) -> None:
    """What is old may not cause anything."""
    stale = a_red_record(registers=registers([replace(RED, observed_at=at(-301)), *ROOTS]))
    assert set(held_by(a_step(verb, stale))) == {Guardrail.FRESH_SIGNALS}


@BOTH
def test_a_stamp_that_people_work_on_is_left_alone(verb: Verb) -> None:
    """P12: by its state file or by a window."""
    seen = looked_at(weu=StampRecord(seen=a_seen(maintenance=True)))
    assert set(held_by(a_step(verb, a_red_record(stamps=seen)))) == {Guardrail.MAINTENANCE}
    window = Window(at(-1), at(1), "new nodes", "weu")
    assert set(held_by(a_step(verb, maintenance=(window,)))) == {Guardrail.MAINTENANCE}


@pytest.mark.parametrize("target", ["catalog", "ops", "", None])
def test_only_a_deployment_of_that_stamp_is_restarted(target: str | None) -> None:
    """A name that is not in the workload file is an error."""
    held = held_by(a_step(Verb.RESTART, target=target))
    name = target or "what is not named"
    assert held == {Guardrail.EMPTY_TARGET: f"{name} is no deployment of weu"}
    elsewhere = a_step(Verb.RESTART)
    eus = replace(elsewhere, step=replace(elsewhere.step, stamp="eus"))
    assert Guardrail.EMPTY_TARGET in held_by(eus)


@BOTH
def test_a_step_waits_for_whatever_moves_traffic(verb: Verb) -> None:
    """P1: while a drain or rejoin is in flight anywhere, nothing else is touched."""
    for moving in (Verb.DRAIN, Verb.REJOIN):
        held = held_by(a_step(verb, with_intents(an_intent(moving, "neu"))))
        assert held == {
            Guardrail.ONE_AT_A_TIME: f"{moving} of neu is planned",
            Guardrail.BLAST_RADIUS: f"{moving} of neu is in flight: traffic is on its way elsewhere",
        }
    other = an_intent(Verb.WEBHOOK, "", target="ops")
    assert held_by(a_step(verb, with_intents(other))) == {
        Guardrail.ONE_AT_A_TIME: "webhook of ops is planned"
    }


@BOTH
@pytest.mark.parametrize(("ago", "waits"), [(0, "0s"), (1799, "29m 59s"), (1800, None)])
def test_the_same_step_is_not_repeated_within_the_cooldown(verb: Verb, ago: float, waits: str | None) -> None:
    """Had it helped, nobody would ask again; another target is another step."""
    held = held_by(a_step(verb, with_intents(done(verb, 9000), done(verb, ago)))).get(Guardrail.COOLDOWN)
    assert held == (f"the last {verb} of {TARGETS[verb]} was {waits} of 30m ago" if waits else None)
    for other in (
        done(verb, ago, target="another"),
        done(verb, ago, "neu"),
        done(verb, ago, attempts=0, state=IntentState.SUPERSEDED),
        replace(done(verb, ago), verb=Verb.DRAIN),
    ):
        assert Guardrail.COOLDOWN not in held_by(a_step(verb, with_intents(other)))


@BOTH
def test_a_step_that_was_begun_does_not_stand_in_its_own_way(verb: Verb) -> None:
    """A retry is no second step; one that was never seen to be applied counts from when it was planned."""
    begun = done(verb, 60, applied_at=None)
    case = a_step(verb, with_intents(begun))
    assert held_by(case)[Guardrail.COOLDOWN].endswith("was 1m of 30m ago")
    assert held_by(replace(case, step=replace(case.step, intent=begun.id))) == {}


@BOTH
@pytest.mark.parametrize(
    ("ages", "reason"),
    [
        ((1900, 3599), "2 of 2 {}s in the last hour, 2 of 4 in the last 24 hours"),
        ((1900, 3600), None),
        ((4000, 5000, 6000, 86399), "0 of 2 {}s in the last hour, 4 of 4 in the last 24 hours"),
        ((4000, 5000, 6000, 86400), None),
    ],
)
def test_each_verb_has_a_budget(verb: Verb, ages: tuple[float, ...], reason: str | None) -> None:
    """P13: over all targets and stamps; drains count against their own."""
    intents = [done(verb, age, "neu", target="other") for age in ages]
    drains = tuple(DrainMade("neu", at(-age)) for age in (1, 2, 3, 4))
    held = held_by(a_step(verb, with_intents(*intents, drains=drains))).get(Guardrail.BUDGET)
    assert held == (reason.format(verb) if reason else None)


@pytest.mark.parametrize(("ago", "held"), [(1, True), (1799, True), (1800, False)])
def test_a_restart_that_left_a_stamp_sick_is_not_repeated_on_the_next(ago: float, held: bool) -> None:  # noqa: FBT001 - a table
    """I3: act on one, see that it is well, go on."""
    sick = looked_at(neu=StampRecord(seen=a_seen(serves=False)))
    record = with_intents(done(Verb.RESTART, ago, "neu"), stamps=sick)
    reason = "neu does not serve since the restart there"
    assert held_by(a_step(Verb.RESTART, record)).get(Guardrail.BLAST_RADIUS) == (reason if held else None)
    well = with_intents(done(Verb.RESTART, ago, "neu"))
    assert Guardrail.BLAST_RADIUS not in held_by(a_step(Verb.RESTART, well))
    other = with_intents(done(Verb.RESTART, ago, "weu", target="catalogue"), stamps=sick)
    assert Guardrail.BLAST_RADIUS not in held_by(a_step(Verb.RESTART, other))


def test_a_webhook_may_be_about_the_workload_as_a_whole() -> None:
    """Its rule is asked of the workload then, and so are the signals that it rests on."""
    when = AlertFires("Quota")
    rule = a_rule(when=when, playbook=Playbook.WEBHOOK, target="ops", asked_of=AskedOf.WORKLOAD)
    found = a_finding(stamp=None, since=at(-120))
    quota = an_alert("Quota", stamp=None)
    record = a_red_record(registers=registers([quota, *ROOTS]), findings=findings(found))
    case = a_case(record, a_charge(rule, workload=WORKLOAD))
    whole = replace(case, step=Step(Verb.WEBHOOK, "", rule, target="ops"), finding=found)
    assert held_by(whole) == {}
    of_weu = a_red_record(registers=registers([a_signal(health=Health.RED), *ROOTS]))
    assert set(held_by(replace(whole, record=of_weu))) == {Guardrail.FRESH_SIGNALS}
    asked = replace(whole, situation=replace(case.situation, workload=replace(WORKLOAD, mode=Mode.APPROVE)))
    assert held_by(asked) == {Guardrail.MODE: "mode is approve: it takes a person's approval to webhook"}


def test_another_step_tells_when_it_was_last_taken() -> None:
    """A webhook has a cooldown for each target, and a budget of its own."""
    case = a_step(Verb.WEBHOOK)
    assert passing(case)["target_cooled_down"] == "no webhook of it before"
    said = passing(a_step(Verb.WEBHOOK, with_intents(done(Verb.WEBHOOK, 1860), done(Verb.WEBHOOK, 7200))))
    assert said["target_cooled_down"] == "the last one was 31m ago, of 30m"
    assert said["verb_within_budget"] == "1 of 2 webhooks in the last hour, 2 of 4 in the last 24 hours"
