"""What do the clues in a body say about one workload: which stamp of it, which node, and why?

The rows of `subjects` in `workload.yaml` come first, in their order. Where they
are silent, the reference architecture's names decide: a label that names the
stamp, a Front Door origin by its host, resource groups, and last a region.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from remediation.intake.resource import node_of, resource_group, resource_name, resource_type
from rules.topology import ROOT_NODE, HealthModel, SubjectRow, Workload

Owned = Mapping[str | None, AbstractSet[str | None]]
"""The stamps (None: the workload itself) that have a resource group, by its name in lower case."""

STAMP_LABEL = "stamp"
"""A label, dimension or custom property of this name whose value is a stamp's name says so plainly."""

ORIGIN_LABELS = frozenset({"origin", "originname", "host"})
"""Dimensions of Front Door's metrics that name an origin by its host."""

REGION_LABELS = frozenset({"region", "location", "cloud/region", "azure_region"})

_SHORT = 9
"""The reference cuts regions to so many letters in the names of resources."""

_PARENTHESES = re.compile(r"\([^)]*\)")
_NO_LETTER = re.compile(r"[^a-z0-9]")


def region_word(region: str) -> str:
    """The short name of a region, such as `eastus2`, however it is written: `East US 2`, `(US) East US 2`."""
    return _NO_LETTER.sub("", _PARENTHESES.sub("", region.lower()))


@dataclass(frozen=True, slots=True)
class Clues:
    """What a body gives to place it by. Any of them may be missing.

    Attributes:
        resources: ids of the resources it is about, as they came.
        groups: resource groups, where it names them without naming resources.
        labels: names and values of dimensions, labels and custom properties.
        regions: names of regions, display names or short ones.
        alert: the name of the alert rule.
    """

    resources: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    regions: tuple[str, ...] = ()
    alert: str = ""

    def all_groups(self) -> tuple[str | None, ...]:
        """The resource groups, lower case; None for a resource outside any."""
        if self.resources:
            return tuple(resource_group(resource) for resource in self.resources)
        return tuple(group.lower() for group in self.groups)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a workload.

    Attributes:
        stamp: which; None for the workload as a whole.
        by: how that was found, in words.
        node: which node, where it can be told.
        torn: the clues point at more than one place.
        of_region: the stamp was found by its region alone.
    """

    stamp: str | None
    by: str
    node: str | None = None
    torn: bool = False
    of_region: bool = False


class Candidate:
    """One workload, as something that clues may point at."""

    def __init__(self, workload: Workload) -> None:
        self.name = workload.name
        self.regions = {stamp.name: region_word(stamp.region) for stamp in workload.stamps}
        self._rows = workload.subjects
        self._root = workload.root_node
        self._entities = _entities(workload.health_model)
        self._hosts = _hosts(workload)
        self._stamps = {stamp.lower(): stamp for stamp in workload.stamp_names}

    def place(self, clues: Clues, by_group: Place | None, owned: Owned) -> Place | None:
        """Where in this workload these clues point; None where they do not point at it at all.

        Args:
            clues: of the body.
            by_group: what its resource groups say; None where none of them is this workload's.
            owned: which of its resource groups are whose.
        """
        matching = [row for row in self._rows if _matches(row, clues, self._stamps)]
        place = self._by_rows(matching, clues, owned) or self._by_entity(clues)
        if place is None and by_group is not None:
            place = self._by_default(clues, by_group)
        elif place is None:
            # A node, a region or the name of a stamp is no claim: other people have those too. A host is.
            place = self._by_host(clues)
        return place and self._with_node(place, clues, matching)

    def _by_rows(self, rows: Sequence[SubjectRow], clues: Clues, owned: Owned) -> Place | None:
        found: dict[str, SubjectRow] = {}
        for row in rows:
            for stamp in _stamps_of(row, clues, self._stamps):
                found.setdefault(stamp, row)
        if not found:
            return None
        if len(found) > 1:
            return Place(None, f"rows of `subjects` name {', '.join(sorted(found))}", torn=True)
        stamp, row = found.popitem()
        by = f"`subjects`: {words_of(row)}"
        if _quarrels(stamp, [each for each in rows if each.stamp == stamp], clues, owned):
            return Place(None, f"{by}, but it is about other resources too", torn=True)
        return Place(stamp, by)

    def _by_entity(self, clues: Clues) -> Place | None:
        """What `health_model` of the workload file says of an entity that the fact is about."""
        ids = [resource.rstrip("/").lower() for resource in clues.resources]
        if not ids or not all(each in self._entities for each in ids):
            return None
        stamps, nodes = (set(each) for each in zip(*map(self._entities.__getitem__, ids), strict=True))
        if len(stamps) > 1:
            return Place(None, "its entities of the health model are of more than one stamp", torn=True)
        node = nodes.pop() if len(nodes) == 1 else None
        return Place(stamps.pop(), "`health_model` names its entity", node)

    def _by_default(self, clues: Clues, by_group: Place) -> Place:
        """Everything that names a stamp must name the same one."""
        said = [place for place in (by_group, self._by_label(clues), self._by_host(clues)) if place]
        if any(place.torn for place in said):
            return next(place for place in said if place.torn)
        stamps = {place.stamp for place in said if place.stamp}
        if len(stamps) > 1:
            listed = " and ".join(place.by for place in said if place.stamp)
            return Place(None, f"its clues contradict each other: {listed}", torn=True)
        if stamps:
            return next(place for place in said if place.stamp)
        return self._by_region(clues) or by_group

    def _by_label(self, clues: Clues) -> Place | None:
        named = {
            self._stamps[value.lower()]
            for name, value in clues.labels
            if name.lower() == STAMP_LABEL and value.lower() in self._stamps
        }
        return _one(named, "the label `stamp` names it")

    def _by_host(self, clues: Clues) -> Place | None:
        labelled = [value.lower() for name, value in clues.labels if name.lower() in ORIGIN_LABELS]
        named = {stamp for host in labelled for stamp in self._hosts.get(host, ())}
        return _one(named, "the origin is the host of its HealthService")

    def _by_region(self, clues: Clues) -> Place | None:
        """The one stamp of a region; none where two stamps could be meant, even by a name cut short."""
        labelled = [value for name, value in clues.labels if name.lower() in REGION_LABELS]
        regions = {region_word(region) for region in (*clues.regions, *labelled)}
        named = {stamp for stamp, region in self.regions.items() if region in regions}
        for resource in clues.resources:
            parts = set(re.split(r"[-_.]", resource_name(resource)))
            named |= {stamp for stamp, region in self.regions.items() if parts & {region, region[:_SHORT]}}
        place = _one(named, "its region has no other stamp")
        return replace(place, of_region=True) if place and place.stamp else None

    def _with_node(self, place: Place, clues: Clues, rows: Iterable[SubjectRow]) -> Place:
        named = [row for row in rows if row.node]
        if named:
            return replace(place, node=named[0].node, by=f"{place.by}; node by {words_of(named[0])}")
        nodes = {node_of(resource) for resource in clues.resources}
        if place.node or len(nodes) != 1:
            return place
        # The reference calls the root `Stamp`, a workload perhaps otherwise.
        node = nodes.pop()
        return replace(place, node=self._root if node == ROOT_NODE else node)


def _hosts(workload: Workload) -> dict[str, set[str]]:
    """The stamps by the host of their HealthService. Two behind one host are never told apart by it."""
    found: dict[str, set[str]] = {}
    for stamp in workload.stamps:
        host = urlsplit(stamp.health_service).hostname
        if host:
            found.setdefault(host, set()).add(stamp.name)
    return found


def _entities(model: HealthModel | None) -> dict[str, tuple[str | None, str | None]]:
    """Stamp and node by the resource id of each entity that a workload file names, in lower case.

    The model itself is the workload's, too, and no node of it.
    """
    if model is None:
        return {}
    whole = model.model.rstrip("/").lower()
    return {whole: (None, None)} | {
        f"{whole}/entities/{name.lower()}": place for name, place in model.entities.items()
    }


def words_of(row: SubjectRow) -> str:
    """A row as it is written, such as `resource */mc_shop_weu_*`."""
    if row.label is not None:
        return f"label {row.label}" + (f" is {row.value}" if row.value is not None else " names the stamp")
    what, pattern = next(
        (what, pattern)
        for what, pattern in (
            ("resource", row.resource),
            ("resource_type", row.resource_type),
            ("alert", row.alert),
        )
        if pattern is not None
    )
    return f"{what} {pattern}"


def _one(stamps: set[str], by: str) -> Place | None:
    if len(stamps) > 1:
        return Place(None, f"it names {', '.join(sorted(stamps))}", torn=True)
    return Place(stamps.pop(), by) if stamps else None


def _matches(row: SubjectRow, clues: Clues, stamps: Iterable[str]) -> bool:
    if row.resource is not None or row.resource_type is not None:
        return any(_is_of(row, resource) for resource in clues.resources)
    if row.alert is not None:
        return bool(clues.alert) and _like(clues.alert, row.alert)
    values = [value for name, value in clues.labels if name.lower() == (row.label or "").lower()]
    if row.value is None:
        return any(value.lower() in stamps for value in values)
    return any(_like(value, row.value) for value in values)


def _quarrels(stamp: str, rows: Iterable[SubjectRow], clues: Clues, owned: Owned) -> bool:
    """Whether something else in a body contradicts rows that name this stamp.

    A row about resources speaks for those that it matches; every other one must be the stamp's too.
    A row about labels or the alert says what the fact is about, whatever was asked for it, such as
    the workspace of Prometheus: only a resource of another stamp contradicts it.
    """
    of_resources = [row for row in rows if row.resource is not None or row.resource_type is not None]
    if of_resources:
        others = [each for each in clues.resources if not any(_is_of(row, each) for row in of_resources)]
        return any(owned.get(resource_group(each)) != {stamp} for each in others)
    return any(owned.get(group, {None}) - {None, stamp} for group in clues.all_groups())


def _is_of(row: SubjectRow, resource: str) -> bool:
    """Whether a row about resources matches this one."""
    if row.resource is not None:
        return _like(resource, row.resource)
    return (row.resource_type or "").lower() == (resource_type(resource) or "")


def _stamps_of(row: SubjectRow, clues: Clues, stamps: dict[str, str]) -> list[str]:
    """The stamps that a matching row names: its own, or those that its label's values are names of."""
    if row.stamp is not None:
        return [row.stamp]
    if row.label is None or row.value is not None:
        return []
    values = [value.lower() for name, value in clues.labels if name.lower() == row.label.lower()]
    return [stamps[value] for value in values if value in stamps]


def _like(text: str, pattern: str) -> bool:
    """Whether a text has this pattern. Only `*` is special, and case does not matter."""
    return fnmatchcase(text.lower(), re.sub(r"([\[?])", r"[\1]", pattern.lower()))
