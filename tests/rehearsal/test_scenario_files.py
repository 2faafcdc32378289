"""Is every slip in a scenario file told with its place, and what was meant?"""

import jsonschema
import pytest
from ruamel.yaml import YAML

from rehearsal.rule_tests import rule_tests_schema
from rehearsal.scenario.load import read_scenario, scenario_schema
from rules.problems import FileError
from tests.rehearsal.stories import SCENARIOS, a_scenario

HEAD = "name: x\nrun: 10m\nexpect: [no pages]\n"


def problems(text: str) -> list[str]:
    """What the loader has to say."""
    with pytest.raises(FileError) as told:
        read_scenario(text, "s.yaml", SCENARIOS)
    return str(told.value).splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timelin: []", "s.yaml:4:1: unknown key `timelin`; did you mean 'timeline'?"),
        (
            "timeline: [{at: 1m, brake: {what: processor}}]",
            "s.yaml:4:21: unknown key `brake`; did you mean 'break'?",
        ),
        (
            "timeline: [{at: 1m, break: {what: procesor}}]",
            "found 'procesor'; did you mean 'processor'?",
        ),
        (
            "timeline: [{at: 1m, break: {what: processor, stamp: wue}}]",
            "s.yaml:4:53: there is no stamp wue; did you mean 'weu'?",
        ),
        (
            "timeline: [{at: 1m, break: {what: dns, stamp: weu}}]",
            "s.yaml:4:47: dns is never one stamp's own; leave it out",
        ),
        (
            "workload: {maintenance: [{from: 5m, until: 2m}]}",
            "s.yaml:4:44: it ends before it begins",
        ),
        ("timeline: [{at: 1m, health: {node: eus/Stamp, state: red}}]", "there is no stamp eus"),
        ("timeline: [{at: 1m, person: {drain: eus}}]", "there is no stamp eus"),
        ("timeline: [{at: 1m, fault: {late_delete: {stamp: eus, by: 3m}}}]", "there is no stamp eus"),
        ("timeline: [{at: 1m, person: {drain: weu, undo: weu}}]", "found drain and undo"),
        ("timeline: [{at: 1m}]", "expected exactly one of break, mend"),
        ("timeline: [{at: 11m, person: {drain: weu}}]", "it happens after the end of the run"),
        ("timeline: [{at: 1m, fault: {crash: worker-2}}]", "there is no worker-2"),
        ("timeline: [{at: 1m, until: 2m, person: {drain: weu}}]", "`until` needs `every`"),
        ("timeline: [{at: 1m, body: {file: none.json}}]", "the file none.json cannot be read"),
        ("rules: [none.yaml]", "the file none.yaml cannot be read"),
        ("workload: {file: x.yaml, stamps: [weu]}", "expected nothing beside `file`"),
        ("workload: {policy: {min_serving: 0}}", "the last-stamp rule cannot be switched off"),
        ("row: F31", "a row of the failure table"),
    ],
)
def test_a_slip_is_told_with_its_place(text: str, said: str) -> None:
    """As in workload and rule files."""
    assert any(said in line for line in problems(f"{HEAD}{text}\n")), problems(f"{HEAD}{text}\n")


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ("drained: weu bye 3m", "expected `drained: STAMP"),
        ("drained: eus", "there is no stamp eus"),
        ("held by: keeps_enough", "did you mean 'keeps_enough_serving'?"),
        ("verdict: globe", "did you mean 'global'?"),
        ("pagez: 1", "unknown expectation `pagez`; did you mean 'pages'?"),
        ("pages: some", "expected `pages:"),
        ("never: draned weu", "did you mean 'drained'?"),
        ("drained: weu between 5m and 2m", "ends before it begins"),
        ("users served: most", "expected `users served:"),
        ("no pages please", "expected nothing but a time"),
        ("'journal complete: by 3m'", "expected nothing after `journal complete`, found 'by 3m'"),
        ("journal complete by 3m", "did you mean 'journal complete'?"),
        ("pages: 1 as critcal", "there is no severity critcal; did you mean 'critical'?"),
        ("pages: 1 as Sev0", "there is no severity Sev0; known: critical, error, warning, info"),
        ("never: paged as loud", "there is no severity loud"),
        ("never: paged loudly", "expected `never: paged [as SEVERITY]"),
        ("fenced off: eus", "there is no stamp eus"),
        ("[1, 2]", "expected a sentence"),
    ],
)
def test_a_slip_in_an_expectation_is_told_with_its_place(expectation: str, said: str) -> None:
    """An expectation that is misread would be green for ever."""
    lines = problems(f"name: x\nrun: 10m\nexpect:\n  - {expectation}\n")
    assert any(said in line and line.startswith("s.yaml:4:5:") for line in lines), lines


def test_an_expectation_may_be_a_mapping_or_a_sentence() -> None:
    """Both say the same."""
    scenario = a_scenario("expect:\n  - drained: weu by 3m\n  - 'drained: weu by 3m'\n  - pages: 1\n")
    first, second, third = scenario.expectations
    assert first == second
    assert (third.least, third.most) == (1, 1)


@pytest.mark.slow
def test_every_shipped_scenario_satisfies_the_schema_that_editors_are_given() -> None:
    """What the loader takes, an editor does not underline."""
    scenario, rule_tests = scenario_schema(), rule_tests_schema()
    for schema in (scenario, rule_tests):
        jsonschema.Draft202012Validator.check_schema(schema)
    for file in sorted(SCENARIOS.glob("*.yaml")):
        content = YAML(typ="safe").load(file.read_text("utf-8"))
        jsonschema.validate(content, rule_tests if "rule_tests" in content else scenario)


def test_every_shipped_scenario_of_a_row_is_named_by_it() -> None:
    """The failure table is found by file name."""
    for file in sorted(SCENARIOS.glob("[FI][0-9]*.yaml")):
        content = YAML(typ="safe").load(file.read_text("utf-8"))
        assert content.get("row", file.name[:3]) == file.name.partition("-")[0]
