"""Do the shipped rules say what the failure table wants of them?"""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from rules.evaluate import Asked, RuleSet, evaluate
from rules.health import facts
from rules.load import load_catalog
from rules.policy import Policy
from rules.rule import AskedOf, Playbook
from rules.signals import Health, Severity, Signal
from tests.builders import NOW, STAMPS, a_signal, an_alert, registers

RULES = load_catalog()
BY_NAME = {rule.name: rule for rule in RULES}
CANNOT_READ = "background-processor-cannot-read"
MAY_NOT_READ = "background-processor-may-not-read"
ALERT = "EventHub-metricalert-OutgoingMessages-Error"
QUIET = [a_signal(stamp, "Stamp") for stamp in STAMPS]


def holding(signals: Iterable[Signal], after: timedelta = timedelta(0)) -> set[tuple[str, str | None]]:
    """The rules that hold after these signals have stood for so long, with their stamps."""
    rules, policy = RuleSet(RULES), Policy(fresh_for=timedelta(hours=1))
    stood = registers([*QUIET, *signals])
    begun = evaluate(rules, facts(stood, NOW, policy), STAMPS, {}, NOW)
    later = NOW + after
    found = evaluate(rules, facts(stood, later, policy), STAMPS, begun.since, later).holding
    return {(asked.rule, asked.stamp) for asked in found}


def test_the_catalogue_has_the_rules_that_are_promised() -> None:
    """Each with its playbook, its severity and its place."""
    assert {rule.name: (rule.playbook, rule.severity) for rule in RULES} == {
        "root-node-red": (Playbook.DRAIN, Severity.CRITICAL),
        "root-node-yellow": (Playbook.NOTIFY, Severity.WARNING),
        "root-node-unknown": (Playbook.PAGE, Severity.ERROR),
        CANNOT_READ: (Playbook.DRAIN, Severity.CRITICAL),
        MAY_NOT_READ: (Playbook.PAGE, Severity.CRITICAL),
        "key-vault-red": (Playbook.PAGE, Severity.ERROR),
        "cluster-red": (Playbook.NOTIFY, Severity.WARNING),
        "database-red": (Playbook.PAGE, Severity.CRITICAL),
    }
    assert all(rule.where.startswith("catalog/mission_critical.yaml:") for rule in RULES)
    assert [rule.name for rule in RULES if rule.asked_of is AskedOf.WORKLOAD] == ["database-red"]


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


def test_f21_a_red_processor_asks_for_a_drain_at_once() -> None:
    """Root and HealthService stay green; the rule waits for nothing beyond the settle time."""
    assert holding([a_signal("weu", "BackgroundProcessor", Health.RED)]) == {(CANNOT_READ, "weu")}


@pytest.mark.parametrize("backlog", [Health.YELLOW, Health.RED])
def test_f21_the_alert_with_a_growing_backlog_asks_for_a_drain_at_once(backlog: Health) -> None:
    """Nothing leaves the hub and something enters it: there is nothing left to wait for."""
    found = holding([an_alert(ALERT), a_signal("weu", "EventHub", backlog)])
    assert found == {(CANNOT_READ, "weu"), (MAY_NOT_READ, "weu")}


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
