"""Which stamps do these resource groups make, and which of them make none?

A group that fits and cannot be a stamp is told of and left out; the others are
stamps all the same. What stands in the file by name goes before what is found.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from rules.discovery_file import fill, filled
from rules.stamp_file import StampModel
from rules.topology import BlobStateFile, Discovery, Group, Stamp, StateFileAddress, Workload

_NAME_CHARACTERS = 63
_PIECE = re.compile(r"\*|\{region\}")
_SOME_REGION = "[a-z0-9]+"


@dataclass(frozen=True, slots=True)
class Found:
    """A workload with the stamps that were found.

    Attributes:
        workload: with its own stamps first, and the found ones in the order of their groups' names.
        by_group: name of the found stamp by name of its group, in lower case.
        problems: why groups that fit are no stamps, for people.
    """

    workload: Workload
    by_group: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class _LeftOutError(Exception):
    """A group cannot be a stamp; the message says why."""


def with_found(
    workload: Workload,
    groups: Iterable[Group],
    *,
    place: Callable[[Stamp], Stamp] = lambda stamp: stamp,
    before: Mapping[str, str] | None = None,
) -> Found:
    """The workload with those stamps that its `stamps_from` makes of these groups.

    Args:
        workload: with the stamps of its file alone.
        groups: as Azure lists them.
        place: what else is done with a stamp of a file, such as giving its folder an absolute path.
        before: what was found the last time, by group. What is known of a stamp must not become
            another's: where two would share what is a stamp's own, the older one has it, and a name
            that was another group's is free only after a time without it.
    """
    discovery, before = workload.stamps_from, before or {}
    if discovery is None:
        return Found(workload)
    candidates, problems = _candidates(workload, discovery, groups)
    taken = {key: f"stamp {stamp.name}" for stamp in workload.stamps for key in own_of(stamp)}
    taken |= {("resource_groups", group.lower()): "the workload" for group in workload.resource_groups}
    found: dict[str, Stamp] = {}
    for group in sorted(candidates, key=lambda group: group.lower() not in before):
        stamp = place(candidates[group])
        shared = next((key for key in own_of(stamp) if key in taken), None)
        if shared is not None:
            problems.append(_no_stamp(group, f"it would have the same {shared[0]} as {taken[shared]}"))
        elif before.get(group.lower()) == stamp.name or stamp.name not in before.values():
            taken |= dict.fromkeys(own_of(stamp), f"stamp {stamp.name}")
            found[group.lower()] = stamp
    found = dict(sorted(found.items()))
    return Found(
        replace(workload, stamps=(*workload.stamps, *found.values())),
        {group: stamp.name for group, stamp in found.items()},
        tuple(problems),
    )


def _candidates(
    workload: Workload, discovery: Discovery, groups: Iterable[Group]
) -> tuple[dict[str, Stamp], list[str]]:
    """The stamps that the groups would make, each by itself, and why others make none."""
    own = {group.lower() for stamp in workload.stamps for group in stamp.resource_groups}
    candidates: dict[str, Stamp] = {}
    problems: list[str] = []
    for group in fitting(discovery, groups):
        if group.name.lower() in own:
            continue  # the file speaks of it by name, and that holds
        try:
            candidates[group.name] = _stamp(discovery, group)
        except _LeftOutError as error:
            problems.append(_no_stamp(group.name, str(error)))
    return candidates, problems


def _no_stamp(group: str, why: str) -> str:
    return f"resource group {group} makes no stamp: {why}"


def fitting(discovery: Discovery, groups: Iterable[Group]) -> tuple[Group, ...]:
    """Those groups that are meant, by their names, in the order of these."""
    pattern = discovery.resource_group
    return tuple(
        group
        for group in sorted(groups, key=lambda group: group.name.lower())
        if pattern is None or _regex(pattern, _SOME_REGION).fullmatch(group.name)
    )


def own_of(stamp: Stamp) -> Iterator[tuple[str, object]]:
    """What a stamp must have for itself alone: the key of a file, and the value made comparable."""
    yield "name", stamp.name
    yield "health_service", stamp.health_service.rstrip("/").lower()
    yield "state_file", _same_file(stamp.state_file)
    if stamp.front_door_origin is not None:
        yield "front_door_origin", stamp.front_door_origin.lower()
    if stamp.event_hub is not None:
        hub = stamp.event_hub
        namespace = (hub.namespace or str(hub.connection)).lower()
        yield "event_hub", (namespace, hub.hub.lower(), hub.consumer_group.lower())
    for group in stamp.resource_groups:
        yield "resource_groups", group.lower()


def _same_file(address: StateFileAddress) -> object:
    match address:
        case BlobStateFile(account_url=str(url)):
            return replace(address, account_url=url.rstrip("/").lower())
        case _:
            return address


def _stamp(discovery: Discovery, group: Group) -> Stamp:
    """The stamp of a group that is meant."""
    region = "".join(group.location.split()).lower()
    values = {"group": group.name, "region": region, "region9": region[:9], "prefix": ""}
    if discovery.resource_group is not None:
        match = _regex(discovery.resource_group, re.escape(region)).fullmatch(group.name)
        if match is None:
            raise _LeftOutError(f"it lies in {region}, and its name says otherwise")
        values["prefix"] = match[1] if match.groups() else ""
    name = discovery.template.get("name")
    values["name"] = fill(name, values) if isinstance(name, str) else _name_of(group)
    try:
        return StampModel.model_validate(filled(discovery.template, values)).stamp()
    except ValidationError as error:
        raise _LeftOutError(_words(error)) from error


def _regex(pattern: str, region: str) -> re.Pattern[str]:
    """The pattern, with that in the place of the region; the first `*` is its first group."""
    stars = 0
    parts: list[str] = []
    end = 0
    for piece in _PIECE.finditer(pattern):
        parts.append(re.escape(pattern[end : piece.start()]))
        if piece[0] == "*":
            parts.append("(.*)" if stars == 0 else ".*")
            stars += 1
        else:
            parts.append(region)
        end = piece.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]), re.IGNORECASE)


def _name_of(group: Group) -> str:
    """The group's name, cut to what the name of a stamp may be."""
    return re.sub("[^a-z0-9-]+", "-", group.name.lower())[:_NAME_CHARACTERS]


def _words(error: ValidationError) -> str:
    """The first fault: where, and what was expected."""
    fault: Mapping[str, Any] = error.errors(include_url=False, include_input=False)[0]
    at = ".".join(str(part) for part in fault["loc"] if not str(part).startswith("<"))
    complaints = fault.get("ctx", {}).get("complaints")
    return f"{at}: {complaints[0].message if complaints else fault['msg']}"
