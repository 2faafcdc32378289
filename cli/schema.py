"""`remediation schema`: the formats, for editors, senders and people."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.inspection import inspect_schema
from cli.out import print_json
from rehearsal.rule_tests import rule_tests_schema
from rehearsal.scenario.load import scenario_schema
from remediation.intake.health_events import health_event_schema
from remediation.settings import Settings
from rules.schema import rules_schema, workload_schema


class Kind(StrEnum):
    """What has a schema."""

    SETTINGS = "settings"
    WORKLOAD = "workload"
    RULES = "rules"
    HEALTH_EVENT = "health-event"
    INSPECT = "inspect"
    SCENARIO = "scenario"
    RULE_TESTS = "rule-tests"


def schema(kind: Annotated[Kind, typer.Argument(help="Which format.")]) -> None:
    """Print a JSON Schema: of settings, a file (workload, rules, scenario, …), health event, or answer."""
    print_json(_schema(kind))


def _schema(kind: Kind) -> dict[str, Any]:
    makes: dict[Kind, Callable[[], dict[str, Any]]] = {
        Kind.SETTINGS: _settings_schema,
        Kind.WORKLOAD: workload_schema,
        Kind.RULES: rules_schema,
        Kind.HEALTH_EVENT: health_event_schema,
        Kind.INSPECT: inspect_schema,
        Kind.SCENARIO: scenario_schema,
        Kind.RULE_TESTS: rule_tests_schema,
    }
    return makes[kind]()


def _settings_schema() -> dict[str, Any]:
    """Each setting by the name of its environment variable; under `policy`, the numbers of a workload."""
    found = Settings.model_json_schema(by_alias=True)
    prefix = Settings.model_config["env_prefix"]
    aliased = {field.validation_alias for field in Settings.model_fields.values()}
    named = {
        name if name in aliased else f"{prefix}{name.upper()}": each
        for name, each in found["properties"].items()
    }
    in_file = workload_schema()
    policy = {
        **in_file["$defs"]["PolicyModel"],
        "description": "Not in the environment: `mode` and `policy` of a workload file.",
    }
    policy["properties"] = {
        "mode": in_file["$defs"]["Mode"] | in_file["properties"]["mode"],
        **policy["properties"],
    }
    return {**found, "properties": {**named, "policy": policy}}
