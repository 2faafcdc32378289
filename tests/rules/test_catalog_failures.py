"""Does each row of the failure table make just those shipped rules hold that answer it?

One row, one case: which facts tell of it, which rules then hold, and whether a
drain of a stamp whose root is red would still be for that stamp's own fault.
"""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from rules.evaluate import RuleSet, evaluate
from rules.findings import update
from rules.health import facts
from rules.load import load_catalog
from rules.policy import Policy
from rules.reach import Scope
from rules.scope import Situation, scope_of
from rules.signals import Health, Signal
from tests.builders import NOW, STAMPS, a_signal, a_workload, an_alert, registers

RULES = RuleSet(load_catalog())
QUIET = [a_signal(stamp, "Stamp") for stamp in STAMPS]


def situation(signals: Iterable[Signal], after: timedelta = timedelta(minutes=5)) -> Situation:
    """What the shipped rules make of these signals after so long."""
    policy, later = Policy(fresh_for=timedelta(hours=1)), NOW + after
    standing = facts(registers([*QUIET, *signals]), NOW, policy)
    begun = evaluate(RULES, standing, STAMPS, {}, NOW)
    found = update({}, evaluate(RULES, standing, STAMPS, begun.since, later), RULES, later)
    return Situation(a_workload(), standing, list(found.values()), (), RULES.draining, RULES.by_name)


Held = set[tuple[str, str | None]]


def holding(signals: Iterable[Signal], after: timedelta = timedelta(minutes=5)) -> Held:
    """The rules that then hold, with their stamps."""
    return {(finding.rule, finding.stamp) for finding in situation(signals, after).findings}


Row = tuple[list[Signal], Held]


def azure(node: str, health: Health = Health.RED, stamp: str | None = None) -> Signal:
    """Service Health's word about one of its nodes."""
    return a_signal(stamp, node, health, source="service-health:AB12-CD3")


FAILURES: dict[str, Row] = {
    "F01": ([azure("AzureIdentity")], {("azure-identity-red", None)}),
    "F02": ([azure("AzureDNS")], {("azure-dns-red", None)}),
    "F03": ([azure("AzureEdge")], {("azure-edge-red", None)}),
    "F03, F04, F05": (
        [a_signal(None, "FrontDoor", Health.RED, source="front-door")],
        {("front-door-fails", None)},
    ),
    "F04": ([an_alert("shop-availability-test", stamp=None)], {("availability-test-fails", None)}),
    "F07": ([azure("AzureDatabase", stamp="weu")], {("azure-database-red-here", "weu")}),
    "F08 alert": ([an_alert("CosmosDB-429-responses", stamp=None)], {("database-throttled", None)}),
    "F08 RU": ([an_alert("NormalizedRUConsumption", stamp=None)], {("database-throttled", None)}),
    "F08 yellow": ([a_signal(None, "CosmosDB", Health.YELLOW)], {("database-throttled", None)}),
    "F08 worldwide": ([azure("AzureDatabase")], {("azure-database-red", None)}),
    "F09": (
        [an_alert("partition key reached maximum size", stamp=None)],
        {("database-partition-full", None)},
    ),
    "F10": (
        [azure("AzureRegistry", Health.YELLOW, "weu")],
        {("azure-service-yellow-here", "weu")},
    ),
    "F11": (
        [an_alert("Pods ImagePullBackOff")],
        {("image-pull-fails", "weu"), ("image-pull-fails-while-serving", "weu")},
    ),
    "F12": ([an_alert("acr-throttled", stamp=None)], {("registry-throttled", None)}),
    "F13": (
        [an_alert("activity-log:microsoft.containerservice/managedclusters/write:upgradefailed")],
        {("cluster-change-failed", "weu")},
    ),
    "F15": (
        [an_alert("activity-log:microsoft.compute/virtualmachinescalesets/write:allocationfailed")],
        {("no-room-to-grow", "weu")},
    ),
    "F15 sku": (
        [an_alert("activity-log:microsoft.compute/virtualmachinescalesets/write:skunotavailable")],
        {("no-room-to-grow", "weu")},
    ),
    "F15 pods": ([an_alert("AKS-unschedulable-pods")], {("no-room-to-grow", "weu")}),
    "F16": (
        [an_alert("activity-log:microsoft.compute/virtualmachinescalesets/write:quotaexceeded")],
        {("no-room-to-grow", "weu")},
    ),
    "F16 of the subscription": (
        [an_alert("activity-log:microsoft.compute/x/write:quotaexceeded", stamp=None)],
        {("no-room-to-grow-anywhere", None)},
    ),
    "F17": ([an_alert("cert-manager certificate not ready")], {("certificate-fails", "weu")}),
    "F17 of the domain": (
        [an_alert("certificate expires soon", stamp=None)],
        {("certificate-fails-for-all", None)},
    ),
    "F19": ([an_alert("ErrImagePull", stamp=None)], {("images-cannot-be-pulled", None)}),
    "F20": ([azure("AzureEventHubs", stamp="weu")], {("azure-service-red-here", "weu")}),
    "F20, F21": ([a_signal("weu", "EventHub", Health.RED)], {("event-hub-red", "weu")}),
    "F22": ([a_signal("weu", "CheckpointStorage", Health.RED)], {("checkpoint-storage-red", "weu")}),
    "F23": ([a_signal("weu", "PublicBlobStorage", Health.RED)], {("static-content-fails", "weu")}),
    "F25": ([an_alert("keyvault-pipeline-set-secret", stamp=None)], {("key-vault-alert", None)}),
    "F26": ([an_alert("KeyVault-429")], {("key-vault-throttled", "weu")}),
    "F30": (
        [an_alert("activity-log:microsoft.network/virtualnetworks/subnets/join/action:subnetisfull")],
        {("no-room-to-grow", "weu")},
    ),
    "I1": ([azure("AzureTelemetry")], {("azure-telemetry", None)}),
    "I1 in one region": ([azure("AzureTelemetry", stamp="weu")], {("azure-telemetry-here", "weu")}),
    "I2": ([azure("AzureNetwork", stamp="weu")], {("azure-service-red-here", "weu")}),
    "I2 worldwide": ([azure("AzureNetwork")], {("azure-service-red", None)}),
    "I3": ([azure("AzureControlPlane", Health.YELLOW)], {("azure-control-plane", None)}),
    "I3 in one region": (
        [azure("AzureControlPlane", Health.YELLOW, "weu")],
        {("azure-control-plane-here", "weu")},
    ),
    "a stranger's outage": ([azure("AzureOther", Health.YELLOW)], {("azure-service-yellow", None)}),
    "an announcement": (
        [an_alert("service-health:maintenance-planned")],
        {("azure-announcement-here", "weu")},
    ),
    "an announcement for all": (
        [an_alert("service-health:security", stamp=None)],
        {("azure-announcement", None)},
    ),
    "an incident": ([an_alert("service-health:incident")], {("azure-incident-here", "weu")}),
    "an incident for all": ([an_alert("service-health:incident", stamp=None)], {("azure-incident", None)}),
    "an origin": ([an_alert("FrontDoor-metricalert-originHealth")], {("front-door-origin-unhealthy", "weu")}),
    "an origin of nobody": (
        [an_alert("FrontDoor-metricalert-originHealth", stamp=None)],
        {("front-door-origins-unhealthy", None)},
    ),
}


@pytest.mark.parametrize("row", FAILURES)
def test_each_row_of_the_failure_table_is_told_and_drains_nothing(row: str) -> None:
    """P3: after five minutes exactly these rules hold; what only waits, or is another's, is not drained."""
    signals, expected = FAILURES[row]
    found = holding(signals)
    assert found == expected
    assert not {name for name, _ in found} & RULES.draining


HOLDS_DRAINS: dict[str, tuple[list[Signal], Scope]] = {
    "F01": (FAILURES["F01"][0], Scope.GLOBAL),
    "F02": (FAILURES["F02"][0], Scope.GLOBAL),
    "F03": (FAILURES["F03"][0], Scope.EDGE),
    "F04": (FAILURES["F03, F04, F05"][0], Scope.EDGE),
    "F07": (FAILURES["F07"][0], Scope.STAMP),
    "F08": (FAILURES["F08 alert"][0], Scope.GLOBAL),
    "F09": (FAILURES["F09"][0], Scope.PARTIAL),
    "F10": (FAILURES["F10"][0], Scope.STAMP),
    "F19": ([an_alert("ErrImagePull", stamp=name) for name in ("neu", "eus")], Scope.STAMP),
    "F19 everywhere": (FAILURES["F19"][0], Scope.GLOBAL),
    "F23": (FAILURES["F23"][0], Scope.PARTIAL),
    "F24": ([a_signal("weu", "Keyvault", Health.RED)], Scope.STAMP),
    "F26": (FAILURES["F26"][0], Scope.STAMP),
    "I1": (FAILURES["I1"][0], Scope.UNKNOWN),
    "I1 here": (FAILURES["I1 in one region"][0], Scope.UNKNOWN),
    "I1 elsewhere": ([azure("AzureTelemetry", stamp="neu")], Scope.STAMP),
    "I2": (FAILURES["I2"][0], Scope.STAMP),
    "I3": (FAILURES["I3"][0], Scope.STAMP),
    "a stranger's outage": (FAILURES["a stranger's outage"][0], Scope.STAMP),
}


@pytest.mark.parametrize("row", HOLDS_DRAINS)
def test_what_else_stands_decides_whether_a_red_root_is_one_stamps_own(row: str) -> None:
    """P3: the root of weu is red; the other rules say whether a drain of it would help."""
    signals, expected = HOLDS_DRAINS[row]
    judged = situation([*signals, a_signal("weu", "Stamp", Health.RED)])
    finding = next(each for each in judged.findings if each.rule == "root-node-red")
    assert scope_of(finding, judged).scope is expected


def test_f23_more_than_the_static_pages_is_another_fault() -> None:
    """I2: a region that is gone must not be held for partial because its pages are gone too."""
    gone = [a_signal("weu", node, Health.RED) for node in ("PublicBlobStorage", "CatalogService", "Stamp")]
    judged = situation(gone)
    finding = next(each for each in judged.findings if each.rule == "root-node-red")
    assert scope_of(finding, judged).scope is Scope.STAMP


def test_f11_a_red_root_is_more_than_a_lack_of_images() -> None:
    """While users are served it is partial; when they are not, the other stamps can take them."""
    pulls = [an_alert("ImagePullBackOff")]
    finding = next(each for each in situation(pulls).findings if each.rule == "image-pull-fails")
    assert scope_of(finding, situation(pulls)).scope is Scope.PARTIAL
    red = situation([*pulls, a_signal("weu", "Stamp", Health.RED)])
    assert scope_of(finding, red).scope is Scope.STAMP


def test_f19_images_that_two_stamps_cannot_pull_are_a_global_fault() -> None:
    """I4: the table of what differs is what people need, and no drain."""
    judged = situation([an_alert("ErrImagePull", stamp=name) for name in ("weu", "neu")])
    pulls = [finding for finding in judged.findings if finding.family == "image-pull-fails"]
    assert {scope_of(finding, judged).scope for finding in pulls} == {Scope.GLOBAL}


@pytest.mark.parametrize("row", ["F11", "F13", "F15", "F15 sku", "F15 pods", "F16", "F30"])
def test_a_stamp_that_cannot_grow_gets_no_others_load(row: str) -> None:
    """It is told, and it holds the drains of the others."""
    assert list(situation(FAILURES[row][0]).full) == ["weu"]


def test_a_quota_of_the_subscription_leaves_no_stamp_with_headroom() -> None:
    """No stamp is named, so it is none's own."""
    assert list(situation(FAILURES["F16 of the subscription"][0]).full) == [None]


@pytest.mark.parametrize("name", ["shop-release-1.42", "shop app deployed", "AppConfigurationChanged"])
def test_f27_a_root_that_turns_red_soon_after_a_change_asks_to_roll_it_back(name: str) -> None:
    """One family, and one page: what was changed last is the first suspect, but not for ever."""
    signals = [an_alert(name), a_signal("weu", "Stamp", Health.RED)]
    both = {("root-node-red", "weu"), ("root-node-red-after-a-change", "weu")}
    assert holding([an_alert(name)]) == set()
    assert holding(signals) == both
    assert len({RULES.by_name[rule].family for rule, _ in both}) == 1
    assert holding(signals, timedelta(minutes=31)) == {("root-node-red", "weu")}


def test_f27_an_alert_about_a_deployment_is_no_change() -> None:
    """Replicas that are missing are what came of something; rolling back may be wrong."""
    signals = [an_alert("KubeDeploymentReplicasMismatch"), a_signal("weu", "Stamp", Health.RED)]
    assert holding(signals) == {("root-node-red", "weu")}


@pytest.mark.parametrize(
    "name",
    [
        "PodRestarted",
        "activity-log:microsoft.eventhub/namespaces/delete:failed",
        "certificates rotated",
        "image pushed",
        "EventHub partition lag",
    ],
)
def test_patterns_take_no_stranger_for_their_own(name: str) -> None:
    """F14: an alert of another name makes no rule hold, neither of a stamp nor of the workload."""
    assert holding([an_alert(name), an_alert(name, stamp=None)], timedelta(minutes=30)) == set()
