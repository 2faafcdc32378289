"""What is an origin of Front Door, as Azure gives it, and what must be kept to bring it back as it was?

Wire format: Microsoft.Cdn, `AFDOrigins`, as Azure's REST reference has it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from remediation.act.answer import scrub

ENABLED, DISABLED = "Enabled", "Disabled"

_ID = re.compile(
    r"(?P<group>/subscriptions/[^/?#%]+/resourceGroups/[^/?#%]+/providers/Microsoft\.Cdn"
    r"/profiles/[^/?#%]+/originGroups/[^/?#%]+)/origins/(?P<name>[^/?#%]+)",
    re.IGNORECASE,
)
_OVER = {"succeeded", "failed", "canceled"}
_PASSING = {"provisioningState", "deploymentStatus"}
"""What changes while the origin stays the same."""


class NoOriginError(Exception):
    """What was given is no origin, or does not name one."""


class Kept(BaseModel):
    """What is needed to bring an origin back as it was."""

    model_config = ConfigDict(populate_by_name=True)

    enabled_state: str = Field(alias="enabledState")
    weight: int | None = None
    priority: int | None = None

    def content(self) -> str:
        """As the ledger keeps it."""
        return _compact(self.wire())

    def wire(self) -> dict[str, Any]:
        """As Azure takes it."""
        return self.model_dump(by_alias=True, exclude_none=True)


class _Properties(Kept):
    rollout: str = Field(default="Succeeded", alias="provisioningState")


class _Document(BaseModel):
    name: str
    properties: _Properties


@dataclass(frozen=True, slots=True)
class OriginId:
    """The resource id of an origin, in its parts.

    Attributes:
        whole: the origin's own.
        collection: of all origins of its group.
        name: unique in its group, in any case of its letters.
    """

    whole: str
    collection: str
    name: str

    @property
    def subscription(self) -> str:
        """By which Azure counts what is asked of it."""
        return self.whole.split("/")[2].lower()


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin, as it was seen.

    Attributes:
        name: unique in its group.
        enabled_state: `Enabled` or `Disabled`, or another word of Azure's.
        kept: what brings it back as it is.
        rollout: its `provisioningState`.
        tag: the same for the same state. An origin that was changed and changed back has its old tag
            again, unless Azure says when it was last changed.
    """

    name: str
    enabled_state: str
    kept: Kept
    rollout: str
    tag: str

    @property
    def settled(self) -> bool:
        """No change is being rolled out."""
        return self.rollout.lower() in _OVER

    @property
    def carries_traffic(self) -> bool:
        """Enabled, and that is no plan but done."""
        return self.enabled_state == ENABLED and self.rollout.lower() == "succeeded"

    def words(self) -> str:
        """What it shows, for people."""
        return scrub(f"{self.name} is {self.enabled_state} ({self.rollout})")

    def worth_knowing(self) -> str:
        """What else people should know of it; nothing of one that rests, enabled or disabled."""
        if not self.settled:
            return f"a change of the origin is still being rolled out: {self.words()}"
        if self.rollout.lower() != "succeeded":
            return f"the last change of the origin failed: {self.words()}"
        return "" if self.enabled_state in {ENABLED, DISABLED} else self.words()


def read_id(resource_id: str | None) -> OriginId:
    """The id of a stamp's origin.

    Raises:
        NoOriginError: there is none, or it is something else's.
    """
    if not resource_id:
        raise NoOriginError("no Front Door origin is configured")
    match = _ID.fullmatch(resource_id)
    if match is None:
        raise NoOriginError("front_door_origin is no resource id of an origin in Front Door")
    return OriginId(match[0], f"{match['group']}/origins", match["name"])


def read_origin(document: Mapping[str, Any]) -> Origin:
    """An origin. Without a `provisioningState`, no change of it is being rolled out.

    Raises:
        NoOriginError: it is none.
    """
    try:
        read = _Document.model_validate(document)
    except ValidationError as error:
        raise NoOriginError("the answer is no origin of Front Door's") from error
    seen = read.properties
    kept = Kept(enabled_state=seen.enabled_state, weight=seen.weight, priority=seen.priority)
    return Origin(read.name, seen.enabled_state, kept, seen.rollout, _tag(document))


def read_content(content: str) -> Kept:
    """What the ledger kept.

    Raises:
        NoOriginError: it is something else.
    """
    try:
        return Kept.model_validate_json(content)
    except ValidationError as error:
        raise NoOriginError("how the origin was before cannot be read") from error


def _tag(document: Mapping[str, Any]) -> str:
    lasting = {key: value for key, value in document["properties"].items() if key not in _PASSING}
    seen = {"properties": lasting, "systemData": document.get("systemData")}
    return hashlib.sha256(_compact(seen).encode("utf-8", "replace")).hexdigest()[:32]


def _compact(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), sort_keys=True)
