"""Does each outcome, by whichever lever, leave the record as the next decision needs it?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.draft import Draft
from remediation.decide.lagging import CONSUMER_LAG, LAG_PROBE, signal_of_queue
from remediation.decide.looks import (
    FRONT_DOOR,
    NO_ORIGIN,
    HealthLook,
    LiveLook,
    signal_of_path,
)
from remediation.decide.plan import Occasion, situation_of
from remediation.decide.progress import TURNS_KEPT, record_outcome, turned
from remediation.decide.proof import not_taken_back
from remediation.decide.wording import what_the_worker_does
from remediation.ledger.intent import IntentState, LeverKind, Outcome, OutcomeKind, Verb
from remediation.ledger.record import Cause
from remediation.ledger.stamp import LeverState, Moved, Refusal, StampRecord
from remediation.ledger.told import Action
from rules.health import Facts
from rules.policy import Policy
from rules.queue import PartitionLook, QueueLook, QueueState, follow
from rules.signals import Health, RegisterKey, Subject
from rules.topology import BlobContainer, EventHub
from tests.builders import (
    NODE,
    NOW,
    STAMPS,
    a_live_look,
    a_look,
    a_record,
    a_signal,
    a_stamp,
    a_workload,
    an_incident,
    an_intent,
    at,
    registers,
)
from tests.decide.cases import a_charge, a_drain, decided, drained, looked_at

DONE = Outcome(OutcomeKind.APPLIED, "so")
FILE, DOOR = Moved(LeverKind.STATE_FILE, "up"), Moved(LeverKind.FRONT_DOOR, "{}")


NOTHING = Facts({}, {})


def a_queue(sent: int, read: int | None, when: float = 0) -> QueueLook:
    """A look at a hub of one partition."""
    moment = at(when)
    return QueueLook("weu", moment, NOW, {"0": PartitionLook(sent, moment, read, moment, moment)})


def after(verb: Verb, known: StampRecord, outcome: Outcome = DONE, **changes: Any) -> Draft:
    """The draft after an attempt at weu came to this."""
    intent = replace(an_intent(verb, "weu"), state=IntentState.ACTING, attempts=1, **changes)
    draft = Draft(a_record(intents={intent.id: intent}, stamps=looked_at(weu=known)), NOW)
    record_outcome(draft, intent, outcome)
    return draft


def test_a_second_lever_joins_the_first_in_one_drain() -> None:
    """Undo moves both of them back."""
    draft = after(Verb.DRAIN, drained(levers=(FILE,)), lever=LeverKind.FRONT_DOOR, content="{}", second=True)
    drain = draft.stamp("weu").drain
    assert drain == a_drain(levers=(FILE, DOOR))


def test_a_lever_that_is_back_leaves_the_others() -> None:
    """The stamp is back with the last of them, on probation from then on."""
    one = after(Verb.REJOIN, drained(levers=(FILE, DOOR)), lever=LeverKind.FRONT_DOOR).stamp("weu")
    assert (one.drain, one.rejoined_at) == (a_drain(levers=(FILE,)), None)
    both = after(Verb.REJOIN, one).stamp("weu")
    assert (both.drain, both.rejoined_at) == (None, NOW)
    nothing = after(Verb.REJOIN, StampRecord()).stamp("weu")
    assert nothing.rejoined_at == NOW


def test_a_drain_keeps_where_the_hub_was_where_its_return_waits_for_that() -> None:
    """F21: what was in the hub at that moment must be worked off."""
    known = StampRecord(queue=follow(None, a_queue(100, 90)))
    marked, unmarked = (after(Verb.DRAIN, known, backlog=backlog) for backlog in (True, False))
    assert [draft.stamp("weu").drain.marks for draft in (marked, unmarked)] == [  # type: ignore[union-attr]
        {"0": 100},
        {},
    ]
    assert after(Verb.DRAIN, StampRecord(), backlog=True).stamp("weu").drain.marks == {}  # type: ignore[union-attr]


def test_a_drain_that_was_refused_was_none() -> None:
    """P13: it costs no budget, so that the other lever may be tried; a second lever never cost any."""
    refused = Outcome(OutcomeKind.REFUSED, "403")
    draft = after(Verb.DRAIN, StampRecord(), refused)
    assert draft.drains == ()
    assert draft.stamp("weu").refusals[LeverKind.STATE_FILE].reason == "403"
    spent = Draft(draft.view(), NOW)
    spent.spend("weu")
    intent = replace(an_intent(second=True), state=IntentState.ACTING, attempts=1)
    record_outcome(spent, intent, refused)
    assert len(spent.drains) == 1


@pytest.mark.parametrize(
    ("queue", "said"),
    [
        (None, ["nobody has looked at its hub since the drain"]),
        (follow(None, a_queue(120, 90)), ["1 of 1 partitions have not worked off the drain's backlog: 0"]),
        (follow(None, a_queue(120, 100)), []),
    ],
)
def test_the_backlog_of_the_drain_must_be_worked_off(queue: Any, said: list[str]) -> None:
    """P12: a checkpoint at or behind the newest event of that moment is no proof."""
    drain = a_drain(marks={"0": 100}, evidence=())
    record = a_record(stamps=looked_at(weu=StampRecord(drain=drain, queue=queue)))
    situation = situation_of(record, a_charge(), NOW)
    wanting = not_taken_back(drain, record, situation, NOW)
    assert [words.split(": 0")[0] for words in wanting] == [words.split(": 0")[0] for words in said]


def test_a_stamp_that_turns_again_and_again_is_counted_within_the_time() -> None:
    """P19: and no more often than is of use."""
    old, young = at(-3700), at(-60)
    draft = Draft(a_record(stamps={"weu": StampRecord(turns=(old, young))}), NOW)
    turned(draft, "weu", Policy())
    turned(draft, "weu", Policy())
    assert draft.stamp("weu").turns == (young, NOW)
    many = Draft(a_record(stamps={"weu": StampRecord(turns=(young,) * 99)}), NOW)
    turned(many, "weu", Policy())
    assert len(many.stamp("weu").turns) == TURNS_KEPT


def test_a_lag_is_a_word_about_the_processor_that_knows_when_the_database_fails() -> None:
    """Its numbers are in its reasons."""
    state = follow(follow(None, a_queue(100, 90)), a_queue(200, 90, 400))
    red = signal_of_queue(state, None, NOTHING, a_workload(), at(400))
    assert (red.subject, red.source, red.health) == (Subject("shop", "weu", NODE), CONSUMER_LAG, Health.RED)
    assert red.reasons[0].startswith("stalled: ")
    young = follow(follow(None, a_queue(100, 90)), a_queue(200, 90, 200))
    live = a_live_look(a_look(failing=["Database"]))
    waiting = signal_of_queue(young, live, NOTHING, a_workload(), at(200))
    assert waiting.health is Health.YELLOW


@pytest.mark.parametrize(
    ("place", "health"),
    [
        (("weu", "Database"), Health.YELLOW),
        ((None, "Database"), Health.YELLOW),
        ((None, "CosmosDB"), Health.YELLOW),
        (("neu", "Database"), Health.RED),
        (("weu", "Keyvault"), Health.RED),
    ],
)
def test_whoever_says_that_the_database_fails_excuses_the_processor(
    place: tuple[str | None, str], health: Health
) -> None:
    """Its HealthService may be out of reach; the health model's word of it counts as well."""
    queue = follow(follow(None, a_queue(100, 90)), a_queue(200, 90, 200))
    live = replace(a_live_look(), queues={"weu": a_queue(200, 90, 200)})
    known = a_record(
        registers=registers([a_signal(*place, Health.RED, observed_at=at(-3600))]),
        stamps={"weu": StampRecord(queue=follow(None, a_queue(100, 90)))},
    )
    after = decided(known, live=live, charge=WATCHED, now=at(200))
    assert after.stamp("weu").queue == queue
    assert after.registers[RegisterKey("weu", NODE, CONSUMER_LAG)].health is health


def test_that_the_database_fails_is_heard_in_the_same_decision() -> None:
    """What arrives with the look counts: else a stall would be told a moment before its excuse."""
    live = replace(a_live_look(), queues={"weu": a_queue(200, 90, 200)})
    known = a_record(stamps={"weu": StampRecord(queue=follow(None, a_queue(100, 90)))})
    fails = a_signal("weu", "Database", Health.RED, observed_at=at(199))
    after = decided(known, fails, live=live, charge=WATCHED, now=at(200))
    assert after.registers[RegisterKey("weu", NODE, CONSUMER_LAG)].health is Health.YELLOW


def test_a_probe_that_cannot_look_says_so_and_takes_it_back() -> None:
    """By a node of its own: what nobody can see turns no other node red (F21)."""
    blind = QueueLook("weu", NOW, reason="no right to look at event hub: 403")
    seen = replace(a_live_look(), queues={"weu": blind})
    once = decided(a_record(), live=seen, charge=WATCHED)
    key = RegisterKey("weu", LAG_PROBE, CONSUMER_LAG)
    said = once.registers[key]
    assert (said.health, said.reasons) == (Health.RED, ("cannot look: no right to look at event hub: 403",))
    mended = replace(a_live_look(), queues={"weu": a_queue(100, 100, 60)})
    assert decided(once, live=mended, charge=WATCHED, now=at(60)).registers[key].health is Health.GREEN
    assert key not in decided(once, charge=a_charge(), now=at(60)).registers  # no hub is named any more


HUB = EventHub("backendqueue-eh", "backendworker-cs", BlobContainer("ehcheckpoints"), namespace="shop")
WATCHED = a_charge(
    workload=replace(a_workload(), stamps=tuple(a_stamp(name, event_hub=HUB) for name in STAMPS))
)


def test_a_look_at_a_hub_is_taken_in_once() -> None:
    """P20: the same look again changes nothing."""
    live = replace(a_live_look(), queues={"weu": a_queue(100, 100)})
    once = decided(a_record(), live=live, charge=WATCHED)
    known = once.stamp("weu").queue
    assert known is not None
    again = decided(once, live=live, charge=WATCHED)
    assert again.stamp("weu").queue == known


def test_who_cannot_see_takes_nothing_back() -> None:
    """A hub that cannot be looked at leaves the last red word about its processor as it was."""
    red = a_signal(source=CONSUMER_LAG, health=Health.RED)
    live = replace(a_live_look(look_at=at(30)), queues={"weu": QueueLook("weu", at(30), reason="no route")})
    seen = decided(a_record(registers=registers([red])), live=live, now=at(30), charge=WATCHED)
    assert seen.registers[red.key].health is Health.RED


def test_what_we_look_at_no_more_is_forgotten() -> None:
    """P3: our own last words about a hub, and about the way through Front Door, would stand for ever."""
    words = (a_signal(source=CONSUMER_LAG, health=Health.RED), a_signal(None, "FrontDoor", source=FRONT_DOOR))
    record = a_record(registers=registers(words), stamps={"weu": StampRecord(queue=QueueState("weu", NOW))})
    after = decided(record, charge=a_charge(workload=a_workload()))
    assert (after.registers, after.stamp("weu").queue) == ({}, None)


def test_the_backlog_of_a_hub_that_is_gone_is_waited_for_no_more() -> None:
    """P14: a new hub counts from nought; what it holds at first sight takes the place of the old marks."""
    queue = follow(None, replace(a_queue(100, 100), hub_created_at=at(-900)))
    drained = StampRecord(queue=queue, drain=a_drain(marks={"0": 100}))
    out = a_live_look(a_look(lever=LeverState.OUT, look_at=at(30)), look_at=at(30))
    live = replace(out, queues={"weu": replace(a_queue(7, 3, 30), hub_created_at=at(20))})
    after = decided(a_record(stamps={"weu": drained}), live=live, now=at(30), charge=WATCHED)
    assert after.stamp("weu").drain == a_drain(marks={"0": 7})


@pytest.mark.parametrize(
    ("path", "direct", "health"),
    [
        (HealthLook(FRONT_DOOR, NOW, 200, {"Database": True}), True, Health.GREEN),
        (HealthLook(FRONT_DOOR, NOW, 503, {"Database": False}), True, Health.GREEN),
        (HealthLook(FRONT_DOOR, NOW, None, reason="TLS"), True, Health.RED),
        (HealthLook(FRONT_DOOR, NOW, 404, reason="no checks"), True, Health.RED),
        (HealthLook(FRONT_DOOR, NOW, None, reason="no route"), False, Health.UNKNOWN),
    ],
)
def test_the_way_through_front_door_is_a_fact_of_its_own(
    path: HealthLook, direct: Any, health: Health
) -> None:
    """A sick stamp's answer is an answer; where no stamp answers directly, it may be we who are cut off."""
    live = replace(a_live_look(*(a_look(name, answers=direct) for name in ("weu", "neu", "eus"))), path=path)
    signal = signal_of_path(live, a_workload())
    assert signal
    assert (signal.subject, signal.health) == (Subject("shop", None, "FrontDoor"), health)


def test_without_a_way_through_front_door_nothing_is_said_of_it() -> None:
    """Nor is there a lever where none is configured."""
    assert signal_of_path(LiveLook({}), a_workload()) is None
    lever = a_look().by(LeverKind.FRONT_DOOR)
    assert (lever.state, lever.reason) == (LeverState.UNREACHABLE, NO_ORIGIN)
    assert Occasion(Cause.TIMER).marker is None


@pytest.mark.parametrize(
    ("levers", "refusals", "said"),
    [
        ((FILE,), {}, "weu is drained, and seen to be; "),
        ((DOOR,), {}, "weu is drained by its Front Door origin, and seen to be; "),
        (
            (DOOR,),
            {LeverKind.STATE_FILE: Refusal(at(-700), "403")},
            "weu is drained by its Front Door origin, for the state file would not do (403), and ",
        ),
        ((FILE, DOOR), {}, "weu is drained by its state file and its Front Door origin, and seen to be; "),
    ],
)
def test_people_are_told_by_which_levers_a_stamp_is_out(levers: Any, refusals: Any, said: str) -> None:
    """And why the first one would not do: the next to look at it needs that."""
    known = replace(drained(levers=levers), refusals=refusals)
    draft = Draft(a_record(stamps={"weu": known}), NOW)
    words = what_the_worker_does(draft, an_incident(action=Action.DRAINED))
    assert words.startswith(said)
