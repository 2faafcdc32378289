"""Does the lever on Front Door's origins act only on what it saw, and say truly what it does not know?"""

import asyncio
import json
from typing import Any

import pytest

from remediation.act.http import Door
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.stamp import LeverState
from remediation.ports import Lever
from tests.act.far_side import Answer, FarSide, hangs, hangs_up, says, says_json
from tests.act.front_door_bench import KEPT, WEU, a_lever
from tests.arm_server import ArmServer, origin_id
from tests.builders import a_stamp

SLOW = 0.2


# --- look ------------------------------------------------------------------------------------------


async def test_an_enabled_origin_is_in(lever: Lever) -> None:
    """A look gives what is needed to bring it back, and a tag that stays while the origin stays."""
    first, second = await lever.look(WEU), await lever.look(WEU)
    assert (first.state, first.content, first.settled, first.reason) == (LeverState.IN, KEPT, True, "")
    assert first.tag
    assert first == second


async def test_a_disabled_origin_is_out(azure: ArmServer, lever: Lever) -> None:
    """Its content says that it was disabled when it was looked at."""
    azure.has("weu", "Disabled", weight=7, priority=2)
    look = await lever.look(WEU)
    assert look.state is LeverState.OUT
    assert json.loads(look.content) == {"enabledState": "Disabled", "priority": 2, "weight": 7}


async def test_a_strange_state_is_neither(azure: ArmServer, lever: Lever) -> None:
    """What we do not know is neither in nor out."""
    azure.has("weu", "Paused")
    look = await lever.look(WEU)
    assert (look.state, look.reason) == (LeverState.UNREACHABLE, "weu is Paused (Succeeded)")


@pytest.mark.parametrize("rollout", ["Updating", "Creating", "Deleting"])
async def test_a_change_under_way_is_told(azure: ArmServer, lever: Lever, rollout: str) -> None:
    """While a change is being rolled out the look says so, in a field and in words."""
    azure.has("weu", provisioningState=rollout)
    look = await lever.look(WEU)
    assert (look.state, look.settled) == (LeverState.IN, False)
    assert look.reason == f"a change of the origin is still being rolled out: weu is Enabled ({rollout})"


async def test_a_failed_change_is_told(azure: ArmServer, lever: Lever) -> None:
    """Nothing is under way any more, and people learn that the last change failed."""
    azure.has("weu", provisioningState="Failed")
    look = await lever.look(WEU)
    assert (look.state, look.settled) == (LeverState.IN, True)
    assert look.reason == "the last change of the origin failed: weu is Enabled (Failed)"


async def test_an_origin_without_a_rollout_is_settled(azure: ArmServer, lever: Lever) -> None:
    """Azure's rule: where no `provisioningState` is given, all is done."""
    del azure.shows("weu")["provisioningState"]
    assert (await lever.look(WEU)).settled


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"provisioningState": "Updating", "deploymentStatus": "InProgress"}, True),
        ({"enabledState": "Disabled"}, False),
        ({"weight": 1}, False),
        ({"hostName": "elsewhere.example"}, False),
    ],
)
async def test_a_tag_stands_for_the_state(
    azure: ArmServer, lever: Lever, change: dict[str, Any], *, same: bool
) -> None:
    """Whatever is configured is a part of it; how far a rollout has got is not."""
    before = await lever.look(WEU)
    azure.shows("weu").update(change)
    assert ((await lever.look(WEU)).tag == before.tag) is same


async def test_a_tag_knows_when_the_origin_was_changed(azure: ArmServer, lever: Lever) -> None:
    """Where Azure gives that moment, an origin that was changed and changed back has another tag."""
    azure.origins["weu"]["systemData"] = {"lastModifiedAt": "2026-11-21T02:00:00Z"}
    before = await lever.look(WEU)
    azure.origins["weu"]["systemData"] = {"lastModifiedAt": "2026-11-21T03:00:00Z"}
    assert (await lever.look(WEU)).tag != before.tag


@pytest.mark.parametrize(
    "document", [{}, {"name": "weu"}, {"name": "weu", "properties": {}}, {"properties": []}]
)
async def test_what_is_no_origin_is_unreachable(door: Door, document: Any) -> None:
    """An answer that we do not understand is no state of the origin."""
    async with FarSide(says_json(200, document)) as far:
        look = await a_lever(door, far.url).look(WEU)
    assert (look.state, look.reason) == (LeverState.UNREACHABLE, "the answer is no origin of Front Door's")


async def test_azure_gets_the_pause_that_it_asks_for(azure: ArmServer, lever: Lever) -> None:
    """No origin of the subscription is looked at meanwhile, none is shown as it was, and acts look anew."""
    seen = await lever.look(WEU)
    azure.faults["GET origin"] = [says(429, headers={"Retry-After": "1"})]
    assert "429" in (await lever.look(WEU)).reason
    asked = len(azure.received)
    for stamp in (WEU, a_stamp("neu", front_door_origin=origin_id("neu"))):
        look = await lever.look(stamp)
        assert (look.state, look.tag) == (LeverState.UNREACHABLE, "")
        assert look.reason == "Azure has asked for a pause: it is looked at again in 1 s"
    assert len(azure.received) == asked
    assert (await lever.take_out(WEU, seen.tag)).kind is OutcomeKind.APPLIED
    await asyncio.sleep(1)
    assert (await lever.look(WEU)).state is LeverState.OUT


async def test_a_pause_without_end_is_not_granted(door: Door) -> None:
    """Five minutes are the most, and a failure that asks for none has none."""
    async with FarSide(says(503), says(429, headers={"Retry-After": "86400"})) as far:
        lever = a_lever(door, far.url)
        assert "503" in (await lever.look(WEU)).reason
        assert "429" in (await lever.look(WEU)).reason
        assert (await lever.look(WEU)).reason.endswith("looked at again in 300 s")
    assert len(far.received) == 2


# --- take out --------------------------------------------------------------------------------------


async def test_taking_out_disables_the_origin_and_nothing_else(azure: ArmServer, lever: Lever) -> None:
    """One property of one origin is changed, after a look at the group and a last look at the origin."""
    look = await lever.look(WEU)
    before = {name: dict(azure.shows(name)) for name in azure.origins}
    azure.received.clear()
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome == Outcome(OutcomeKind.APPLIED, "the origin was disabled")
    assert azure.changes() == [{"properties": {"enabledState": "Disabled"}}]
    assert azure.kinds() == ["GET origins", "GET origin", "PATCH origin", "GET origin"]
    before["weu"]["enabledState"] = "Disabled"
    assert {name: azure.shows(name) for name in azure.origins} == before
    assert (await lever.look(WEU)).state is LeverState.OUT


@pytest.mark.parametrize(
    "others",
    [
        {"neu": {"enabled_state": "Disabled"}, "eus": {"enabled_state": "Disabled"}},
        {"neu": {"enabled_state": "Disabled"}, "eus": {"provisioningState": "Updating"}},
        {"neu": {"enabled_state": "Disabled"}, "eus": {"provisioningState": "Failed"}},
        {"neu": {"enabled_state": "Paused"}, "eus": {"provisioningState": "Deleting"}},
    ],
)
async def test_the_last_enabled_origin_is_never_disabled(
    azure: ArmServer, lever: Lever, others: dict[str, dict[str, Any]]
) -> None:
    """Nor one beside which no other is surely enabled; the refusal names the others and their state."""
    for name, properties in others.items():
        azure.has(name, **properties)
    outcome = await lever.take_out(WEU, (await lever.look(WEU)).tag)
    assert outcome.kind is OutcomeKind.REFUSED
    assert outcome.reason.startswith("it is the last enabled origin of its group: neu is ")
    assert all(f"{name} is {azure.shows(name)['enabledState']}" in outcome.reason for name in others)
    assert azure.changes() == []


async def test_of_two_that_are_disabled_at_the_same_moment_one_stays(azure: ArmServer, door: Door) -> None:
    """Two workloads of one worker share a group: they take turns, and the second sees what the first did."""
    del azure.origins["eus"]
    neu, lever = a_stamp("neu", front_door_origin=origin_id("NEU")), a_lever(door, azure.url)
    seen = [await lever.look(stamp) for stamp in (WEU, neu)]
    outcomes = await asyncio.gather(
        *(lever.take_out(s, look.tag) for s, look in zip((WEU, neu), seen, strict=True))
    )
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.APPLIED, OutcomeKind.REFUSED]
    assert azure.shows("neu")["enabledState"] == "Enabled"


async def test_a_lonely_origin_is_never_disabled(azure: ArmServer, lever: Lever) -> None:
    """A group of one origin has no other, whatever the case of the names in the file."""
    del azure.origins["neu"], azure.origins["eus"]
    shouting = a_stamp(front_door_origin=origin_id("WEU"))
    outcome = await lever.take_out(shouting, (await lever.look(shouting)).tag)
    reason = "it is the last enabled origin of its group: it has no other"
    assert outcome == Outcome(OutcomeKind.REFUSED, reason)


async def test_an_enabled_origin_on_the_last_page_counts(azure: ArmServer, lever: Lever) -> None:
    """The whole group is read."""
    azure.has("neu", "Disabled")
    azure.page_size = 1
    assert (await lever.take_out(WEU, (await lever.look(WEU)).tag)).kind is OutcomeKind.APPLIED


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (says(403), OutcomeKind.REFUSED),
        (says(500), OutcomeKind.TRANSIENT),
        (says(200, "{}"), OutcomeKind.TRANSIENT),
        (says_json(200, {"value": [{"name": "neu"}]}), OutcomeKind.REFUSED),
        (hangs_up(), OutcomeKind.TRANSIENT),
    ],
)
async def test_a_group_that_cannot_be_read_is_left_alone(
    azure: ArmServer, lever: Lever, fault: Answer, kind: OutcomeKind
) -> None:
    """Not knowing the others, nothing is disabled, and it is known that nothing was."""
    look = await lever.look(WEU)
    azure.faults["GET origins"] = [fault]
    assert (await lever.take_out(WEU, look.tag)).kind is kind
    assert azure.changes() == []


async def test_an_origin_that_has_changed_is_left_alone(azure: ArmServer, lever: Lever) -> None:
    """The change is theirs: nothing is done, and the engine must look again."""
    look = await lever.look(WEU)
    azure.shows("weu")["weight"] = 1
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome == Outcome(OutcomeKind.TRANSIENT, "the origin has changed since it was looked at")
    assert azure.changes() == []


async def test_a_change_while_the_group_is_read_is_noticed(azure: ArmServer, lever: Lever) -> None:
    """The last look at the origin is the last thing before the change."""
    look = await lever.look(WEU)

    def meddle(kind: str) -> None:
        if kind == "GET origins":
            azure.shows("weu")["weight"] = 1

    azure.before = meddle
    assert (await lever.take_out(WEU, look.tag)).kind is OutcomeKind.TRANSIENT
    assert azure.changes() == []


async def test_a_change_under_way_is_waited_out(azure: ArmServer, lever: Lever) -> None:
    """Changes of an origin queue behind one another: none is added to one that is being rolled out."""
    look = await lever.look(WEU)
    azure.shows("weu")["provisioningState"] = "Updating"
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome.kind is OutcomeKind.TRANSIENT
    assert "still being rolled out" in outcome.reason
    assert azure.changes() == []


@pytest.mark.parametrize(("rollout", "more"), [("Succeeded", ""), ("Updating", ", still being rolled out")])
async def test_p5_a_disabled_origin_is_found(azure: ArmServer, lever: Lever, rollout: str, more: str) -> None:
    """The desired state is there already, even if it is the last one: success, and not our doing."""
    look = await lever.look(WEU)
    for name in azure.origins:
        azure.has(name, "Disabled", provisioningState=rollout)
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome == Outcome(OutcomeKind.APPLIED, f"the origin is disabled already{more}", found=True)
    assert azure.changes() == []


async def test_a_change_of_minutes_is_accepted_and_not_done(azure: ArmServer, lever: Lever) -> None:
    """The origin shows the new state while it is being rolled out: applied, and said to be no more."""
    look = await lever.look(WEU)
    azure.polls_in_progress, azure.shows_at_once, azure.retry_after = 100, True, "30"
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome == Outcome(OutcomeKind.APPLIED, "accepted, still being rolled out")
    after = await lever.look(WEU)
    assert (after.state, after.settled) == (LeverState.OUT, False)


async def test_a_change_that_does_not_show_is_unknown(azure: ArmServer, lever: Lever) -> None:
    """Accepted, but the origin still shows the old state: neither success nor failure."""
    look = await lever.look(WEU)
    azure.polls_in_progress, azure.retry_after = 100, "30"
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert outcome.reason == "the change was accepted (accepted), but weu is Enabled (Updating)"


async def test_a_success_that_does_not_show_is_unknown(azure: ArmServer, lever: Lever) -> None:
    """An answer that says done is believed only if the origin agrees."""
    look = await lever.look(WEU)
    azure.faults["PATCH origin"] = [says_json(200, azure.origins["weu"])]
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert outcome.reason == "the change was done, but weu is Enabled (Succeeded)"


@pytest.mark.parametrize(
    ("polls", "kind", "said"),
    [(0, OutcomeKind.APPLIED, "done"), (100, OutcomeKind.UNKNOWN, "accepted (accepted)")],
)
async def test_when_nobody_can_look_azures_word_counts(
    azure: ArmServer, lever: Lever, polls: int, kind: OutcomeKind, said: str
) -> None:
    """Done is done though the last look fails; accepted is not."""
    look = await lever.look(WEU)
    azure.polls_in_progress, azure.retry_after = polls, "30"

    def go_blind(kind: str) -> None:
        if kind == "PATCH origin":
            azure.faults["GET origin"] = [says(500)]

    azure.before = go_blind
    outcome = await lever.take_out(WEU, look.tag)
    reason = f"the change was {said}; the origin cannot be looked at: HTTP 500"
    assert outcome == Outcome(kind, reason)


@pytest.mark.parametrize(
    ("code", "kind"), [("Conflict", OutcomeKind.TRANSIENT), ("BadRequest", OutcomeKind.REFUSED)]
)
async def test_a_change_that_fails_is_told_by_its_error(
    azure: ArmServer, lever: Lever, code: str, kind: OutcomeKind
) -> None:
    """Accepted and failed: the error says whether it is worth another try."""
    look = await lever.look(WEU)
    azure.polls_in_progress, azure.operation_error = 2, {"code": code, "message": "because"}
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome == Outcome(kind, f"accepted, but then it failed (Failed): {code}: because")
    assert azure.shows("weu")["enabledState"] == "Enabled"


async def test_p5_a_lost_answer_is_unknown_and_then_seen(azure: ArmServer, lever: Lever) -> None:
    """The change was carried out, its answer never came: unknown, sent once, and a look shows it."""
    look = await lever.look(WEU)
    azure.after_effect = hangs_up()
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome == Outcome(OutcomeKind.UNKNOWN, "connection lost before the answer")
    assert len(azure.changes()) == 1
    assert (await lever.look(WEU)).state is LeverState.OUT


async def test_a_slow_change_is_unknown_in_time(azure: ArmServer, door: Door) -> None:
    """A change that is not answered is given up after its time, and may still happen."""
    lever = a_lever(door, azure.url, operation_seconds=SLOW)
    look = await lever.look(WEU)
    azure.faults["PATCH origin"] = [hangs()]
    begun = asyncio.get_running_loop().time()
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome == Outcome(OutcomeKind.UNKNOWN, "timed out")
    assert asyncio.get_running_loop().time() - begun < 1.5


async def test_p10_a_worker_that_slept_does_not_send_its_change(azure: ArmServer, door: Door) -> None:
    """Between its last look and its change it was paused: the change is not sent any more."""
    lever = a_lever(door, azure.url, look_good_for_seconds=SLOW)
    look = await lever.look(WEU)

    async def pauses(_: Any) -> Any:
        await asyncio.sleep(2 * SLOW)
        return await says_json(200, azure.origins["weu"])(_)

    azure.faults["GET origin"] = [pauses]
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome.kind is OutcomeKind.TRANSIENT
    assert outcome.reason == "too late: what was seen before has grown old"
    assert azure.changes() == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (says(403), OutcomeKind.REFUSED),
        (says(404), OutcomeKind.REFUSED),
        (says(409), OutcomeKind.TRANSIENT),
        (says(429, headers={"Retry-After": "17"}), OutcomeKind.TRANSIENT),
        (says(503), OutcomeKind.TRANSIENT),
        (says(500), OutcomeKind.UNKNOWN),
        (hangs_up(), OutcomeKind.UNKNOWN),
    ],
)
async def test_each_answer_to_the_change_has_one_meaning(
    azure: ArmServer, lever: Lever, fault: Answer, kind: OutcomeKind
) -> None:
    """The change is sent once, and what came of it is told as the client of Azure tells it."""
    look = await lever.look(WEU)
    azure.faults["PATCH origin"] = [fault]
    outcome = await lever.take_out(WEU, look.tag)
    assert outcome.kind is kind
    assert outcome.retry_after_seconds == (17 if "429" in outcome.reason else None)
    assert len(azure.changes()) == 1
    assert azure.shows("weu")["enabledState"] == "Enabled"
