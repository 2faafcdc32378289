"""Which of host.json's settings does the local host follow?

The same host.json goes to Azure. Settings that shape what a function sees are followed here; those that
only mean something there (scaling, logging, bundles) are left alone. A setting that would change behaviour
and that is not followed is warned about, so that nobody trusts a local run too far.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from local.functions_host.errors import HostError

_LOGGER = logging.getLogger(__name__)


class InitialOffset(Enum):
    """Where to begin in a partition that has no checkpoint."""

    FROM_START = "fromstart"
    FROM_END = "fromend"
    FROM_ENQUEUED_TIME = "fromenqueuedtime"


@dataclass(frozen=True)
class EventHubSettings:
    """`extensions.eventHubs`, with the real host's defaults (extension 6)."""

    max_batch_size: int = 100
    prefetch_count: int = 300
    initial_offset: InitialOffset = InitialOffset.FROM_START
    enqueued_after: datetime | None = None
    web_sockets: bool = False


@dataclass(frozen=True)
class HostJson:
    """What the local host takes from host.json."""

    route_prefix: str = "api"
    event_hubs: EventHubSettings = EventHubSettings()


def read_host_json(path: Path | None) -> HostJson:
    """Read host.json; without a path every setting has its default.

    Raises:
        HostError: The file cannot be read, or a setting has a wrong type or value.
    """
    if path is None:
        return HostJson()
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise HostError(f"{path}: host.json cannot be read: {error}") from error
    extensions = _section(_section({"host.json": content}, "host.json"), "extensions")
    prefix = _section(extensions, "http").get("routePrefix", "api")
    if not isinstance(prefix, str):
        raise HostError(f"host.json: extensions.http.routePrefix must be text, not {prefix!r}")
    return HostJson(prefix.strip("/"), _event_hubs(_section(extensions, "eventHubs")))


def _section(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name, {})
    if not isinstance(value, dict):
        raise HostError(f"host.json: {name} must be an object, not {value!r}")
    return value


def _event_hubs(section: Mapping[str, Any]) -> EventHubSettings:
    for name in ("minEventBatchSize", "batchCheckpointFrequency"):
        if _positive(section, name, 1) > 1:
            _LOGGER.warning("host.json: extensions.eventHubs.%s is not followed locally; 1 is used", name)
    options = _section(section, "initialOffsetOptions")
    kind = options.get("type", "fromStart") or "fromStart"
    try:
        offset = InitialOffset(str(kind).lower())
    except ValueError:
        raise HostError(
            f"host.json: initialOffsetOptions.type is {kind!r}; "
            "expected fromStart, fromEnd or fromEnqueuedTime"
        ) from None
    return EventHubSettings(
        max_batch_size=_positive(section, "maxEventBatchSize", 100),
        prefetch_count=_positive(section, "prefetchCount", 300),
        initial_offset=offset,
        enqueued_after=_moment(options) if offset is InitialOffset.FROM_ENQUEUED_TIME else None,
        web_sockets=str(section.get("transportType", "")).lower() == "amqpwebsockets",
    )


def _positive(section: Mapping[str, Any], name: str, default: int) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise HostError(
            f"host.json: extensions.eventHubs.{name} must be a whole number above 0, not {value!r}"
        )
    return value


def _moment(options: Mapping[str, Any]) -> datetime:
    # .NET matches setting names without regard to case, and both spellings are in use.
    text = next((value for name, value in options.items() if name.lower() == "enqueuedtimeutc"), None)
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise HostError(
            f"host.json: initialOffsetOptions.enqueuedTimeUtc is {text!r}; "
            "expected a time such as 2026-01-31T09:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
