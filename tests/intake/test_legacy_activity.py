"""Does the entry of a legacy alert on the activity log reach the reader of such entries?"""

from typing import Any

import pytest

from remediation.intake import activity_log, legacy_activity
from remediation.intake.rejection import Code
from rules.signals import Health
from tests.intake.bodies import KNOWN, know, rejected, shop
from tests.intake.legacy_bodies import a_hub, present


def an_entry(**changes: Any) -> dict[str, Any]:
    """Azure says that an Event Hubs namespace of stamp weu is unavailable; `...` takes a key out."""
    entry = {
        "eventSource": "ResourceHealth",
        "eventTimestamp": "2026-03-01T03:00:00Z",
        "level": "Critical",
        "operationName": "Microsoft.Resourcehealth/healthevent/Activated/action",
        "status": "Active",
        "resourceId": a_hub(),
        "properties": {"currentHealthStatus": "Unavailable", "cause": "PlatformInitiated"},
        **changes,
    }
    return present(entry)


def a_body(entry: object, schema: object = "Microsoft.Insights/activityLogs") -> dict[str, Any]:
    """The alert about an entry."""
    data = {"status": "Activated", "context": {"activityLog": entry}, "properties": {}}
    return {"schemaId": schema, "data": data}


@pytest.mark.parametrize("schema", ["Microsoft.Insights/activityLogs", "other", None])
def test_the_entry_says_what_it_says_in_any_schema(schema: object) -> None:
    """The same reader reads it, so it comes to the same facts."""
    body = a_body(an_entry(), schema)
    assert legacy_activity.claims(body)
    found = legacy_activity.read(body, KNOWN)
    assert found == activity_log.read_entry(an_entry(), KNOWN)
    assert [(each.subject.stamp, each.health) for each in found] == [("weu", Health.RED)]


@pytest.mark.parametrize(
    "changes",
    [{"resourceId": a_hub("test-RG")}, {"properties": {"isSynthetic": "True"}}],
)
def test_a_sample_never_acts(changes: dict[str, Any]) -> None:
    """Whatever it is about, and however it reads."""
    known = know(shop(resource_groups=("test-rg",)))
    found = legacy_activity.read(a_body(an_entry(**changes)), known)
    assert found
    assert {(each.may_act, each.why) for each in found} == {(False, "a test action, not a real alert")}


@pytest.mark.parametrize("entry", [None, {}, [], "text", 7])
def test_an_alert_without_an_entry_is_rejected(entry: object) -> None:
    """The sentence says where it was expected."""
    body = a_body(entry)
    assert legacy_activity.claims(body)
    rejection = rejected(lambda: legacy_activity.read(body, KNOWN))
    assert rejection.code is Code.WRONG_SHAPE
    assert "data.context.activityLog" in rejection.reason


@pytest.mark.parametrize("body", [{}, {"data": {"context": {}}}, {"data": {"context": {"activityLog": 7}}}])
def test_other_shapes_are_not_claimed(body: dict[str, Any]) -> None:
    """An entry in the context, or the schema by name, makes it one."""
    assert not legacy_activity.claims(body)
