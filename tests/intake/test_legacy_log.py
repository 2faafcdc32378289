"""Does a log alert of the first generation become the right fact, with and without its envelope?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from remediation.intake import legacy_log
from remediation.intake.rejection import Code
from rules.signals import AlertState, Severity, Signal, Subject
from rules.topology import SubjectRow
from tests.builders import a_workload
from tests.intake.bodies import KNOWN, know, rejected, shop
from tests.intake.legacy_bodies import MONITORING, NEU, PLACEHOLDER, a_log_alert, resource_id

CLUSTER_NEU = resource_id("Microsoft.ContainerService/managedClusters", "aks", NEU)
WORKSPACE = resource_id("Microsoft.OperationalInsights/workspaces", "aoprod-westeurope-log", MONITORING)


def the_signal(**changes: Any) -> Signal:
    """The one signal of an alert."""
    return read(a_log_alert(**changes))


def read(body: dict[str, Any]) -> Signal:
    """The one signal of a body that the family claims."""
    assert legacy_log.claims(body)
    (signal,) = legacy_log.read(body, KNOWN)
    return signal


def sources(*resources: object) -> dict[str, Any]:
    """The result of a query, with what it looked at."""
    return {"tables": [], "dataSources": [{"resourceId": each} for each in resources] + ["odd"]}


def test_a_log_alert_is_a_fact_like_any_other() -> None:
    """Rule, moment, severity, reason and place; it never says anything but fired."""
    signal = the_signal(Description="too many", Dimensions=[{"name": "code", "value": 500}])
    assert signal.subject == Subject("shop", "weu", "AKSCluster")
    assert (signal.alert, signal.condition) == ("requests-500", AlertState.FIRED)
    assert signal.observed_at == datetime(2026, 3, 1, 3, tzinfo=UTC)
    assert signal.severity is Severity.WARNING
    assert signal.reasons == ("query result is 2, alert at Greater Than 0; code=500", "too many")
    assert signal.may_act


@pytest.mark.parametrize("schema", ["Microsoft.Insights/LogAlert", "other", None])
def test_the_envelope_and_the_schema_are_no_matter(schema: object) -> None:
    """The same fields in `data`, under any schema, or bare as in 2018, are the same fact."""
    assert read({"schemaId": schema, "data": a_log_alert()}) == the_signal()


def test_the_spelling_of_keys_is_no_matter() -> None:
    """Azure writes `SearchIntervalEndtimeUtc`; who corrects it is understood as well."""
    corrected = a_log_alert(SearchIntervalEndtimeUtc=..., searchIntervalEndTimeUtc="2026-03-01T03:00:00Z")
    assert read(corrected) == the_signal()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "My rule fired with 18 records"},
        {"AlertRuleName": "x"},
        {"SearchQuery": "x"},
        {"data": {"AlertRuleName": "x", "text": "y"}},
    ],
)
def test_a_payload_of_the_team_s_own_making_is_not_claimed(body: dict[str, Any]) -> None:
    """A log alert may send any JSON; only the fields of Azure make it a log alert."""
    assert not legacy_log.claims(body)


@pytest.mark.parametrize(
    ("word", "severity"),
    [("Critical", Severity.CRITICAL), ("1", Severity.ERROR), (3, Severity.INFO), (None, None)],
)
def test_a_severity_is_a_word_or_a_digit(word: object, severity: Severity | None) -> None:
    """Of 2018 a word, later a digit."""
    assert the_signal(Severity=word).severity is severity


def test_a_time_of_the_united_states_is_read() -> None:
    """`3/1/2026 3:00:00 AM` is the same moment."""
    assert the_signal(SearchIntervalEndtimeUtc="3/1/2026 3:00:00 AM") == the_signal()


def test_without_the_end_of_the_interval_its_beginning_counts() -> None:
    """A little too early is better than not at all."""
    signal = the_signal(SearchIntervalEndtimeUtc=None)
    assert signal.observed_at == datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        (
            {"Dimensions": [{"name": "_ResourceId", "value": CLUSTER_NEU}], "ResourceId": WORKSPACE},
            Subject("shop", "neu", "AKSCluster"),
        ),
        (
            {"Dimensions": [{"name": "_ResourceId", "value": "not an id"}]},
            Subject("shop", "weu", "AKSCluster"),
        ),
        ({"ResourceId": None, "SearchResult": sources(CLUSTER_NEU)}, Subject("shop", "neu", "AKSCluster")),
        ({"ResourceId": None, "SearchResults": sources(CLUSTER_NEU)}, Subject("shop", "neu", "AKSCluster")),
        (
            {"ResourceId": None, "SearchResult": sources(None, CLUSTER_NEU, 7)},
            Subject("shop", "neu", "AKSCluster"),
        ),
    ],
)
def test_the_rows_say_most_then_the_rule_then_the_query(changes: dict[str, Any], subject: Subject) -> None:
    """What a row is about comes before what the rule looks at, and that before the query's sources."""
    assert the_signal(**changes).subject == subject


def test_a_workspace_of_the_region_is_likely_and_never_acts() -> None:
    """The region's monitoring outlives the stamps there."""
    signal = the_signal(ResourceId=WORKSPACE)
    assert (signal.subject.stamp, signal.may_act) == ("weu", False)


def test_an_alert_that_names_no_resource_is_placed_by_a_row_alone() -> None:
    """Application Insights gives none: a row of `subjects` may claim the rule, and else it is not ours."""
    body = a_log_alert(ResourceId=..., ApplicationId="5b0f")
    assert rejected(lambda: legacy_log.read(body, KNOWN)).code is Code.NOT_OURS
    claimed = know(shop(subjects=(SubjectRow(alert="requests-*", stamp="neu"),)))
    (signal,) = legacy_log.read(body, claimed)
    assert signal.subject == Subject("shop", "neu")


def test_rule_resource_and_dimensions_are_the_instance() -> None:
    """It has no alert id: the same three are the same instance, fired anew at another moment."""

    def of(value: str, **changes: Any) -> Signal:
        return the_signal(Dimensions=[{"name": "code", "value": value}], **changes)

    later = of("500", SearchIntervalEndtimeUtc="2026-03-01T03:05:00Z", ResultCount=9)
    assert later.key == of("500").key
    assert later.id != of("500").id
    assert of("500", ResultCount=9).id == of("500").id
    assert of("404").key != of("500").key
    assert of("500", AlertRuleName="other").instance != of("500").instance
    assert of("500", ResourceId=CLUSTER_NEU).instance != of("500").instance


def test_a_sample_never_acts() -> None:
    """The rule's name together with the placeholder subscription, or the sample's group."""
    known = know(shop(resource_groups=("test-rg",)))
    sample = a_log_alert(AlertRuleName="test-logAlertRule", SubscriptionId=PLACEHOLDER)
    in_group = a_log_alert(ResourceId=resource_id("x/y", "z", "test-RG"))
    for body in (sample, in_group):
        (signal,) = legacy_log.read(body, known)
        assert (signal.may_act, signal.why) == (False, "a test action, not a real alert")


def test_without_a_moment_it_is_rejected() -> None:
    """The sentence names the field as Azure spells it."""
    body = a_log_alert(SearchIntervalEndtimeUtc="soon", SearchIntervalStartTimeUtc=None)
    rejection = rejected(lambda: legacy_log.read(body, KNOWN))
    assert rejection.code is Code.BAD_TIME
    assert "SearchIntervalEndtimeUtc" in rejection.reason


def test_a_shape_that_only_names_the_schema_is_rejected() -> None:
    """Claimed by its schema, and refused with a reason."""
    body = {"schemaId": "Microsoft.Insights/LogAlert", "data": 7}
    assert legacy_log.claims(body)
    assert rejected(lambda: legacy_log.read(body, know(a_workload()))).code is Code.BAD_TIME
