"""Does the health of a resource become the health of its node, in a register of its own?"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediation.intake import azure_monitor, resource_health
from remediation.intake.activity_log import read_entry
from remediation.intake.rejection import Code
from remediation.intake.resource_health import ON_PURPOSE, health_signal
from rules.health import fold
from rules.signals import AlertState, Health, Signal, Subject
from rules.topology import SubjectRow
from tests.builders import NOW
from tests.intake.bodies import KNOWN, an_alert_body, know, rejected, shop

GROUP = "/subscriptions/6f1d/resourceGroups/aoprod7745-stamp-westeurope-rg/providers"
HUB = f"{GROUP}/Microsoft.EventHub/namespaces/hub"
REDIS = f"{GROUP}/Microsoft.Cache/Redis/cache"


def an_entry(status: str = "Active", **properties: Any) -> dict[str, Any]:
    """An event hub that became unavailable. Properties may be changed; `...` takes one out."""
    told = {
        "title": "Not reachable",
        "details": None,
        "currentHealthStatus": "Unavailable",
        "previousHealthStatus": "Available",
        "cause": "PlatformInitiated",
        **properties,
    }
    return {
        "eventSource": "ResourceHealth",
        "eventTimestamp": "2026-03-01T03:00:00.407+00:00",
        "operationName": "Microsoft.Resourcehealth/healthevent/Activated/action",
        "level": "Informational",
        "status": status,
        "resourceId": HUB,
        "properties": {key: value for key, value in told.items() if value is not ...},
    }


def the_signal(status: str = "Active", **properties: Any) -> Signal:
    """The one signal of an entry."""
    (signal,) = read_entry(an_entry(status, **properties), KNOWN)
    return signal


@pytest.mark.parametrize(
    ("word", "health"),
    [
        ("Available", Health.GREEN),
        ("Degraded", Health.YELLOW),
        ("UNAVAILABLE", Health.RED),
        ("Unknown", Health.UNKNOWN),
        ("Sleeping", Health.UNKNOWN),
        (..., Health.UNKNOWN),
    ],
)
def test_azures_word_is_the_health_of_the_node(word: object, health: Health) -> None:
    """A word that nobody knows, or none, is unknown and never green."""
    signal = the_signal(currentHealthStatus=word)
    assert (signal.subject, signal.health) == (Subject("shop", "weu", "EventHub"), health)


def test_resolved_without_a_word_is_green() -> None:
    """The end of an event is good news even where the entry does not repeat the state."""
    assert the_signal("Resolved", currentHealthStatus=...).health is Health.GREEN
    assert the_signal("Resolved", currentHealthStatus="Degraded").health is Health.YELLOW


@pytest.mark.parametrize("cause", ["UserInitiated", "Customer Initiated", "user initiated"])
def test_what_people_did_never_acts(cause: str) -> None:
    """A stop by a user is seen, and says why it must not cause anything."""
    signal = the_signal(cause=cause)
    assert (signal.health, signal.may_act, signal.why) == (Health.RED, False, ON_PURPOSE)


@pytest.mark.parametrize("cause", ["PlatformInitiated", "Unknown", ..., None])
def test_what_the_platform_did_may_act(cause: object) -> None:
    """Only people's own doing is excused."""
    assert the_signal(cause=cause).may_act


def test_an_end_of_the_same_moment_is_the_later_word() -> None:
    """Available beats Unavailable of one moment, whichever arrives first (P15)."""
    down, up = the_signal(), the_signal(currentHealthStatus="Available")
    assert down.key == up.key
    assert list(fold({}, [down, up]).values()) == list(fold({}, [up, down]).values()) == [up]


def test_two_resources_of_one_node_have_two_registers() -> None:
    """One storage account that is well does not hide another that is not."""
    one, other = (
        health_signal(f"{GROUP}/Microsoft.EventHub/namespaces/{name}", "Available", NOW, KNOWN)[0]
        for name in ("hub", "hub2")
    )
    assert one.subject == other.subject
    assert one.key != other.key


def test_resources_of_one_name_in_two_groups_are_two() -> None:
    """The name alone does not tell them apart, the whole id does."""
    assert resource_health.source_of("/a/hub") != resource_health.source_of("/b/hub")


@pytest.mark.parametrize(
    "resource_id",
    [HUB, HUB.upper(), f" {HUB} ", f"{HUB}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"],
)
def test_one_resource_is_one_register_however_it_is_written(resource_id: str) -> None:
    """Event Grid, alerts and the log's stream write into the same register, and say the same fact."""
    (signal,) = health_signal(resource_id, "Unavailable", NOW, KNOWN)
    (plain,) = health_signal(HUB, "Unavailable", NOW, KNOWN)
    assert (signal.key, signal.id) == (plain.key, plain.id)


def test_each_moment_word_and_event_is_a_fact_of_its_own() -> None:
    """A repeated delivery has the same identity, another fact another."""
    facts = [
        health_signal(HUB, "Unavailable", NOW, KNOWN),
        health_signal(HUB, "Degraded", NOW, KNOWN),
        health_signal(HUB, "Unavailable", NOW + timedelta(seconds=1), KNOWN),
        health_signal(HUB, "Unavailable", NOW, KNOWN, event_id="e-1"),
        health_signal(HUB, "Unavailable", NOW, KNOWN, event_id="e-2"),
    ]
    assert len({signal.id for found in facts for signal in found}) == len(facts)


def test_a_resource_that_is_no_known_node_is_one_by_its_type() -> None:
    """A cache has no node in the reference's health model, and is not lost for that."""
    assert health_signal(REDIS, "Unavailable", NOW, KNOWN)[0].subject == Subject("shop", "weu", "redis")


def test_a_resource_group_is_a_node_too() -> None:
    """Health always has a node: without one nothing would ever read it."""
    found = health_signal(GROUP.removesuffix("/providers"), "Unavailable", NOW, KNOWN)
    assert found[0].subject.node == "AzureResource"


def test_a_row_of_subjects_names_the_node() -> None:
    """What workload.yaml says of a resource comes first."""
    known = know(
        shop(subjects=(SubjectRow(resource_type="Microsoft.Cache/Redis", stamp="neu", node="Cache"),))
    )
    assert health_signal(REDIS, "Unavailable", NOW, known)[0].subject == Subject("shop", "neu", "Cache")


def test_a_resource_of_others_is_not_ours() -> None:
    """It is refused, and never guessed."""
    foreign = HUB.replace("aoprod7745-stamp-westeurope-rg", "foreign-rg")
    assert rejected(lambda: health_signal(foreign, "Unavailable", NOW, KNOWN)).code is Code.NOT_OURS
    assert rejected(lambda: health_signal("", "Unavailable", NOW, KNOWN)).code is Code.NOT_OURS


def test_an_alert_gives_its_own_signal_and_the_health() -> None:
    """The alert is about the resource that the entry, in the common schema, does not name."""
    entry = an_entry()
    del entry["resourceId"]
    body = an_alert_body(entry, signalType="Activity Log", alertTargetIDs=[HUB.lower()])
    alert, health = azure_monitor.read(body, KNOWN)
    assert (alert.condition, alert.may_act) == (AlertState.FIRED, False)
    assert health == the_signal()
    assert health.observed_at == datetime(2026, 3, 1, 3, 0, 0, 407_000, tzinfo=UTC)


def test_the_reasons_are_bounded() -> None:
    """Title, change and details, each cut."""
    signal = the_signal(title="t" * 1000, details="d\x1b[2J")
    assert [len(reason) for reason in signal.reasons][:1] == [300]
    assert signal.reasons[1:] == ("Unavailable, before it Available; cause: PlatformInitiated", "d [2J")


def test_a_sample_gives_no_health() -> None:
    """A test's red would stand until somebody takes it back, and nobody does."""
    sample = an_entry() | {"properties": {"isSynthetic": "True", "currentHealthStatus": "Unavailable"}}
    (signal,) = read_entry(sample, KNOWN)
    assert (signal.health, signal.may_act) == (None, False)
