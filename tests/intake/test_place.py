"""Do the clues in a body name the one stamp and node they point at, and never one by a guess?"""

from dataclasses import replace
from typing import Any

import pytest

from remediation.intake.place import Clues, region_word, words_of
from remediation.intake.read import read
from remediation.intake.rejection import Code
from remediation.intake.resource import node_of, resource_name, resource_type, subscription
from remediation.intake.subject import OF_A_REGION, Known, Placed
from rules.signals import Subject
from rules.topology import HealthModel, SubjectRow
from tests.builders import a_stamp
from tests.intake.bodies import KNOWN, an_alert_body, encode, know, rejected, shop

SUB = "/subscriptions/6f1d"
WEU = f"{SUB}/resourceGroups/aoprod7745-stamp-westeurope-rg/providers"
NEU = f"{SUB}/resourceGroups/aoprod7745-stamp-northeurope-rg/providers"
MONITORING = f"{SUB}/resourceGroups/aoprod-monitoring-rg/providers"
FOREIGN = f"{SUB}/resourceGroups/theirs-rg/providers"
HUB = "Microsoft.EventHub/namespaces/ns"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"
MODEL = f"{MONITORING}/Microsoft.CloudHealth/healthmodels/shop-model"


def placed(known: Known, *resources: str, **clues: Any) -> Placed:
    """Whom these clues are about, where that is one workload."""
    (found,) = known.place(Clues(resources=resources, **clues))
    return found


def where(known: Known, *resources: str, **clues: Any) -> tuple[str | None, str | None]:
    """Stamp and node."""
    _, stamp, node = placed(known, *resources, **clues).subject
    return stamp, node


def with_rows(*rows: SubjectRow, **changes: Any) -> Known:
    """The workload with these rows of `subjects`."""
    return know(shop(subjects=rows, **changes))


def test_the_rows_of_subjects_come_first_and_in_their_order() -> None:
    """A row beats the resource group; of two rows for one stamp the first is named."""
    known = with_rows(
        SubjectRow(resource="*/redis/cache-*", stamp="neu", node="Cache"),
        SubjectRow(resource="*/redis/*", stamp="neu", node="OtherCache"),
    )
    found = placed(known, f"{WEU}/Microsoft.Cache/redis/cache-1")
    assert found.subject == Subject("shop", "neu", "Cache")
    assert found.by == "`subjects`: resource */redis/cache-*; node by resource */redis/cache-*"
    assert placed(known, f"{WEU}/Microsoft.Cache/redis/x").subject.node == "OtherCache"


@pytest.mark.parametrize(
    ("row", "beside"),
    [
        (SubjectRow(resource="*/cache-1", stamp="weu"), f"{NEU}/Microsoft.Cache/redis/cache-2"),
        (SubjectRow(resource="*/cache-1", stamp="weu"), f"{FOREIGN}/Microsoft.Cache/redis/cache-2"),
        (SubjectRow(resource="*/cache-1", stamp="weu"), f"{MONITORING}/Microsoft.Cache/redis/cache-2"),
        (SubjectRow(resource_type="Microsoft.Cache/redis", stamp="weu"), f"{NEU}/{HUB}"),
        (SubjectRow(alert="slow", stamp="weu"), f"{NEU}/{HUB}"),
        (SubjectRow(label="cluster", value="aks-weu-*", stamp="weu"), f"{NEU}/{HUB}"),
    ],
)
def test_a_row_names_no_stamp_where_another_resource_contradicts_it(row: SubjectRow, beside: str) -> None:
    """The fact is about the workload as a whole, and drains nothing (P3): two places, or a stranger's too."""
    cache = f"{FOREIGN}/Microsoft.Cache/redis/cache-1"
    labels = (("cluster", "aks-weu-1"),)
    found = placed(with_rows(row), cache, beside, alert="slow", labels=labels)
    assert found.subject.stamp is None
    assert found.by.endswith("but it is about other resources too")


@pytest.mark.parametrize(
    ("row", "beside"),
    [
        (SubjectRow(resource="*/cache-1", stamp="weu"), f"{WEU}/{HUB}"),
        (SubjectRow(alert="slow", stamp="weu"), f"{FOREIGN}/{WORKSPACE}/w"),
        (SubjectRow(label="cluster", value="aks-weu-*", stamp="weu"), f"{MONITORING}/{WORKSPACE}/w"),
    ],
)
def test_a_row_names_its_stamp_where_nothing_contradicts_it(row: SubjectRow, beside: str) -> None:
    """The stamp's own resources agree; and a workspace that was asked is not what an alert is about."""
    cache = f"{FOREIGN}/Microsoft.Cache/redis/cache-1"
    labels = (("cluster", "aks-weu-1"),)
    assert where(with_rows(row), cache, beside, alert="slow", labels=labels)[0] == "weu"


def test_rows_that_name_two_stamps_name_none() -> None:
    """The workload hears of it, and the words say which rows quarrel."""
    known = with_rows(SubjectRow(alert="*slow*", stamp="weu"), SubjectRow(alert="shop-*", stamp="neu"))
    found = placed(known, alert="shop-slow")
    assert (found.subject, found.by) == (Subject("shop"), "rows of `subjects` name neu, weu")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (SubjectRow(resource="*/mc_shop_weu_*", stamp="weu"), "resource */mc_shop_weu_*"),
        (
            SubjectRow(resource_type="Microsoft.Cache/redis", node="Cache"),
            "resource_type Microsoft.Cache/redis",
        ),
        (SubjectRow(alert="weu-*", stamp="weu"), "alert weu-*"),
        (SubjectRow(label="cluster"), "label cluster names the stamp"),
        (SubjectRow(label="cluster", value="aks-weu-*", stamp="weu"), "label cluster is aks-weu-*"),
    ],
)
def test_a_row_is_shown_as_it_is_written(row: SubjectRow, words: str) -> None:
    """So that a person finds it in the file."""
    assert words_of(row) == words


@pytest.mark.parametrize(
    ("row", "clues"),
    [
        (
            SubjectRow(resource="*/MC_shop_weu_*", stamp="weu"),
            {"resources": (f"{SUB}/resourceGroups/mc_shop_weu_1",)},
        ),
        (SubjectRow(alert="WEU-*", stamp="weu"), {"alert": "weu-latency"}),
        (SubjectRow(label="cluster"), {"labels": (("Cluster", "WEU"),)}),
        (
            SubjectRow(label="cluster", value="aks-weu-*", stamp="weu"),
            {"labels": (("cluster", "AKS-weu-1"),)},
        ),
        (SubjectRow(alert="a[b]?*", stamp="weu"), {"alert": "A[b]?c"}),
    ],
)
def test_a_row_claims_what_no_group_does(row: SubjectRow, clues: dict[str, Any]) -> None:
    """A resource group of nobody, or no resource at all: the row is the team's own word for it."""
    (found,) = with_rows(row).place(Clues(**clues))
    assert found.subject.stamp == "weu"
    assert not found.doubt


@pytest.mark.parametrize(
    ("row", "clues"),
    [
        (
            SubjectRow(resource="*/mc_shop_weu_*", stamp="weu"),
            {"resources": (f"{SUB}/resourceGroups/mc_other",)},
        ),
        (
            SubjectRow(resource_type="Microsoft.Cache/redis", node="Cache"),
            {"resources": (f"{FOREIGN}/Microsoft.Cache/redis/c",)},
        ),
        (SubjectRow(resource_type="Microsoft.Cache/redis", node="Cache"), {"resources": ("no id at all",)}),
        (SubjectRow(alert="*", stamp="weu"), {}),
        (SubjectRow(label="cluster"), {"labels": (("cluster", "nobody"),)}),
        (
            SubjectRow(label="cluster", value="aks-*", stamp="weu"),
            {"labels": (("cluster", "vm"), ("other", "aks-1"))},
        ),
        (SubjectRow(alert="ab?", stamp="weu"), {"alert": "abc"}),
        (SubjectRow(label="cluster", value="x", node="N"), {"labels": (("cluster", "x"),)}),
    ],
)
def test_what_no_row_matches_or_only_names_a_node_is_not_ours(row: SubjectRow, clues: dict[str, Any]) -> None:
    """A node, like a region or a stamp's name, is nothing that only we have."""
    assert rejected(lambda: with_rows(row).place(Clues(**clues))).code is Code.NOT_OURS


def test_a_row_may_name_the_node_alone() -> None:
    """By the type of the resource, while the stamp comes from its group."""
    known = with_rows(SubjectRow(resource_type="microsoft.cache/REDIS", node="Cache"))
    found = placed(known, f"{WEU}/Microsoft.Cache/redis/c1")
    assert found.subject == Subject("shop", "weu", "Cache")
    assert found.by.endswith("belongs to stamp weu; node by resource_type microsoft.cache/REDIS")


@pytest.mark.parametrize("value", ["eus", "EUS"])
def test_the_label_stamp_names_the_stamp(value: str) -> None:
    """A stamp has no resources of its own here; its label says so plainly, and that may act."""
    found = placed(KNOWN, f"{MONITORING}/{WORKSPACE}/x", labels=(("Stamp", value),))
    assert (found.subject.stamp, found.by, found.doubt) == ("eus", "the label `stamp` names it", "")


def test_two_labels_that_name_two_stamps_name_none() -> None:
    """People are told about the workload."""
    found = placed(KNOWN, f"{MONITORING}/{WORKSPACE}/x", labels=(("stamp", "eus"), ("stamp", "weu")))
    assert (found.subject.stamp, found.by) == (None, "it names eus, weu")


@pytest.mark.parametrize("name", ["Origin", "originName", "host"])
def test_a_front_door_origin_is_known_by_its_host(name: str) -> None:
    """The host of the HealthService is nobody else's: it places the fact even without a group of ours."""
    labels = ((name, "WEU.example"),)
    assert placed(KNOWN, labels=labels).by == "the origin is the host of its HealthService"
    assert where(KNOWN, f"{MONITORING}/Microsoft.Cdn/profiles/fd", labels=labels) == ("weu", "FrontDoor")
    assert where(KNOWN, f"{MONITORING}/Microsoft.Cdn/profiles/fd", labels=((name, "web.example"),))[0] is None


def test_a_prometheus_alert_is_about_the_resource_in_its_label() -> None:
    """The workspace that evaluated it is not what is sick: see the corpus for the whole body."""
    assert where(KNOWN, f"{WEU}/Microsoft.ContainerService/managedClusters/aks") == ("weu", "AKSCluster")


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("East US 2", "eastus2"),
        ("(US) East US 2", "eastus2"),
        ("eastus2", "eastus2"),
        (" North-Europe ", "northeurope"),
        ("(Europe)", ""),
    ],
)
def test_a_region_is_the_same_however_it_is_written(written: str, word: str) -> None:
    """Display names, with or without their continent, and short names."""
    assert region_word(written) == word


@pytest.mark.parametrize(
    "clues",
    [
        {"regions": ("East US",)},
        {"regions": ("(US) East US",)},
        {"labels": (("Location", "eastus"),)},
        {"labels": (("cloud/region", "East US"),)},
    ],
)
def test_the_one_stamp_of_a_region_is_likely_and_may_not_act(clues: dict[str, Any]) -> None:
    """A region's monitoring outlives its stamps: people hear of the stamp, nothing is done to it."""
    found = placed(KNOWN, f"{MONITORING}/{WORKSPACE}/aoprod-log", **clues)
    assert (found.subject.stamp, found.by) == ("eus", "its region has no other stamp")
    assert (
        found.doubt
        == OF_A_REGION
        == "it was placed by its region alone, whose monitoring outlives the stamps there"
    )


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("aoprod-northeuro-log", "neu"),
        ("aoprod-northeurope-log", "neu"),
        ("aoprod_eastus_appi", "eus"),
        ("aoprod-westeurop-log", "weu"),
        ("aoprod-northeur-log", None),
        ("aoprodnortheurolog", None),
    ],
)
def test_a_region_may_be_cut_to_nine_letters_in_a_name(name: str, stamp: str | None) -> None:
    """The reference cuts it so; anything shorter, or run together, is no name of a region."""
    assert where(KNOWN, f"{MONITORING}/{WORKSPACE}/{name}")[0] == stamp


def test_regions_that_are_cut_to_the_same_letters_are_ambiguous() -> None:
    """`australia` may be either: neither is guessed, and the workload as a whole hears of it."""
    stamps = (a_stamp("a", region="australiaeast"), a_stamp("b", region="australiasoutheast"))
    known = know(shop(stamps=stamps))
    found = placed(known, f"{MONITORING}/{WORKSPACE}/aoprod-australia-log")
    assert (found.subject, found.doubt) == (Subject("shop"), "")
    assert where(known, f"{MONITORING}/{WORKSPACE}/aoprod-australiaeast-log")[0] == "a"


def test_two_stamps_in_one_region_are_not_told_apart_by_it() -> None:
    """During a blue-green rollout the region has two."""
    known = know(shop(stamps=(a_stamp("blue"), a_stamp("green"))))
    assert where(known, f"{MONITORING}/{WORKSPACE}/w", regions=("West Europe",))[0] is None
    assert {each.subject.stamp for each in known.in_regions(["West Europe"])} == {"blue", "green"}


@pytest.mark.parametrize(
    "clues",
    [
        {"labels": (("stamp", "neu"),)},
        {"labels": (("host", "neu.example"),)},
    ],
)
def test_clues_that_contradict_each_other_name_no_stamp(clues: dict[str, Any]) -> None:
    """The group says weu, the label neu: whichever is wrong, no stamp is drained for it."""
    found = placed(KNOWN, f"{WEU}/{HUB}", **clues)
    assert found.subject == Subject("shop", None, "EventHub")
    assert found.by.startswith(
        "its clues contradict each other: resource group aoprod7745-stamp-westeurope-rg"
    )


@pytest.mark.parametrize(
    "resources", [(f"{WEU}/{HUB}", f"{FOREIGN}/{HUB}"), (f"{WEU}/{HUB}", f"{NEU}/{HUB}")]
)
def test_a_foreign_resource_or_a_second_stamp_beside_ours_names_no_stamp(resources: tuple[str, ...]) -> None:
    """Not even with a label that does: what lies in more than one place is torn."""
    found = placed(KNOWN, *resources, labels=(("stamp", "weu"),))
    assert (found.subject.stamp, found.by) == (None, "its resources lie in more than one place")


def test_two_workloads_each_hear_of_it_and_no_stamp_is_named() -> None:
    """Each about itself as a whole, in the order of their names."""
    pay = shop(name="pay", stamps=(a_stamp("p1", resource_groups=("pay-rg",)),), resource_groups=())
    found = know(shop(), pay).place(
        Clues(resources=(f"{WEU}/{HUB}", f"{SUB}/resourceGroups/pay-rg/providers/{HUB}"))
    )
    assert [each.subject for each in found] == [
        Subject("pay", None, "EventHub"),
        Subject("shop", None, "EventHub"),
    ]


def test_the_same_label_for_two_workloads_is_for_the_one_whose_resource_it_is() -> None:
    """A stamp's name is no claim: other people have a `weu` too."""
    other = shop(name="other", resource_groups=("other-rg",), stamps=(a_stamp("weu"),))
    found = know(shop(), other).place(
        Clues(resources=(f"{MONITORING}/{WORKSPACE}/x",), labels=(("stamp", "weu"),))
    )
    assert [each.subject for each in found] == [Subject("shop", "weu")]


@pytest.mark.parametrize(
    ("resource", "node"),
    [
        ("Microsoft.ContainerService/managedClusters/aks/agentPools/p", "AKSCluster"),
        ("Microsoft.KeyVault/vaults/kv", "Keyvault"),
        ("Microsoft.Storage/storageAccounts/aoprod7745westeuropprist", "CheckpointStorage"),
        ("Microsoft.Storage/storageAccounts/aoprod7745westeuroppubst", "PublicBlobStorage"),
        ("Microsoft.Storage/storageAccounts/another", None),
        ("Microsoft.Storage/storageAccounts", None),
        ("Microsoft.Made.Up/things/t", None),
        ("Microsoft.CloudHealth/healthModels/shop/entities/BackgroundProcessor", "BackgroundProcessor"),
        ("Microsoft.CloudHealth/healthModels/shop/entities/SHOP", "Stamp"),
        ("Microsoft.CloudHealth/healthModels/shop", None),
    ],
)
def test_a_resource_of_a_known_type_is_a_node(resource: str, node: str | None) -> None:
    """Of the reference's model, or of a health model of Azure Monitor; any other is none."""
    assert node_of(f"{WEU}/{resource}") == node


def test_resources_of_two_types_are_no_one_node() -> None:
    """The stamp is certain, the node is not."""
    assert where(KNOWN, f"{WEU}/{HUB}", f"{WEU}/Microsoft.KeyVault/vaults/kv") == ("weu", None)
    assert where(KNOWN, f"{WEU}/{HUB}", f"{WEU}/{HUB}2") == ("weu", "EventHub")


def test_a_name_of_a_stranger_s_entity_is_bounded() -> None:
    """It may become the name of a node in keys and pages."""
    node = node_of(f"{WEU}/Microsoft.CloudHealth/healthModels/m/entities/a\n{'x' * 1000}")
    assert node
    assert node.startswith("a x")
    assert len(node) <= 256


@pytest.mark.parametrize(
    "text", ["", "no id", "/subscriptions//resourceGroups//providers//", "/subscriptions/"]
)
def test_what_is_no_resource_id_tells_nothing(text: str) -> None:
    """None for each of its parts, and no fault."""
    assert (subscription(text), resource_type(text), resource_name(text), node_of(text)) == (
        None,
        None,
        "",
        None,
    )


def test_a_resource_id_tells_its_subscription_type_and_name() -> None:
    """In lower case, and without what hangs beneath the resource."""
    text = f"{WEU}/Microsoft.EventHub/namespaces/NS/eventhubs/Hub"
    assert (subscription(text), resource_type(text), resource_name(text)) == (
        "6f1d",
        "microsoft.eventhub/namespaces",
        "ns",
    )


ENTITIES = {
    "weu-root": ("weu", "Stamp"),
    "weu-hub": ("weu", "EventHub"),
    "db": (None, "CosmosDB"),
    "neu-root": ("neu", "Stamp"),
}


@pytest.mark.parametrize(
    ("entities", "stamp", "node"),
    [
        (["weu-root"], "weu", "Stamp"),
        (["WEU-ROOT/"], "weu", "Stamp"),
        (["weu-root", "weu-hub"], "weu", None),
        (["db"], None, "CosmosDB"),
        (["weu-root", "neu-root"], None, None),
        (["weu-root", "unheard-of"], None, None),
        (["unheard-of"], None, "unheard-of"),
        (["shop-model"], None, "Root"),
    ],
)
def test_the_health_model_of_the_workload_file_names_entities(
    entities: list[str], stamp: str | None, node: str | None
) -> None:
    """An entity is the stamp and node that `health_model` says; of two stamps, neither."""
    known = know(shop(root_node="Root", health_model=HealthModel(f"{MODEL}/", ENTITIES)))
    found = placed(known, *(f"{MODEL}/entities/{entity}" for entity in entities))
    assert found.subject == Subject("shop", stamp, node)
    assert ("`health_model` names its entity" in found.by) is (stamp is not None or entities == ["db"])


def test_an_entity_of_the_health_model_is_ours_wherever_the_model_lies() -> None:
    """The workload file names it, so its resource group need not be ours; a row of `subjects` still wins."""
    model = f"{FOREIGN}/Microsoft.CloudHealth/healthmodels/m"
    row = SubjectRow(alert="mine", stamp="neu")
    known = with_rows(row, health_model=HealthModel(model, ENTITIES))
    assert where(known, f"{model}/entities/weu-hub") == ("weu", "EventHub")
    assert where(known, f"{model}/entities/weu-hub", alert="mine") == ("neu", "weu-hub")


@pytest.mark.parametrize(
    ("target", "scope", "stamp", "node"),
    [
        (None, "/entities/weu-hub", "weu", "EventHub"),
        ("", "/entities/weu-hub", "weu", "EventHub"),
        ("/entities/neu-root", "/entities/weu-hub", "neu", "Stamp"),
        ("/entities/neu-root", "", "neu", "Stamp"),
        (None, "", None, None),
        ("", "", None, None),
    ],
)
def test_an_alert_of_a_health_model_is_about_the_entity_beneath_which_its_id_lies(
    target: str | None, scope: str, stamp: str | None, node: str | None
) -> None:
    """Unless its target says more; a model that `health_model` names is ours wherever it lies."""
    model = f"{FOREIGN}/Microsoft.CloudHealth/healthModels/M"
    known = know(shop(health_model=HealthModel(model.lower(), ENTITIES)))
    body = an_alert_body(
        alertTargetIDs=[] if target is None else [f"{model}{target}"],
        alertId=f"{model}{scope}/providers/Microsoft.AlertsManagement/alerts/1",
    )
    (signal,) = read(encode(body), known).signals
    assert (signal.subject.stamp, signal.subject.node) == (stamp, node)


def test_a_region_of_nobody_is_not_ours() -> None:
    """A region without a stamp of ours is never guessed; no region at all is Azure as a whole."""
    assert rejected(lambda: KNOWN.in_regions(["Brazil South"])).code is Code.NOT_OURS
    assert [each.subject for each in KNOWN.in_regions([])] == [Subject("shop")]
    assert [each.subject for each in KNOWN.in_regions(["Global", "East US"])] == [
        Subject("shop"),
        Subject("shop", "eus"),
    ]


def test_a_workload_without_a_health_service_host_has_no_origin() -> None:
    """An address without a host matches no label, not even an empty one."""
    stamps = tuple(replace(stamp, health_service="nowhere") for stamp in shop().stamps)
    found = placed(know(shop(stamps=stamps)), f"{MONITORING}/{WORKSPACE}/x", labels=(("host", ""),))
    assert found.subject == Subject("shop")


def test_two_stamps_behind_one_host_are_not_told_apart_by_it() -> None:
    """The fact is the workload's, and names both."""
    stamps = tuple(replace(stamp, health_service="https://shop.example/x") for stamp in shop().stamps)
    found = placed(know(shop(stamps=stamps)), labels=(("origin", "shop.example"),))
    assert (found.subject, found.by) == (Subject("shop"), "it names eus, neu, weu")


def test_the_root_is_that_of_the_workload_file() -> None:
    """Case matters, and what is not known is said with what is."""
    assert know(shop(root_node="Root")).root_of("shop", "weu") == "Root"
    assert KNOWN.workloads == ("shop",)
    assert "known are: shop" in rejected(lambda: KNOWN.root_of("Shop", None)).reason
    assert "known are: eus, neu, weu" in rejected(lambda: KNOWN.root_of("shop", "WEU")).reason
