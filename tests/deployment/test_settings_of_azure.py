"""Are the settings read as Azure gives them, and does the documentation say so?"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cli.schema import Kind, schema
from remediation.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = (ROOT / "docs/deploy.md").read_text()
IN_AZURE = {
    "WEBSITE_SITE_NAME": "remediation",
    "REMEDIATION_WORKLOADS": "workload.yaml",
    "REMEDIATION_LEDGER": "blob",
    "REMEDIATION_LEDGER_ACCOUNT_URL": "https://ledger.blob.core.windows.net",
    "REMEDIATION_HUB__fullyQualifiedNamespace": "shop.servicebus.windows.net",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The app settings of a function app that is as it should be."""
    for name, value in IN_AZURE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_an_identity_based_connection_is_read_by_the_names_that_the_host_reads(
    environment: pytest.MonkeyPatch,
) -> None:
    """One set of settings serves the trigger and the webhook's own connection to the hub."""
    environment.setenv("REMEDIATION_HUB__clientId", "0a1b2c3d-0000-4000-8000-000000000000")
    environment.setenv("REMEDIATION_HUB__credential", "managedidentity")
    settings = Settings()
    assert settings.hub is None
    assert settings.hub_namespace == "shop.servicebus.windows.net"
    assert settings.client_id == "0a1b2c3d-0000-4000-8000-000000000000"
    assert settings.logs_json


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("REMEDIATION_WORKLOADS", "REMEDIATION_WORKLOADS"),
        ("REMEDIATION_LEDGER", "set it to blob"),
        ("REMEDIATION_LEDGER_ACCOUNT_URL", "REMEDIATION_LEDGER_ACCOUNT_URL"),
        ("REMEDIATION_HUB__fullyQualifiedNamespace", "REMEDIATION_HUB__fullyQualifiedNamespace"),
    ],
)
def test_a_setting_that_is_missing_in_azure_is_named(
    environment: pytest.MonkeyPatch, name: str, says: str
) -> None:
    """Without it signals would be lost, or nothing could be decided; the worker says which one it is."""
    environment.delenv(name)
    with pytest.raises(ValidationError, match=says):
        Settings()


def test_the_documentation_lists_every_setting_with_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of docs/deploy.md is what `remediation schema settings` says."""
    schema(Kind.SETTINGS)
    said = json.loads(capsys.readouterr().out)["properties"]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", DEPLOY, re.MULTILINE))
    wanted = {name: each["description"] for name, each in said.items() if name != "policy"}
    assert {name: rows.get(name) for name in wanted} == wanted


def test_the_documentation_explains_every_value_of_host_json() -> None:
    """Each leaf has a row with its value."""
    rows = dict(re.findall(r"^\| `([\w.]+)` \| `([^`]*)` \|", DEPLOY, re.MULTILINE))
    for path, value in _leaves(json.loads((ROOT / "host.json").read_text())):
        assert rows.get(path) == json.dumps(value).strip('"'), path


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(path, value)]
    return [leaf for key, each in value.items() for leaf in _leaves(each, f"{path}.{key}".lstrip("."))]
