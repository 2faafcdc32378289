"""Is a rule found out whose target no workload file names?"""

from dataclasses import replace

import pytest

from rules.rule import Playbook, Rule
from rules.targets import nothing_to_act_upon
from rules.topology import Deployment, Endpoint
from tests.builders import a_rule, a_workload

SHOP = a_workload(
    deployments=(Deployment("https://k.example", "shop", "processor", name="processor", stamp="weu"),),
    webhooks=(Endpoint("https://x.example", name="owner"),),
)
RESTARTS = a_rule("again", playbook=Playbook.RESTART, target="processor", where="rules.yaml:7")
ASKS = a_rule("asks", playbook=Playbook.WEBHOOK, target="owner", where="rules.yaml:9")


def said(*rules: Rule) -> list[str]:
    """The problems, as people read them, where there is one more workload that names nothing."""
    return [str(problem) for problem in nothing_to_act_upon(rules, [a_workload("other"), SHOP])]


def test_what_some_workload_names_is_no_problem() -> None:
    """A rule may be for one of several workloads; one that drains has no target."""
    assert said(RESTARTS, ASKS, a_rule()) == []


@pytest.mark.parametrize("target", ["procesor", "owner"])
def test_a_target_that_nobody_names_is_told_with_its_place(target: str) -> None:
    """Where the rule stands, what was looked for, and what it may have been."""
    hint = "did you mean 'processor'?" if target == "procesor" else "they name processor"
    wanted = f"rules.yaml:7:1: rule again: no workload names a deployment '{target}'; {hint}"
    assert said(replace(RESTARTS, target=target)) == [wanted]


def test_it_says_where_there_is_nothing_of_that_kind_at_all() -> None:
    """There is nothing it could have been meant for."""
    (problem,) = nothing_to_act_upon([ASKS], [a_workload()])
    assert problem.hint == "they name no webhook at all"
