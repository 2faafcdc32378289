"""Does our client of Azure Resource Manager say truly what came of a request?"""

from typing import Any

import pytest

from remediation.act.arm import Arm, ArmError
from remediation.act.arm_operation import Operation, right_to
from remediation.act.http import Door
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.tokens import StaticTokens
from tests.act.far_side import Answer, FarSide, breaks_off, hangs, hangs_up, says, says_json
from tests.act.front_door_bench import NoTokens, SlowTokens, an_arm, soon
from tests.arm_server import GROUP, TOKEN, ArmServer, origin_id

VERSION = "2024-02-01"
WEU = origin_id("weu")
DISABLED = {"properties": {"enabledState": "Disabled"}}
ERROR = '{"error": {"code": "TheCode", "message": "the words"}}'


async def patch(arm: Arm, timeout_seconds: float = 2.0) -> Operation:
    """Ask for the origin to be disabled."""
    return await arm.patch(WEU, VERSION, DISABLED, timeout_seconds=timeout_seconds)


async def outcome_of_get(arm: Arm) -> Outcome:
    """What a reading that fails comes to."""
    with pytest.raises(ArmError) as raised:
        await arm.get(WEU, VERSION)
    return raised.value.outcome


async def outcome_of_patch(arm: Arm, timeout_seconds: float = 2.0) -> Outcome:
    """What a change that fails comes to."""
    with pytest.raises(ArmError) as raised:
        await patch(arm, timeout_seconds)
    return raised.value.outcome


async def test_a_resource_is_read_with_token_and_version(azure: ArmServer, arm: Arm) -> None:
    """The one request says who we are and which version of the interface we speak."""
    document = await arm.get(WEU, VERSION)
    assert document["name"] == "weu"
    [request] = azure.received
    assert request.path == f"{WEU}?api-version={VERSION}"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_collection_is_read_to_its_last_page(azure: ArmServer, arm: Arm) -> None:
    """Where a list goes on, it is followed: half a list would be taken for the whole."""
    azure.page_size = 1
    documents = await arm.collection(f"{GROUP}/origins", VERSION)
    assert [each["name"] for each in documents] == ["weu", "neu", "eus"]


async def test_an_endless_collection_is_an_error(azure: ArmServer, arm: Arm) -> None:
    """A list that comes back to its first page ends our patience, not our memory."""
    azure.page_size = 1
    azure.next_link = f"{azure.url}{GROUP}/origins?api-version=1"
    with pytest.raises(ArmError, match="more than 10 pages"):
        await arm.collection(f"{GROUP}/origins", VERSION)
    assert len(azure.received) == 10


@pytest.mark.parametrize("page", [{}, {"value": {}}, {"value": ["weu"]}])
async def test_what_is_no_collection_is_an_error(door: Door, page: Any) -> None:
    """An answer without a list is not an empty list."""
    async with FarSide(says_json(200, page)) as far:
        with pytest.raises(ArmError, match="none of Azure"):
            await an_arm(door, far.url).collection(f"{GROUP}/origins", VERSION)


async def test_a_collection_that_fills_several_buffers_is_read(azure: ArmServer, arm: Arm) -> None:
    """Fifty origins with long host names are more than other answers may be."""
    for number in range(50):
        azure.has(f"s{number}", originHostHeader="h" * 3000)
    assert len(await arm.collection(f"{GROUP}/origins", VERSION)) == 53


@pytest.mark.parametrize(
    "answer",
    [
        says(200, "<html>sign in</html>"),
        says(200, "[]"),
        says(200, "[" * 100_000),
        breaks_off(200, b'{"name": "weu"}'),
        says(204),
    ],
)
async def test_what_is_no_document_is_an_error(door: Door, answer: Answer) -> None:
    """A captive portal or a body cut short is no resource, and was no change."""
    async with FarSide(answer) as far:
        outcome = await outcome_of_get(an_arm(door, far.url))
    assert outcome.kind is OutcomeKind.TRANSIENT


@pytest.mark.parametrize(
    ("answer", "of_get", "of_patch"),
    [
        (says(401, ERROR), OutcomeKind.REFUSED, OutcomeKind.REFUSED),
        (says(403, ERROR), OutcomeKind.REFUSED, OutcomeKind.REFUSED),
        (says(404, ERROR), OutcomeKind.REFUSED, OutcomeKind.REFUSED),
        (says(400, ERROR), OutcomeKind.REFUSED, OutcomeKind.REFUSED),
        (says(302), OutcomeKind.REFUSED, OutcomeKind.REFUSED),
        (says(408), OutcomeKind.TRANSIENT, OutcomeKind.TRANSIENT),
        (says(409, ERROR), OutcomeKind.TRANSIENT, OutcomeKind.TRANSIENT),
        (says(412, ERROR), OutcomeKind.TRANSIENT, OutcomeKind.TRANSIENT),
        (says(429, ERROR), OutcomeKind.TRANSIENT, OutcomeKind.TRANSIENT),
        (says(503, ERROR), OutcomeKind.TRANSIENT, OutcomeKind.TRANSIENT),
        (says(500, ERROR), OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN),
        (says(502), OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN),
        (says(504), OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN),
        (hangs_up(), OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN),
    ],
)
async def test_each_answer_has_one_meaning(
    door: Door, answer: Answer, of_get: OutcomeKind, of_patch: OutcomeKind
) -> None:
    """A reading is never `unknown`, a change is wherever it may have been done; each is sent once."""
    async with FarSide(answer) as far:
        arm = an_arm(door, far.url)
        assert (await outcome_of_get(arm)).kind is of_get
        assert (await outcome_of_patch(arm)).kind is of_patch
        assert [request.method for request in far.received] == ["GET", "PATCH"]


async def test_a_time_out_of_a_change_is_unknown(door: Door) -> None:
    """Whoever got the change but did not answer may have obeyed it; a reading in vain changed nothing."""
    async with FarSide(hangs()) as far:
        arm = an_arm(door, far.url, timeout_seconds=0.2)
        assert (await outcome_of_get(arm)).kind is OutcomeKind.TRANSIENT
        assert await outcome_of_patch(arm, 0.2) == Outcome(OutcomeKind.UNKNOWN, "timed out")


async def test_where_nobody_listens_nothing_was_sent(door: Door) -> None:
    """A refused connection is no unknown outcome, and a URL that is none never will be one."""
    async with FarSide() as far:
        url = far.url
    assert (await outcome_of_patch(an_arm(door, url))).kind is OutcomeKind.TRANSIENT
    assert (await outcome_of_patch(an_arm(door, "no url"))).kind is OutcomeKind.REFUSED


@pytest.mark.parametrize("status", [401, 403])
async def test_a_missing_right_is_named(door: Door, status: int) -> None:
    """Whoever reads the reason knows which right to grant, and what Azure said."""
    async with FarSide(says(status, ERROR)) as far:
        arm = an_arm(door, far.url)
        reading, changing = await outcome_of_get(arm), await outcome_of_patch(arm)
    assert "Microsoft.Cdn/profiles/originGroups/origins/read" in reading.reason
    assert "Microsoft.Cdn/profiles/originGroups/origins/write" in changing.reason
    assert changing.reason.endswith(f"HTTP {status}: TheCode: the words")


def test_a_right_is_made_of_the_types_in_an_id() -> None:
    """Names of resources are no part of a right; a collection is read by the right to its members."""
    assert right_to("read", f"{GROUP}/origins") == "Microsoft.Cdn/profiles/originGroups/origins/read"
    assert right_to("write", WEU) == "Microsoft.Cdn/profiles/originGroups/origins/write"


@pytest.mark.parametrize("status", [429, 503])
async def test_throttled_says_for_how_long(door: Door, status: int) -> None:
    """`Retry-After` reaches the engine."""
    async with FarSide(says(status, headers={"Retry-After": "17"})) as far:
        outcome = await outcome_of_patch(an_arm(door, far.url))
    assert (outcome.kind, outcome.retry_after_seconds) == (OutcomeKind.TRANSIENT, 17)


@pytest.mark.parametrize("status", [200, 202, 400, 403, 500])
async def test_no_reason_holds_the_token(door: Door, status: int) -> None:
    """Even if the other side quotes it."""
    error = {"code": TOKEN, "message": f"you sent {TOKEN}"}
    body = {"status": TOKEN, "error": error, "properties": {"provisioningState": "Failed"}}
    async with FarSide(says_json(status, body)) as far:
        arm = an_arm(door, far.url)
        try:
            operation = await arm.follow(await patch(arm), await soon(0.1))
            said = repr(operation)
        except ArmError as raised:
            said = repr(raised.outcome)
    assert TOKEN not in said


async def test_p9_without_a_token_nothing_is_sent(azure: ArmServer, door: Door) -> None:
    """Entra ID down or slow: that is transient, for nothing was sent, and is said in time."""
    down, slow = an_arm(door, azure.url, NoTokens()), an_arm(door, azure.url, SlowTokens(), 0.1)
    assert (await outcome_of_patch(down)).reason.startswith("no token: none for https://management.azure.com")
    assert (await outcome_of_patch(slow)) == Outcome(OutcomeKind.TRANSIENT, "no token: timed out")
    assert (await outcome_of_get(down)).kind is OutcomeKind.TRANSIENT
    assert azure.received == []


async def test_a_change_that_comes_too_late_is_not_sent(azure: ArmServer, door: Door) -> None:
    """What was seen before the change has grown old while we waited for a token."""
    arm = an_arm(door, azure.url, SlowTokens())
    with pytest.raises(ArmError, match="too late") as raised:
        await arm.patch(WEU, VERSION, DISABLED, timeout_seconds=2, begin_by=await soon(0.2))
    assert raised.value.outcome.kind is OutcomeKind.TRANSIENT
    assert azure.received == []


# --- links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        "http://localhost:{port}/elsewhere",
        "https://127.0.0.1:{port}/elsewhere",
        "http://127.0.0.1.example:{port}/elsewhere",
        "http://127.0.0.1:{port}@localhost:{port}/elsewhere",
        "http://127.0.0.1:1/elsewhere",
        "http://127.0.0.1:port/elsewhere",
        "//[/",
        "elsewhere",
    ],
)
async def test_the_token_is_shown_to_nobody_else(azure: ArmServer, door: Door, arm: Arm, link: str) -> None:
    """Links to another host, port or scheme are not followed: neither an operation's nor a list's."""
    async with FarSide() as far:
        azure.link = azure.next_link = link.format(port=far.port)
        azure.polls_in_progress, azure.page_size = 1, 1
        operation = await arm.follow(await patch(arm), await soon(0.1))
        with pytest.raises(ArmError, match="another host"):
            await arm.collection(f"{GROUP}/origins", VERSION)
    assert operation.url.startswith(f"{azure.url}{WEU}?")
    assert far.received == []


@pytest.mark.parametrize(
    ("link", "ours"),
    [
        ("https://management.azure.com/operations/1", True),
        ("https://management.azure.com:443/operations/1", True),
        ("https://westeurope.management.azure.com/operations/1", True),
        ("https://notmanagement.azure.com/operations/1", False),
        ("https://azure.com/operations/1", False),
        ("http://management.azure.com/operations/1", False),
        (None, False),
        (7, False),
    ],
)
def test_regional_end_points_are_azures_own(door: Door, link: Any, *, ours: bool) -> None:
    """An operation may live at a regional end point beneath the global name."""
    assert Arm(door, StaticTokens(TOKEN))._is_ours(link) is ours
