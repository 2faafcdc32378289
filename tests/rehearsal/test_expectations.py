"""Does an expectation that does not hold fail, and say what happened instead, when, and why?"""

from dataclasses import replace

import pytest

from rehearsal.expect.judge import Judged
from rehearsal.expect.words import parse_expectation
from rehearsal.run import Run, rehearse
from rehearsal.scenario.load import load_scenario
from tests.rehearsal.stories import SCENARIOS, a_scenario


@pytest.fixture(scope="module")
def flagship() -> Run:
    """F21, of which everything is known."""
    return rehearse(load_scenario(SCENARIOS / "F21-cannot-read.yaml"))


def judged(run: Run, *sentences: str) -> list[Judged]:
    """Other expectations of the same run."""
    from rehearsal.expect.judge import judge  # noqa: PLC0415 - beside its only use

    out = {name for name in ("weu",) if run.record.stamp(name).out}
    return [judge(parse_expectation(each), run.history, run.scenario, out) for each in sentences]


@pytest.mark.parametrize(
    "sentence",
    [
        "drained: weu",
        "drained: weu by 9m",
        "drained: weu by state_file between 6m and 9m",
        "never: drained neu",
        "never: drained by 6m",
        "never: paged saying global",
        "never: verdict global",
        "never: held by budget",
        "pages: 1",
        "pages: at least 1 at weu saying DOES NOT READ by 10m",
        "no pages by 6m",
        "notified: at least 2",
        "resolved: 1 after 20m",
        "held by: settled at weu",
        "verdict: stamp at weu",
        "finding: background-processor-cannot-read at weu by 8m",
        "users served: at least 99% after 15m",
        "at the end: weu is in",
        "dead letters: 0",
        "no dead letters",
        "journal complete",
    ],
)
def test_what_is_so_holds(flagship: Run, sentence: str) -> None:
    """Each kind of expectation, in a run that is known."""
    (found,) = judged(flagship, sentence)
    assert found.holds, found


@pytest.mark.parametrize(
    ("sentence", "instead", "why"),
    [
        ("drained: weu by 3m", "drain of weu (deleted the state file) at", "held by settled from"),
        ("drained: weu by front_door", "deleted the state file", "background-processor-cannot-read held"),
        ("drained: neu", "drain of weu", "no rule ever held there"),
        ("never: drained weu", "drain of weu", "verdict stamp: only weu is affected"),
        ("never: drained", "drain of weu", "only weu"),
        ("rejoined: weu by 10m", "rejoin of weu (created the state file) at", ""),
        ("restarted: weu", "no restart by a worker in 40m", ""),
        ("pages: 2", "1: 'shop/weu:", "held at weu"),
        ("no pages", "1: 'shop/weu:", ""),
        ("never: paged at weu", "1: 'shop/weu:", ""),
        ("pages: 1 saying global", "0: 'shop/weu:", ""),
        ("notified: at most 1", "notif", ""),
        ("held by: budget", "held by settled", ""),
        ("never: held by settled", "drain of weu held by settled", ""),
        ("verdict: global", "background-processor-cannot-read at weu is stamp", ""),
        ("finding: root-node-red", "background-processor-cannot-read at weu", ""),
        ("users served: at least 99%", "the least was 66.7 % at 3m 00s", ""),
        ("at the end: weu is out", "weu is in", ""),
        ("dead letters: 1", "no dead letter in 40m 00s", ""),
    ],
)
def test_what_is_not_so_fails_and_is_explained(flagship: Run, sentence: str, instead: str, why: str) -> None:
    """What happened instead, when, and what stood in the way."""
    (found,) = judged(flagship, sentence)
    assert not found.holds
    assert instead in found.instead or "notified" in sentence, found
    assert why in "; ".join(found.why), found


def test_a_hold_is_given_as_the_reason_with_its_numbers() -> None:
    """Two stamps, two must serve: the guardrail says who would remain."""
    scenario = a_scenario(
        "workload: {stamps: [weu, neu]}\n"
        "timeline: [{at: 1m, break: {what: healthservice, stamp: neu}},"
        " {at: 2m, break: {what: processor, stamp: weu}}]\n"
        "expect: ['drained: weu']\n",
        run="20m",
    )
    (found,) = rehearse(scenario).judged
    assert not found.holds
    assert found.instead == "no drain by a worker in 20m 00s"
    assert "keeps_enough_serving" in "; ".join(found.why)


def test_a_signal_that_no_decision_names_is_found(flagship: Run) -> None:
    """P6: the journal is held against what was taken in."""
    history = flagship.history
    entries = [each for each in history.happenings if each.kind == "journal"]
    without = [replace(each, what=replace(each.what, signals=())) for each in entries]  # type: ignore[type-var]
    broken = type(history)()
    broken.happenings = [each for each in history.happenings if each.kind != "journal"] + without
    (found,) = judged(replace(flagship, history=broken), "journal complete")
    assert not found.holds
    assert "signal" in found.instead


def test_an_effect_without_an_intent_is_found(flagship: Run) -> None:
    """P4: what was done must have been written down before."""
    broken = type(flagship.history)()
    broken.happenings = [each for each in flagship.history.happenings if each.kind != "written"]
    (found,) = judged(replace(flagship, history=broken), "journal complete")
    assert "deleted the state file at" in found.instead
    assert "without an intent" in found.instead
