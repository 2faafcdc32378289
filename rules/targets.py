"""Does what a rule acts upon exist in any workload?

A target that is misspelt is held at three in the morning, by a guardrail that names it. Rule files and
workload files are read apart from each other, so this is asked of both together, and before that.
"""

from collections.abc import Collection, Iterable, Iterator

from rules.problems import Problem, did_you_mean
from rules.rule import Playbook, Rule
from rules.topology import Workload


def nothing_to_act_upon(rules: Iterable[Rule], workloads: Collection[Workload]) -> Iterator[Problem]:
    """A problem for each rule whose target no workload names. A rule may be for some of them only."""
    deployments = sorted({each.name for workload in workloads for each in workload.deployments})
    webhooks = sorted({each.name for workload in workloads for each in workload.webhooks})
    for rule in rules:
        restarts = rule.playbook is Playbook.RESTART
        known = deployments if restarts else webhooks
        if not rule.playbook.targets or rule.target in known:
            continue
        file, _, line = rule.where.rpartition(":")
        what = "deployment" if restarts else "webhook"
        said = f"rule {rule.name}: no workload names a {what} {rule.target!r}"
        named = f"they name {', '.join(known)}" if known else f"they name no {what} at all"
        yield Problem(file, int(line), 1, said, did_you_mean(str(rule.target), known, named))
