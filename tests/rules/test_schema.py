"""Do editors say the same about a file as the loader does?"""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rules.load import catalog_texts, rule_problems, workload_problems
from rules.policy import Policy
from rules.schema import rules_schema, workload_schema
from rules.yaml_tree import read

ROOT = Path(__file__).parents[2]
WORKLOADS = [ROOT / "local/workload/shop/workload.yaml", ROOT / "docs/examples/workload.yaml"]

STAMPS = """
stamps:
  - {name: a, region: r, health_service: 'https://a.example', state_file: {folder: a}}
  - {name: b, region: r, health_service: 'http://127.0.0.1:1/x', state_file: {folder: b}}
"""
HEAD = "workload: shop"
GOOD_WORKLOADS = [
    HEAD + STAMPS,
    HEAD + "\nmode: auto\npolicy: {settle: 1h 30m, min_serving: 1}" + STAMPS,
    HEAD + "\nchannels: {teams: {url: env:A}}" + STAMPS,
    HEAD + STAMPS.replace("{folder: a}", "{container: abc, connection: env:A}"),
    HEAD + STAMPS.replace("https://a.example", "http://localhost"),
    HEAD + STAMPS.replace("https://a.example", "http://[::1]:80/"),
]
BAD_WORKLOADS = [
    STAMPS,
    HEAD,
    HEAD + "\nstamps: []",
    HEAD + "\nmode: on" + STAMPS,
    HEAD + "\nmode: true" + STAMPS,
    HEAD + "\nmodes: auto" + STAMPS,
    HEAD + "\npolicy: {min_serving: 0}" + STAMPS,
    HEAD + "\npolicy: {min_serving: '1'}" + STAMPS,
    HEAD + "\npolicy: {min_serving: 2000}" + STAMPS,
    HEAD + "\npolicy: {settle: 60}" + STAMPS,
    HEAD + "\npolicy: {settle: 0s}" + STAMPS,
    HEAD + "\npolicy: {settle: 30m 1h}" + STAMPS,
    HEAD + "\npolicy:" + STAMPS,
    HEAD + "\npolicy: [x]" + STAMPS,
    HEAD + "\nchannels: {teams: {url: 'https://x.example'}}" + STAMPS,
    HEAD + "\nchannels: {pagerduty: {}}" + STAMPS,
    HEAD + "\nresource_groups: x" + STAMPS,
    HEAD.upper() + STAMPS,
    HEAD + STAMPS.replace("name: a", "name: global"),
    HEAD + STAMPS.replace("https://a.example", "http://a.example"),
    HEAD + STAMPS.replace("https://a.example", "https://a.example?sig=x"),
    HEAD + STAMPS.replace("{folder: a}", "{}"),
    HEAD + STAMPS.replace("{folder: a}", "{folder: a, container: abc}"),
    HEAD + STAMPS.replace("{folder: a}", "{container: abc}"),
    HEAD
    + STAMPS.replace("{folder: a}", "{container: abc, connection: env:A, account_url: 'https://a.example'}"),
    HEAD + STAMPS.replace("region: r,", "region: r, resource_group: a, resource_groups: [b],"),
]

RULE = "rules:\n- {name: a, summary: b, when: %s, severity: error, playbook: page}"
RED = "{node: X, state: red}"
GOOD_RULES = [
    RULE % when
    for when in (
        RED,
        "{node: X, state: [red, unknown], for: 3m}",
        "{alert: '[A] ?*', severity: error}",
        "{alert: 'A?', severity: [error, critical]}",
        f"{{all: [{RED}, {{any: [{RED}, {{not: {RED}}}]}}], for: 500ms}}",
    )
]
BAD_RULES = [
    "rules: []",
    "rules: {}",
    RULE % RED + "\n- x",
    RULE.replace("name: a", "name: A") % RED,
    RULE.replace("error,", "sev1,") % RED,
    RULE.replace("page", "Page") % RED,
    RULE.replace("page", "page, runbook: wiki") % RED,
    RULE.replace("page", "page, familly: x") % RED,
    *(
        RULE % when
        for when in (
            "{}",
            "red",
            "{node: X}",
            "{node: X, state: no}",
            "{node: X, state: []}",
            "{node: X, state: [red, red]}",
            "{node: X, state: red, alert: A}",
            "{node: X, state: red, for: 3}",
            "{node: X, state: red, for: soon}",
            "{node: '', state: red}",
            "{node: 5, state: red}",
            "{alert: ' A'}",
            "{alert: A, state: red}",
            "{all: []}",
            f"{{any: {RED}}}",
            f"{{not: [{RED}]}}",
            "{not: {not: {nod: X}}}",
        )
    ),
]


def value(text: str) -> Any:
    """What an editor's checker gets to see."""
    return read(text, "a.yaml").value


def valid(schema: dict[str, Any], text: str) -> bool:
    """Whether the schema takes the file."""
    return Draft202012Validator(schema).is_valid(value(text))


@pytest.mark.parametrize("schema", [workload_schema(), rules_schema()], ids=["workload", "rules"])
def test_a_schema_is_itself_valid(schema: dict[str, Any]) -> None:
    """Both are JSON Schemas of draft 2020-12, and say so."""
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", WORKLOADS, ids=lambda path: path.parent.name)
def test_the_example_workloads_are_taken(path: Path) -> None:
    """By the schema and by the loader."""
    text = path.read_text("utf-8")
    assert valid(workload_schema(), text)
    assert workload_problems(text, path.name) == ()


def test_the_catalogue_is_taken_by_the_schema() -> None:
    """Every shipped rule file."""
    assert all(valid(rules_schema(), text) for text in catalog_texts().values())


@pytest.mark.parametrize("text", GOOD_WORKLOADS + BAD_WORKLOADS)
def test_schema_and_loader_agree_about_workload_files(text: str) -> None:
    """What the one takes the other takes, as far as a single value can tell."""
    assert valid(workload_schema(), text) is (text in GOOD_WORKLOADS)
    assert (workload_problems(text, "w.yaml") == ()) is (text in GOOD_WORKLOADS)


@pytest.mark.parametrize("text", GOOD_RULES + BAD_RULES)
def test_schema_and_loader_agree_about_rule_files(text: str) -> None:
    """The same for rule files."""
    assert valid(rules_schema(), text) is (text in GOOD_RULES)
    assert (rule_problems({"r.yaml": text}) == ()) is (text in GOOD_RULES)


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a schema."""
    if isinstance(schema, dict):
        yield schema
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(part)


@pytest.mark.parametrize("schema", [workload_schema(), rules_schema()], ids=["workload", "rules"])
def test_every_key_explains_itself(schema: dict[str, Any]) -> None:
    """An editor can say something about each key, and knows every mapping's keys."""
    mappings = [part for part in parts(schema) if part.get("type") == "object"]
    assert len(mappings) > 5
    for mapping in mappings:
        assert mapping["additionalProperties"] is False
        assert mapping["title"]
        assert mapping["description"]
        assert all(known["description"] for known in mapping["properties"].values())


def test_editors_see_the_defaults_of_the_policy() -> None:
    """The defaults are those of the core, as people write them."""
    shown = workload_schema()["$defs"]["PolicyModel"]["properties"]
    assert list(shown) == [number.name for number in fields(Policy)]
    assert (shown["min_serving"]["default"], shown["settle"]["default"]) == (1, "1m")
    assert (shown["forget_after"]["default"], shown["look_fresh_for"]["default"]) == ("1d", "5s")


def test_what_may_be_left_out_has_no_default_of_nothing() -> None:
    """An editor does not offer `null`, which the loader would refuse."""
    for schema in (workload_schema(), rules_schema()):
        assert not any(part.get("type") == "null" or part.get("default", 0) is None for part in parts(schema))
