"""Does an expectation that does not hold fail, and say what happened instead, when, and why?"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from rehearsal.expect.judge import Judged
from rehearsal.expect.words import parse_expectation
from rehearsal.history import Effect, Happening, History, Kind, Sent
from rehearsal.run import Run, rehearse
from rehearsal.scenario.load import load_scenario
from remediation.ledger.intent import LeverKind, Verb
from remediation.ledger.record import JournalEntry
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
        "pages: 1 as critical at weu saying does not read",
        "never: paged as error",
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
        (
            "drained: weu by front_door",
            "deleted the state file",
            "seen to help at 8m 27s, so front_door was not moved too",
        ),
        (
            "drained: weu after 20m",
            "deleted the state file",
            "drain of weu by state_file at 7m 57s, by worker-1",
        ),
        ("drained: neu", "drain of weu", "no rule ever held there"),
        ("never: drained weu", "drain of weu", "verdict stamp: only weu is affected"),
        ("never: drained", "drain of weu", "only weu"),
        (
            "rejoined: weu by 20m",
            "rejoin of weu (created the state file) at",
            "since 12m 57s; a return waits until that has stood for 10m (rejoin_after): not before 22m 57s",
        ),
        (
            "rejoined: weu by 20m",
            "rejoin",
            "not proven, last at 12m 27s: 4 of 4 partitions have not worked off the drain's backlog",
        ),
        ("rejoined: weu by front_door", "rejoin", "a return moves back what the drain had moved"),
        ("rejoined: neu", "rejoin of weu", "neu was never out by a drain of the worker's"),
        ("restarted: weu", "no restart by a worker in 40m", ""),
        ("pages: 2", "1: 'shop/weu:", "held at weu"),
        ("no pages", "1: 'shop/weu:", ""),
        ("never: paged at weu", "1: 'shop/weu:", ""),
        ("pages: 1 saying global", "0: 'shop/weu:", ""),
        ("pages: 1 as error", "as critical at 6m 27s", ""),
        ("fenced off: weu", "no late deletion landed in 40m 00s", ""),
        ("notified: at most 1", "notif", ""),
        ("held by: budget", "held by settled", ""),
        ("never: held by settled", "drain of weu held by settled", ""),
        ("verdict: global", "background-processor-cannot-read at weu is stamp", ""),
        ("finding: root-node-red", "background-processor-cannot-read at weu", ""),
        ("users served: at least 99%", "the least was 66.7 % at 3m 00s", ""),
        (
            "at the end: weu is out",
            "weu is in",
            "rejoin of weu by state_file at 23m 27s, by worker-1: consumer-lag took it back",
        ),
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


def test_a_rejoin_that_never_comes_is_explained_by_what_its_proof_lacks() -> None:
    """The rule still holds, so the stamp stays out, and whoever expects it in is told so."""
    scenario = a_scenario(
        "timeline: [{at: 2m, break: {what: processor, stamp: weu}}]\n"
        "expect: ['rejoined: weu', 'at the end: weu is in']\n",
        run="20m",
    )
    for found in rehearse(scenario).judged:
        assert not found.holds
        assert "recovery of weu was not proven, last at" in "; ".join(found.why), found
        assert "a rule still asks for the drain" in "; ".join(found.why), found


def changed(run: Run, happenings: Iterable[Happening]) -> Run:
    """The same run with another history."""
    history = History()
    history.happenings = list(happenings)
    return replace(run, history=history)


def test_a_signal_that_no_decision_names_is_found(flagship: Run) -> None:
    """P6: the journal is held against what was taken in."""
    without = [
        replace(each, what=replace(each.what, signals=())) if isinstance(each.what, JournalEntry) else each
        for each in flagship.history.happenings
    ]
    (found,) = judged(changed(flagship, without), "journal complete")
    assert not found.holds
    assert "taken in, and in no decision" in found.instead


def test_of_bodies_sent_in_one_moment_none_is_forgotten(flagship: Run) -> None:
    """Of two at one time both are asked for, not the last only."""
    lost = Happening(180.0, Kind.SENT, "lost", what=Sent(("lost",)))
    for also in (lost, replace(lost, what=Sent(()))):
        run = changed(flagship, [lost, also, *flagship.history.happenings])
        (found,) = judged(run, "journal complete")
        assert "signal lost sent at 3m 00s was never taken in" in found.instead


def test_nothing_taken_in_and_no_journal_is_not_complete(flagship: Run) -> None:
    """What was sent must arrive; where a sender was refused, what was taken in must be in a decision."""
    gone = (Kind.TAKEN, Kind.JOURNAL)
    rest = [each for each in flagship.history.happenings if each.kind not in gone]
    (found,) = judged(changed(flagship, rest), "journal complete")
    assert "was never taken in" in found.instead
    refused = Happening(1.0, Kind.REFUSED, "an alert was refused with 400")
    assert judged(changed(flagship, [refused, *rest]), "journal complete")[0].holds


def test_an_effect_without_an_intent_is_found(flagship: Run) -> None:
    """P4: what was done must have been written down before."""
    rest = [each for each in flagship.history.happenings if each.kind is not Kind.WRITTEN]
    (found,) = judged(changed(flagship, rest), "journal complete")
    assert "deleted the state file at" in found.instead
    assert "without an intent" in found.instead


@pytest.mark.parametrize(
    "effect",
    [
        Effect(Verb.DRAIN, "weu", LeverKind.STATE_FILE),  # that intent is over
        Effect(Verb.DRAIN, "neu", LeverKind.FRONT_DOOR),  # nobody ever meant it
        Effect(Verb.DRAIN, "weu", intent="shop/weu/drain/0000000001"),  # of another intent
    ],
)
def test_an_intent_of_earlier_or_of_something_else_does_not_cover_an_effect(
    flagship: Run, effect: Effect
) -> None:
    """Each effect needs its own intent, and that being acted upon when it comes."""
    late = Happening(2000.0, Kind.EFFECT, "did it", "weu", "worker-1", effect)
    before = [each for each in flagship.history.happenings if each.at <= late.at]
    after = [each for each in flagship.history.happenings if each.at > late.at]
    (found,) = judged(changed(flagship, [*before, late, *after]), "journal complete")
    assert found.instead == "did it at 33m 20s without an intent"
