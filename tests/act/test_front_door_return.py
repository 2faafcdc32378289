"""Does the lever on Front Door's origins bring back only what was there, and keep what levers promise?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from remediation.act.arm import Arm
from remediation.act.front_door import FrontDoorLever
from remediation.act.http import Door
from remediation.decide.looks import LeverLook
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.stamp import LeverState
from remediation.ports import Lever
from rules.topology import Stamp
from tests.act.contract_lever import LeverContract
from tests.act.far_side import Answer, FarSide, hangs, hangs_up, says
from tests.act.front_door_bench import ELSEWHERE, KEPT, WEU, NoTokens, a_lever
from tests.arm_server import GROUP, ArmServer, origin_id
from tests.builders import a_stamp

SLOW = 0.2


async def try_everything(lever: Lever, stamp: Stamp) -> dict[str, Outcome]:
    """What each change comes to."""
    return {
        "take_out": await lever.take_out(stamp, "tag"),
        "bring_back": await lever.bring_back(stamp, KEPT),
        "fence": await lever.fence(stamp, LeverLook(stamp.name, LeverState.IN, "tag")),
    }


async def drained(lever: Lever, stamp: Stamp = WEU) -> LeverLook:
    """Take it out by the book; gives the look before."""
    look = await lever.look(stamp)
    assert (await lever.take_out(stamp, look.tag)).kind is OutcomeKind.APPLIED
    return look


# --- bring back ------------------------------------------------------------------------------------


async def test_bringing_back_restores_what_was_there(azure: ArmServer, lever: Lever) -> None:
    """Drained and brought back: the origin is as it was, and only `enabledState` was ever changed."""
    before = dict(azure.shows("weu"))
    look = await drained(lever)
    outcome = await lever.bring_back(WEU, look.content)
    assert outcome == Outcome(OutcomeKind.APPLIED, "the origin was enabled")
    assert azure.shows("weu") == before
    assert azure.changes()[1:] == [{"properties": {"enabledState": "Enabled"}}]


async def test_bringing_back_restores_weight_and_priority(azure: ArmServer, lever: Lever) -> None:
    """Where somebody changed them in between, they come back as they were; only what differs is sent."""
    look = await drained(lever)
    azure.shows("weu")["weight"] = 1
    await lever.bring_back(WEU, look.content)
    assert azure.changes()[-1] == {"properties": {"enabledState": "Enabled", "weight": 100}}
    assert (await lever.look(WEU)).content == look.content


async def test_bringing_back_leaves_an_enabled_origin(azure: ArmServer, lever: Lever) -> None:
    """Whoever enabled it meanwhile decided about its weight as well."""
    azure.shows("weu")["weight"] = 1
    outcome = await lever.bring_back(WEU, KEPT)
    assert (outcome.kind, outcome.found) == (OutcomeKind.APPLIED, True)
    assert azure.changes() == []


async def test_p12_what_was_disabled_before_stays_disabled(azure: ArmServer, lever: Lever) -> None:
    """The content of a look at a disabled origin enables nothing."""
    azure.has("weu", "Disabled")
    look = await lever.look(WEU)
    outcome = await lever.bring_back(WEU, look.content)
    assert outcome == Outcome(OutcomeKind.REFUSED, "it was disabled before our drain")
    assert azure.changes() == []


@pytest.mark.parametrize("content", ["", "HEALTHY", "{}", "[]", '{"enabledState": 1}', "[" * 10_000])
async def test_p12_nothing_is_brought_back_by_guessing(azure: ArmServer, lever: Lever, content: str) -> None:
    """Content that was kept by the other lever, or by nobody, is refused."""
    azure.has("weu", "Disabled")
    outcome = await lever.bring_back(WEU, content)
    assert outcome == Outcome(OutcomeKind.REFUSED, "how the origin was before cannot be read")
    assert azure.received == []


async def test_bringing_back_waits_for_the_drain_to_be_rolled_out(azure: ArmServer, lever: Lever) -> None:
    """The drain's own change is still under way: try again later."""
    azure.has("weu", "Disabled", provisioningState="Updating")
    outcome = await lever.bring_back(WEU, KEPT)
    assert outcome.kind is OutcomeKind.TRANSIENT
    assert azure.changes() == []


@pytest.mark.parametrize(
    ("shows_at_once", "kind"), [(True, OutcomeKind.APPLIED), (False, OutcomeKind.UNKNOWN)]
)
async def test_a_return_of_minutes_is_judged_by_a_look(
    azure: ArmServer, lever: Lever, kind: OutcomeKind, *, shows_at_once: bool
) -> None:
    """As with a drain: accepted is applied only if the origin shows it."""
    azure.has("weu", "Disabled")
    azure.polls_in_progress, azure.shows_at_once, azure.retry_after = 100, shows_at_once, "30"
    assert (await lever.bring_back(WEU, KEPT)).kind is kind


# --- fence -----------------------------------------------------------------------------------------


async def test_p10_a_resting_origin_is_as_good_as_fenced(azure: ArmServer, lever: Lever) -> None:
    """Nothing under way and nothing landed, enabled or disabled; and a fence changes nothing itself."""
    looks = [await lever.look(WEU)]
    azure.has("neu", "Disabled")
    stamps = [WEU, a_stamp("neu", front_door_origin=origin_id("neu"))]
    looks.append(await lever.look(stamps[1]))
    for stamp, look in zip(stamps, looks, strict=True):
        assert (await lever.fence(stamp, look)).kind is OutcomeKind.APPLIED
    assert azure.changes() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"provisioningState": "Updating"}, "still being rolled out"),
        ({"enabledState": "Disabled"}, "has changed"),
        ({"weight": 1}, "has changed"),
    ],
)
async def test_p10_a_change_that_lands_or_is_under_way_is_unknown(
    azure: ArmServer, lever: Lever, change: dict[str, Any], words: str
) -> None:
    """A paused worker's change may be that one: nothing is certain, and the engine must look again."""
    look = await lever.look(WEU)
    azure.shows("weu").update(change)
    outcome = await lever.fence(WEU, look)
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert words in outcome.reason


async def test_p10_what_was_not_seen_is_not_fenced(azure: ArmServer, lever: Lever) -> None:
    """A look in vain stands for no state, and an origin that cannot be read now for none either."""
    unseen = LeverLook("weu", LeverState.UNREACHABLE, reason="timed out")
    assert (await lever.fence(WEU, unseen)).kind is OutcomeKind.UNKNOWN
    seen = await lever.look(WEU)
    azure.faults["GET origin"] = [says(403)]
    outcome = await lever.fence(WEU, seen)
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "Microsoft.Cdn/profiles/originGroups/origins/read" in outcome.reason


# --- without an origin, without Azure --------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (None, "no Front Door origin is configured"),
        ("", "no Front Door origin is configured"),
        ("weu", "is no resource id"),
        (GROUP, "is no resource id"),
        (f"{origin_id('weu')}/", "is no resource id"),
        (f"{origin_id('weu')}?x=", "is no resource id"),
        (f"{GROUP}/origins/..", "the origin"),
        (origin_id("weu").replace("Microsoft.Cdn", "Microsoft.Web"), "is no resource id"),
    ],
)
async def test_without_an_origin_every_verb_is_refused(
    azure: ArmServer, lever: Lever, address: str | None, words: str
) -> None:
    """A stamp that has none, or a wrong one, is unreachable by this lever, and nothing is changed."""
    stamp = a_stamp(front_door_origin=address)
    look = await lever.look(stamp)
    assert look.state is LeverState.UNREACHABLE
    outcomes = await try_everything(lever, stamp)
    if words != "the origin":
        assert words in look.reason
        assert {outcome.kind for outcome in outcomes.values()} == {OutcomeKind.REFUSED}
        assert all(words in outcome.reason for outcome in outcomes.values())
        assert azure.received == []
    assert azure.changes() == []


async def test_p9_without_entra_we_hold(azure: ArmServer, door: Door) -> None:
    """No token: nothing can be seen, nothing is changed, and it is known that nothing was."""
    lever = FrontDoorLever(Arm(door, NoTokens(), url=azure.url))
    look = await lever.look(WEU)
    assert look == LeverLook(
        "weu", LeverState.UNREACHABLE, reason="no token: none for https://management.azure.com/.default"
    )
    outcomes = await try_everything(lever, WEU)
    assert outcomes["take_out"].kind is outcomes["bring_back"].kind is OutcomeKind.TRANSIENT
    assert outcomes["fence"].kind is OutcomeKind.UNKNOWN
    assert azure.received == []


@pytest.mark.parametrize("answer", [hangs(), hangs_up(), says(500), says(200, "<html>"), says(404)])
async def test_no_verb_ever_raises(door: Door, answer: Answer) -> None:
    """Whatever stands in the place of Azure, each verb has an outcome with a reason, in time."""
    async with FarSide(answer) as far:
        lever = a_lever(door, far.url, timeout_seconds=SLOW)
        look = await lever.look(WEU)
        outcomes = await try_everything(lever, WEU)
    assert look.state is LeverState.UNREACHABLE
    assert look.reason
    assert all(outcome.kind is not OutcomeKind.APPLIED and outcome.reason for outcome in outcomes.values())


# --- the contract of all levers --------------------------------------------------------------------

HOLDS = (
    "test_a_misplaced_file_is_unreachable_and_never_out",
    "test_nothing_is_applied_in_the_wrong_place",
    "test_taking_out_deletes_what_was_seen",
    "test_taking_out_leaves_a_changed_file",
    "test_taking_out_needs_a_look",
    "test_p5_taking_out_twice_is_applied_once",
    "test_p5_many_deletes_at_once_are_one",
)
"""The claims of `LeverContract` that an origin keeps as well."""

_CONTENT = "an origin holds no content of ours: what it had is kept in the look, and has tests of its own"
_FENCE = "an origin has no ETag, so that a fence can only tell whether it rests; that has tests of its own"

DOES_NOT_HOLD = {
    "test_an_absent_file_is_out": _CONTENT,
    "test_a_present_file_is_in": _CONTENT,
    "test_an_empty_file_is_in": _CONTENT,
    "test_no_more_than_4_kib_are_read": _CONTENT,
    "test_bringing_back_restores_the_content": _CONTENT,
    "test_bringing_back_leaves_what_is_there": _CONTENT,
    "test_p5_many_returns_at_once_are_one": _CONTENT,
    "test_p10_a_tag_does_not_outlive_its_file": "an origin that was changed back has its old tag",
    "test_p10_a_fence_stops_a_late_delete": _FENCE,
    "test_p10_every_fence_gives_a_new_tag": _FENCE,
    "test_a_fence_makes_no_file": _FENCE,
    "test_p10_a_fence_after_a_change_is_a_fence": _FENCE,
    "test_p10_fence_and_delete_at_once_agree": _FENCE,
}
"""Those that it cannot keep, and why. The engine must not rely on them with this lever."""


@dataclass
class OriginBench:
    """An origin whose host name stands for the content of a state file."""

    lever: Lever
    azure: ArmServer
    stamp: Stamp = WEU
    misplaced: Stamp = ELSEWHERE

    async def put(self, content: str) -> None:
        """Enabled by other hands."""
        self.azure.has("weu", hostName=content)

    async def remove(self) -> None:
        """Disabled by other hands."""
        self.azure.shows("weu")["enabledState"] = "Disabled"

    async def content(self) -> str | None:
        """None if it is disabled."""
        properties = self.azure.shows("weu")
        return str(properties["hostName"]) if properties["enabledState"] == "Enabled" else None


def test_every_claim_of_the_contract_is_accounted_for() -> None:
    """A claim that is new to the contract must be kept here too, or be given up with a reason."""
    claims = {name for name in vars(LeverContract) if name.startswith("test_")}
    assert claims == {*HOLDS, *DOES_NOT_HOLD}


@pytest.mark.parametrize("claim", HOLDS)
async def test_the_contract_is_kept(azure: ArmServer, lever: Lever, claim: str) -> None:
    """What every lever must do, so far as an origin can."""
    keep: Callable[[OriginBench], Any] = getattr(LeverContract(), claim)
    await keep(OriginBench(lever, azure))
