"""Which workload and stamp is a fact about?

Only what `workload.yaml` names is ours. Alert rules carry the same name in every
stamp, so an alert is placed by the resource groups of what it is about. A stamp
is never guessed: a wrong one would be drained.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from remediation.intake.rejection import Code, Rejection, excerpt
from rules.signals import Subject
from rules.topology import Workload

_RESOURCE_GROUP = re.compile(r"/resourcegroups/([^/]+)", re.IGNORECASE)
_NAMED = 8


class _Place(NamedTuple):
    """A workload, or one stamp of it."""

    workload: str
    stamp: str | None


def resource_group(resource_id: str) -> str | None:
    """The resource group in an Azure resource id, lower case; None where there is none."""
    found = _RESOURCE_GROUP.search(resource_id)
    return found[1].lower() if found else None


class Known:
    """The workloads, their stamps, and which resource groups are theirs."""

    def __init__(self, workloads: Mapping[str, Workload]) -> None:
        self._roots: dict[tuple[str, str | None], str] = {}
        self._stamps: dict[str, tuple[str, ...]] = {}
        self._owners: dict[str, set[_Place]] = {}
        for workload in workloads.values():
            self._stamps[workload.name] = workload.stamp_names
            for stamp in (None, *workload.stamp_names):
                self._roots[workload.name, stamp] = workload.root_node
            self._claim(workload.resource_groups, _Place(workload.name, None))
            for owned in workload.stamps:
                self._claim(owned.resource_groups, _Place(workload.name, owned.name))

    def _claim(self, groups: Iterable[str], place: _Place) -> None:
        for group in groups:
            self._owners.setdefault(group.lower(), set()).add(place)

    def root_of(self, workload: str, stamp: str | None) -> str:
        """The name of the root node of a stamp (None: of the workload).

        Raises:
            Rejection: `not_ours`, for a workload or stamp that is not known.
        """
        root = self._roots.get((workload, stamp))
        if root is None:
            raise self._unknown(workload, stamp)
        return root

    def owners(self, groups: Iterable[str | None]) -> tuple[Subject, ...]:
        """What an alert on resources in these groups is about: a subject for each workload.

        A stamp is named only where every resource lies in that one stamp and nothing else claims
        its group. In every other case (two stamps, two workloads, a resource that is not ours) the
        alert is about the workload as a whole: people are told, and no stamp is drained for it.
        None stands for a resource outside any group.

        Raises:
            Rejection: `not_ours`, where no group belongs to a known workload.
        """
        found: set[_Place] = set()
        foreign = False
        for group in groups:
            places = self._owners.get((group or "").lower())
            found |= places or set()
            foreign = foreign or not places
        if not found:
            reason = (
                "no resource of the alert lies in a resource group of a known workload; "
                "add the group to `resource_groups` of the stamp or workload, or leave it"
            )
            raise Rejection(Code.NOT_OURS, reason)
        if len(found) == 1 and not foreign:
            return (Subject(*found.pop()),)
        return tuple(Subject(workload) for workload in sorted({place.workload for place in found}))

    def _unknown(self, workload: str, stamp: str | None) -> Rejection:
        stamps = self._stamps.get(workload)
        if stamps is None:
            what, known = f"data.workload {excerpt(workload)}", tuple(self._stamps)
        else:
            what, known = f"data.stamp {excerpt(stamp or '')} of workload {workload}", stamps
        there = ", ".join(sorted(known)[:_NAMED]) or "none"
        return Rejection(Code.NOT_OURS, f"{what} is not known; known are: {there} (case matters)")
