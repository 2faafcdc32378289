"""Which workload, stamp and node is a fact about, and how do we know?

Only what `workload.yaml` names is ours. Alert rules carry the same name in every
stamp, so a fact is placed by the clues it carries: resources, labels, regions.
A stamp is never guessed: a wrong one would be drained.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from remediation.intake.place import Candidate, Clues, Owned, Place, region_word
from remediation.intake.rejection import Code, Rejection, excerpt
from rules.signals import Subject
from rules.topology import Workload

_NAMED = 8

OF_A_REGION = "it was placed by its region alone, whose monitoring outlives the stamps there"


@dataclass(frozen=True, slots=True)
class Placed:
    """Whom a fact is about.

    Attributes:
        subject: workload, stamp and node.
        by: the rule of the mapping that decided it, in words.
        doubt: why it must never cause an action, where the stamp is likely and not certain.
    """

    subject: Subject
    by: str
    doubt: str = ""


class _Owner(NamedTuple):
    """Who has a resource group: a workload, or one stamp of it."""

    workload: str
    stamp: str | None


class Known:
    """The workloads, their stamps, and what is theirs."""

    def __init__(self, workloads: Mapping[str, Workload]) -> None:
        self._roots: dict[tuple[str, str | None], str] = {}
        self._stamps: dict[str, tuple[str, ...]] = {}
        self._owners: dict[str, set[_Owner]] = {}
        self._candidates = [Candidate(workload) for workload in workloads.values()]
        for workload in workloads.values():
            self._stamps[workload.name] = workload.stamp_names
            for stamp in (None, *workload.stamp_names):
                self._roots[workload.name, stamp] = workload.root_node
            self._claim(workload.resource_groups, _Owner(workload.name, None))
            for owned in workload.stamps:
                self._claim(owned.resource_groups, _Owner(workload.name, owned.name))

    def _claim(self, groups: Iterable[str], owner: _Owner) -> None:
        for group in groups:
            self._owners.setdefault(group.lower(), set()).add(owner)

    @property
    def workloads(self) -> tuple[str, ...]:
        """The names of the workloads."""
        return tuple(self._stamps)

    def root_of(self, workload: str, stamp: str | None) -> str:
        """The name of the root node of a stamp (None: of the workload).

        Raises:
            Rejection: `not_ours`, for a workload or stamp that is not known.
        """
        root = self._roots.get((workload, stamp))
        if root is None:
            raise self._unknown(workload, stamp)
        return root

    def place(self, clues: Clues) -> tuple[Placed, ...]:
        """Whom a fact with these clues is about: one answer for each workload that it concerns.

        A stamp is named only where everything points at that one stamp. In every other case (two
        stamps, two workloads, a resource that is not ours) the fact is about the workload as a
        whole: people are told, and no stamp is drained for it.

        Raises:
            Rejection: `not_ours`, where nothing points at a known workload.
        """
        groups = clues.all_groups()
        owners = {group: self._owners.get(group or "", set()) for group in groups}
        concerned = {owner.workload for found in owners.values() for owner in found}
        foreign = any(not found for found in owners.values())
        alone = len(concerned) == 1 and not foreign
        placed: list[Placed] = []
        for candidate in self._candidates:
            name = candidate.name
            owned = {
                group: {owner.stamp for owner in found if owner.workload == name}
                for group, found in owners.items()
            }
            by_group = _by_group(owned, alone=alone) if name in concerned else None
            place = candidate.place(clues, by_group, owned)
            if place is not None:
                placed.append(_placed(name, place))
        if not placed:
            raise _not_ours(clues)
        return tuple(sorted(placed, key=lambda each: each.subject.workload))

    def in_regions(self, regions: Iterable[str]) -> tuple[Placed, ...]:
        """Whom a fact about whole regions is about: every stamp there; of `Global`, every workload.

        Args:
            regions: display names (`East US 2`) or short ones. None at all counts as `Global`.

        Raises:
            Rejection: `not_ours`, where no stamp lies in any of them.
        """
        named = {region_word(region): region for region in regions} or {"global": "Global"}
        placed = [
            Placed(Subject(each.name), "it is about Azure as a whole")
            for each in self._candidates
            if "global" in named
        ]
        for each in self._candidates:
            for stamp, region in each.regions.items():
                if region in named:
                    placed.append(Placed(Subject(each.name, stamp), f"stamp {stamp} lies in {named[region]}"))
        if not placed:
            listed = excerpt(", ".join(sorted(named.values())))
            reason = f"no stamp of a known workload lies in {listed}"
            raise Rejection(Code.NOT_OURS, reason)
        return tuple(placed)

    def _unknown(self, workload: str, stamp: str | None) -> Rejection:
        stamps = self._stamps.get(workload)
        if stamps is None:
            what, known = f"data.workload {excerpt(workload)}", tuple(self._stamps)
        else:
            what, known = f"data.stamp {excerpt(stamp or '')} of workload {workload}", stamps
        there = ", ".join(sorted(known)[:_NAMED]) or "none"
        return Rejection(Code.NOT_OURS, f"{what} is not known; known are: {there} (case matters)")


def with_node(placed: Placed, node: str) -> Placed:
    """The same about a node of it."""
    return replace(placed, subject=placed.subject._replace(node=node))


def _by_group(owned: Owned, *, alone: bool) -> Place:
    """What the resource groups of one workload say: a stamp only where all resources lie in that one."""
    stamps = {stamp: group for group, theirs in owned.items() for stamp in theirs}
    if len(stamps) == 1 and alone:
        stamp, group = next(iter(stamps.items()))
        whose = f"stamp {stamp}" if stamp else "the workload"
        return Place(stamp, f"resource group {group} belongs to {whose}")
    return Place(None, "its resources lie in more than one place", torn=True)


def _placed(workload: str, place: Place) -> Placed:
    doubt = OF_A_REGION if place.of_region else ""
    return Placed(Subject(workload, place.stamp, place.node), place.by, doubt)


def _not_ours(clues: Clues) -> Rejection:
    groups = ", ".join(sorted({group for group in clues.all_groups() if group})[:_NAMED])
    found = f" (found: {excerpt(groups)})" if groups else ""
    reason = (
        f"no resource or label of it belongs to a known workload{found}; "
        "add the group to `resource_groups` of the stamp or workload, or a row to `subjects`, or leave it"
    )
    return Rejection(Code.NOT_OURS, reason)
