"""How is a stamp taken out of rotation by its origin in Front Door, and brought back?

The second lever of a drain: it works where the stamp's own storage is gone. It
is slow, for a change takes minutes to reach every edge site, and an origin has
no ETag. So two things are weaker here than with the state file:

- Between the last look at an origin and its change stands a moment in which
  somebody else can change it too. That look is taken right before, and a
  change that could not be sent soon after it is not sent any more.
- A late change of a paused worker cannot be fenced off. What can be said is
  that no change is being rolled out, and that none has landed.

For the same reason two workers of workloads that share a group can each take the
other's origin for the one that stays; of one worker's they take turns.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from remediation.act.arm import Arm, ArmError
from remediation.act.arm_operation import Operation, OperationState
from remediation.act.origin import (
    DISABLED,
    ENABLED,
    NoOriginError,
    Origin,
    OriginId,
    read_content,
    read_id,
    read_origin,
)
from remediation.decide.looks import LeverLook
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.stamp import LeverState
from rules.topology import Stamp

API_VERSION = "2024-02-01"

PAUSE_MOST_SECONDS = 300.0
"""A longer pause is not granted: the worker would be without its second lever for as long."""

_STATES = {ENABLED: LeverState.IN, DISABLED: LeverState.OUT}


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of an origin that was asked for, the state it is to bring, and until when it is followed."""

    origin_id: OriginId
    wanted: str
    operation: Operation
    until: float


class FrontDoorLever:
    """The origins of all stamps in Front Door."""

    def __init__(
        self,
        arm: Arm,
        *,
        api_version: str = API_VERSION,
        operation_seconds: float = 6.0,
        look_good_for_seconds: float = 5.0,
    ) -> None:
        """Nothing is sent yet. The time-out of a look is `arm`'s.

        Args:
            arm: Azure Resource Manager.
            api_version: of Microsoft.Cdn.
            operation_seconds: how long a change is followed here, from its sending; it may take longer.
            look_good_for_seconds: so long after the last look at an origin its change may still be sent.
        """
        self._arm = arm
        self._api_version = api_version
        self._operation_seconds = operation_seconds
        self._look_good_for_seconds = look_good_for_seconds
        self._not_before: dict[str, float] = {}
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def look(self, stamp: Stamp) -> LeverLook:
        """What the origin shows now. Never raises: what cannot be reached is `unreachable`.

        Azure limits reads by subscription: after a `Retry-After` none of its origins is looked at for
        that time, and none is shown as it was before. What acts looks for itself, all the same.
        """
        try:
            origin_id = read_id(stamp.front_door_origin)
            origin = await self._origin_unless_paused(origin_id)
        except (ArmError, NoOriginError) as error:
            return LeverLook(stamp.name, LeverState.UNREACHABLE, reason=str(error))
        return LeverLook(
            stamp.name,
            _STATES.get(origin.enabled_state, LeverState.UNREACHABLE),
            origin.tag,
            origin.kept.content(),
            origin.worth_knowing(),
            settled=origin.settled,
        )

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """Disable the origin, if it is still as the look that gave `tag` saw it, and never the last one.

        That another origin of its group stays enabled cannot be switched off. One whose last change
        failed, or is still being rolled out, does not count: nobody knows what it is in the end.
        """
        if not tag:
            return Outcome(OutcomeKind.REFUSED, "the origin was not looked at")
        return await _never_raising(self._take_out(stamp, tag))

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:
        """Enable the origin, with the weight and priority that `content` kept. Enabled already, it is left.

        Only what was enabled before is enabled: `content` is what the look before the drain saw.
        """
        return await _never_raising(self._bring_back(stamp, content))

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:
        """Say whether the origin rests as `look` saw it: with no ETag there is no real fence.

        `applied` means that no change of it is being rolled out, and that none has landed since. A change
        that a paused worker has not even sent yet is not stopped by this; only the age of its look stops it.
        """
        return await _never_raising(self._fence(stamp, look))

    async def _take_out(self, stamp: Stamp, tag: str) -> Outcome:
        origin_id = read_id(stamp.front_door_origin)
        # Two workloads may share a group: each would see the other's origin enabled, and none be left.
        async with self._turns[origin_id.collection.lower()]:
            others = await self._others(origin_id)
            looked_at = _time()
            origin = await self._origin(origin_id)
            if origin.enabled_state == DISABLED:
                return _found("the origin is disabled already", origin)
            if origin.tag != tag:
                return Outcome(OutcomeKind.TRANSIENT, "the origin has changed since it was looked at")
            if not origin.settled:
                return Outcome(OutcomeKind.TRANSIENT, origin.worth_knowing())
            if not any(other.carries_traffic for other in others):
                them = ", ".join(other.words() for other in others) or "it has no other"
                return Outcome(OutcomeKind.REFUSED, f"it is the last enabled origin of its group: {them}")
            change = await self._ask(origin_id, {"enabledState": DISABLED}, looked_at)
        return await self._follow(change)

    async def _bring_back(self, stamp: Stamp, content: str) -> Outcome:
        origin_id = read_id(stamp.front_door_origin)
        kept = read_content(content)
        if kept.enabled_state != ENABLED:
            return Outcome(OutcomeKind.REFUSED, "it was disabled before our drain")
        looked_at = _time()
        origin = await self._origin(origin_id)
        if origin.enabled_state == ENABLED:
            return _found("the origin is enabled already, and was left as it is", origin)
        if not origin.settled:
            return Outcome(OutcomeKind.TRANSIENT, origin.worth_knowing())
        present = origin.kept.wire()
        differing = {name: value for name, value in kept.wire().items() if value != present.get(name)}
        return await self._follow(await self._ask(origin_id, differing, looked_at))

    async def _fence(self, stamp: Stamp, look: LeverLook) -> Outcome:
        origin_id = read_id(stamp.front_door_origin)
        try:
            origin = await self._origin(origin_id)
        except (ArmError, NoOriginError) as error:
            return Outcome(OutcomeKind.UNKNOWN, f"the origin cannot be looked at: {error}")
        if origin.tag != look.tag:
            return Outcome(OutcomeKind.UNKNOWN, "the origin has changed since it was looked at")
        if not origin.settled:
            return Outcome(OutcomeKind.UNKNOWN, origin.worth_knowing())
        return Outcome(OutcomeKind.APPLIED, "no change of the origin is under way, and none has landed")

    async def _origin_unless_paused(self, origin_id: OriginId) -> Origin:
        """The origin, or that it is not asked for now: every tick looks, and must not keep Azure busy."""
        now, subscription = asyncio.get_running_loop().time(), origin_id.subscription
        left = self._not_before.get(subscription, now) - now
        if left > 0:
            words = f"Azure has asked for a pause: it is looked at again in {math.ceil(left)} s"
            raise ArmError(Outcome(OutcomeKind.TRANSIENT, words))
        try:
            return await self._origin(origin_id)
        except ArmError as error:
            pause = min(error.outcome.retry_after_seconds or 0.0, PAUSE_MOST_SECONDS)
            self._not_before[subscription] = now + pause
            raise

    async def _origin(self, origin_id: OriginId) -> Origin:
        return read_origin(await self._arm.get(origin_id.whole, self._api_version))

    async def _others(self, origin_id: OriginId) -> list[Origin]:
        """The other origins of the group; it is an error if one of them cannot be read."""
        documents = await self._arm.collection(origin_id.collection, self._api_version)
        origins = [read_origin(document) for document in documents]
        return [origin for origin in origins if origin.name.lower() != origin_id.name.lower()]

    async def _ask(self, origin_id: OriginId, properties: Mapping[str, Any], looked_at: float) -> _Change:
        """Ask for a change that sets `enabledState`. From here on a look shows that it goes on."""
        until = _time() + self._operation_seconds
        operation = await self._arm.patch(
            origin_id.whole,
            self._api_version,
            {"properties": dict(properties)},
            timeout_seconds=self._operation_seconds,
            begin_by=looked_at + self._look_good_for_seconds,
        )
        return _Change(origin_id, properties["enabledState"], operation, until)

    async def _follow(self, change: _Change) -> Outcome:
        """Follow a change for a while."""
        operation = await self._arm.follow(change.operation, change.until)
        return operation.failure or await self._seen(change.origin_id, change.wanted, operation)

    async def _seen(self, origin_id: OriginId, wanted: str, operation: Operation) -> Outcome:
        """What a look says of a change that was accepted, which is not to say that it was done."""
        done = operation.state is OperationState.SUCCEEDED
        said = "done" if done else f"accepted ({operation.reason})"
        try:
            origin = await self._origin(origin_id)
        except (ArmError, NoOriginError) as error:
            kind = OutcomeKind.APPLIED if done else OutcomeKind.UNKNOWN
            return Outcome(kind, f"the change was {said}; the origin cannot be looked at: {error}")
        if origin.enabled_state != wanted:
            return Outcome(OutcomeKind.UNKNOWN, f"the change was {said}, but {origin.words()}")
        if done and origin.settled:
            return Outcome(OutcomeKind.APPLIED, f"the origin was {wanted.lower()}")
        return Outcome(OutcomeKind.APPLIED, "accepted, still being rolled out")


def _time() -> float:
    return asyncio.get_running_loop().time()


async def _never_raising(attempt: Awaitable[Outcome]) -> Outcome:
    try:
        return await attempt
    except ArmError as error:
        return error.outcome
    except NoOriginError as error:
        return Outcome(OutcomeKind.REFUSED, str(error))


def _found(words: str, origin: Origin) -> Outcome:
    still = "" if origin.settled else ", still being rolled out"
    return Outcome(OutcomeKind.APPLIED, words + still, found=True)
