"""Do we know of a change that Azure accepted how far it has got, and ask no more often than Azure wants?"""

import pytest

from remediation.act.arm import Arm
from remediation.act.arm_operation import Operation, OperationState
from remediation.act.http import Door
from remediation.ledger.intent import Outcome, OutcomeKind
from tests.act.far_side import Answer, FarSide, hangs_up, says, says_json
from tests.act.front_door_bench import NoTokens, an_arm, soon
from tests.arm_server import ArmServer, origin_id

VERSION = "2024-02-01"
WEU = origin_id("weu")
DISABLED = {"properties": {"enabledState": "Disabled"}}
ERROR = '{"error": {"code": "TheCode", "message": "the words"}}'


async def patch(arm: Arm, timeout_seconds: float = 2.0) -> Operation:
    """Ask for the origin to be disabled."""
    return await arm.patch(WEU, VERSION, DISABLED, timeout_seconds=timeout_seconds)


async def test_a_change_that_is_done_at_once_has_succeeded(azure: ArmServer, arm: Arm) -> None:
    """A 200 with the resource as it should be needs no further question."""
    operation = await patch(arm)
    assert operation.state is OperationState.SUCCEEDED
    assert await arm.poll(operation) == operation
    assert azure.kinds() == ["PATCH origin"]
    assert azure.changes() == [DISABLED]
    assert azure.shows("weu")["enabledState"] == "Disabled"


@pytest.mark.parametrize("told", ["Azure-AsyncOperation", "Location", None])
async def test_an_operation_is_followed_to_its_end(azure: ArmServer, arm: Arm, told: str | None) -> None:
    """Whichever way Azure tells its state: each question gives the state of that moment."""
    azure.told, azure.polls_in_progress = told, 2
    operation = await patch(arm)
    states = [operation.state]
    for _ in range(3):
        operation = await arm.poll(operation)
        states.append(operation.state)
    assert states == [OperationState.RUNNING] * 3 + [OperationState.SUCCEEDED]
    assert azure.shows("weu")["enabledState"] == "Disabled"


async def test_following_ends_with_the_operation(azure: ArmServer, arm: Arm) -> None:
    """No question more than needed."""
    azure.polls_in_progress = 3
    operation = await arm.follow(await patch(arm), await soon())
    assert operation.state is OperationState.SUCCEEDED
    assert azure.kinds() == ["PATCH origin"] + ["GET operation"] * 4


async def test_following_ends_in_time(azure: ArmServer, arm: Arm) -> None:
    """An operation of minutes is left running, and Azure's own word is the reason."""
    azure.polls_in_progress = 10_000
    begun = await soon(0)
    operation = await arm.follow(await patch(arm), begun + 0.2)
    assert (operation.state, operation.reason) == (OperationState.RUNNING, "InProgress")
    assert await soon(0) < begun + 1.0


async def test_nobody_asks_more_often_than_azure_wants(azure: ArmServer, arm: Arm) -> None:
    """`Retry-After` beyond our time: not one question is asked, and we do not wait for nothing."""
    azure.polls_in_progress, azure.retry_after = 1, "30"
    begun = await soon(0)
    operation = await arm.follow(await patch(arm), begun + 5)
    assert operation.state is OperationState.RUNNING
    assert azure.kinds() == ["PATCH origin"]
    assert await soon(0) < begun + 1.0


@pytest.mark.slow
async def test_a_wait_that_azure_asks_for_is_kept(azure: ArmServer, arm: Arm) -> None:
    """A second between two questions, if Azure asks for one."""
    azure.polls_in_progress, azure.retry_after = 1, "1"
    begun = await soon(0)
    operation = await arm.follow(await patch(arm), begun + 10)
    assert operation.state is OperationState.SUCCEEDED
    assert await soon(0) >= begun + 2.0


@pytest.mark.parametrize("told", ["Azure-AsyncOperation", "Location"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Conflict", OutcomeKind.TRANSIENT),
        ("InternalServerError", OutcomeKind.TRANSIENT),
        ("BadRequest", OutcomeKind.REFUSED),
        ("QuotaExceeded", OutcomeKind.REFUSED),
    ],
)
async def test_an_operation_that_fails_is_judged_by_its_error(
    azure: ArmServer, arm: Arm, told: str, code: str, kind: OutcomeKind
) -> None:
    """Accepted and failed: worth another try only where the error may pass; nothing has changed."""
    azure.told, azure.operation_error = told, {"code": code, "message": "because"}
    operation = await arm.follow(await patch(arm), await soon())
    assert operation.state is OperationState.FAILED
    assert operation.failure is not None
    assert operation.failure.kind is kind
    assert operation.failure.reason.endswith(f"{code}: because")
    assert azure.shows("weu")["enabledState"] == "Enabled"


async def test_a_resource_that_says_failed_has_failed(azure: ArmServer, arm: Arm) -> None:
    """Without a link to the operation, the resource's own word counts."""
    azure.told, azure.operation_error = None, {"code": "x", "message": "x"}
    operation = await arm.follow(await patch(arm), await soon())
    assert operation.failure == Outcome(OutcomeKind.TRANSIENT, "accepted, but then it failed (Failed)")


@pytest.mark.parametrize(
    "fault",
    [
        hangs_up(),
        says(500),
        says(404),
        says(403, ERROR),
        says(429),
        says(200, "<html>"),
        says(200, "{}"),
        says(200, '{"status": "Strange"}'),
    ],
)
async def test_a_question_in_vain_leaves_an_operation_running(
    azure: ArmServer, arm: Arm, fault: Answer
) -> None:
    """What cannot be known is neither success nor failure; the next question may be answered."""
    azure.polls_in_progress = 1
    azure.faults["GET operation"] = [fault]
    operation = await arm.poll(await patch(arm))
    assert operation.state is OperationState.RUNNING
    assert operation.reason
    operation = await arm.follow(operation, await soon())
    assert operation.state is OperationState.SUCCEEDED


@pytest.mark.parametrize("fault", [says(401), says(403), says(404), says(408), says(429), says(500)])
async def test_a_location_that_turns_us_away_has_not_failed(
    azure: ArmServer, arm: Arm, fault: Answer
) -> None:
    """That we may not ask says nothing about the operation."""
    azure.told, azure.polls_in_progress = "Location", 1
    azure.faults["GET operation"] = [fault]
    assert (await arm.poll(await patch(arm))).state is OperationState.RUNNING


async def test_an_operation_is_not_followed_without_a_token(azure: ArmServer, door: Door, arm: Arm) -> None:
    """Entra ID went down in between: the operation goes on without us."""
    azure.polls_in_progress = 1
    operation = await an_arm(door, azure.url, NoTokens()).poll(await patch(arm))
    assert operation.state is OperationState.RUNNING
    assert operation.reason.startswith("no token")


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"properties": 1}'])
async def test_an_acceptance_that_says_nothing_is_no_success(door: Door, body: str) -> None:
    """A 200 without a resource may come from anywhere: the operation counts as running."""
    async with FarSide(says(200, body)) as far:
        operation = await patch(an_arm(door, far.url))
    assert operation.state is OperationState.RUNNING


@pytest.mark.parametrize("properties", [{}, {"provisioningState": "Succeeded"}])
async def test_a_202_is_never_a_success(door: Door, properties: dict[str, str]) -> None:
    """Azure says "accepted": whatever its body shows, the change is not done yet."""
    async with FarSide(says_json(202, {"properties": properties})) as far:
        operation = await patch(an_arm(door, far.url))
    assert (operation.state, operation.reason) == (OperationState.RUNNING, "accepted")
