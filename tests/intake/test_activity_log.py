"""Does an entry of the activity log become an alert that a rule can name, and what people did never act?"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.intake import azure_monitor, samples
from remediation.intake.activity_entry import Category, entry_of
from remediation.intake.activity_log import NEVER, read_entry
from remediation.intake.discretion import discreet
from remediation.intake.read import read
from remediation.intake.rejection import Code
from rules.conditions import AlertFires, Answer, Moment, judge
from rules.health import facts, fold
from rules.policy import Policy
from rules.signals import AlertState, Severity, Signal, Subject
from tests.builders import NOW
from tests.intake.bodies import KNOWN, a_target, an_alert_body, encode, rejected

GROUP = "/subscriptions/6f1d/resourceGroups/aoprod7745-stamp-westeurope-rg/providers"
CLUSTER = f"{GROUP}/Microsoft.ContainerService/managedClusters/aks"
SCALE_SET = f"{GROUP}/Microsoft.Compute/virtualMachineScaleSets/pool"
WRITE = "microsoft.containerservice/managedclusters/write"


def an_entry(**changes: Any) -> dict[str, Any]:
    """A write to a cluster that failed. Fields may be changed; `...` takes one out."""
    fields = {
        "authorization": {"action": "x", "scope": CLUSTER},
        "caller": "5c0ffee0-1111-4222-8333-944444444444",
        "claims": '{"upn":"jane.doe@contoso.example"}',
        "eventSource": "Administrative",
        "eventTimestamp": "2026-03-01T03:00:00Z",
        "level": "Error",
        "operationName": "Microsoft.ContainerService/managedClusters/write",
        "status": "Failed",
        "subStatus": "",
        "properties": {"eventCategory": "Administrative"},
        **changes,
    }
    return {key: value for key, value in fields.items() if value is not ...}


def the_signal(**changes: Any) -> Signal:
    """The one signal of an entry."""
    (signal,) = read_entry(an_entry(**changes), KNOWN)
    return signal


def failed_with(message: object) -> Signal:
    """The signal of a failure that says so."""
    said = message if isinstance(message, str) else json.dumps(message)
    return the_signal(properties={"statusMessage": said})


def test_a_failure_is_an_alert_by_the_operation() -> None:
    """Operation and status are its name, in lower case, and the resource places it."""
    signal = the_signal()
    assert signal.alert == f"activity-log:{WRITE}:failed"
    assert (signal.condition, signal.source) == (AlertState.FIRED, "activity-log")
    assert signal.subject == Subject("shop", "weu", "AKSCluster")
    assert signal.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"error": {"code": "AllocationFailed", "message": "no room"}}, "allocationfailed"),
        ({"code": "SkuNotAvailable"}, "skunotavailable"),
        (
            {"status": "Failed", "error": {"code": "Outer", "details": [{"code": "SubnetIsFull"}]}},
            "subnetisfull",
        ),
        (
            {
                "code": "Outer",
                "details": [{"code": "Inner", "message": '{"error":{"code":"QuotaExceeded"}}'}],
            },
            "quotaexceeded",
        ),
        ({"error": {"code": "OperationNotAllowed", "message": "over the Cores Quota"}}, "quotaexceeded"),
        ({"error": {"code": "OperationNotAllowed", "message": "it is locked"}}, "operationnotallowed"),
        ({"error": {"code": "Outer", "details": [{"code": "Inner"}]}}, "inner"),
        ({"error": {"code": "AllocationFailed", "details": [{"code": "Inner"}]}}, "allocationfailed"),
        ('retry failed: Code="ZonalAllocationFailed" Message="m"', "zonalallocationfailed"),
        ('{"error": {"code": "AllocationFailed", "mess', "allocationfailed"),
        ("plain words", "failed"),
        ("{broken", "failed"),
        ({"error": {"code": None}}, "failed"),
        ({"error": "text"}, "failed"),
        ({"error": {"code": "a b\x1b:*" + "c" * 100}}, "ab" + "c" * 62),
        ([1], "failed"),
        ({}, "failed"),
    ],
)
def test_the_cause_of_a_failure_is_in_its_name(message: object, code: str) -> None:
    """The innermost code, or one that tells of capacity, quota or addresses, wherever it stands."""
    assert failed_with(message).alert == f"activity-log:{WRITE}:{code}"


def test_a_message_may_be_an_object() -> None:
    """The stream of the log does not wrap it in a string."""
    signal = the_signal(properties={"StatusMessage": {"error": {"code": "AllocationFailed"}}})
    assert signal.alert == f"activity-log:{WRITE}:allocationfailed"


def test_deep_and_broad_errors_are_bounded() -> None:
    """A bomb of errors gives some code, and quickly."""
    for depth, code in ((12, "above"), (25, "bottom")):  # read as JSON, or too deep and searched as text
        deep: dict[str, Any] = {"code": "bottom"}
        for _ in range(depth):
            deep = {"code": "above", "details": [deep]}
        assert failed_with(deep).alert == f"activity-log:{WRITE}:{code}"
    broad = {"error": {"code": "top", "details": [{"code": f"c{n}"} for n in range(1000)]}}
    assert failed_with(broad).alert == f"activity-log:{WRITE}:c48"


@pytest.mark.parametrize(
    ("row", "condition", "message"),
    [
        ("F13", "activity-log:microsoft.containerservice/managedclusters/*", {"code": "UpgradeFailed"}),
        ("F15", "activity-log:*:allocationfailed", {"error": {"code": "AllocationFailed"}}),
        ("F16", "activity-log:*:quotaexceeded", {"error": {"code": "QuotaExceeded"}}),
        ("F30", "activity-log:*:subnetisfull", {"error": {"code": "SubnetIsFull"}}),
    ],
)
def test_a_rule_can_name_what_the_failure_table_asks_for(row: str, condition: str, message: object) -> None:
    """Upgrade, capacity, quota and addresses fire under names that a pattern finds; the end lifts them."""
    failed = failed_with(message)
    over = the_signal(status="Succeeded", eventTimestamp="2026-03-01T04:00:00Z")
    for story, answer in (([failed], Answer.HOLDS), ([over, failed], Answer.NO)):
        now = facts(fold({}, story), NOW, Policy())
        assert judge(AlertFires(condition), Moment(now, "weu", NOW, {}, {})).answer is answer, row


@pytest.mark.parametrize(
    ("status", "word", "condition"),
    [
        ("Failed", "failed", AlertState.FIRED),
        ("Failure", "failed", AlertState.FIRED),
        ("Error", "failed", AlertState.FIRED),
        ("Active", "active", AlertState.FIRED),
        ("Succeeded", "succeeded", AlertState.RESOLVED),
        ({"value": "Succeeded", "localizedValue": "Erfolgreich"}, "succeeded", AlertState.RESOLVED),
        ("Resolved", "resolved", AlertState.RESOLVED),
        ("Started", "started", AlertState.RESOLVED),
        ("Accepted", "accepted", AlertState.RESOLVED),
        ("Canceled", "canceled", AlertState.RESOLVED),
        ("Odd", "odd", AlertState.RESOLVED),
        (None, "no-status", AlertState.RESOLVED),
    ],
)
def test_every_status_is_told(status: object, word: str, condition: AlertState) -> None:
    """Each gives a signal; only what failed or is active fires."""
    signal = the_signal(status=status)
    assert (signal.alert, signal.condition) == (f"activity-log:{WRITE}:{word}", condition)


def test_success_ends_the_failure_of_the_same_operation_and_resource() -> None:
    """In whatever order, by the moments; of another resource it ends nothing."""
    failed = failed_with({"code": "AllocationFailed"})
    over = the_signal(status="Succeeded", eventTimestamp="2026-03-01T03:10:00Z")
    other = the_signal(status="Succeeded", eventTimestamp="2026-03-01T03:10:00Z", resourceId=SCALE_SET)
    assert list(fold({}, [over, failed]).values()) == [over]
    assert len(fold({}, [failed, other])) == 2


@pytest.mark.parametrize("status", ["Started", "Accepted", "Canceled", "In Progress"])
def test_a_second_try_does_not_mend_the_first(status: str) -> None:
    """Only success ends a failure: what began, or was given up, is written down beside it."""
    later = the_signal(status=status, eventTimestamp="2026-03-01T03:10:00Z")
    kept = fold({}, [later, the_signal()]).values()
    assert AlertState.FIRED in {each.condition for each in kept}


def test_success_of_the_same_moment_is_the_later_word() -> None:
    """Clocks of seconds put both into one."""
    failed, over = the_signal(), the_signal(status="Succeeded")
    assert list(fold({}, [over, failed]).values()) == list(fold({}, [failed, over]).values()) == [over]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, NEVER[Category.ADMINISTRATIVE]),
        ({"caller": None}, NEVER[Category.ADMINISTRATIVE]),
        ({"eventSource": "Policy"}, NEVER[Category.POLICY]),
        (
            {"operationName": "Microsoft.Security/locations/alerts/activate/action"},
            NEVER[Category.SECURITY],
        ),
        ({"eventSource": "Recommendation", "caller": "Microsoft.Advisor"}, NEVER[Category.RECOMMENDATION]),
        ({"eventSource": "Autoscale", "caller": "Microsoft.Insights/autoscaleSettings"}, ""),
        ({"properties": {"isSynthetic": "True"}}, samples.WHY),
        ({"resourceId": a_target("test-rg"), "authorization": None}, samples.WHY),
    ],
)
def test_what_people_did_never_acts(changes: dict[str, Any], why: str) -> None:
    """What somebody did, advice and samples say why they must not cause anything."""
    signal = the_signal(**changes)
    assert (signal.may_act, signal.why) == (not why, why)


@pytest.mark.parametrize(
    ("changes", "target", "node"),
    [
        ({"resourceId": SCALE_SET, "authorization": None}, "", "AKSCluster"),
        ({"properties": {"entity": CLUSTER}, "authorization": None}, "", "AKSCluster"),
        ({"authorization": json.dumps({"scope": CLUSTER})}, "", "AKSCluster"),
        ({"authorization": None}, CLUSTER, "AKSCluster"),
        ({"authorization": {"scope": "/subscriptions/6f1d"}}, CLUSTER, "AKSCluster"),
        (
            {
                "properties": {"resourceName": SCALE_SET},
                "resourceId": f"{GROUP}/Microsoft.Insights/autoscalesettings/s",
            },
            "",
            "AKSCluster",
        ),
        ({"properties": {"resourceName": "pool"}}, "", "AKSCluster"),
        ({"resourceId": f"{GROUP}/Microsoft.KeyVault/vaults/kv"}, "", "Keyvault"),
    ],
)
def test_it_is_about_the_resource_it_names(changes: dict[str, Any], target: str, node: str) -> None:
    """The resource, what is scaled, the scope; or what the alert targets, before a whole subscription."""
    (signal,) = read_entry(an_entry(**changes), KNOWN, target=target)
    assert signal.subject == Subject("shop", "weu", node)


@pytest.mark.parametrize("scope", ["/subscriptions/6f1d", "", None])
def test_a_whole_subscription_is_not_ours(scope: object) -> None:
    """Nothing in it says which workload."""
    refused = rejected(lambda: read_entry(an_entry(authorization={"scope": scope}), KNOWN))
    assert refused.code is Code.NOT_OURS


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"eventSource": 0, "operationName": "Microsoft.ServiceHealth/x/action"}, Category.SERVICE_HEALTH),
        ({"eventSource": 2, "operationName": "x"}, Category.SERVICE_HEALTH),
        ({"eventSource": 0}, Category.ADMINISTRATIVE),
        ({"eventSource": 7, "properties": None}, Category.ADMINISTRATIVE),
        ({"eventSource": "Resource Health", "operationName": "x"}, Category.RESOURCE_HEALTH),
        ({"eventSource": None, "category": "Alert", "operationName": "x"}, Category.ALERT),
        ({"eventSource": "?", "properties": {"EventCategory": "Policy"}}, Category.POLICY),
        (
            {"eventSource": ..., "operationName": "Microsoft.Insights/AutoscaleSettings/Scaleup/Action"},
            Category.AUTOSCALE,
        ),
        ({"eventSource": ..., "operationName": ..., "status": "Succeeded"}, Category.ADMINISTRATIVE),
    ],
)
def test_the_category_is_found_however_it_is_written(changes: dict[str, Any], category: Category) -> None:
    """By the operation first: the source is an integer in the common schema."""
    assert entry_of(an_entry(**changes)).category is category


def test_the_time_is_the_events_own() -> None:
    """Then that of the alert, then that of its submission."""
    later, last = "2026-03-01T03:05:00Z", "2026-03-01T03:09:00Z"
    own = an_entry(submissionTimestamp=last)
    assert entry_of(own, fired_at=NOW).at.minute == 0
    assert entry_of(an_entry(eventTimestamp=later)).at.minute == 5
    assert entry_of({**own, "eventTimestamp": None}, fired_at=NOW).at == NOW
    assert entry_of({**own, "eventTimestamp": "soon"}).at.minute == 9


def test_without_time_or_operation_it_is_refused() -> None:
    """Each with its own code."""
    no_time = an_entry(eventTimestamp=...)
    assert rejected(lambda: read_entry(no_time, KNOWN)).code is Code.BAD_TIME
    nothing = {"claims": "{...}"}
    assert rejected(lambda: read_entry(nothing, KNOWN)).code is Code.WRONG_SHAPE


def test_nobody_is_named_and_no_secret_is_told() -> None:
    """Claims and callers are left behind; addresses and secrets in messages are cut."""
    message = "jane.doe@contoso.example failed: sig=abc%2B; AccountKey=q9; token: eyJhbGciOi.eyJzdWIi.x3"
    body = an_alert_body(an_entry(properties={"statusMessage": message}), signalType="Activity Log")
    _, fact = read(encode(body), KNOWN).signals
    said = json.dumps(fact.reasons, ensure_ascii=False)
    for secret in ("contoso", "abc", "q9", "eyJ", "5c0ffee0"):
        assert secret not in said
    assert "jane.doe@…" in said


@given(st.text(max_size=300))
def test_any_words_can_be_told(words: str) -> None:
    """Cutting secrets out never fails, and does nothing twice."""
    assert discreet(discreet(words)) == discreet(words)


def test_the_reasons_say_what_failed_and_why() -> None:
    """The operation with its code, the words of the innermost error, and what its properties tell."""
    message = {
        "error": {"code": "Outer", "message": "outer", "details": [{"code": "In", "message": "inner"}]}
    }
    signal = the_signal(
        properties={"statusMessage": json.dumps(message), "description": "scaling failed"},
    )
    assert signal.reasons == (
        f"{WRITE} failed (in)",
        "inner",
        "scaling failed",
    )


def test_an_alert_on_the_log_gives_its_own_signal_and_the_entry() -> None:
    """By its type or its service; without a context, only its own."""
    for kind in (
        {"signalType": "ActivityLog"},
        {"signalType": None, "monitoringService": "Activity Log - Policy"},
    ):
        body = an_alert_body(an_entry(), **kind)
        own, fact = azure_monitor.read(body, KNOWN)
        assert (own.source, own.may_act) == ("alert:EventHubThrottled", False)
        assert fact == the_signal()
    assert len(azure_monitor.read(an_alert_body(None, signalType="Activity Log"), KNOWN)) == 1
    assert len(azure_monitor.read(an_alert_body(an_entry()), KNOWN)) == 1


def test_either_of_the_two_is_enough() -> None:
    """What cannot be read leaves the alert, a target of others the entry; with neither it is refused."""
    kind = {"signalType": "Activity Log"}
    (own,) = azure_monitor.read(an_alert_body({"odd": 1}, **kind), KNOWN)
    assert own.source == "alert:EventHubThrottled"
    foreign = {**kind, "alertTargetIDs": [a_target("foreign-rg")]}
    (fact,) = azure_monitor.read(an_alert_body(an_entry(), **foreign), KNOWN)
    assert fact == the_signal()
    body = an_alert_body(an_entry(authorization=None), **foreign)
    assert rejected(lambda: azure_monitor.read(body, KNOWN)).code is Code.NOT_OURS


def test_the_entry_of_a_test_action_is_no_fact() -> None:
    """The placeholder in the alert's id is no part of the entry, and counts for it."""
    body = an_alert_body(
        an_entry(caller=None),
        signalType="Activity Log",
        alertRule="test-activityLogAlertRule",
        alertId="/subscriptions/11111111-1111-1111-1111-111111111111/providers/x",
    )
    assert [(each.alert, each.why) for each in azure_monitor.read(body, KNOWN)] == [
        (samples.RULE, samples.WHY)
    ]


def test_a_repeated_delivery_is_the_same_fact() -> None:
    """By its operation, resource, state and moment, whichever schema carries it."""
    again = the_signal(
        eventDataId="other", caller=None, subStatus="Conflict", resourceId=CLUSTER.upper() + "/"
    )
    assert again == the_signal()
    assert the_signal(eventTimestamp="2026-03-01T03:00:01Z").id != the_signal().id


def test_hostile_names_are_bounded() -> None:
    """An operation becomes the name of an alert, and reaches keys and pages."""
    signal = the_signal(operationName="o\x1b" * 5000, status="s" * 500)
    assert signal.alert
    assert len(signal.alert) <= 256
    assert signal.alert.isprintable()
    assert len(signal.instance) == 32
    assert all(len(reason) <= 300 for reason in signal.reasons)
