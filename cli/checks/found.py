"""Are the stamps found that come and go?"""

from cli.checks.frame import Check, NotWellError
from remediation.probes.stamps import StampGroups
from rules.discovered import Found, with_found
from rules.topology import Workload

_MEND = "check `stamps_from`; give the worker's identity Reader on the groups, or on their subscription"


async def seek(workload: Workload, groups: StampGroups) -> tuple[Workload, list[Check]]:
    """The workload with the stamps that are there now, and a check that says what was found."""
    if workload.stamps_from is None:
        return workload, []
    listed = (await groups.listed({workload.name: workload.stamps_from}))[workload.name]
    found = Found(workload) if listed.groups is None else with_found(workload, listed.groups)

    async def said() -> str:
        if listed.groups is None:
            raise NotWellError(listed.failed, _MEND)
        if found.problems:
            mend = "mend the template, or let the pattern not fit these groups"
            raise NotWellError("; ".join(found.problems), mend)
        return f"{len(found.by_group)} found: {', '.join(found.by_group.values()) or 'none but the file has'}"

    return found.workload, [Check(f"{workload.name}: stamps", said)]
