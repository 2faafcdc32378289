"""Do the shipped rules say what the failure table wants of them?"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from rules.evaluate import Asked, RuleSet, evaluate
from rules.health import facts
from rules.load import catalog_texts, load_catalog
from rules.policy import Policy
from rules.reach import Scope
from rules.rule import AskedOf, Playbook, Proof
from rules.signals import Health, Severity, Signal
from tests.builders import NOW, STAMPS, a_signal, an_alert, registers

RULES = load_catalog()
BY_NAME = {rule.name: rule for rule in RULES}
CANNOT_READ = "background-processor-cannot-read"
MAY_NOT_READ = "background-processor-may-not-read"
ALERT = "EventHub-metricalert-OutgoingMessages-Error"
QUIET = [a_signal(stamp, "Stamp") for stamp in STAMPS]


def told(asked_of: AskedOf) -> dict[str, tuple[Playbook, Severity, Scope | None]]:
    """What the rules that are asked there ask for."""
    return {
        rule.name: (rule.playbook, rule.severity, rule.scope) for rule in RULES if rule.asked_of is asked_of
    }


def holding(signals: Iterable[Signal], after: timedelta = timedelta(0)) -> set[tuple[str, str | None]]:
    """The rules that hold after these signals have stood for so long, with their stamps."""
    rules, policy = RuleSet(RULES), Policy(fresh_for=timedelta(hours=1))
    stood = registers([*QUIET, *signals])
    begun = evaluate(rules, facts(stood, NOW, policy), STAMPS, {}, NOW)
    later = NOW + after
    found = evaluate(rules, facts(stood, later, policy), STAMPS, begun.since, later).holding
    return {(asked.rule, asked.stamp) for asked in found}


def test_the_catalogue_has_the_rules_that_are_promised() -> None:
    """What is asked of a stamp: each with its playbook, its severity, its place, and how far it reaches."""
    assert told(AskedOf.STAMP) == {
        "root-node-red": (Playbook.DRAIN, Severity.CRITICAL, None),
        "root-node-red-after-a-change": (Playbook.PAGE, Severity.CRITICAL, None),
        "root-node-yellow": (Playbook.NOTIFY, Severity.WARNING, None),
        "root-node-unknown": (Playbook.PAGE, Severity.ERROR, None),
        CANNOT_READ: (Playbook.DRAIN, Severity.CRITICAL, None),
        MAY_NOT_READ: (Playbook.PAGE, Severity.CRITICAL, None),
        "lag-probe-blind-for-long": (Playbook.PAGE, Severity.WARNING, None),
        "lag-probe-blind": (Playbook.NOTIFY, Severity.WARNING, None),
        "key-vault-red": (Playbook.PAGE, Severity.ERROR, None),
        "cluster-red": (Playbook.NOTIFY, Severity.WARNING, None),
        "event-hub-red": (Playbook.NOTIFY, Severity.WARNING, None),
        "checkpoint-storage-red": (Playbook.PAGE, Severity.ERROR, None),
        "static-content-fails": (Playbook.PAGE, Severity.ERROR, Scope.PARTIAL),
        "image-pull-fails": (Playbook.PAGE, Severity.ERROR, None),
        "image-pull-fails-while-serving": (Playbook.PAGE, Severity.ERROR, Scope.PARTIAL),
        "certificate-fails": (Playbook.PAGE, Severity.ERROR, None),
        "no-room-to-grow": (Playbook.NOTIFY, Severity.WARNING, None),
        "cluster-change-failed": (Playbook.NOTIFY, Severity.WARNING, None),
        "key-vault-throttled": (Playbook.NOTIFY, Severity.WARNING, Scope.NONE),
        "azure-service-red-here": (Playbook.NOTIFY, Severity.WARNING, None),
        "azure-database-red-here": (Playbook.NOTIFY, Severity.WARNING, Scope.NONE),
        "azure-service-yellow-here": (Playbook.NOTIFY, Severity.INFO, Scope.NONE),
        "azure-control-plane-here": (Playbook.PAGE, Severity.WARNING, Scope.NONE),
        "azure-telemetry-here": (Playbook.PAGE, Severity.ERROR, Scope.UNKNOWN),
        "front-door-origin-unhealthy": (Playbook.NOTIFY, Severity.INFO, None),
        "azure-announcement-here": (Playbook.NOTIFY, Severity.INFO, Scope.NONE),
        "azure-incident-here": (Playbook.RECORD, Severity.INFO, Scope.NONE),
    }
    assert all(rule.where.startswith("catalog/mission_critical.yaml:") for rule in RULES)


def test_what_all_stamps_share_is_asked_of_the_workload() -> None:
    """None of these rules may ask for a drain, and most of them say that no drain would help."""
    assert told(AskedOf.WORKLOAD) == {
        "database-red": (Playbook.PAGE, Severity.CRITICAL, None),
        "database-throttled": (Playbook.PAGE, Severity.ERROR, Scope.GLOBAL),
        "database-partition-full": (Playbook.PAGE, Severity.ERROR, Scope.PARTIAL),
        "azure-database-red": (Playbook.PAGE, Severity.CRITICAL, None),
        "azure-identity-red": (Playbook.PAGE, Severity.CRITICAL, None),
        "azure-dns-red": (Playbook.PAGE, Severity.CRITICAL, None),
        "azure-service-red": (Playbook.PAGE, Severity.CRITICAL, None),
        "front-door-fails": (Playbook.PAGE, Severity.CRITICAL, Scope.EDGE),
        "azure-edge-red": (Playbook.PAGE, Severity.CRITICAL, Scope.EDGE),
        "availability-test-fails": (Playbook.PAGE, Severity.CRITICAL, None),
        "front-door-origins-unhealthy": (Playbook.NOTIFY, Severity.WARNING, None),
        "certificate-fails-for-all": (Playbook.PAGE, Severity.ERROR, None),
        "images-cannot-be-pulled": (Playbook.PAGE, Severity.ERROR, Scope.GLOBAL),
        "registry-throttled": (Playbook.NOTIFY, Severity.WARNING, Scope.NONE),
        "key-vault-alert": (Playbook.NOTIFY, Severity.WARNING, Scope.NONE),
        "no-room-to-grow-anywhere": (Playbook.NOTIFY, Severity.WARNING, None),
        "azure-control-plane": (Playbook.PAGE, Severity.WARNING, Scope.NONE),
        "azure-telemetry": (Playbook.PAGE, Severity.ERROR, Scope.UNKNOWN),
        "azure-service-yellow": (Playbook.NOTIFY, Severity.INFO, Scope.NONE),
        "azure-announcement": (Playbook.NOTIFY, Severity.INFO, Scope.NONE),
        "azure-incident": (Playbook.RECORD, Severity.INFO, Scope.NONE),
        "test-received": (Playbook.NOTIFY, Severity.INFO, None),
    }


def test_only_two_rules_ask_for_a_drain() -> None:
    """Whoever adds a third must mean it."""
    assert RuleSet(RULES).draining == {"root-node-red", CANNOT_READ}


def test_nothing_holds_where_all_is_green() -> None:
    """A healthy workload is left alone, however long."""
    assert holding([], timedelta(minutes=30)) == set()


def test_f14_a_pod_that_restarts_is_nobodys_business() -> None:
    """An alert of another name makes no rule hold."""
    assert holding([an_alert("PodRestarted")], timedelta(minutes=30)) == set()


@pytest.mark.parametrize(("after", "holds"), [(0, False), (29, False), (30, True)])
def test_a_red_root_asks_for_a_drain_when_seen_twice(after: int, holds: bool) -> None:  # noqa: FBT001 - pytest's table
    """A single wrong word that is taken back within one period wakes nobody."""
    found = holding([a_signal("weu", "Stamp", Health.RED)], timedelta(seconds=after))
    assert found == ({("root-node-red", "weu")} if holds else set())


def test_a_yellow_root_is_told_and_wakes_nobody() -> None:
    """Only once it outlasts a bin of the health score."""
    yellow = [a_signal("weu", "Stamp", Health.YELLOW)]
    assert holding(yellow, timedelta(minutes=2)) == set()
    assert holding(yellow, timedelta(minutes=3)) == {("root-node-yellow", "weu")}


def test_silence_pages_and_never_drains() -> None:
    """A root of which nothing is known pages after five minutes; no drain rule holds."""
    rules = RuleSet(RULES)
    nothing = facts({}, NOW, Policy())
    begun = evaluate(rules, nothing, STAMPS, {}, NOW)
    later = NOW + timedelta(minutes=5)
    assert begun.holding == {}
    assert set(evaluate(rules, nothing, STAMPS, begun.since, later).holding) == {
        Asked("root-node-unknown", stamp) for stamp in STAMPS
    }


@pytest.mark.parametrize(("after", "holds"), [(0, False), (29, False), (30, True)])
def test_f21_a_red_processor_asks_for_a_drain_when_nothing_explains_it(after: int, holds: bool) -> None:  # noqa: FBT001 - pytest's table
    """Root and HealthService stay green; one period is left for the cause's own event to come in."""
    found = holding([a_signal("weu", "BackgroundProcessor", Health.RED)], timedelta(seconds=after))
    assert found == ({(CANNOT_READ, "weu")} if holds else set())


def test_f21_the_lag_probes_word_is_waited_for_no_longer() -> None:
    """It has waited before it said red, and explains itself."""
    assert holding([LAG_PROBE]) == {(CANNOT_READ, "weu")}


@pytest.mark.parametrize("backlog", [Health.YELLOW, Health.RED])
def test_f21_the_alert_with_a_growing_backlog_asks_for_a_drain_at_once(backlog: Health) -> None:
    """Nothing leaves the hub and something enters it: there is nothing left to wait for."""
    found = holding([an_alert(ALERT), a_signal("weu", "EventHub", backlog)])
    assert found == {(CANNOT_READ, "weu"), (MAY_NOT_READ, "weu")}


LAG_PROBE = a_signal("weu", "BackgroundProcessor", Health.RED, source="consumer-lag")


@pytest.mark.parametrize("beside", ["Keyvault", "AKSCluster", "MessageProducer", "CheckpointStorage"])
def test_f21_the_lag_probe_alone_asks_for_a_drain_whatever_else_is_red(beside: str) -> None:
    """P3: it has looked at the processor itself; no alert is needed, and another's green hides nothing."""
    model = a_signal("weu", "BackgroundProcessor")
    assert (CANNOT_READ, "weu") in holding([LAG_PROBE, model, a_signal("weu", beside, Health.RED)])
    taken_back = replace(LAG_PROBE, health=Health.GREEN)
    assert (CANNOT_READ, "weu") not in holding([taken_back, model, a_signal("weu", beside, Health.RED)])


def test_f21_a_stamp_comes_back_when_its_backlog_is_worked_off() -> None:
    """P12: a processor that reads again is not yet one that has caught up."""
    assert {rule.name for rule in RULES if rule.proof is Proof.BACKLOG} == {CANNOT_READ}


def test_f21_the_alert_alone_pages_at_once_and_asks_for_a_drain_after_two_minutes() -> None:
    """The name of the alert rule is the reference architecture's; its case does not matter."""
    alert = [an_alert(ALERT.upper())]
    assert holding(alert, timedelta(seconds=119)) == {(MAY_NOT_READ, "weu")}
    assert holding(alert, timedelta(seconds=120)) == {(CANNOT_READ, "weu"), (MAY_NOT_READ, "weu")}


def test_f21_the_page_and_the_drain_are_one_incident() -> None:
    """P8: both rules are of one family, so nobody is woken twice."""
    assert BY_NAME[MAY_NOT_READ].family == BY_NAME[CANNOT_READ].family
    assert BY_NAME[MAY_NOT_READ].severity == BY_NAME[CANNOT_READ].severity


def test_f20_the_alert_drains_nothing_while_the_senders_are_down() -> None:
    """No message leaves a hub into which none comes: the check that sends through it is red."""
    signals = [an_alert(ALERT), a_signal("weu", "MessageProducer", Health.RED)]
    assert holding(signals, timedelta(minutes=30)) == {(MAY_NOT_READ, "weu")}


def test_f24_a_sick_key_vault_pages_and_drains_nothing() -> None:
    """The health model shows the processor red with it, though running pods go on reading."""
    signals = [
        a_signal("weu", node, Health.RED) for node in ("Keyvault", "BackgroundProcessor", "CatalogService")
    ]
    assert holding(signals, timedelta(minutes=30)) == {("key-vault-red", "weu")}


def test_f22_sick_checkpoints_page_and_drain_nothing() -> None:
    """The processor is red with them; the state file lies there too, so the stamp is out by itself."""
    signals = [a_signal("weu", node, Health.RED) for node in ("CheckpointStorage", "BackgroundProcessor")]
    assert holding(signals, timedelta(minutes=30)) == {("checkpoint-storage-red", "weu")}


def test_f18_a_sick_cluster_is_told_and_drains_nothing_while_the_root_is_green() -> None:
    """The same for the cluster: if users felt it, the root would be red."""
    signals = [a_signal("weu", node, Health.RED) for node in ("AKSCluster", "BackgroundProcessor")]
    assert holding(signals, timedelta(minutes=30)) == {("cluster-red", "weu")}


def test_a_processor_that_reads_nothing_is_drained_even_beside_a_sick_key_vault() -> None:
    """The alert on the hub itself is proof enough, whatever else is red."""
    signals = [an_alert(ALERT), a_signal("weu", "Keyvault", Health.RED)]
    found = holding(signals, timedelta(minutes=2))
    assert found == {(CANNOT_READ, "weu"), (MAY_NOT_READ, "weu"), ("key-vault-red", "weu")}


def test_f08_a_sick_database_pages_once_and_not_for_each_stamp() -> None:
    """It is shared, so it is nobody's stamp."""
    assert holding([a_signal(None, "CosmosDB", Health.RED)]) == {("database-red", None)}


def test_every_rule_says_what_it_means() -> None:
    """Summaries are whole sentences for the person who is paged."""
    assert all(rule.summary.endswith(".") and len(rule.summary) > 40 for rule in BY_NAME.values())


def test_every_rule_says_why_it_is_as_it_is() -> None:
    """A comment lies before each rule or within it."""
    (text,) = catalog_texts().values()
    bare = [block for block in text.split("\n\n") if "- name:" in block and "#" not in block]
    assert bare == []
