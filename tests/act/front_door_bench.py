"""With what do the tests of Front Door's lever, and of the client of Azure beneath it, begin?"""

import asyncio

from remediation.act.arm import Arm
from remediation.act.front_door import FrontDoorLever
from remediation.act.http import Door
from remediation.tokens import Bearer, StaticTokens, TokenUnavailableError
from tests.arm_server import TOKEN, origin_id
from tests.builders import a_stamp

WEU = a_stamp(front_door_origin=origin_id("weu"))
ELSEWHERE = a_stamp(front_door_origin=origin_id("weu").replace("BackendApis", "Nothing"))
KEPT = '{"enabledState":"Enabled","priority":1,"weight":100}'


class NoTokens:
    """Entra ID is down, and no token is at hand."""

    async def bearer(self, scope: str) -> str:
        """Never."""
        raise TokenUnavailableError(f"none for {scope}")


class SlowTokens:
    """Entra ID is slow."""

    async def bearer(self, scope: str) -> str:  # noqa: ARG002 - the same for all
        """After half a second."""
        await asyncio.sleep(0.5)
        return TOKEN


def an_arm(door: Door, url: str, tokens: Bearer | None = None, timeout_seconds: float = 2.0) -> Arm:
    """A client that does not wait long."""
    tokens = tokens or StaticTokens(TOKEN)
    return Arm(door, tokens, url=url, timeout_seconds=timeout_seconds, pause_seconds=0.01)


def a_lever(
    door: Door,
    url: str,
    *,
    timeout_seconds: float = 2.0,
    operation_seconds: float = 2.0,
    look_good_for_seconds: float = 5.0,
) -> FrontDoorLever:
    """A lever that does not wait long."""
    return FrontDoorLever(
        an_arm(door, url, timeout_seconds=timeout_seconds),
        operation_seconds=operation_seconds,
        look_good_for_seconds=look_good_for_seconds,
    )


async def soon(seconds: float = 2.0) -> float:
    """That moment, by the event loop's clock."""
    return asyncio.get_running_loop().time() + seconds
