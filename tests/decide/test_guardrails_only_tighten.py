"""Can anything that gets worse set a step free? Whatever holds must go on holding.

A guardrail that never held would pass all that: so of each it is also said what it stops.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from remediation.decide.case import Guardrail
from remediation.decide.guardrails import asked_of, holds
from remediation.ledger.intent import IntentState, Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.stamp import StampRecord
from rules.policy import Mode, Policy
from rules.signals import Health
from rules.topology import Window
from tests.builders import (
    NOW,
    a_finding,
    a_signal,
    an_intent,
    at,
)
from tests.decide.any_drain import (
    BLURRED,
    FREE,
    MODES,
    SICK,
    SICK_NOW,
    STRICTER,
    TOO_STRICT,
    WELL,
    WELL_NOW,
    WORSE,
    case,
    lives,
    stops,
    switches,
    tightens,
    worlds,
)


@given(worlds(), st.sampled_from(["neu", "eus"]), st.sampled_from([WELL, BLURRED]), st.sampled_from(SICK))
def test_fewer_that_serve_never_free_a_drain(
    world: dict[str, Any], lost: str, well: StampRecord, sick: StampRecord
) -> None:
    """P2: whatever holds with a stamp serving holds without it, whoever asks; and without any."""
    before = world | {"live": None, "stamps": world["stamps"] | {lost: well}}
    tightens(before, stamps=world["stamps"] | {lost: sick})
    unseen = Guardrail.KEEPS_ENOUGH_SERVING if sick.seen else Guardrail.LOOKED_AT
    stops(unseen, stamps={"neu": sick, "eus": sick})


@given(worlds(), st.integers(0, 90_000))
def test_more_drains_never_free_a_drain(world: dict[str, Any], more: int) -> None:
    """P13: each counts against cooldown and budget."""
    tightens(world, drains=[*world["drains"], more])
    stops(Guardrail.COOLDOWN, drains=[3000, more % 1800])
    stops(Guardrail.BUDGET, drains=[3000, more % 3600])
    stops(Guardrail.BUDGET, drains=[9000, 9000, 9000, more % 86_400])


@given(worlds(), st.integers(0, 4000))
def test_more_turns_never_free_a_drain(world: dict[str, Any], more: int) -> None:
    """Each counts as flapping."""
    tightens(world, turns=[*world["turns"], more])
    stops(Guardrail.FLAPPING, turns=[5, 6, 7, more % 3600])


@given(worlds(), st.integers(0, 4000))
def test_older_signals_never_free_a_drain(world: dict[str, Any], older_by: int) -> None:
    """Time alone makes no signal worthier."""
    tightens(world, age=world["age"] + older_by)
    stops(Guardrail.FRESH_SIGNALS, age=301 + older_by)


@given(worlds(), st.sampled_from([None, "weu", "neu"]))
def test_planned_work_never_frees_a_drain(world: dict[str, Any], stamp: str | None) -> None:
    """P12: at the target, at a survivor, or at all of them."""
    windows = (Window(at(-1), at(1), "new nodes", stamp),)
    tightens(world, windows=windows)
    others = {"neu": WELL, "eus": SICK[0]}
    stops(
        Guardrail.KEEPS_ENOUGH_SERVING if stamp == "neu" else Guardrail.MAINTENANCE,
        windows=windows,
        stamps=others,
    )


@given(worlds(), st.sampled_from([None, "neu", "eus"]))
def test_a_stamp_without_headroom_never_frees_a_drain(world: dict[str, Any], stamp: str | None) -> None:
    """F15: nor does a quota of all of them."""
    tightens(world, found=(a_finding("full", stamp),))
    stops(Guardrail.HEADROOM, found=(a_finding("full", stamp),))


NODES = ["CosmosDB", "FrontDoor", "AzureTelemetry", "AzureControlPlane"]


@given(worlds(), st.sampled_from(NODES), st.sampled_from([Health.YELLOW, Health.RED]))
def test_a_sick_global_node_never_frees_a_drain(world: dict[str, Any], node: str, health: Health) -> None:
    """P3: whichever it is."""
    tightens(world, said=(a_signal(None, node, health),))
    if health is Health.RED:
        stops(Guardrail.ONLY_A_STAMP_FAULT, said=(a_signal(None, node, health),))


@given(worlds(), st.integers(1, 300), st.integers(1, 3))
def test_a_heavier_load_and_a_larger_reserve_never_free_a_drain(
    world: dict[str, Any], heavier: int, spare: int
) -> None:
    """P2: N+k only asks for more."""
    policy: Policy = world["policy"]
    load = (policy.load or 0) + heavier
    tightens(world, policy=replace(policy, load=load, spare=policy.spare + spare))
    tightens(world, policy=replace(policy, settle=policy.settle + timedelta(seconds=heavier)))
    stops(Guardrail.ENOUGH_CAPACITY, policy=Policy(load=150 + heavier))
    stops(Guardrail.ENOUGH_CAPACITY, policy=Policy(load=150, spare=spare))
    stops(Guardrail.SETTLED, policy=Policy(settle=timedelta(seconds=60 + heavier)))


@given(worlds(), st.sampled_from(["hold", "marker"]), switches)
def test_a_hold_never_frees_a_drain(world: dict[str, Any], where: str, switch: HoldSwitch) -> None:
    """P17: by the record or by the marker beside it; and while either is on, nothing is free."""
    tightens(world | {where: None}, **{where: switch})
    over = switch.until is not None and switch.until <= NOW
    assert over or holds(case(world | {where: switch}))
    if not over:
        stops(Guardrail.HOLD_SWITCH, **{where: switch})


@given(worlds(), lives, st.integers(1, 60))
def test_an_older_look_never_frees_a_drain(world: dict[str, Any], live: dict[str, Any], older: int) -> None:
    """P2: and one older than its limit shows nobody who serves."""
    tightens(world | {"live": live}, live=live | {"age": live["age"] + older})
    assert holds(case(world | {"live": live | {"age": 6}}))
    stops(Guardrail.KEEPS_ENOUGH_SERVING, live={"age": 5 + older, "neu": WELL_NOW, "eus": WELL_NOW})


@given(worlds(), lives, st.sampled_from(["neu", "eus"]), st.sampled_from(SICK_NOW))
def test_fewer_that_are_seen_to_serve_never_free_a_drain(
    world: dict[str, Any], live: dict[str, Any], lost: str, sick: dict[str, Any]
) -> None:
    """P2: whoever was well by the record and is not, now that we look."""
    tightens(world | {"live": live | {lost: WELL_NOW}}, live=live | {lost: sick})
    stops(Guardrail.KEEPS_ENOUGH_SERVING, live={"age": 0, "neu": sick, "eus": sick})


@given(worlds(), st.sampled_from([None, "weu", "neu", "eus"]), st.integers(0, 4000))
def test_a_wider_fault_never_frees_a_drain(world: dict[str, Any], stamp: str | None, since: int) -> None:
    """P3: the same on another stamp, or a rule that says so."""
    tightens(world, found=(a_finding("not-its-own", stamp),))
    if stamp in (None, "weu"):
        stops(Guardrail.ONLY_A_STAMP_FAULT, found=(a_finding("not-its-own", stamp),))
    else:
        tightens(world, found=(a_finding(stamp=stamp, since=at(-since)),))
        stops(Guardrail.ONLY_A_STAMP_FAULT, found=(a_finding(stamp=stamp, since=at(-60)),))


@given(worlds(), st.sampled_from(["weu", "neu", "eus"]), st.sampled_from(Health))
def test_a_root_that_is_not_green_never_frees_a_drain(
    world: dict[str, Any], stamp: str, health: Health
) -> None:
    """P2, P3: neither the target's nor a survivor's; unknown is not green."""
    tightens(world, said=(a_signal(stamp, "Stamp", health, id="z"),))
    if health is not Health.GREEN:
        others = [a_signal(other, "Stamp", health, id="z") for other in ("neu", "eus")]
        stops(Guardrail.KEEPS_ENOUGH_SERVING, said=others)


@given(worlds(), st.sampled_from(MODES))
def test_a_lesser_mode_and_no_approval_never_free_a_drain(world: dict[str, Any], mode: Mode) -> None:
    """P17, P18: what `auto` may not do, `approve` and `observe` may not."""
    tightens(world, mode=mode.capped_by(world["mode"]))
    tightens(world | {"mode": Mode.APPROVE}, mode=Mode.OBSERVE)
    tightens(world, approved=False)
    if mode is not Mode.AUTO:
        stops(Guardrail.MODE, mode=mode)


@given(worlds(), st.sampled_from(["neu", "eus"]), st.sampled_from(Verb), st.sampled_from(IntentState))
def test_another_step_never_frees_a_drain(
    world: dict[str, Any], stamp: str, verb: Verb, state: IntentState
) -> None:
    """P1: whatever it is, and whatever became of it; in flight it always holds."""
    going = an_intent(verb, stamp, state=state)
    tightens(world, intents=(going,))
    if going.in_flight:
        assert holds(case(world | {"intents": (going,)}))
        stops(Guardrail.ONE_AT_A_TIME, intents=(going,))


@given(worlds(), st.sampled_from(WORSE))
def test_a_worse_target_never_frees_a_drain(
    world: dict[str, Any], worse: tuple[Guardrail, dict[str, Any]]
) -> None:
    """Out already, in maintenance, brought back by others, or without a lever that works."""
    guardrail, target = worse
    tightens(world, target=target)
    stops(guardrail, target=target)


@given(worlds(), st.sampled_from(sorted(STRICTER)), st.integers(1, 4))
def test_stricter_numbers_never_free_a_drain(world: dict[str, Any], name: str, by: int) -> None:
    """P2, P13: more that must serve, fewer drains, longer pauses, fresher signals."""
    tightens(world, policy=STRICTER[name](world["policy"], by))
    if name in TOO_STRICT:
        guardrail, loose = TOO_STRICT[name]
        assert holds(case(FREE | loose)) == []
        stops(guardrail, **loose, policy=STRICTER[name](Policy(), 4))


ALONE: list[dict[str, Any]] = [
    *({"live": None, "stamps": {"neu": sick, "eus": sick}} for sick in SICK),
    *({"live": {"age": 0, "neu": sick, "eus": sick}} for sick in SICK_NOW),
]
"""By the record, and by the look, nobody else serves."""


@given(worlds(), st.sampled_from(ALONE))
def test_no_configuration_takes_the_last_stamp_out(world: dict[str, Any], alone: dict[str, Any]) -> None:
    """P2: whatever the numbers, the mode, and whoever asks."""
    last = case(world | alone)
    assert holds(last)
    assert holds(replace(last, approved=True))
    second = replace(last, step=replace(last.step, second=True))
    assert asked_of(second) != asked_of(last)
    assert holds(second)


def test_there_are_worlds_in_which_the_drain_is_made() -> None:
    """Else nothing would be shown by the above."""
    assert holds(case(FREE)) == []
    assert holds(case(FREE | {"live": {"age": 5, "neu": WELL_NOW, "eus": WELL_NOW}})) == []
    assert holds(case(FREE | {"mode": Mode.APPROVE, "approved": True})) == []
    assert holds(case(FREE | {"author": "ada", "mode": Mode.OBSERVE})) == []
    assert case(FREE).step.verb is Verb.DRAIN
