"""Is one fault one page, and is nothing hidden under it that has something else to say?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.decide.muting import explained
from remediation.decide.plan import Charge
from remediation.decide.tree import HealthModel
from remediation.decide.wanted import Wanted
from remediation.ledger.intent import IntentState, Verb
from remediation.ledger.orders import Silence
from remediation.ledger.record import WorkloadRecord
from rules.conditions import AlertFires, AllOf, AnyOf, NodeIs
from rules.policy import Mode, Policy
from rules.reach import Scope
from rules.rule import AskedOf, Playbook
from rules.signals import Health, Severity, Signal
from rules.topology import REFERENCE_TREE
from tests.builders import (
    NOW,
    a_record,
    a_rule,
    a_signal,
    an_alert,
    an_incident,
    an_intent,
    at,
    registers,
)
from tests.decide.cases import ROOTS, a_charge, an_auto_workload, decided, looked_at
from tests.decide.outboxes import card, delivered, happened, page, told

ROOT = "shop/weu/root-node-red"
VAULT = "shop/weu/key-vault-red"
CLUSTER = "shop/weu/cluster-red"

RED = frozenset({Health.RED})
ROOT_RED = a_rule("root-node-red", when=NodeIs("Stamp", RED), playbook=Playbook.PAGE, summary="Root.")
VAULT_RED = a_rule(
    "key-vault-red",
    when=NodeIs("Keyvault", RED),
    playbook=Playbook.PAGE,
    severity=Severity.ERROR,
    summary="Vault.",
)
CLUSTER_RED = a_rule(
    "cluster-red",
    when=NodeIs("AKSCluster", RED),
    playbook=Playbook.NOTIFY,
    severity=Severity.WARNING,
    summary="Cluster.",
)
CHARGE = a_charge(ROOT_RED, VAULT_RED, CLUSTER_RED)


def word(node: str, health: Health = Health.RED, when: float = 0, stamp: str = "weu") -> Signal:
    """The health model's word about a node of weu."""
    return a_signal(stamp, node, health, id=f"{stamp}/{node}/{health}/{when}", observed_at=at(when))


def before(*words: Signal, **changes: Any) -> WorkloadRecord:
    """All is well, but for this."""
    return a_record(registers=registers([*ROOTS, *words]), stamps=looked_at(), **changes)


def opened(*words: Signal, charge: Charge = CHARGE, **changes: Any) -> WorkloadRecord:
    """The first decision on these words."""
    return decided(before(*words, **changes), charge=charge)


def test_a_cause_below_a_red_root_is_told_with_the_root() -> None:
    """P8: one page, with the way from the root to the cause; the lower one is kept, and in the journal."""
    after = opened(word("Stamp"), word("Keyvault"), word("AKSCluster"))
    assert told(after) == [("page", "trigger", ROOT), ("notify", "trigger", ROOT)]
    assert set(after.incidents) == {ROOT, VAULT, CLUSTER}
    assert [after.incidents[key].under for key in (ROOT, VAULT, CLUSTER)] == ["", ROOT, ROOT]
    assert not after.incidents[VAULT].pages
    flow = "Stamp -> AddCommentUserFlow -> CatalogService"
    assert page(after)["Path"].splitlines() == [
        f"{flow} -> Keyvault (red since 03:00:00)",
        f"{flow} -> AKSCluster (red since 03:00:00)",
    ]
    assert f"incident {VAULT} opened, explained by {ROOT}: weu: Keyvault is red" in happened(after)
    settled = delivered(after)
    assert decided(settled, charge=CHARGE, now=at(1)) is settled


def test_the_path_goes_on_to_red_nodes_that_no_rule_speaks_of() -> None:
    """Whoever is woken reads how deep it goes, at most five ways of it."""
    flows = ("AddCommentUserFlow", "CatalogService")
    after = opened(*(word(node) for node in ("Stamp", *flows, "EventHub", "Keyvault")))
    assert page(after)["Path"].splitlines() == [
        "Stamp -> AddCommentUserFlow -> CatalogService -> Keyvault (red since 03:00:00)",
        "Stamp -> AddCommentUserFlow -> CatalogService -> EventHub (red)",
    ]
    bushy = replace(an_auto_workload(), dependencies={"Stamp": tuple("abcdefg")})
    many = opened(
        word("Stamp"), *(word(node) for node in "abcdefg"), charge=a_charge(ROOT_RED, workload=bushy)
    )
    assert page(many)["Path"].count("\n") == 4


def test_a_root_that_is_red_alone_has_no_path() -> None:
    """There is nothing below it to read of."""
    assert "Path" not in page(opened(word("Stamp")))


def test_what_else_stands_at_the_stamp_is_told_beside_it() -> None:
    """Whoever is woken reads what Azure says of the region; what is explained is in the path instead."""
    azure = replace(CLUSTER_RED, name="azure-here", family="azure-here", when=NodeIs("AzureNetwork", RED))
    charge = a_charge(ROOT_RED, VAULT_RED, azure)
    after = opened(word("Stamp"), word("Keyvault"), word("AzureNetwork"), charge=charge)
    assert page(after, ROOT)["Besides"] == azure.summary
    elsewhere = opened(word("Stamp"), word("AzureNetwork", stamp="neu"), charge=charge)
    assert "Besides" not in page(elsewhere, ROOT)


def test_a_green_node_between_keeps_them_apart() -> None:
    """The fault cannot have come up that way: these are two."""
    green = (word("CatalogService", Health.GREEN), word("BackgroundProcessor", Health.GREEN))
    after = opened(word("Stamp"), word("Keyvault"), *green)
    assert [after.incidents[key].under for key in (ROOT, VAULT)] == ["", ""]
    assert ("page", "trigger", VAULT) in told(after)


@pytest.mark.parametrize("health", [Health.RED, Health.YELLOW, Health.UNKNOWN])
def test_a_node_between_that_is_not_green_joins_them(health: Health) -> None:
    """Red, yellow, or judged by nobody."""
    after = opened(word("Stamp"), word("Keyvault"), word("CatalogService", health))
    assert after.incidents[VAULT].under == ROOT


def test_another_stamp_is_another_fault() -> None:
    """The root of neu explains nothing at weu."""
    after = opened(word("Stamp", stamp="neu"), word("Keyvault"))
    assert after.incidents[VAULT].under == ""


def test_the_topmost_explains_all() -> None:
    """Of three in a row, however loud, both lower ones are under the first."""
    catalog = replace(VAULT_RED, name="catalog", family="catalog", when=NodeIs("CatalogService", RED))
    charge = a_charge(VAULT_RED, catalog, replace(ROOT_RED, severity=Severity.ERROR))
    after = opened(word("Stamp"), word("CatalogService"), word("Keyvault"), charge=charge)
    assert {key: incident.under for key, incident in after.incidents.items()} == {
        VAULT: ROOT,
        "shop/weu/catalog": ROOT,
        ROOT: "",
    }


THROTTLED = AnyOf((NodeIs("Keyvault", RED), AlertFires("Throttled")))
OWN_WAYS: list[tuple[str, dict[str, Any]]] = [
    ("it asks for a drain", {"playbook": Playbook.DRAIN}),
    ("it asks for a restart", {"playbook": Playbook.RESTART, "target": "catalog"}),
    ("it is louder", {"severity": Severity.CRITICAL}),
    ("it rests on an alert about no node", {"when": THROTTLED}),
    ("it rests on what lies elsewhere too", {"when": AllOf((NodeIs("Keyvault", RED), NodeIs("Moon", RED)))}),
]


@pytest.mark.parametrize(("why", "changes"), OWN_WAYS, ids=[why for why, _ in OWN_WAYS])
def test_what_has_something_else_to_say_is_told_by_itself(why: str, changes: dict[str, Any]) -> None:
    """Whatever stands above it."""
    charge = a_charge(replace(ROOT_RED, severity=Severity.ERROR), replace(VAULT_RED, **changes))
    words = (word("Stamp"), word("Keyvault"), word("Moon"), an_alert("Throttled"))
    after = opened(*words, charge=charge)
    assert (after.incidents[VAULT].under, after.incidents[ROOT].under) == ("", ""), why
    assert ("notify", "trigger", VAULT) in told(after)
    alike = opened(*words, charge=a_charge(replace(ROOT_RED, severity=Severity.ERROR), VAULT_RED))
    assert alike.incidents[VAULT].under == ROOT


@pytest.mark.parametrize(
    ("upper", "lower", "joined"),
    [
        (Scope.STAMP, Scope.STAMP, True),
        (Scope.PARTIAL, Scope.STAMP, True),
        (Scope.PARTIAL, Scope.PARTIAL, True),
        (Scope.STAMP, Scope.PARTIAL, False),
        (Scope.UNKNOWN, Scope.EDGE, False),
    ],
)
def test_a_verdict_of_its_own_is_told(upper: Scope, lower: Scope, *, joined: bool) -> None:
    """P3: who says `partial` is not under one that says `stamp`."""
    root = Wanted(an_incident(family="root", scope=upper), "", NOW, (("weu", "Stamp"),), placed=True)
    vault = Wanted(an_incident(family="vault", scope=lower), "", NOW, (("weu", "Keyvault"),), placed=True)
    model = HealthModel(REFERENCE_TREE, registers([word("Stamp"), word("Keyvault")]), Policy(), NOW)
    assert explained([root, vault], [root, vault], model) == ({vault.key: root.key} if joined else {})


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(
    "changes", [{"when": AlertFires("Throttled")}, {"playbook": Playbook.DRAIN, "mode": Mode.APPROVE}]
)
def test_one_rule_of_a_family_is_enough_to_be_told(turn: int, changes: dict[str, Any]) -> None:
    """One incident is about both, whichever was read first."""
    other = replace(VAULT_RED, name="other", **changes)
    charge = a_charge(ROOT_RED, *(VAULT_RED, other)[::turn])
    after = opened(word("Stamp"), word("Keyvault"), an_alert("Throttled"), charge=charge)
    assert after.incidents[VAULT].under == ""


@pytest.mark.parametrize("turn", [1, -1])
def test_a_family_is_red_since_its_first_finding(turn: int) -> None:
    """Both findings rest on the key vault."""
    not_green = replace(VAULT_RED, name="slow", when=NodeIs("Keyvault", RED | {Health.YELLOW}))
    charge = a_charge(ROOT_RED, *(VAULT_RED, not_green)[::turn])
    slow = delivered(opened(word("Keyvault", Health.YELLOW), charge=charge))
    after = decided(slow, word("Keyvault", when=60), word("Stamp", when=60), charge=charge, now=at(60))
    assert page(after)["Path"].endswith("Keyvault (red since 03:00:00)")


def test_only_a_red_node_explains() -> None:
    """A root that is merely yellow may be so for another reason, though someone was woken for it."""
    yellow = replace(ROOT_RED, when=NodeIs("Stamp", frozenset({Health.YELLOW})))
    after = opened(word("Stamp", Health.YELLOW), word("Keyvault"), charge=a_charge(yellow, VAULT_RED))
    assert after.incidents[VAULT].under == ""


def test_a_step_that_is_stuck_for_another_fault_is_told_with_that() -> None:
    """And with the upper one; not once more with what is under it."""
    joined = delivered(opened(word("Stamp"), word("Keyvault")))
    stuck = an_intent(Verb.RESTART, state=IntentState.APPLIED, applied_at=NOW, stuck=True)
    after = decided(replace(joined, intents={stuck.id: stuck}), charge=CHARGE, now=at(1))
    assert page(after, ROOT)["title"].endswith("STUCK: look at it.")
    assert VAULT not in {message.incident for message in after.outbox}


def test_what_only_tells_the_team_explains_nothing() -> None:
    """Nobody would be woken for the cause."""
    quiet_root = replace(ROOT_RED, playbook=Playbook.NOTIFY)
    after = opened(word("Stamp"), word("Keyvault"), charge=a_charge(quiet_root, VAULT_RED))
    assert after.incidents[VAULT].under == ""


def test_a_fault_of_the_whole_workload_explains_no_stamps() -> None:
    """Its nodes are not in the health model of any."""
    everywhere = replace(ROOT_RED, when=NodeIs("CosmosDB", RED), asked_of=AskedOf.WORKLOAD)
    record = before(a_signal(None, "CosmosDB", Health.RED), word("Keyvault"))
    after = decided(record, charge=a_charge(everywhere, VAULT_RED))
    assert {incident.under for incident in after.incidents.values()} == {""}


def test_a_global_fault_is_one_page_too() -> None:
    """P3, P8: where every root of two stamps is red for its key vault; the ways are those of each stamp."""
    both = (word(node, stamp=stamp) for stamp in ("weu", "neu") for node in ("Stamp", "Keyvault"))
    after = opened(*both)
    roots, vaults = "shop/global/root-node-red", "shop/global/key-vault-red"
    assert {key: incident.under for key, incident in after.incidents.items()} == {roots: "", vaults: roots}
    flow = "Stamp -> AddCommentUserFlow -> CatalogService -> Keyvault"
    assert page(after)["Path"].splitlines() == [
        f"weu: {flow} (red since 03:00:00)",
        f"neu: {flow} (red since 03:00:00)",
    ]
    apart = opened(
        word("Stamp"),
        word("Stamp", stamp="neu"),
        word("Keyvault"),
        word("Keyvault", stamp="eus"),
        charge=CHARGE,
    )
    assert apart.incidents[vaults].under == ""


def test_a_silenced_root_hides_nothing_but_itself() -> None:
    """Whoever silenced it has not heard of the cause."""
    muted = (Silence("s1", "ada", "known", NOW, at(600), "weu", "root-*"),)
    after = opened(word("Stamp"), word("Keyvault"), silences=muted)
    assert (after.incidents[ROOT].silenced, after.incidents[VAULT].under) == (True, "")
    assert told(after) == [("page", "trigger", VAULT), ("notify", "trigger", VAULT)]


def test_when_the_upper_one_ends_the_lower_one_is_told() -> None:
    """P8: it pages then, if it pages; and its own end is told as well."""
    joined = delivered(opened(word("Stamp"), word("Keyvault"), word("AKSCluster")))
    apart = decided(joined, word("Stamp", Health.GREEN, 60), charge=CHARGE, now=at(60))
    assert set(apart.incidents) == {VAULT, CLUSTER}
    assert told(apart) == [
        ("page", "trigger", VAULT),
        ("notify", "trigger", VAULT),
        ("notify", "trigger", CLUSTER),
        ("page", "resolve", ROOT),
        ("notify", "resolve", ROOT),
    ]
    assert apart.incidents[VAULT].opened_at == NOW
    ended = decided(delivered(apart), word("Keyvault", Health.GREEN, 90), charge=CHARGE, now=at(90))
    assert told(ended) == [("page", "resolve", VAULT), ("notify", "resolve", VAULT)]


def test_the_end_of_what_nobody_heard_of_is_told_to_nobody() -> None:
    """P8: no resolve without a trigger; the journal has it."""
    joined = delivered(opened(word("Stamp"), word("Keyvault")))
    ended = decided(joined, word("Keyvault", Health.GREEN, 60), charge=CHARGE, now=at(60))
    assert (told(ended), set(ended.incidents)) == ([], {ROOT})
    assert f"incident {VAULT} has ended" in happened(ended)


def test_what_was_paged_before_goes_on_under_the_upper_one_in_silence() -> None:
    """P8: its page stays open until its end, and does not sound again when the upper one ends first."""
    first = delivered(opened(word("Keyvault")))
    joined = decided(first, word("Stamp", when=60), charge=CHARGE, now=at(60))
    assert told(joined) == [("page", "trigger", ROOT), ("notify", "trigger", ROOT)]
    assert "Keyvault (red since 03:00:00)" in page(joined)["Path"]
    assert (joined.incidents[VAULT].under, joined.incidents[VAULT].pages) == (ROOT, True)
    assert f"incident {VAULT} is explained by {ROOT}" in happened(joined)
    apart = decided(delivered(joined), word("Stamp", Health.GREEN, 90), charge=CHARGE, now=at(90))
    assert told(apart) == [("page", "resolve", ROOT), ("notify", "resolve", ROOT)]
    assert f"incident {VAULT} is no longer explained by {ROOT}" in happened(apart)
    again = decided(delivered(apart), word("Stamp", when=120), charge=CHARGE, now=at(120))
    ended = decided(delivered(again), word("Keyvault", Health.GREEN, 150), charge=CHARGE, now=at(150))
    assert told(ended) == [("page", "resolve", VAULT), ("notify", "resolve", VAULT)]


def test_news_of_what_is_told_above_are_told_when_it_stands_alone() -> None:
    """What changed meanwhile is not lost."""
    first = delivered(opened(word("Keyvault")))
    joined = delivered(decided(first, word("Stamp", when=60), charge=CHARGE, now=at(60)))
    warns = a_charge(ROOT_RED, replace(VAULT_RED, severity=Severity.INFO), CLUSTER_RED)
    quieter = decided(joined, charge=warns, now=at(70))
    assert (quieter, quieter.incidents[VAULT].severity) == (joined, Severity.ERROR)
    apart = decided(joined, word("Stamp", Health.GREEN, 90), charge=warns, now=at(90))
    assert ("notify", "trigger", VAULT) in told(apart)
    assert ("page", "trigger", VAULT) not in told(apart)
    assert apart.incidents[VAULT].severity is Severity.INFO


def test_what_the_team_was_told_of_goes_on_by_itself() -> None:
    """Its end is told as its beginning was; it wakes nobody anyway."""
    first = delivered(opened(word("AKSCluster")))
    joined = decided(first, word("Stamp", when=60), charge=CHARGE, now=at(60))
    assert joined.incidents[CLUSTER].under == ""
    wakes = a_charge(ROOT_RED, VAULT_RED, replace(CLUSTER_RED, playbook=Playbook.PAGE))
    louder = decided(delivered(joined), charge=wakes, now=at(70))
    assert told(louder) == [("page", "trigger", CLUSTER), ("notify", "trigger", CLUSTER)]
    ended = decided(delivered(joined), word("AKSCluster", Health.GREEN, 90), charge=CHARGE, now=at(90))
    assert told(ended) == [("notify", "resolve", CLUSTER)]


def test_a_cause_that_shows_later_is_told_to_the_team() -> None:
    """On-call has been woken; the way to the cause goes to the channel, once."""
    first = delivered(opened(word("Stamp")))
    joined = decided(first, word("Keyvault", when=60), charge=CHARGE, now=at(60))
    assert told(joined) == [("notify", "trigger", ROOT)]
    assert card(joined)["Path"].endswith("Keyvault (red since 03:01:00)")
    settled = delivered(joined)
    assert decided(settled, charge=CHARGE, now=at(61)) is settled


def test_what_the_worker_has_begun_is_told_by_itself() -> None:
    """A restart under way for one family; and an incident that only a drain keeps open explains nothing."""
    going: dict[str, Any] = {"state": IntentState.APPLIED, "applied_at": NOW, "family": "key-vault-red"}
    restart = an_intent(Verb.RESTART, **going)
    after = opened(word("Stamp"), word("Keyvault"), intents={restart.id: restart})
    assert after.incidents[VAULT].under == ""


def test_a_lower_one_whose_upper_changes_is_under_the_new_one() -> None:
    """The first has ended; another one above stands, or has begun with it."""
    catalog = replace(VAULT_RED, name="catalog", family="catalog", when=NodeIs("CatalogService", RED))
    charge = a_charge(ROOT_RED, VAULT_RED, catalog)
    joined = delivered(opened(word("CatalogService"), word("Keyvault"), charge=charge))
    assert joined.incidents[VAULT].under == "shop/weu/catalog"
    higher = decided(joined, word("Stamp", when=60), charge=charge, now=at(60))
    assert higher.incidents[VAULT].under == higher.incidents["shop/weu/catalog"].under == ROOT
    lower = decided(delivered(higher), word("Stamp", Health.GREEN, 90), charge=charge, now=at(90))
    assert lower.incidents[VAULT].under == "shop/weu/catalog"
    assert ("page", "trigger", VAULT) not in told(lower)
